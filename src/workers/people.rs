//! What goes on beside the pages: the probe of how the service does, and figures of months that are over.

use super::loops::{every, leased};
use crate::procedures::people::on_duty::SharedPeople;
use std::time::Duration;
use tokio::sync::watch;

/// How often the service probes itself.
const PROBE: Duration = Duration::from_mins(1);
/// How often it is looked whether a month's figures may be told.
const STATISTICS: Duration = Duration::from_mins(30);
const KIND: &str = "statistics";

/// Probes until told to stop.
pub async fn probe(people: SharedPeople, stop: watch::Receiver<bool>) {
    every(PROBE, stop, || people.probe()).await;
}

/// Fixes figures until told to stop; one process does.
pub async fn statistics(people: SharedPeople, stop: watch::Receiver<bool>) {
    let store = people.services.store.clone();
    leased(store, KIND, STATISTICS, stop, |held| {
        let people = people.clone();
        async move {
            while held.go_on().await? && people.fix_statistics().await? {}
            Ok(())
        }
    })
    .await;
}
