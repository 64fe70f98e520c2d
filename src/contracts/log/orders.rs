//! Orders and files: GetLogsByOrder, GetFilesForOrderId. Known, and not served yet.

use crate::contracts::answer::Answer;
use crate::contracts::contract::Contract;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::Timestamp;
use crate::messages::generated::log::v1;
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Realised;

macro_rules! not_served_yet {
    ($($request:ty),+) => {
        $(
            impl Contract for $request {
                const REALISED: Realised = Realised::Everywhere;
                const SERVED: bool = false;

                async fn answer(self, _context: &Context<'_>) -> Result<Answer, Failure> {
                    Err(Rejection::new(Class::Error, "tillhandahålls inte ännu").into())
                }

                fn refused(_rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
                    None
                }
            }
        )+
    };
}

not_served_yet!(v1::GetLogsByOrder<'_>, v1::GetFilesForOrderId<'_>);
