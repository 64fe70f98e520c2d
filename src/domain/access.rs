//! How the two decisions combine: may somebody read a piece of information?
//!
//! The contracts answer about blocks and about consents; putting the answers together is the
//! consumers' duty. This is the same rule for those who ask here.
//!
//! # Rules
//! - **AC1** A block that bites closes the information, whatever anybody has consented to: only
//!   a temporary revoke of the block opens it again.
//! - **AC2** Information of the employee's own care provider needs no consent.
//! - **AC3** Other providers' information is open to whom a consent or an emergency assertion
//!   opens it, and to nobody else.

use super::blocking::block::{Block, Information, is_blocked};
use super::consent::assertion::{Assertion, AssertionType, opens};
use super::identity::{AccessingActor, PatientId};
use super::time::Moment;

/// Whether information may be read, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is the own care provider's.
    Own,
    /// A consent or an emergency opens it.
    Opened(AssertionType),
    /// A block closes it.
    Blocked,
    /// Nothing opens it.
    NoConsent,
}

/// Whether the actor may read the patient's information at a moment; each line is one rule.
pub fn may_read(
    patient: &PatientId,
    information: &Information,
    actor: &AccessingActor,
    blocks: &[Block],
    assertions: &[Assertion],
    moment: Moment,
) -> Access {
    if is_blocked(blocks, patient, information, actor, moment) {
        return Access::Blocked; // AC1
    }
    if information.care_provider == actor.care_provider {
        return Access::Own; // AC2
    }
    opens(assertions, patient, actor, moment).map_or(Access::NoConsent, Access::Opened) // AC3
}

#[cfg(test)]
mod tests {
    use super::super::blocking::block::{BlockContent, Guards, Lift, TemporaryRevoke};
    use super::super::consent::assertion::{AssertionContent, Start};
    use super::super::identity::{HsaId, RecordId};
    use super::super::lifetime::{FirstRemoval, Lifetime, State};
    use super::super::period::Period;
    use super::super::time::Timestamp;
    use super::*;

    fn id(text: &str) -> HsaId {
        HsaId::new(text).unwrap()
    }

    fn now() -> Timestamp {
        "2026-01-01T12:00:00Z".parse().unwrap()
    }

    fn patient() -> PatientId {
        PatientId::new("1.2.3", "1").unwrap()
    }

    /// Employee P at unit V2 of provider V, asking about unit 1 of `provider`.
    fn asked(provider: &str, blocks: &[Block], assertions: &[Assertion]) -> Access {
        let actor =
            AccessingActor { employee: id("P"), care_provider: id("V"), care_unit: id("V2") };
        let information = Information {
            period: Period { start: Some(now()), end: Some(now()) },
            care_unit: id(&format!("{provider}1")),
            care_provider: id(provider),
            information_type: None,
        };
        let now = Moment::Now(now());
        may_read(&patient(), &information, &actor, blocks, assertions, now)
    }

    /// An inner block of unit 1 of a provider.
    fn block(provider: &str, lifted: bool) -> Block {
        let end = now() + chrono::Duration::hours(1);
        let revoke = TemporaryRevoke {
            id: RecordId::new("r").unwrap(),
            lift: Lift { end, care_unit: id("V2"), employee: None },
            lifetime: Lifetime::from(now()),
            owner_id: None,
        };
        let unit = id(&format!("{provider}1"));
        Block {
            id: RecordId::new("b").unwrap(),
            content: BlockContent {
                patient: patient(),
                guards: Guards::Unit { provider: id(provider), unit },
                period: Period::default(),
                exempted: Vec::new(),
            },
            lifetime: Lifetime::from(now()),
            revokes: if lifted { vec![revoke] } else { Vec::new() },
            owner_id: None,
        }
    }

    fn assertion(assertion_type: AssertionType) -> Assertion {
        Assertion {
            id: RecordId::new("a").unwrap(),
            content: AssertionContent {
                assertion_type,
                patient: patient(),
                care_provider: id("V"),
                care_unit: id("V2"),
                employee: None,
                start: None,
                end: None,
                represented_by: None,
            },
            start: Start::AtOnce,
            patient_ends: Vec::new(),
            lifetime: Lifetime::from(now()),
            source: None,
            owner_id: None,
        }
    }

    #[test]
    fn the_truth_table() {
        use AssertionType::{Consent, Emergency};
        let (closed, lifted) = (Some(false), Some(true));
        for (provider, blocked, consent, expected) in [
            ("V", None, None, Access::Own),
            ("V", None, Some(Consent), Access::Own),
            ("V", None, Some(Emergency), Access::Own),
            ("V", closed, None, Access::Blocked),
            ("V", closed, Some(Consent), Access::Blocked),
            ("V", closed, Some(Emergency), Access::Blocked),
            ("V", lifted, None, Access::Own),
            ("V", lifted, Some(Consent), Access::Own),
            ("V", lifted, Some(Emergency), Access::Own),
            ("W", None, None, Access::NoConsent),
            ("W", None, Some(Consent), Access::Opened(Consent)),
            ("W", None, Some(Emergency), Access::Opened(Emergency)),
            ("W", closed, None, Access::Blocked),
            ("W", closed, Some(Consent), Access::Blocked),
            ("W", closed, Some(Emergency), Access::Blocked),
            ("W", lifted, None, Access::NoConsent),
            ("W", lifted, Some(Consent), Access::Opened(Consent)),
            ("W", lifted, Some(Emergency), Access::Opened(Emergency)),
        ] {
            let blocks: Vec<Block> = blocked.map(|l| block(provider, l)).into_iter().collect();
            let assertions: Vec<Assertion> = consent.map(assertion).into_iter().collect();
            let access = asked(provider, &blocks, &assertions);
            assert_eq!(access, expected, "{provider} {blocked:?} {consent:?}");
        }
    }

    #[test]
    fn ac1_a_block_closes_what_a_consent_opens() {
        let consent = [assertion(AssertionType::Consent)];
        assert_eq!(asked("W", &[block("W", false)], &consent), Access::Blocked);
        assert_eq!(
            asked("W", &[block("W", true)], &consent),
            Access::Opened(AssertionType::Consent)
        );
    }

    #[test]
    fn ac2_the_own_care_provider_needs_no_consent() {
        assert_eq!(asked("v", &[], &[]), Access::Own);
    }

    #[test]
    fn ac3_other_providers_need_one() {
        assert_eq!(asked("W", &[], &[]), Access::NoConsent);
        let mut ended = assertion(AssertionType::Consent);
        ended.lifetime.state = State::Removed { first: FirstRemoval::At(now()), how: () };
        assert_eq!(asked("W", &[], &[ended]), Access::NoConsent);
    }
}
