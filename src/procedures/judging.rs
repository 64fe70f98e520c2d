//! Verdicts of what the log tells, by all that the registers have ever had of a patient.

use super::people::facts::{block_of, without_how};
use crate::domain::blocking::block::Block;
use crate::domain::blocking::history::BlockRemoval;
use crate::domain::consent::assertion::Assertion;
use crate::domain::consent::lifecycle::AssertionRemoval;
use crate::domain::identity::{AccessingActor, HsaId, PatientId};
use crate::domain::review::lawfulness::{LoggedAccess, RegisterFacts, verdict};
use crate::domain::review::verdict::{AccessVerdict, VerdictClass};
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::accesses::AccessRow;
use crate::store::tenants::TenantId;
use chrono::Months;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Patients whose registers are read at one time.
const PATIENTS: usize = 500;

/// What the registers have ever had of a patient.
#[derive(Debug, Default)]
pub struct PatientRegisters {
    blocks: Vec<Block>,
    assertions: Vec<Assertion>,
    annulled: BTreeSet<String>,
}

impl PatientRegisters {
    /// As a verdict takes them.
    pub fn facts<'f>(
        &'f self,
        complete_from: Option<Timestamp>,
        holds_blocks_of: &'f (dyn Fn(&HsaId) -> bool + Sync),
    ) -> RegisterFacts<'f> {
        RegisterFacts {
            blocks: &self.blocks,
            annulled: &self.annulled,
            assertions: &self.assertions,
            complete_from,
            holds_blocks_of,
        }
    }
}

/// The registers of some patients, by their keys; whoever is in none is not there.
///
/// # Errors
/// The store's.
pub async fn registers_of(
    store: &Store,
    tenant: TenantId,
    patients: &[String],
) -> Result<HashMap<String, PatientRegisters>, StoreError> {
    let (blocks, assertions) =
        tokio::join!(store.past_blocks(tenant, patients), store.past_assertions(tenant, patients),);
    let mut found: HashMap<String, PatientRegisters> = HashMap::new();
    for block in &blocks?.it {
        let history = &block.0.block;
        let of = found.entry(history.content.patient.key().to_owned()).or_default();
        if let Some(BlockRemoval::Deleted { .. }) = history.lifetime.removal() {
            of.annulled.insert(history.id.key());
        }
        of.blocks.push(block_of(block));
    }
    for history in &assertions?.it {
        let assertion = &history.assertion;
        let of = found.entry(assertion.content.patient.key().to_owned()).or_default();
        if let Some(AssertionRemoval::Deleted { .. }) = assertion.lifetime.removal() {
            of.annulled.insert(assertion.id.key());
        }
        of.assertions.push(without_how(assertion));
    }
    Ok(found)
}

/// From when a tenant's registers are complete (V13): from their first record on, and as far back as what is removed is kept.
///
/// # Errors
/// The store's.
pub async fn complete_from(
    store: &Store,
    tenant: TenantId,
    years: u32,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let kept = now.checked_sub_months(Months::new(12 * years));
    Ok(store.first_registration(tenant).await?.max(kept))
}

/// What is judged: whose log, when, and how far the registers reach.
pub struct JudgedPeriod<'p> {
    /// Whose log.
    pub tenant: TenantId,
    /// From when to when, by the activities' times.
    pub interval: (Timestamp, Timestamp),
    /// From when the registers are complete.
    pub complete_from: Option<Timestamp>,
    /// Whether a care provider's blocks are kept here.
    pub holds_blocks_of: &'p (dyn Fn(&HsaId) -> bool + Sync),
}

/// How many there were of what.
#[derive(Debug, Default)]
pub struct JudgedCounts {
    /// Accesses: a patient's resource of a post.
    pub accesses: u64,
    /// Posts by their gravest class (V1).
    pub posts: HashMap<VerdictClass, u64>,
}

/// Judges every access of a period, patient by patient; `tell` has each post with the patient and the verdict of one of its
/// accesses.
///
/// # Errors
/// The store's.
pub async fn judge(
    store: &Store,
    period: &JudgedPeriod<'_>,
    mut tell: impl FnMut(&AccessRow, &PatientId, &AccessVerdict),
    mut progress: impl FnMut(u64),
) -> Result<JudgedCounts, StoreError> {
    let mut counts = JudgedCounts::default();
    // Posts of several resources, whose patients come one after the other.
    let mut several: HashMap<i64, VerdictClass> = HashMap::new();
    let mut reading = store.accesses(period.tenant, period.interval);
    let mut held: Vec<(PatientId, AccessRow)> = Vec::new();
    let mut patients: HashSet<String> = HashSet::new();
    loop {
        let batch = reading.next().await?;
        let is_end = batch.is_none();
        for row in batch.into_iter().flatten() {
            // What names no patient that can be looked up has no verdict.
            let Ok(patient) = PatientId::new(&row.patient_root, &row.patient_extension) else {
                continue;
            };
            patients.insert(patient.key().to_owned());
            held.push((patient, row));
        }
        if patients.len() < PATIENTS && !is_end {
            continue;
        }
        let keys: Vec<String> = patients.drain().collect();
        let registers = registers_of(store, period.tenant, &keys).await?;
        let none = PatientRegisters::default();
        for (patient, row) in held.drain(..) {
            let of = registers.get(patient.key()).unwrap_or(&none);
            let facts = of.facts(period.complete_from, period.holds_blocks_of);
            let Some(access) = access_of(&row, patient) else { continue };
            let verdict = verdict(&access, &facts);
            counts.accesses += 1;
            if row.resources == 1 {
                *counts.posts.entry(verdict.class).or_default() += 1;
            } else {
                let gravest = several.entry(row.entry_number).or_insert(verdict.class);
                *gravest = (*gravest).min(verdict.class);
            }
            tell(&row, &access.patient, &verdict);
        }
        progress(counts.accesses);
        if is_end {
            for class in several.into_values() {
                *counts.posts.entry(class).or_default() += 1;
            }
            return Ok(counts);
        }
    }
}

fn access_of(row: &AccessRow, patient: PatientId) -> Option<LoggedAccess> {
    Some(LoggedAccess {
        patient,
        actor: AccessingActor {
            employee: HsaId::new(&row.user_id)?,
            care_provider: HsaId::new(&row.care_provider_id)?,
            care_unit: HsaId::new(&row.care_unit_id)?,
        },
        at: row.activity_at,
        purpose: row.purpose.clone(),
        activity: row.activity_type.clone(),
        holder: HsaId::new(&row.holder_id)?,
        holder_unit: row.holder_unit_id.as_deref().and_then(HsaId::new),
        resource_type: row.resource_type.clone(),
    })
}
