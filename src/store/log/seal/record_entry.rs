//! The entry of a record: what its leaf commits to, from where the record's values are.

use crate::domain::log::record::{LogEntry, Organisation, Resource};
use crate::domain::time::Timestamp;
use sigill_seal::entry::{Entry, Kind};
use sigill_seal::record::{RecordWriter, Salt};
use sigill_seal::tree::StoredEntry;

/// Whose a record is, when it was stored, and what hides it.
#[derive(Debug, Clone, Copy)]
pub struct Sealing<'s> {
    /// The tenant's number.
    pub tenant: i32,
    /// The tenant's name.
    pub tenant_name: &'s str,
    /// When the record is stored.
    pub stored_at: Timestamp,
    /// Random bytes.
    pub salt: Salt,
}

/// The entry of a record; `scratch` is overwritten.
pub(in crate::store::log) fn entry_of(
    sealing: &Sealing<'_>,
    entry: &LogEntry<'_>,
    scratch: &mut Vec<u8>,
) -> StoredEntry {
    scratch.clear();
    let (stored, activity) =
        (sealing.stored_at.timestamp_micros(), entry.activity_at.timestamp_micros());
    let mut writer =
        RecordWriter::begin(scratch, &sealing.salt, sealing.tenant_name, stored, activity);
    writer.text(Some(entry.id));
    organisation(&mut writer, Some(entry.system));
    writer.text(Some(entry.activity_type));
    writer.text(entry.activity_level);
    writer.text(entry.activity_args);
    writer.text(Some(entry.purpose));
    writer.text(Some(entry.user.id));
    writer.text(entry.user.name);
    writer.text(entry.person.map(|person| person.root));
    writer.text(entry.person.and_then(|person| person.extension));
    writer.text(entry.assignment);
    writer.text(entry.title);
    organisation(&mut writer, Some(entry.care_provider));
    organisation(&mut writer, Some(entry.care_unit));
    writer.resources(1 + entry.further.len());
    for resource in entry.resources() {
        self::resource(&mut writer, resource);
    }
    Entry::over(Kind::Record, scratch).stored()
}

fn organisation(writer: &mut RecordWriter<'_>, organisation: Option<Organisation<'_>>) {
    writer.text(organisation.map(|organisation| organisation.id));
    writer.text(organisation.and_then(|organisation| organisation.name));
}

fn resource(writer: &mut RecordWriter<'_>, resource: &Resource<'_>) {
    let patient = resource.patient.as_ref();
    writer.text(Some(resource.resource_type));
    writer.text(patient.map(|patient| patient.identity.root));
    writer.text(patient.and_then(|patient| patient.identity.extension));
    writer.text(patient.and_then(|patient| patient.name));
    organisation(writer, Some(resource.care_provider));
    organisation(writer, resource.care_unit);
}
