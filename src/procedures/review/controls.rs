//! Targeted reviews: on suspicion, on a patient's request, of watched patients, of emergencies.

use super::flagging::TenantFacts;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::review::calendar::{ReviewMonth, day_bounds, working_day_from};
use crate::domain::review::lifecycle::{
    ReviewKind, ReviewSubject, item_day, may_open, units_that_read,
};
use crate::domain::review::watch::WatchKind;
use crate::domain::time::{Timestamp, local};
use crate::procedures::failure::{Failure, StoreError};
use crate::procedures::people::extracts::bounds;
use crate::procedures::people::on_duty::{OnDuty, People};
use crate::procedures::tenants::Tenant;
use crate::store::review::reviews::{NewReview, StoredReview};
use chrono::{Days, NaiveDate, Timelike};
use std::collections::{BTreeMap, BTreeSet};

/// Days within which a targeted review is to be done.
const DUE_WITHIN: u64 = 7;
/// From this hour on, what was done the day before is looked at.
const MORNING: u32 = 6;
/// How many days back emergencies and watched patients are caught up with.
const DAYS_BACK: u64 = 14;

/// A targeted control as it is asked for.
#[derive(Debug, Clone, Default)]
pub struct AskedControl {
    /// Whose accesses.
    pub employee: Option<HsaId>,
    /// To which patient.
    pub patient: Option<PatientId>,
    /// The first day.
    pub from: NaiveDate,
    /// The last.
    pub to: NaiveDate,
    /// Why.
    pub reason: String,
}

/// A unit with its care provider: ids and names.
type UnitInEmergency = ((HsaId, String), (String, String));

/// The month and the due day of what is opened on a day.
pub(super) fn due(today: NaiveDate) -> (NaiveDate, NaiveDate) {
    (ReviewMonth::of(today).first(), working_day_from(today + Days::new(DUE_WITHIN)))
}

impl People {
    /// Opens a targeted review on suspicion, and lists it at once (R18).
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn open_control(
        &self,
        person: &OnDuty<'_>,
        asked: &AskedControl,
    ) -> Result<i64, Failure> {
        let now = self.clock.now();
        let subject = ReviewSubject {
            employee: asked.employee.as_ref().map(HsaId::key),
            patient: asked.patient.as_ref().map(|patient| patient.key().to_owned()),
        };
        let period = bounds(asked.from, asked.to);
        let until = period.1.min(now);
        may_open(&subject, (period.0, until), &asked.reason, now)?;
        let assignment = person.assignment;
        let new = NewReview {
            provider: (assignment.provider.as_str().to_owned(), assignment.provider_name.clone()),
            unit: (assignment.unit.as_str().to_owned(), assignment.unit_name.clone()),
            kind: ReviewKind::Suspicion.name(),
            reviewers: (Some(person.session.employee.as_str().to_owned()), None),
            employee: asked.employee.as_ref().map(|id| id.as_str().to_owned()),
            patient: asked.patient.as_ref().map(named),
            period: Some((period.0, until)),
            reason: asked.reason.trim().to_owned(),
            opened_by: Some(person.session.employee.as_str().to_owned()),
        };
        let store = &self.services.store;
        let number = store.open_review(person.tenant.id, &new, due(local(now).date()), now).await?;
        self.did(person, ("review", &number.to_string(), "opened")).await?;
        let review = store.review(person.tenant.id, &assignment.provider, number).await?;
        if let Some(review) = review {
            let facts = self.tenant_facts(person.tenant, now).await?;
            if let Err(error) = self.list_review(person.tenant, &review, &facts, now).await {
                // The worker tries again; a list that is too long is told on its page.
                tracing::warn!(%error, review = number, "a targeted review is not listed yet");
            }
        }
        Ok(number)
    }

    /// Opens a review for each unit of the own care provider that read a patient who asks for the log (R19).
    ///
    /// # Errors
    /// The store's.
    pub async fn open_for_request(
        &self,
        person: &OnDuty<'_>,
        patient: &PatientId,
        (from, to): (NaiveDate, NaiveDate),
    ) -> Result<usize, Failure> {
        let now = self.clock.now();
        let (from, to) = bounds(from, to);
        let to = to.min(now).max(from);
        let (store, provider) = (&self.services.store, &person.assignment.provider);
        let found =
            store.units_that_read(person.tenant.id, provider, patient.key(), (from, to)).await?;
        let names: BTreeMap<&str, &str> =
            found.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
        let units = units_that_read(names.keys().copied());
        for unit in &units {
            let new = NewReview {
                kind: ReviewKind::PatientRequest.name(),
                patient: Some(named(patient)),
                period: Some((from, to)),
                reason: "Patienten har begärt loggutdrag".to_owned(),
                opened_by: Some(person.session.employee.as_str().to_owned()),
                ..self
                    .of_unit(
                        person.tenant,
                        provider,
                        &person.assignment.provider_name,
                        (unit, names.get(unit).copied().unwrap_or(unit)),
                    )
                    .await?
            };
            store.open_review(person.tenant.id, &new, due(local(now).date()), now).await?;
        }
        Ok(units.len())
    }

    /// A review of a unit, with who reviews it.
    async fn of_unit(
        &self,
        tenant: &Tenant,
        provider: &HsaId,
        provider_name: &str,
        (unit, name): (&str, &str),
    ) -> Result<NewReview, StoreError> {
        let plans = self.services.store.review_plans(tenant.id, Some(provider)).await?;
        let key = HsaId::new(unit).map(|id| id.key()).unwrap_or_default();
        let plan = plans.into_iter().find(|plan| plan.unit_key == key);
        Ok(NewReview {
            provider: (provider.as_str().to_owned(), provider_name.to_owned()),
            unit: (unit.to_owned(), name.to_owned()),
            reviewers: plan.map_or((None, None), |plan| (Some(plan.reviewer_id), plan.deputy_id)),
            ..NewReview::default()
        })
    }

    /// Opens reviews of what was done with watched patients, as often as their kind says (R21).
    ///
    /// # Errors
    /// The store's.
    pub async fn review_watched(&self, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
        let today = local(now).date();
        if local(now).hour() < MORNING {
            return Ok(());
        }
        let store = &self.services.store;
        for entry in store.watched(tenant.id, today).await? {
            let (Some(kind), Some(provider)) =
                (WatchKind::named(&entry.kind), HsaId::new(&entry.provider_id))
            else {
                continue;
            };
            let Some((first, last)) = kind.period(today) else { continue };
            if entry.reviewed_until.is_some_and(|until| until >= last) {
                continue;
            }
            // What was missed while nobody was there is caught up with.
            let next = entry.reviewed_until.map(|until| until + Days::new(1));
            let first = next.unwrap_or(first).max(last - Days::new(DAYS_BACK)).min(first);
            let Ok(patient) = PatientId::new(&entry.patient_root, &entry.patient_extension) else {
                continue;
            };
            let period = bounds(first, last);
            let units = store.units_that_read(tenant.id, &provider, patient.key(), period).await?;
            if !store.watch_is_reviewed(entry.watch_number, last).await? {
                continue;
            }
            for (unit, name) in &units {
                let new = NewReview {
                    kind: ReviewKind::Watch.name(),
                    patient: Some(named(&patient)),
                    period: Some(period),
                    reason: "Bevakad patient".to_owned(),
                    ..self.of_unit(tenant, &provider, &entry.provider_name, (unit, name)).await?
                };
                store.open_review(tenant.id, &new, due(today), now).await?;
            }
        }
        Ok(())
    }

    /// Opens items of what was opened in emergencies, on the next working day (R20).
    ///
    /// # Errors
    /// The store's.
    pub async fn review_emergencies(
        &self,
        tenant: &Tenant,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let today = local(now).date();
        if local(now).hour() < MORNING {
            return Ok(());
        }
        let store = &self.services.store;
        let since = today - Days::new(DAYS_BACK);
        let done: BTreeSet<NaiveDate> =
            store.emergency_days(tenant.id, since).await?.into_iter().collect();
        for day in since.iter_days().take_while(|day| *day < today) {
            if done.contains(&day) || item_day(day) > today {
                continue;
            }
            let period = day_bounds(day);
            let units = self.units_in_emergency(tenant, period).await?;
            if !store.emergencies_are_items(tenant.id, day).await? {
                continue;
            }
            for ((provider, provider_name), unit) in &units {
                let new = NewReview {
                    kind: ReviewKind::Emergency.name(),
                    period: Some(period),
                    reason: format!("Nödsituation {day}"),
                    ..self.of_unit(tenant, provider, provider_name, (&unit.0, &unit.1)).await?
                };
                store.open_review(tenant.id, &new, due(today), now).await?;
            }
        }
        Ok(())
    }

    /// Units in which something was opened in an emergency, with their care providers.
    async fn units_in_emergency(
        &self,
        tenant: &Tenant,
        period: (Timestamp, Timestamp),
    ) -> Result<Vec<UnitInEmergency>, StoreError> {
        let store = &self.services.store;
        let known = store.known_units(tenant.id).await?;
        let mut providers: BTreeMap<String, (HsaId, String)> = BTreeMap::new();
        for unit in &known {
            if let Some(id) = HsaId::new(&unit.provider_id) {
                providers.entry(id.key()).or_insert((id, unit.provider_name.clone()));
            }
        }
        let mut found: BTreeMap<String, UnitInEmergency> = BTreeMap::new();
        for provider in providers.values() {
            for (id, name) in store.units_in_emergency(tenant.id, &provider.0, period).await? {
                let key = HsaId::new(&id).map(|id| id.key()).unwrap_or_default();
                found.entry(key).or_insert((provider.clone(), (id, name)));
            }
        }
        for row in store.emergencies(tenant.id, period).await? {
            let Some(unit) = HsaId::new(&row.unit_id) else { continue };
            let of_directory = known.iter().find(|known| known.unit_key == unit.key());
            let provider = row.provider_id.as_deref().and_then(HsaId::new);
            let provider = provider.or_else(|| HsaId::new(&of_directory?.provider_id));
            let Some(provider) = provider else {
                tracing::warn!(
                    "an emergency at a unit that neither a plan nor the directory knows"
                );
                continue;
            };
            let named = providers.get(&provider.key()).cloned();
            let provider =
                named.unwrap_or_else(|| (provider.clone(), provider.as_str().to_owned()));
            let name = of_directory.map_or(row.unit_id.clone(), |known| known.unit_name.clone());
            found.entry(unit.key()).or_insert((provider, (row.unit_id.clone(), name)));
        }
        Ok(found.into_values().collect())
    }

    /// Lists what was opened and has no list yet; what fails is tried again.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_step(
        &self,
        tenant: &Tenant,
        state: &str,
        facts: &TenantFacts,
        when: impl Fn(&StoredReview) -> Timestamp,
    ) -> Result<usize, StoreError> {
        let store = &self.services.store;
        let mut listed = 0;
        for review in store.reviews_in_state(tenant.id, state, 200).await? {
            match self.list_review(tenant, &review, facts, when(&review)).await {
                Ok(is_first) => listed += usize::from(is_first),
                Err(error) if error.concerns_everybody() => return Err(error),
                Err(error) => {
                    tracing::error!(review = review.review_number, %error, "a review has no list");
                }
            }
        }
        Ok(listed)
    }
}

fn named(patient: &PatientId) -> (String, String, String) {
    (patient.root().to_owned(), patient.extension().to_owned(), patient.key().to_owned())
}
