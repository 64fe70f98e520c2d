//! Targeted reviews: on suspicion, on a patient's request, of watched patients, of emergencies.

use super::flagging::TenantFacts;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::rejection::Rejection;
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
use crate::store::review::openings::NewReview;
use crate::store::review::plans::StoredPlan;
use crate::store::review::reviews::StoredReview;
use chrono::{Days, NaiveDate, Timelike};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Days within which a targeted review is to be done.
const DUE_WITHIN: u64 = 7;
/// From this hour on, what was done the day before is looked at.
const MORNING: u32 = 6;
/// How many days back emergencies and watched patients are caught up with.
const DAYS_BACK: u64 = 10;

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
    /// The form that asks: asked again, it opens nothing more.
    pub opening: Option<Uuid>,
}

/// A unit with its care provider and its plan: ids and names.
type UnitInEmergency = ((HsaId, String), Vec<StoredPlan>, (String, String));

/// The month and the due day of what is opened on a day.
pub(super) fn due(today: NaiveDate) -> (NaiveDate, NaiveDate) {
    (ReviewMonth::of(today).first(), working_day_from(today + Days::new(DUE_WITHIN)))
}

impl People {
    /// Opens a targeted review on suspicion, and lists it at once (R18). Who does not administer the log reviews the own units'
    /// staff.
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn open_control(
        &self,
        person: &OnDuty<'_>,
        asked: &AskedControl,
    ) -> Result<i64, Failure> {
        let now = self.clock.now();
        let new = self.new_control(person, asked).await?;
        let store = &self.services.store;
        let opened =
            store.open_reviews(person.tenant.id, &[new], due(local(now).date()), now).await?;
        let number = match (opened.first(), asked.opening) {
            (Some(number), _) => *number,
            // The same form again.
            (None, Some(opening)) => store.review_of_opening(opening).await?.unwrap_or_default(),
            (None, None) => 0,
        };
        if !opened.is_empty() {
            self.did(person, ("review", &number.to_string(), "opened")).await?;
            self.list_due(person.tenant, |_| now).await?;
        }
        Ok(number)
    }

    /// A targeted review as it is to be opened.
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub(super) async fn new_control(
        &self,
        person: &OnDuty<'_>,
        asked: &AskedControl,
    ) -> Result<NewReview, Failure> {
        let now = self.clock.now();
        let subject = ReviewSubject {
            employee: asked.employee.as_ref().map(HsaId::key),
            patient: asked.patient.as_ref().map(|patient| patient.key().to_owned()),
        };
        let period = bounds(asked.from, asked.to);
        let until = period.1.min(now);
        may_open(&subject, (period.0, until), &asked.reason, now)?;
        if subject.employee.as_deref() == Some(&person.session.employee.key()) {
            let says = "Du kan inte öppna en kontroll av dig själv.";
            return Err(Rejection::validation(says).into());
        }
        if asked.employee.as_ref().is_some_and(|id| !is_written_so(id)) {
            return Err(Rejection::validation(
                "Skriv medarbetarens HSA-id, till exempel SE2321000016-P0001.",
            )
            .into());
        }
        let (assignment, session) = (person.assignment, person.session);
        let units = match Self::is_log_admin(person) {
            true => None,
            false => Some(self.units_of_reviewer(person).await?),
        };
        if units.as_ref().is_some_and(Vec::is_empty) {
            let says = "Du granskar ingen enhet: en loggadministratör öppnar kontrollen.";
            return Err(Rejection::validation(says).into());
        }
        Ok(NewReview {
            provider: (assignment.provider.as_str().to_owned(), assignment.provider_name.clone()),
            unit: (assignment.unit.as_str().to_owned(), assignment.unit_name.clone()),
            kind: ReviewKind::Suspicion.name(),
            reviewers: (Some(session.employee.as_str().to_owned()), None),
            employee: asked.employee.as_ref().map(|id| id.as_str().to_owned()),
            patient: asked.patient.as_ref().map(named),
            period: Some((period.0, until)),
            reason: asked.reason.trim().to_owned(),
            opened_by: Some(session.employee.as_str().to_owned()),
            opening: asked.opening,
            units,
        })
    }

    /// The units whose plan names somebody, as reviewer or deputy, by keys.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn units_of_reviewer(
        &self,
        person: &OnDuty<'_>,
    ) -> Result<Vec<String>, StoreError> {
        let own = person.session.employee.key();
        let provider = &person.assignment.provider;
        let plans = self.services.store.review_plans(person.tenant.id, Some(provider)).await?;
        let is_own = |id: &str| HsaId::new(id).is_some_and(|id| id.key() == own);
        let theirs = plans.into_iter().filter(|plan| {
            is_own(&plan.reviewer_id) || plan.deputy_id.as_deref().is_some_and(is_own)
        });
        Ok(theirs.map(|plan| plan.unit_key).collect())
    }

    /// Opens a review for each unit of the own care provider that read a patient who asks for the log, once a request (R19).
    ///
    /// # Errors
    /// The store's.
    pub async fn open_for_request(
        &self,
        person: &OnDuty<'_>,
        patient: &PatientId,
        (from, to): (NaiveDate, NaiveDate),
        request: Uuid,
    ) -> Result<(), Failure> {
        let now = self.clock.now();
        let (from, to) = bounds(from, to);
        let to = to.min(now).max(from);
        let (store, assignment) = (&self.services.store, person.assignment);
        let of = (&assignment.provider, assignment.provider_name.as_str());
        let interval = (from, to);
        let found = store
            .units_that_read(person.tenant.id, of.0, patient.key(), interval, &self.system.0)
            .await?;
        let names: BTreeMap<&str, &str> =
            found.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
        let plans = store.review_plans(person.tenant.id, Some(of.0)).await?;
        let new: Vec<NewReview> = units_that_read(names.keys().copied())
            .into_iter()
            .map(|unit| NewReview {
                kind: ReviewKind::PatientRequest.name(),
                patient: Some(named(patient)),
                period: Some(interval),
                reason: "Patienten har begärt loggutdrag".to_owned(),
                opened_by: Some(person.session.employee.as_str().to_owned()),
                opening: Some(request),
                ..of_unit(&plans, of, (unit, names.get(unit).copied().unwrap_or(unit)))
            })
            .collect();
        store.open_reviews(person.tenant.id, &new, due(local(now).date()), now).await?;
        Ok(())
    }

    /// Opens reviews of what was done with watched patients, as often as their kind says, through the last day of an entry (R21).
    ///
    /// # Errors
    /// The store's.
    pub async fn review_watched(&self, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
        let today = local(now).date();
        if local(now).hour() < MORNING {
            return Ok(());
        }
        let store = &self.services.store;
        for watch in store.unreviewed_watches(tenant.id, today).await? {
            let (Some(kind), Some(provider)) =
                (WatchKind::named(&watch.kind), HsaId::new(&watch.provider_id))
            else {
                continue;
            };
            let Some((_, last)) = kind.period(today) else { continue };
            // What was missed while nobody was there is caught up with.
            let last = last.min(watch.until);
            let first = (watch.reviewed_until + Days::new(1)).max(last - Days::new(DAYS_BACK));
            let Ok(patient) = PatientId::new(&watch.patient_root, &watch.patient_extension) else {
                continue;
            };
            if first > last {
                continue;
            }
            let period = bounds(first, last);
            let units = store
                .units_that_read(tenant.id, &provider, patient.key(), period, &self.system.0)
                .await?;
            let plans = store.review_plans(tenant.id, Some(&provider)).await?;
            let of = (&provider, watch.provider_name.as_str());
            let new: Vec<NewReview> = units
                .iter()
                .map(|(unit, name)| NewReview {
                    kind: ReviewKind::Watch.name(),
                    patient: Some(named(&patient)),
                    period: Some(period),
                    reason: "Bevakad patient".to_owned(),
                    ..of_unit(&plans, of, (unit, name))
                })
                .collect();
            store.review_watch(tenant.id, (&watch.numbers, last), &new, due(today), now).await?;
        }
        Ok(())
    }

    /// Opens items of what was opened in emergencies, on the next working day; what reaches the log later, up to a week, too
    /// (R20).
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
        for day in since.iter_days().take_while(|day| *day < today) {
            if item_day(day) > today {
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
        Ok(())
    }

    /// Units in which something was opened in an emergency, with their care providers and plans.
    async fn units_in_emergency(
        &self,
        tenant: &Tenant,
        period: (Timestamp, Timestamp),
    ) -> Result<Vec<UnitInEmergency>, StoreError> {
        let store = &self.services.store;
        let (logged, registered) = tokio::try_join!(
            store.units_in_emergency(tenant.id, period),
            store.emergencies(tenant.id, period)
        )?;
        if logged.is_empty() && registered.is_empty() {
            return Ok(Vec::new());
        }
        let (known, plans) =
            tokio::try_join!(store.known_units(tenant.id), store.review_plans(tenant.id, None))?;
        let mut found: BTreeMap<String, UnitInEmergency> = BTreeMap::new();
        let mut add = |provider: (HsaId, String), unit: (String, String)| {
            let Some(key) = HsaId::new(&unit.0).map(|id| id.key()) else { return };
            let own = plans.iter().filter(|plan| plan.unit_key == key).cloned().collect();
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

    /// Lists what was drawn or opened and has no list yet; what fails is told on its page, and tried again after an hour.
    ///
    /// # Errors
    /// The store's, where it would be anybody's.
    pub async fn list_step(
        &self,
        tenant: &Tenant,
        state: &str,
        facts: &TenantFacts,
        when: impl Fn(&StoredReview) -> Timestamp,
    ) -> Result<usize, StoreError> {
        let (store, now) = (&self.services.store, self.clock.now());
        let mut listed = 0;
        for review in store.reviews_in_state(tenant.id, state, 200, now).await? {
            match self.list_review(tenant, &review, facts, when(&review)).await {
                Ok(is_first) => listed += usize::from(is_first),
                Err(error) if error.concerns_everybody() && !error.took_too_long() => {
                    return Err(error);
                }
                Err(error) => {
                    tracing::error!(review = review.review_number, %error, "a review has no list");
                    store.list_failed(review.review_number, now).await?;
                }
            }
        }
        Ok(listed)
    }
}

/// Whether an id is written as HSA-ids are: no name, no sentence.
pub(super) fn is_written_so(id: &HsaId) -> bool {
    let text = id.as_str();
    text.len() <= 64 && text.chars().all(|c| c.is_ascii_graphic())
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

fn named(patient: &PatientId) -> (String, String, String) {
    (patient.root().to_owned(), patient.extension().to_owned(), patient.key().to_owned())
}
