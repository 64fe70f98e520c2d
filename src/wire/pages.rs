//! Pages for whoever watches the server: status as JSON, metrics in the Prometheus text format.
//! Neither holds anything of patients.

use super::reply::{self, Reply};
use crate::domain::time::Timestamp;
use crate::procedures::blocking::query::{ReplicationStatus, replication_status};
use crate::procedures::context::Services;
use crate::telemetry;
use hyper::StatusCode;

/// How many seconds the oldest change has waited.
fn lag(status: &ReplicationStatus, now: Timestamp) -> i64 {
    status.oldest_at.map_or(0, |at| (now - at).num_seconds().max(0))
}

/// `GET /status`.
pub async fn status(services: &Services, now: Timestamp) -> Reply {
    let Ok(all) = replication_status(services).await else { return unavailable() };
    let replication: Vec<_> = all
        .iter()
        .map(|status| {
            serde_json::json!({
                "tenant": status.tenant,
                "waiting": status.waiting,
                "failing": status.failing,
                "blocks": status.blocks,
                "oldest_at": status.oldest_at.map(|at| at.to_rfc3339()),
                "lag_seconds": lag(status, now),
            })
        })
        .collect();
    reply::json(&serde_json::json!({ "replication": replication }))
}

/// `GET /metrics`.
pub async fn metrics(services: &Services, now: Timestamp) -> Reply {
    let Ok(all) = replication_status(services).await else { return unavailable() };
    let mut text = String::new();
    for (metric, value) in [
        (telemetry::REPLICATION_WAITING, (|s, _| s.waiting) as fn(&ReplicationStatus, _) -> i64),
        (telemetry::REPLICATION_FAILING, |s, _| s.failing),
        (telemetry::REPLICATION_LAG, lag),
    ] {
        metric.describe(&mut text);
        for status in &all {
            metric.gauge(&mut text, &status.tenant, value(status, now));
        }
    }
    reply::plain(StatusCode::OK, text.trim_end())
}

fn unavailable() -> Reply {
    reply::plain(StatusCode::SERVICE_UNAVAILABLE, "not ready")
}
