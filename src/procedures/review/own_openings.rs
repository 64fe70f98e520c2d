//! Targeted reviews that the service opens by itself: on a patient's request, of watched patients, of emergencies.

use super::controls::{due, named};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::review::calendar::day_bounds;
use crate::domain::review::lifecycle::{ReviewKind, item_day, units_that_read};
use crate::domain::review::watch::WatchKind;
use crate::domain::time::{Timestamp, local};
use crate::procedures::failure::{EachAlone, StoreError};
use crate::procedures::people::extracts::bounds;
use crate::procedures::people::on_duty::People;
use crate::procedures::tenants::Tenant;
use crate::store::people::extracts::StoredExtract;
use crate::store::review::openings::NewReview;
use crate::store::review::plans::StoredPlan;
use crate::store::review::watch::UnreviewedWatch;
use chrono::{Days, NaiveDate, TimeDelta, Timelike};
use std::collections::BTreeMap;

/// From this hour on, what was done the day before is looked at.
const MORNING: u32 = 6;
/// How many days back emergencies and watched patients are looked at again, because records reach the log late.
const DAYS_BACK: u64 = 10;
/// So long a request is left to the process that took it.
const MEANWHILE: TimeDelta = TimeDelta::minutes(1);
/// How long nobody looks again for what came late of emergencies.
const LATE: TimeDelta = TimeDelta::hours(1);
/// How many days back watched patients are caught up with, after nobody was there.
const CATCH_UP: u64 = 62;

/// A unit with its care provider and its plan: ids and names.
type UnitInEmergency = ((HsaId, String), Vec<StoredPlan>, (String, String));

impl People {
    /// Opens a review for each unit of the care provider that read a patient who asks for the log, once a request (R19).
    ///
    /// # Errors
    /// The store's: the next round opens them.
    pub async fn open_for_request(
        &self,
        tenant: &Tenant,
        (asked, provider_name): (&StoredExtract, Option<&str>),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let store = &self.services.store;
        let Some(provider) = HsaId::new(&asked.provider_id) else { return Ok(()) };
        let part = String::clone;
        let (root, number) = (part(&asked.patient_root), part(&asked.patient_extension));
        let patient = PatientId::kept(root, number, part(&asked.patient_key));
        let (from, to) = bounds(asked.from_on, asked.to_on);
        let interval = (from, to.min(now).max(from));
        let (units, plans, known) = tokio::try_join!(
            store.units_that_read(
                tenant.id,
                &provider,
                patient.key(),
                interval,
                (&self.system.0, None)
            ),
            store.review_plans(tenant.id, Some(&provider)),
            store.known_units(tenant.id)
        )?;
        let name =
            known.iter().find(|unit| HsaId::new(&unit.provider_id).as_ref() == Some(&provider));
        let name = name.map_or(provider.as_str(), |unit| unit.provider_name.as_str());
        let name = provider_name.unwrap_or(name);
        let names: BTreeMap<&str, &str> =
            units.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
        let new: Vec<NewReview> = units_that_read(names.keys().copied())
            .into_iter()
            .map(|unit| NewReview {
                kind: ReviewKind::PatientRequest.name(),
                patient: Some(named(&patient)),
                period: Some(interval),
                reason: "Patienten har begärt loggutdrag".to_owned(),
                opened_by: Some(asked.requested_by.clone()),
                opening: Some(asked.extract_id),
                ..of_unit(
                    &plans,
                    (&provider, name),
                    (unit, names.get(unit).copied().unwrap_or(unit)),
                )
            })
            .collect();
        store.open_reviews(tenant.id, &new, due(local(now).date()), now).await?;
        store.reviews_are_opened(asked.extract_id, now).await
    }

    /// Opens the reviews of requests whose process died or failed before it did.
    ///
    /// # Errors
    /// The store's.
    pub async fn review_requests(&self, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
        let mut each = EachAlone::default();
        for asked in self.services.store.unreviewed_extracts(tenant.id, now - MEANWHILE).await? {
            if !each.goes_on(self.open_for_request(tenant, (&asked, None), now).await) {
                break;
            }
        }
        each.done()
    }

    /// Opens reviews of what was done with watched patients, as often as their kind says, through the last day of an entry, once
    /// a day; of what has reached the log late since, too (R21).
    ///
    /// # Errors
    /// The store's.
    pub async fn review_watched(&self, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
        let today = local(now).date();
        if local(now).hour() < MORNING {
            return Ok(());
        }
        let store = &self.services.store;
        let (earliest, yesterday) = (today - Days::new(CATCH_UP), today - Days::new(1));
        let mut each = EachAlone::default();
        for watch in store.unreviewed_watches(tenant.id, (earliest, yesterday)).await? {
            let since = watch.reviewed_until.map_or(today, |day| day + Days::new(1));
            let since = since.min(today - Days::new(DAYS_BACK)).max(earliest);
            if !each.goes_on(self.review_watch(tenant, &watch, since, now).await) {
                break;
            }
        }
        each.done()
    }

    /// The same of one patient, since a day.
    async fn review_watch(
        &self,
        tenant: &Tenant,
        watch: &UnreviewedWatch,
        since: NaiveDate,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (store, today) = (&self.services.store, local(now).date());
        let (Some(kind), Some(provider)) =
            (WatchKind::named(&watch.kind), HsaId::new(&watch.provider_id))
        else {
            return Ok(());
        };
        let Ok(patient) = PatientId::new(&watch.patient_root, &watch.patient_extension) else {
            return Ok(());
        };
        let held = watch.held_from.iter().copied().zip(watch.held_until.iter().copied());
        let held: Vec<(NaiveDate, NaiveDate)> = held.collect();
        let mut found = Vec::new();
        for (first, last) in kind.periods(&held, since, today) {
            let period = bounds(first, last);
            let unreviewed = (&self.system.0, Some(ReviewKind::Watch.name()));
            let units = store
                .units_that_read(tenant.id, &provider, patient.key(), period, unreviewed)
                .await?;
            found.extend(units.into_iter().map(|unit| (period, unit)));
        }
        let plans = match found.is_empty() {
            true => Vec::new(),
            false => store.review_plans(tenant.id, Some(&provider)).await?,
        };
        let of = (&provider, watch.provider_name.as_str());
        let new: Vec<NewReview> = found
            .iter()
            .map(|(period, (unit, name))| NewReview {
                kind: ReviewKind::Watch.name(),
                patient: Some(named(&patient)),
                period: Some(*period),
                reason: "Bevakad patient".to_owned(),
                ..of_unit(&plans, of, (unit, name))
            })
            .collect();
        let through = today - Days::new(1);
        store.review_watch(tenant.id, (&watch.numbers, through), &new, due(today), now).await?;
        Ok(())
    }

    /// Opens items of what was opened in emergencies, on the next working day; of what reaches the log later, for ten days, too,
    /// and another where the day's was concluded (R20).
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
        // What is late is looked for once an hour.
        let looked_at = store.review_cursor(tenant.id, "emergencies").await?;
        let looks_again = looked_at.is_none_or(|at| now - at >= LATE);
        for day in since.iter_days().take_while(|day| *day < today) {
            let item_day = item_day(day);
            if item_day > today || item_day < today && !looks_again {
                continue;
            }
            let period = day_bounds(day);
            let units = self.units_in_emergency(tenant, period).await?;
            let new: Vec<NewReview> = units
                .iter()
                .map(|((provider, provider_name), plans, unit)| NewReview {
                    kind: ReviewKind::Emergency.name(),
                    period: Some(period),
                    reason: format!("Nödsituation {day}"),
                    ..of_unit(plans, (provider, provider_name), (&unit.0, &unit.1))
                })
                .collect();
            store.open_reviews(tenant.id, &new, due(today), now).await?;
        }
        if looks_again {
            store.move_review_cursor(tenant.id, "emergencies", now).await?;
        }
        Ok(())
    }

    /// Units in which something was opened in an emergency that no review has, with their care providers and plans.
    async fn units_in_emergency(
        &self,
        tenant: &Tenant,
        period: (Timestamp, Timestamp),
    ) -> Result<Vec<UnitInEmergency>, StoreError> {
        let store = &self.services.store;
        let (logged, registered, reviewed) = tokio::try_join!(
            store.units_in_emergency(tenant.id, period),
            store.emergencies(tenant.id, period),
            store.reviewed_emergencies(tenant.id, period)
        )?;
        if logged.is_empty() && registered.is_empty() {
            return Ok(Vec::new());
        }
        let (known, plans) =
            tokio::try_join!(store.known_units(tenant.id), store.review_plans(tenant.id, None))?;
        let mut found: BTreeMap<(String, String), UnitInEmergency> = BTreeMap::new();
        let mut add = |provider: (HsaId, String), unit: (String, String)| {
            let Some(key) = HsaId::new(&unit.0).map(|id| (provider.0.key(), id.key())) else {
                return;
            };
            let own = |plan: &&StoredPlan| {
                plan.unit_key == key.1
                    && HsaId::new(&plan.provider_id).as_ref() == Some(&provider.0)
            };
            let own = plans.iter().filter(own).cloned().collect();
            found.entry(key).or_insert((provider, own, unit));
        };
        for unit in logged {
            let Some(provider) = HsaId::new(&unit.provider_id) else { continue };
            add((provider, unit.provider_name), (unit.unit_id, unit.unit_name));
        }
        for row in registered {
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
            // What is registered has come before the morning; how the patient was read may come later.
            if reviewed.contains(&(provider.key(), unit.key())) {
                let patient = PatientId::new(&row.patient_root, &row.patient_extension);
                let Ok(patient) = patient else { continue };
                let unreviewed = (&self.system.0, Some(ReviewKind::Emergency.name()));
                let units = store
                    .units_that_read(tenant.id, &provider, patient.key(), period, unreviewed)
                    .await?;
                if !units.iter().any(|(id, _)| HsaId::new(id).as_ref() == Some(&unit)) {
                    continue;
                }
            }
            let own = known
                .iter()
                .find(|known| HsaId::new(&known.provider_id).as_ref() == Some(&provider));
            let name =
                own.map_or(provider.as_str().to_owned(), |known| known.provider_name.clone());
            let unit_name =
                of_directory.map_or(row.unit_id.clone(), |known| known.unit_name.clone());
            add((provider, name), (row.unit_id, unit_name));
        }
        Ok(found.into_values().collect())
    }
}

/// A review of a unit, with who reviews it.
fn of_unit(
    plans: &[StoredPlan],
    (provider, provider_name): (&HsaId, &str),
    (unit, name): (&str, &str),
) -> NewReview {
    let key = HsaId::new(unit).map(|id| id.key()).unwrap_or_default();
    let plan = plans.iter().find(|plan| plan.unit_key == key);
    NewReview {
        provider: (provider.as_str().to_owned(), provider_name.to_owned()),
        unit: (unit.to_owned(), name.to_owned()),
        reviewers: plan
            .map_or((None, None), |plan| (Some(plan.reviewer_id.clone()), plan.deputy_id.clone())),
        ..NewReview::default()
    }
}
