//! `CheckBlocks` 4.0: is each piece of information open to this actor?

use super::convert;
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::convert::patient;
use crate::contracts::generated::blocking::v4::{
    CheckBlocks, CheckBlocksResponse, CheckBlocksResult, CheckResult, CheckStatus,
    InformationEntity, ResultCode, ResultType,
};
use crate::contracts::place::Place;
use crate::contracts::result::blocking_result;
use crate::domain::block::{self, Block, Information};
use crate::domain::identity::{AccessingActor, PatientId};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::soap::xml::Rule;
use crate::store::StoreError;

/// The text that goes with `INFO` when a row could not be judged [TKB blocking 4.0.4, `CheckBlocks`].
const ROWS_WITH_ERRORS: &str = "Informationsresurs(er) innehåller valideringsfel";

struct Question {
    actor: AccessingActor,
    patient: PatientId,
    /// Row number, and the information unless a value of it is wrong.
    rows: Vec<(i32, Option<Information>)>,
}

/// One result for each row, in the order of the request; a bad row does not stop the others.
///
/// # Errors
/// The store's.
pub async fn check_blocks(
    context: &Context<'_>,
    request: CheckBlocks<'_>,
) -> Result<Answer, StoreError> {
    let question = match question(&request) {
        Ok(question) => question,
        Err(rejection) => return Ok(refused(&rejection)),
    };
    let store = &context.services.store;
    let blocks = store.active_blocks(context.tenant.id, &question.patient).await?;
    Ok(answer(question.verdicts(&blocks, context.now)))
}

fn question(request: &CheckBlocks<'_>) -> Result<Question, Rejection> {
    let root = Place::root("CheckBlocks");
    let id = &request.patient_id;
    let numbered = |(index, row): (usize, &InformationEntity<'_>)| {
        let place = root.item("informationEntities", index + 1);
        let number = row.row_number.ok_or_else(|| without_number(place, row))?;
        Ok((number, convert::information(row)))
    };
    Ok(Question {
        actor: convert::accessing_actor(root.child("accessingActor"), &request.accessing_actor)?,
        patient: patient(root.child("patientId"), &id.root, id.extension.as_ref())?,
        rows: request
            .information_entities
            .iter()
            .enumerate()
            .map(numbered)
            .collect::<Result<_, _>>()?,
    })
}

/// A row whose number cannot be read cannot be answered, so the whole call is refused.
fn without_number(place: Place<'_>, row: &InformationEntity<'_>) -> Rejection {
    let at_number =
        row.violations.iter().map(ToString::to_string).find(|v| v.starts_with("rowNumber"));
    match at_number {
        Some(violation) => place.under(&Rejection::validation(violation)),
        None => place.child("rowNumber").wrong(Rule::Missing(None)),
    }
}

impl Question {
    fn verdicts(&self, blocks: &[Block], now: Timestamp) -> Vec<CheckResult> {
        let status = |information: &Option<Information>| match information {
            None => CheckStatus::ValidationError,
            Some(i) if block::is_blocked(blocks, &self.patient, i, &self.actor, now) => {
                CheckStatus::Blocked
            }
            Some(_) => CheckStatus::Ok,
        };
        let result = |(row_number, information): &(i32, Option<Information>)| CheckResult {
            status: status(information),
            row_number: *row_number,
        };
        self.rows.iter().map(result).collect()
    }
}

fn answer(check_results: Vec<CheckResult>) -> Answer {
    let with_errors = check_results.iter().any(|r| r.status == CheckStatus::ValidationError);
    let result = match with_errors {
        true => {
            ResultType { result_code: ResultCode::Info, result_text: Some(ROWS_WITH_ERRORS.into()) }
        }
        false => blocking_result(Ok(())),
    };
    write(CheckBlocksResult { result, check_results })
}

/// The answer to a request that could not be read.
pub fn refused(rejection: &Rejection) -> Answer {
    let result = blocking_result(Err(rejection));
    write(CheckBlocksResult { result, check_results: Vec::new() })
}

fn write(result: CheckBlocksResult<'_>) -> Answer {
    let (code, rows) = (result.result.result_code.as_str(), result.check_results.len());
    let response = CheckBlocksResponse { check_blocks_result: result };
    Answer::whole(code, rows, |out| response.write_root(out))
}
