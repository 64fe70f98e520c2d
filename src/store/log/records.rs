//! Log records that are stored already.

use super::copy_rows::EncodedLog;
use crate::domain::identity::patient_key;
use crate::domain::log::record::{
    IdHash, Identity, LogEntry, LoggedPatient, Organisation, Repetition, Resource, User,
};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::rows::Origin;
use sqlx::{FromRow, PgConnection};
use std::collections::HashSet;
use uuid::Uuid;

/// Says of each used id of a call whether the record stored under it is identical.
pub(super) async fn compare(
    connection: &mut PgConnection,
    log: &EncodedLog,
    used: &HashSet<IdHash>,
) -> Result<Vec<Repetition>, StoreError> {
    let mut repetitions = Vec::new();
    for (index, record) in log.records.iter().enumerate() {
        if used.contains(&record.hash) {
            let stored = find_record(connection, record.hash).await?;
            let identical = stored.is_some_and(|stored| stored.content(0) == log.content(index));
            repetitions.push(Repetition { id: record.id.clone(), identical });
        }
    }
    Ok(repetitions)
}

/// A row of `log_entries`.
#[derive(FromRow)]
pub(super) struct EntryRow {
    pub entry_number: i64,
    tenant_id: i32,
    activity_at: Timestamp,
    stored_at: Timestamp,
    log_id: String,
    system_id: String,
    system_name: Option<String>,
    activity_type: String,
    activity_level: Option<String>,
    activity_args: Option<String>,
    purpose: String,
    user_id: String,
    user_name: Option<String>,
    person_root: Option<String>,
    person_extension: Option<String>,
    assignment: Option<String>,
    title: Option<String>,
    care_provider_id: String,
    care_provider_name: Option<String>,
    care_unit_id: String,
    care_unit_name: Option<String>,
}

/// A row of `log_resources`.
#[derive(FromRow)]
pub(super) struct ResourceRow {
    resource_type: String,
    patient_root: Option<String>,
    patient_extension: Option<String>,
    patient_name: Option<String>,
    care_provider_id: String,
    care_provider_name: Option<String>,
    care_unit_id: Option<String>,
    care_unit_name: Option<String>,
}

/// The record under an id, in the form in which it would be stored.
async fn find_record(
    connection: &mut PgConnection,
    hash: IdHash,
) -> Result<Option<EncodedLog>, StoreError> {
    let entry: Option<EntryRow> = sqlx::query_as(
        "/* find_record */ select e.*
         from log_ids i
         join log_entries e on e.entry_number = i.entry_number and e.activity_at = i.activity_at
         where i.id_hash = $1",
    )
    .bind(Uuid::from_bytes(hash.0))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(entry) = entry else { return Ok(None) };
    let resources: Vec<ResourceRow> = sqlx::query_as(
        "/* stored_resources */ select * from log_resources
         where entry_number = $1 and activity_at = $2 order by ordinal",
    )
    .bind(entry.entry_number)
    .bind(entry.activity_at)
    .fetch_all(connection)
    .await?;
    let at = Origin { table: "log_entries", row: entry.entry_number };
    let id = at.record_id(&entry.log_id)?;
    let mut encoded = EncodedLog::with_capacity(1);
    encoded.push(entry.tenant_id, &id, &entry.record(at, &resources)?, entry.stored_at);
    Ok(Some(encoded))
}

impl EntryRow {
    pub fn record<'r>(
        &'r self,
        at: Origin,
        resources: &'r [ResourceRow],
    ) -> Result<LogEntry<'r>, StoreError> {
        let organisation =
            |id, name: &'r Option<String>| Organisation { id, name: name.as_deref() };
        Ok(LogEntry {
            activity_at: self.activity_at,
            id: &self.log_id,
            system: organisation(&self.system_id, &self.system_name),
            activity_type: &self.activity_type,
            activity_level: self.activity_level.as_deref(),
            activity_args: self.activity_args.as_deref(),
            purpose: &self.purpose,
            user: User { id: &self.user_id, name: self.user_name.as_deref() },
            person: identity(self.person_root.as_deref(), self.person_extension.as_deref()),
            assignment: self.assignment.as_deref(),
            title: self.title.as_deref(),
            care_provider: organisation(&self.care_provider_id, &self.care_provider_name),
            care_unit: organisation(&self.care_unit_id, &self.care_unit_name),
            resources: resources.iter().map(|row| row.resource(at)).collect::<Result<_, _>>()?,
        })
    }
}

impl ResourceRow {
    /// Keyed as it would be stored now, also where the rules of keys were others then.
    fn patient(&self, at: Origin) -> Result<Option<LoggedPatient<'_>>, StoreError> {
        let identity = identity(self.patient_root.as_deref(), self.patient_extension.as_deref());
        let Some(identity) = identity else { return Ok(None) };
        let key = patient_key(identity.root, identity.extension.unwrap_or_default());
        let key = key.map_err(|_| at.inconsistent("a patient who is nobody"))?;
        Ok(Some(LoggedPatient { identity, key, name: self.patient_name.as_deref() }))
    }

    fn resource(&self, at: Origin) -> Result<Resource<'_>, StoreError> {
        let care_unit = self.care_unit_id.as_deref();
        Ok(Resource {
            resource_type: &self.resource_type,
            patient: self.patient(at)?,
            care_provider: Organisation {
                id: &self.care_provider_id,
                name: self.care_provider_name.as_deref(),
            },
            care_unit: care_unit
                .map(|id| Organisation { id, name: self.care_unit_name.as_deref() }),
        })
    }
}

fn identity<'r>(root: Option<&'r str>, extension: Option<&'r str>) -> Option<Identity<'r>> {
    root.map(|root| Identity { root, extension })
}
