//! What every handler is given beside its request.

use super::tenants::{Tenant, Tenants};
use crate::domain::block_lifecycle::LiftPolicies;
use crate::domain::identity::HsaId;
use crate::domain::log::RepeatedLogId;
use crate::domain::time::Timestamp;
use crate::store::{LogWriters, Store};

/// The parts and settings that handlers use.
#[derive(Debug, Clone)]
pub struct Services {
    /// The store.
    pub store: Store,
    /// The queue of log records to be stored.
    pub log_writers: LogWriters,
    /// Whose data the logical addresses name.
    pub tenants: Tenants,
    /// What happens when a log id comes again.
    pub repeated_log_id: RepeatedLogId,
    /// How care providers let their blocks be lifted.
    pub lift_policies: LiftPolicies,
    /// How assertions are told, and to whom.
    pub consents: ConsentSettings,
}

/// How assertions are told, and to whom.
#[derive(Debug, Clone)]
pub struct ConsentSettings {
    /// Assertions that a page of GetConsentsForCareProvider should hold.
    pub page_rows: usize,
    /// Systems that may act for patients; `None` is whatever calls from this machine.
    pub citizen_services: Option<Vec<HsaId>>,
}

/// One call: who asks whom, and when.
#[derive(Debug, Clone)]
pub struct Context<'s> {
    /// Parts and settings.
    pub services: &'s Services,
    /// Whose data the call sees.
    pub tenant: &'s Tenant,
    /// The system that began the chain of calls, if it is known.
    pub caller: Option<String>,
    /// Whether the call comes from this machine.
    pub on_this_machine: bool,
    /// The time of the call.
    pub now: Timestamp,
}
