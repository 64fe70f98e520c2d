//! Plans as the log administrator sees and makes them: every unit, those without a plan first.

use super::controls::is_written_so;
use crate::domain::identity::HsaId;
use crate::domain::rejection::Rejection;
use crate::domain::review::calendar::ReviewMonth;
use crate::procedures::failure::Failure;
use crate::procedures::people::on_duty::{OnDuty, People};
pub use crate::store::review::plans::StoredPlan;

/// The least share of a sample, in per cent.
const SHARE_LEAST: i32 = 5;

/// A plan as it is asked for.
#[derive(Debug, Clone, Default)]
pub struct AskedPlan {
    /// The unit's HSA-id.
    pub unit: String,
    /// Whether a sample of the staff is reviewed, and how many per cent.
    pub sample: Option<i32>,
    /// The reviewer's HSA-id.
    pub reviewer: String,
    /// The deputy's.
    pub deputy: String,
}

impl People {
    /// The units of the own care provider with their plans, those without one first.
    ///
    /// # Errors
    /// The store's.
    pub async fn planned_units(
        &self,
        person: &OnDuty<'_>,
    ) -> Result<Vec<(HsaId, String, Option<StoredPlan>)>, Failure> {
        let provider = &person.assignment.provider;
        let plans = self.services.store.review_plans(person.tenant.id, Some(provider)).await?;
        let mut units: Vec<(HsaId, String, Option<StoredPlan>)> =
            self.own_units(person).await?.into_iter().map(|(id, name)| (id, name, None)).collect();
        for plan in plans {
            let at = units.iter().position(|(id, ..)| id.key() == plan.unit_key);
            match at.and_then(|at| units.get_mut(at)) {
                Some(unit) => unit.2 = Some(plan),
                None => {
                    if let Some(id) = HsaId::new(&plan.unit_id) {
                        units.push((id, plan.unit_name.clone(), Some(plan)));
                    }
                }
            }
        }
        units.sort_by(|a, b| (a.2.is_some(), &a.1).cmp(&(b.2.is_some(), &b.1)));
        Ok(units)
    }

    /// Makes a plan, or another in its place (R1): its first review is the month's in which it is made, if the draw is still to
    /// come, else the next one's.
    ///
    /// # Errors
    /// What is lacking, or the store's.
    pub async fn set_plan(&self, person: &OnDuty<'_>, asked: &AskedPlan) -> Result<(), Failure> {
        let units = self.planned_units(person).await?;
        let unit = HsaId::new(&asked.unit)
            .and_then(|id| units.into_iter().find(|(own, ..)| *own == id))
            .ok_or_else(|| Rejection::validation("Välj en av vårdgivarens enheter."))?;
        let wrong = || Rejection::validation("Skriv ett HSA-id, till exempel SE2321000016-P0001.");
        let reviewer = HsaId::new(&asked.reviewer)
            .ok_or_else(|| Rejection::validation("Skriv granskarens HSA-id."))?;
        let deputy = match asked.deputy.as_str() {
            "" => None,
            text => Some(HsaId::new(text).ok_or_else(wrong)?),
        };
        if !is_written_so(&reviewer) || deputy.as_ref().is_some_and(|id| !is_written_so(id)) {
            return Err(wrong().into());
        }
        if deputy.as_ref() == Some(&reviewer) {
            return Err(
                Rejection::validation("Ersättaren ska vara någon annan än granskaren.").into()
            );
        }
        let share = asked.sample.unwrap_or(100);
        if !(SHARE_LEAST..=100).contains(&share) {
            return Err(Rejection::validation("Andelen ska vara mellan 5 och 100 procent.").into());
        }
        let before = unit.2.clone();
        let now = self.clock.now();
        let this = ReviewMonth::at(now);
        let first = if now < this.drawn_at() { this } else { this.after() };
        let active_from =
            unit.2.as_ref().map_or(first, |plan| ReviewMonth::of(plan.active_from).min(first));
        let plan = StoredPlan {
            plan_number: 0,
            provider_id: person.assignment.provider.as_str().to_owned(),
            provider_name: person.assignment.provider_name.clone(),
            unit_id: unit.0.as_str().to_owned(),
            unit_key: unit.0.key(),
            unit_name: unit.1,
            mode: if asked.sample.is_some() { "sample" } else { "all" }.to_owned(),
            share_percent: share,
            reviewer_id: reviewer.as_str().to_owned(),
            deputy_id: deputy.map(|id| id.as_str().to_owned()),
            active_from: active_from.first(),
            set_by: person.session.employee.as_str().to_owned(),
            set_at: now,
        };
        if before.is_none_or(|before| is_another(&before, &plan)) {
            // Told before it holds.
            let detail = format!("{} {}", plan.mode, plan.share_percent);
            self.did(person, ("review-plan", &plan.unit_id, &detail)).await?;
            self.services.store.set_plan(person.tenant.id, &plan).await?;
        }
        Ok(())
    }
}

/// Whether a plan says something else than the one before it.
fn is_another(before: &StoredPlan, plan: &StoredPlan) -> bool {
    let said = |plan: &StoredPlan| {
        (plan.mode.clone(), plan.share_percent, plan.reviewer_id.clone(), plan.deputy_id.clone())
    };
    said(before) != said(plan)
}
