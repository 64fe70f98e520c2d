//! Pages for whoever watches the server: status as JSON, metrics in the Prometheus text format.
//! Neither holds anything of patients.

use super::caller::Callers;
use super::reply::{self, Reply};
use crate::domain::time::Timestamp;
use crate::health::{Health, Space};
use crate::procedures::blocking::query::{ReplicationStatus, replication_status};
use crate::procedures::context::Services;
use crate::procedures::orders::unfinished;
use crate::procedures::readiness::{self, Obstacle};
use crate::procedures::seal::status::status as seal_status;
use crate::telemetry;
use hyper::StatusCode;
use std::collections::BTreeMap;

/// `GET /live`: whether the process does what it is for, or can be expected to soon.
pub fn live(health: &Health) -> Reply {
    match health.is_lively() {
        true => reply::plain(StatusCode::OK, "live"),
        false => unavailable("the database has been down for long, and cannot be started"),
    }
}

/// `GET /ready`: whether calls can be answered and anything be stored.
pub async fn ready(services: &Services) -> Reply {
    match readiness::obstacle(services).await {
        None => reply::plain(StatusCode::OK, "ready"),
        Some(Obstacle::NoDatabase) => unavailable("not ready: the database does not answer"),
        Some(Obstacle::ReadOnly) => {
            unavailable("can answer, cannot store: the database takes no changes")
        }
        Some(Obstacle::DiskLow) => unavailable("disk low"),
        Some(Obstacle::StoringFails) => {
            unavailable("can answer, cannot store: log records could not be stored")
        }
    }
}

/// `GET /ready/answer`: whether calls that only ask can be answered.
pub async fn ready_to_answer(services: &Services) -> Reply {
    match readiness::obstacle(services).await {
        Some(Obstacle::NoDatabase) => unavailable("not ready: the database does not answer"),
        _ => reply::plain(StatusCode::OK, "ready to answer"),
    }
}

/// How many seconds the oldest change has waited.
fn lag(status: &ReplicationStatus, now: Timestamp) -> i64 {
    status.oldest_at.map_or(0, |at| (now - at).num_seconds().max(0))
}

/// `GET /status`.
pub async fn status(services: &Services, now: Timestamp) -> Reply {
    let Ok(all) = replication_status(services).await else { return unavailable("not ready") };
    let Ok(orders) = unfinished(services).await else { return unavailable("not ready") };
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
    let orders: Vec<_> = orders
        .iter()
        .zip(1..)
        .map(|(order, place)| {
            serde_json::json!({
                "place": place,
                "number": order.number,
                "tenant": order.tenant,
                "is_being_made": order.begun,
                "waited_seconds": order.seconds,
                "files": order.files,
                "records": order.records,
                "bytes": order.bytes,
            })
        })
        .collect();
    let seal = seal_status(services).await.ok().map(|seal| {
        let (origin, size) = seal.checked.unzip();
        serde_json::json!({
            "origin": origin,
            "signed_size": size,
            "signs": seal.signs,
            "leaf_lag_seconds": services.health.leaf_waited_seconds(),
            "findings": seal.findings,
            "distrusted": seal.distrusted,
        })
    });
    let profile = services.profile;
    reply::json(&serde_json::json!({
        "profile": profile, "replication": replication, "log_orders": orders, "log_seal": seal,
    }))
}

/// What is told of who comes from outside.
pub struct Boundary<'e> {
    /// Who is believed about what.
    pub callers: &'e Callers,
    /// Requests of nobody that is known, by reason.
    pub strangers: Counts,
    /// Handshakes that failed, by reason.
    pub handshakes: Counts,
}

/// How often, by reason.
type Counts = BTreeMap<&'static str, u64>;

impl Boundary<'_> {
    fn write(&self, text: &mut String, services: &Services, now: Timestamp) {
        for (metric, counts) in [
            (telemetry::STRANGERS, &self.strangers),
            (telemetry::HANDSHAKES_FAILED, &self.handshakes),
        ] {
            metric.describe(text);
            for (reason, count) in counts {
                metric.labelled(text, &[("reason", reason)], *count);
            }
        }
        telemetry::REFUSALS.describe(text);
        for ((reason, contract), count) in services.authorisation.all_refused() {
            let labels = [("reason", reason), ("interaction", contract)];
            telemetry::REFUSALS.labelled(text, &labels, count);
        }
        telemetry::HEADERS_IGNORED.describe(text);
        telemetry::HEADERS_IGNORED.plain(text, self.callers.ignored());
        let Some(tls) = self.callers.tls() else { return };
        let snapshot = tls.current();
        telemetry::TLS_RELOAD_FAILED.describe(text);
        telemetry::TLS_RELOAD_FAILED.plain(text, u64::from(tls.has_failed()));
        let left = |ends: Timestamp| u64::try_from((ends - now).num_seconds()).unwrap_or_default();
        if let Some(ends) = snapshot.certificate_ends {
            telemetry::CERTIFICATE_SECONDS.describe(text);
            telemetry::CERTIFICATE_SECONDS.plain(text, left(ends));
        }
        telemetry::CRL_SECONDS.describe(text);
        for crl in &snapshot.crls {
            let seconds = crl.next_update.map_or(u64::MAX, left);
            telemetry::CRL_SECONDS.labelled(text, &[("issuer", &crl.issuer_name)], seconds);
        }
    }
}

/// `GET /metrics`.
pub async fn metrics(services: &Services, boundary: &Boundary<'_>, now: Timestamp) -> Reply {
    let (mut text, health) = (String::new(), &services.health);
    boundary.write(&mut text, services, now);
    for (metric, value) in [
        (telemetry::LOG_LINES_DROPPED, health.log_lines_dropped()),
        (telemetry::FUTURE_RECORDS, health.future_records()),
        (telemetry::LEAF_LAG, health.leaf_waited_seconds()),
        (telemetry::CLOCK_AHEAD, health.clock_ahead_seconds()),
        (telemetry::DISK_LOW, u64::from(health.space() != Space::Enough)),
        (telemetry::STORING_FAILS, u64::from(health.storing_fails())),
    ] {
        metric.describe(&mut text);
        metric.plain(&mut text, value);
    }
    // What only the database knows is left out while it does not answer.
    let all = replication_status(services).await.unwrap_or_default();
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
    if let Ok(seal) = seal_status(services).await {
        telemetry::FINDINGS.describe(&mut text);
        telemetry::FINDINGS.plain(&mut text, seal.findings as u64);
    }
    if let Ok(orders) = unfinished(services).await {
        let lag = orders.iter().map(|order| order.seconds).max().unwrap_or_default();
        for (metric, value) in [
            (telemetry::ORDERS_UNFINISHED, orders.len() as u64),
            (telemetry::ORDERS_LAG, lag.unsigned_abs()),
        ] {
            metric.describe(&mut text);
            metric.plain(&mut text, value);
        }
    }
    reply::plain(StatusCode::OK, text.trim_end())
}

fn unavailable(why: &str) -> Reply {
    reply::plain(StatusCode::SERVICE_UNAVAILABLE, why)
}
