//! What every procedure is given beside its question: parts and settings, and who asks whom.

use super::processors::Processors;
use super::tenants::{Tenant, Tenants};
use crate::domain::blocking::lift_policy::LiftPolicies;
use crate::domain::identity::HsaId;
use crate::domain::log::record::{FutureActivity, RepeatedLogId};
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::Timestamp;
use crate::health::{Health, Space};
use crate::store::change::{Change, ChangeDomain};
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::writer::LogWriters;
use std::sync::Arc;

/// The parts and settings that procedures use.
#[derive(Debug, Clone)]
pub struct Services {
    /// How the parts are.
    pub health: Health,
    /// What long stretches of work wait for.
    pub processors: Arc<Processors>,
    /// The store.
    pub store: Store,
    /// The queue of log records to be stored.
    pub log_writers: LogWriters,
    /// Whose data the logical addresses name.
    pub tenants: Tenants,
    /// What happens when a log id comes again.
    pub repeated_log_id: RepeatedLogId,
    /// What becomes of log records whose activity lies in the future.
    pub future_activity: FutureActivity,
    /// How care providers let their blocks be lifted.
    pub lift_policies: LiftPolicies,
    /// Assertions that a page of GetConsentsForCareProvider should hold.
    pub consent_page_rows: usize,
    /// Rows of one CheckBlocks.
    pub check_blocks_rows_max: usize,
    /// Systems that may act for patients.
    pub citizen_services: CitizenServices,
}

/// Systems that may act for patients.
#[derive(Debug, Clone)]
pub enum CitizenServices {
    /// Those listed.
    Listed(Vec<HsaId>),
    /// A test bench: whatever calls from this machine.
    CallersHere,
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
    /// Whether the call is large, and has a thread of its own.
    pub is_large: bool,
    /// The time of the call.
    pub now: Timestamp,
}

impl Services {
    /// Whether there is space for more.
    pub(super) fn may_store(&self) -> Result<(), StoreError> {
        match self.health.space() {
            Space::Enough | Space::Low => Ok(()),
            Space::Exhausted => Err(StoreError::NoSpace),
        }
    }

    /// Whether there is space for what large answers may need.
    pub(super) fn may_answer_at_length(&self) -> Result<(), StoreError> {
        match self.health.space() {
            Space::Enough => Ok(()),
            Space::Low | Space::Exhausted => Err(StoreError::NoSpace),
        }
    }
}

impl Context<'_> {
    /// Begins a change of the tenant's data.
    pub(super) async fn change(&self, domain: ChangeDomain) -> Result<Change, StoreError> {
        self.services.may_store()?;
        let national = match domain {
            ChangeDomain::Blocking => self.tenant.national_here(),
            ChangeDomain::Consent => None,
        };
        self.services.store.change(self.tenant.id, national, domain, self.now).await
    }

    /// Does a stretch of work that is long where the call is large.
    pub fn at_length<T>(&self, stretch: impl FnOnce() -> T) -> T {
        match self.is_large {
            true => self.services.processors.work(stretch),
            false => stretch(),
        }
    }

    /// Does a stretch of work that may be long whatever the call: on a thread of its own.
    ///
    /// # Errors
    /// That it was broken off.
    pub async fn apart<T: Send + 'static>(
        &self,
        stretch: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let processors = Arc::clone(&self.services.processors);
        let done = tokio::task::spawn_blocking(move || processors.work(stretch)).await;
        done.map_err(|_| StoreError::Stopped)
    }

    /// Whether the calling system may act for patients.
    ///
    /// # Errors
    /// That it may not.
    pub fn may_act_for_patients(&self) -> Result<(), Rejection> {
        let approved = match &self.services.citizen_services {
            CitizenServices::Listed(listed) => {
                let caller = self.caller.as_deref().and_then(HsaId::new);
                caller.is_some_and(|caller| listed.contains(&caller))
            }
            CitizenServices::CallersHere => self.on_this_machine,
        };
        match approved {
            true => Ok(()),
            false => Err(Rejection::new(
                Class::AccessDenied,
                "Systemet är inte godkänt för tjänster till patienter.",
            )),
        }
    }
}
