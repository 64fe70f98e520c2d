//! What a local service tells the national one, and what the replies mean.
//!
//! How the changes are kept until they are confirmed is the store's matter; that those of one
//! block go one at a time and in order, the sender's.
//!
//! # Rules
//! - **RP1** `OK` and `INFO` confirm a change. A removal is confirmed by `NOTFOUND` too: what it
//!   removes is not there.
//! - **RP2** Any other code is a refusal. The local change stands, and is offered again later,
//!   less and less often.
//! - **RP3** A temporary revoke that has run out is not told any more: it lifts nothing, and the
//!   national service would refuse it.
//! - **RP4** Waits between attempts double up to a longest; chance takes away at most half, so
//!   that services that failed together do not come back together.
//! - **RP5** Who waits for replication is told when it was refused or failed meanwhile; who does
//!   not wait, or not as long as it takes, is told that the change is stored here.
//! - **RP6** Both sides agree when the national service has the same active blocks with the same
//!   temporary revokes in force. A block that differs in anything else cannot be put right by
//!   the contracts.

use super::block::{Block, TemporaryRevoke};
use super::block_change::Registration;
use super::block_lifecycle::RevokeHistory;
use super::identity::RecordId;
use super::rejection::{Class, Rejection};
use super::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// A change as the national service is told it; each is a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// RegisterBlock: a block, with the temporary revokes that it has already.
    RegisterBlock(Registration, Vec<RevokeHistory>),
    /// UnregisterBlock.
    UnregisterBlock(RecordId),
    /// RegisterTemporaryRevoke.
    RegisterTemporaryRevoke(RevokeHistory),
    /// UnregisterTemporaryRevoke.
    UnregisterTemporaryRevoke(RecordId),
}

/// The kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RegisterBlock.
    RegisterBlock,
    /// UnregisterBlock.
    UnregisterBlock,
    /// RegisterTemporaryRevoke.
    RegisterTemporaryRevoke,
    /// UnregisterTemporaryRevoke.
    UnregisterTemporaryRevoke,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::RegisterBlock,
        Self::UnregisterBlock,
        Self::RegisterTemporaryRevoke,
        Self::UnregisterTemporaryRevoke,
    ];

    /// The contract's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::RegisterBlock => "RegisterBlock",
            Self::UnregisterBlock => "UnregisterBlock",
            Self::RegisterTemporaryRevoke => "RegisterTemporaryRevoke",
            Self::UnregisterTemporaryRevoke => "UnregisterTemporaryRevoke",
        }
    }

    /// Whether the reply means that the national service is as it should be (RP1, RP2).
    pub fn is_confirmed_by(self, reply: Result<(), Class>) -> bool {
        let removes = matches!(self, Self::UnregisterBlock | Self::UnregisterTemporaryRevoke);
        reply == Ok(()) || (removes && reply == Err(Class::NotFound))
    }
}

impl Message {
    /// A block in the basic format.
    pub fn register(local: &Registration) -> Self {
        Self::RegisterBlock(Registration { action: None, ..local.clone() }, Vec::new())
    }

    /// A temporary revoke in the basic format.
    pub fn lift(local: &RevokeHistory) -> Self {
        Self::RegisterTemporaryRevoke(RevokeHistory { details: None, ..local.clone() })
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::RegisterBlock(..) => Kind::RegisterBlock,
            Self::UnregisterBlock(_) => Kind::UnregisterBlock,
            Self::RegisterTemporaryRevoke(_) => Kind::RegisterTemporaryRevoke,
            Self::UnregisterTemporaryRevoke(_) => Kind::UnregisterTemporaryRevoke,
        }
    }

    /// Whether there is nothing left to tell (RP3).
    pub fn is_void(&self, now: Timestamp) -> bool {
        matches!(self, Self::RegisterTemporaryRevoke(new) if new.revoke.end <= now)
    }
}

/// How long to wait between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after so many failures in a row (RP4); `chance` is from 0 to 1.
    pub fn after(self, failures: u32, chance: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let whole = self.first.saturating_mul(1 << doublings).min(self.longest);
        whole.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
    }
}

/// What has become of a change when its caller is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The national service has confirmed it, and everything of its block before it.
    Confirmed,
    /// It, or a change of the same block before it, was refused or could not be sent.
    Failed,
    /// It goes on.
    UnderWay,
}

impl Delivery {
    /// What the caller is told (RP5).
    ///
    /// # Errors
    /// That the change is stored here only.
    pub fn told(self) -> Result<(), Rejection> {
        match self {
            Self::Confirmed | Self::UnderWay => Ok(()),
            Self::Failed => Err(Rejection::new(
                Class::Error,
                "Ändringen är lagrad lokalt men inte nationellt. Den skickas automatiskt igen.",
            )),
        }
    }
}

/// How the national service differs from the local one in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It does not have the block.
    Missing,
    /// It has a block that is not active here.
    Surplus,
    /// It does not have a temporary revoke.
    MissingRevoke(RecordId),
    /// It has a temporary revoke that is not in force here.
    SurplusRevoke(RecordId),
    /// The block or one of its revokes has other content.
    Content,
}

/// Compares active blocks, each with its temporary revokes that are not cancelled (RP6).
/// Those that have run out are left aside.
pub fn differences(
    local: &[Block],
    national: &[Block],
    now: Timestamp,
) -> Vec<(RecordId, Difference)> {
    let by_key = |blocks: &[Block]| -> BTreeMap<String, Block> {
        blocks.iter().map(|b| (b.id.key(), b.clone())).collect()
    };
    let (local, mut national) = (by_key(local), by_key(national));
    let mut found = Vec::new();
    for (key, ours) in local {
        match national.remove(&key) {
            Some(theirs) => found.extend(compare(&ours, &theirs, now)),
            None => found.push((ours.id, Difference::Missing)),
        }
    }
    found.extend(national.into_values().map(|block| (block.id, Difference::Surplus)));
    found
}

fn compare(ours: &Block, theirs: &Block, now: Timestamp) -> Vec<(RecordId, Difference)> {
    let basic = |block: &Block| Block { revokes: Vec::new(), owner_id: None, ..block.clone() };
    let in_force = |block: &Block| -> BTreeMap<String, TemporaryRevoke> {
        let revokes = block.revokes.iter().filter(|r| !r.cancelled && r.end > now);
        let told = |r: &TemporaryRevoke| TemporaryRevoke { owner_id: None, ..r.clone() };
        revokes.map(|r| (r.id.key(), told(r))).collect()
    };
    let mut found = Vec::new();
    let mut content = basic(ours) != basic(theirs);
    let (ours_lifted, mut theirs_lifted) = (in_force(ours), in_force(theirs));
    for (key, revoke) in ours_lifted {
        match theirs_lifted.remove(&key) {
            Some(same) => content |= same != revoke,
            None => found.push(Difference::MissingRevoke(revoke.id)),
        }
    }
    found.extend(theirs_lifted.into_values().map(|r| Difference::SurplusRevoke(r.id)));
    if content {
        found.push(Difference::Content);
    }
    found.into_iter().map(|difference| (ours.id.clone(), difference)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::block::BlockType;
    use super::super::identity::{HsaId, PatientId};
    use super::super::time::Period;
    use super::*;

    fn id(text: &str) -> RecordId {
        RecordId::new(text).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn block(name: &str, revokes: Vec<TemporaryRevoke>) -> Block {
        Block {
            id: id(name),
            block_type: BlockType::Outer,
            patient: PatientId::new("1.2.3", "1").unwrap(),
            period: Period::default(),
            care_unit: None,
            care_provider: HsaId::new("A").unwrap(),
            exempted: Vec::new(),
            removed: false,
            revokes,
            owner_id: Some(name.into()),
        }
    }

    fn lift(name: &str, end: &str) -> TemporaryRevoke {
        TemporaryRevoke {
            id: id(name),
            end: at(end),
            care_unit: HsaId::new("U").unwrap(),
            employee: None,
            owner_id: None,
            cancelled: false,
        }
    }

    #[test]
    fn rp1_what_confirms_a_change() {
        for kind in Kind::ALL {
            assert!(kind.is_confirmed_by(Ok(())));
            let removes = kind.name().starts_with("Unregister");
            assert_eq!(kind.is_confirmed_by(Err(Class::NotFound)), removes);
        }
    }

    #[test]
    fn rp2_every_other_code_is_a_refusal() {
        use Class::{AccessDenied, AlreadyExists, Error, InvalidState, Validation};
        for class in [AccessDenied, AlreadyExists, Error, InvalidState, Validation] {
            assert!(Kind::ALL.iter().all(|kind| !kind.is_confirmed_by(Err(class))));
        }
    }

    #[test]
    fn rp3_a_revoke_is_told_until_it_runs_out() {
        let end = "2026-01-02T00:00:00Z";
        let revoke = lift("r", end);
        let message = Message::RegisterTemporaryRevoke(RevokeHistory {
            revoke,
            block: id("b"),
            details: None,
            cancelled: None,
        });
        assert!(!message.is_void(at("2026-01-01T23:59:59Z")));
        assert!(message.is_void(at(end)));
        assert!(!Message::UnregisterTemporaryRevoke(id("r")).is_void(at(end)));
    }

    #[test]
    fn rp4_waits_double_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(10) };
        let waits: Vec<f64> = (1..=6).map(|n| backoff.after(n, 0.0).as_secs_f64()).collect();
        assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
        assert_eq!(backoff.after(3, 1.0), Duration::from_secs(2));
        assert_eq!(backoff.after(u32::MAX, 0.0), backoff.longest);
    }

    #[test]
    fn rp5_only_a_failure_is_told() {
        assert_eq!(Delivery::Confirmed.told(), Ok(()));
        assert_eq!(Delivery::UnderWay.told(), Ok(()));
        assert_eq!(Delivery::Failed.told().unwrap_err().class, Class::Error);
    }

    #[test]
    fn rp6_differences_are_found_whatever_the_letter_case_and_the_owner() {
        let (now, end) = (at("2026-01-01T00:00:00Z"), "2026-01-02T00:00:00Z");
        let found = |local, national| differences(&[local], &[national], now);
        assert_eq!(found(block("B", vec![]), block("b", vec![])), [], "owner and letter case");
        let past = lift("r", "2025-12-31T00:00:00Z");
        assert_eq!(found(block("b", vec![past]), block("b", vec![])), []);
        let (with, bare) = (block("b", vec![lift("r", end)]), block("b", vec![]));
        let missing = (id("b"), Difference::MissingRevoke(id("r")));
        assert_eq!(found(with.clone(), bare.clone()), [missing]);
        let surplus = (id("b"), Difference::SurplusRevoke(id("r")));
        assert_eq!(found(bare.clone(), with.clone()), [surplus]);
        let inner = Block { block_type: BlockType::Inner, ..bare.clone() };
        assert_eq!(found(bare.clone(), inner), [(id("b"), Difference::Content)]);
        let longer = block("b", vec![lift("r", "2026-01-03T00:00:00Z")]);
        assert_eq!(found(with, longer), [(id("b"), Difference::Content)]);
        let apart = found(bare, block("c", vec![]));
        assert_eq!(apart, [(id("b"), Difference::Missing), (id("c"), Difference::Surplus)]);
    }
}
