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
use crate::store::log::ids::tables::{ClosedIds, OpenTable};
use chrono::Days;

/// A table is closed after so many days, however few ids it has: what is in it is forgotten no sooner.
const OPEN_DAYS: u64 = 31;
/// Runs of a class of size that are merged.
const MERGED_RUNS: usize = 8;
/// Runs from this size on are merged no more.
const RUN_IDS_MAX: i64 = 200_000_000;

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
    /// Runs that have been looked through for ids to be left out.
    looked_through: Vec<i64>,
    forgotten: u64,
}

impl<'t> IdRound<'t> {
    /// Begins; what a process that died has left undone is undone.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(
        store: &'t Store,
        tidying: &'t Tidying,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        store.drop_unmade_runs().await?;
        Ok(Self { store, tidying, now, work: None, looked_through: Vec::new(), forgotten: 0 })
    }

    /// Does the next step; `false` when nothing is left to do.
    ///
    /// # Errors
    /// The store's. What has been made of a run is dropped when the next round begins.
    pub async fn step(&mut self) -> Result<bool, StoreError> {
        if let Some(mut work) = self.work.take() {
            match self.store.repack_part(&mut work).await? {
                true => self.work = Some(work),
                false => self.forgotten += self.store.end_repacking(work).await?,
            }
            return Ok(true);
        }
        let open = self.store.open_id_table().await?;
        if self.is_full(&open) {
            self.store.close_id_table(open.table_number).await?;
            return Ok(true);
        }
        if let Some(closed) = self.store.closed_id_table().await? {
            return self.repack(vec![closed], None).await;
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

    fn is_full(&self, open: &OpenTable) -> bool {
        let old = self.now.checked_sub_days(Days::new(OPEN_DAYS));
        let is_old = old.is_some_and(|old| open.opened_at < old);
        open.ids >= self.tidying.table_ids || is_old && open.ids > 0
    }

    async fn repack(
        &mut self,
        sources: Vec<ClosedIds>,
        forget: Option<Forget>,
    ) -> Result<bool, StoreError> {
        self.work = Some(self.store.begin_repacking(sources, forget).await?);
        Ok(true)
    }

    /// A run that has been there for longer than ids are kept, and has not been looked through since the last
    /// table became so old.
    async fn forgettable(
        &mut self,
        runs: &[ClosedIds],
    ) -> Result<Option<(ClosedIds, Forget)>, StoreError> {
        let cutoff = self.tidying.forgotten_after.cutoffs(self.now).general;
        let Some(below) = self.store.ids_taken_before(cutoff).await? else { return Ok(None) };
        for run in runs {
            let known = run.run_number.is_some_and(|number| self.looked_through.contains(&number));
            if known || run.first_number >= below || run.forgotten_below >= below {
                continue;
            }
            self.looked_through.extend(run.run_number);
            return Ok(Some((*run, self.store.forgettable(run, below).await?)));
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
        let small = runs.iter().filter(move |run| class(run) == wanted && run.ids < RUN_IDS_MAX);
        small.take(MERGED_RUNS).copied().collect::<Vec<ClosedIds>>()
    };
    classes.into_iter().map(of_class).find(|alike| alike.len() == MERGED_RUNS)
}
