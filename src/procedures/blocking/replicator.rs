//! Sends what a local service has queued to the national one, and settles what came of it.

use crate::clock::Clock;
use crate::domain::blocking::registration::ReplicationWait;
use crate::domain::blocking::replication::{Backoff, Delivery, Notice, Verdict};
use crate::peers::connection::CallError;
use crate::peers::contract_call::RemoteError;
use crate::peers::national::National;
use crate::store::blocking::replications::{Leased, Next, Queued};
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};

/// How often a caller who waits looks whether another process has sent its change.
const ELSEWHERE_PAUSE: Duration = Duration::from_millis(20);

/// How changes are sent.
#[derive(Debug, Clone, Copy)]
pub struct Sending {
    /// How long a change belongs to the process that sends it; longer than a call may take.
    pub lease: Duration,
    /// Waits between attempts.
    pub backoff: Backoff,
    /// The longest that a caller is kept waiting, whatever it asked for: shorter than an answer
    /// may take.
    pub wait_max: Duration,
    /// Calls under way at one time.
    pub senders: usize,
}

/// Replication of one tenant.
#[derive(Debug)]
pub struct Replicator {
    store: Store,
    tenant: TenantId,
    national: National,
    sending: Sending,
    clock: Clock,
    /// From 0 to 1; spreads attempts.
    chance: fn() -> f64,
    queued: Notify,
    reached: Notify,
    /// Whether the national service answered the last time.
    answers: AtomicBool,
    /// While it does not, one caller at a time tries it.
    trial: Arc<Semaphore>,
}

/// What became of an attempt to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The national service has confirmed it.
    Confirmed,
    /// There was nothing to tell: it is void by now.
    Void,
    /// It answered, but did not do it.
    Refused,
    /// It did not answer as it should.
    Unanswered,
}

impl Replicator {
    /// Replication of a tenant to a national service.
    pub fn new(
        store: Store,
        tenant: TenantId,
        national: National,
        sending: Sending,
        clock: Clock,
        chance: fn() -> f64,
    ) -> Self {
        Self {
            store,
            tenant,
            national,
            sending,
            clock,
            chance,
            queued: Notify::new(),
            reached: Notify::new(),
            answers: AtomicBool::new(true),
            trial: Arc::new(Semaphore::new(1)),
        }
    }

    /// Whose changes are sent.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// How changes are sent.
    pub fn sending(&self) -> &Sending {
        &self.sending
    }

    /// The national service.
    pub fn national(&self) -> &National {
        &self.national
    }

    /// The wait after so many failures in a row.
    pub fn pause(&self, failures: u32) -> Duration {
        self.sending.backoff.after(failures, (self.chance)())
    }

    /// Whether the national service answered the last time.
    pub fn answers(&self) -> bool {
        self.answers.load(Ordering::Relaxed)
    }

    /// Ends when this process has queued something.
    pub async fn queued(&self) {
        self.queued.notified().await;
    }

    /// Ends when a caller who waited has found the national service answering.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Takes up changes that are due, each the first of its block.
    ///
    /// # Errors
    /// The store's.
    pub async fn lease(&self, count: usize) -> Result<Vec<Leased>, StoreError> {
        self.store.lease_replications(self.tenant, count, self.sending.lease).await
    }

    /// Gives a change back unsent.
    ///
    /// # Errors
    /// The store's.
    pub async fn release(&self, leased: &Leased) -> Result<(), StoreError> {
        self.store.release_replication(leased).await
    }

    /// Sends a change and settles what came of it.
    ///
    /// # Errors
    /// The store's; the lease then ends of itself, and the change is sent again.
    pub async fn attempt(&self, leased: &Leased) -> Result<Attempt, StoreError> {
        let revoke = leased.revoke.as_ref();
        let Some(notice) = leased.kind.notice(&leased.block, revoke, self.clock.now()) else {
            self.store.confirm_replication(leased).await?;
            return Ok(Attempt::Void);
        };
        let told = self.tell(leased, &notice).await;
        self.answers.store(!matches!(told, Err(RemoteError::Call(_))), Ordering::Relaxed);
        let (attempt, failure, wait) = match told {
            Ok(None) => {
                self.store.confirm_replication(leased).await?;
                return Ok(Attempt::Confirmed);
            }
            Ok(Some(code)) => {
                let contract = leased.kind.name();
                tracing::warn!(contract, code, leased.attempts, "replication refused");
                (Attempt::Refused, code.to_owned(), self.pause(leased.attempts))
            }
            // Nothing has reached it: no reason to hold this change back more than the others.
            Err(RemoteError::Call(error @ CallError::Unreachable)) => {
                (Attempt::Unanswered, error.to_string(), Duration::ZERO)
            }
            Err(error @ RemoteError::Call(_)) => {
                (Attempt::Unanswered, error.to_string(), self.pause(leased.attempts))
            }
            // A fault is an answer too: it says nothing of other changes.
            Err(error) => (Attempt::Refused, error.to_string(), self.pause(leased.attempts)),
        };
        self.store.postpone_replication(leased, &failure, wait).await?;
        Ok(attempt)
    }

    /// Tells the national service; the code of its refusal, if it refuses. Where the answer to an
    /// earlier sending may have been lost, what it has decides, by its own account.
    async fn tell(
        &self,
        leased: &Leased,
        notice: &Notice,
    ) -> Result<Option<&'static str>, RemoteError> {
        let Err(refusal) = self.national.tell(notice).await? else { return Ok(None) };
        let confirmed = match leased.kind.judge(Err(refusal.class)) {
            Verdict::Confirmed => true,
            Verdict::Refused => false,
            Verdict::AskBack => {
                let content = &leased.block.content;
                let provider = content.guards.provider();
                let read = self.national.blocks_of(&content.patient, provider).await?;
                let theirs = read.blocks.iter().find(|block| block.id == leased.block.id);
                // What cannot be read may be this block.
                let certain = theirs.is_some() || read.unreadable == 0;
                certain && notice.is_carried_out(theirs)
            }
        };
        Ok((!confirmed).then_some(refusal.code))
    }

    /// What becomes of a queued change as long as its caller waits. Replication goes on
    /// whatever the caller does. While the national service does not answer, one caller at a
    /// time waits for it to fail again, and the others are told at once: callers who wait for
    /// nothing would keep everybody else from the local service.
    ///
    /// # Errors
    /// The store's.
    pub async fn deliver(
        self: &Arc<Self>,
        place: Queued,
        wait: ReplicationWait,
    ) -> Result<Delivery, StoreError> {
        let wait = match wait {
            ReplicationWait::No => {
                self.queued.notify_one();
                return Ok(Delivery::UnderWay);
            }
            ReplicationWait::Milliseconds(wait) => {
                Duration::from_millis(wait.into()).min(self.sending.wait_max)
            }
            // The call's own time limit ends it, as a failure.
            ReplicationWait::UntilDone => Duration::MAX,
        };
        let mut trial = None;
        if !self.answers() {
            let Ok(permit) = Arc::clone(&self.trial).try_acquire_owned() else {
                return Ok(Delivery::Failed);
            };
            trial = Some(permit);
        }
        let replicator = Arc::clone(self);
        // A task of its own: a message that is on its way is not given up with its caller.
        let sending = tokio::spawn(async move {
            let _trial = trial;
            replicator.send_up_to(place).await
        });
        match timeout(wait, sending).await {
            Ok(Ok(delivery)) => delivery,
            Ok(Err(_)) => Err(StoreError::Stopped),
            Err(_) => Ok(Delivery::UnderWay),
        }
    }

    /// Sends the changes of a block in order, up to a place; stops at the first that fails.
    async fn send_up_to(&self, place: Queued) -> Result<Delivery, StoreError> {
        loop {
            match self.store.lease_replication_of(place, self.sending.lease).await? {
                Next::Nothing => return Ok(Delivery::Confirmed),
                Next::Elsewhere => sleep(ELSEWHERE_PAUSE).await,
                Next::Ready(leased) => match self.attempt(&leased).await? {
                    Attempt::Confirmed => self.reached.notify_waiters(),
                    Attempt::Void => {}
                    Attempt::Refused | Attempt::Unanswered => {
                        // Sent again of itself from here on.
                        self.queued.notify_one();
                        return Ok(Delivery::Failed);
                    }
                },
            }
        }
    }
}
