//! A grant: how it is written, and what it then says.

use super::group::Granted;
use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use std::collections::BTreeSet;

/// What stands for everything, and must be written.
const ALL: &str = "*";

/// A grant as it is written, in a file or a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantTerms {
    /// Who may: a system's HSA-id.
    pub consumer: String,
    /// Contracts, groups of contracts, or `*`.
    pub contracts: Vec<String>,
    /// At all logical addresses of a tenant ...
    pub tenant: Option<String>,
    /// ... or at some.
    pub logical_addresses: Vec<String>,
    /// About which care providers, or `*`.
    pub care_providers: Vec<String>,
    /// Through which platforms, or `*`; always with a certificate of its own.
    pub via: Vec<String>,
    /// From when on.
    pub from: Option<Timestamp>,
    /// Up to and with when.
    pub until: Option<Timestamp>,
}

/// What is granted to a consumer.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    contracts: Vec<Granted>,
    at: Addressed,
    pub(super) care_providers: Several,
    pub(super) via: Several,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// Where it holds.
#[derive(Debug, Clone)]
enum Addressed {
    Tenant(String),
    Addresses(BTreeSet<String>),
}

/// All, or those with a key.
#[derive(Debug, Clone)]
pub(super) enum Several {
    All,
    Keys(BTreeSet<String>),
}

impl Grant {
    pub(super) fn new(terms: &GrantTerms) -> Result<Self, String> {
        let granted = |name: &String| {
            Granted::of_name(name)
                .ok_or_else(|| format!("contracts: {name} is neither a contract nor a group"))
        };
        let contracts = terms.contracts.iter().map(granted).collect::<Result<Vec<_>, _>>()?;
        if contracts.is_empty() {
            return Err("contracts: none is named".into());
        }
        let addresses: BTreeSet<String> =
            terms.logical_addresses.iter().map(|address| key(address)).collect();
        let at = match (&terms.tenant, addresses.is_empty()) {
            (Some(tenant), true) => Addressed::Tenant(tenant.clone()),
            (None, false) if !addresses.contains("") => Addressed::Addresses(addresses),
            _ => return Err("tenant or logical_addresses: one of the two must be given".into()),
        };
        if terms.care_providers.is_empty() {
            return Err("care_providers: none is named; all are \"*\"".into());
        }
        if let (Some(from), Some(until)) = (terms.from, terms.until)
            && until < from
        {
            return Err("until: before from".into());
        }
        Ok(Self {
            contracts,
            at,
            care_providers: Several::of("care_providers", &terms.care_providers)?,
            via: Several::of("via", &terms.via)?,
            from: terms.from,
            until: terms.until,
        })
    }
}

impl Grant {
    /// Whether it names a contract (G3).
    pub(super) fn names(&self, contract: &str) -> bool {
        self.contracts.iter().any(|granted| granted.covers(contract))
    }

    /// Whether it holds at a logical address of a tenant, or at any (G4).
    pub(super) fn holds_at(&self, tenant: &str, logical_address: Option<&str>) -> bool {
        match &self.at {
            Addressed::Tenant(name) => name == tenant,
            Addressed::Addresses(addresses) => {
                logical_address.is_none_or(|address| addresses.contains(&key(address)))
            }
        }
    }

    /// Whether it holds at a time (G5).
    pub(super) fn holds_when(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now <= until)
    }
}

impl Several {
    fn of(name: &str, ids: &[String]) -> Result<Self, String> {
        if ids.iter().any(|id| id == ALL) {
            return match ids.len() {
                1 => Ok(Self::All),
                _ => Err(format!("{name}: * stands beside others")),
            };
        }
        let key = |id: &String| HsaId::new(id).map(|id| id.key());
        let keys: Option<BTreeSet<String>> = ids.iter().map(key).collect();
        keys.map(Self::Keys).ok_or_else(|| format!("{name}: an HSA-id must not be blank"))
    }

    pub(super) fn has(&self, id: &HsaId) -> bool {
        match self {
            Self::All => true,
            Self::Keys(keys) => keys.contains(&id.key()),
        }
    }
}

/// As logical addresses are compared.
fn key(address: &str) -> String {
    address.trim().to_ascii_lowercase()
}
