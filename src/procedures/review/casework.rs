//! Cases: opened by remarks, told as stories, closed when all is answered.

use crate::domain::identity::HsaId;
use crate::domain::people::roles::Role;
use crate::domain::rejection::Rejection;
use crate::domain::retention::Hold;
use crate::domain::review::case::{CaseAnswers, CaseState, note, step};
use crate::domain::review::lifecycle::may_see;
use crate::domain::time::Timestamp;
use crate::procedures::failure::{EachAlone, Failure, StoreError};
use crate::procedures::people::on_duty::{OnDuty, People};
use crate::procedures::tenants::Tenant;
pub use crate::store::review::cases::{CaseEventRow, StoredCase};
use crate::store::review::cases::{CaseHold, NewCaseEvent};
use std::collections::BTreeSet;

impl People {
    /// The units whose cases somebody sees, by keys; `None`: all of the care provider's.
    async fn units_of_cases(&self, person: &OnDuty<'_>) -> Result<Option<Vec<String>>, Failure> {
        let sees_all =
            [Role::LogAdmin, Role::Security].iter().any(|role| person.session.roles.contains(role));
        if sees_all {
            return Ok(None);
        }
        Ok(Some(self.units_of_reviewer(person).await?))
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
        let own = person.session.employee.key();
        let Some(case) = store.case(tenant, provider, number, &own).await? else { return Ok(None) };
        let units = self.units_of_cases(person).await?;
        let about = case.subject_employee.as_deref().and_then(HsaId::new).map(|id| id.key());
        let is_theirs = HsaId::new(&case.opened_by).is_some_and(|id| id.key() == own);
        let may = units.is_none_or(|units| is_theirs || units.contains(&case.unit_key))
            && may_see(about.as_deref(), &own).is_ok();
        match may {
            true => {
                Ok(Some((store.case_events(number).await?, case))
                    .map(|(events, case)| (case, events)))
            }
            false => Ok(None),
        }
    }

    /// Gives every patient of an open case a legal hold, and lifts those of closed ones (R25). What one process leaves undone the
    /// next round does.
    ///
    /// # Errors
    /// The store's.
    pub async fn mend_holds(&self, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
        let store = &self.services.store;
        let mut each = EachAlone::default();
        for wrong in store.wrong_holds(tenant.id).await? {
            if !each.goes_on(self.mend_hold(tenant, wrong, now).await) {
                break;
            }
        }
        each.done()
    }

    async fn mend_hold(
        &self,
        tenant: &Tenant,
        wrong: CaseHold,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let store = &self.services.store;
        let of = (wrong.case_number, wrong.patient_key.as_str());
        // Those that a process placed before it died, or two at once, are found by what they say.
        let about = crate::domain::log::record::KeyHash::of(tenant.id.0, &wrong.patient_key).0;
        let reason = format!("Ärende {} i loggranskningen ({about:x})", wrong.case_number);
        let placed = store.holds_for(tenant.id, &reason).await?;
        if !wrong.is_open {
            let all: BTreeSet<i64> = placed.into_iter().chain(wrong.hold_number).collect();
            for hold in all {
                store.lift_hold(hold, now).await?;
            }
            return store.case_holds(of, None).await;
        }
        let (patient, provider) = (Some(wrong.patient_key.clone()), Some(wrong.provider_key));
        let hold = Hold { patient, care_provider: provider };
        let number = match placed.first() {
            Some(number) => *number,
            None => store.place_hold(tenant.id, &hold, &reason, now).await?,
        };
        store.case_holds(of, Some(number)).await
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
        self.mend_holds(person.tenant, self.clock.now()).await?;
        Ok(self.did(person, ("case", &case.case_number.to_string(), to.name())).await?)
    }
}
