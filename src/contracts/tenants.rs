//! Tenants: which data a logical address names.
//!
//! Data of one tenant does not exist for a call addressed to another. This is the one place
//! that decides whom an address names; everything a handler reads or writes carries the
//! tenant that was found here.

use crate::domain::identity::HsaId;
use crate::domain::rejection::{Class, Rejection};
use crate::store::TenantId;
use std::collections::HashMap;

/// Whose data a call sees.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// As the store knows it.
    pub id: TenantId,
    /// The care providers whose data it may hold; empty is all.
    pub care_providers: Vec<HsaId>,
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
}

impl Tenant {
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
