//! Who is believed about what, and what they may do.

use super::values::{ConfiguredId, bounded, by_provider};
use crate::domain::time::Timestamp;
use crate::domain::trust::grant::GrantTerms;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use std::net::IpAddr;
use std::path::PathBuf;

/// Who is believed about what.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trust {
    /// What the server is for; a file must name one.
    pub profile: Option<Profile>,
    /// Our certificate and what leads to its root (PEM) ...
    pub certificate_file: Option<PathBuf>,
    /// ... and its key (PEM), which only its owner may read;
    pub key_file: Option<PathBuf>,
    /// or both in one PKCS#12 file ...
    pub pkcs12_file: Option<PathBuf>,
    /// ... with the file of its password.
    pub pkcs12_password_file: Option<PathBuf>,
    /// The issuers of systems' certificates (PEM).
    pub client_ca_file: Option<PathBuf>,
    /// Lists of revoked certificates (PEM or DER).
    pub crl_dir: Option<PathBuf>,
    /// Hours for which a list counts after it should have been replaced, 0 to 720.
    #[serde(deserialize_with = "bounded::<_, 0, 720, _>")]
    pub crl_grace_hours: u32,
    /// What comes then.
    pub crl_expired: CrlExpired,
    /// How it is known who is revoked.
    pub revocation: RevocationBy,
    /// Systems that say for whom they call: service platforms.
    pub platforms: Vec<ConfiguredId>,
    /// Those among them whose own rules are believed: their consumers need no grants.
    pub trust_tak: Vec<ConfiguredId>,
    /// Systems that end TLS for others, by their certificates ...
    pub proxies: Vec<ConfiguredId>,
    /// ... or, over plain HTTP, by their addresses.
    pub proxy_addresses: Vec<IpAddr>,
    /// The header in which they hand over the caller's certificate.
    pub certificate_header: Option<String>,
    /// How it is written there.
    pub certificate_encoding: CertificateEncoding,
    /// Certificates between a caller's and its issuer that a header does not have (PEM).
    pub intermediates_file: Option<PathBuf>,
    /// Systems that read `/status` and `/metrics` ...
    pub operators: Vec<ConfiguredId>,
    /// ... or, over plain HTTP, from where they are read: no proxy may be there.
    pub operator_addresses: Vec<IpAddr>,
    /// What is refused is answered how.
    pub refusal: RefusalForm,
    /// Organisations' care providers, for who says to act for an organisation.
    #[serde(deserialize_with = "by_provider")]
    pub organisation: Vec<(ConfiguredId, Vec<ConfiguredId>)>,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            profile: None,
            certificate_file: None,
            key_file: None,
            pkcs12_file: None,
            pkcs12_password_file: None,
            client_ca_file: None,
            crl_dir: None,
            crl_grace_hours: 24,
            crl_expired: CrlExpired::Refuse,
            revocation: RevocationBy::Lists,
            platforms: Vec::new(),
            trust_tak: Vec::new(),
            proxies: Vec::new(),
            proxy_addresses: Vec::new(),
            certificate_header: None,
            certificate_encoding: CertificateEncoding::Base64,
            intermediates_file: None,
            operators: Vec::new(),
            operator_addresses: Vec::new(),
            refusal: RefusalForm::Answer,
            organisation: Vec::new(),
        }
    }
}

/// What the server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// A tester's own machine: who calls from there may do everything, as whoever it says it is.
    Bench,
    /// Tests between systems: certificates of tests are trusted beside others.
    Test,
    /// Patients' data.
    Production,
}

impl Profile {
    /// As the setting has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bench => "bench",
            Self::Test => "test",
            Self::Production => "production",
        }
    }
}

/// What becomes of who would be known by a list that should have been replaced long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrlExpired {
    /// They are not let in.
    Refuse,
    /// They are, with an alarm.
    Alarm,
}

/// How it is known who is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationBy {
    /// By lists.
    Lists,
    /// It is not.
    None,
}

/// How a certificate is written in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateEncoding {
    /// Base64 of DER without markers; of several, joined by commas, the first counts (Traefik).
    Base64,
    /// PEM with markers, its line ends as blanks (the service platform).
    Pem,
    /// PEM, percent-encoded (nginx).
    Percent,
    /// A byte sequence of structured fields (RFC 9440).
    Rfc9440,
}

/// How a caller without a grant is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum RefusalForm {
    /// As the contract foresees it.
    #[serde(rename = "answer")]
    Answer,
    /// By HTTP status 403.
    #[serde(rename = "http-403")]
    Http403,
}

/// A grant in the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfiguredGrant {
    consumer: String,
    contracts: Vec<String>,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    logical_addresses: Vec<String>,
    care_providers: Vec<String>,
    #[serde(default)]
    via: Vec<String>,
    #[serde(default, deserialize_with = "moment")]
    from: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    until: Option<Timestamp>,
}

impl From<&ConfiguredGrant> for GrantTerms {
    fn from(grant: &ConfiguredGrant) -> Self {
        let grant = grant.clone();
        Self {
            consumer: grant.consumer,
            contracts: grant.contracts,
            tenant: grant.tenant,
            logical_addresses: grant.logical_addresses,
            care_providers: grant.care_providers,
            via: grant.via,
            from: grant.from,
            until: grant.until,
        }
    }
}

/// A moment with its offset from UTC.
fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let written = toml::value::Datetime::deserialize(from)?.to_string();
    let read = chrono::DateTime::parse_from_rfc3339(&written);
    let read = read.map_err(|_| {
        D::Error::custom(format!(
            "{written}: must be a date with a time and its offset, as 2027-01-01T00:00:00+01:00"
        ))
    })?;
    Ok(Some(read.to_utc()))
}

impl Trust {
    /// The settings that contradict each other.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        let both =
            |one: &Option<PathBuf>, other: &Option<PathBuf>| one.is_some() == other.is_some();
        if !both(&self.certificate_file, &self.key_file) {
            return Some("certificate_file and key_file go together");
        }
        if self.pkcs12_file.is_some() && self.certificate_file.is_some() {
            return Some("pkcs12_file or certificate_file: one of the two");
        }
        if self.pkcs12_password_file.is_some() && self.pkcs12_file.is_none() {
            return Some("pkcs12_password_file: there is no pkcs12_file");
        }
        if self.client_ca_file.is_some()
            && self.crl_dir.is_none()
            && self.revocation == RevocationBy::Lists
        {
            return Some("crl_dir is needed, or revocation = \"none\"");
        }
        if self.certificate_header.is_some() && self.client_ca_file.is_none() {
            return Some(
                "certificate_header needs client_ca_file: certificates are verified again",
            );
        }
        if self.certificate_header.is_none()
            && !(self.proxies.is_empty() && self.proxy_addresses.is_empty())
        {
            return Some("proxies need certificate_header");
        }
        if self.certificate_header.is_some()
            && self.proxies.is_empty()
            && self.proxy_addresses.is_empty()
        {
            return Some("certificate_header: there are no proxies that hand one on");
        }
        let is_token = |name: &String| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
                && !name.to_ascii_lowercase().starts_with("x-rivta-")
        };
        if self.certificate_header.as_ref().is_some_and(|name| !is_token(name)) {
            return Some("certificate_header: no name that such a header can have");
        }
        if self.proxies.iter().any(|id| self.platforms.contains(id)) {
            return Some("proxies: one stands in platforms too");
        }
        if self.proxy_addresses.iter().any(|at| self.operator_addresses.contains(at)) {
            return Some(
                "operator_addresses: a proxy's address: everybody behind it would be an operator",
            );
        }
        let named = [&self.platforms, &self.proxies, &self.operators];
        if named.into_iter().flatten().any(|id| id.as_str().contains('*')) {
            return Some("platforms, proxies and operators are named one by one");
        }
        if self.crl_dir.is_some() && self.revocation == RevocationBy::None {
            return Some("crl_dir stands beside revocation = \"none\"");
        }
        if self.trust_tak.iter().any(|id| !self.platforms.contains(id)) {
            return Some("trust_tak: must stand in platforms too");
        }
        None
    }
}
