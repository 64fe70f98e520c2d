//! Reads for those who administer blocks: GetPatientIds and GetExtendedBlocksForPatient, 4.0.

use crate::contracts::answer::{Answer, EncodedRows};
use crate::contracts::contract::Contract;
use crate::domain::blocking::history::{BlockHistory, RevokeHistory};
use crate::domain::identity::PatientId;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::messages::blocking::block::wire_patient;
use crate::messages::blocking::history::wire_history;
use crate::messages::generated::blocking::v4 as wire;
use crate::messages::identity::{hsa_id, patient};
use crate::messages::place::Place;
use crate::messages::result::blocking_result;
use crate::procedures::blocking::query;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Realised;

/// The patients who have an active block at a care provider.
impl Contract for wire::GetPatientIds<'_> {
    // A producer of it may be either; its heading says local.
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let place = Place::root("GetPatientIds");
        let provider = hsa_id(place.child("careProviderId"), &self.care_provider_id)?;
        context.about(&provider)?;
        let head = wire::GetPatientIdResultHead { result: blocking_result(Ok(())) };
        Answer::streamed(
            "OK",
            |out| wire::GetPatientIdsResponse::write_head(&head, out),
            query::read_patients(context, provider, encoded)?,
            |out| wire::GetPatientIdsResponse::write_tail(&wire::GetPatientIdResultTail {}, out),
        )
        .await
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        let result = blocking_result(Err(rejection));
        let response = wire::GetPatientIdsResponse {
            get_patient_id_result: wire::GetPatientIdResult { result, patient_ids: Vec::new() },
        };
        let code = response.get_patient_id_result.result.result_code.as_str();
        Some(Answer::whole(code, 0, |out| response.write_root(out)))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "patients are taken from where they were read")]
fn encoded(patients: Vec<PatientId>) -> EncodedRows {
    EncodedRows::of(&patients, |patient, out| {
        wire::GetPatientIdsResponse::write_row(&wire_patient(patient), out);
    })
}

/// Everything that has happened to the patient's blocks at a care provider, in order of
/// registration.
impl Contract for wire::GetExtendedBlocksForPatient<'_> {
    const REALISED: Realised = Realised::Locally;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("GetExtendedBlocksForPatient");
        let provider = hsa_id(root.child("careProviderId"), &self.care_provider_id)?;
        context.about(&provider)?;
        let id = &self.patient_id;
        let patient = patient(root.child("patientId"), &id.root, id.extension.as_ref())?;
        let found = query::histories(context, &provider, &patient).await?;
        Ok(context.made_of(found, |found| histories(Ok(()), &found)).await?.it)
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(histories(Err(rejection), &[]))
    }
}

fn histories(
    decided: Result<(), &Rejection>,
    found: &[(BlockHistory, Vec<RevokeHistory>)],
) -> Answer {
    let blocks = found.iter().map(|(history, revokes)| wire_history(history, revokes));
    let response = wire::GetExtendedBlocksForPatientResponse {
        get_extended_blocks_result: wire::GetExtendedBlocksResult {
            result: blocking_result(decided),
            blocks: blocks.collect(),
        },
    };
    let code = response.get_extended_blocks_result.result.result_code.as_str();
    Answer::whole(code, found.len(), |out| response.write_root(out))
}
