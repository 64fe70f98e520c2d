//! The whole file: how it is loaded, and why it cannot be used.

use super::admin::Admin;
use super::blocking::Blocking;
use super::consent::Consent;
use super::database::{Data, Database};
use super::http::Http;
use super::limits::Limits;
use super::log::Log;
use super::peers::Peers;
use super::retention::Retention;
use super::review::Review;
use super::tenant::{self, DEFAULT_TENANT, DEMO_TENANT, Tenant};
use super::trust::{ConfiguredGrant, Profile, Trust};
use super::witness::Witness;
use crate::domain::identity::HsaId;
use crate::domain::trust::grant::GrantTerms;
use crate::domain::trust::grants::Grants;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The whole configuration.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What a test bench grants beside.
    #[serde(skip)]
    pub bench_grants: Vec<GrantTerms>,
    /// Whether it is a demonstration: its one tenant is `demo`, which is filled where it is empty.
    #[serde(skip)]
    pub demo: bool,
    /// The file, if there is one: without it, it is a test bench.
    #[serde(skip)]
    pub path: Option<PathBuf>,
    /// Where files of ours are kept, and the private database.
    pub data: Data,
    /// The HTTP listener.
    pub http: Http,
    /// The database.
    pub database: Database,
    /// Sizes, counts and times.
    pub limits: Limits,
    /// Whose data is kept; none is one tenant that answers every logical address.
    pub tenant: Vec<Tenant>,
    /// Blocks.
    pub blocking: Blocking,
    /// Consents.
    pub consent: Consent,
    /// The access log.
    pub log: Log,
    /// What is removed after how long.
    pub retention: Retention,
    /// How the log is reviewed.
    pub review: Review,
    /// Being a witness of others' logs.
    pub witness: Witness,
    /// The pages for people.
    pub admin: Admin,
    /// Services that the pages ask.
    pub peers: Peers,
    /// Who is believed about what.
    pub trust: Trust,
    /// What callers may do.
    pub grant: Vec<ConfiguredGrant>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key or value that is not ours.
    #[error("{path}: {source}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What and where.
        source: Box<toml::de::Error>,
    },
    /// A tenant that no call could reach, or that two could be meant.
    #[error("tenant {name}: {what}")]
    Tenant {
        /// Its name.
        name: String,
        /// What is wrong.
        what: &'static str,
    },
    /// Settings that contradict each other.
    #[error("{0}")]
    Contradictory(String),
}

impl Config {
    /// The one tenant where none is configured.
    pub fn only_tenant(&self) -> &'static str {
        if self.demo { DEMO_TENANT } else { DEFAULT_TENANT }
    }

    /// Whether there is a tenant of a name. Who speaks to a running server without tenants does not know whether it is a
    /// demonstration: both names will do.
    pub fn may_have_tenant(&self, name: &str) -> bool {
        match self.tenant.is_empty() {
            true => [DEFAULT_TENANT, DEMO_TENANT].contains(&name),
            false => self.tenant.iter().any(|tenant| tenant.name == name),
        }
    }

    /// Reads a file, or takes every default without one.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key, a value that cannot be.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.into(), source })?;
        let read: Self = toml::from_str(&text).map_err(|source| ConfigError::Invalid {
            path: path.into(),
            source: Box::new(source),
        })?;
        let config = Self { path: Some(path.to_owned()), ..read };
        if let Some(what) = config.wrong_trust() {
            return Err(ConfigError::Contradictory(what));
        }
        let Retention { consents, blocks, log, .. } = &config.retention;
        for (name, wrong) in
            [("consents", consents.wrong()), ("blocks", blocks.wrong()), ("log", log.wrong())]
        {
            let Some(what) = wrong else { continue };
            return Err(ConfigError::Contradictory(format!("retention.{name}.{what}")));
        }
        if let Some(what) = config.peers.wrong() {
            return Err(ConfigError::Contradictory(format!("peers.{what}")));
        }
        if let Some(what) = config.review.wrong() {
            return Err(ConfigError::Contradictory(format!("review.{what}")));
        }
        if let Some(what) = config.limits.wrong() {
            return Err(ConfigError::Contradictory(format!("limits.{what}")));
        }
        if config.data.free_bytes_low < config.data.free_bytes_least {
            let what = "data.free_bytes_low: must be at least data.free_bytes_least";
            return Err(ConfigError::Contradictory(what.to_owned()));
        }
        tenant::check(&config.tenant).map_err(|(name, what)| ConfigError::Tenant { name, what })?;
        Ok(config)
    }

    /// Whether the listeners fit what is trusted.
    ///
    /// # Errors
    /// What does not.
    pub fn check_listeners(&self) -> Result<(), ConfigError> {
        let Http { listen, https_listen, .. } = &self.http;
        let Trust { certificate_file, pkcs12_file, client_ca_file, .. } = &self.trust;
        let has_identity = certificate_file.is_some() || pkcs12_file.is_some();
        let is_outside = [Some(listen), https_listen.as_ref()]
            .into_iter()
            .flatten()
            .any(|address| !address.ip().is_loopback());
        let wrong = if self.profile() == Profile::Bench && is_outside {
            "trust.profile = \"bench\" is for loopback only: http.listen or https_listen is another address"
        } else if https_listen.is_some() && !(has_identity && client_ca_file.is_some()) {
            "http.https_listen needs trust.certificate_file (or pkcs12_file) and trust.client_ca_file"
        } else if https_listen == &Some(*listen) && listen.port() != 0 {
            "http.listen and https_listen are the same"
        } else {
            return Ok(());
        };
        Err(ConfigError::Contradictory(wrong.to_owned()))
    }

    /// What the server is for.
    pub fn profile(&self) -> Profile {
        // A file without one has been refused.
        self.trust.profile.unwrap_or(Profile::Bench)
    }

    /// What the file grants.
    pub fn grants(&self) -> Vec<GrantTerms> {
        self.grant.iter().map(GrantTerms::from).chain(self.bench_grants.iter().cloned()).collect()
    }

    fn wrong_trust(&self) -> Option<String> {
        if self.trust.profile.is_none() {
            let what =
                "trust.profile must stand in the file: \"bench\", \"test\" or \"production\"";
            return Some(what.to_owned());
        }
        if let Some(what) = self.trust.wrong() {
            return Some(format!("trust.{what}"));
        }
        if self.admin.test_login && self.profile() == Profile::Production {
            return Some("admin.test_login is not for production".into());
        }
        if let Some(what) = self.admin.wrong() {
            return Some(format!("admin.{what}"));
        }
        let Database { url, owner_url, retention_url, .. } = &self.database;
        if url.is_none() && (owner_url.is_some() || retention_url.is_some()) {
            return Some("database.owner_url and retention_url: there is no database.url".into());
        }
        if let Err(error) = self.check_listeners() {
            return Some(error.to_string());
        }
        let mut grants = Grants::default();
        let wrong = |(terms, at): (&GrantTerms, usize)| {
            let wrong = grants.add(terms).err()?;
            Some(format!("grant {at} (of {}): {wrong}", terms.consumer))
        };
        let known = |terms: &GrantTerms| {
            let name = terms.tenant.as_ref()?;
            (!self.may_have_tenant(name))
                .then(|| format!("grant of {}: there is no tenant {name}", terms.consumer))
        };
        let terms = self.grants();
        let unlisted = |terms: &GrantTerms| {
            let is_listed = |id: &String| {
                HsaId::new(id).is_some_and(|id| self.trust.platforms.iter().any(|own| **own == id))
            };
            let via = terms.via.iter().find(|id| *id != "*" && !is_listed(id))?;
            Some(format!(
                "grant of {}: via {via}, which is not among trust.platforms",
                terms.consumer
            ))
        };
        terms
            .iter()
            .zip(1..)
            .find_map(wrong)
            .or_else(|| terms.iter().find_map(known))
            .or_else(|| terms.iter().find_map(unlisted))
    }
}

#[cfg(test)]
mod tests {
    use super::super::peers::PersonPeer;
    use super::super::tenant::Replication;
    use super::*;

    /// Every setting of the population service is shown, and those with a default show it.
    fn check_person(shown: &PersonPeer) {
        let least: PersonPeer = toml::from_str(&format!("url = '{}'", shown.url)).unwrap();
        assert!(shown.ca_file.is_some() && shown.certificate_file.is_some());
        assert!(shown.key_file.is_some() && shown.consumer_id.is_some());
        assert_eq!(shown.roots.len(), 1);
        let PersonPeer { ca_file, certificate_file, key_file, consumer_id, roots, .. } =
            shown.clone();
        let least = PersonPeer { ca_file, certificate_file, key_file, consumer_id, roots, ..least };
        assert_eq!(*shown, least);
    }

    #[test]
    fn the_documented_file_holds_every_default() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/config/full.toml"));
        let mut config = Config::load(Some(path)).unwrap();
        let addresses = [
            &mut config.database.url,
            &mut config.database.owner_url,
            &mut config.database.retention_url,
        ];
        for address in addresses {
            assert!(address.take().is_some(), "the file shows how a database is named");
        }
        let tenants = std::mem::take(&mut config.tenant);
        assert_eq!(tenants[0].name, "region-exempel");
        // Every setting of replication is shown, and those with a default show it.
        let shown = tenants[0].replication.clone().unwrap();
        let least =
            toml::from_str::<Replication>("url = 'https://platform.example.org/vp'").unwrap();
        assert!(shown.ca_file.is_some() && shown.certificate_file.is_some());
        assert!(shown.key_file.is_some() && shown.consumer_id.is_some());
        let Replication { ca_file, certificate_file, key_file, consumer_id, .. } = shown.clone();
        let least = Replication { ca_file, certificate_file, key_file, consumer_id, ..least };
        assert_eq!(shown, least);
        check_person(&std::mem::take(&mut config.peers).person.unwrap());
        let own = std::mem::take(&mut config.blocking.care_provider);
        assert_eq!(own[0].1.lift_outer_blocks, Some(false));
        let longer = std::mem::take(&mut config.retention.consents.care_provider);
        assert_eq!(longer[0].1.years, 15);
        let longer = std::mem::take(&mut config.retention.log.care_provider);
        assert_eq!(longer[0].1.years, 10);
        assert!(config.log.order_folder.take().is_some(), "the file shows how it is named");
        let seal =
            [&mut config.log.key_file, &mut config.log.anchor_folder, &mut config.log.cms_file];
        for path in seal {
            assert!(path.take().is_some(), "the file shows how it is named");
        }
        assert!(
            config.log.cms_password_file.take().is_some() && config.log.origin.take().is_some()
        );
        assert_eq!(std::mem::take(&mut config.log.witness).len(), 1);
        assert_eq!(std::mem::take(&mut config.witness).log.len(), 1);
        assert!(config.http.base_address.take().is_some(), "the file shows how it is written");
        assert!(config.http.https_listen.take().is_some());
        assert!(config.path.take().is_some());
        let review = std::mem::take(&mut config.review);
        assert!(review.webhook.is_some() && !review.initials);
        assert_eq!((review.sensitive.len(), review.command.len()), (2, 2));
        let admin = std::mem::take(&mut config.admin);
        assert!(admin.oidc.is_some() && admin.role.len() == 1 && admin.care_provider.len() == 1);
        let with_default = Admin {
            system_name: admin.system_name,
            system_id: admin.system_id,
            idle_minutes: admin.idle_minutes,
            session_hours: admin.session_hours,
            test_login: admin.test_login,
            extract_names: admin.extract_names,
            ..Admin::default()
        };
        assert_eq!(with_default, Admin::default());
        assert_eq!(std::mem::take(&mut config.grant).len(), 2, "one in each form");
        let shown = std::mem::take(&mut config.trust);
        // Those that have a default show it.
        let shown = Trust {
            crl_grace_hours: shown.crl_grace_hours,
            crl_expired: shown.crl_expired,
            revocation: shown.revocation,
            certificate_encoding: shown.certificate_encoding,
            refusal: shown.refusal,
            ..Trust::default()
        };
        assert_eq!(shown, Trust::default());
        assert_eq!(config, Config::default());
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_key() {
        for (toml, said) in [
            ("[http]\nport = 80\n", "port"),
            ("[log]\nwriters = 17\n", "must be 1 to 16, not 17"),
            ("[log]\nwriters = -1\n", "writers = -1"),
            ("[http]\nbase_address = 'logg.example.org'\n", "must be http:// or https://"),
            ("[trust]\nplatforms = ['SE1', ' ']\n", "platforms"),
            (
                "[[grant]]\nconsumer = 'A'\ncontracts = []\ncare_providers = []\nfrom = 2027-01-01\n",
                "offset",
            ),
            ("[blocking.care_provider.' ']\nlift_outer_blocks = false\n", "blank"),
            ("[blocking.care_provider.A]\n[blocking.care_provider.a]\n", "a stands there twice"),
            ("[retention.consents.care_provider.A]\nyears = 0\n", "must be 1 to 1000"),
            ("[[tenant]]\nname = 'a'\nlogical_addresses = ['']\n", "logical_addresses"),
            ("[[tenant]]\nname = 'a'\nlogical_addresses = ['A']\ncare_providers = [' ']", "HSA-id"),
        ] {
            let error = toml::from_str::<Config>(toml).unwrap_err().to_string();
            assert!(error.contains(said), "{toml}: {error}");
        }
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let file = std::env::temp_dir().join(format!("sigill-config-{}", std::process::id()));
        for (toml, said) in [
            ("[limits]\nbodies_bytes_max = 1000000\n", "limits.bodies_bytes_max: must be at least"),
            ("[retention.log]\nid_years = 5\nyears = 6\n", "retention.log.id_years must be 6"),
            ("[data]\nfree_bytes_low = 1\n", "data.free_bytes_low: must be at least"),
        ] {
            std::fs::write(&file, format!("{toml}[trust]\nprofile = 'test'\n")).unwrap();
            let error = Config::load(Some(&file)).unwrap_err().to_string();
            assert!(error.starts_with(said), "{toml}: {error}");
        }
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn a_file_names_its_profile_and_without_one_it_is_a_test_bench() {
        assert_eq!(Config::load(None).unwrap().profile(), Profile::Bench);
        let file = std::env::temp_dir().join(format!("sigill-profile-{}", std::process::id()));
        let grant = "[[grant]]\nconsumer = 'SE1'\ncare_providers = ['*']\n";
        for (toml, said) in [
            ("", "trust.profile must stand in the file"),
            ("[trust]\n", "trust.profile must stand in the file"),
            (
                "[trust]\nprofile = 'bench'\n[http]\nlisten = '0.0.0.0:80'\n",
                "trust.profile = \"bench\"",
            ),
            (
                "[trust]\nprofile = 'bench'\n[http]\nhttps_listen = '0.0.0.0:443'\n",
                "trust.profile = \"bench\"",
            ),
            ("[trust]\nprofile = 'test'\nkey_file = 'k'\n", "trust.certificate_file and key_file"),
            ("[trust]\nprofile = 'test'\nclient_ca_file = 'c'\n", "trust.crl_dir is needed"),
            ("[trust]\nprofile = 'test'\nproxies = ['SE1']\n", "trust.proxies need"),
            ("[trust]\nprofile = 'test'\nplatforms = ['*']\n", "trust.platforms, proxies and"),
            (
                "[trust]\nprofile = 'test'\nrevocation = 'none'\ncrl_dir = 'c'\n",
                "trust.crl_dir stands beside",
            ),
            (
                &format!(
                    "[trust]\nprofile = 'test'\n{grant}contracts = ['*']\ntenant = 'default'\nvia = ['SE2']\n"
                ),
                "grant of SE1: via SE2",
            ),
            ("[trust]\nprofile = 'test'\ntrust_tak = ['SE1']\n", "trust.trust_tak"),
            (
                "[trust]\nprofile = 'test'\n[http]\nhttps_listen = '0.0.0.0:443'\n",
                "http.https_listen needs",
            ),
            (
                &format!(
                    "[trust]\nprofile = 'test'\n{grant}contracts = ['log']\ntenant = 'default'\n"
                ),
                "grant 1 (of SE1): contracts",
            ),
            (
                &format!("[trust]\nprofile = 'test'\n{grant}contracts = ['*']\ntenant = 'x'\n"),
                "grant of SE1: there is no tenant x",
            ),
        ] {
            std::fs::write(&file, toml).unwrap();
            let error = Config::load(Some(&file)).unwrap_err().to_string();
            assert!(error.starts_with(said), "{toml}: {error}");
        }
        for profile in ["bench", "test", "production"] {
            std::fs::write(&file, format!("[trust]\nprofile = '{profile}'\n")).unwrap();
            assert_eq!(Config::load(Some(&file)).unwrap().profile().name(), profile);
        }
        std::fs::remove_file(file).unwrap();
    }
}
