//! Certificates that a proxy hands on in a header, as each writes them.

use super::tls::snapshot::LetIn;
use crate::config::trust::{CertificateEncoding, Trust};
use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Certificates of one header.
const CERTIFICATES_MAX: usize = 8;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Certificates that have been verified, as they are written: verifying one anew for each request would cost more than
/// most requests.
#[derive(Debug, Default)]
pub struct Verified(Mutex<HashMap<String, (u64, LetIn)>>);

/// So many are kept.
const VERIFIED_MAX: usize = 1_024;

impl Verified {
    /// Whose a certificate is that this snapshot has let in, and still does.
    pub(super) fn system(&self, value: &str, generation: u64, now: Timestamp) -> Option<HsaId> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, let_in) = kept.get(value)?;
        (*of == generation && now <= let_in.until).then(|| let_in.subject.hsa_id.clone())
    }

    /// Keeps that a snapshot has let one in.
    pub(super) fn keep(&self, value: &str, generation: u64, let_in: LetIn) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= VERIFIED_MAX {
            kept.clear();
        }
        kept.insert(value.to_owned(), (generation, let_in));
    }
}

/// The header, and how it is written; there is no guessing.
#[derive(Debug, Clone)]
pub struct Forwarded {
    header: String,
    encoding: CertificateEncoding,
}

impl Forwarded {
    /// As configured; `None`: there is none.
    pub fn of(trust: &Trust) -> Option<Self> {
        let header = trust.certificate_header.as_ref()?.to_ascii_lowercase();
        Some(Self { header, encoding: trust.certificate_encoding })
    }

    /// The header's name.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The system's certificate first; `None`: it is not written so.
    pub fn chain(&self, value: &str) -> Option<Vec<CertificateDer<'static>>> {
        match self.encoding {
            CertificateEncoding::Base64 => {
                let one = |text: &str| decoded(text.trim());
                let chain: Option<Vec<_>> =
                    value.split(',').take(CERTIFICATES_MAX).map(one).collect();
                chain
            }
            CertificateEncoding::Pem => pem(value),
            CertificateEncoding::Percent => pem(&percent(value)?),
            CertificateEncoding::Rfc9440 => {
                let inner = value.strip_prefix(':')?.strip_suffix(':')?;
                decoded(inner).map(|one| vec![one])
            }
        }
    }
}

fn decoded(text: &str) -> Option<CertificateDer<'static>> {
    let bytes = STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())?;
    Some(CertificateDer::from(bytes))
}

/// PEM whose line ends may be blanks, or have gone.
fn pem(text: &str) -> Option<Vec<CertificateDer<'static>>> {
    let (mut rest, mut chain) = (text.trim(), Vec::new());
    while !rest.is_empty() && chain.len() < CERTIFICATES_MAX {
        let (body, behind) = rest.strip_prefix(BEGIN)?.split_once(END)?;
        let body: String = body.split_ascii_whitespace().collect();
        chain.push(decoded(&body)?);
        rest = behind.trim_start();
    }
    (!chain.is_empty()).then_some(chain)
}

/// What was percent-encoded; `+` is itself.
fn percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(encoding: CertificateEncoding) -> Forwarded {
        Forwarded { header: "x".into(), encoding }
    }

    #[test]
    fn each_way_of_writing_is_read_and_no_other() {
        use CertificateEncoding::{Base64, Pem, Percent, Rfc9440};
        let plain = STANDARD.encode([0x30, 0xff, 0xfe, 0x01, 0x02, 0x03, 0x3e, 0x3f]);
        let pem = format!("{BEGIN} {} {} {END}", &plain[..4], &plain[4..]);
        let percent = format!("{BEGIN}\n{plain}\n{END}\n")
            .replace('\n', "%0A")
            .replace(' ', "%20")
            .replace('+', "%2B")
            .replace('/', "%2f");
        let written = [
            (Base64, format!("{plain},{plain}"), 2),
            (Pem, format!("{pem} {pem}"), 2),
            (Percent, percent, 1),
            (Rfc9440, format!(":{plain}:"), 1),
        ];
        for (encoding, text, count) in &written {
            let chain = forwarded(*encoding).chain(text).unwrap();
            assert_eq!(chain.len(), *count, "{text}");
            assert_eq!(chain[0].as_ref(), [0x30, 0xff, 0xfe, 0x01, 0x02, 0x03, 0x3e, 0x3f]);
            for (other, foreign, _) in &written {
                // What has nothing that must be encoded is the same in both.
                if other == encoding || (*encoding, *other) == (Percent, Pem) {
                    continue;
                }
                let read = forwarded(*encoding).chain(foreign);
                assert!(read.is_none(), "{encoding:?} {foreign}");
            }
        }
        for wrong in [
            "",
            " ",
            ",",
            "%",
            "%zz",
            "::",
            ":%:",
            BEGIN,
            "-----BEGIN CERTIFICATE----- -----END CERTIFICATE-----",
        ] {
            for encoding in [Base64, Pem, Percent, Rfc9440] {
                assert_eq!(forwarded(encoding).chain(wrong), None, "{encoding:?} {wrong}");
            }
        }
    }
}
