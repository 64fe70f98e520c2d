//! Whether the ids that are taken are those of the records that there are.
//!
//! Sums of a hash under a random key, in buckets by running number: nothing is sorted, and little is kept. Only buckets that
//! differ are compared id by id.

use super::log_seal::SealError;
use super::verification::{Verification, Verifier};
use crate::store::database::Store;
use crate::store::log::ids::scan::{TakenId, taken};
use crate::store::log::seal::findings::NewFinding;
use crate::store::log::seal::removed::RemovedLeaves;
use crate::store::log::seal::tree::Run;
use crate::store::log::seal::walk::Walked;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

/// Numbers of a bucket, as a power of two.
const BUCKET_BITS: u32 = 16;
/// Buckets that are compared id by id; differences in others are counted as one.
const COMPARED_MAX: usize = 64;
/// Numbers of nothing that are looked at again.
const UNKNOWN_MAX: usize = 10_000;
const RUNS: i64 = 100_000;

/// Sums over the ids of sealed records.
pub struct IdSums {
    key: RandomState,
    /// As they were when it began: what is stored later is not summed.
    runs: Vec<Run>,
    sums: BTreeMap<i64, u64>,
    /// Leaves that are missing: their ids are too many, which is known then.
    missing: Vec<(u64, u64)>,
}

impl IdSums {
    /// Begins, with what is sealed now.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(store: &Store) -> Result<Self, SealError> {
        let mut runs: Vec<Run> = Vec::new();
        loop {
            let behind = runs.last().map_or(i64::MIN, |run| run.first_number);
            let more = store.runs_behind(behind, RUNS).await?;
            if more.is_empty() {
                break;
            }
            runs.extend(more);
        }
        Ok(Self { key: RandomState::new(), runs, sums: BTreeMap::new(), missing: Vec::new() })
    }

    /// Adds the ids of a stretch.
    pub fn add(&mut self, walked: &Walked) {
        for (number, id) in &walked.ids {
            if self.leaf(*number).is_some() {
                self.count(taken(*number, *id), u64::wrapping_add);
            }
        }
        let missing = walked.findings.iter().filter(|finding| finding.kind == "missing");
        self.missing.extend(missing.filter_map(|finding| finding.leaves));
    }

    fn count(&mut self, id: TakenId, change: fn(u64, u64) -> u64) {
        let sum = self.sums.entry(id.0 >> BUCKET_BITS).or_default();
        *sum = change(*sum, self.key.hash_one(id));
    }

    fn leaf(&self, number: i64) -> Option<u64> {
        let before = self.runs.partition_point(|run| run.first_number <= number).checked_sub(1)?;
        let run = self.runs[before];
        let leaf = run.first_leaf + number - run.first_number;
        (number < run.first_number + i64::from(run.count)).then(|| u64::try_from(leaf).ok())?
    }

    /// Whether an id is one that a record must have.
    fn is_expected(&self, number: i64, removed: &RemovedLeaves) -> Option<bool> {
        let leaf = self.leaf(number)?;
        let is_missing = self.missing.iter().any(|(first, last)| (*first..=*last).contains(&leaf));
        Some(!removed.contains(leaf) && !is_missing)
    }
}

/// Compares the ids that are taken with those of the records.
pub(super) async fn compare(
    verifier: &Verifier,
    mut sums: IdSums,
    walked_with: &RemovedLeaves,
    found: &mut Verification,
) -> Result<(), SealError> {
    // As it is now: what was removed meanwhile differs, and is not compared.
    let removed = &verifier.store.removed_leaves().await?;
    if *removed != *walked_with {
        tracing::warn!("records were removed meanwhile: ids are compared another time");
        return Ok(());
    }
    let mut unknown = BTreeSet::new();
    verifier
        .store
        .scan_ids(|id| match sums.is_expected(id.0, removed) {
            Some(true) => sums.count(id, u64::wrapping_sub),
            None if unknown.len() < UNKNOWN_MAX => _ = unknown.insert(id.0),
            Some(false) | None => {}
        })
        .await?;
    let unknown: Vec<i64> = unknown.into_iter().collect();
    for number in verifier.store.numbers_of_nothing(&unknown).await? {
        found.find([differs(number, "an id that no record has was added")]);
    }
    let differing: Vec<i64> =
        sums.sums.iter().filter(|(_, sum)| **sum != 0).map(|(bucket, _)| *bucket).collect();
    if differing.is_empty() {
        return Ok(());
    }
    let compared: BTreeSet<i64> = differing.iter().copied().take(COMPARED_MAX).collect();
    let mut there: HashMap<i64, Vec<[u8; 12]>> = HashMap::new();
    verifier
        .store
        .scan_ids(|(number, id)| {
            let is_compared = compared.contains(&(number >> BUCKET_BITS));
            if is_compared && sums.is_expected(number, removed) == Some(true) {
                there.entry(number).or_default().push(id);
            }
        })
        .await?;
    for bucket in &compared {
        let interval = (bucket << BUCKET_BITS, (bucket + 1) << BUCKET_BITS);
        for (number, id) in verifier.store.ids_of_records(interval).await? {
            if sums.is_expected(number, removed) != Some(true) {
                continue;
            }
            match there.remove(&number) {
                Some(ids) if ids == [id] => {}
                Some(_) => found
                    .find([differs(number, "its id is another than the one that is taken for it")]),
                None => {
                    found.find([differs(number, "its id is not taken: it could be used again")]);
                }
            }
        }
    }
    let mut rest: Vec<i64> = there.into_keys().collect();
    rest.sort_unstable();
    found.find(
        rest.into_iter()
            .map(|number| differs(number, "an id is taken for it, and there is no such record")),
    );
    if differing.len() > compared.len() {
        let more = differing.len() - compared.len();
        found
            .find([differs(0, &format!("{more} further stretches of running numbers differ too"))]);
    }
    Ok(())
}

fn differs(number: i64, what: &str) -> NewFinding {
    NewFinding {
        kind: "ids differ",
        entry_number: Some(number),
        detail: format!("record {number}: {what}"),
        ..NewFinding::default()
    }
}
