//! Keeps the ids of log records small: closes the open table, packs what is closed, merges runs as they become
//! many, and leaves out ids that may come again.
//!
//! Runs of like size are merged, so of a billion ids there are some twenty runs, and each id is written three
//! or four times in all.

use crate::domain::retention::Policy;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::ids::runs::{Forget, Repacking};
use crate::store::log::ids::tables::ClosedIds;
use chrono::Days;

/// A table is closed after so many days, however few ids it has: what is in it is forgotten no sooner.
const OPEN_DAYS: u64 = 31;
/// Runs of a class of size that are merged.
const MERGED_RUNS: usize = 8;
/// A run has no more ids than that.
const RUN_IDS_MAX: i64 = 300_000_000;
/// After so many parts it is looked whether the open table is full.
const PARTS: u64 = 64;
/// A run is made anew for this part of its ids.
const WORTH_WHILE: i64 = 8;

/// How ids are kept.
#[derive(Debug, Clone)]
pub struct Tidying {
    /// Ids with which the open table is closed.
    pub table_ids: i64,
    /// How long the ids of removed records may not come again.
    pub forgotten_after: Policy,
}

/// What is being done, a step at a time: whoever drives it can end it between two.
pub struct IdRound<'t> {
    store: &'t Store,
    tidying: &'t Tidying,
    now: Timestamp,
    work: Option<Repacking>,
    parts: u64,
    /// Packed tables have been dropped, or cannot be now.
    tables_dropped: bool,
    forgotten: u64,
}

impl<'t> IdRound<'t> {
    /// Begins.
    pub fn begin(store: &'t Store, tidying: &'t Tidying, now: Timestamp) -> Self {
        Self { store, tidying, now, work: None, parts: 0, tables_dropped: false, forgotten: 0 }
    }

    /// Does the next step; `false` when nothing is left to do.
    ///
    /// # Errors
    /// The store's. What has been made of a run is dropped in a later round.
    pub async fn step(&mut self) -> Result<bool, StoreError> {
        if let Some(mut work) = self.work.take() {
            self.parts += 1;
            if self.parts.is_multiple_of(PARTS) {
                self.close_if_full().await?;
            }
            match self.store.repack_part(&mut work).await? {
                true => self.work = Some(work),
                false => self.forgotten += self.store.end_repacking(work).await?,
            }
            return Ok(true);
        }
        if self.close_if_full().await? || self.store.drop_some_unmade().await? {
            return Ok(true);
        }
        if let Some(closed) = self.store.closed_id_table().await? {
            self.tables_dropped = false;
            return self.repack(vec![closed], None).await;
        }
        if !self.tables_dropped {
            self.tables_dropped = true;
            if let Err(error) = self.store.drop_packed_tables().await {
                tracing::warn!(%error, "a packed table of log ids is read: dropped later");
            }
            return Ok(true);
        }
        let runs = self.store.id_runs().await?;
        if let Some(alike) = to_be_merged(&runs) {
            return self.repack(alike, None).await;
        }
        match self.forgettable(&runs).await? {
            Some((run, forget)) => self.repack(vec![run], Some(forget)).await,
            None => Ok(false),
        }
    }

    /// How many ids were left out.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Closes the open table where it has enough ids, or is old; whether it did. One that is used all the
    /// time is closed another time.
    async fn close_if_full(&self) -> Result<bool, StoreError> {
        let open = self.store.open_id_table().await?;
        let old = self.now.checked_sub_days(Days::new(OPEN_DAYS));
        let is_old = old.is_some_and(|old| open.opened_at < old);
        if open.ids < self.tidying.table_ids && !(is_old && open.ids > 0) {
            return Ok(false);
        }
        let closed = self.store.close_id_table(open.table_number).await;
        if let Err(error) = &closed {
            tracing::warn!(%error, "the open table of log ids is closed later");
        }
        Ok(closed.is_ok())
    }

    async fn repack(
        &mut self,
        sources: Vec<ClosedIds>,
        forget: Option<Forget>,
    ) -> Result<bool, StoreError> {
        self.work = Some(self.store.begin_repacking(sources, forget).await?);
        Ok(true)
    }

    /// A run with ids that may come again, enough of them to make it anew. Runs are looked through when
    /// another table has become old enough.
    async fn forgettable(
        &mut self,
        runs: &[ClosedIds],
    ) -> Result<Option<(ClosedIds, Forget)>, StoreError> {
        let cutoff = self.tidying.forgotten_after.cutoffs(self.now).general;
        let last = self.store.last_id_table_closed_before(cutoff).await?.unwrap_or_default();
        let due: Vec<ClosedIds> =
            runs.iter().filter(|run| run.forgotten_with < last).copied().collect();
        if due.is_empty() {
            return Ok(None);
        }
        let below = self.store.numbers_before_next(last).await?;
        for run in due {
            if run.first_number < below {
                let forget = self.store.forgettable(&run, (last, below)).await?;
                if forget.least(&run) * WORTH_WHILE >= run.ids {
                    return Ok(Some((run, forget)));
                }
            }
            self.store.looked_through(&run, last).await?;
        }
        Ok(None)
    }
}

/// The runs of the smallest class of size that has enough of them.
fn to_be_merged(runs: &[ClosedIds]) -> Option<Vec<ClosedIds>> {
    let class = |run: &ClosedIds| run.ids.max(1).ilog(8);
    let mut classes: Vec<u32> = runs.iter().map(class).collect();
    classes.sort_unstable();
    classes.dedup();
    let of_class = |wanted: u32| {
        let alike = runs.iter().filter(move |run| class(run) == wanted);
        alike.take(MERGED_RUNS).copied().collect::<Vec<ClosedIds>>()
    };
    let fits = |alike: &Vec<ClosedIds>| {
        alike.len() == MERGED_RUNS && alike.iter().map(|run| run.ids).sum::<i64>() <= RUN_IDS_MAX
    };
    classes.into_iter().map(of_class).find(fits)
}
