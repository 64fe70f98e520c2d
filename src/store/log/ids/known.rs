//! Log ids that are taken: in the open table, in closed ones, and in packed runs.
//!
//! An id is new when it is in no closed table and no run, and the open table takes it. Closed tables and
//! runs never get another id, so it does not matter when they are looked at; a table that has been closed
//! takes none (its constraint), and one that was packed, or a run that was merged, is gone with its
//! pages: whoever knows what was there before is told so, and learns anew.

use super::pages::{Division, PartFilter, find};
use crate::domain::log::record::IdHash;
use crate::store::database::Store;
use crate::store::error::StoreError;
use sqlx::{FromRow, PgConnection};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use tokio::sync::Mutex;
use uuid::Uuid;

/// Parts whose filters are read at once.
const PARTS_READ: i32 = 256;

/// What this process knows of the ids that are taken.
#[derive(Debug, Default)]
pub(in crate::store::log) struct LogIds {
    known: StdMutex<Option<Arc<KnownIds>>>,
    learning: Mutex<()>,
}

/// Where ids are, at one time.
#[derive(Debug)]
pub(in crate::store::log) struct KnownIds {
    open: i32,
    closed: Vec<i32>,
    runs: Vec<Arc<KnownRun>>,
}

#[derive(Debug)]
struct KnownRun {
    number: i64,
    division: Division,
    filters: Vec<PartFilter>,
}

/// A row of `log_id_tables`.
#[derive(FromRow)]
struct TableRow {
    table_number: i32,
    is_open: bool,
}

/// A row of `log_id_runs`.
#[derive(FromRow)]
struct RunRow {
    run_number: i64,
    page_bits: i16,
    part_bits: i16,
}

/// A row of `log_id_pages`.
#[derive(FromRow)]
struct PageRow {
    run_number: i64,
    page: i32,
    ids: Vec<u8>,
}

/// An id that is taken.
#[derive(FromRow)]
pub(super) struct IdRow {
    pub id_hash: Uuid,
    pub entry_number: i64,
}

/// The table of a number.
pub(super) fn table(number: i32) -> String {
    format!("log_ids_{number}")
}

/// How runs are divided, as the database has it.
pub(super) fn division(page_bits: i16, part_bits: i16) -> Division {
    let bits = |bits: i16| u32::try_from(bits).unwrap_or_default();
    Division { page_bits: bits(page_bits), part_bits: bits(part_bits) }
}

/// Whether an id has been taken before.
pub(in crate::store::log) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Whether a failure means that ids are elsewhere than was known: a table that is gone, or closed.
pub(in crate::store::log) fn has_moved(error: &StoreError) -> bool {
    matches!(error, StoreError::Database(sqlx::Error::Database(error))
        if matches!(error.code().as_deref(), Some("42P01" | "23514")))
}

impl LogIds {
    /// What is known; learnt when nothing is.
    pub async fn known(&self, store: &Store) -> Result<Arc<KnownIds>, StoreError> {
        if let Some(known) = self.now() {
            return Ok(known);
        }
        let learning = self.learning.lock().await;
        if let Some(known) = self.now() {
            return Ok(known);
        }
        let known = Arc::new(KnownIds::learnt(store, &[]).await?);
        self.set(&known);
        drop(learning);
        Ok(known)
    }

    /// What was known turned out to be so no more.
    pub async fn learn_anew(&self, store: &Store, known: &Arc<KnownIds>) -> Result<(), StoreError> {
        let learning = self.learning.lock().await;
        if self.now().is_none_or(|now| Arc::ptr_eq(&now, known)) {
            self.set(&Arc::new(KnownIds::learnt(store, &known.runs).await?));
        }
        drop(learning);
        Ok(())
    }

    fn now(&self) -> Option<Arc<KnownIds>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, known: &Arc<KnownIds>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(known));
    }
}

impl KnownIds {
    /// What there is now; runs that were known need no reading.
    async fn learnt(store: &Store, before: &[Arc<KnownRun>]) -> Result<Self, StoreError> {
        let mut transaction = store.begin().await?;
        sqlx::query("set transaction isolation level repeatable read, read only")
            .execute(&mut *transaction)
            .await?;
        let tables: Vec<TableRow> = sqlx::query_as(
            "/* log_id_tables */ select table_number, closed_at is null as is_open from log_id_tables
             where not packed order by table_number",
        )
        .fetch_all(&mut *transaction)
        .await?;
        let made: Vec<RunRow> = sqlx::query_as(
            "/* log_id_runs */ select run_number, page_bits, part_bits from log_id_runs where made",
        )
        .fetch_all(&mut *transaction)
        .await?;
        let mut runs = Vec::with_capacity(made.len());
        for row in made {
            let known = before.iter().find(|run| run.number == row.run_number);
            runs.push(match known {
                Some(run) => Arc::clone(run),
                None => Arc::new(KnownRun::read(&mut transaction, &row).await?),
            });
        }
        let (open, closed): (Vec<_>, Vec<_>) = tables.into_iter().partition(|table| table.is_open);
        let open = open.first().map(|table| table.table_number);
        Ok(Self {
            open: open.ok_or(StoreError::Inconsistent {
                table: "log_id_tables",
                row: 0,
                what: "none is open",
            })?,
            closed: closed.into_iter().map(|table| table.table_number).collect(),
            runs,
        })
    }

    /// The open table.
    pub fn open(&self) -> String {
        table(self.open)
    }

    /// The running numbers under those of some ids that are in closed tables and runs; `None`: these are
    /// others by now.
    pub async fn find_closed(
        &self,
        connection: &mut PgConnection,
        hashes: &[IdHash],
    ) -> Result<Option<HashMap<IdHash, i64>>, StoreError> {
        let mut found = HashMap::new();
        for number in &self.closed {
            match find_in(connection, &table(*number), hashes).await {
                Ok(some) => found.extend(some),
                Err(error) if has_moved(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let mut looked_up: BTreeSet<(i64, i32)> = BTreeSet::new();
        for run in &self.runs {
            looked_up.extend(run.pages_of(hashes).map(|page| (run.number, page)));
        }
        if looked_up.is_empty() {
            return Ok(Some(found));
        }
        let (runs, numbers): (Vec<i64>, Vec<i32>) = looked_up.iter().copied().unzip();
        let pages: Vec<PageRow> = sqlx::query_as(
            "/* log_id_pages */ select p.* from unnest($1::bigint[], $2::integer[]) w (run_number, page)
             join log_id_pages p using (run_number, page)",
        )
        .bind(runs)
        .bind(numbers)
        .fetch_all(connection)
        .await?;
        if pages.len() < looked_up.len() {
            return Ok(None);
        }
        let by_place: HashMap<(i64, i32), Vec<u8>> =
            pages.into_iter().map(|row| ((row.run_number, row.page), row.ids)).collect();
        for run in &self.runs {
            for hash in hashes {
                let page = by_place.get(&(run.number, run.division.page_of(hash.key())));
                if let Some(number) = page.and_then(|page| find(page, *hash)) {
                    found.insert(*hash, number);
                }
            }
        }
        Ok(Some(found))
    }
}

impl KnownIds {
    /// Takes ids; returns the running numbers under those that somebody has already. `None`: they are
    /// elsewhere than was known, and the transaction is of no more use.
    pub async fn insert(
        &self,
        connection: &mut PgConnection,
        ids: &[(IdHash, i64)],
    ) -> Result<Option<HashMap<IdHash, i64>>, StoreError> {
        let hashes: Vec<IdHash> = ids.iter().map(|id| id.0).collect();
        let Some(mut used) = self.find_closed(connection, &hashes).await? else { return Ok(None) };
        let free: Vec<&(IdHash, i64)> = ids.iter().filter(|id| !used.contains_key(&id.0)).collect();
        let inserted = sqlx::query_scalar(&format!(
            "/* insert_log_ids */ insert into {} (id_hash, entry_number)
             select * from unnest($1::uuid[], $2::bigint[]) on conflict (id_hash) do nothing
             returning id_hash",
            self.open()
        ))
        .bind(free.iter().map(|id| Uuid::from_bytes(id.0.0)).collect::<Vec<_>>())
        .bind(free.iter().map(|id| id.1).collect::<Vec<_>>())
        .fetch_all(&mut *connection)
        .await
        .map_err(StoreError::from);
        let inserted: HashSet<Uuid> = match inserted {
            Ok(inserted) => inserted.into_iter().collect(),
            Err(error) if has_moved(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_used = |id: &&&(IdHash, i64)| !inserted.contains(&Uuid::from_bytes(id.0.0));
        let others: Vec<IdHash> = free.iter().filter(is_used).map(|id| id.0).collect();
        if !others.is_empty() {
            used.extend(find_in(connection, &self.open(), &others).await?);
        }
        Ok(Some(used))
    }
}

/// The running numbers under those of some ids that are in a table.
pub(in crate::store::log) async fn find_in(
    connection: &mut PgConnection,
    table: &str,
    hashes: &[IdHash],
) -> Result<HashMap<IdHash, i64>, StoreError> {
    let hashes: Vec<Uuid> = hashes.iter().map(|hash| Uuid::from_bytes(hash.0)).collect();
    let found: Vec<IdRow> = sqlx::query_as(&format!(
        "/* find_log_ids */ select i.id_hash, i.entry_number
         from unnest($1::uuid[]) c (id_hash) join {table} i using (id_hash)"
    ))
    .bind(&hashes)
    .fetch_all(connection)
    .await?;
    Ok(found.into_iter().map(|row| (IdHash(row.id_hash.into_bytes()), row.entry_number)).collect())
}

impl KnownRun {
    async fn read(connection: &mut PgConnection, row: &RunRow) -> Result<Self, StoreError> {
        let division = division(row.page_bits, row.part_bits);
        let mut filters = Vec::new();
        while (filters.len() as u64) < division.parts() {
            let first = i32::try_from(filters.len()).unwrap_or(i32::MAX);
            let read: Vec<Vec<u8>> = sqlx::query_scalar(
                "/* log_id_filters */ select filter from log_id_filters
                 where run_number = $1 and part >= $2 and part < $2 + $3 order by part",
            )
            .bind(row.run_number)
            .bind(first)
            .bind(PARTS_READ)
            .fetch_all(&mut *connection)
            .await?;
            let made: Option<Vec<PartFilter>> = read.into_iter().map(PartFilter::kept).collect();
            // A filter that cannot be read would let an id be taken twice.
            let made = made.filter(|made| !made.is_empty()).ok_or(StoreError::Inconsistent {
                table: "log_id_filters",
                row: row.run_number,
                what: "no filter",
            })?;
            filters.extend(made);
        }
        Ok(Self { number: row.run_number, division, filters })
    }

    /// The pages that have to be looked at.
    fn pages_of<'h>(&'h self, hashes: &'h [IdHash]) -> impl Iterator<Item = i32> + 'h {
        let may_have = |hash: &IdHash| {
            let filter = self.filters.get(self.division.part_of(hash.key()));
            filter.is_none_or(|filter| filter.may_have(*hash))
        };
        hashes.iter().copied().filter(may_have).map(|hash| self.division.page_of(hash.key()))
    }
}
