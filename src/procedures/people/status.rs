//! How the service does, for everybody: by its own probe, and also when the database is gone.

use super::known_status::{Function, Working};
use super::on_duty::People;
use crate::domain::identity::{AccessingActor, HsaId, PatientId};
use crate::domain::people::availability::{
    Interruption, InterruptionClass, PROBED_WITHIN, gap, month, per_cent,
};
use crate::domain::time::{Timestamp, local};
use crate::health::Space;
use crate::procedures::context::Services;
use crate::procedures::failure::StoreError;
use crate::procedures::readiness::{Obstacle, obstacle};
pub use crate::store::people::availability::{ServiceMessage, StoredInterruption};
use chrono::{Datelike, Months, NaiveDate, TimeDelta};
use std::time::Duration;
use tokio::time::timeout;

/// How long a probe of one function may take before it counts as not answering.
const PROBE_TIME: Duration = Duration::from_secs(5);
/// How long changes may wait for the national service before that counts as a disturbance.
const REPLICATED_WITHIN: TimeDelta = TimeDelta::hours(1);
/// How long probes are kept.
const KEPT: TimeDelta = TimeDelta::days(400);

/// Probes every function as a caller would.
async fn probe(services: &Services, now: Timestamp) -> Vec<(Function, Working)> {
    use Working::{Disturbed, Interrupted};
    let working = Working::Working;
    let obstacle = obstacle(services).await;
    if obstacle == Some(Obstacle::NoDatabase) {
        return Function::ALL.map(|function| (function, Interrupted)).to_vec();
    }
    let writes = match obstacle {
        Some(Obstacle::ReadOnly) => Disturbed,
        _ => working,
    };
    let (blocking, consent) = match asked(services, now).await {
        Some((blocking, consent)) => (blocking, consent),
        None => (Interrupted, Interrupted),
    };
    let worse = |a: Working, b: Working| if a == working { b } else { a };
    let log = match obstacle {
        Some(Obstacle::ReadOnly | Obstacle::StoringFails) => Interrupted,
        _ if services.health.space() == Space::Exhausted => Interrupted,
        Some(Obstacle::DiskLow) => Disturbed,
        _ => working,
    };
    let since = (now - TimeDelta::minutes(1), now);
    let trusted = timeout(PROBE_TIME, services.trust.allows(&services.store, since)).await;
    let reports = match trusted {
        _ if services.health.space() != Space::Enough => Interrupted,
        Ok(Ok(())) => working,
        Ok(Err(_)) | Err(_) => Interrupted,
    };
    let replicating: Vec<_> = services.tenants.replicators().iter().map(|r| r.tenant()).collect();
    let replication = match services.store.replication_status(&replicating).await {
        Ok(all) => {
            let late = |at: Timestamp| now - at > REPLICATED_WITHIN;
            match all.iter().any(|status| status.oldest_at.is_some_and(late)) {
                true => Disturbed,
                false => working,
            }
        }
        Err(_) => Interrupted,
    };
    vec![
        (Function::Blocking, worse(blocking, writes)),
        (Function::Consent, worse(consent, writes)),
        (Function::Log, log),
        (Function::Reports, reports),
        (Function::Replication, replication),
        (Function::Site, working),
    ]
}

/// Asks for the blocks and consents of nobody.
async fn asked(services: &Services, _now: Timestamp) -> Option<(Working, Working)> {
    let tenant = services.tenants.all().first()?.id;
    let nobody = PatientId::new("2.999", "probe").ok()?;
    let somewhere = HsaId::new("probe")?;
    let actor = AccessingActor {
        employee: somewhere.clone(),
        care_provider: somewhere.clone(),
        care_unit: somewhere,
    };
    let store = &services.store;
    let (blocks, assertions) = tokio::join!(
        timeout(PROBE_TIME, store.active_blocks(tenant, &nobody)),
        timeout(PROBE_TIME, store.assertions_of(tenant, &nobody, &actor.care_provider)),
    );
    let state = |answers: bool| if answers { Working::Working } else { Working::Interrupted };
    Some((state(matches!(blocks, Ok(Ok(_)))), state(matches!(assertions, Ok(Ok(_))))))
}

impl People {
    /// Probes, keeps what was found, and reads what has been kept: also without the database something is known.
    pub async fn probe(&self) {
        let now = self.clock.now();
        let found = probe(&self.services, now).await;
        self.status.change(|view| {
            let before = std::mem::take(&mut view.functions);
            let since = |function: Function, state: Working| {
                let same = before.iter().find(|(f, s, _)| *f == function && *s == state);
                let lasting = same.and_then(|(.., since)| *since);
                (state != Working::Working).then(|| lasting.unwrap_or(now))
            };
            view.functions = found.iter().map(|(f, s)| (*f, *s, since(*f, *s))).collect();
            view.looked_at = Some(now);
        });
        let told = self.status.view();
        let states: Vec<_> = told
            .functions
            .iter()
            .map(|(function, state, since)| (function.name(), state.name(), since.unwrap_or(now)))
            .collect();
        let (store, longest) = (&self.services.store, PROBED_WITHIN.as_seconds_f64());
        let kept = store.keep_probe(&states, (now, now - KEPT), longest).await;
        let read = match kept {
            Ok(()) => self.read_status(now).await,
            Err(error) => Err(error),
        };
        if let Err(error) = read {
            tracing::warn!(%error, "how the service does cannot be kept");
        }
    }

    /// Reads what has been kept of interruptions.
    ///
    /// # Errors
    /// The store's: then what was known last is told.
    pub async fn read_status(&self, now: Timestamp) -> Result<(), StoreError> {
        let store = &self.services.store;
        let this = local(now).date().with_day(1).unwrap_or_default();
        let first = this.checked_sub_months(Months::new(11)).unwrap_or(this);
        let (since, _) = month(first);
        let longest = PROBED_WITHIN.as_seconds_f64();
        let (interruptions, probes, messages) = tokio::join!(
            store.interruptions(since),
            store.probes(since - TimeDelta::days(1), longest),
            store.service_messages(now),
        );
        let (interruptions, probes, messages) = (interruptions?, probes?, messages?);
        let until_now = gap(probes.last, now);
        let gaps: Vec<_> = probes.gaps.iter().copied().chain(until_now).collect();
        let months = (0..12).filter_map(|later| first.checked_add_months(Months::new(later)));
        let of = |first: NaiveDate, function: Function| {
            let first_probe = probes.first?;
            let all: Vec<Interruption> = interruptions
                .iter()
                .filter(|it| it.state == "interrupted")
                // What no probe has seen is counted as such, unless something explains it.
                .filter(|it| it.function != "all" || it.class != "unplanned")
                .filter(|it| [function.name(), "all"].contains(&it.function.as_str()))
                .filter_map(interruption)
                .chain(not_probed(&gaps, &interruptions))
                .collect();
            per_cent(month(first), first_probe, now, &all)
        };
        let months = months
            .map(|first| {
                (first, Function::ALL.map(|function| (function, of(first, function))).to_vec())
            })
            .collect();
        self.status.change(|view| {
            view.months = months;
            view.interruptions = interruptions;
            view.messages = messages;
            view.read_at = Some(now);
        });
        Ok(())
    }
}

fn interruption(stored: &StoredInterruption) -> Option<Interruption> {
    let class = match stored.class.as_str() {
        "unplanned" => InterruptionClass::Unplanned,
        "planned" => InterruptionClass::Planned,
        "excluded" => InterruptionClass::Excluded,
        _ => return None,
    };
    Some(Interruption { from: stored.from_at, to: stored.to_at, class })
}

/// Gaps between probes, but for what planned stops of everything explain (AV2, AV3).
fn not_probed<'a>(
    gaps: &'a [(Timestamp, Timestamp)],
    interruptions: &'a [StoredInterruption],
) -> impl Iterator<Item = Interruption> + 'a {
    let explained = |from: Timestamp, to: Timestamp| {
        interruptions.iter().any(|it| {
            it.class != "unplanned"
                && it.function == "all"
                && it.from_at <= from + TimeDelta::minutes(3)
                && it.to_at.is_some_and(|end| end + TimeDelta::minutes(3) >= to)
        })
    };
    gaps.iter().filter(move |(from, to)| !explained(*from, *to)).map(|(from, to)| Interruption {
        from: *from,
        to: Some(*to),
        class: InterruptionClass::Unplanned,
    })
}
