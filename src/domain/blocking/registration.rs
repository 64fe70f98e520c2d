//! What registrations of blocks and temporary revokes must say, and what a repetition is.
//!
//! # Rules
//! - **BC1** An inner block names the care unit it guards, an outer block none
//!   [TKB blocking 4.0.4, `RegisterBlock`].
//! - **BC2** The information period does not end before it starts; a start that fell into the hour
//!   that spring skips is clamped.
//! - **BC3** Only `lak` and `upp` can be exempted; the same type twice counts once.
//! - **BC4** A registration that names an id in force is done already when its content is the same;
//!   with other content the id is taken. Who asked, who registered and when is no content.
//! - **BC5** What was revoked for good, annulled or cancelled cannot be registered again. A copy that
//!   was unregistered is stored anew: the local service is the master, and its word that the
//!   block applies must win.
//! - **BC6** A temporary revoke is registered for a block in force, with an end to come. Of those that
//!   come with a block, one that has run out is left out.
//! - **BC7** What was registered here is lifted through the extended contracts, a copy through the
//!   basic ones.
//! - **BC8** `replicationTimeout` is -1 (wait), 0 (do not wait) or the milliseconds to wait.

use super::block::{BlockContent, Guards, InformationType, Lift};
use super::history::{
    BlockHistory, BlockRemoval, RevokeDetails, RevokeHistory, no_block, wrong_state,
};
use crate::domain::decision::Decision;
use crate::domain::identity::{Action, HsaId, RecordId};
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::Timestamp;

/// A block to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRegistration {
    /// Made by the caller.
    pub id: RecordId,
    /// What it closes.
    pub content: BlockContent,
    /// The calling system, if it is known.
    pub owner_id: Option<String>,
    /// Who asked and who registered; `None` makes it a copy.
    pub action: Option<Action>,
}

/// A temporary revoke to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeRegistration {
    /// Made by the caller.
    pub id: RecordId,
    /// The block that it lifts.
    pub block: RecordId,
    /// What it says.
    pub lift: Lift,
    /// The calling system, if it is known.
    pub owner_id: Option<String>,
    /// In the extended format only; `None` makes it a copy.
    pub details: Option<RevokeDetails>,
}

/// Takes up the exempted types of a registration (BC3).
///
/// # Errors
/// A code that is no type.
pub fn exempted<'a>(
    codes: impl Iterator<Item = &'a str>,
) -> Result<Vec<InformationType>, Rejection> {
    let mut types = Vec::new();
    for (index, code) in codes.enumerate() {
        let found = InformationType::of_code(code).ok_or_else(|| {
            let place = index + 1;
            Rejection::validation(format!(
                "excludedInformationTypes[{place}]: okänd informationstyp (tillåtna värden: lak, upp)"
            ))
        })?;
        types.push(found);
    }
    types.sort_unstable();
    types.dedup();
    Ok(types)
}

/// Which source a block guards (BC1).
///
/// # Errors
/// A unit that is missing or one too many.
pub fn guards(inner: bool, unit: Option<HsaId>, provider: HsaId) -> Result<Guards, Rejection> {
    let wrong = |text: &'static str| Err(Rejection::validation(text));
    match (inner, unit) {
        (true, Some(unit)) => Ok(Guards::Unit { provider, unit }),
        (false, None) => Ok(Guards::Provider(provider)),
        (true, None) => wrong("informationCareUnitId: saknas (krävs för inre spärr)"),
        (false, Some(_)) => wrong("informationCareUnitId: får inte anges för yttre spärr"),
    }
}

/// Whether the content agrees with itself (BC2).
///
/// # Errors
/// That its period is reversed.
pub fn check(content: &BlockContent) -> Result<(), Rejection> {
    match content.period.is_reversed() {
        true => Err(Rejection::validation("informationEndDate: ligger före informationStartDate")),
        false => Ok(()),
    }
}

/// What to do with a registration when `stored` has its id already (BC4, BC5).
///
/// # Errors
/// The id is taken, or what it named has been taken away for good.
pub fn register(
    stored: Option<&BlockHistory>,
    new: &BlockRegistration,
) -> Result<Decision, Rejection> {
    let Some(stored) = stored else { return Ok(Decision::Store) };
    match stored.block.lifetime.removal() {
        Some(BlockRemoval::Unregistered) if new.action.is_none() => Ok(Decision::Store),
        Some(_) => Err(wrong_state("Spärren är redan hävd, makulerad eller avregistrerad.")),
        None if stored.block.content == new.content => Ok(Decision::Repeated),
        None => Err(Rejection::new(
            Class::AlreadyExists,
            "En spärr med samma blockId men annat innehåll finns redan.",
        )),
    }
}

/// Lifts a block for a time (BC4 to BC7).
///
/// # Errors
/// Why it cannot be done.
pub fn register_revoke(
    block: Option<&BlockHistory>,
    stored: Option<&RevokeHistory>,
    new: &RevokeRegistration,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    let extended = new.details.is_some();
    let decision = match stored {
        None => Decision::Store,
        Some(stored) => match stored.revoke.lifetime.removal() {
            Some(None) if !extended => Decision::Store,
            Some(_) => return Err(wrong_state("Den tillfälliga hävningen är redan återkallad.")),
            None if stored.says_the_same_as(new) => Decision::Repeated,
            None => return Err(another_revoke()),
        },
    };
    let block = block.ok_or_else(no_block)?;
    if decision == Decision::Store {
        block.check_format(extended)?;
    }
    if !block.block.lifetime.stands() {
        return Err(wrong_state("Spärren är redan hävd eller makulerad."));
    }
    if has_run_out(new, now) {
        return Err(Rejection::validation("endDate: måste ligga i framtiden"));
    }
    Ok(decision)
}

/// Whether a temporary revoke that one call brings twice says the same both times.
///
/// # Errors
/// That it says something else.
pub fn repeats(first: &RevokeRegistration, again: &RevokeRegistration) -> Result<(), Rejection> {
    match first.block == again.block && first.lift == again.lift {
        true => Ok(()),
        false => Err(another_revoke()),
    }
}

fn another_revoke() -> Rejection {
    Rejection::new(
        Class::AlreadyExists,
        "En tillfällig hävning med samma temporaryRevokeId men annat innehåll finns redan.",
    )
}

/// Whether the end of a temporary revoke is not still to come (BC6).
pub fn has_run_out(new: &RevokeRegistration, now: Timestamp) -> bool {
    new.lift.end <= now
}

impl RevokeHistory {
    /// Same block, end, unit, employee and, where both give one, reason.
    fn says_the_same_as(&self, new: &RevokeRegistration) -> bool {
        let reasons = self.details.as_ref().zip(new.details.as_ref());
        self.block == new.block
            && self.revoke.lift == new.lift
            && reasons.is_none_or(|(ours, theirs)| ours.reason == theirs.reason)
    }
}

/// How long a call waits for replication (BC8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicationWait {
    /// Until it is done.
    UntilDone,
    /// Not at all.
    No,
    /// At most so many milliseconds.
    Milliseconds(u32),
}

/// Reads `replicationTimeout`.
///
/// # Errors
/// A value below -1.
pub fn replication_wait(timeout: i32) -> Result<ReplicationWait, Rejection> {
    match (timeout, u32::try_from(timeout)) {
        (-1, _) => Ok(ReplicationWait::UntilDone),
        (0, _) => Ok(ReplicationWait::No),
        (_, Ok(milliseconds)) => Ok(ReplicationWait::Milliseconds(milliseconds)),
        _ => Err(Rejection::validation("replicationTimeout: får inte vara mindre än -1")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::{
        action, at, copy, deleted, extended_revoke, original, removal, revoke_copy, revoked,
        unregistered,
    };
    use super::super::history::{Removal, RevokeReason};
    use super::*;
    use crate::domain::lifetime::{FirstRemoval, State};
    use crate::domain::period::Period;

    fn registration(of: &BlockHistory) -> BlockRegistration {
        BlockRegistration {
            id: of.block.id.clone(),
            content: of.block.content.clone(),
            owner_id: Some("another".into()),
            action: of.action.as_ref().map(|_| Action { reason: Some("x".into()), ..action() }),
        }
    }

    fn new_revoke(of: &RevokeHistory) -> RevokeRegistration {
        RevokeRegistration {
            id: of.revoke.id.clone(),
            block: of.block.clone(),
            lift: of.revoke.lift.clone(),
            owner_id: None,
            details: of.details.clone(),
        }
    }

    fn class<T: std::fmt::Debug>(decision: Result<T, Rejection>) -> Class {
        decision.unwrap_err().class
    }

    #[test]
    fn bc1_only_inner_blocks_name_a_unit() {
        let id = |text: &str| HsaId::new(text).unwrap();
        assert!(guards(true, Some(id("U")), id("A")).is_ok());
        assert!(guards(false, None, id("A")).is_ok());
        assert!(guards(true, None, id("A")).is_err());
        assert!(guards(false, Some(id("U")), id("A")).is_err());
    }

    #[test]
    fn bc2_a_period_may_be_an_instant_but_not_reversed() {
        let (one, two) = (Some(at(1)), Some(at(2)));
        let with = |start, end| {
            let mut content = original().block.content;
            content.period = Period { start, end };
            check(&content)
        };
        assert!(with(one, one).is_ok() && with(one, two).is_ok() && with(None, one).is_ok());
        assert!(with(two, one).is_err());
    }

    #[test]
    fn bc3_only_known_types_are_exempted_each_once() {
        let types = exempted(["upp", "lak", "upp"].into_iter()).unwrap();
        assert_eq!(types, [InformationType::Lak, InformationType::Upp]);
        let refused = exempted(["lak", "lab"].into_iter()).unwrap_err();
        assert!(refused.text.starts_with("excludedInformationTypes[2]"), "{}", refused.text);
    }

    #[test]
    fn bc4_a_repetition_has_the_same_content_whoever_asks() {
        let new = registration(&original());
        assert_eq!(register(None, &new), Ok(Decision::Store));
        assert_eq!(register(Some(&original()), &new), Ok(Decision::Repeated));
        let mut other = new;
        other.content.period.end = Some(at(3));
        assert_eq!(class(register(Some(&original()), &other)), Class::AlreadyExists);
        // Copies and originals alike.
        assert_eq!(register(Some(&copy()), &registration(&copy())), Ok(Decision::Repeated));
        assert_eq!(register(Some(&original()), &registration(&copy())), Ok(Decision::Repeated));
        let stored = extended_revoke(at(9));
        let mut new = new_revoke(&stored);
        let block = original();
        let lift =
            |new: &RevokeRegistration| register_revoke(Some(&block), Some(&stored), new, at(2));
        assert_eq!(lift(&new), Ok(Decision::Repeated));
        let details = new.details.as_mut().unwrap();
        details.action.reason = Some("y".into());
        details.reason_text = Some("in other words".into());
        assert_eq!(lift(&new), Ok(Decision::Repeated));
        new.details.as_mut().unwrap().reason = RevokeReason::PatientsConsent;
        assert_eq!(class(lift(&new)), Class::AlreadyExists);
    }

    #[test]
    fn bc5_what_is_gone_for_good_is_not_registered_again_but_copies_are() {
        for gone in [revoked(), deleted()] {
            let extended = registration(&original());
            assert_eq!(class(register(Some(&gone), &extended)), Class::InvalidState);
            let basic = registration(&copy());
            assert_eq!(class(register(Some(&gone), &basic)), Class::InvalidState);
        }
        let mut anew = registration(&copy());
        anew.content.period.end = Some(at(5));
        assert_eq!(register(Some(&unregistered()), &anew), Ok(Decision::Store));
        let extended = registration(&original());
        assert_eq!(class(register(Some(&unregistered()), &extended)), Class::InvalidState);
        let first = FirstRemoval::At(at(1));
        let again = |block: BlockHistory, mut gone: RevokeHistory, how: Option<Removal>| {
            gone.revoke.lifetime.state = State::Removed { first, how };
            register_revoke(Some(&block), Some(&gone), &new_revoke(&gone), at(2))
        };
        assert_eq!(again(copy(), revoke_copy(at(9)), None), Ok(Decision::Store));
        let cancelled = again(original(), extended_revoke(at(9)), Some(removal("x")));
        assert_eq!(class(cancelled), Class::InvalidState);
    }

    #[test]
    fn bc6_only_blocks_in_force_are_lifted_until_an_end_to_come() {
        let lift = |block: BlockHistory, stored: Option<&RevokeHistory>, end, now| {
            register_revoke(Some(&block), stored, &new_revoke(&extended_revoke(end)), now)
        };
        assert_eq!(lift(original(), None, at(9), at(2)), Ok(Decision::Store));
        assert_eq!(class(lift(revoked(), None, at(9), at(2))), Class::InvalidState);
        assert_eq!(class(lift(deleted(), None, at(9), at(2))), Class::InvalidState);
        assert_eq!(class(lift(original(), None, at(2), at(2))), Class::Validation);
        // OK would mean in force: a repetition is no exception.
        let stored = extended_revoke(at(9));
        let again = |block, now| lift(block, Some(&stored), at(9), now);
        assert_eq!(class(again(revoked(), at(2))), Class::InvalidState);
        assert_eq!(class(again(original(), at(9))), Class::Validation);
        let unknown = register_revoke(None, None, &new_revoke(&stored), at(2));
        assert_eq!(class(unknown), Class::NotFound);
    }

    #[test]
    fn bc7_originals_and_copies_are_lifted_by_their_own_contracts() {
        let (extended, basic) = (extended_revoke(at(9)), revoke_copy(at(9)));
        let lift = |block: BlockHistory, new: &RevokeHistory| {
            register_revoke(Some(&block), None, &new_revoke(new), at(2))
        };
        assert_eq!(lift(copy(), &basic), Ok(Decision::Store));
        assert_eq!(lift(original(), &extended), Ok(Decision::Store));
        assert_eq!(class(lift(copy(), &extended)), Class::InvalidState);
        assert_eq!(class(lift(original(), &basic)), Class::InvalidState);
    }

    #[test]
    fn bc8_the_wait_for_replication_is_read() {
        assert_eq!(replication_wait(-1), Ok(ReplicationWait::UntilDone));
        assert_eq!(replication_wait(0), Ok(ReplicationWait::No));
        assert_eq!(replication_wait(250), Ok(ReplicationWait::Milliseconds(250)));
        assert_eq!(replication_wait(-2).unwrap_err().class, Class::Validation);
    }
}
