//! What is known of a patient, for somebody who may see it and whose look is logged.

use super::looking::{StoredLookup, Viewed};
use super::on_duty::{OnDuty, People};
use super::persons::PersonShown;
use crate::domain::blocking::block::{Block, TemporaryRevoke};
use crate::domain::blocking::history::{BlockHistory, RevokeHistory};
use crate::domain::consent::assertion::Assertion;
use crate::domain::consent::lifecycle::AssertionHistory;
use crate::domain::identity::HsaId;
use crate::domain::lifetime::{Lifetime, State};
use crate::domain::time::Timestamp;
use crate::procedures::failure::Failure;
pub use crate::store::blocking::history::Histories;
pub use crate::store::people::directory::DirectoryUnit;
pub use crate::store::people::lists::UnitList;
pub use crate::store::people::readings::MonthOfReadings;
use chrono::TimeDelta;
use std::collections::{BTreeSet, HashMap};

/// Names of units, care providers and employees by the keys of their ids.
#[derive(Debug, Clone, Default)]
pub struct Names(HashMap<String, String>);

impl Names {
    /// The name, with the id behind it; the id alone where no name is known.
    pub fn of(&self, id: &HsaId) -> String {
        match self.0.get(&id.key()) {
            Some(name) => format!("{name} ({})", id.as_str()),
            None => id.as_str().to_owned(),
        }
    }

    /// The name alone, or the id.
    pub fn short(&self, id: &HsaId) -> String {
        self.0.get(&id.key()).cloned().unwrap_or_else(|| id.as_str().to_owned())
    }

    /// A name that is known from elsewhere, unless there is one already.
    pub fn learn(&mut self, id: &HsaId, name: &str) {
        self.0.entry(id.key()).or_insert_with(|| name.to_owned());
    }
}

/// What is known of a patient.
#[derive(Debug)]
pub struct PatientFacts {
    /// Who it is.
    pub person: PersonShown,
    /// The blocks in force, of every care provider.
    pub blocks: Vec<Block>,
    /// All that has happened to the blocks of the own care provider.
    pub histories: Histories,
    /// Its assertions with what has happened to them.
    pub assertions: Vec<AssertionHistory>,
    /// The keys of blocks of which something waits to go on to the national service.
    pub on_their_way: BTreeSet<String>,
    /// Readings of the last twelve months.
    pub readings: Vec<MonthOfReadings>,
    /// Names of what is named in these.
    pub names: Names,
}

/// How far back readings are counted.
const READINGS: TimeDelta = TimeDelta::days(366);

impl PatientFacts {
    /// The assertions as those see them who decide about access.
    pub fn assertions_now(&self) -> Vec<Assertion> {
        self.assertions.iter().map(|history| without_how(&history.assertion)).collect()
    }

    /// Whether another care provider has blocked.
    pub fn others_have_blocked(&self, own: &HsaId) -> bool {
        self.blocks.iter().any(|block| block.content.guards.provider() != own)
    }

    /// The care providers that have blocked, beside the own one.
    pub fn other_blockers(&self, own: &HsaId) -> Vec<HsaId> {
        let mut found: Vec<HsaId> = Vec::new();
        for block in &self.blocks {
            let provider = block.content.guards.provider();
            if provider != own && !found.contains(provider) {
                found.push(provider.clone());
            }
        }
        found
    }

    /// The own units that hold something: by blocks, by readings, and the one of whoever looks.
    pub fn units(&self, own_provider: &HsaId, own_unit: &HsaId) -> Vec<HsaId> {
        let mut found = vec![own_unit.clone()];
        let of_blocks = self.blocks.iter().map(|block| &block.content.guards);
        let of_blocks = of_blocks.filter(|guards| guards.provider() == own_provider);
        let of_readings = self.readings.iter().filter_map(|month| month.unit_id.as_deref());
        let ids = of_blocks
            .filter_map(|guards| guards.unit().cloned())
            .chain(of_readings.filter_map(HsaId::new));
        for id in ids {
            if !found.contains(&id) {
                found.push(id);
            }
        }
        found.truncate(UNITS_MAX);
        found
    }
}

/// Units of a matrix.
const UNITS_MAX: usize = 40;

/// A life without what is known of its end but when.
fn without_end<How>(lifetime: &Lifetime<How>) -> Lifetime {
    let state = match &lifetime.state {
        State::Standing => State::Standing,
        State::Removed { first, .. } => State::Removed { first: *first, how: () },
    };
    Lifetime { stored_at: lifetime.stored_at, state }
}

/// What decides about access, of what is known with its history.
pub fn without_how<How>(assertion: &Assertion<How>) -> Assertion {
    Assertion {
        id: assertion.id.clone(),
        content: assertion.content.clone(),
        start: assertion.start,
        patient_ends: assertion.patient_ends.clone(),
        lifetime: without_end(&assertion.lifetime),
        source: assertion.source.clone(),
        owner_id: assertion.owner_id.clone(),
    }
}

/// The same of a block with its temporary revokes.
pub fn block_of((history, revokes): &(BlockHistory, Vec<RevokeHistory>)) -> Block {
    let revokes = revokes.iter().map(|RevokeHistory { revoke, .. }| TemporaryRevoke {
        id: revoke.id.clone(),
        lift: revoke.lift.clone(),
        lifetime: without_end(&revoke.lifetime),
        owner_id: revoke.owner_id.clone(),
    });
    Block {
        id: history.block.id.clone(),
        content: history.block.content.clone(),
        lifetime: without_end(&history.block.lifetime),
        revokes: revokes.collect(),
        owner_id: history.block.owner_id.clone(),
    }
}

impl People {
    /// All that the pages tell of a patient, as the own care provider may see it.
    ///
    /// # Errors
    /// The store's.
    pub async fn patient_facts(
        &self,
        person: &OnDuty<'_>,
        lookup: &StoredLookup,
        viewed: &Viewed,
    ) -> Result<PatientFacts, Failure> {
        let context = self.context(person, "pages");
        let (store, tenant, patient) = (&context.store, person.tenant.id, &lookup.patient);
        let provider = &person.assignment.provider;
        let (blocks, histories, assertions, on_their_way, readings, shown) = tokio::join!(
            store.active_blocks(tenant, patient),
            store.block_histories(tenant, provider, patient),
            store.assertion_histories(tenant, patient, Some(provider)),
            store.blocks_on_their_way(tenant, patient),
            store.readings(tenant, patient, provider, context.now - READINGS),
            self.shown(viewed, patient),
        );
        let mut facts = PatientFacts {
            person: shown,
            blocks: blocks?.it,
            histories: histories?.it,
            assertions: assertions?.it,
            on_their_way: on_their_way?.into_iter().collect(),
            readings: readings?,
            names: Names::default(),
        };
        facts
            .histories
            .sort_by_key(|(history, _)| std::cmp::Reverse(history.block.lifetime.stored_at));
        facts
            .assertions
            .sort_by_key(|history| std::cmp::Reverse(history.assertion.lifetime.stored_at));
        let log_name = facts.readings.iter().rev().find_map(|month| month.patient_name.clone());
        facts.person = facts.person.or_from_log(log_name);
        let ids = named_in(&facts, person);
        facts.names = self.names_for(person, &ids).await?;
        for month in &facts.readings {
            if let (Some(id), Some(name)) = (&month.unit_id, &month.unit_name)
                && let Some(id) = HsaId::new(id)
            {
                facts.names.learn(&id, name);
            }
        }
        Ok(facts)
    }

    /// Names by the directory; the person's own assignment is known without it.
    ///
    /// # Errors
    /// The store's.
    pub async fn names_for(&self, person: &OnDuty<'_>, ids: &[HsaId]) -> Result<Names, Failure> {
        let keys: Vec<String> = ids.iter().map(HsaId::key).collect();
        let found = self.services.store.names_of(person.tenant.id, &keys).await?;
        let mut names = Names(found.into_iter().collect());
        if let Some(directory) = &self.directory {
            let unknown: Vec<HsaId> =
                ids.iter().filter(|id| !names.0.contains_key(&id.key())).cloned().collect();
            for (unit, name) in directory.unit_names(&unknown).await {
                names.learn(&unit, &name);
            }
        }
        names.learn(&person.assignment.unit, &person.assignment.unit_name);
        names.learn(&person.assignment.provider, &person.assignment.provider_name);
        names.learn(&person.session.employee, &person.session.name);
        Ok(names)
    }

    /// The units of the person's care provider: its directory's, and the own one.
    ///
    /// # Errors
    /// The store's.
    pub async fn own_units(&self, person: &OnDuty<'_>) -> Result<Vec<(HsaId, String)>, Failure> {
        let assignment = person.assignment;
        let found = self.services.store.units_of(person.tenant.id, &assignment.provider).await?;
        let mut units: Vec<(HsaId, String)> = found
            .into_iter()
            .filter_map(|unit| Some((HsaId::new(&unit.unit_id)?, unit.unit_name)))
            .collect();
        if !units.iter().any(|(id, _)| *id == assignment.unit) {
            units.push((assignment.unit.clone(), assignment.unit_name.clone()));
        }
        Ok(units)
    }

    /// A unit as the directory has it, for its telephone number.
    ///
    /// # Errors
    /// The store's.
    pub async fn unit(
        &self,
        person: &OnDuty<'_>,
        id: &HsaId,
    ) -> Result<Option<DirectoryUnit>, Failure> {
        Ok(self.services.store.directory_unit(person.tenant.id, id).await?)
    }

    /// A page of a unit's blocks.
    ///
    /// # Errors
    /// The store's.
    pub async fn blocks_of_unit(
        &self,
        person: &OnDuty<'_>,
        list: UnitList,
    ) -> Result<Histories, Failure> {
        let context = self.context(person, "pages");
        Ok(context.store.blocks_of_unit(person.tenant.id, list).await?.it)
    }

    /// A page of a unit's consents.
    ///
    /// # Errors
    /// The store's.
    pub async fn assertions_of_unit(
        &self,
        person: &OnDuty<'_>,
        list: UnitList,
    ) -> Result<Vec<AssertionHistory>, Failure> {
        let context = self.context(person, "pages");
        Ok(context.store.assertions_of_unit(person.tenant.id, list).await?.it)
    }

    /// How many of the provider's consents end within thirty days, and extracts that wait.
    ///
    /// # Errors
    /// The store's.
    pub async fn tasks(&self, person: &OnDuty<'_>) -> Result<(i64, i64), Failure> {
        let (store, now) = (&self.services.store, self.clock.now());
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let times = (now, now + TimeDelta::days(30));
        let (consents, extracts) = tokio::join!(
            store.consents_running_out(tenant, provider, times),
            store.waiting_extracts(tenant, provider, now),
        );
        Ok((consents?, extracts?))
    }

    /// What the person has been shown in the last thirty days, from before a time on.
    ///
    /// # Errors
    /// The store's.
    pub async fn own_views(
        &self,
        person: &OnDuty<'_>,
        (before, skip): (Timestamp, i64),
    ) -> Result<Vec<(Timestamp, String, String)>, Failure> {
        let (store, now) = (&self.services.store, self.clock.now());
        let (times, page) = ((now - TimeDelta::days(30), before), (skip, PAGE_ROWS));
        let found = store.views(person.tenant.id, &person.session.employee, times, page).await?;
        Ok(found.into_iter().map(|view| (view.at, view.page, view.matter)).collect())
    }

    /// From now on, and for a quarter of an hour, a look-up shows which other providers have blocked.
    ///
    /// # Errors
    /// The store's.
    pub async fn name_blockers(&self, lookup: &StoredLookup) -> Result<(), Failure> {
        let until = self.clock.now() + TimeDelta::minutes(15);
        Ok(self.services.store.name_blockers(lookup.id, until).await?)
    }
}

/// Rows of one page of a list.
pub const PAGE_ROWS: i64 = 50;

/// Everybody and everything that facts name.
fn named_in(facts: &PatientFacts, person: &OnDuty<'_>) -> Vec<HsaId> {
    let mut ids = Vec::new();
    for (history, revokes) in &facts.histories {
        let guards = &history.block.content.guards;
        ids.extend([Some(guards.provider()), guards.unit()].into_iter().flatten().cloned());
        ids.extend(history.action.iter().map(|action| action.registered_by.employee.clone()));
        for revoke in revokes {
            ids.push(revoke.revoke.lift.care_unit.clone());
            ids.extend(revoke.revoke.lift.employee.clone());
        }
    }
    for history in &facts.assertions {
        ids.push(history.assertion.content.care_unit.clone());
        ids.extend(history.assertion.content.employee.clone());
        ids.push(history.action.registered_by.employee.clone());
    }
    ids.extend(facts.readings.iter().filter_map(|month| HsaId::new(month.unit_id.as_deref()?)));
    ids.push(person.assignment.provider.clone());
    ids
}
