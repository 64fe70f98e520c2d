//! Targeted reviews on suspicion, and listing what was drawn or opened.

use super::flagging::TenantFacts;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::rejection::Rejection;
use crate::domain::review::calendar::{ReviewMonth, working_day_from};
use crate::domain::review::lifecycle::{ReviewKind, ReviewSubject, may_open};
use crate::domain::time::{Timestamp, local};
use crate::procedures::failure::{Failure, StoreError};
use crate::procedures::people::extracts::bounds;
use crate::procedures::people::on_duty::{OnDuty, People};
use crate::procedures::tenants::Tenant;
use crate::store::review::openings::NewReview;
use crate::store::review::reviews::StoredReview;
use chrono::{Days, NaiveDate};
use uuid::Uuid;

/// Days within which a targeted review is to be done.
const DUE_WITHIN: u64 = 7;

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
            self.list_now(person, number).await?;
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
        let now = self.clock.now();
        let mut listed = 0;
        for review in self.services.store.reviews_in_state(tenant.id, state, 200, now).await? {
            let is_first = self.list_or_tell(tenant, &review, facts, when(&review)).await?;
            listed += usize::from(is_first);
        }
        Ok(listed)
    }

    /// Lists one; whether it was the first to do so.
    async fn list_or_tell(
        &self,
        tenant: &Tenant,
        review: &StoredReview,
        facts: &TenantFacts,
        when: Timestamp,
    ) -> Result<bool, StoreError> {
        match self.list_review(tenant, review, facts, when).await {
            Err(error) if error.concerns_everybody() && !error.took_too_long() => Err(error),
            Err(error) => {
                tracing::error!(review = review.review_number, %error, "a review has no list");
                let store = &self.services.store;
                store.list_failed(review.review_number, self.clock.now()).await?;
                Ok(false)
            }
            done => done,
        }
    }

    /// Lists a control that somebody has opened, and no others.
    ///
    /// # Errors
    /// The store's: the next round lists it.
    pub(super) async fn list_now(
        &self,
        person: &OnDuty<'_>,
        number: i64,
    ) -> Result<(), StoreError> {
        let (tenant, now) = (person.tenant, self.clock.now());
        let (provider, own) = (&person.assignment.provider, person.session.employee.key());
        let opened = self.services.store.review(tenant.id, provider, number, &own).await?;
        if let Some(review) = opened {
            let facts = self.tenant_facts(tenant, now).await?;
            self.list_or_tell(tenant, &review, &facts, now).await?;
        }
        Ok(())
    }
}

/// Whether an id is written as HSA-ids are: no name, no sentence.
pub(super) fn is_written_so(id: &HsaId) -> bool {
    let text = id.as_str();
    text.len() <= 64 && text.chars().all(|c| c.is_ascii_graphic())
}

pub(super) fn named(patient: &PatientId) -> (String, String, String) {
    (patient.root().to_owned(), patient.extension().to_owned(), patient.key().to_owned())
}
