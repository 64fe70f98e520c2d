//! `StoreLog` 2.0: keeps log records, all of a call or none.

use crate::contracts::answer::Answer;
use crate::contracts::contract::Contract;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::messages::generated::log::v2::{StoreLog, StoreLogResponse};
use crate::messages::log::record::entries;
use crate::messages::result::log_result;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::log;
use crate::procedures::tenants::Realised;

impl Contract for StoreLog<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let rows = self.log.len();
        let encoded = {
            let _processor = context.processor().await;
            log::encoded(context, &entries(&self)?)?
        };
        // What waits to be stored holds no request.
        drop(self);
        log::store(context, encoded).await?;
        Ok(answer_of(rows, Ok(())))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(answer_of(0, Err(rejection)))
    }
}

fn answer_of(rows: usize, decided: Result<(), &Rejection>) -> Answer {
    let response = StoreLogResponse { result: log_result(decided) };
    Answer::whole(response.result.result_code.as_str(), rows, |out| response.write_root(out))
}
