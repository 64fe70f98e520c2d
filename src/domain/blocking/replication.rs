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

use super::block::{Block, TemporaryRevoke};
use super::difference::{as_told, content_as_told, lift_as_told};
use super::registration::{BlockRegistration, RevokeRegistration};
use crate::domain::identity::RecordId;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::{Moment, Timestamp};
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
    pub fn result(self) -> Result<(), Rejection> {
        match self {
            Self::Confirmed | Self::UnderWay => Ok(()),
            Self::Failed => Err(Rejection::new(
                Class::Error,
                "Ändringen är lagrad lokalt men inte nationellt. Den skickas automatiskt igen.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::difference::tests::{END, at, block, lift, now};
    use super::*;
    use crate::domain::lifetime::{FirstRemoval, Lifetime, State};

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
        assert_eq!(Delivery::Confirmed.result(), Ok(()));
        assert_eq!(Delivery::UnderWay.result(), Ok(()));
        assert_eq!(Delivery::Failed.result().unwrap_err().class, Class::Error);
    }
}
