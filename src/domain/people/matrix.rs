//! Who gets at what right now: the access matrix of the patient's page, made by the rule that decides.
//!
//! # Rules
//! - **MX1** A row is a unit of the own care provider, a column somebody who asks: at the unit, at another unit of the
//!   provider, at another provider. Each cell is what `may_read` says.
//! - **MX2** What only blocks with a span of time close is closed for a part of the information.
//! - **MX3** The last row is other providers' information, as the own unit and the provider's other units get at it.

use crate::domain::access::{Access, may_read};
use crate::domain::blocking::block::{Block, Information};
use crate::domain::consent::assertion::{Assertion, AssertionType};
use crate::domain::identity::{AccessingActor, HsaId, PatientId};
use crate::domain::period::Period;
use crate::domain::time::Moment;

/// How much somebody gets at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All of it.
    Open,
    /// All of it, by the patient's consent.
    ByConsent,
    /// All of it, by an emergency.
    ByEmergency,
    /// Nothing without consent.
    NeedsConsent,
    /// Nothing of what was written in some span of time.
    PartlyClosed,
    /// Nothing: a block closes it.
    Closed,
}

/// What is told of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixRow {
    /// The unit; of other providers' information, none.
    pub unit: Option<HsaId>,
    /// How much its own staff get at.
    pub own_unit: Reach,
    /// How much those at the provider's other units get at.
    pub other_units: Reach,
    /// How much those at other providers get at; of their own information nothing is told.
    pub other_providers: Option<Reach>,
}

/// Who asks about what.
pub struct MatrixAsked<'a> {
    /// The patient.
    pub patient: &'a PatientId,
    /// The provider of whoever looks.
    pub provider: &'a HsaId,
    /// Its unit.
    pub unit: &'a HsaId,
    /// The patient's blocks.
    pub blocks: &'a [Block],
    /// The patient's assertions at the provider.
    pub assertions: &'a [Assertion],
    /// When.
    pub moment: Moment,
}

/// A place that is no real one: nobody's id has a space.
fn nowhere(text: &'static str) -> Option<HsaId> {
    HsaId::new(text)
}

impl MatrixAsked<'_> {
    /// The matrix over these units of the provider (MX1 to MX3).
    pub fn matrix(&self, units: &[HsaId]) -> Vec<MatrixRow> {
        let (Some(elsewhere), Some(stranger)) =
            (nowhere("another unit"), nowhere("another provider"))
        else {
            return Vec::new();
        };
        let own = |unit: &HsaId| (self.provider.clone(), unit.clone());
        let mut rows: Vec<MatrixRow> = units
            .iter()
            .map(|unit| {
                let reach = |actor| self.reach(actor, (self.provider, unit));
                MatrixRow {
                    unit: Some(unit.clone()),
                    own_unit: reach(own(unit)),
                    other_units: reach(own(&elsewhere)),
                    other_providers: Some(reach((stranger.clone(), elsewhere.clone()))),
                }
            })
            .collect();
        let theirs = |actor| self.reach(actor, (&stranger, &elsewhere));
        rows.push(MatrixRow {
            unit: None,
            own_unit: theirs(own(self.unit)),
            other_units: theirs(own(&elsewhere)),
            other_providers: None,
        });
        rows
    }

    fn reach(&self, (provider, unit): (HsaId, HsaId), source: (&HsaId, &HsaId)) -> Reach {
        let Some(employee) = nowhere("somebody there") else { return Reach::Closed };
        let actor = AccessingActor { employee, care_provider: provider, care_unit: unit };
        let information = Information {
            period: Period::default(),
            care_provider: source.0.clone(),
            care_unit: source.1.clone(),
            information_type: None,
        };
        let read = |blocks: &[Block]| {
            may_read(self.patient, &information, &actor, blocks, self.assertions, self.moment)
        };
        let whole: Vec<Block> =
            self.blocks.iter().filter(|b| b.content.period == Period::default()).cloned().collect();
        match (read(&whole), read(self.blocks)) {
            (Access::Blocked, _) => Reach::Closed,
            (_, Access::Blocked) => Reach::PartlyClosed, // MX2
            (_, Access::Own) => Reach::Open,
            (_, Access::Opened(AssertionType::Consent)) => Reach::ByConsent,
            (_, Access::Opened(AssertionType::Emergency)) => Reach::ByEmergency,
            (_, Access::NoConsent) => Reach::NeedsConsent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::blocking::block::{BlockContent, Guards};
    use crate::domain::identity::RecordId;
    use crate::domain::lifetime::Lifetime;
    use crate::domain::time::Timestamp;

    fn id(text: &str) -> HsaId {
        HsaId::new(text).unwrap()
    }

    fn patient() -> PatientId {
        PatientId::new("1.2.3", "1").unwrap()
    }

    fn block(guards: Guards, period: Period) -> Block {
        Block {
            id: RecordId::new("b").unwrap(),
            content: BlockContent { patient: patient(), guards, period, exempted: Vec::new() },
            lifetime: Lifetime::from(Timestamp::UNIX_EPOCH),
            revokes: Vec::new(),
            owner_id: None,
        }
    }

    fn row(blocks: &[Block]) -> Vec<MatrixRow> {
        let (patient, provider, unit) = (patient(), id("V"), id("V1"));
        let moment = Moment::Now(Timestamp::UNIX_EPOCH);
        let asked = MatrixAsked {
            patient: &patient,
            provider: &provider,
            unit: &unit,
            blocks,
            assertions: &[],
            moment,
        };
        asked.matrix(&[id("V1"), id("V2")])
    }

    #[test]
    fn mx1_cells_are_what_the_rule_says() {
        let open = row(&[]);
        assert_eq!((open[0].own_unit, open[0].other_units), (Reach::Open, Reach::Open));
        assert_eq!(open[0].other_providers, Some(Reach::NeedsConsent));
        let inner = Guards::Unit { provider: id("V"), unit: id("V1") };
        let closed = row(&[block(inner, Period::default())]);
        assert_eq!((closed[0].own_unit, closed[0].other_units), (Reach::Open, Reach::Closed));
        assert_eq!(closed[0].other_providers, Some(Reach::Closed));
        assert_eq!(closed[1].other_units, Reach::Open);
        let outer = row(&[block(Guards::Provider(id("V")), Period::default())]);
        assert_eq!(
            (outer[0].other_units, outer[0].other_providers),
            (Reach::Open, Some(Reach::Closed))
        );
    }

    #[test]
    fn mx2_a_block_with_a_span_closes_a_part() {
        let span = Period { start: Some(Timestamp::UNIX_EPOCH), end: None };
        let partly = row(&[block(Guards::Provider(id("V")), span)]);
        assert_eq!(partly[0].other_providers, Some(Reach::PartlyClosed));
    }

    #[test]
    fn mx3_the_last_row_is_others_information() {
        let rows = row(&[]);
        let last = rows.last().unwrap();
        assert_eq!(
            (&last.unit, last.own_unit, last.other_providers),
            (&None, Reach::NeedsConsent, None)
        );
    }
}
