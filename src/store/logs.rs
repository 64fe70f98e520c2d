//! Log records that are stored already.

use super::StoreError;
use super::copy_rows::EncodedLog;
use crate::domain::identity::RecordId;
use crate::domain::log::{IdHash, Identity, LogEntry, Organisation, Repetition, Resource};
use crate::domain::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
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
            let stored = stored_record(connection, record.hash).await?;
            let identical = stored.is_some_and(|stored| stored.content(0) == log.content(index));
            repetitions.push(Repetition { id: record.id.clone(), identical });
        }
    }
    Ok(repetitions)
}

/// The record under an id, in the form in which it would be stored.
async fn stored_record(
    connection: &mut PgConnection,
    hash: IdHash,
) -> Result<Option<EncodedLog>, StoreError> {
    let entry = sqlx::query(
        "/* stored_record */ select e.entry_number, e.tenant_id, e.activity_at, e.log_id, e.system_id,
            e.system_name, e.activity_type, e.activity_level, e.activity_args, e.purpose, e.user_id,
            e.user_name, e.person_root, e.person_extension, e.assignment, e.title,
            e.care_provider_id, e.care_provider_name, e.care_unit_id, e.care_unit_name, e.stored_at
         from log_ids i
         join log_entries e on e.entry_number = i.entry_number and e.activity_at = i.activity_at
         where i.id_hash = $1",
    )
    .bind(Uuid::from_bytes(hash.0))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(entry) = entry else { return Ok(None) };
    let number: i64 = entry.try_get(0)?;
    let activity_at: Timestamp = entry.try_get(2)?;
    let resources = sqlx::query(
        "/* stored_resources */ select resource_type, patient_root, patient_extension, patient_name,
            care_provider_id, care_provider_name, care_unit_id, care_unit_name
         from log_resources where entry_number = $1 and activity_at = $2 order by ordinal",
    )
    .bind(number)
    .bind(activity_at)
    .fetch_all(connection)
    .await?;
    let record = entry_of(&entry, &resources)?;
    let id = RecordId::new(record.id)
        .ok_or(StoreError::Inconsistent { table: "log_entries", what: "blank id" })?;
    let mut encoded = EncodedLog::with_capacity(1);
    encoded.push(entry.try_get(1)?, &id, &record, entry.try_get(20)?);
    Ok(Some(encoded))
}

fn entry_of<'r>(row: &'r PgRow, resources: &'r [PgRow]) -> Result<LogEntry<'r>, StoreError> {
    let resources: Result<_, StoreError> = resources.iter().map(resource_of).collect();
    Ok(LogEntry {
        activity_at: row.try_get(2)?,
        id: row.try_get(3)?,
        system: organisation(row, 4)?,
        activity_type: row.try_get(6)?,
        activity_level: row.try_get(7)?,
        activity_args: row.try_get(8)?,
        purpose: row.try_get(9)?,
        user: organisation(row, 10)?,
        person: identity(row, 12)?,
        assignment: row.try_get(14)?,
        title: row.try_get(15)?,
        care_provider: organisation(row, 16)?,
        care_unit: organisation(row, 18)?,
        resources: resources?,
    })
}

fn resource_of(row: &PgRow) -> Result<Resource<'_>, StoreError> {
    let patient_name = row.try_get(3)?;
    let care_unit = match row.try_get::<Option<&str>, _>(6)? {
        Some(_) => Some(organisation(row, 6)?),
        None => None,
    };
    Ok(Resource {
        resource_type: row.try_get(0)?,
        patient: identity(row, 1)?.map(|identity| (identity, patient_name)),
        care_provider: organisation(row, 4)?,
        care_unit,
    })
}

fn organisation(row: &PgRow, at: usize) -> Result<Organisation<'_>, StoreError> {
    Ok(Organisation { id: row.try_get(at)?, name: row.try_get(at + 1)? })
}

fn identity(row: &PgRow, at: usize) -> Result<Option<Identity<'_>>, StoreError> {
    let Some(root) = row.try_get(at)? else { return Ok(None) };
    Ok(Some(Identity { root, extension: row.try_get(at + 1)? }))
}
