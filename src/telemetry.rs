//! The log, JSON lines on standard error; and the names, units and meanings of all metrics.
//!
//! Never in a line or metric: patient identity, names, message bodies, SQL parameters.

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

/// A metric with a value for each tenant.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    name: &'static str,
    help: &'static str,
}

/// Queue length.
pub const REPLICATION_WAITING: Metric = Metric {
    name: "sigill_replication_waiting",
    help: "Changes of blocks that the national service has not confirmed.",
};
/// Queued changes that have failed.
pub const REPLICATION_FAILING: Metric = Metric {
    name: "sigill_replication_failing",
    help: "Those of them whose last attempt was refused or unanswered.",
};
/// Age of the queue.
pub const REPLICATION_LAG: Metric = Metric {
    name: "sigill_replication_lag_seconds",
    help: "How long the oldest of them has waited, in seconds; 0 when none waits.",
};

impl Metric {
    /// Says what it means.
    pub fn describe(self, out: &mut String) {
        let Self { name, help } = self;
        out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
    }

    /// The value of a tenant.
    pub fn gauge(self, out: &mut String, tenant: &str, value: i64) {
        let tenant = tenant.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        out.push_str(&format!("{}{{tenant=\"{tenant}\"}} {value}\n", self.name));
    }
}
