//! `CheckBlocks` 4.0: is each piece of information open to this actor?
//!
//! One result for each row, in the order of the request; a bad row does not stop the others.

use crate::contracts::answer::Answer;
use crate::contracts::contract::Contract;
use crate::domain::blocking::block::Information;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::messages::blocking::block::{accessing_actor, information};
use crate::messages::generated::blocking::v4::{
    CheckBlocks, CheckBlocksResponse, CheckBlocksResult, CheckResult, CheckStatus,
    InformationEntity, ResultCode, ResultType,
};
use crate::messages::identity::patient;
use crate::messages::place::Place;
use crate::messages::result::blocking_result;
use crate::procedures::blocking::query;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Realised;
use crate::soap::xml::Rule;

/// The text that goes with `INFO` when a row could not be judged [TKB blocking 4.0.4, `CheckBlocks`].
const ROWS_WITH_ERRORS: &str = "Informationsresurs(er) innehåller valideringsfel";

impl Contract for CheckBlocks<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("CheckBlocks");
        let id = &self.patient_id;
        let actor = accessing_actor(root.child("accessingActor"), &self.accessing_actor)?;
        let patient = patient(root.child("patientId"), &id.root, id.extension.as_ref())?;
        context.about(&actor.care_provider)?;
        let rows = {
            let _processor = context.processor().await;
            rows(root, &self.information_entities)?
        };
        let readable = rows.iter().filter_map(|(_, information)| information.as_ref());
        let mut blocked =
            query::are_blocked(context, &patient, &actor, readable).await?.into_iter();
        let results = rows.iter().map(|(row_number, information)| {
            // One verdict for each row that could be read.
            let status = match information.as_ref().and_then(|_| blocked.next()) {
                None => CheckStatus::ValidationError,
                Some(true) => CheckStatus::Blocked,
                Some(false) => CheckStatus::Ok,
            };
            CheckResult { status, row_number: *row_number }
        });
        let _processor = context.processor().await;
        Ok(judged(results.collect()))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        let result = blocking_result(Err(rejection));
        Some(write(CheckBlocksResult { result, check_results: Vec::new() }))
    }
}

/// Row numbers, each with its information unless a value of it is wrong.
fn rows(
    root: Place<'_>,
    entities: &[InformationEntity<'_>],
) -> Result<Vec<(i32, Option<Information>)>, Rejection> {
    let numbered = |(index, row): (usize, &InformationEntity<'_>)| {
        let place = root.item("informationEntities", index + 1);
        let number = row.row_number.ok_or_else(|| without_number(place, row))?;
        Ok((number, information(row)))
    };
    entities.iter().enumerate().map(numbered).collect()
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

fn judged(check_results: Vec<CheckResult>) -> Answer {
    let with_errors = check_results.iter().any(|r| r.status == CheckStatus::ValidationError);
    let result = match with_errors {
        true => {
            ResultType { result_code: ResultCode::Info, result_text: Some(ROWS_WITH_ERRORS.into()) }
        }
        false => blocking_result(Ok(())),
    };
    write(CheckBlocksResult { result, check_results })
}

fn write(result: CheckBlocksResult<'_>) -> Answer {
    let (code, rows) = (result.result.result_code.as_str(), result.check_results.len());
    let response = CheckBlocksResponse { check_blocks_result: result };
    Answer::whole(code, rows, |out| response.write_root(out))
}
