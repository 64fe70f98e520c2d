//! What operators see of the service, and do with it: nothing about patients.

use super::known_status::Function;
use super::on_duty::{OnDuty, People};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
pub use crate::procedures::blocking::query::ReplicationStatus;
use crate::procedures::blocking::query::replication_status;
use crate::procedures::failure::Failure;
use crate::procedures::readiness::{Obstacle, obstacle};
use crate::procedures::retention;
use crate::procedures::seal::status as seal_status;
use crate::procedures::seal::status::SealStatus;
pub use crate::store::blocking::replication_status::Waiting;
pub use crate::store::grants::KeptGrant;
pub use crate::store::jobs::JobRow;
pub use crate::store::retention::{Due, StoredHold};

/// Rows of a list.
const LISTED: usize = 200;

/// How the service is.
#[derive(Debug)]
pub struct OperationReadiness {
    /// What keeps anything from being stored.
    pub obstacle: Option<Obstacle>,
    /// Seconds for which the oldest record waits for its leaf.
    pub leaf_waits: u64,
    /// Lines of the log that nobody took.
    pub lines_dropped: u64,
    /// How far the clock of another server is ahead.
    pub clock_ahead: u64,
    /// How replication stands.
    pub replication: Vec<ReplicationStatus>,
    /// How the sealed log stands.
    pub seal: SealStatus,
}

impl People {
    /// How the service is.
    ///
    /// # Errors
    /// The store's.
    pub async fn readiness(&self) -> Result<OperationReadiness, Failure> {
        let (services, health) = (&self.services, &self.services.health);
        Ok(OperationReadiness {
            obstacle: obstacle(services).await,
            leaf_waits: health.leaf_waited_seconds(),
            lines_dropped: health.log_lines_dropped(),
            clock_ahead: health.clock_ahead_seconds(),
            replication: replication_status(services).await?,
            seal: seal_status::status(services).await?,
        })
    }

    /// Changes that the national service has not confirmed, by tenant.
    ///
    /// # Errors
    /// The store's.
    pub async fn waiting(&self) -> Result<Vec<(String, Vec<Waiting>)>, Failure> {
        let mut all = Vec::new();
        for tenant in self.services.tenants.all() {
            let waiting = self.services.store.waiting_replications(tenant.id, None, LISTED).await?;
            if !waiting.is_empty() {
                all.push((tenant.name.to_string(), waiting));
            }
        }
        Ok(all)
    }

    /// Tries what waits for the national service at once.
    ///
    /// # Errors
    /// The store's.
    pub async fn retry_replications(&self, person: &OnDuty<'_>) -> Result<u64, Failure> {
        let mut tried = 0;
        for tenant in self.services.tenants.all() {
            tried += self.services.store.retry_replications(tenant.id).await?;
        }
        self.did(person, ("replication", "retry", "")).await?;
        Ok(tried)
    }

    /// Jobs of all kinds.
    ///
    /// # Errors
    /// The store's.
    pub async fn jobs(&self) -> Result<Vec<JobRow>, Failure> {
        Ok(self.services.store.jobs(LISTED).await?)
    }

    /// What retention would remove now.
    ///
    /// # Errors
    /// The store's.
    pub async fn due(&self) -> Result<Vec<(&'static str, String, Vec<Due>)>, Failure> {
        let (store, now) = (&self.services.store, self.clock.now());
        Ok(retention::due(store, &self.retention, now).await?)
    }

    /// Holds in force: patients are not named.
    ///
    /// # Errors
    /// The store's.
    pub async fn holds(&self) -> Result<Vec<StoredHold>, Failure> {
        Ok(self.services.store.holds().await?)
    }

    /// Grants that the store keeps.
    ///
    /// # Errors
    /// The store's.
    pub async fn grants(&self) -> Result<Vec<KeptGrant>, Failure> {
        Ok(self.services.store.all_grants().await?)
    }

    /// The size of a tenant's directory: units, employees, assignments.
    ///
    /// # Errors
    /// The store's.
    pub async fn directories(&self) -> Result<Vec<(String, (i64, i64, i64))>, Failure> {
        let mut all = Vec::new();
        for tenant in self.services.tenants.all() {
            let size = self.services.store.directory_size(tenant.id).await?;
            all.push((tenant.name.to_string(), size));
        }
        Ok(all)
    }

    /// Announces a planned stop.
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn plan_stop(
        &self,
        person: &OnDuty<'_>,
        function: &str,
        (from, to): (Timestamp, Timestamp),
        reason: &str,
    ) -> Result<(), Failure> {
        if function != "all" && Function::named(function).is_none() {
            return Err(Rejection::validation("Välj en funktion.").into());
        }
        if to <= from {
            return Err(Rejection::validation("Stoppet slutar innan det börjar.").into());
        }
        if reason.trim().is_empty() {
            return Err(Rejection::validation("Skriv varför.").into());
        }
        let by = (person.session.employee.as_str(), self.clock.now());
        self.services.store.plan_stop(function, (from, to), reason.trim(), by).await?;
        self.did(person, ("status", "planned stop", function)).await?;
        Ok(self.read_status(by.1).await?)
    }

    /// An interruption counts as something else from now on.
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn class_interruption(
        &self,
        person: &OnDuty<'_>,
        number: i64,
        (class, reason): (&str, &str),
    ) -> Result<(), Failure> {
        if !["unplanned", "planned", "excluded"].contains(&class) {
            return Err(Rejection::validation("Välj hur avbrottet ska räknas.").into());
        }
        if class != "unplanned" && reason.trim().is_empty() {
            return Err(Rejection::validation("Skriv varför avbrottet inte ska räknas.").into());
        }
        let by = (person.session.employee.as_str(), self.clock.now());
        let store = &self.services.store;
        if !store.class_interruption(number, (class, reason.trim()), by).await? {
            return Err(Rejection::validation("Det finns inget sådant avbrott.").into());
        }
        self.did(person, ("status", "class", class)).await?;
        Ok(self.read_status(by.1).await?)
    }

    /// Tells everybody something, or ends a message.
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn tell_everybody(
        &self,
        person: &OnDuty<'_>,
        told: Result<&str, i64>,
    ) -> Result<(), Failure> {
        let (store, now) = (&self.services.store, self.clock.now());
        match told {
            Ok(words) if words.trim().is_empty() => {
                return Err(Rejection::validation("Skriv vad alla ska få veta.").into());
            }
            Ok(words) => {
                let by = (person.session.employee.as_str(), now);
                store.tell_everybody(words.trim(), by).await?;
            }
            Err(number) => store.end_message(number, now).await?,
        }
        self.did(person, ("status", "message", "")).await?;
        Ok(self.read_status(now).await?)
    }
}
