//! Writers that store the log records of many calls in one transaction.
//!
//! A call waits in a queue, in turns by address. A writer takes what is waiting, up to a limit, and
//! stores it together: one commit, one flush to disk. A call of which an id has been used before is set
//! aside, for a writer that looks at such calls one by one: so every call is all or nothing, and
//! no call suffers for another.

use super::copy_rows::{
    COPY_ENTRIES, COPY_IDS, COPY_RESOURCES, EncodedLog, HEADER, ID_ROW_BYTES, TRAILER, push_id,
};
pub use super::lanes::Stored;
use super::lanes::{CallGroup, Lane, LaneEnd, QueuedCall, Ticket, WhatBecame, tell};
use super::numbers::LogNumbers;
use super::records;
use crate::domain::log::record::{IdHash, RepeatedLogId, judge_repetitions};
use crate::domain::time::Timestamp;
use crate::fairness::address::Address;
use crate::store::database::Store;
use crate::store::error::StoreError;
use sqlx::{PgConnection, Postgres, Transaction};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// Rows of records and resources of a call that is stored in a few milliseconds.
const SMALL_CALL_ROWS: usize = 200;
/// Rows after which no other call joins a transaction: of small calls, which are to be done soon, and
/// of large ones.
const SMALL_GROUP_ROWS_MAX: usize = 500;
const LARGE_GROUP_ROWS_MAX: usize = 1_500;
/// Rows of a large call go to the database in pieces of this size ...
const PIECE_BYTES: usize = 64 * 1024;
/// ... each as soon as no small call is being stored, or after so long: what the large one writes is
/// flushed with the small one's, and both want processors.
const PIECE_PATIENCE: Duration = Duration::from_millis(5);
/// After an id has been used again, others are looked for before they are taken, for so long.
const LOOK_TIME: Duration = Duration::from_secs(10);

/// The queues to the writers: one for small calls, which have writers of their own and so never wait
/// for large ones, one for the others, and one for those that are looked at one by one.
#[derive(Debug, Clone)]
pub struct LogWriters {
    small: Lane,
    large: Lane,
}

/// What a writer stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stores {
    Small,
    Large,
    OneByOne,
}

/// What became of several calls that were stored together.
enum Together {
    Done,
    /// Nothing is stored: an id is not new, or the calls are to be looked at one by one.
    Undone,
    /// Nothing is stored, and nothing could be.
    Unavailable,
    /// The connection broke at the commit.
    Unknown,
}

struct BatchWriter {
    store: Store,
    numbers: Arc<LogNumbers>,
    /// How many writers are storing small calls.
    small_at_work: Arc<watch::Sender<usize>>,
    stores: Stores,
    /// Where calls go that are looked at one by one; that writer itself has none.
    one_by_one: Option<Lane>,
    /// When ids were last found to be used before.
    repeated_at: Option<Instant>,
}

impl LogWriters {
    /// Starts `count` writers for small calls and half as many for large ones, which fill the
    /// database's processors all the same; they end when every handle to the
    /// queues is gone and what is in them has been stored.
    pub fn start(store: &Store, count: usize) -> (Self, JoinSet<()>) {
        let numbers = Arc::new(LogNumbers::default());
        let small_at_work = Arc::new(watch::Sender::new(0));
        let mut writers = JoinSet::new();
        let mut start = |stores, one_by_one: Option<&Lane>, end: &LaneEnd, count: usize| {
            // One that waits for a connection is of no use.
            for _ in 0..count.min(store.log_connections()) {
                let writer = BatchWriter {
                    store: store.clone(),
                    numbers: Arc::clone(&numbers),
                    small_at_work: Arc::clone(&small_at_work),
                    stores,
                    one_by_one: one_by_one.cloned(),
                    repeated_at: None,
                };
                writers.spawn(writer.run(end.clone()));
            }
        };
        let ((small, small_end), (large, large_end)) = (Lane::new(), Lane::new());
        let (one_by_one, one_by_one_end) = Lane::new();
        start(Stores::Small, Some(&one_by_one), &small_end, count);
        start(Stores::Large, Some(&one_by_one), &large_end, (count / 2).max(1));
        start(Stores::OneByOne, None, &one_by_one_end, 1);
        (Self { small, large }, writers)
    }

    /// Stores a call's records, all of them or none; `Done` means durable.
    ///
    /// # Errors
    /// The store's. After an error the records may have been stored all the same, when the
    /// connection broke at the commit.
    pub async fn store(
        &self,
        asker: Address,
        log: EncodedLog,
        policy: RepeatedLogId,
    ) -> WhatBecame {
        let (told, answer) = oneshot::channel();
        let call = QueuedCall { log, waiting: Ticket { policy, told } };
        let lane = match call.log.rows() <= SMALL_CALL_ROWS {
            true => &self.small,
            false => &self.large,
        };
        lane.push(asker, call)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

impl BatchWriter {
    async fn run(mut self, end: LaneEnd) {
        let rows_max = match self.stores {
            Stores::Small => SMALL_GROUP_ROWS_MAX,
            Stores::Large => LARGE_GROUP_ROWS_MAX,
            Stores::OneByOne => 1,
        };
        while let Some(group) = end.next(rows_max).await {
            let change = usize::from(self.stores == Stores::Small);
            self.small_at_work.send_modify(|count| *count += change);
            match self.one_by_one.clone() {
                Some(aside) => self.store_group(group, &aside).await,
                None => {
                    for (_, QueuedCall { log, waiting }) in group {
                        let became = self.store_one(log, waiting.policy).await;
                        // A caller that has gone away needs no answer.
                        _ = waiting.told.send(became);
                    }
                }
            }
            self.small_at_work.send_modify(|count| *count -= change);
        }
    }

    /// Stores the calls of a group together, but those that are to be looked at one by one.
    async fn store_group(&mut self, mut group: CallGroup, aside: &Lane) {
        // Once as if all were new, and once when that has turned out to be wrong.
        for _ in 0..2 {
            group = self.set_aside(group, aside).await;
            if group.is_empty() {
                return;
            }
            match self.store_together(&mut group).await {
                Together::Undone => {}
                Together::Done => return tell(group, || Ok(Stored::Done)),
                Together::Unknown => return tell(group, || Err(StoreError::CommitUnknown)),
                Together::Unavailable => return tell(group, || Err(StoreError::Unavailable)),
            }
        }
        for (asker, call) in group {
            // Its writer ends after all that hand it calls.
            _ = aside.push(asker, call);
        }
    }

    /// Sets aside the calls of which an id has been used before, as far as that is known; returns the
    /// others.
    async fn set_aside(&self, group: CallGroup, aside: &Lane) -> CallGroup {
        // Most often all are new, and that they are is found out by trying.
        let careful = self.repeated_at.is_some_and(|at| at.elapsed() < LOOK_TIME);
        let hashes = group.iter().flat_map(|(_, call)| call.log.records.iter().map(|r| r.hash));
        let mut used = match careful {
            // What cannot be looked up now fails when it is stored.
            true => self.used_ids(hashes.collect()).await.unwrap_or_default(),
            false => HashSet::new(),
        };
        let mut kept = Vec::with_capacity(group.len());
        for (asker, call) in group {
            let is_used = call.log.records.iter().any(|record| used.contains(&record.hash));
            if is_used || !call.log.repeated_within.is_empty() {
                _ = aside.push(asker, call);
                continue;
            }
            if careful {
                used.extend(call.log.records.iter().map(|record| record.hash));
            }
            kept.push((asker, call));
        }
        kept
    }

    /// Those of some ids that somebody has already.
    async fn used_ids(&self, hashes: Vec<IdHash>) -> Result<HashSet<IdHash>, StoreError> {
        let hashes: Vec<Uuid> = hashes.into_iter().map(|hash| Uuid::from_bytes(hash.0)).collect();
        let mut connection = self.store.begin_log(self.stores != Stores::Small).await?;
        let used: Vec<Uuid> = sqlx::query_scalar(
            "/* looked_up_log_ids */ select id_hash from unnest($1::uuid[]) as c (id_hash)
             join log_ids using (id_hash)",
        )
        .bind(&hashes)
        .fetch_all(&mut *connection)
        .await?;
        Ok(used.into_iter().map(|hash| IdHash(hash.into_bytes())).collect())
    }

    /// Stores every call in one transaction, or nothing.
    async fn store_together(&mut self, group: &mut [(Address, QueuedCall)]) -> Together {
        let mut logs: Vec<&mut EncodedLog> =
            group.iter_mut().map(|(_, call)| &mut call.log).collect();
        let mut prepared = self.prepare(&mut logs).await;
        if prepared.as_ref().is_err_and(StoreError::concerns_everybody) {
            // A connection that has died is no reason to fail.
            prepared = self.prepare(&mut logs).await;
        }
        let transaction = match prepared {
            Ok(Some(transaction)) => transaction,
            Err(error) if error.concerns_everybody() => {
                tracing::error!(%error, "log records cannot be stored");
                return Together::Unavailable;
            }
            // Whatever else goes wrong shows again in the call that it concerns.
            Ok(None) | Err(_) => return Together::Undone,
        };
        match transaction.commit().await {
            Ok(()) => Together::Done,
            Err(error) => {
                tracing::error!(%error, "commit of log records failed");
                Together::Unknown
            }
        }
    }

    /// Everything up to the commit; `None` when an id is not new.
    async fn prepare(
        &mut self,
        logs: &mut [&mut EncodedLog],
    ) -> Result<Option<Transaction<'static, Postgres>>, StoreError> {
        let mut transaction = self.store.begin_log(self.stores != Stores::Small).await?;
        if !self.copy_ids(&mut transaction, logs).await? {
            self.repeated_at = Some(Instant::now());
            return Ok(None);
        }
        self.copy(&mut transaction, logs).await?;
        Ok(Some(transaction))
    }

    /// Numbers the records and takes their ids; `false` when somebody has one already, which ends the
    /// transaction.
    async fn copy_ids(
        &self,
        connection: &mut PgConnection,
        logs: &mut [&mut EncodedLog],
    ) -> Result<bool, StoreError> {
        let ids = self.number(connection, logs).await?;
        let mut rows = Vec::with_capacity(ids.len() * ID_ROW_BYTES);
        for (hash, number, at) in ids {
            push_id(&mut rows, hash, number, at);
        }
        match self.copy_rows(connection, COPY_IDS, vec![&rows]).await {
            Ok(()) => Ok(true),
            Err(StoreError::Database(error)) if is_taken(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn store_one(&self, mut log: EncodedLog, policy: RepeatedLogId) -> WhatBecame {
        let mut repetitions = std::mem::take(&mut log.repeated_within);
        let mut transaction = self.store.begin_log(self.stores != Stores::Small).await?;
        let used = self.insert_ids(&mut transaction, &mut log).await?;
        if !used.is_empty() {
            repetitions.extend(records::compare(&mut transaction, &log, &used).await?);
            log.retain(|record| !used.contains(&record.hash));
        }
        if judge_repetitions(&repetitions, policy).is_err() {
            // The transaction is undone when it is dropped.
            return Ok(Stored::Refused(repetitions));
        }
        self.copy(&mut transaction, &[&mut log]).await?;
        transaction.commit().await?;
        Ok(Stored::Done)
    }

    /// Numbers the records; returns their ids in the one order in which they are taken everywhere, so
    /// that two transactions never wait for each other.
    async fn number(
        &self,
        connection: &mut PgConnection,
        logs: &mut [&mut EncodedLog],
    ) -> Result<Vec<(IdHash, i64, Timestamp)>, StoreError> {
        let count: usize = logs.iter().map(|log| log.records.len()).sum();
        let numbers = self.numbers.take(connection, count).await?;
        let mut rest = numbers.as_slice();
        for log in logs.iter_mut() {
            let (own, others) = rest.split_at(log.records.len());
            log.number(own);
            rest = others;
        }
        let records = logs.iter().flat_map(|log| &log.records);
        let mut ids: Vec<_> =
            records.zip(&numbers).map(|(r, number)| (r.hash, *number, r.activity_at)).collect();
        ids.sort_unstable_by_key(|id| id.0);
        Ok(ids)
    }

    /// Numbers the records and takes their ids; returns the ids that somebody has already.
    async fn insert_ids(
        &self,
        connection: &mut PgConnection,
        log: &mut EncodedLog,
    ) -> Result<HashSet<IdHash>, StoreError> {
        let ids = self.number(connection, &mut [log]).await?;
        let hashes: Vec<Uuid> = ids.iter().map(|id| Uuid::from_bytes(id.0.0)).collect();
        let numbers: Vec<i64> = ids.iter().map(|id| id.1).collect();
        let inserted = sqlx::query(
            "/* insert_log_ids */ insert into log_ids (id_hash, entry_number, activity_at)
             select * from unnest($1::uuid[], $2::bigint[], $3::timestamptz[])
             on conflict (id_hash) do nothing",
        )
        .bind(&hashes)
        .bind(&numbers)
        .bind(ids.iter().map(|id| id.2).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
        if inserted.rows_affected() == ids.len() as u64 {
            return Ok(HashSet::new());
        }
        let used: Vec<Uuid> = sqlx::query_scalar(
            "/* used_log_ids */ select i.id_hash
             from unnest($1::uuid[], $2::bigint[]) as c (id_hash, entry_number)
             join log_ids i on i.id_hash = c.id_hash and i.entry_number <> c.entry_number",
        )
        .bind(&hashes)
        .bind(&numbers)
        .fetch_all(connection)
        .await?;
        Ok(used.into_iter().map(|hash| IdHash(hash.into_bytes())).collect())
    }

    async fn copy(
        &self,
        connection: &mut PgConnection,
        logs: &[&mut EncodedLog],
    ) -> Result<(), StoreError> {
        let entries = logs.iter().map(|log| log.entry_rows()).collect();
        self.copy_rows(connection, COPY_ENTRIES, entries).await?;
        let resources = logs.iter().map(|log| log.resource_rows()).collect();
        self.copy_rows(connection, COPY_RESOURCES, resources).await
    }

    async fn copy_rows(
        &self,
        connection: &mut PgConnection,
        sql: &str,
        rows: Vec<&[u8]>,
    ) -> Result<(), StoreError> {
        let mut sink = connection.copy_in_raw(sql).await?;
        sink.send(HEADER).await?;
        for piece in rows.into_iter().flat_map(|rows| rows.chunks(PIECE_BYTES)) {
            if self.stores != Stores::Small {
                let mut small = self.small_at_work.subscribe();
                _ = timeout(PIECE_PATIENCE, small.wait_for(|count| *count == 0)).await;
            }
            sink.send(piece).await?;
        }
        sink.send(TRAILER).await?;
        sink.finish().await?;
        Ok(())
    }
}

/// Whether an id has been taken before.
fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
