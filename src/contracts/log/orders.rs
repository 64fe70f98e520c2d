//! Orders and files: GetLogsByOrder and GetFilesForOrderId 1.0.

use crate::contracts::answer::Answer;
use crate::contracts::contract::Contract;
use crate::domain::identity::HsaId;
use crate::domain::log::order::{Criteria, LogOrder};
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Timestamp};
use crate::messages::generated::log::v1::{
    GetFilesForOrderId, GetFilesForOrderIdResponse, GetLogsByOrder, GetLogsByOrderResponse,
    Multimedia,
};
use crate::messages::generated::log::v2::{ResultCode, ResultType};
use crate::messages::identity::{hsa_id, patient};
use crate::messages::place::Place;
use crate::messages::result::log_result;
use crate::messages::time::instant;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::orders::{self, OrderState};
use crate::procedures::tenants::Realised;
use crate::soap::xml::Text;
use uuid::Uuid;

/// What the files are.
const MEDIA_TYPE: &str = "application/zip";

/// Orders an extract of a care provider's own records.
impl Contract for GetLogsByOrder<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("GetLogsByOrder");
        let ids = |name: &'static str, texts: &[Text<'_>]| {
            let numbered = texts.iter().enumerate();
            let read = numbered.map(|(index, id)| hsa_id(root.item(name, index + 1), id));
            read.collect::<Result<Vec<HsaId>, Rejection>>()
        };
        let patients = self.patient_id.iter().enumerate().map(|(index, id)| {
            patient(root.item("patientId", index + 1), &id.root, id.extension.as_ref())
        });
        let criteria = Criteria {
            units: ids("careUnitId", &self.care_unit_id)?,
            patients: patients.collect::<Result<_, _>>()?,
            users: ids("userId", &self.user_id)?,
        };
        let owner = hsa_id(root.child("careProviderId"), &self.care_provider_id)?;
        context.about(&owner)?;
        // Bounds reach as far as their texts can mean.
        let from = instant(self.from_date, Ambiguous::Earlier);
        let to = instant(self.to_date, Ambiguous::Later);
        let order = LogOrder::new(owner, criteria, (from, to), self.max_results_per_file);
        let id = orders::take(context, &root.decided(order)?).await?;
        Ok(ordered(log_result(Ok(())), Some(id)))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(ordered(log_result(Err(rejection)), None))
    }
}

/// Tells where the files of an order are fetched.
impl Contract for GetFilesForOrderId<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let told =
            |code, text: String| ResultType { result_code: code, result_text: Some(text.into()) };
        Ok(match orders::state(context, &self.order_id).await? {
            None => files(
                told(
                    ResultCode::ReportNotFound,
                    "Det finns ingen beställning med detta id för systemet, eller inga filer kvar."
                        .into(),
                ),
                Vec::new(),
            ),
            Some(OrderState::Waiting { before }) => {
                let text = format!("Beställningen väntar på att tas fram; {before} står före den.");
                files(told(ResultCode::ReportOnQueue, text), Vec::new())
            }
            Some(OrderState::Making) => {
                let text = "Beställningen tas fram.".into();
                files(told(ResultCode::ReportInProcess, text), Vec::new())
            }
            Some(OrderState::Failed) => {
                let text = "Beställningen kunde inte tas fram; beställ den igen.".into();
                files(told(ResultCode::Error, text), Vec::new())
            }
            Some(OrderState::Made(made)) => {
                let file = |file: orders::OrderedFile| Multimedia {
                    id: Some(file.file_id.to_string().into()),
                    media_type: MEDIA_TYPE.into(),
                    value: None,
                    reference: Some(orders::address(&context.base_address, file.token).into()),
                };
                files(log_result(Ok(())), made.into_iter().map(file).collect())
            }
        })
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(files(log_result(Err(rejection)), Vec::new()))
    }
}

fn ordered(result: ResultType<'_>, id: Option<Uuid>) -> Answer {
    let code = result.result_code.as_str();
    let order_id = id.map(|id| id.to_string().into());
    let response = GetLogsByOrderResponse { result, order_id };
    Answer::whole(code, 0, |out| response.write_root(out))
}

fn files(result: ResultType<'_>, multimedia: Vec<Multimedia<'_>>) -> Answer {
    let (code, rows) = (result.result_code.as_str(), multimedia.len());
    let response = GetFilesForOrderIdResponse { result, multimedia };
    Answer::whole(code, rows, |out| response.write_root(out))
}
