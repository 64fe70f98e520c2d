//! `PingForConfiguration` 1.0: that the service answers, and which version it is.

use crate::contracts::answer::Answer;
use crate::contracts::context::Context;
use crate::contracts::generated::monitoring::v1::{Configuration, PingForConfigurationResponse};
use crate::domain::time;

/// Answers with version and Swedish local time.
pub fn ping_for_configuration(context: &Context<'_>) -> Answer {
    let response = PingForConfigurationResponse {
        version: env!("CARGO_PKG_VERSION").into(),
        ping_date_time: time::local(context.now).format("%Y%m%d%H%M%S").to_string().into(),
        configuration: vec![Configuration { name: "applikation".into(), value: "sigill".into() }],
    };
    Answer::whole("OK", 0, |out| response.write_root(out))
}
