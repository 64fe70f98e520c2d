//! The log: JSON lines on standard error.
//!
//! Never in a line: patient identity, names, message bodies, SQL parameters.

use tracing_subscriber::EnvFilter;

/// Starts logging. `SIGILL_LOG` sets what is logged, in the syntax of tracing's filters;
/// without it, everything from `info` up.
pub fn start() {
    let filter =
        EnvFilter::try_from_env("SIGILL_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
