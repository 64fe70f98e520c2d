//! `EndConsentByPatient` 1.0: the patient, or who represents the patient, ends a consent.

use crate::contracts::answer::{Answer, ResultOnly, result_only};
use crate::contracts::contract::{Contract, at};
use crate::domain::consent::lifecycle::PatientWish;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Timestamp, is_for_ever, whole_second};
use crate::messages::consent::assertion::representative;
use crate::messages::generated::consent::v1::{EndConsentByPatient, EndConsentByPatientResponse};
use crate::messages::identity::{patient, record_id};
use crate::messages::place::Place;
use crate::messages::result::consent_result;
use crate::messages::time::instant;
use crate::procedures::consent::change;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Realised;
use crate::soap::xml::Rule;

result_only! { consent_result; EndConsentByPatient<'_> => EndConsentByPatientResponse }

impl Contract for EndConsentByPatient<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("EndConsentByPatient");
        let id = record_id(root.child("assertionId"), &self.assertion_id)?;
        let of = &self.patient_id;
        let patient = patient(root.child("patientId"), &of.root, of.extension.as_ref())?;
        let represented_by =
            representative(root.child("representedById"), self.represented_by_id.as_ref())?;
        if self.end_date_time.is_some_and(|end| is_for_ever(end.local)) {
            let rule = Rule::Stated("ligger inte före samtyckets slut".into());
            return Err(root.child("endDateTime").wrong(rule).into());
        }
        // Of two instants the earlier: the patient wants nobody to see more.
        let end = self.end_date_time.map(|at| whole_second(instant(at, Ambiguous::Earlier)));
        let wish = PatientWish { end, represented_by };
        let ended = change::end_by_patient(context, &id, &patient, &wish).await;
        ended.map_err(|failure| at(root, failure))?;
        Ok(Self::answer_of(Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(Self::answer_of(Err(rejection)))
    }
}
