//! What a system's certificate says: its HSA-id, and until when.

use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::asn1_rs::Tag;
use x509_parser::oid_registry::OID_X509_SERIALNUMBER;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The longest HSA-id.
const ID_CHARS_MAX: usize = 64;

/// What a certificate says of whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The attribute serialNumber (2.5.4.5) of its subject.
    pub hsa_id: HsaId,
    /// Until when it is valid.
    pub ends_at: Timestamp,
}

/// Why nobody is known by a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSubject {
    /// It cannot be read.
    #[error("not a certificate")]
    Unreadable,
    /// Its subject has no serialNumber, or two.
    #[error("its subject has not one serialNumber")]
    NotOne,
    /// Its serialNumber is no id.
    #[error("its serialNumber is not 1 to 64 visible characters")]
    NoId,
}

/// Whose a certificate is. Only the attribute itself is read, never a printed name: what a name says of attributes is
/// text.
///
/// # Errors
/// That nobody is known by it.
pub fn subject(certificate: &CertificateDer<'_>) -> Result<Subject, NoSubject> {
    let (rest, read) = X509Certificate::from_der(certificate).map_err(|_| NoSubject::Unreadable)?;
    if !rest.is_empty() {
        return Err(NoSubject::Unreadable);
    }
    let mut found =
        read.subject().iter_attributes().filter(|at| *at.attr_type() == OID_X509_SERIALNUMBER);
    let (Some(one), None) = (found.next(), found.next()) else {
        return Err(NoSubject::NotOne);
    };
    let value = one.attr_value();
    let is_text = [Tag::PrintableString, Tag::Utf8String].contains(&value.tag());
    let text = std::str::from_utf8(value.data).ok().filter(|text| {
        is_text && text.len() <= ID_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let hsa_id = text.and_then(HsaId::new).ok_or(NoSubject::NoId)?;
    let seconds = read.validity().not_after.timestamp();
    let ends_at = Timestamp::from_timestamp(seconds, 0).ok_or(NoSubject::Unreadable)?;
    Ok(Subject { hsa_id, ends_at })
}

/// The issuer of a certificate, as it is encoded.
pub(super) fn issuer(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, read) = X509Certificate::from_der(certificate).ok()?;
    Some(read.issuer().as_raw().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair};

    fn certificate(attributes: &[(&[u64], DnValue)]) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (oid, value) in attributes {
            params.distinguished_name.push(DnType::from_oid(oid), value.clone());
        }
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    const SERIAL: &[u64] = &[2, 5, 4, 5];
    const NAME: &[u64] = &[2, 5, 4, 3];

    fn printable(text: &str) -> DnValue {
        DnValue::PrintableString(text.try_into().unwrap())
    }

    #[test]
    fn the_hsa_id_comes_from_its_own_attribute() {
        let steering = DnValue::Utf8String("x, SERIALNUMBER=SE1,2.5.4.5=SE1".into());
        let both =
            certificate(&[(NAME, steering.clone()), (SERIAL, printable("SE2321000016-B02"))]);
        assert_eq!(subject(&both).unwrap().hsa_id.as_str(), "SE2321000016-B02");
        assert_eq!(subject(&certificate(&[(NAME, steering)])), Err(NoSubject::NotOne));
        let utf8 = certificate(&[(SERIAL, DnValue::Utf8String("TST-1".into()))]);
        assert_eq!(subject(&utf8).unwrap().hsa_id.as_str(), "TST-1");
        for wrong in ["", "two words", "Å", &"x".repeat(65)] {
            let of = certificate(&[(SERIAL, DnValue::Utf8String(wrong.into()))]);
            assert_eq!(subject(&of), Err(NoSubject::NoId), "{wrong}");
        }
        let bmp = DnValue::BmpString("SE1".try_into().unwrap());
        assert_eq!(subject(&certificate(&[(SERIAL, bmp)])), Err(NoSubject::NoId));
    }
}
