//! Walking over everything that is sealed: by running number, a stretch at a time, each as one moment has it.

use super::checked::{changed, changed_before_sealing, leaves_of, not_sealed, on_their_way};
use super::findings::{self, NewFinding};
use super::intake::Intake;
use super::notices::{self, StoredNotice};
use super::removed::{self, RemovedLeaves};
use super::tiles::{self, TreeView};
use super::tree::Run;
use super::words::{back, changed_notice, derived, missing_leaves, reordered};
use crate::domain::identity::RecordId;
use crate::domain::log::record::IdHash;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::records::{EntryRow, FurtherResources, further_resources_between};
use crate::store::tenants;
use futures_util::TryStreamExt;
use sigill_seal::entry::{Entry, Kind, STORED_BYTES};
use sigill_seal::tree::StoredEntry;
use sqlx::{Connection, FromRow, PgConnection};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const RECORDS: &str = "/* records_of_stretch */ select * from log_entries where entry_number >= $1 and entry_number < $2";
/// Runs that are looked at for where a stretch ends.
const RUNS: i64 = 1_024;

/// A stretch of running numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The first number.
    pub from: i64,
    /// Behind the last one.
    pub to: i64,
}

/// What a stretch was found to have.
#[derive(Debug, Default)]
pub struct Walked {
    /// Records that are there.
    pub records: u64,
    /// Notices that are there.
    pub notices: u64,
    /// Records that were removed.
    pub removed: u64,
    /// What is not as it was sealed.
    pub findings: Vec<NewFinding>,
    /// The ids of sealed records, by running number.
    pub ids: Vec<NumberedId>,
}

/// A record's running number and id.
pub type NumberedId = (i64, IdHash);

/// What a stretch has, at one moment.
struct StretchMoment {
    view: TreeView,
    runs: Vec<Run>,
    rows: HashMap<i64, FoundThere>,
    tiles: HashMap<u64, Vec<u8>>,
    sent: HashMap<i64, StoredEntry>,
    /// Up to which number records of before sealing may be without a leaf still.
    adopting: Option<i64>,
}

const NOTHING: StoredEntry = [0; STORED_BYTES];

/// What is there under a running number.
struct FoundThere {
    entry: StoredEntry,
    /// Of a record: its id; `None` for a notice.
    id: Option<IdHash>,
    /// A column that is derived of others is not.
    derived: Option<&'static str>,
}

impl Store {
    /// Where a stretch that begins at a number ends, when it is to have so many records at the most.
    ///
    /// # Errors
    /// The store's.
    pub async fn stretch_from(&self, from: i64, records: i64) -> Result<Stretch, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let runs = runs_between(&mut connection, (from, i64::MAX), RUNS).await?;
        let mut left = records;
        for run in &runs {
            let count = i64::from(run.count);
            if count >= left {
                return Ok(Stretch { from, to: run.first_number + left });
            }
            left -= count;
        }
        // The first may be one that ends before the stretch.
        let is_all = i64::try_from(runs.len()).is_ok_and(|count| count + 1 < RUNS);
        let last = runs.last().map(|last| last.first_number + i64::from(last.count));
        let Some(last) = last.filter(|_| !is_all) else {
            // What has no leaf yet may be much.
            let next: Option<i64> = sqlx::query_scalar(
                "/* stretch_of_unsealed */ select entry_number from log_entries where entry_number >= $1
                 order by entry_number offset $2 limit 1",
            )
            .bind(from)
            .bind(records)
            .fetch_optional(&mut *connection)
            .await?;
            return Ok(Stretch { from, to: next.unwrap_or(i64::MAX) });
        };
        Ok(Stretch { from, to: last })
    }

    /// What the leaves of a stretch commit to, of those whose content is there; of notices only without `records`.
    ///
    /// # Errors
    /// The store's.
    pub async fn preimages(
        &self,
        Stretch { from, to }: Stretch,
        records: bool,
    ) -> Result<Vec<(u64, Kind, Vec<u8>)>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let mut moment = connection.begin().await?;
        sqlx::query("set transaction isolation level repeatable read, read only")
            .execute(&mut *moment)
            .await?;
        let mut found = Vec::<(i64, Kind, Vec<u8>)>::new();
        for notice in notices_of(&mut moment, (from, to)).await? {
            if let Some(kind) = notice.kind() {
                found.push((notice.entry_number, kind, notice.preimage()));
            }
        }
        if records {
            let names = tenants::names(&mut moment).await?;
            let entries = entries_of(&mut moment, (from, to)).await?;
            let further = further_resources_between(&mut moment, (from, to)).await?;
            for entry in &entries {
                let mut preimage = Vec::with_capacity(700);
                entry.sealed(&names, &further, &mut preimage);
                found.push((entry.entry_number, Kind::Record, preimage));
            }
        }
        let numbers: Vec<i64> = found.iter().map(|(number, ..)| *number).collect();
        let leaves = leaves_of(&mut moment, &numbers).await?;
        moment.commit().await?;
        let leaf = |(number, kind, preimage)| Some((*leaves.get(&number)?, kind, preimage));
        Ok(found.into_iter().filter_map(leaf).collect())
    }

    /// Looks at everything in a stretch.
    ///
    /// # Errors
    /// The store's.
    pub async fn walk(
        &self,
        stretch: Stretch,
        intake: Option<&Intake>,
        removed: &RemovedLeaves,
        now: Timestamp,
    ) -> Result<Walked, StoreError> {
        let walked = self.walk_once(stretch, intake, Some(removed), now).await?;
        if walked.findings.iter().all(|finding| finding.kind != "missing") {
            return Ok(walked);
        }
        // They may have been removed since it was read what was.
        self.walk_once(stretch, intake, None, now).await
    }

    async fn walk_once(
        &self,
        stretch: Stretch,
        intake: Option<&Intake>,
        removed: Option<&RemovedLeaves>,
        now: Timestamp,
    ) -> Result<Walked, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin().await?;
        sqlx::query("set transaction isolation level repeatable read, read only")
            .execute(&mut *transaction)
            .await?;
        let moment = moment(&mut transaction, stretch, intake).await?;
        let now_removed = match removed {
            Some(_) => None,
            None => Some(removed::leaves(&mut transaction).await?),
        };
        let removed = removed.or(now_removed.as_ref()).ok_or(StoreError::Stopped)?;
        let mut walked = judged(moment, removed);
        for finding in &mut walked.findings {
            finding.time = findings::time_of_leaves(&mut transaction, finding.leaves, now).await?;
        }
        transaction.commit().await?;
        Ok(walked)
    }
}

async fn moment(
    connection: &mut PgConnection,
    Stretch { from, to }: Stretch,
    intake: Option<&Intake>,
) -> Result<StretchMoment, StoreError> {
    let view = tiles::view(connection).await?;
    let runs = runs_between(connection, (from, to), i64::MAX).await?;
    let further = further_resources_between(connection, (from, to)).await?;
    let notices = notices_of(connection, (from, to)).await?;
    let names = tenants::names(connection).await?;
    let rows = found(connection, (from, to), &further, &notices, &names).await?;
    let wanted = tiles_of(&runs, view.full_tiles(0));
    let mut tiles = HashMap::with_capacity(wanted.len());
    for row in tiles::rows(connection, &wanted).await? {
        tiles.insert(u64::try_from(row.tile).unwrap_or_default(), row.hashes);
    }
    let has_leaf = |number: &i64| {
        let before = runs.partition_point(|run| run.first_number <= *number);
        before > 0 && *number < runs[before - 1].first_number + i64::from(runs[before - 1].count)
    };
    let without: Vec<i64> = rows.keys().copied().filter(|number| !has_leaf(number)).collect();
    let sent = match intake {
        Some(intake) => on_their_way(connection, intake, &without).await?,
        // Without the key only the tree tells; what is on its way is looked at another time.
        None => rows
            .iter()
            .filter(|(n, _)| without.contains(n))
            .map(|(n, found)| (*n, found.entry))
            .collect(),
    };
    let adopting = notices::adopting(connection).await?;
    Ok(StretchMoment { view, runs, rows, tiles, sent, adopting })
}

/// The runs between two numbers, in their order: what of them lies between, of so many of them.
async fn runs_between(
    connection: &mut PgConnection,
    (from, to): (i64, i64),
    most: i64,
) -> Result<Vec<Run>, StoreError> {
    let runs: Vec<Run> = sqlx::query_as(
        "/* runs_between */ select first_leaf, first_number, count from log_runs
         where first_number < $2
           and first_number >= coalesce((select max(first_number) from log_runs where first_number <= $1), $1)
         order by first_number limit $3",
    )
    .bind(from)
    .bind(to)
    .bind(most)
    .fetch_all(connection)
    .await?;
    let within = |run: Run| {
        let (first, behind) =
            (run.first_number.max(from), (run.first_number + i64::from(run.count)).min(to));
        let count = i32::try_from(behind - first).ok().filter(|count| *count > 0)?;
        Some(Run {
            first_leaf: run.first_leaf + first - run.first_number,
            first_number: first,
            count,
        })
    };
    Ok(runs.into_iter().filter_map(within).collect())
}

async fn entries_of(
    connection: &mut PgConnection,
    (from, to): (i64, i64),
) -> Result<Vec<EntryRow>, StoreError> {
    Ok(sqlx::query_as(RECORDS).bind(from).bind(to).fetch_all(connection).await?)
}

async fn notices_of(
    connection: &mut PgConnection,
    (from, to): (i64, i64),
) -> Result<Vec<StoredNotice>, StoreError> {
    let sql =
        "/* notices_of_stretch */ select entry_number, kind, salt, body, stored_at from log_notices
         where entry_number >= $1 and entry_number < $2";
    Ok(sqlx::query_as(sql).bind(from).bind(to).fetch_all(connection).await?)
}

/// What is there under the numbers of a stretch.
async fn found(
    connection: &mut PgConnection,
    (from, to): (i64, i64),
    further: &FurtherResources,
    notices: &[StoredNotice],
    names: &tenants::TenantNames,
) -> Result<HashMap<i64, FoundThere>, StoreError> {
    let mut rows: HashMap<i64, FoundThere> = HashMap::new();
    let mut scratch = Vec::new();
    let mut records = sqlx::query(RECORDS).bind(from).bind(to).fetch(connection);
    while let Some(row) = records.try_next().await? {
        let row = EntryRow::from_row(&row)?;
        let entry = row.sealed(names, further, &mut scratch);
        let id = RecordId::new(row.log_id()).map(|id| IdHash::of(&id));
        let mut derived = row.wrongly_derived(further);
        if rows.contains_key(&row.entry_number) {
            derived = Some("its running number, which another has too");
        }
        rows.insert(row.entry_number, FoundThere { entry, id, derived });
    }
    for notice in notices {
        let entry =
            notice.kind().map_or(NOTHING, |kind| Entry::over(kind, &notice.preimage()).stored());
        rows.insert(notice.entry_number, FoundThere { entry, id: None, derived: None });
    }
    // Resources without their record.
    for number in further.keys() {
        rows.entry(*number).or_insert(FoundThere { entry: NOTHING, id: None, derived: None });
    }
    Ok(rows)
}

fn tiles_of(runs: &[Run], full: u64) -> Vec<(u8, u64)> {
    let mut wanted: Vec<(u8, u64)> = runs
        .iter()
        .flat_map(|run| {
            let first = u64::try_from(run.first_leaf).unwrap_or_default();
            let last = first + u64::try_from(run.count).unwrap_or_default().saturating_sub(1);
            first >> 8..=last >> 8
        })
        .filter(|tile| *tile < full)
        .map(|tile| (0, tile))
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

impl StretchMoment {
    /// What was sealed at a leaf.
    fn sealed(&self, leaf: u64) -> Option<StoredEntry> {
        if leaf >= self.view.full_tiles(0) << 8 {
            let at = usize::try_from(leaf & 255).ok()?;
            return self.view.edge.entries().get(at).copied();
        }
        let at = usize::try_from(leaf & 255).ok()? * STORED_BYTES;
        let tile = self.tiles.get(&(leaf >> 8))?;
        tile.get(at..at + STORED_BYTES)?.try_into().ok()
    }
}

fn judged(mut moment: StretchMoment, removed: &RemovedLeaves) -> Walked {
    let mut walked = Walked::default();
    let mut differ: BTreeMap<u64, (StoredEntry, Option<StoredEntry>)> = BTreeMap::new();
    let mut missing: Vec<(u64, u64)> = Vec::new();
    let mut notices: BTreeSet<u64> = BTreeSet::new();
    for run in std::mem::take(&mut moment.runs) {
        let first = u64::try_from(run.first_leaf).unwrap_or_default();
        for (number, leaf) in
            (run.first_number..run.first_number + i64::from(run.count)).zip(first..)
        {
            let sealed = moment.sealed(leaf);
            let is_removed = removed.contains(leaf);
            let Some(found) = moment.rows.remove(&number) else {
                match missing.last_mut() {
                    _ if is_removed => walked.removed += 1,
                    Some((_, last)) if *last + 1 == leaf => *last = leaf,
                    _ => missing.push((leaf, leaf)),
                }
                continue;
            };
            if let Some(id) = found.id {
                walked.records += 1;
                walked.ids.push((number, id));
            } else {
                walked.notices += 1;
                notices.insert(leaf);
            }
            if sealed != Some(found.entry) {
                differ.insert(leaf, (found.entry, sealed));
            } else if let Some(column) = found.derived {
                walked.findings.push(derived(leaf, column));
            }
            if is_removed {
                walked.findings.push(back(leaf));
            }
        }
    }
    walked.findings.extend(missing.into_iter().map(|(first, last)| missing_leaves(first, last)));
    let sealed_as: HashMap<StoredEntry, u64> =
        differ.iter().filter_map(|(leaf, (_, sealed))| Some(((*sealed)?, *leaf))).collect();
    for (leaf, (found, sealed)) in &differ {
        // Another's content in the place of this one's, and this one's in the other's.
        let other = sealed_as
            .get(found)
            .filter(|other| differ.get(other).is_some_and(|o| Some(o.0) == *sealed));
        match other {
            Some(other) if other < leaf => {}
            Some(other) => walked.findings.push(reordered(*leaf, *other)),
            None if notices.contains(leaf) => walked.findings.push(changed_notice(*leaf, found)),
            None => walked.findings.push(changed(*leaf, found)),
        }
    }
    for (number, found) in moment.rows {
        if moment.adopting.is_some_and(|last| number <= last) {
            continue;
        }
        match moment.sent.get(&number) {
            Some(sent) if *sent == found.entry => {}
            Some(_) => walked.findings.push(changed_before_sealing(number, &found.entry)),
            None => walked.findings.push(not_sealed(number, &found.entry)),
        }
    }
    walked
}
