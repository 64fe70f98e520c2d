//! `PingForConfiguration` 1.0: that the service answers, and which version it is.

use crate::contracts::answer::Answer;
use crate::contracts::contract::Contract;
use crate::domain::rejection::Rejection;
use crate::domain::time::{self, Timestamp};
use crate::messages::generated::monitoring::v1::{
    Configuration, PingForConfiguration, PingForConfigurationResponse,
};
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::tenants::Realised;

/// Answers with version and Swedish local time.
impl Contract for PingForConfiguration {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let ping_date_time = time::local(context.now).format("%Y%m%d%H%M%S").to_string();
        let response = PingForConfigurationResponse {
            version: env!("CARGO_PKG_VERSION").into(),
            ping_date_time: ping_date_time.into(),
            configuration: vec![Configuration {
                name: "applikation".into(),
                value: "sigill".into(),
            }],
        };
        Ok(Answer::whole("OK", 0, |out| response.write_root(out)))
    }

    fn refused(_rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        None
    }
}
