//! Writers that store the log records of many calls in one transaction.
//!
//! A call waits in a queue, in turns by address. A writer takes what is waiting, up to a limit, and
//! stores it together: one commit, one flush to disk. When an id of the lot has been used
//! before, the lot is undone and each call is stored by itself, so that every call is all
//! or nothing and no call suffers for another.

use super::copy_rows::{
    COPY_ENTRIES, COPY_IDS, COPY_RESOURCES, EncodedLog, HEADER, ID_ROW_BYTES, TRAILER, push_id,
};
use super::numbers::LogNumbers;
use super::records;
use crate::domain::log::record::{IdHash, RepeatedLogId, Repetition, judge_repetitions};
use crate::domain::time::Timestamp;
use crate::fairness::address::Address;
use crate::fairness::queue::FairQueue;
use crate::store::database::Store;
use crate::store::error::StoreError;
use sqlx::{PgConnection, Postgres, Transaction};
use std::collections::HashSet;
use std::slice;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// Rows of records and resources of a call that is stored in a few milliseconds.
const SMALL_CALL_ROWS: usize = 200;
/// Rows after which no other call joins a transaction: of small calls, which are to be done soon, and
/// of large ones.
const GROUP_ROWS_MAX: [usize; 2] = [500, 1_500];
/// Rows of a large call go to the database in pieces of this size ...
const PIECE_BYTES: usize = 64 * 1024;
/// ... each as soon as no small call is being stored, or after so long: what the large one writes is
/// flushed with the small one's, and both want processors.
const PIECE_PATIENCE: Duration = Duration::from_millis(5);
/// After an id has been used again, others are looked for before they are taken, for so long.
const LOOK_TIME: Duration = Duration::from_secs(10);

/// What became of a call's records.
#[derive(Debug)]
pub enum Stored {
    /// All that were new are durable.
    Done,
    /// Nothing was stored: these ids have been used before.
    Refused(Vec<Repetition>),
}

type WhatBecame = Result<Stored, StoreError>;

/// A call's records in the queue.
#[derive(Debug)]
struct QueuedCall {
    log: EncodedLog,
    waiting: Ticket,
}

/// Who waits for what becomes of a call, and what it asked for.
#[derive(Debug)]
struct Ticket {
    policy: RepeatedLogId,
    told: oneshot::Sender<WhatBecame>,
}

/// The queues to the writers: one for small calls, which have writers of their own and so never wait
/// for large ones, and one for the others.
#[derive(Debug, Clone)]
pub struct LogWriters {
    small: Lane,
    large: Lane,
}

/// A queue of calls, in turns by address; the requests that may be under way bound it.
#[derive(Debug, Clone)]
struct Lane {
    calls: Arc<SharedQueue>,
    /// One for each call that has come into it.
    come: mpsc::UnboundedSender<()>,
}

type SharedQueue = StdMutex<FairQueue<QueuedCall>>;

/// What became of several calls that were stored together.
#[derive(Clone, Copy)]
enum Together {
    Done,
    /// Nothing is stored: each call is to be tried by itself.
    Undone,
    /// The connection broke at the commit.
    Unknown,
}

struct BatchWriter {
    store: Store,
    numbers: Arc<LogNumbers>,
    /// How many writers are storing small calls.
    small_at_work: Arc<watch::Sender<usize>>,
    /// Whether it stores large calls' records.
    large: bool,
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
        let mut lane = |large, count: usize| {
            let (come, coming) = mpsc::unbounded_channel();
            let (calls, coming) = (Arc::<SharedQueue>::default(), Arc::new(Mutex::new(coming)));
            // One that waits for a connection is of no use.
            for _ in 0..count.min(store.log_connections()) {
                let (store, numbers) = (store.clone(), Arc::clone(&numbers));
                let small_at_work = Arc::clone(&small_at_work);
                let writer =
                    BatchWriter { store, numbers, small_at_work, large, repeated_at: None };
                writers.spawn(writer.run(Arc::clone(&calls), Arc::clone(&coming)));
            }
            Lane { calls, come }
        };
        let (small, large) = (lane(false, count), lane(true, (count / 2).max(1)));
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
        queued(&lane.calls).push(asker, call);
        lane.come.send(()).map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

impl BatchWriter {
    async fn run(
        mut self,
        calls: Arc<SharedQueue>,
        coming: Arc<Mutex<mpsc::UnboundedReceiver<()>>>,
    ) {
        // A call may have gone with one that came before it.
        while coming.lock().await.recv().await.is_some() {
            let group = self.next_group(&mut queued(&calls));
            if !group.is_empty() {
                let change = usize::from(!self.large);
                self.small_at_work.send_modify(|count| *count += change);
                self.store_group(group).await;
                self.small_at_work.send_modify(|count| *count -= change);
            }
        }
    }

    /// The calls to be stored next, as many as go together.
    fn next_group(&self, calls: &mut FairQueue<QueuedCall>) -> Vec<QueuedCall> {
        let (mut group, mut rows) = (Vec::new(), 0);
        while rows < GROUP_ROWS_MAX[usize::from(self.large)]
            && let Some((_, next)) = calls.pop()
        {
            rows += next.log.rows();
            group.push(next);
        }
        group
    }

    async fn store_group(&mut self, group: Vec<QueuedCall>) {
        let (mut logs, waiting): (Vec<_>, Vec<_>) =
            group.into_iter().map(|call| (call.log, call.waiting)).unzip();
        let simple = logs.iter().all(|log| log.repeated_within.is_empty());
        let together = match simple {
            true => self.store_together(&mut logs).await,
            false => Together::Undone,
        };
        for (log, waiting) in logs.into_iter().zip(waiting) {
            let became = match together {
                Together::Done => Ok(Stored::Done),
                Together::Undone => self.store_one(log, waiting.policy).await,
                Together::Unknown => Err(StoreError::CommitUnknown),
            };
            // A caller that has gone away needs no answer.
            _ = waiting.told.send(became);
        }
    }

    /// Stores every call in one transaction, or nothing when an id is not new.
    async fn store_together(&mut self, logs: &mut [EncodedLog]) -> Together {
        // Whatever goes wrong before the commit shows again in the calls that it concerns.
        let Ok(Some(transaction)) = self.prepare(logs).await else { return Together::Undone };
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
        logs: &mut [EncodedLog],
    ) -> Result<Option<Transaction<'static, Postgres>>, StoreError> {
        let mut transaction = self.store.begin_log(self.large).await?;
        // Most often all are new; that they are is found out by trying. Where they are not, the
        // database notes an error, so for a while they are looked for.
        let all_new = match self.repeated_at.is_some_and(|at| at.elapsed() < LOOK_TIME) {
            true => self.insert_ids(&mut transaction, logs).await?.is_empty(),
            false => self.copy_ids(&mut transaction, logs).await?,
        };
        if !all_new {
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
        logs: &mut [EncodedLog],
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
        let mut transaction = self.store.begin_log(self.large).await?;
        let used = self.insert_ids(&mut transaction, slice::from_mut(&mut log)).await?;
        if !used.is_empty() {
            repetitions.extend(records::compare(&mut transaction, &log, &used).await?);
            log.retain(|record| !used.contains(&record.hash));
        }
        if judge_repetitions(&repetitions, policy).is_err() {
            // The transaction is undone when it is dropped.
            return Ok(Stored::Refused(repetitions));
        }
        self.copy(&mut transaction, slice::from_ref(&log)).await?;
        transaction.commit().await?;
        Ok(Stored::Done)
    }

    /// Numbers the records; returns their ids in the one order in which they are taken everywhere, so
    /// that two transactions never wait for each other.
    async fn number(
        &self,
        connection: &mut PgConnection,
        logs: &mut [EncodedLog],
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
        logs: &mut [EncodedLog],
    ) -> Result<HashSet<IdHash>, StoreError> {
        let ids = self.number(connection, logs).await?;
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
        logs: &[EncodedLog],
    ) -> Result<(), StoreError> {
        let entries = logs.iter().map(EncodedLog::entry_rows).collect();
        self.copy_rows(connection, COPY_ENTRIES, entries).await?;
        let resources = logs.iter().map(EncodedLog::resource_rows).collect();
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
            if self.large {
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

fn queued(calls: &SharedQueue) -> MutexGuard<'_, FairQueue<QueuedCall>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether an id has been taken before.
fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
