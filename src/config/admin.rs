//! The pages for people: where they are, who logs in and how, what they may do.

use super::values::{ConfiguredId, base_address, bounded, by_provider};
use crate::domain::identity::HsaId;
use crate::domain::people::extract::NamesPolicy;
use crate::domain::people::roles::{Role, RoleRule, defaults};
use crate::domain::people::session::SessionTimes;
use chrono::TimeDelta;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The pages for people.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Address and port; none: there are no pages. On a test bench the port after that of calls.
    pub listen: Option<SocketAddr>,
    /// Under which address people reach them, where that is not the one listened on.
    #[serde(deserialize_with = "base_address")]
    pub base_address: Option<String>,
    /// Certificate and what leads to its root (PEM) ...
    pub certificate_file: Option<PathBuf>,
    /// ... and its key (PEM). Without them the pages are plain HTTP, on loopback only: a proxy ends TLS.
    pub key_file: Option<PathBuf>,
    /// The issuers of people's certificates (PEM): who has one may log in with it.
    pub client_ca_file: Option<PathBuf>,
    /// Lists of revoked certificates of these issuers.
    pub crl_dir: Option<PathBuf>,
    /// As which system looking at pages is logged (HSA-id).
    pub system_id: ConfiguredId,
    /// Its name.
    pub system_name: String,
    /// Minutes after which a login that is not used ends, 5 to 60.
    #[serde(deserialize_with = "bounded::<_, 5, 60, _>")]
    pub idle_minutes: i64,
    /// Hours after which every login ends, 1 to 12.
    #[serde(deserialize_with = "bounded::<_, 1, 12, _>")]
    pub session_hours: i64,
    /// Whether anybody may be anybody of the directory, without proof: on loopback only, for tests.
    pub test_login: bool,
    /// Login by OpenID Connect.
    pub oidc: Option<Oidc>,
    /// What gives which role, beside the directory's system roles.
    pub role: Vec<ConfiguredRole>,
    /// Whether extracts name staff.
    pub extract_names: ConfiguredNames,
    /// The same of care providers that decide otherwise.
    #[serde(deserialize_with = "by_provider")]
    pub care_provider: Vec<(ConfiguredId, ProviderAdmin)>,
    /// To whom the accessibility of the pages is complained about.
    pub contact: String,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: None,
            base_address: None,
            certificate_file: None,
            key_file: None,
            client_ca_file: None,
            crl_dir: None,
            system_id: ConfiguredId::new("SIGILL")
                .unwrap_or_else(|| unreachable!("it is not blank")),
            system_name: "Sigill".to_owned(),
            idle_minutes: 30,
            session_hours: 10,
            test_login: false,
            oidc: None,
            role: Vec::new(),
            extract_names: ConfiguredNames::Decided,
            care_provider: Vec::new(),
            contact: String::new(),
        }
    }
}

/// What a care provider decides for itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderAdmin {
    /// Whether its extracts name staff.
    pub extract_names: ConfiguredNames,
}

/// Whether extracts name staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfiguredNames {
    /// Never.
    Never,
    /// Always.
    Always,
    /// By a decision each time.
    Decided,
}

impl From<ConfiguredNames> for NamesPolicy {
    fn from(configured: ConfiguredNames) -> Self {
        match configured {
            ConfiguredNames::Never => Self::Never,
            ConfiguredNames::Always => Self::Always,
            ConfiguredNames::Decided => Self::Decided,
        }
    }
}

/// Login by OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// The provider of identities: compared as a text.
    pub issuer: String,
    /// As whom we are registered there.
    pub client_id: String,
    /// The file of our secret, for `client_secret_post` ...
    pub client_secret_file: Option<PathBuf>,
    /// ... or of our key (PEM, RSA), for `private_key_jwt`.
    pub private_key_file: Option<PathBuf>,
    /// What TLS to it is checked by (PEM), where that is not what the system trusts.
    pub ca_file: Option<PathBuf>,
    /// Levels of assurance that suffice.
    #[serde(default = "loa3")]
    pub acr: Vec<String>,
    /// Seconds that a call to it may take, 1 to 30.
    #[serde(default = "five", deserialize_with = "bounded::<_, 1, 30, _>")]
    pub timeout_seconds: u64,
}

fn loa3() -> Vec<String> {
    vec!["http://id.sambi.se/loa/loa3".to_owned()]
}

fn five() -> u64 {
    5
}

/// What gives a role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfiguredRole {
    /// Which: care, block_admin, reviewer, log_admin, security, auditor, operator.
    role: String,
    /// A system role of the directory, as `system;role`.
    system_role: Option<String>,
    /// One employee.
    employee: Option<ConfiguredId>,
    /// Purposes of the assignment; none is any.
    #[serde(default)]
    purposes: Vec<String>,
}

impl Admin {
    /// What is wrong with it, if anything is.
    pub fn wrong(&self) -> Option<String> {
        let is_loopback = self.listen.is_none_or(|listen| listen.ip().is_loopback());
        let wrong = if self.certificate_file.is_some() != self.key_file.is_some() {
            "certificate_file and key_file go together"
        } else if self.certificate_file.is_none() && !is_loopback {
            "listen: without certificate_file the pages are for loopback only"
        } else if self.client_ca_file.is_some()
            && (self.certificate_file.is_none() || self.crl_dir.is_none())
        {
            "client_ca_file needs certificate_file and crl_dir"
        } else if self.test_login && !(is_loopback && self.is_reached_here_only()) {
            "test_login is for loopback only"
        } else if self.oidc.as_ref().is_some_and(|oidc| {
            oidc.client_secret_file.is_some() == oidc.private_key_file.is_some()
        }) {
            "oidc needs either client_secret_file or private_key_file"
        } else if self.oidc.as_ref().is_some_and(|oidc| !may_be_issuer(&oidc.issuer)) {
            "oidc.issuer must be https://, or http:// on loopback"
        } else if let Some(role) = self.role.iter().find(|role| Role::named(&role.role).is_none()) {
            return Some(format!("role: {} is none", role.role));
        } else if self.role.iter().any(|role| {
            role.system_role.is_none() && role.employee.is_none() && role.purposes.is_empty()
        }) {
            "role: one without a condition would be everybody's"
        } else {
            return None;
        };
        Some(wrong.to_owned())
    }

    /// Whether people reach the pages under an address of this machine only: behind a proxy they do not.
    fn is_reached_here_only(&self) -> bool {
        let Some(address) = &self.base_address else { return true };
        let host = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
        let host = host.split('/').next().unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        ["127.0.0.1", "localhost", "[::1]"].contains(&host)
    }

    /// What gives which role.
    pub fn rules(&self) -> Vec<RoleRule> {
        let own = self.role.iter().filter_map(|rule| {
            Some(RoleRule {
                role: Role::named(&rule.role)?,
                system_role: rule.system_role.clone(),
                employee: rule.employee.as_deref().cloned(),
                purposes: rule.purposes.clone(),
            })
        });
        defaults().into_iter().chain(own).collect()
    }

    /// How long logins last.
    pub fn times(&self) -> SessionTimes {
        SessionTimes {
            idle: TimeDelta::minutes(self.idle_minutes),
            longest: TimeDelta::hours(self.session_hours),
        }
    }

    /// Whether extracts of a care provider name staff.
    pub fn names(&self, provider: &HsaId) -> NamesPolicy {
        let own = self.care_provider.iter().find(|(id, _)| **id == *provider);
        own.map_or(self.extract_names, |(_, own)| own.extract_names).into()
    }
}

/// Whether tokens may come from there.
fn may_be_issuer(issuer: &str) -> bool {
    issuer.starts_with("https://")
        || ["http://127.0.0.1:", "http://localhost:"].iter().any(|own| issuer.starts_with(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_let_strangers_in_is_refused() {
        for (toml, said) in [
            ("listen = '0.0.0.0:8081'", "without certificate_file"),
            ("certificate_file = 'c'", "go together"),
            ("client_ca_file = 'c'", "client_ca_file needs"),
            (
                "listen = '10.0.0.1:1'\ncertificate_file = 'c'\nkey_file = 'k'\ntest_login = true",
                "test_login",
            ),
            ("[oidc]\nissuer = 'https://i'\nclient_id = 'a'", "either"),
            (
                "[oidc]\nissuer = 'http://i'\nclient_id = 'a'\nclient_secret_file = 's'",
                "oidc.issuer",
            ),
            ("[[role]]\nrole = 'king'\nemployee = 'A'", "king"),
            ("[[role]]\nrole = 'auditor'", "everybody"),
        ] {
            let admin: Admin = toml::from_str(toml).unwrap();
            let wrong = admin.wrong().unwrap_or_default();
            assert!(wrong.contains(said), "{toml}: {wrong}");
        }
        assert_eq!(Admin::default().wrong(), None);
    }

    #[test]
    fn a_care_provider_decides_about_names() {
        let toml = "[care_provider.SE1]\nextract_names = 'never'\n";
        let admin: Admin = toml::from_str(toml).unwrap();
        assert_eq!(admin.names(&HsaId::new("se1").unwrap()), NamesPolicy::Never);
        assert_eq!(admin.names(&HsaId::new("SE2").unwrap()), NamesPolicy::Decided);
    }
}
