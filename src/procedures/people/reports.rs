//! Reports over the log that people take out: queued, made by any process, kept for a day, read as they were sealed.

use super::on_duty::{OnDuty, People};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::log::record::LogEntry;
use crate::domain::log::report::{ReportQuestion, ReportSubject};
use crate::domain::rejection::Rejection;
use crate::procedures::batches::Batches;
use crate::procedures::failure::Failure;
use crate::procedures::reports::{self, Reported};
pub use crate::store::people::report_orders::ReportOrder;
use uuid::Uuid;

/// How a report stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportProgress {
    /// It waits, or is being made: expected seconds.
    Coming(i32),
    /// It has so many records.
    Made(usize),
    /// It would have more than a report may.
    TooMany,
    /// It could not be made.
    Failed,
    /// It is there no more.
    Gone,
}

/// The question that an order asks.
///
/// # Errors
/// That it names nobody, or ends before it begins.
pub fn question(order: &ReportOrder) -> Result<ReportQuestion, Rejection> {
    let id = |text: Option<&str>, what: &'static str| {
        text.and_then(HsaId::new).ok_or_else(|| Rejection::validation(what))
    };
    let owner = id(Some(&order.owner_id), "Vårdgivaren saknas.")?;
    let patient = || {
        let (root, extension) = (order.patient_root.as_deref(), order.patient_extension.as_deref());
        PatientId::new(root.unwrap_or_default(), extension.unwrap_or_default())
            .map_err(|_| Rejection::validation("Patienten saknas."))
    };
    let staff = |owner, patient, user, unit| ReportSubject::Staff { owner, patient, user, unit };
    let subject = match order.kind.as_str() {
        "patient" => staff(owner, Some(patient()?), None, None),
        "user" => staff(
            owner,
            None,
            Some(id(order.user_id.as_deref(), "Skriv medarbetarens HSA-id.")?),
            None,
        ),
        "unit" => staff(owner, None, None, Some(id(order.unit_id.as_deref(), "Välj en enhet.")?)),
        "provider" => staff(owner, None, None, None),
        "information" => ReportSubject::Information { owner, patient: None },
        _ => return Err(Rejection::validation("Välj vad rapporten ska visa.")),
    };
    ReportQuestion::new(subject, order.from_at, order.to_at)
}

impl People {
    /// Asks for a report.
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn order_report(
        &self,
        person: &OnDuty<'_>,
        order: &ReportOrder,
    ) -> Result<(), Failure> {
        let context = self.context(person, "pages");
        let question = question(order)?;
        reports::queue_as(&context, &question, order.report_id).await?;
        let (provider, employee) = (&person.assignment.provider, &person.session.employee);
        let store = &self.services.store;
        Ok(store.keep_report_order(person.tenant.id, provider, employee, order).await?)
    }

    /// The person's own reports, the latest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn own_reports(&self, person: &OnDuty<'_>) -> Result<Vec<ReportOrder>, Failure> {
        let (provider, employee) = (&person.assignment.provider, &person.session.employee);
        Ok(self.services.store.report_orders(person.tenant.id, provider, employee).await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// The store's.
    pub async fn own_report(
        &self,
        person: &OnDuty<'_>,
        id: Uuid,
    ) -> Result<Option<ReportOrder>, Failure> {
        Ok(self.own_reports(person).await?.into_iter().find(|order| order.report_id == id))
    }

    /// How one stands.
    ///
    /// # Errors
    /// The store's.
    pub async fn progress(
        &self,
        person: &OnDuty<'_>,
        order: &ReportOrder,
    ) -> Result<ReportProgress, Failure> {
        Ok(match self.reported(person, order).await {
            Ok(Reported::Waiting { seconds, .. } | Reported::Making { seconds, .. }) => {
                ReportProgress::Coming(seconds)
            }
            Ok(Reported::Ready(places)) => ReportProgress::Made(places.len()),
            Ok(Reported::TooMany) => ReportProgress::TooMany,
            Ok(Reported::NotFound) => ReportProgress::Gone,
            Err(Failure::Refused(_)) => ReportProgress::Failed,
            Err(error) => return Err(error),
        })
    }

    async fn reported(
        &self,
        person: &OnDuty<'_>,
        order: &ReportOrder,
    ) -> Result<Reported, Failure> {
        let (context, question) = (self.context(person, "pages"), question(order)?);
        let id = order.report_id.to_string();
        reports::report(&context, &question, Some(&id)).await
    }

    /// Begins to read one that is made: nothing is handed on before all of it is known to be as it was sealed.
    ///
    /// # Errors
    /// Why it is refused, or the store's; `None`: it is not made.
    pub async fn read_report<B: Send + 'static>(
        &self,
        person: &OnDuty<'_>,
        order: &ReportOrder,
        made: impl Fn(&[LogEntry<'_>]) -> B + Send + Sync + 'static,
    ) -> Result<Option<Batches<B>>, Failure> {
        let Reported::Ready(places) = self.reported(person, order).await? else { return Ok(None) };
        let context = self.context(person, "pages");
        Ok(Some(reports::read_records(&context, places, made).await?))
    }
}
