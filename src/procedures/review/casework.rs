//! Cases: opened by remarks, told as stories, closed when all is answered.

use super::reviewing::patient_of;
use crate::domain::identity::HsaId;
use crate::domain::people::roles::Role;
use crate::domain::rejection::Rejection;
use crate::domain::retention::Hold;
use crate::domain::review::case::{CaseAnswers, CaseState, note, step};
use crate::domain::review::lifecycle::may_see;
use crate::procedures::failure::Failure;
use crate::procedures::people::on_duty::{OnDuty, People};
pub use crate::store::review::cases::{CaseEventRow, StoredCase};
use crate::store::review::cases::{NewCase, NewCaseEvent};
use crate::store::review::reviews::StoredReview;
use crate::store::review::visits::StoredVisit;

/// Characters of a case's title.
const TITLE_CHARS: usize = 120;

impl People {
    /// The units whose cases somebody sees, by keys; `None`: all of the care provider's.
    async fn units_of_cases(&self, person: &OnDuty<'_>) -> Result<Option<Vec<String>>, Failure> {
        let sees_all =
            [Role::LogAdmin, Role::Security].iter().any(|role| person.session.roles.contains(role));
        if sees_all {
            return Ok(None);
        }
        let own = person.session.employee.key();
        let provider = &person.assignment.provider;
        let plans = self.services.store.review_plans(person.tenant.id, Some(provider)).await?;
        let is_own = |id: &str| HsaId::new(id).is_some_and(|id| id.key() == own);
        let theirs = plans.into_iter().filter(|plan| {
            is_own(&plan.reviewer_id) || plan.deputy_id.as_deref().is_some_and(is_own)
        });
        Ok(Some(theirs.map(|plan| plan.unit_key).collect()))
    }

    /// The cases that somebody may see, the latest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn cases(
        &self,
        person: &OnDuty<'_>,
        only_open: bool,
    ) -> Result<Vec<StoredCase>, Failure> {
        let units = self.units_of_cases(person).await?;
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let own = person.session.employee.key();
        let store = &self.services.store;
        Ok(store.cases(tenant, provider, units.as_deref(), &own, only_open).await?)
    }

    /// A case that somebody may see, with what has happened in it; not one about oneself.
    ///
    /// # Errors
    /// The store's.
    pub async fn case(
        &self,
        person: &OnDuty<'_>,
        number: i64,
    ) -> Result<Option<(StoredCase, Vec<CaseEventRow>)>, Failure> {
        let store = &self.services.store;
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let Some(case) = store.case(tenant, provider, number).await? else { return Ok(None) };
        let units = self.units_of_cases(person).await?;
        let about = case.subject_employee.as_deref().and_then(HsaId::new).map(|id| id.key());
        let may = units.is_none_or(|units| units.contains(&case.unit_key))
            && may_see(about.as_deref(), &person.session.employee.key()).is_ok();
        match may {
            true => {
                Ok(Some((store.case_events(number).await?, case))
                    .map(|(events, case)| (case, events)))
            }
            false => Ok(None),
        }
    }

    /// Opens the case of a remark; a legal hold keeps the patient's posts as long as it is open (R25).
    pub(super) async fn new_case(
        &self,
        person: &OnDuty<'_>,
        review: &StoredReview,
        visit: &StoredVisit,
        text: &str,
    ) -> Result<StoredCase, Failure> {
        let (store, now) = (&self.services.store, self.clock.now());
        let patient = patient_of(visit);
        let provider = &person.assignment.provider;
        let hold = self.hold(person, patient.key()).await?;
        let title: String =
            text.trim().lines().next().unwrap_or_default().chars().take(TITLE_CHARS).collect();
        let new = NewCase {
            provider: provider.as_str(),
            unit: (&review.unit_id, &review.unit_name),
            employee: Some(&visit.employee_id),
            patient: Some(patient.key()),
            title: &title,
            hold,
        };
        let number = store.open_case(person.tenant.id, &new, &person.session.employee, now).await?;
        let case = store.case(person.tenant.id, provider, number).await?;
        case.ok_or_else(|| Rejection::validation("Ärendet finns inte.").into())
    }

    /// Keeps a patient's posts; a log that is not sealed knows no holds.
    async fn hold(&self, person: &OnDuty<'_>, patient: &str) -> Result<Option<i64>, Failure> {
        let hold = Hold {
            patient: Some(patient.to_owned()),
            care_provider: Some(person.assignment.provider.key()),
        };
        let store = &self.services.store;
        let placed = store.place_hold(
            person.tenant.id,
            &hold,
            "Öppet ärende i logggranskningen",
            self.clock.now(),
        );
        Ok(Some(placed.await?))
    }

    /// A case that is open and that somebody may see.
    pub(super) async fn open_case_of(
        &self,
        person: &OnDuty<'_>,
        number: i64,
    ) -> Result<StoredCase, Failure> {
        let found = self.case(person, number).await?;
        let open = found.map(|(case, _)| case).filter(|case| case.closed_at.is_none());
        open.ok_or_else(|| {
            Rejection::validation("Välj ett öppet ärende, eller öppna ett nytt.").into()
        })
    }

    /// Tells something in a case that is still in the state in which it was seen.
    pub(super) async fn tell_case(
        &self,
        person: &OnDuty<'_>,
        case: &StoredCase,
        event: &NewCaseEvent<'_>,
    ) -> Result<(), Failure> {
        let session = person.session;
        let by = (&session.employee, session.name.as_str());
        let store = &self.services.store;
        match store.add_to_case(case.case_number, &case.state, event, by, self.clock.now()).await? {
            true => Ok(()),
            false => {
                Err(Rejection::validation("Ärendet har ändrats. Ladda om sidan och försök igen.")
                    .into())
            }
        }
    }

    /// Adds a note to a case (R22).
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn note_in_case(
        &self,
        person: &OnDuty<'_>,
        case: &StoredCase,
        text: &str,
    ) -> Result<(), Failure> {
        note(text)?;
        let event = NewCaseEvent { kind: "note", text: text.trim(), ..NewCaseEvent::default() };
        self.tell_case(person, case, &event).await
    }

    /// Takes a case a step further (R22 to R24).
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn step_case(
        &self,
        person: &OnDuty<'_>,
        case: &StoredCase,
        to: CaseState,
        (text, answers): (&str, CaseAnswers),
    ) -> Result<(), Failure> {
        let from = CaseState::named(&case.state)
            .ok_or_else(|| Rejection::validation("Ärendet har ett okänt läge."))?;
        step(from, to, text, &answers)?;
        let event = NewCaseEvent {
            kind: "state",
            state: Some(to.name()),
            text: text.trim(),
            answers,
            visit: None,
        };
        self.tell_case(person, case, &event).await?;
        let (store, now) = (&self.services.store, self.clock.now());
        match (to, from, case.hold_number) {
            (CaseState::Closed, _, Some(hold)) => {
                store.lift_hold(hold, now).await?;
                store.case_holds(case.case_number, None).await?;
            }
            (CaseState::Inquiry, CaseState::Closed, _) => {
                if let Some(patient) = store.case_holds(case.case_number, None).await? {
                    let hold = self.hold(person, &patient).await?;
                    store.case_holds(case.case_number, hold).await?;
                }
            }
            _ => {}
        }
        Ok(self.did(person, ("case", &case.case_number.to_string(), to.name())).await?)
    }
}
