//! A hierarchy of certificates for tests, with the likeness of the real one: an issuer of systems' certificates, one of
//! people's, and those of each kind that a server must tell apart.

use crate::domain::time::Timestamp;
use chrono::{Datelike, Days, Months, NaiveDate};
use openssl::asn1::{Asn1Integer, Asn1Time, Asn1Type};
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::x509::extension::ExtendedKeyUsage as OpensslUsage;
use openssl::x509::{X509, X509NameBuilder};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA512, RevokedCertParams, RsaKeySize, SerialNumber,
};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The password of every PKCS#12 file.
pub const PASSWORD: &str = "sigill";
/// Years for which certificates are valid, and months for which lists are.
const YEARS: i32 = 2;
const LIST_MONTHS: u32 = 12;

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum DevPkiError {
    /// A file cannot be written.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A key or a certificate cannot be made.
    #[error("certificates: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The same.
    #[error("certificates: {0}")]
    Openssl(#[from] ErrorStack),
    /// The dates of certificates.
    #[error("the clock's year cannot stand in a certificate")]
    Year,
}

/// The files of a hierarchy.
#[derive(Debug, Clone)]
pub struct DevPki {
    folder: PathBuf,
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// When certificates begin and end.
#[derive(Clone, Copy)]
struct Dates {
    begin: NaiveDate,
    end: NaiveDate,
    lists_end: NaiveDate,
}

/// A certificate that is made.
struct SystemKind {
    /// The name of its files.
    file: &'static str,
    /// Its HSA-id.
    id: &'static str,
    names: &'static [&'static str],
    serial: u64,
    is_rsa: bool,
}

const SYSTEMS: [SystemKind; 7] = [
    SystemKind {
        file: "server",
        id: "TSTSIGILL-SERVER",
        names: &["localhost", "127.0.0.1"],
        serial: 11,
        is_rsa: false,
    },
    SystemKind {
        file: "platform",
        id: "TSTSIGILL-PLATFORM",
        names: &["platform.example"],
        serial: 12,
        is_rsa: false,
    },
    SystemKind {
        file: "consumer",
        id: "TSTSIGILL-CONSUMER",
        names: &["consumer.example"],
        serial: 13,
        is_rsa: false,
    },
    SystemKind {
        file: "consumer2",
        id: "TSTSIGILL-CONSUMER2",
        names: &["consumer2.example"],
        serial: 14,
        is_rsa: false,
    },
    SystemKind {
        file: "consumer-rsa",
        id: "TSTSIGILL-CONSUMER-RSA",
        names: &["rsa.example"],
        serial: 15,
        is_rsa: true,
    },
    SystemKind {
        file: "revoked",
        id: "TSTSIGILL-REVOKED",
        names: &["revoked.example"],
        serial: REVOKED,
        is_rsa: false,
    },
    SystemKind {
        file: "expired",
        id: "TSTSIGILL-EXPIRED",
        names: &["expired.example"],
        serial: 17,
        is_rsa: false,
    },
];
const REVOKED: u64 = 16;

impl DevPki {
    /// Of a folder.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// A file of it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether it has been made completely.
    pub fn is_there(&self) -> bool {
        self.file("README").is_file()
    }

    /// Makes all files; those that are there already are written anew.
    ///
    /// # Errors
    /// What cannot be made or written.
    pub fn make(&self, now: Timestamp) -> Result<(), DevPkiError> {
        let today = now.date_naive();
        let begin = today.checked_sub_days(Days::new(2)).ok_or(DevPkiError::Year)?;
        let end = begin.with_year(begin.year() + YEARS);
        let end =
            end.or_else(|| begin.checked_add_months(Months::new(24))).ok_or(DevPkiError::Year)?;
        let lists_end =
            begin.checked_add_months(Months::new(LIST_MONTHS)).ok_or(DevPkiError::Year)?;
        let dates = Dates { begin, end, lists_end };
        for folder in ["crl", "person-crl"] {
            let path = self.file(folder);
            fs::create_dir_all(&path).map_err(|error| DevPkiError::File(path, error))?;
        }
        let root =
            Issuer::self_signed(issuer("DEV SIGILL Root CA v1", 1, dates), KeyPair::generate()?)?;
        let under = |name, serial| -> Result<Issuer, DevPkiError> {
            Ok(Issuer::signed_by(issuer(name, serial, dates), KeyPair::generate()?, &root)?)
        };
        let systems = under("DEV SIGILL Function CA v1", 2)?;
        let people = under("DEV SIGILL Person HSA-id 3 CA v1", 3)?;
        for (name, issuer) in
            [("root-ca", &root), ("function-ca", &systems), ("person-ca", &people)]
        {
            self.write(&format!("{name}.pem"), issuer.pem().as_bytes(), 0o644)?;
        }
        for kind in &SYSTEMS {
            let is_over = kind.file == "expired";
            let end = if is_over { begin.succ_opt().ok_or(DevPkiError::Year)? } else { end };
            let key = match kind.is_rsa {
                true => KeyPair::generate_rsa_for(&PKCS_RSA_SHA512, RsaKeySize::_4096)?,
                false => KeyPair::generate()?,
            };
            let mut params = system(kind.id, kind.names, kind.serial, Dates { end, ..dates })?;
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
            let made = params.signed_by(&key, &systems)?;
            self.identity(kind.file, (&made.pem(), &key.serialize_pem()), &systems.pem())?;
        }
        let key = KeyPair::generate()?;
        let mut person = system("TSTSIGILL-PERSON", &[], 18, dates)?;
        person.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let made = person.signed_by(&key, &people)?;
        self.identity("person", (&made.pem(), &key.serialize_pem()), &people.pem())?;
        let (odd, key) = odd(&systems, dates)?;
        self.identity("two-ids", (&odd, &key), &systems.pem())?;
        self.write("crl/function-ca.crl", list(&systems, &[REVOKED], dates)?.as_bytes(), 0o644)?;
        self.write("person-crl/person-ca.crl", list(&people, &[], dates)?.as_bytes(), 0o644)?;
        self.write("p12-password", PASSWORD.as_bytes(), 0o600)?;
        // What comes last tells that all is there.
        self.write("README", README.as_bytes(), 0o644)
    }

    /// A certificate with its issuer, its key, and both in one file.
    fn identity(
        &self,
        name: &str,
        (certificate, key): (&str, &str),
        issuer: &str,
    ) -> Result<(), DevPkiError> {
        self.write(&format!("{name}.pem"), format!("{certificate}{issuer}").as_bytes(), 0o644)?;
        self.write(&format!("{name}.key"), key.as_bytes(), 0o600)?;
        let mut above = Stack::new()?;
        above.push(X509::from_pem(issuer.as_bytes())?)?;
        let (own, key) =
            (X509::from_pem(certificate.as_bytes())?, PKey::private_key_from_pem(key.as_bytes())?);
        let together =
            Pkcs12::builder().name(name).pkey(&key).cert(&own).ca(above).build2(PASSWORD)?;
        self.write(&format!("{name}.p12"), &together.to_der()?, 0o600)
    }

    fn write(&self, name: &str, bytes: &[u8], mode: u32) -> Result<(), DevPkiError> {
        let path = self.file(name);
        // Whoever reads meanwhile has the old file or the new one.
        let beside = path.with_extension(format!("new-{}", std::process::id()));
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&beside)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&beside, &path));
        written.map_err(|error| DevPkiError::File(path, error))
    }
}

const README: &str = "Certificates for tests, made by `sigill dev-pki`: nobody but a test may trust them.

root-ca.pem, function-ca.pem, person-ca.pem  the issuers; systems are let in by function-ca.pem
crl/, person-crl/                            their lists of revoked certificates
server                                       the server's own certificate, for localhost and 127.0.0.1
platform, consumer, consumer2, consumer-rsa  systems
revoked, expired, two-ids, person            who must not be let in

Each is NAME.pem (with its issuer), NAME.key, and NAME.p12 with the password in p12-password.
";

fn day(date: NaiveDate) -> Result<(i32, u8, u8), DevPkiError> {
    let small = |number: u32| u8::try_from(number).map_err(|_| DevPkiError::Year);
    // Certificates count years in two ways, and libraries know them to here.
    match date.year() {
        1970..=2049 => Ok((date.year(), small(date.month())?, small(date.day())?)),
        _ => Err(DevPkiError::Year),
    }
}

fn named(name: &str, id: Option<&str>) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    let printable = |text: &str| match text.try_into() {
        Ok(printable) => DnValue::PrintableString(printable),
        Err(_) => DnValue::Utf8String(text.to_owned()),
    };
    subject.push(DnType::CountryName, printable("SE"));
    if id.is_some() {
        subject.push(DnType::LocalityName, printable("Testort"));
    }
    subject.push(DnType::OrganizationName, printable("Sigill"));
    subject.push(DnType::CommonName, printable(name));
    if let Some(id) = id {
        subject.push(DnType::CustomDnType(vec![2, 5, 4, 5]), printable(id));
    }
    subject
}

fn valid(params: &mut CertificateParams, dates: Dates) -> Result<(), DevPkiError> {
    let ((y, m, d), (ey, em, ed)) = (day(dates.begin)?, day(dates.end)?);
    params.not_before = rcgen::date_time_ymd(y, m, d);
    params.not_after = rcgen::date_time_ymd(ey, em, ed);
    Ok(())
}

fn issuer(name: &str, serial: u64, dates: Dates) -> CertificateParams {
    let mut params = CertificateParams::default();
    // Dates have been looked at by whoever made them.
    _ = valid(&mut params, dates);
    params.distinguished_name = named(name, None);
    params.serial_number = Some(SerialNumber::from(serial));
    params.is_ca = IsCa::Ca(match serial {
        1 => BasicConstraints::Unconstrained,
        _ => BasicConstraints::Constrained(0),
    });
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn system(
    id: &str,
    names: &[&str],
    serial: u64,
    dates: Dates,
) -> Result<CertificateParams, DevPkiError> {
    let of: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(of)?;
    valid(&mut params, dates)?;
    let name = names.first().copied().unwrap_or("Tolvan Tolvansson");
    params.distinguished_name = named(name, Some(id));
    params.serial_number = Some(SerialNumber::from(serial));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn list(issuer: &Issuer, revoked: &[u64], dates: Dates) -> Result<String, DevPkiError> {
    let ((y, m, d), (ey, em, ed)) = (day(dates.begin)?, day(dates.lists_end)?);
    let begin = rcgen::date_time_ymd(y, m, d);
    let of = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: begin,
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: begin,
        next_update: rcgen::date_time_ymd(ey, em, ed),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked.iter().map(of).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(params.signed_by(issuer)?.pem()?)
}

/// A certificate whose subject has two serialNumbers, and its key: what makes the others cannot make it.
fn odd(issuer: &Issuer, dates: Dates) -> Result<(String, String), DevPkiError> {
    let (key, above) =
        (KeyPair::generate()?.serialize_pem(), X509::from_pem(issuer.pem().as_bytes())?);
    let own: PKey<Private> = PKey::private_key_from_pem(key.as_bytes())?;
    let signing: PKey<Private> =
        PKey::private_key_from_pem(issuer.key().serialize_pem().as_bytes())?;
    let mut subject = X509NameBuilder::new()?;
    for (field, text) in [
        ("C", "SE"),
        ("O", "Sigill"),
        ("CN", "two.example"),
        ("serialNumber", "TSTSIGILL-CONSUMER"),
        ("serialNumber", "TSTSIGILL-ODD"),
    ] {
        subject.append_entry_by_text_with_type(field, text, Asn1Type::PRINTABLESTRING)?;
    }
    let at = |date: NaiveDate| Asn1Time::from_str(&format!("{}000000Z", date.format("%Y%m%d")));
    let serial: Asn1Integer = BigNum::from_u32(19)?.to_asn1_integer()?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&serial)?;
    builder.set_subject_name(&subject.build())?;
    builder.set_issuer_name(above.subject_name())?;
    builder.set_not_before(&*at(dates.begin)?)?;
    builder.set_not_after(&*at(dates.end)?)?;
    builder.set_pubkey(&own)?;
    builder.append_extension(OpensslUsage::new().client_auth().build()?)?;
    builder.sign(&signing, MessageDigest::sha256())?;
    Ok((String::from_utf8_lossy(&builder.build().to_pem()?).into_owned(), key))
}
