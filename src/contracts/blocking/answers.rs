//! Answers that are a result and nothing else.

use crate::contracts::answer::Answer;
use crate::contracts::generated::blocking::v4 as wire;
use crate::contracts::result::blocking_result;
use crate::domain::rejection::Rejection;

macro_rules! result_answers {
    ($($name:ident => $response:ident),+ $(,)?) => {
        $(
            /// The answer of the contract: done, or refused.
            pub fn $name(outcome: Result<(), &Rejection>) -> Answer {
                let response = wire::$response { result: blocking_result(outcome) };
                let code = response.result.result_code.as_str();
                Answer::whole(code, 1, |out| response.write_root(out))
            }
        )+
    };
}

result_answers! {
    register_block => RegisterBlockResponse,
    unregister_block => UnregisterBlockResponse,
    register_temporary_revoke => RegisterTemporaryRevokeResponse,
    unregister_temporary_revoke => UnregisterTemporaryRevokeResponse,
    register_extended_block => RegisterExtendedBlockResponse,
    revoke_extended_block => RevokeExtendedBlockResponse,
    delete_extended_block => DeleteExtendedBlockResponse,
    register_temporary_extended_revoke => RegisterTemporaryExtendedRevokeResponse,
    cancel_temporary_extended_revoke => CancelTemporaryExtendedRevokeResponse,
}
