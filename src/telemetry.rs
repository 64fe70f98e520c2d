//! The log, JSON lines on standard error; and the names, units and meanings of all metrics.
//!
//! Never in a line or metric: patient identity, names, message bodies, SQL parameters.

use std::fmt::Display;
use std::io::{self, Stderr, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that may wait for whoever reads standard error; more are dropped, counted and told.
const LINES_WAITING_MAX: usize = 16_384;

/// The log that has been started. When it is dropped, what waits is written, for a second at most.
pub struct Log {
    _writing: WorkerGuard,
    dropped: ErrorCounter,
    failed: Arc<AtomicU64>,
}

/// Standard error, which counts what it could not take.
struct Lines {
    to: Stderr,
    failed: Arc<AtomicU64>,
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.to.write_all(line).is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        // Nobody could do anything about it but try again, for ever.
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// How many lines have been dropped so far, because nobody took them or they could not be written.
    pub fn dropped(&self) -> impl Fn() -> u64 + use<> {
        let (dropped, failed) = (self.dropped.clone(), Arc::clone(&self.failed));
        move || dropped.dropped_lines() as u64 + failed.load(Ordering::Relaxed)
    }
}

/// Starts logging, beside those who log: one who does not read standard error holds up nobody.
/// `SIGILL_LOG` sets what is logged, in the syntax of tracing's filters;
/// without it, everything from `info` up.
pub fn start() -> Log {
    let failed = Arc::<AtomicU64>::default();
    let lines = Lines { to: io::stderr(), failed: Arc::clone(&failed) };
    let (lines, writing) = NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_WAITING_MAX)
        .lossy(true)
        .finish(lines);
    let dropped = lines.error_counter();
    let filter =
        EnvFilter::try_from_env("SIGILL_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(lines)
        .init();
    Log { _writing: writing, dropped, failed }
}

/// A metric; some have a value for each tenant.
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

/// Lines that nobody took.
pub const LOG_LINES_DROPPED: Metric = Metric {
    name: "sigill_log_lines_dropped",
    help: "Lines of the server's own log that were dropped because nobody read standard error.",
};
/// Records from the future.
pub const FUTURE_RECORDS: Metric = Metric {
    name: "sigill_log_future_records",
    help: "Log records stored by this process whose activity lies more than a day in the future.",
};
/// Records that wait for their leaf.
pub const LEAF_LAG: Metric = Metric {
    name: "sigill_log_leaf_lag_seconds",
    help: "For how long the oldest log record without a leaf in the sealed log has waited for it.",
};
/// What is not as it was sealed.
pub const FINDINGS: Metric = Metric {
    name: "sigill_log_findings",
    help: "Findings about the sealed log that nobody has acknowledged.",
};
/// Clocks that ran ahead.
pub const CLOCK_AHEAD: Metric = Metric {
    name: "sigill_change_clock_ahead_seconds",
    help: "How far the change clock that is furthest ahead of the database's clock is ahead.",
};
/// Space.
pub const DISK_LOW: Metric =
    Metric { name: "sigill_disk_low", help: "1 when little space is left under the data folder." };
/// Log records.
pub const STORING_FAILS: Metric = Metric {
    name: "sigill_log_storing_fails",
    help: "1 when log records could not be stored the last time somebody tried.",
};
/// Orders of log extracts that are not made yet.
pub const ORDERS_UNFINISHED: Metric = Metric {
    name: "sigill_log_orders_unfinished",
    help: "Orders of log extracts that wait or are being made.",
};
/// How long the oldest of them has waited.
pub const ORDERS_LAG: Metric = Metric {
    name: "sigill_log_orders_lag_seconds",
    help: "How long ago the oldest of them was ordered; 0 when there is none.",
};

/// Who was not known.
pub const STRANGERS: Metric = Metric {
    name: "sigill_strangers",
    help: "Requests of nobody that is known, by reason: they are answered by status 403 or 400.",
};
/// Handshakes that failed.
pub const HANDSHAKES_FAILED: Metric = Metric {
    name: "sigill_handshakes_failed",
    help: "TLS handshakes that ended without a connection, by reason.",
};
/// What callers may not.
pub const REFUSALS: Metric = Metric {
    name: "sigill_refusals",
    help: "Calls that no grant allows, by the rule that leaves none and by contract.",
};
/// What is not believed.
pub const HEADERS_IGNORED: Metric = Metric {
    name: "sigill_header_ignored",
    help: "Requests that named an original consumer of which their sender is not believed.",
};
/// Files of trust.
pub const TLS_RELOAD_FAILED: Metric = Metric {
    name: "sigill_tls_reload_failed",
    help: "1 when keys, certificates or lists could not be read the last time: older ones are in force.",
};
/// Our own certificate.
pub const CERTIFICATE_SECONDS: Metric = Metric {
    name: "sigill_tls_certificate_seconds",
    help: "Seconds until the server's own certificate ends.",
};
/// Lists of revoked certificates.
pub const CRL_SECONDS: Metric = Metric {
    name: "sigill_crl_seconds",
    help: "Seconds until an issuer's list of revoked certificates should be replaced; 0 when that is due.",
};

impl Metric {
    /// The value of the whole process.
    pub fn plain(self, out: &mut String, value: u64) {
        out.push_str(&format!("{} {value}\n", self.name));
    }

    /// Says what it means.
    pub fn describe(self, out: &mut String) {
        let Self { name, help } = self;
        out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
    }

    /// The value of a tenant.
    pub fn gauge(self, out: &mut String, tenant: &str, value: i64) {
        self.labelled(out, &[("tenant", tenant)], value);
    }

    /// The value of what has labels.
    pub fn labelled(self, out: &mut String, labels: &[(&str, &str)], value: impl Display) {
        let escaped =
            |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> =
            labels.iter().map(|(name, text)| format!("{name}=\"{}\"", escaped(text))).collect();
        out.push_str(&format!("{}{{{}}} {value}\n", self.name, labels.join(",")));
    }
}
