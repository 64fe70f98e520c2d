//! Settings of tenants: whose data is kept, which addresses name it, what it is to blocks.

use super::values::{ConfiguredId, bounded, filled};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The one tenant of an installation without configured ones; the first migration makes it.
pub const DEFAULT_TENANT: &str = "default";
/// The one of a demonstration.
pub const DEMO_TENANT: &str = "demo";

/// Whose data is kept, and which logical addresses name it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// A name of the operator's; it must stay the same as long as the data are kept.
    pub name: String,
    /// The logical addresses that name this tenant, in any letter case.
    #[serde(deserialize_with = "filled")]
    pub logical_addresses: Vec<String>,
    /// The care providers whose data it may hold; none is all.
    #[serde(default)]
    pub care_providers: Vec<ConfiguredId>,
    /// What it is to blocks.
    #[serde(default)]
    pub blocks: BlockLevel,
    /// Where a local service's changes of blocks go on to.
    pub replication: Option<Replication>,
}

/// What a tenant is to blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockLevel {
    /// Local and national service at once.
    #[default]
    LocalAndNational,
    /// Local service.
    Local,
    /// National service.
    National,
}

/// Where a local service's changes of blocks go on to: a tenant here, or an address elsewhere.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replication {
    /// A tenant of this installation that is a national service.
    pub tenant: Option<String>,
    /// What stands before the contracts' paths at a national service elsewhere.
    pub url: Option<String>,
    /// The logical address of the national service elsewhere.
    #[serde(default = "national_address")]
    pub logical_address: String,
    /// Whom to trust (PEM); needed for `https`.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and what leads to its root (PEM).
    pub certificate_file: Option<PathBuf>,
    /// The certificate's key (PEM).
    pub key_file: Option<PathBuf>,
    /// Sent as `x-rivta-original-serviceconsumer-hsaid`.
    pub consumer_id: Option<String>,
    /// Seconds that a call may take, 1 to 300.
    #[serde(default = "timeout", deserialize_with = "bounded::<_, 1, 300, _>")]
    pub timeout_seconds: u64,
    /// Calls under way at one time, 1 to 64.
    #[serde(default = "senders", deserialize_with = "bounded::<_, 1, 64, _>")]
    pub senders: usize,
    /// Milliseconds from the first failure to the next attempt, 10 to 60 000; they double.
    #[serde(default = "retry_first", deserialize_with = "bounded::<_, 10, 60_000, _>")]
    pub retry_first_milliseconds: u64,
    /// Milliseconds between attempts at most, 10 to 86 400 000.
    #[serde(default = "retry_longest", deserialize_with = "bounded::<_, 10, 86_400_000, _>")]
    pub retry_longest_milliseconds: u64,
}

fn national_address() -> String {
    "SE165565594230-1000".into()
}

fn timeout() -> u64 {
    10
}

fn senders() -> usize {
    4
}

fn retry_first() -> u64 {
    1000
}

fn retry_longest() -> u64 {
    300_000
}

/// Checks that every address names one tenant, and that replication leads somewhere; the name of the
/// tenant that is wrong, and what is wrong with it.
pub(super) fn check(tenants: &[Tenant]) -> Result<(), (String, &'static str)> {
    let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    for tenant in tenants {
        let mut repeated = tenant.logical_addresses.iter().map(|a| a.trim().to_ascii_lowercase());
        let what = if tenant.name.trim().is_empty() || !names.insert(&tenant.name) {
            "the name is blank or used twice"
        } else if tenant.logical_addresses.is_empty() {
            "it has no logical address"
        } else if repeated.any(|address| !addresses.insert(address)) {
            "a logical address is used twice"
        } else if tenant.replication.is_some() && tenant.blocks != BlockLevel::Local {
            "only a local service (blocks = \"local\") replicates"
        } else if let Some(what) = tenant.replication.as_ref().and_then(|r| r.wrong(tenants)) {
            what
        } else {
            continue;
        };
        return Err((tenant.name.clone(), what));
    }
    Ok(())
}

impl Replication {
    fn wrong(&self, tenants: &[Tenant]) -> Option<&'static str> {
        match (&self.tenant, &self.url) {
            (None, None) | (Some(_), Some(_)) => Some("replication names either a tenant or a url"),
            (Some(name), None) => {
                let national = |t: &Tenant| t.name == *name && t.blocks == BlockLevel::National;
                (!tenants.iter().any(national))
                    .then_some("replication.tenant is no tenant with blocks = \"national\"")
            }
            _ if self.certificate_file.is_some() != self.key_file.is_some() => {
                Some("replication.certificate_file and key_file go together")
            }
            _ if self.logical_address.trim().is_empty() => {
                Some("replication.logical_address is blank")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(toml: &str) -> Result<(), String> {
        #[derive(Deserialize)]
        struct Tenants {
            tenant: Vec<Tenant>,
        }
        let tenants = toml::from_str::<Tenants>(toml).map_err(|e| e.to_string())?.tenant;
        check(&tenants).map_err(|(name, what)| format!("tenant {name}: {what}"))
    }

    const LOCAL: &str = "[[tenant]]\nname = 'l'\nlogical_addresses = ['SE1']\nblocks = 'local'\n";
    const NATIONAL: &str =
        "[[tenant]]\nname = 'n'\nlogical_addresses = ['SE2']\nblocks = 'national'\n";

    #[test]
    fn a_logical_address_names_one_tenant() {
        let tenant = |name: &str, address: &str| {
            format!("[[tenant]]\nname = '{name}'\nlogical_addresses = ['{address}']\n")
        };
        assert_eq!(checked(&(tenant("a", "SE1") + &tenant("b", "SE2"))), Ok(()));
        let twice = checked(&(tenant("a", "SE1") + &tenant("b", "se1")));
        assert_eq!(twice, Err("tenant b: a logical address is used twice".into()));
        assert!(checked(&(tenant("a", "SE1") + &tenant("a", "SE2"))).is_err());
        assert!(checked(&tenant("a", " ")).is_err());
    }

    #[test]
    fn replication_leads_from_a_local_service_to_a_national_one() {
        let to = |what: &str| format!("{LOCAL}[tenant.replication]\n{what}\n{NATIONAL}");
        assert_eq!(checked(&to("tenant = 'n'")), Ok(()));
        assert_eq!(checked(&to("url = 'https://n.example.org'")), Ok(()));
        assert!(checked(&to("tenant = 'l'")).is_err(), "itself is not national");
        assert!(checked(&to("tenant = 'n'\nurl = 'http://n'")).is_err(), "both");
        assert!(checked(&to("")).is_err(), "neither");
        assert!(checked(&to("url = 'http://n'\nkey_file = 'k'")).is_err(), "no certificate");
        assert!(checked(&to("url = 'http://n'\nsenders = 0")).is_err(), "bounds");
        let national = format!("{NATIONAL}[tenant.replication]\nurl = 'http://n'\n");
        assert!(checked(&national).is_err(), "a national service has no other above it");
    }
}
