//! Writers that store the log records of many calls in one transaction.
//!
//! A call waits in a queue, in turns by address. A writer takes what is waiting, up to a limit, and
//! stores it together: one commit, one flush to disk. A call of which an id has been used before is set
//! aside, for a writer that looks at such calls one by one: so every call is all or nothing, and
//! no call suffers for another.

use super::copy_rows::{
    COPY_ENTRIES, COPY_RESOURCES, EncodedLog, HEADER, ID_ROW_BYTES, TRAILER, copy_ids, push_id,
};
use super::ids::known::{KnownIds, LogIds, find_in, has_moved, is_taken};
pub use super::lanes::Stored;
use super::lanes::{CallGroup, Lane, LaneEnd, QueuedCall, Ticket, WhatBecame, tell};
use super::numbers::LogNumbers;
use super::records;
use super::seal::intake::BatchSender;
use super::seal::pending;
use crate::domain::log::record::{IdHash, RepeatedLogId, judge_repetitions};
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

/// How often ids are looked for again when they are elsewhere than was known.
const MOVED_TRIES: usize = 20;

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

/// Whether ids were taken.
enum TakenIds {
    All,
    /// Somebody has one already.
    NotAll,
    /// Those that are taken are elsewhere than was known.
    Moved,
}

struct BatchWriter {
    store: Store,
    numbers: Arc<LogNumbers>,
    ids: Arc<LogIds>,
    /// How many writers are storing small calls.
    small_at_work: Arc<watch::Sender<usize>>,
    stores: Stores,
    /// Where calls go that are looked at one by one; that writer itself has none.
    one_by_one: Option<Lane>,
    /// When ids were last found to be used before.
    repeated_at: Option<Instant>,
    /// As whom it sends entries to the tree.
    sender: BatchSender,
}

impl LogWriters {
    /// Starts `count` writers for small calls and half as many for large ones, which fill the
    /// database's processors all the same; they end when every handle to the
    /// queues is gone and what is in them has been stored.
    ///
    /// # Errors
    /// That the store has no intake key.
    pub fn start(store: &Store, count: usize) -> Result<(Self, JoinSet<()>), StoreError> {
        let intake = store.intake()?;
        let numbers = Arc::new(LogNumbers::default());
        let ids = Arc::new(LogIds::default());
        let small_at_work = Arc::new(watch::Sender::new(0));
        let mut writers = JoinSet::new();
        let mut start = |stores, one_by_one: Option<&Lane>, end: &LaneEnd, count: usize| {
            // One that waits for a connection is of no use.
            for _ in 0..count.min(store.log_connections()) {
                let writer = BatchWriter {
                    store: store.clone(),
                    numbers: Arc::clone(&numbers),
                    ids: Arc::clone(&ids),
                    small_at_work: Arc::clone(&small_at_work),
                    stores,
                    one_by_one: one_by_one.cloned(),
                    repeated_at: None,
                    sender: intake.sender(),
                };
                writers.spawn(writer.run(end.clone()));
            }
        };
        let ((small, small_end), (large, large_end)) = (Lane::new(), Lane::new());
        let (one_by_one, one_by_one_end) = Lane::new();
        start(Stores::Small, Some(&one_by_one), &small_end, count);
        start(Stores::Large, Some(&one_by_one), &large_end, (count / 2).max(1));
        start(Stores::OneByOne, None, &one_by_one_end, 1);
        Ok((Self { small, large }, writers))
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

    /// Sets aside the calls of which an id is known to have been used before; returns the others.
    async fn set_aside(&self, group: CallGroup, aside: &Lane) -> CallGroup {
        let careful = self.repeated_at.is_some_and(|at| at.elapsed() < LOOK_TIME);
        let hashes = group.iter().flat_map(|(_, call)| call.log.records.iter().map(|r| r.hash));
        let mut used = match careful {
            // What cannot be looked up now fails when it is stored.
            true => self.used_ids(&hashes.collect::<Vec<_>>()).await.unwrap_or_default(),
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
    async fn used_ids(&self, hashes: &[IdHash]) -> Result<HashSet<IdHash>, StoreError> {
        let known = self.ids.known(&self.store).await?;
        let mut connection = self.store.begin_log(self.stores != Stores::Small).await?;
        let mut used = known.find_closed(&mut connection, hashes).await?.unwrap_or_default();
        used.extend(find_in(&mut connection, &known.open(), hashes).await?);
        Ok(used.into_keys().collect())
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
        let done = transaction.commit().await;
        self.sender.ended(done.is_ok());
        match done {
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
        self.sender.begins();
        for _ in 0..MOVED_TRIES {
            let known = self.ids.known(&self.store).await?;
            let mut transaction = self.store.begin_log(self.stores != Stores::Small).await?;
            match self.copy_ids(&mut transaction, &known, logs).await? {
                TakenIds::All => {
                    self.copy(&mut transaction, logs).await?;
                    return Ok(Some(transaction));
                }
                TakenIds::NotAll => {
                    self.repeated_at = Some(Instant::now());
                    return Ok(None);
                }
                TakenIds::Moved => {
                    drop(transaction);
                    self.ids.learn_anew(&self.store, &known).await?;
                }
            }
        }
        Err(StoreError::Unavailable)
    }

    /// Numbers the records and takes their ids; all of them, or the transaction is of no more use.
    async fn copy_ids(
        &self,
        connection: &mut PgConnection,
        known: &KnownIds,
        logs: &mut [&mut EncodedLog],
    ) -> Result<TakenIds, StoreError> {
        let ids = self.number(connection, logs).await?;
        let hashes: Vec<IdHash> = ids.iter().map(|id| id.0).collect();
        match known.find_closed(connection, &hashes).await? {
            None => return Ok(TakenIds::Moved),
            Some(used) if !used.is_empty() => return Ok(TakenIds::NotAll),
            Some(_) => {}
        }
        let mut rows = Vec::with_capacity(ids.len() * ID_ROW_BYTES);
        for (hash, number) in ids {
            push_id(&mut rows, hash, number);
        }
        match self.copy_rows(connection, &copy_ids(&known.open()), vec![&rows]).await {
            Ok(()) => Ok(TakenIds::All),
            Err(StoreError::Database(error)) if is_taken(&error) => Ok(TakenIds::NotAll),
            Err(error) if has_moved(&error) => Ok(TakenIds::Moved),
            Err(error) => Err(error),
        }
    }

    async fn store_one(&mut self, mut log: EncodedLog, policy: RepeatedLogId) -> WhatBecame {
        self.sender.begins();
        let repeated_within = std::mem::take(&mut log.repeated_within);
        for _ in 0..MOVED_TRIES {
            let known = self.ids.known(&self.store).await?;
            let mut transaction = self.store.begin_log(self.stores != Stores::Small).await?;
            let ids = self.number(&mut transaction, &mut [&mut log]).await?;
            let Some(used) = known.insert(&mut transaction, &ids).await? else {
                drop(transaction);
                self.ids.learn_anew(&self.store, &known).await?;
                continue;
            };
            let mut repetitions = repeated_within;
            if !used.is_empty() {
                repetitions.extend(records::compare(&mut transaction, &log, &used).await?);
                log.retain(|record| !used.contains_key(&record.hash));
            }
            if judge_repetitions(&repetitions, policy).is_err() {
                // The transaction is undone when it is dropped.
                return Ok(Stored::Refused(repetitions));
            }
            self.copy(&mut transaction, &[&mut log]).await?;
            let done = transaction.commit().await;
            self.sender.ended(done.is_ok());
            return Ok(done.map(|()| Stored::Done)?);
        }
        Err(StoreError::Unavailable)
    }

    /// Numbers the records; returns their ids in the one order in which they are taken everywhere, so
    /// that two transactions never wait for each other.
    async fn number(
        &self,
        connection: &mut PgConnection,
        logs: &mut [&mut EncodedLog],
    ) -> Result<Vec<(IdHash, i64)>, StoreError> {
        let count: usize = logs.iter().map(|log| log.records.len()).sum();
        let numbers = self.numbers.take(connection, count).await?;
        let mut rest = numbers.as_slice();
        for log in logs.iter_mut() {
            let (own, others) = rest.split_at(log.records.len());
            log.number(own);
            rest = others;
        }
        let records = logs.iter().flat_map(|log| &log.records);
        let mut ids: Vec<_> = records.map(|record| (record.hash, record.number)).collect();
        ids.sort_unstable_by_key(|id| id.0);
        Ok(ids)
    }

    async fn copy(
        &self,
        connection: &mut PgConnection,
        logs: &[&mut EncodedLog],
    ) -> Result<(), StoreError> {
        let entries = logs.iter().map(|log| log.entry_rows()).collect();
        self.copy_rows(connection, COPY_ENTRIES, entries).await?;
        let resources = logs.iter().map(|log| log.further_rows()).collect();
        self.copy_rows(connection, COPY_RESOURCES, resources).await?;
        let sealed = logs.iter().flat_map(|log| log.sealed());
        pending::send(connection, &self.sender, sealed).await
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
