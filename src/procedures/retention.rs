//! Removes what has been invalid for long enough, and says what will be.
//!
//! In small transactions, so that registrations need not wait; any number of processes may do
//! it at the same time.

use crate::domain::retention::Policy;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::retention::{ASSERTIONS, Due, RetentionKind};
use crate::store::tenants::TenantId;
use std::collections::{HashMap, VecDeque};

/// What is removed after how long.
#[derive(Debug, Clone)]
pub struct Retention {
    /// For assertions.
    pub assertions: Policy,
    /// Records removed in one transaction.
    pub batch_rows: usize,
}

impl Retention {
    /// Every kind of record with its policy.
    fn kinds(&self) -> [(&'static RetentionKind, &Policy); 1] {
        [(&ASSERTIONS, &self.assertions)]
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

/// The removal of everything that is due at one time, a batch at a time: whoever drives it can
/// end it between two.
pub struct Round<'r> {
    store: &'r Store,
    retention: &'r Retention,
    now: Timestamp,
    /// What is still to be looked at.
    rest: VecDeque<(TenantId, &'static RetentionKind, &'r Policy)>,
    /// What has been looked at or is being.
    removed: Vec<Removed>,
    /// By number.
    names: HashMap<TenantId, String>,
}

impl<'r> Round<'r> {
    /// Begins a round over every tenant and kind.
    ///
    /// # Errors
    /// That the tenants could not be read.
    pub async fn begin(
        store: &'r Store,
        retention: &'r Retention,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let names: HashMap<TenantId, String> = store.tenants().await?.into_iter().collect();
        let mut tenants: Vec<TenantId> = names.keys().copied().collect();
        tenants.sort_by_key(|tenant| &names[tenant]);
        let of_tenant = |tenant| {
            retention.kinds().into_iter().map(move |(kind, policy)| (tenant, kind, policy))
        };
        let rest = tenants.into_iter().flat_map(of_tenant).collect();
        Ok(Self { store, retention, now, rest, removed: Vec::new(), names })
    }

    /// Removes one batch; `false` when nothing is left. One tenant's trouble is no other's.
    pub async fn step(&mut self) -> bool {
        let Some((tenant, kind, policy)) = self.rest.front().copied() else { return false };
        let batch = self.remove_batch(tenant, kind, policy).await;
        let name = &self.names[&tenant];
        let known = |removed: &Removed| removed.tenant == *name && removed.kind == kind.name;
        let place = self.removed.iter().position(known).unwrap_or_else(|| {
            let (tenant, kind) = (name.clone(), kind.name);
            self.removed.push(Removed { kind, tenant, count: 0, error: None });
            self.removed.len() - 1
        });
        let removed = &mut self.removed[place];
        let ended = match batch {
            Ok(some) => {
                removed.count += some;
                some < self.retention.batch_rows
            }
            Err(error) => {
                removed.error = Some(error);
                true
            }
        };
        if ended {
            self.rest.pop_front();
        }
        true
    }

    async fn remove_batch(
        &self,
        tenant: TenantId,
        kind: &RetentionKind,
        policy: &Policy,
    ) -> Result<usize, StoreError> {
        let cutoffs = policy.cutoffs(self.now);
        let mut change = self.store.change(tenant, None, kind.domain, self.now).await?;
        let rows = self.retention.batch_rows;
        let removed = change.remove_due(kind, self.now, &cutoffs, rows).await?;
        change.commit().await?;
        Ok(removed)
    }

    /// What was removed.
    pub fn end(self) -> Vec<Removed> {
        self.removed
    }
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
    for (id, tenant) in store.tenants().await? {
        for (kind, policy) in retention.kinds() {
            let found = store.due(kind, id, now, &policy.cutoffs(now)).await?;
            all.push((kind.name, tenant.clone(), found));
        }
    }
    Ok(all)
}
