//! `StoreLog` 2.0: keeps log records, all of a call or none.

use super::convert;
use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::generated::log::v2::{StoreLog, StoreLogResponse};
use crate::contracts::result::log_result;
use crate::domain::log::judge_repetitions;
use crate::domain::rejection::Rejection;
use crate::store::{StoreError, Stored};

/// Stores the records of a call; `OK` means that they are durable.
///
/// # Errors
/// The store's; the caller may send the same again.
pub async fn store_log(context: &Context<'_>, request: StoreLog<'_>) -> Result<Answer, StoreError> {
    let rows = request.log.len();
    let encoded = match convert::encoded(&request, context.tenant, context.now) {
        Ok(encoded) => encoded,
        Err(rejection) => return Ok(answer(rows, Err(&rejection))),
    };
    drop(request);
    let policy = context.services.repeated_log_id;
    let outcome = match context.services.log_writers.store(encoded, policy).await? {
        Stored::Done => Ok(()),
        Stored::Refused(repetitions) => judge_repetitions(&repetitions, policy),
    };
    Ok(answer(rows, outcome.as_ref().copied()))
}

/// The answer to a request that could not be read.
pub fn refused(rejection: &Rejection) -> Answer {
    answer(0, Err(rejection))
}

fn answer(rows: usize, outcome: Result<(), &Rejection>) -> Answer {
    let response = StoreLogResponse { result: log_result(outcome) };
    Answer::whole(response.result.result_code.as_str(), rows, |out| response.write_root(out))
}
