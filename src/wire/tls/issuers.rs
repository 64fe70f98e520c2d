//! Who issues the certificates of those whom we let in, by name.

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Names of issuers that are for tests, and of those that `sigill dev-pki` makes.
const TEST_NAMES: [&str; 2] = ["TEST ", "SYSTEMTEST "];
const DEV_NAME: &str = "DEV SIGILL";

/// Which names issuers may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuerNames {
    /// Any.
    Any,
    /// Those of tests and real ones, not the two together, and none that `sigill dev-pki` makes.
    OneKind,
}

/// The subject of a certificate, for people and as it is encoded.
pub(super) fn name(certificate: &CertificateDer<'_>) -> (String, Vec<u8>) {
    match X509Certificate::from_der(certificate) {
        Ok((_, read)) => (read.subject().to_string(), read.subject().as_raw().to_vec()),
        Err(_) => (String::new(), Vec::new()),
    }
}

fn common_name(certificate: &CertificateDer<'_>) -> String {
    let Ok((_, read)) = X509Certificate::from_der(certificate) else { return String::new() };
    let names: Vec<&str> =
        read.subject().iter_common_name().filter_map(|n| n.as_str().ok()).collect();
    names.concat()
}

/// Whether issuers may have their names.
///
/// # Errors
/// Why they may not.
pub(super) fn check_names(
    allowed: IssuerNames,
    issuers: &[CertificateDer<'_>],
) -> Result<(), &'static str> {
    if allowed == IssuerNames::Any {
        return Ok(());
    }
    let names: Vec<String> = issuers.iter().map(common_name).collect();
    let is_test = |name: &&String| TEST_NAMES.iter().any(|test| name.starts_with(test));
    let wrong = if names.iter().any(|name| name.starts_with(DEV_NAME)) {
        "an issuer that sigill dev-pki made is for tests (trust.profile = \"test\" or \"bench\")"
    } else if names.iter().any(|name| is_test(&name)) && !names.iter().all(|name| is_test(&name)) {
        "issuers of tests and others are trusted together (trust.profile = \"test\" allows it)"
    } else {
        return Ok(());
    };
    Err(wrong)
}
