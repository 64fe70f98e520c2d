//! Lists of revoked certificates, as the operator's own fetching leaves them in a folder.
//!
//! Each is verified where it is loaded: one that does not fit would otherwise fail every handshake. The newest of an
//! issuer counts, and never an older one than before.

use crate::domain::time::Timestamp;
use chrono::TimeDelta;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use std::path::{Path, PathBuf};
use x509_parser::num_bigint::BigUint;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

/// Clocks may differ by so much.
const AHEAD: TimeDelta = TimeDelta::minutes(5);
/// The longest list that is read: the country's largest has some megabytes.
const BYTES_MAX: u64 = 64 << 20;
const TO_COME: &str = "it is of a time to come";
/// Files of the folder that are looked at.
const FILES_MAX: usize = 256;

/// A list of revoked certificates whose signature has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCrl {
    /// The issuer, as it is encoded.
    pub issuer: Vec<u8>,
    /// The same for people.
    pub issuer_name: String,
    number: Option<BigUint>,
    this_update: Timestamp,
    /// When there is to be a newer one; from then on it counts as long as the setting says.
    pub next_update: Option<Timestamp>,
    /// The list.
    pub der: CertificateRevocationListDer<'static>,
}

/// What was found in a folder.
#[derive(Debug, Default)]
pub struct FoundCrls {
    /// The newest of each issuer.
    pub newest: Vec<KnownCrl>,
    /// What was passed over, and why.
    pub passed_over: Vec<String>,
    /// Some of it could be right another time, though no file changes.
    pub may_mend: bool,
}

/// Reads a folder; `before` counts where nothing newer is found.
///
/// # Errors
/// That the folder cannot be read.
pub fn load(
    folder: &Path,
    issuers: &[CertificateDer<'_>],
    before: &[KnownCrl],
    now: Timestamp,
) -> std::io::Result<FoundCrls> {
    let before: Vec<KnownCrl> = before.iter().filter(|crl| crl.is_of(issuers)).cloned().collect();
    let mut found = FoundCrls { newest: before.clone(), ..FoundCrls::default() };
    for path in files(folder)? {
        let bytes = match std::fs::metadata(&path).map(|file| file.len()) {
            Ok(..=BYTES_MAX) => std::fs::read(&path),
            Ok(_) => Err(std::io::Error::other("longer than a list can be")),
            Err(error) => Err(error),
        };
        let read = bytes
            .map_err(|error| error.to_string())
            .and_then(|bytes| lists(&bytes))
            .and_then(|lists| lists.into_iter().map(|der| known(der, issuers, now)).collect());
        match read {
            Ok(read) => {
                let read: Vec<KnownCrl> = read;
                for crl in read {
                    found.keep(crl, &before, &path);
                }
            }
            Err(why) => {
                found.may_mend |= why.contains(TO_COME) || !path.is_file();
                found.passed_over.push(format!("{}: {why}", path.display()));
            }
        }
    }
    Ok(found)
}

/// The files of a folder that may be lists, in the order of their names.
pub(super) fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // Whoever fetches writes beside and renames.
        let is_hidden =
            path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    match paths.len() <= FILES_MAX {
        true => Ok(paths),
        false => Err(std::io::Error::other(format!("more than {FILES_MAX} files"))),
    }
}

/// The lists of a file: PEM or DER.
fn lists(bytes: &[u8]) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    if !bytes.starts_with(b"-----") {
        return Ok(vec![CertificateRevocationListDer::from(bytes.to_vec())]);
    }
    let read: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(bytes).collect();
    match read {
        Ok(lists) if lists.is_empty() => Err("has no list (PEM X509 CRL)".into()),
        Ok(lists) => Ok(lists),
        Err(error) => Err(error.to_string()),
    }
}

fn known(
    der: CertificateRevocationListDer<'static>,
    issuers: &[CertificateDer<'_>],
    now: Timestamp,
) -> Result<KnownCrl, String> {
    let (_, list) = CertificateRevocationList::from_der(&der)
        .map_err(|_| "not a list of revoked certificates")?;
    if !is_signed(&list, issuers) {
        return Err(format!("not signed by an issuer that is trusted ({})", list.issuer()));
    }
    let time = |at: x509_parser::time::ASN1Time| Timestamp::from_timestamp(at.timestamp(), 0);
    let this_update = time(list.last_update()).ok_or("a time that is none")?;
    if this_update > now + AHEAD {
        return Err(format!("{TO_COME} ({this_update})"));
    }
    // What could not be used would fail every handshake: deltas, indirect lists and the like.
    webpki::OwnedCertRevocationList::from_der(&der).map_err(|error| error.to_string())?;
    Ok(KnownCrl {
        issuer: list.issuer().as_raw().to_vec(),
        issuer_name: list.issuer().to_string(),
        number: list.crl_number().cloned(),
        this_update,
        next_update: list.next_update().and_then(time),
        der,
    })
}

/// Whether one of the issuers has signed a list.
fn is_signed(list: &CertificateRevocationList<'_>, issuers: &[CertificateDer<'_>]) -> bool {
    issuers.iter().any(|issuer| {
        let Ok((_, issuer)) = X509Certificate::from_der(issuer) else { return false };
        issuer.subject().as_raw() == list.issuer().as_raw()
            && list.verify_signature(issuer.public_key()).is_ok()
    })
}

impl KnownCrl {
    /// Whether it is still one of a trusted issuer's: keys may have changed.
    fn is_of(&self, issuers: &[CertificateDer<'_>]) -> bool {
        CertificateRevocationList::from_der(&self.der)
            .is_ok_and(|(_, list)| is_signed(&list, issuers))
    }
}

impl FoundCrls {
    /// Keeps the newest of an issuer.
    fn keep(&mut self, crl: KnownCrl, before: &[KnownCrl], path: &Path) {
        let older_than =
            |other: &KnownCrl| (&crl.number, crl.this_update) < (&other.number, other.this_update);
        if before.iter().any(|before| before.issuer == crl.issuer && older_than(before)) {
            self.passed_over.push(format!("{}: older than the one in force", path.display()));
            return;
        }
        match self.newest.iter_mut().find(|known| known.issuer == crl.issuer) {
            Some(known) if older_than(known) => {}
            Some(known) => *known = crl,
            None => self.newest.push(crl),
        }
    }
}
