//! Log records that are stored already.

use super::copy_rows::EncodedLog;
use super::seal::record_entry::Sealing;
use crate::domain::identity::{HsaId, patient_key};
use crate::domain::log::record::{
    IdHash, Identity, KeyHash, LogEntry, LoggedPatient, Organisation, Repetition, Resource, User,
};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::rows::Origin;
use crate::store::tenants::TenantNames;
use sigill_seal::entry::{Entry, Kind};
use sigill_seal::record::RecordWriter;
use sigill_seal::tree::StoredEntry;
use sqlx::{FromRow, PgConnection};
use std::collections::HashMap;
use uuid::Uuid;

/// Says of each used id of a call whether the record stored under it is identical.
pub(super) async fn compare(
    connection: &mut PgConnection,
    log: &EncodedLog,
    used: &HashMap<IdHash, i64>,
) -> Result<Vec<Repetition>, StoreError> {
    let stored = find_records(connection, used.values().copied().collect()).await?;
    let mut repetitions = Vec::new();
    for (index, record) in log.records.iter().enumerate() {
        if let Some(number) = used.get(&record.hash) {
            let stored = stored.get(number);
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
    /// How many resources it has.
    resources: i32,
    salt: Uuid,
    owner_hash: i64,
    #[sqlx(flatten)]
    first: ResourceRow,
}

/// A resource, in a row of `log_entries` or of `log_further_resources`.
#[derive(FromRow)]
pub(super) struct ResourceRow {
    tenant_id: i32,
    activity_at: Timestamp,
    /// Only of those behind a record's first.
    #[sqlx(default)]
    ordinal: Option<i32>,
    patient_hash: Option<i64>,
    foreign_hash: Option<i64>,
    resource_type: String,
    patient_root: Option<String>,
    patient_extension: Option<String>,
    patient_name: Option<String>,
    holder_id: String,
    holder_name: Option<String>,
    holder_unit_id: Option<String>,
    holder_unit_name: Option<String>,
}

/// Records by their numbers, in the form in which they would be stored. Those that have been removed are not
/// among them.
async fn find_records(
    connection: &mut PgConnection,
    numbers: Vec<i64>,
) -> Result<HashMap<i64, EncodedLog>, StoreError> {
    let sql = "/* find_records */ select * from log_entries where entry_number = any($1)";
    let entries: Vec<EntryRow> =
        sqlx::query_as(sql).bind(numbers).fetch_all(&mut *connection).await?;
    let further = further_resources(connection, &entries).await?;
    let mut records = HashMap::with_capacity(entries.len());
    for entry in entries {
        let at = Origin { table: "log_entries", row: entry.entry_number };
        let id = at.record_id(&entry.log_id)?;
        let mut encoded = EncodedLog::with_capacity(1);
        let record = entry.record(at, &further)?;
        // For comparison: what is stored under the id is sealed already.
        let (tenant, stored_at) = (entry.tenant_id, entry.stored_at);
        let sealing = Sealing { tenant, tenant_name: "", stored_at, salt: [0; 16] };
        encoded.push(&sealing, &id, &record);
        records.insert(entry.entry_number, encoded);
    }
    Ok(records)
}

/// What records have behind their first resource, by number.
pub(super) type FurtherResources = HashMap<i64, Vec<ResourceRow>>;

/// What some records have behind their first resource.
pub(super) async fn further_resources(
    connection: &mut PgConnection,
    entries: &[EntryRow],
) -> Result<FurtherResources, StoreError> {
    let mut by_record = FurtherResources::new();
    let several = entries.iter().filter(|entry| entry.resources > 1);
    let (numbers, times): (Vec<i64>, Vec<Timestamp>) =
        several.map(|entry| (entry.entry_number, entry.activity_at)).unzip();
    let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else {
        return Ok(by_record);
    };
    let further: Vec<NumberedResource> = sqlx::query_as(
        "/* further_resources */ select r.*
         from unnest($1::bigint[], $2::timestamptz[]) as n (entry_number, activity_at)
         join log_further_resources r using (entry_number, activity_at)
         where r.activity_at between $3 and $4 order by r.ordinal",
    )
    .bind(&numbers)
    .bind(&times)
    .bind(first)
    .bind(last)
    .fetch_all(connection)
    .await?;
    for NumberedResource { entry_number, resource } in further {
        by_record.entry(entry_number).or_default().push(resource);
    }
    Ok(by_record)
}

/// What the records of a stretch of running numbers have behind their first resource.
pub(in crate::store::log) async fn further_resources_between(
    connection: &mut PgConnection,
    (from, to): (i64, i64),
) -> Result<FurtherResources, StoreError> {
    let further: Vec<NumberedResource> = sqlx::query_as(
        "/* further_resources_between */ select * from log_further_resources
         where entry_number >= $1 and entry_number < $2 order by entry_number, ordinal",
    )
    .bind(from)
    .bind(to)
    .fetch_all(connection)
    .await?;
    let mut by_record = FurtherResources::new();
    for NumberedResource { entry_number, resource } in further {
        by_record.entry(entry_number).or_default().push(resource);
    }
    Ok(by_record)
}

/// A resource beside the number of its record.
#[derive(FromRow)]
struct NumberedResource {
    entry_number: i64,
    #[sqlx(flatten)]
    resource: ResourceRow,
}

impl EntryRow {
    /// The entry that it must have, with these names of tenants; `scratch` is overwritten.
    pub fn sealed(
        &self,
        names: &TenantNames,
        further: &FurtherResources,
        scratch: &mut Vec<u8>,
    ) -> StoredEntry {
        scratch.clear();
        let tenant = names.get(&self.tenant_id).map_or("", String::as_str);
        let salt = self.salt.into_bytes();
        let (stored, activity) =
            (self.stored_at.timestamp_micros(), self.activity_at.timestamp_micros());
        let mut writer = RecordWriter::begin(scratch, &salt, tenant, stored, activity);
        for text in [
            Some(&self.log_id),
            Some(&self.system_id),
            self.system_name.as_ref(),
            Some(&self.activity_type),
            self.activity_level.as_ref(),
            self.activity_args.as_ref(),
            Some(&self.purpose),
            Some(&self.user_id),
            self.user_name.as_ref(),
            self.person_root.as_ref(),
            self.person_extension.as_ref(),
            self.assignment.as_ref(),
            self.title.as_ref(),
            Some(&self.care_provider_id),
            self.care_provider_name.as_ref(),
            Some(&self.care_unit_id),
            self.care_unit_name.as_ref(),
        ] {
            writer.text(text.map(String::as_str));
        }
        let further = further.get(&self.entry_number).map_or(&[][..], Vec::as_slice);
        writer.resources(1 + further.len());
        for resource in std::iter::once(&self.first).chain(further) {
            resource.write(&mut writer);
        }
        Entry::over(Kind::Record, scratch).stored()
    }

    /// Its id.
    pub fn log_id(&self) -> &str {
        &self.log_id
    }

    /// Which column that is derived of what it says is not as that has it.
    pub fn wrongly_derived(&self, further: &FurtherResources) -> Option<&'static str> {
        let further = further.get(&self.entry_number).map_or(&[][..], Vec::as_slice);
        if usize::try_from(self.resources).ok() != Some(1 + further.len()) {
            return Some("resources");
        }
        let owner = provider_hash(self.tenant_id, &self.care_provider_id);
        if owner != Some(self.owner_hash) {
            return Some("owner_hash");
        }
        let first = self.first.wrongly_derived(self.tenant_id, self.owner_hash);
        let resources = further.iter().zip(2..).find_map(|(resource, ordinal)| {
            if resource.tenant_id != self.tenant_id {
                return Some("tenant_id of a resource");
            }
            if resource.activity_at != self.activity_at {
                return Some("activity_at of a resource");
            }
            if resource.ordinal != Some(ordinal) {
                return Some("ordinal of a resource");
            }
            resource.wrongly_derived(self.tenant_id, self.owner_hash)
        });
        first.or(resources)
    }

    pub fn record<'r>(
        &'r self,
        at: Origin,
        further: &'r FurtherResources,
    ) -> Result<LogEntry<'r>, StoreError> {
        let organisation =
            |id, name: &'r Option<String>| Organisation { id, name: name.as_deref() };
        let further = further.get(&self.entry_number).map_or(&[][..], Vec::as_slice);
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
            first: self.first.resource(at)?,
            further: further.iter().map(|row| row.resource(at)).collect::<Result<_, _>>()?,
        })
    }
}

impl ResourceRow {
    fn write(&self, writer: &mut RecordWriter<'_>) {
        for text in [
            Some(&self.resource_type),
            self.patient_root.as_ref(),
            self.patient_extension.as_ref(),
            self.patient_name.as_ref(),
            Some(&self.holder_id),
            self.holder_name.as_ref(),
            self.holder_unit_id.as_ref(),
            self.holder_unit_name.as_ref(),
        ] {
            writer.text(text.map(String::as_str));
        }
    }

    fn wrongly_derived(&self, tenant: i32, owner: i64) -> Option<&'static str> {
        let patient = self.patient_root.as_ref().map(|root| {
            let extension = self.patient_extension.as_deref().unwrap_or_default();
            patient_key(root, extension).map(|key| KeyHash::of(tenant, &key).0).ok()
        });
        let holder = provider_hash(tenant, &self.holder_id);
        if patient.flatten() != self.patient_hash {
            return Some("patient_hash");
        }
        let foreign = holder.filter(|holder| *holder != owner);
        (foreign != self.foreign_hash).then_some("foreign_hash")
    }

    /// Keyed as it would be stored now, also where the rules of keys were others then.
    fn patient(&self, at: Origin) -> Result<Option<LoggedPatient<'_>>, StoreError> {
        let identity = identity(self.patient_root.as_deref(), self.patient_extension.as_deref());
        let Some(identity) = identity else { return Ok(None) };
        let key = patient_key(identity.root, identity.extension.unwrap_or_default());
        let key = key.map_err(|_| at.inconsistent("a patient who is nobody"))?;
        Ok(Some(LoggedPatient { identity, key, name: self.patient_name.as_deref() }))
    }

    fn resource(&self, at: Origin) -> Result<Resource<'_>, StoreError> {
        let care_unit = self.holder_unit_id.as_deref();
        Ok(Resource {
            resource_type: &self.resource_type,
            patient: self.patient(at)?,
            care_provider: Organisation { id: &self.holder_id, name: self.holder_name.as_deref() },
            care_unit: care_unit
                .map(|id| Organisation { id, name: self.holder_unit_name.as_deref() }),
        })
    }
}

/// By which a care provider is looked up.
fn provider_hash(tenant: i32, provider: &str) -> Option<i64> {
    HsaId::new(provider).map(|id| KeyHash::of(tenant, &id.key()).0)
}

fn identity<'r>(root: Option<&'r str>, extension: Option<&'r str>) -> Option<Identity<'r>> {
    root.map(|root| Identity { root, extension })
}
