//! What a local service tells the national one, and what the replies mean.
//!
//! How the changes are kept until they are confirmed is the store's matter; that those that
//! depend on each other go one at a time and in order, the sender's.
//!
//! # Rules
//! - **RP1** `OK` and `INFO` confirm a notice. A removal is confirmed by `NOTFOUND` too: what it
//!   removes is not there.
//! - **RP2** Where the answer to an earlier sending was lost, a strict service says `ALREADYEXISTS` or
//!   `INVALIDSTATE`. The notice is confirmed all the same when the service has by its own account
//!   what the notice asks for.
//! - **RP3** Any other code is a refusal. The local change stands, and is offered again later,
//!   less and less often.
//! - **RP4** What is void is not told: a registration of what has been taken away since, a temporary
//!   revoke that has run out, whatever concerns the revokes of a block that is gone. A removal of a
//!   block is never void.
//! - **RP5** Waits between attempts double up to a longest; chance takes away at most half, so
//!   that services that failed together do not come back together.
//! - **RP6** Who waits for replication is told when it was refused or failed meanwhile; who does
//!   not wait, or not as long as it takes, is told that the change is stored here.
//! - **RP7** Both sides agree when the national service has the same active blocks with the same
//!   temporary revokes in force, as far as messages can tell them: in whole seconds, and in the
//!   hour that autumn repeats with bounds that let nobody see more.

use super::block::{Block, BlockContent, Lift, TemporaryRevoke};
use super::registration::{BlockRegistration, RevokeRegistration};
use crate::domain::identity::RecordId;
use crate::domain::lifetime::Lifetime;
use crate::domain::period::Period;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::{
    Ambiguous, Moment, Timestamp, instant, told_not_earlier, told_not_later,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the national service is told; each is a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// RegisterBlock: a block, with the temporary revokes that it has already.
    RegisterBlock(BlockRegistration, Vec<RevokeRegistration>),
    /// UnregisterBlock.
    UnregisterBlock(RecordId),
    /// RegisterTemporaryRevoke.
    RegisterTemporaryRevoke(RevokeRegistration),
    /// UnregisterTemporaryRevoke.
    UnregisterTemporaryRevoke(RecordId),
}

/// The kind of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// RegisterBlock.
    RegisterBlock,
    /// UnregisterBlock.
    UnregisterBlock,
    /// RegisterTemporaryRevoke.
    RegisterTemporaryRevoke,
    /// UnregisterTemporaryRevoke.
    UnregisterTemporaryRevoke,
}

impl NoticeKind {
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
}

/// What the reply to a notice means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The national service is as it should be.
    Confirmed,
    /// It may be: it must be asked what it has.
    AskBack,
    /// It is not.
    Refused,
}

impl NoticeKind {
    /// What a reply means (RP1 to RP3).
    pub fn judge(self, reply: Result<(), Class>) -> Verdict {
        let removes = matches!(self, Self::UnregisterBlock | Self::UnregisterTemporaryRevoke);
        match reply {
            Ok(()) => Verdict::Confirmed,
            Err(Class::NotFound) if removes => Verdict::Confirmed,
            Err(Class::AlreadyExists | Class::InvalidState) => Verdict::AskBack,
            Err(Class::NotFound | Class::Validation | Class::AccessDenied | Class::Error) => {
                Verdict::Refused
            }
        }
    }

    /// The notice of a change as its block stands now; `None` when it is void (RP4).
    pub fn notice(
        self,
        block: &Block,
        revoke: Option<&TemporaryRevoke>,
        now: Timestamp,
    ) -> Option<Notice> {
        let stands = block.lifetime.stands();
        let id = || revoke.map(|revoke| revoke.id.clone());
        match self {
            Self::RegisterBlock => {
                stands.then(|| Notice::RegisterBlock(registration_of(block), Vec::new()))
            }
            Self::UnregisterBlock => Some(Notice::UnregisterBlock(block.id.clone())),
            Self::RegisterTemporaryRevoke => {
                let to_come = |r: &&TemporaryRevoke| {
                    // By the end that the message can tell, which may be a little earlier.
                    r.is_in_force(Moment::Now(now)) && lift_as_told(&r.lift).end > now
                };
                let in_force = revoke.filter(to_come).filter(|_| stands)?;
                Some(Notice::RegisterTemporaryRevoke(lift_of(block, in_force)))
            }
            Self::UnregisterTemporaryRevoke => {
                id().filter(|_| stands).map(Notice::UnregisterTemporaryRevoke)
            }
        }
    }
}

/// A block in the basic format.
pub fn registration_of<How>(block: &Block<How>) -> BlockRegistration {
    BlockRegistration {
        id: block.id.clone(),
        content: block.content.clone(),
        owner_id: block.owner_id.clone(),
        action: None,
    }
}

/// A temporary revoke in the basic format.
pub fn lift_of<How, R>(block: &Block<How>, revoke: &TemporaryRevoke<R>) -> RevokeRegistration {
    RevokeRegistration {
        id: revoke.id.clone(),
        block: block.id.clone(),
        lift: revoke.lift.clone(),
        owner_id: revoke.owner_id.clone(),
        details: None,
    }
}

impl Notice {
    /// Whether the national service, which has `theirs` under the block's id, is as the notice
    /// asks (RP2).
    pub fn is_carried_out(&self, theirs: Option<&Block>) -> bool {
        let told = theirs.map(as_told);
        let revoke = |id: &RecordId| {
            told.as_ref().and_then(|block| block.revokes.iter().find(|r| r.id == *id))
        };
        match self {
            Self::RegisterBlock(ours, _) => {
                told.as_ref().is_some_and(|block| block.content == content_as_told(&ours.content))
            }
            Self::UnregisterBlock(_) => told.is_none(),
            Self::RegisterTemporaryRevoke(ours) => {
                revoke(&ours.id).is_some_and(|r| r.lift == lift_as_told(&ours.lift))
            }
            Self::UnregisterTemporaryRevoke(id) => revoke(id).is_none(),
        }
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
    /// The wait after so many failures in a row (RP5); `chance` is from 0 to 1.
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
    /// What the caller is told (RP6).
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

/// A block as messages tell it and as they are read back (RP7).
pub fn as_told(block: &Block) -> Block {
    let revokes = block.revokes.iter().map(|revoke| TemporaryRevoke {
        lift: lift_as_told(&revoke.lift),
        lifetime: Lifetime::from(Timestamp::UNIX_EPOCH),
        owner_id: None,
        id: revoke.id.clone(),
    });
    Block {
        id: block.id.clone(),
        content: content_as_told(&block.content),
        lifetime: Lifetime::from(Timestamp::UNIX_EPOCH),
        revokes: revokes.collect(),
        owner_id: None,
    }
}

fn content_as_told(content: &BlockContent) -> BlockContent {
    let Period { start, end } = content.period;
    let period = Period {
        start: start.map(|at| instant(told_not_later(at), Ambiguous::Earlier)),
        end: end.map(|at| instant(told_not_earlier(at), Ambiguous::Later)),
    };
    BlockContent { period, ..content.clone() }
}

fn lift_as_told(lift: &Lift) -> Lift {
    Lift { end: instant(told_not_later(lift.end), Ambiguous::Later), ..lift.clone() }
}

/// Compares active blocks, each with its temporary revokes that are not cancelled (RP7).
/// Those that have run out are left aside.
pub fn differences(
    local: &[Block],
    national: &[Block],
    now: Timestamp,
) -> Vec<(RecordId, Difference)> {
    let by_key = |blocks: &[Block]| -> BTreeMap<String, Block> {
        blocks.iter().map(|b| (b.id.key(), as_told(b))).collect()
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
    let in_force = |block: &Block| -> BTreeMap<String, TemporaryRevoke> {
        let revokes = block.revokes.iter().filter(|r| r.lift.end > now);
        revokes.map(|r| (r.id.key(), r.clone())).collect()
    };
    let mut found = Vec::new();
    let mut content = ours.content != theirs.content;
    let (ours_lifted, mut theirs_lifted) = (in_force(ours), in_force(theirs));
    for (key, revoke) in ours_lifted {
        match theirs_lifted.remove(&key) {
            Some(same) => content |= same.lift != revoke.lift,
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
    use super::super::block::Guards;
    use super::*;
    use crate::domain::identity::{HsaId, PatientId};
    use crate::domain::lifetime::{FirstRemoval, State};

    const END: &str = "2026-01-02T00:00:00Z";

    fn id(text: &str) -> RecordId {
        RecordId::new(text).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        at("2026-01-01T00:00:00Z")
    }

    fn block(name: &str, revokes: Vec<TemporaryRevoke>) -> Block {
        Block {
            id: id(name),
            content: BlockContent {
                patient: PatientId::new("1.2.3", "1").unwrap(),
                guards: Guards::Provider(HsaId::new("A").unwrap()),
                period: Period::default(),
                exempted: Vec::new(),
            },
            lifetime: Lifetime::from(now()),
            revokes,
            owner_id: Some(name.into()),
        }
    }

    fn lift(name: &str, end: &str) -> TemporaryRevoke {
        TemporaryRevoke {
            id: id(name),
            lift: Lift { end: at(end), care_unit: HsaId::new("U").unwrap(), employee: None },
            lifetime: Lifetime::from(now()),
            owner_id: None,
        }
    }

    fn gone() -> Lifetime {
        let state = State::Removed { first: FirstRemoval::At(now()), how: () };
        Lifetime { stored_at: now(), state }
    }

    #[test]
    fn rp1_what_confirms_a_notice() {
        for kind in NoticeKind::ALL {
            assert_eq!(kind.judge(Ok(())), Verdict::Confirmed);
            let confirmed = kind.judge(Err(Class::NotFound)) == Verdict::Confirmed;
            assert_eq!(confirmed, kind.name().starts_with("Unregister"));
        }
    }

    #[test]
    fn rp2_a_lost_answer_is_asked_about() {
        let (bare, lifted) = (block("b", vec![]), block("b", vec![lift("r", END)]));
        let (bare, lifted) = (Some(&bare), Some(&lifted));
        for kind in NoticeKind::ALL {
            for class in [Class::AlreadyExists, Class::InvalidState] {
                assert_eq!(kind.judge(Err(class)), Verdict::AskBack);
            }
            let revoke = lift("r", END);
            let notice = kind.notice(lifted.unwrap(), Some(&revoke), now()).unwrap();
            let expected = match kind {
                NoticeKind::RegisterBlock => [false, true, true],
                NoticeKind::UnregisterBlock => [true, false, false],
                NoticeKind::RegisterTemporaryRevoke => [false, false, true],
                NoticeKind::UnregisterTemporaryRevoke => [true, true, false],
            };
            let carried_out = [None, bare, lifted].map(|theirs| notice.is_carried_out(theirs));
            assert_eq!(carried_out, expected, "{kind:?}");
        }
        let longer = block("b", vec![lift("r", "2026-01-03T00:00:00Z")]);
        let revoke = lift("r", "2026-01-02T00:00:00.7Z");
        let kind = NoticeKind::RegisterTemporaryRevoke;
        let notice = kind.notice(&longer, Some(&revoke), now()).unwrap();
        assert!(notice.is_carried_out(lifted), "in whole seconds");
        assert!(!notice.is_carried_out(Some(&longer)));
    }

    #[test]
    fn rp3_every_other_code_is_a_refusal() {
        for class in [Class::AccessDenied, Class::Error, Class::Validation] {
            let refused = |kind: &NoticeKind| kind.judge(Err(class)) == Verdict::Refused;
            assert!(NoticeKind::ALL.iter().all(refused));
        }
        assert_eq!(NoticeKind::RegisterBlock.judge(Err(Class::NotFound)), Verdict::Refused);
    }

    #[test]
    fn rp4_what_is_void_is_not_told_but_removals_of_blocks_are() {
        let (stands, revoke) = (block("b", vec![]), lift("r", END));
        let removed = Block { lifetime: gone(), ..stands.clone() };
        let cancelled = TemporaryRevoke { lifetime: gone(), ..revoke.clone() };
        let void = |kind: NoticeKind, block: &Block, revoke: &TemporaryRevoke, now: &str| {
            kind.notice(block, Some(revoke), at(now)).is_none()
        };
        let before = "2026-01-01T23:59:59Z";
        for kind in NoticeKind::ALL {
            assert!(!void(kind, &stands, &revoke, before), "{kind:?}");
            let told = kind == NoticeKind::UnregisterBlock;
            assert_eq!(void(kind, &removed, &revoke, before), !told, "{kind:?}");
        }
        let lifts = NoticeKind::RegisterTemporaryRevoke;
        assert!(void(lifts, &stands, &revoke, END) && void(lifts, &stands, &cancelled, before));
        assert!(!void(NoticeKind::UnregisterTemporaryRevoke, &stands, &cancelled, END));
    }

    #[test]
    fn rp5_waits_double_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(10) };
        let waits: Vec<f64> = (1..=6).map(|n| backoff.after(n, 0.0).as_secs_f64()).collect();
        assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
        assert_eq!(backoff.after(3, 1.0), Duration::from_secs(2));
        assert_eq!(backoff.after(u32::MAX, 0.0), backoff.longest);
    }

    #[test]
    fn rp6_only_a_failure_is_told() {
        assert_eq!(Delivery::Confirmed.told(), Ok(()));
        assert_eq!(Delivery::UnderWay.told(), Ok(()));
        assert_eq!(Delivery::Failed.told().unwrap_err().class, Class::Error);
    }

    #[test]
    fn rp7_differences_are_found_whatever_the_letter_case_the_owner_and_the_fraction() {
        let found = |local, national| differences(&[local], &[national], now());
        assert_eq!(found(block("B", vec![]), block("b", vec![])), [], "owner and letter case");
        let past = lift("r", "2025-12-31T00:00:00Z");
        assert_eq!(found(block("b", vec![past]), block("b", vec![])), []);
        let (with, bare) = (block("b", vec![lift("r", END)]), block("b", vec![]));
        let fraction = block("b", vec![lift("r", "2026-01-02T00:00:00.5Z")]);
        assert_eq!(found(fraction, with.clone()), []);
        let missing = (id("b"), Difference::MissingRevoke(id("r")));
        assert_eq!(found(with.clone(), bare.clone()), [missing]);
        let surplus = (id("b"), Difference::SurplusRevoke(id("r")));
        assert_eq!(found(bare.clone(), with.clone()), [surplus]);
        let mut inner = bare.clone();
        let (provider, unit) = (HsaId::new("A").unwrap(), HsaId::new("U").unwrap());
        inner.content.guards = Guards::Unit { provider, unit };
        assert_eq!(found(bare.clone(), inner), [(id("b"), Difference::Content)]);
        let longer = block("b", vec![lift("r", "2026-01-03T00:00:00Z")]);
        assert_eq!(found(with, longer), [(id("b"), Difference::Content)]);
        let apart = found(bare, block("c", vec![]));
        assert_eq!(apart, [(id("b"), Difference::Missing), (id("c"), Difference::Surplus)]);
    }
}
