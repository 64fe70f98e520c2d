//! The proof report of a month that is over (R26).

use crate::domain::rejection::Rejection;
use crate::domain::review::calendar::{ReviewMonth, day_bounds};
use crate::domain::review::lifecycle::{ReviewKind, ReviewResult};
use crate::domain::review::proof::{CountedReview, ProofLine, lines};
use crate::procedures::failure::Failure;
use crate::procedures::people::on_duty::{OnDuty, People};
use crate::store::review::proof::ProvedReview;
use std::collections::BTreeMap;

/// What a report says: its lines by unit, and their sum.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProofReport {
    /// The care provider's name then; blank where there was no review.
    pub provider_name: String,
    /// By unit.
    pub units: BTreeMap<String, ProofLine>,
    /// Of all together.
    pub sum: ProofLine,
}

impl People {
    /// The proof report of the own care provider's month.
    ///
    /// # Errors
    /// That the month is not over; the store's.
    pub async fn proof_report(
        &self,
        person: &OnDuty<'_>,
        month: ReviewMonth,
    ) -> Result<ProofReport, Failure> {
        if !month.is_over(self.clock.now()) {
            return Err(Rejection::validation("Månaden är inte slut.").into());
        }
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let bounds = month.bounds();
        let store = &self.services.store;
        let (reviews, cases) = tokio::try_join!(
            store.proved_reviews(tenant, provider, (month.first(), bounds.1)),
            store.opened_cases(tenant, provider, bounds)
        )?;
        let name = reviews.first().map(|review| review.provider_name.clone());
        let counted: Vec<CountedReview> = reviews.iter().filter_map(counted).collect();
        let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        let cases = cases.into_iter().map(|(unit, cases)| (unit, count(cases))).collect();
        let units = lines(month, &counted, &cases);
        let mut sum = ProofLine::default();
        for line in units.values() {
            sum.planned += line.planned;
            sum.drawn += line.drawn;
            sum.empty += line.empty;
            sum.done += line.done;
            sum.late += line.late;
            sum.lapsed += line.lapsed;
            sum.targeted = (sum.targeted.0 + line.targeted.0, sum.targeted.1 + line.targeted.1);
            sum.visits = (sum.visits.0 + line.visits.0, sum.visits.1 + line.visits.1);
            sum.remarks += line.remarks;
            sum.cases += line.cases;
        }
        Ok(ProofReport { provider_name: name.unwrap_or_default(), units, sum })
    }
}

fn counted(row: &ProvedReview) -> Option<CountedReview> {
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let result = row.result.as_deref().and_then(ReviewResult::named);
    Some(CountedReview {
        unit: row.unit_id.clone(),
        unit_name: row.unit_name.clone(),
        kind: ReviewKind::named(&row.kind)?,
        begun_at: row.begun_at,
        drawn_at: row.drawn_at,
        due_at: day_bounds(row.due_on).1,
        concluded: row.concluded_at.zip(result),
        judged: (count(row.judged), count(row.remarks)),
        visits: count(row.visits),
    })
}
