//! The list of watched patients: two persons stand behind each entry (R21).

use crate::domain::identity::PatientId;
use crate::domain::rejection::Rejection;
use crate::domain::review::watch::{WatchKind, may_approve, may_watch};
use crate::domain::time::local;
use crate::procedures::failure::Failure;
use crate::procedures::people::on_duty::{OnDuty, People};
pub use crate::store::review::watch::StoredWatch;
use chrono::NaiveDate;

impl People {
    /// The own care provider's list.
    ///
    /// # Errors
    /// The store's.
    pub async fn watch_list(&self, person: &OnDuty<'_>) -> Result<Vec<StoredWatch>, Failure> {
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let today = local(self.clock.now()).date();
        Ok(self.services.store.watch_list(tenant, provider, today).await?)
    }

    /// Adds a patient to the list, or renews that; somebody else must stand behind it.
    ///
    /// # Errors
    /// What is lacking, or the store's.
    pub async fn add_watch(
        &self,
        person: &OnDuty<'_>,
        patient: &PatientId,
        (kind, reason): (Option<WatchKind>, &str),
        until: NaiveDate,
    ) -> Result<(), Failure> {
        let now = self.clock.now();
        let kind = kind.ok_or_else(|| Rejection::validation("Välj varför patienten bevakas."))?;
        may_watch(reason, until, local(now).date())?;
        let assignment = person.assignment;
        let provider = (&assignment.provider, assignment.provider_name.as_str());
        let store = &self.services.store;
        let entry = (kind.name(), reason.trim(), until);
        let by = (&person.session.employee, now);
        let added = store.add_watch(person.tenant.id, provider, patient, entry, by).await?;
        if let Some(number) = added {
            self.did(person, ("watch", &number.to_string(), "added")).await?;
        }
        Ok(())
    }

    /// Stands behind an entry that somebody else has added, or ends one.
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn settle_watch(
        &self,
        person: &OnDuty<'_>,
        entry: &StoredWatch,
        ends: bool,
    ) -> Result<(), Failure> {
        let own = person.session.employee.key();
        if !ends {
            may_approve(&entry.added_by.trim().to_lowercase(), &own)?;
        }
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let by = (&person.session.employee, self.clock.now());
        let store = &self.services.store;
        let number = entry.watch_number;
        match store.settle_watch(tenant, provider, (number, ends), by).await? {
            true => {
                let what = if ends { "ended" } else { "approved" };
                Ok(self.did(person, ("watch", &number.to_string(), what)).await?)
            }
            false => Err(Rejection::validation("Bevakningen har ändrats. Ladda om sidan.").into()),
        }
    }
}
