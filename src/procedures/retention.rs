//! Removes what has been invalid for long enough, and says what will be.
//!
//! In small transactions, so that registrations need not wait; any number of processes may do
//! it at the same time.

use super::seal::identity::{KINDS, SealIdentity, is_signed, time_of};
use crate::domain::retention::{Cutoffs, Policy};
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::retention::{LOG_RECORDS, LogMonth, MonthRemoval};
use crate::store::retention::{ASSERTIONS, BLOCKS, Due, RetentionKind};
use crate::store::tenants::TenantId;
use chrono::Months;
use sigill_seal::note::SignedCheckpoint;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Nobody keeps log records for shorter.
pub const LEAST_YEARS: u32 = 5;
/// What stands for all tenants, where it is about the whole log.
const ALL_TENANTS: &str = "all";

/// What is removed after how long.
#[derive(Debug, Clone)]
pub struct Retention {
    /// For assertions.
    pub assertions: Policy,
    /// For blocks.
    pub blocks: Policy,
    /// For log records.
    pub log_records: Policy,
    /// Records removed in one transaction.
    pub batch_rows: usize,
}

impl Retention {
    /// Every kind of record that changes under a tenant's clock, with its policy.
    fn kinds(&self) -> [(&'static RetentionKind, &Policy); 2] {
        [(&ASSERTIONS, &self.assertions), (&BLOCKS, &self.blocks)]
    }
}

/// What became of one kind of record of one tenant.
#[derive(Debug)]
pub struct Removed {
    /// The kind.
    pub kind: &'static str,
    /// The tenant's name.
    pub tenant: String,
    /// How many were removed, also where it ended with an error.
    pub count: usize,
    /// What kept the rest from being removed. What was removed stays removed, and recorded.
    pub error: Option<StoreError>,
}

/// What is still to be looked at.
#[derive(Debug, Clone)]
enum Part<'r> {
    /// A kind of record of a tenant.
    Kind(TenantId, &'static RetentionKind, &'r Policy),
    /// A month of the log.
    Month(LogMonth),
}

/// The removal of everything that is due at one time, a batch at a time: whoever drives it can
/// end it between two.
pub struct Round<'r> {
    store: &'r Store,
    retention: &'r Retention,
    now: Timestamp,
    rest: VecDeque<Part<'r>>,
    /// What has been looked at or is being.
    removed: Vec<Removed>,
    /// By number.
    names: HashMap<TenantId, String>,
}

impl<'r> Round<'r> {
    /// Begins a round over every tenant and kind.
    ///
    /// # Errors
    /// That the tenants or the months of the log could not be read.
    pub async fn begin(
        store: &'r Store,
        retention: &'r Retention,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let names: HashMap<TenantId, String> = store.tenants().await?.into_iter().collect();
        let mut tenants: Vec<TenantId> = names.keys().copied().collect();
        tenants.sort_by_key(|tenant| &names[tenant]);
        let of_tenant = |tenant| {
            let kinds = retention.kinds().into_iter();
            kinds.map(move |(kind, policy)| Part::Kind(tenant, kind, policy))
        };
        let mut rest: VecDeque<Part<'r>> = tenants.into_iter().flat_map(of_tenant).collect();
        let cutoff = retention.log_records.cutoffs(now).general;
        rest.extend(store.log_months_over_at(cutoff).await?.into_iter().map(Part::Month));
        Ok(Self { store, retention, now, rest, removed: Vec::new(), names })
    }

    /// Removes one batch; `false` when nothing is left. The trouble of one part is no other's.
    pub async fn step(&mut self) -> bool {
        let Some(part) = self.rest.pop_front() else { return false };
        let (kind, tenant) = match &part {
            Part::Kind(tenant, kind, _) => (kind.name, self.names[tenant].clone()),
            Part::Month(_) => (LOG_RECORDS, ALL_TENANTS.to_owned()),
        };
        let known = |removed: &Removed| removed.tenant == tenant && removed.kind == kind;
        let place = self.removed.iter().position(known).unwrap_or_else(|| {
            self.removed.push(Removed { kind, tenant, count: 0, error: None });
            self.removed.len() - 1
        });
        match self.remove_batch(part).await {
            Ok((some, rest)) => {
                self.removed[place].count += some;
                if let Some(rest) = rest {
                    self.rest.push_front(rest);
                }
            }
            Err(error) => self.removed[place].error = Some(error),
        }
        true
    }

    /// Removes a batch of a part; tells how many, and what is left of the part.
    async fn remove_batch(&self, part: Part<'r>) -> Result<(usize, Option<Part<'r>>), StoreError> {
        let (store, now, rows) = (self.store, self.now, self.retention.batch_rows);
        match part {
            Part::Kind(tenant, kind, policy) => {
                let cutoffs = policy.cutoffs(now);
                let mut change = store.change(tenant, None, kind.domain, now).await?;
                let removed = change.remove_due(kind, now, &cutoffs, rows).await?;
                change.commit().await?;
                Ok((removed, (removed == rows).then_some(Part::Kind(tenant, kind, policy))))
            }
            Part::Month(month) => {
                let cutoffs = self.log_cutoffs();
                let Some(owners) = store.due_owners(&month, &cutoffs).await? else {
                    return Ok((0, None));
                };
                let before_leaf = provably_old(store, now).await?;
                let removal = MonthRemoval { month: &month, cutoffs: &cutoffs, before_leaf, now };
                let removed = match store.has_due_records(&removal, &owners).await? {
                    true => store.remove_records(&removal).await?,
                    false => 0,
                };
                Ok((removed, None))
            }
        }
    }

    fn log_cutoffs(&self) -> Cutoffs {
        self.retention.log_records.cutoffs(self.now)
    }

    /// What was removed.
    pub fn end(self) -> Vec<Removed> {
        self.removed
    }
}

/// The leaf before which all are as old as the law demands, as signed time shows.
async fn provably_old(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let Some(before) = now.checked_sub_months(Months::new(12 * LEAST_YEARS)) else { return Ok(0) };
    let identities = SealIdentity::all(&store.notices(&KINDS).await?);
    let note = store.last_checkpoint_signed_by(before).await?;
    let read = note.and_then(|note| SignedCheckpoint::of_text(&note).ok());
    let Some(read) = read.filter(|read| is_signed(&identities, read)) else { return Ok(0) };
    let seconds = time_of(&identities, &read).and_then(|time| i64::try_from(time).ok());
    let is_old = seconds.is_some_and(|seconds| seconds <= before.timestamp());
    Ok(if is_old { read.checkpoint().size } else { 0 })
}

/// What is due of every kind and tenant, by care provider.
///
/// # Errors
/// The store's.
pub async fn due(
    store: &Store,
    retention: &Retention,
    now: Timestamp,
) -> Result<Vec<(&'static str, String, Vec<Due>)>, StoreError> {
    let mut all = Vec::new();
    let log = retention.log_records.cutoffs(now);
    let months = store.log_months_over_at(log.general).await?;
    for (id, tenant) in store.tenants().await? {
        for (kind, policy) in retention.kinds() {
            let found = store.due(kind, id, now, &policy.cutoffs(now)).await?;
            all.push((kind.name, tenant.clone(), found));
        }
        let mut by_provider: BTreeMap<String, Due> = BTreeMap::new();
        for month in &months {
            for due in store.due_records(month, id, &log).await? {
                let sum = by_provider.entry(due.care_provider_id.to_lowercase());
                sum.and_modify(|sum| sum.add(&due)).or_insert(due);
            }
        }
        all.push((LOG_RECORDS, tenant, by_provider.into_values().collect()));
    }
    Ok(all)
}
