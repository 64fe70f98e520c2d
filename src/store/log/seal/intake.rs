//! The key that authenticates entries on their way to the tree, and who sends them.

use sigill_seal::intake::{Batch, mac_of};
use sigill_seal::keys::INTAKE_BYTES;
use sigill_seal::record::Salt;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

const TREE: &[u8] = b"sigill/tree/1\n";
const STEP: &[u8] = b"sigill/step/1\n";
/// How long a writer keeps its name.
const NAME_TIME: Duration = Duration::from_hours(24);

/// Bytes of the intake key.
pub type IntakeKey = [u8; INTAKE_BYTES];

/// The intake key of this process, which may be replaced while it runs.
#[derive(Clone)]
pub struct Intake {
    keys: Arc<RwLock<IntakeKeys>>,
    new_name: fn() -> Uuid,
}

#[derive(Clone, Copy)]
struct IntakeKeys {
    current: IntakeKey,
    /// Of before the last rotation: what was stored with it may be on its way still.
    previous: Option<IntakeKey>,
}

/// Keys are not told.
impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Intake")
    }
}

/// One that sends batches, and how many it has sent.
#[derive(Debug)]
pub(in crate::store::log) struct BatchSender {
    intake: Intake,
    /// Its random name.
    pub name: Uuid,
    /// How many of its batches are committed.
    pub step: i64,
    since: Instant,
}

impl Intake {
    /// A key, and whence names of senders come.
    pub fn new(current: IntakeKey, previous: Option<IntakeKey>, new_name: fn() -> Uuid) -> Self {
        Self { keys: Arc::new(RwLock::new(IntakeKeys { current, previous })), new_name }
    }

    /// Uses other keys from now on.
    pub fn replace(&self, current: IntakeKey, previous: Option<IntakeKey>) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        *keys = IntakeKeys { current, previous };
    }

    /// What only somebody with the key can make of a batch.
    pub(super) fn mac(&self, batch: &Batch<'_>) -> [u8; 32] {
        batch.mac(&self.keys().current)
    }

    /// What only somebody with the key can make of the tree's row.
    pub(super) fn mac_of_tree(&self, size: i64, root: &[u8], edge: &[u8]) -> [u8; 32] {
        mac_of(&self.keys().current, TREE, &[&size.to_be_bytes(), root, edge])
    }

    /// Whether somebody with the key has made the tree's row; one without entries needs nobody.
    pub(super) fn has_made_tree(
        &self,
        (size, root, edge): (i64, &[u8], &[u8]),
        mac: &[u8],
    ) -> bool {
        let made =
            |key: &IntakeKey| mac_of(key, TREE, &[&size.to_be_bytes(), root, edge])[..] == *mac;
        let IntakeKeys { current, previous } = self.keys();
        size == 0 || made(&current) || previous.as_ref().is_some_and(made)
    }

    /// The same for how far a sender has come.
    pub(super) fn mac_of_step(&self, name: Uuid, step: i64) -> [u8; 32] {
        mac_of(&self.keys().current, STEP, &[name.as_bytes(), &step.to_be_bytes()])
    }

    /// The same.
    pub(super) fn has_made_step(&self, (name, step): (Uuid, i64), mac: &[u8]) -> bool {
        let made = |key: &IntakeKey| {
            mac_of(key, STEP, &[name.as_bytes(), &step.to_be_bytes()])[..] == *mac
        };
        let IntakeKeys { current, previous } = self.keys();
        made(&current) || previous.as_ref().is_some_and(made)
    }

    /// Whether somebody with the key has made this of a batch.
    pub(super) fn is_authentic(&self, batch: &Batch<'_>, mac: &[u8]) -> bool {
        let IntakeKeys { current, previous } = self.keys();
        batch.is_authentic(&current, mac)
            || previous.is_some_and(|previous| batch.is_authentic(&previous, mac))
    }

    /// A sender of whom nobody has heard yet.
    pub(in crate::store::log) fn sender(&self) -> BatchSender {
        let name = (self.new_name)();
        BatchSender { intake: self.clone(), name, step: 0, since: Instant::now() }
    }

    /// Random bytes that hide what a commitment is over.
    pub(in crate::store) fn salt(&self) -> Salt {
        (self.new_name)().into_bytes()
    }

    fn keys(&self) -> IntakeKeys {
        *self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BatchSender {
    /// Takes another name now and then, before it sends: those that are not heard of for long are forgotten.
    pub fn begins(&mut self) {
        if self.since.elapsed() > NAME_TIME {
            *self = self.intake.sender();
        }
    }

    /// Its batch is committed; or whether it is, is not known: then it takes another name.
    pub fn ended(&mut self, committed: bool) {
        self.step += 1;
        if !committed {
            *self = self.intake.sender();
        }
    }

    /// The key that it sends with.
    pub(super) fn intake(&self) -> &Intake {
        &self.intake
    }
}
