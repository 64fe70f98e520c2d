//! Tenants: which data a logical address names.
//!
//! Data of one tenant does not exist for a call addressed to another. This is the one place
//! that decides whom an address names; everything a handler reads or writes carries the
//! tenant that was found here.

use super::blocking::replicator::Replicator;
use crate::domain::identity::HsaId;
use crate::domain::rejection::{Class, Rejection};
use crate::store::tenants::TenantId;
use std::collections::HashMap;
use std::sync::Arc;

/// Whose data a call sees.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// As the store knows it.
    pub id: TenantId,
    /// As everybody else does: log records are sealed with it, so it never changes.
    pub name: Arc<str>,
    /// The care providers whose data it may hold; empty is all.
    pub care_providers: Vec<HsaId>,
    /// What it is to blocks.
    pub level: Level,
    /// Where its changes of blocks go on to.
    pub upstream: Upstream,
}

/// What a tenant is to blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Local and national service: what is registered is both original and copy.
    Both,
    /// Master of the blocks of some care providers.
    Local,
    /// Keeps copies that local services send.
    National,
}

/// At which level a contract is realised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realised {
    /// By every service.
    Everywhere,
    /// By the service that is master of the blocks.
    Locally,
    /// By the service that keeps copies.
    Nationally,
}

impl Level {
    /// Whether a tenant of this level offers what is realised there.
    pub fn offers(self, realised: Realised) -> bool {
        match (self, realised) {
            (_, Realised::Everywhere)
            | (Self::Both, Realised::Locally | Realised::Nationally)
            | (Self::Local, Realised::Locally)
            | (Self::National, Realised::Nationally) => true,
            (Self::Local, Realised::Nationally) | (Self::National, Realised::Locally) => false,
        }
    }
}

/// Where a local service's changes of blocks go on to.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// Nowhere: it is the national service itself, or has none.
    None,
    /// A national service in this installation.
    Here(Arc<Tenant>),
    /// A national service elsewhere.
    Elsewhere(Arc<Replicator>),
}

/// The tenants of an installation.
#[derive(Debug, Clone)]
pub enum Tenants {
    /// One that answers every address.
    One(Tenant),
    /// By logical address, in lower case.
    ByAddress(HashMap<String, Tenant>),
}

impl Tenants {
    /// The tenant that a logical address names, whatever its letter case.
    pub fn of(&self, logical_address: &str) -> Option<&Tenant> {
        match self {
            Self::One(tenant) => Some(tenant),
            Self::ByAddress(tenants) => tenants.get(&logical_address.to_ascii_lowercase()),
        }
    }

    /// The tenant in which a care provider's own staff work: where its blocks are registered.
    pub fn holding(&self, care_provider: &HsaId) -> Option<&Tenant> {
        match self {
            Self::One(tenant) => Some(tenant),
            Self::ByAddress(tenants) => {
                let holds = |tenant: &&Tenant| {
                    tenant.level != Level::National && tenant.may_hold(care_provider).is_ok()
                };
                // Which one it is must not follow from the order of a hash.
                tenants
                    .values()
                    .filter(holds)
                    .min_by_key(|tenant| (tenant.care_providers.is_empty(), tenant.id.0))
            }
        }
    }

    /// All tenants, each once.
    pub fn all(&self) -> Vec<&Tenant> {
        let mut all: Vec<&Tenant> = match self {
            Self::One(tenant) => vec![tenant],
            Self::ByAddress(tenants) => tenants.values().collect(),
        };
        all.sort_by_key(|tenant| tenant.id.0);
        all.dedup_by_key(|tenant| tenant.id.0);
        all
    }

    /// The tenant of a number.
    pub fn named(&self, number: i32) -> Option<&Tenant> {
        match self {
            Self::One(tenant) => Some(tenant).filter(|tenant| tenant.id.0 == number),
            Self::ByAddress(tenants) => tenants.values().find(|tenant| tenant.id.0 == number),
        }
    }

    /// Replication to services elsewhere, each once.
    pub fn replicators(&self) -> Vec<Arc<Replicator>> {
        let Self::ByAddress(tenants) = self else { return Vec::new() };
        let by_tenant = tenants.values().filter_map(|tenant| match &tenant.upstream {
            Upstream::Elsewhere(replicator) => Some((tenant.id.0, Arc::clone(replicator))),
            Upstream::Here(_) | Upstream::None => None,
        });
        by_tenant.collect::<HashMap<_, _>>().into_values().collect()
    }
}

impl Tenant {
    /// The national tenant of this installation to which its changes of blocks go on.
    pub(super) fn national_here(&self) -> Option<TenantId> {
        match &self.upstream {
            Upstream::Here(national) => Some(national.id),
            Upstream::None | Upstream::Elsewhere(_) => None,
        }
    }

    /// A tenant that is everything and may hold everybody's data.
    pub fn whole(id: TenantId, name: &str) -> Self {
        Self {
            id,
            name: name.into(),
            care_providers: Vec::new(),
            level: Level::Both,
            upstream: Upstream::None,
        }
    }

    /// Whether data of the care provider may be kept here.
    ///
    /// # Errors
    /// That the care provider belongs elsewhere.
    pub fn may_hold(&self, care_provider: &HsaId) -> Result<(), Rejection> {
        match self.care_providers.is_empty() || self.care_providers.contains(care_provider) {
            true => Ok(()),
            false => Err(Rejection::new(
                Class::AccessDenied,
                "Vårdgivaren hör inte till den tjänst som den logiska adressen pekar ut.",
            )),
        }
    }
}
