//! What every procedure is given beside its question: parts and settings, and who asks whom.

use super::authorisation::Authorisation;
use super::on_their_way::OnTheirWay;
use super::processors::{CallSize, Processors};
use super::seal::published::Publishing;
use super::seal::trust::LogTrust;
use super::seal::witness::Witness;
use super::tenants::{Tenant, Tenants};
use crate::domain::blocking::lift_policy::LiftPolicies;
use crate::domain::identity::HsaId;
use crate::domain::log::record::{FutureActivity, LogEntry, RepeatedLogId};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::domain::trust::caller::Caller;
use crate::domain::trust::grants::{NotGranted, Permit};
use crate::fairness::address::Address;
use crate::fairness::shares::HeldShare;
use crate::fairness::threads::beside;
use crate::health::{Health, Space};
use crate::order_folder::OrderFolder;
use crate::store::change::{Change, ChangeDomain};
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::writer::LogWriters;
use crate::store::long_reads::Found;
use std::io;
use std::time::Duration;
use uuid::Uuid;

/// The parts and settings that procedures use.
#[derive(Debug, Clone)]
pub struct Services {
    /// How the parts are.
    pub health: Health,
    /// What long stretches of work wait for.
    pub processors: Processors,
    /// The store.
    pub store: Store,
    /// The queue of log records to be stored.
    pub log_writers: LogWriters,
    /// Whose data the logical addresses name.
    pub tenants: Tenants,
    /// Fills with bytes that nobody can guess.
    pub fill_random: fn(&mut [u8]) -> io::Result<()>,
    /// What happens when a log id comes again.
    pub repeated_log_id: RepeatedLogId,
    /// The system as which the service itself logs.
    pub own_system: HsaId,
    /// What becomes of log records whose activity lies in the future.
    pub future_activity: FutureActivity,
    /// How care providers let their blocks be lifted.
    pub lift_policies: LiftPolicies,
    /// Assertions that a page of GetConsentsForCareProvider should hold.
    pub consent_page_rows: usize,
    /// Rows of one CheckBlocks.
    pub check_blocks_rows_max: usize,
    /// What the server is for, as its settings name it.
    pub profile: &'static str,
    /// What callers may do.
    pub authorisation: Authorisation,
    /// Who may not is told so by the HTTP status 403.
    pub forbids_by_status: bool,
    /// How reports over the log are made.
    pub reports: ReportSettings,
    /// How extracts of the log are made and kept.
    pub orders: OrderSettings,
    /// How what is read from the log is checked.
    pub trust: LogTrust,
    /// How the log is published, if it is.
    pub publishing: Option<Publishing>,
    /// The witness of others' logs, if this is one.
    pub witness: Option<Witness>,
}

/// How reports are made.
#[derive(Debug, Clone)]
pub struct ReportSettings {
    /// How long a call waits for its report before that is queued.
    pub wait: Duration,
    /// Records of one report.
    pub records_max: usize,
    /// Ids of queued reports.
    pub new_id: fn() -> Uuid,
}

/// How extracts are made and kept.
#[derive(Debug, Clone)]
pub struct OrderSettings {
    /// Where the files are.
    pub folder: OrderFolder,
    /// How a document is written.
    pub document: ExtractDocument,
    /// What all files may take of the disk, and a caller's half of; beyond it orders wait.
    pub bytes_max: i64,
    /// How long an order is made before it is others' turn.
    pub slice: Duration,
    /// Ids.
    pub new_id: fn() -> Uuid,
    /// Ends of addresses that nobody can guess.
    pub new_token: fn() -> io::Result<Uuid>,
    /// How records are checked.
    pub trust: LogTrust,
    /// Files of which it is not known yet whether they have been fetched.
    pub on_their_way: OnTheirWay,
}

/// How the document of an extract is written.
#[derive(Debug, Clone, Copy)]
pub struct ExtractDocument {
    /// What comes before the records.
    pub open: &'static str,
    /// Records.
    pub records: fn(&[LogEntry<'_>]) -> String,
    /// What comes after them.
    pub close: &'static str,
}

/// One call: who asks whom, and when.
#[derive(Debug, Clone)]
pub struct Context<'s> {
    /// Parts and settings.
    pub services: &'s Services,
    /// Whose data the call sees.
    pub tenant: &'s Tenant,
    /// Who calls.
    pub caller: Caller,
    /// The contract's name.
    pub contract: &'static str,
    /// What the call may be about.
    pub permit: Permit,
    /// The store, asked by the caller's address.
    pub store: Store,
    /// Where the call comes from.
    pub address: Address,
    /// Under which address we are called, without a slash at its end.
    pub base_address: String,
    /// How much work the call may be.
    pub size: CallSize,
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
        self.store.change(self.tenant.id, national, domain, self.now).await
    }

    /// What a stretch of work that takes as long as the call is large holds meanwhile.
    pub async fn processor(&self) -> Option<HeldShare> {
        self.services.processors.one(self.address, self.size).await
    }

    /// Makes something of what has been found: on a thread of its own if it is much.
    ///
    /// # Errors
    /// That it was broken off.
    pub async fn made_of<T: Send + 'static, U: Send + 'static>(
        &self,
        found: Found<T>,
        make: impl FnOnce(T) -> U + Send + 'static,
    ) -> Result<Found<U>, StoreError> {
        if !found.is_much() {
            return Ok(found.map(make));
        }
        let processor = self.services.processors.one(self.address, CallSize::Large).await;
        let made = beside(move || {
            let _processor = processor;
            found.map(make)
        });
        made.await.map_err(|_| StoreError::Stopped)
    }

    /// Whether the call may be about a care provider (G6).
    ///
    /// # Errors
    /// That it may not.
    pub fn about(&self, provider: &HsaId) -> Result<(), Rejection> {
        match self.permit.covers(provider) {
            true => Ok(()),
            false => Err(self.services.authorisation.refused(
                &self.caller,
                self.contract,
                NotGranted::CareProvider,
            )),
        }
    }

    /// What is stored, unless it is of a care provider that the call may not be about: then it does not exist (G9).
    pub(super) fn seen<T>(&self, stored: Option<T>, provider: impl Fn(&T) -> &HsaId) -> Option<T> {
        stored.filter(|stored| self.about(provider(stored)).is_ok())
    }

    /// The calling system, for what keeps whose it is; a call of nobody keeps nothing of others.
    pub fn consumer(&self) -> String {
        self.caller.key()
    }
}
