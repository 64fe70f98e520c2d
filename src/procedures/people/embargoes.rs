//! Embargoes: for an investigation an employee's posts are left out of a patient's extracts, when two others stand behind it.

use super::extracts::StoredEmbargo;
use super::on_duty::{OnDuty, People};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::people::extract::Embargo;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, instant};
use crate::procedures::failure::Failure;
use chrono::{Days, NaiveDate};

impl People {
    /// The provider's embargoes, those on a patient's extracts only, if one is named.
    ///
    /// # Errors
    /// The store's.
    pub async fn embargoes(
        &self,
        person: &OnDuty<'_>,
        patient: Option<&PatientId>,
    ) -> Result<Vec<StoredEmbargo>, Failure> {
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let mut found = self.services.store.embargoes(tenant, provider, patient).await?;
        // Whom an investigation is about sees nothing of it.
        let own = &person.session.employee;
        found.retain(|embargo| HsaId::new(&embargo.employee_id).as_ref() != Some(own));
        Ok(found)
    }

    /// Asks for an embargo, which somebody else must approve (E6).
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn ask_embargo(
        &self,
        person: &OnDuty<'_>,
        patient: &PatientId,
        (employee, reason, told): (&str, &str, bool),
        until: Option<NaiveDate>,
    ) -> Result<(), Failure> {
        let now = self.clock.now();
        let employee = HsaId::new(employee)
            .ok_or_else(|| Rejection::validation("Skriv medarbetarens HSA-id."))?;
        if reason.trim().is_empty() {
            return Err(Rejection::validation("Skriv varför.").into());
        }
        let latest = Embargo::latest(now);
        let end = |day: NaiveDate| instant((day + Days::new(1)).into(), Ambiguous::Earlier);
        let until = until.map_or(latest, end);
        if until <= now || until > latest {
            return Err(Rejection::validation("Slutdagen ska ligga inom sex månader.").into());
        }
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let new = (&employee, reason.trim(), told, &person.session.employee);
        let store = &self.services.store;
        Ok(store.ask_embargo(tenant, provider, patient, new, (now, until)).await?)
    }

    /// Somebody else than who asked approves an embargo, or somebody ends it.
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn settle_embargo(
        &self,
        person: &OnDuty<'_>,
        (number, ends): (i64, bool),
    ) -> Result<(), Failure> {
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let (by, now) = (&person.session.employee, self.clock.now());
        let store = &self.services.store;
        match store.settle_embargo(tenant, provider, (number, ends), by, now).await? {
            true => {
                let (object, detail) =
                    (number.to_string(), if ends { "ended" } else { "approved" });
                let about = ("embargo", object.as_str(), detail);
                Ok(self.did(person, about).await?)
            }
            false if ends => Err(Rejection::validation("Embargot är redan avslutat.").into()),
            false => Err(Rejection::validation(
                "Embargot ska godkännas av någon annan än den som begärde det, och kan bara godkännas en gång.",
            )
            .into()),
        }
    }
}
