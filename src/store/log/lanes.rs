//! Queues of calls whose log records are to be stored.

use super::copy_rows::EncodedLog;
use crate::domain::log::record::{RepeatedLogId, Repetition};
use crate::fairness::address::Address;
use crate::fairness::queue::FairQueue;
use crate::store::error::StoreError;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex, mpsc, oneshot};

/// What became of a call's records.
#[derive(Debug)]
pub enum Stored {
    /// All that were new are durable.
    Done,
    /// Nothing was stored: these ids have been used before.
    Refused(Vec<Repetition>),
}

pub(super) type WhatBecame = Result<Stored, StoreError>;

/// A call's records in the queue.
#[derive(Debug)]
pub(super) struct QueuedCall {
    pub log: EncodedLog,
    pub waiting: Ticket,
}

/// Who waits for what becomes of a call, and what it asked for.
#[derive(Debug)]
pub(super) struct Ticket {
    pub policy: RepeatedLogId,
    pub told: oneshot::Sender<WhatBecame>,
}

/// A queue of calls, in turns by address; the requests that may be under way bound it.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    calls: Arc<SharedQueue>,
    /// One for each call that has come into it.
    come: mpsc::UnboundedSender<()>,
}

/// The other end of a queue, which the writers of it share.
#[derive(Debug, Clone)]
pub(super) struct LaneEnd {
    calls: Arc<SharedQueue>,
    coming: Arc<Mutex<mpsc::UnboundedReceiver<()>>>,
}

impl Lane {
    /// A queue and its other end.
    pub fn new() -> (Self, LaneEnd) {
        let (come, coming) = mpsc::unbounded_channel();
        let calls = Arc::<SharedQueue>::default();
        let end = LaneEnd { calls: Arc::clone(&calls), coming: Arc::new(Mutex::new(coming)) };
        (Self { calls, come }, end)
    }

    /// Adds a call.
    pub fn push(&self, asker: Address, call: QueuedCall) -> Result<(), StoreError> {
        queued(&self.calls).push(asker, call);
        self.come.send(()).map_err(|_| StoreError::Stopped)
    }
}

type SharedQueue = StdMutex<FairQueue<QueuedCall>>;

impl LaneEnd {
    /// The calls to be stored next, as many as go together: until they have so many rows. None when one
    /// that came has gone with others before; nothing when all ends of the queue are gone.
    pub async fn next(&self, rows_max: usize) -> Option<CallGroup> {
        self.coming.lock().await.recv().await?;
        let mut calls = queued(&self.calls);
        let (mut group, mut rows) = (Vec::new(), 0);
        while rows < rows_max
            && let Some((asker, next)) = calls.pop()
        {
            rows += next.log.rows();
            group.push((asker, next));
        }
        Some(group)
    }
}

/// Calls that are stored together.
pub(super) type CallGroup = Vec<(Address, QueuedCall)>;

/// Tells the callers of a group what became of all of them.
pub(super) fn tell(group: CallGroup, became: impl Fn() -> WhatBecame) {
    for (_, call) in group {
        // A caller that has gone away needs no answer.
        _ = call.waiting.told.send(became());
    }
}

fn queued(calls: &SharedQueue) -> MutexGuard<'_, FairQueue<QueuedCall>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}
