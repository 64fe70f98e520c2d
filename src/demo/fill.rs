//! Puts a region into an empty tenant, by the store's own writers.

use super::chance::Chance;
use super::life::{DemoAccess, Event, Life};
use super::region::{PERSONAL, Region, Size};
use super::year::life;
use crate::domain::consent::registration::start_of;
use crate::domain::identity::RecordId;
use crate::domain::log::record::{
    Identity, LogEntry, LoggedPatient, Organisation, RepeatedLogId, Resource, User,
};
use crate::domain::time::Timestamp;
use crate::fairness::address::Address;
use crate::store::blocking::changes::RemoveBlock;
use crate::store::change::ChangeDomain;
use crate::store::database::{Store, StoringTime};
use crate::store::error::StoreError;
use crate::store::log::copy_rows::EncodedLog;
use crate::store::log::seal::record_entry::Sealing;
use crate::store::log::writer::LogWriters;
use crate::store::tenants::TenantId;
use chrono::Months;
use tokio::task::JoinSet;

/// Records stored at one time, and so many times at once.
const CALL_RECORDS: usize = 500;
const CALLS: usize = 4;

/// Where a region goes.
pub struct Filled<'a> {
    /// With the rights of the server.
    pub store: &'a Store,
    /// With the rights of the tables' owner, who makes the months of the log.
    pub owner: &'a Store,
    /// The queue of log records.
    pub writers: &'a LogWriters,
    /// The tenant, which must be empty.
    pub tenant: TenantId,
    /// Its name.
    pub name: &'a str,
}

impl Filled<'_> {
    /// Fills it; `false`: it was not empty, and nothing was done.
    ///
    /// # Errors
    /// The store's: what is half filled is filled no more.
    pub async fn fill(&self, seed: u64, size: Size, now: Timestamp) -> Result<bool, StoreError> {
        if !self.store.is_empty_tenant(self.tenant).await? {
            return Ok(false);
        }
        let region = Region::new(seed, size);
        let life = life(&region, seed, size, now);
        tracing::info!(
            patients = region.patients.len(),
            records = life.accesses.len(),
            "filling the demonstration"
        );
        self.store.replace_directory(self.tenant, &region.directory).await?;
        for ago in [3, 9] {
            let then = now.checked_sub_months(Months::new(ago)).unwrap_or(now);
            self.owner.make_log_partitions(then).await?;
        }
        let registers = self.registers(&life);
        let log = self.log(&region, &life, seed, now);
        let (registers, log) = tokio::join!(registers, log);
        registers.and(log)?;
        Ok(true)
    }

    /// Changes as they were stored, in the order of time: those of one time in one transaction.
    async fn registers(&self, life: &Life) -> Result<(), StoreError> {
        let store = self.store.clone().with_storing_time(StoringTime::Caller);
        for (when, events) in &life.events {
            let is_blocking =
                |event: &&Event| !matches!(event, Event::Assertion(_) | Event::End(..));
            let (blocking, consent): (Vec<&Event>, Vec<&Event>) =
                events.iter().partition(is_blocking);
            if !blocking.is_empty() {
                let mut change =
                    store.change(self.tenant, None, ChangeDomain::Blocking, *when).await?;
                for event in blocking {
                    match event {
                        Event::Block(new) => {
                            change.insert_block(new).await?;
                        }
                        Event::Revoke(id, by) | Event::Annul(id, by) => {
                            let Some((block, _)) = change.find_block(id).await? else { continue };
                            let removal = match event {
                                Event::Revoke(..) => RemoveBlock::Revoke(by),
                                _ => RemoveBlock::Delete(by),
                            };
                            change.remove_block(block, removal).await?;
                        }
                        Event::Lift(new) => {
                            let Some((block, history)) = change.find_block(&new.block).await?
                            else {
                                continue;
                            };
                            if history.block.lifetime.stands() {
                                change.insert_revoke(block, new).await?;
                            }
                        }
                        Event::Assertion(_) | Event::End(..) => {}
                    }
                }
                change.commit().await?;
            }
            if !consent.is_empty() {
                let mut change =
                    store.change(self.tenant, None, ChangeDomain::Consent, *when).await?;
                for event in consent {
                    match event {
                        Event::Assertion(new) => {
                            let start = start_of(&new.content, change.stored_at());
                            change.insert_assertion(new, start, None).await?;
                        }
                        Event::End(id, by) => {
                            let Some((number, history)) = change.find_assertion(id).await? else {
                                continue;
                            };
                            if history.assertion.is_valid(*when) {
                                change.cancel_assertion(number, by).await?;
                            }
                        }
                        _ => {}
                    }
                }
                change.commit().await?;
            }
        }
        Ok(())
    }

    /// A year of accesses, stored now.
    async fn log(
        &self,
        region: &Region,
        life: &Life,
        seed: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut chance = Chance::new(seed ^ 0x106);
        let mut storing: JoinSet<Result<(), StoreError>> = JoinSet::new();
        for accesses in life.accesses.chunks(CALL_RECORDS) {
            let log = self.encoded(region, accesses, &mut chance, now);
            while storing.len() >= CALLS {
                done(storing.join_next().await)?;
            }
            let writers = self.writers.clone();
            storing.spawn(async move {
                writers.store(Address::OWN, log, RepeatedLogId::Refuse).await.map(|_| ())
            });
        }
        while !storing.is_empty() {
            done(storing.join_next().await)?;
        }
        Ok(())
    }

    fn encoded(
        &self,
        region: &Region,
        accesses: &[DemoAccess],
        chance: &mut Chance,
        now: Timestamp,
    ) -> EncodedLog {
        let mut log = EncodedLog::with_capacity(accesses.len());
        for access in accesses {
            let employee = &region.staff[access.employee];
            let patient = &region.patients[access.patient];
            let organisation = |unit: usize| {
                let unit = &region.units[unit];
                let (id, name) = &region.providers[unit.provider];
                let provider = Organisation { id, name: Some(name) };
                (provider, Organisation { id: &unit.id, name: Some(&unit.name) })
            };
            let (care_provider, care_unit) = organisation(access.unit);
            let (holding_provider, holder) = organisation(access.holder);
            let text = chance.uuid();
            let (Some(id), Some(key)) = (RecordId::new(&text), patient.id()) else { continue };
            let entry = LogEntry {
                id: &text,
                system: Organisation { id: "SE2321000016-SYS1", name: Some("Journal Ett") },
                activity_type: access.activity,
                activity_level: None,
                activity_args: None,
                activity_at: access.at,
                purpose: access.purpose,
                user: User { id: &employee.id, name: Some(&employee.name) },
                person: employee
                    .number
                    .as_deref()
                    .map(|number| Identity { root: PERSONAL, extension: Some(number) }),
                assignment: None,
                title: Some(employee.title),
                care_provider,
                care_unit,
                first: Resource {
                    resource_type: access.kind,
                    patient: Some(LoggedPatient {
                        identity: Identity { root: PERSONAL, extension: Some(&patient.number) },
                        key: key.key().to_owned(),
                        name: Some(&patient.name),
                    }),
                    care_provider: holding_provider,
                    care_unit: Some(holder),
                },
                further: Vec::new(),
            };
            let sealing = Sealing {
                tenant: self.tenant.0,
                tenant_name: self.name,
                stored_at: now,
                salt: chance.bytes(),
            };
            log.push(&sealing, &id, &entry);
        }
        log
    }
}

fn done(
    joined: Option<Result<Result<(), StoreError>, tokio::task::JoinError>>,
) -> Result<(), StoreError> {
    match joined {
        Some(Ok(done)) => done,
        Some(Err(_)) => Err(StoreError::Stopped),
        None => Ok(()),
    }
}
