//! Log records as rows in `PostgreSQL`'s binary COPY format.
//!
//! Records are encoded once, straight from the request, while it is still borrowed; the
//! writer only fills in the running numbers and passes the bytes on.

use super::seal::record_entry::{Sealing, entry_of};
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::log::record::{
    IdHash, Identity, KeyHash, LogEntry, Organisation, Repetition, Resource, User,
};
use crate::domain::time::Timestamp;
use chrono::DateTime;
use sigill_seal::tree::StoredEntry;

/// What comes before the rows of a binary COPY: signature, flags, no header extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0";
/// What comes after the rows.
pub(super) const TRAILER: &[u8] = b"\xFF\xFF";

pub(super) const COPY_ENTRIES: &str =
    "copy log_entries (entry_number, tenant_id, stored_at, activity_at,
    log_id, system_id, system_name, activity_type, activity_level, activity_args, purpose, user_id,
    user_name, person_root, person_extension, assignment, title, care_provider_id,
    care_provider_name, care_unit_id, care_unit_name, owner_hash, resources, resource_type,
    patient_root, patient_extension, patient_name, holder_id, holder_name, holder_unit_id,
    holder_unit_name, patient_hash, foreign_hash, salt) from stdin (format binary)";
pub(super) const COPY_RESOURCES: &str =
    "copy log_further_resources (entry_number, ordinal, tenant_id, activity_at, resource_type,
    patient_root, patient_extension, patient_name, holder_id, holder_name, holder_unit_id,
    holder_unit_name, patient_hash, foreign_hash) from stdin (format binary)";
/// Bytes of a row of ids: a count, and two values with their lengths.
pub(super) const ID_ROW_BYTES: usize = 2 + (4 + 16) + (4 + 8);
const ENTRY_COLUMNS: i16 = 34;
/// The salt is a row's last column: its length, and 16 bytes.
const SALT_BYTES: usize = 4 + 16;
const ID_COLUMNS: i16 = 2;
const RESOURCE_COLUMNS: i16 = 14;

/// A record's id, and where its rows are.
#[derive(Debug, Clone)]
pub(super) struct EncodedRecord {
    pub hash: IdHash,
    /// The id, as received.
    pub id: String,
    /// What its leaf is made of.
    pub sealed: StoredEntry,
    /// Its running number.
    pub number: i64,
    /// Offset behind its row in `entries`.
    entry_end: usize,
    /// Offset behind its rows in `further`.
    further_end: usize,
    resource_count: usize,
}

/// The records of one call, encoded.
#[derive(Debug, Default)]
pub struct EncodedLog {
    pub(super) records: Vec<EncodedRecord>,
    /// Ids that the call has more than once; only the first record under each is encoded.
    pub repeated_within: Vec<Repetition>,
    entries: Vec<u8>,
    /// Resources behind a record's first, which is in its row.
    further: Vec<u8>,
    scratch: Vec<u8>,
}

impl EncodedLog {
    /// Room for `records` of the usual size.
    pub fn with_capacity(records: usize) -> Self {
        Self {
            records: Vec::with_capacity(records),
            entries: Vec::with_capacity(records * 768),
            further: Vec::new(),
            scratch: Vec::with_capacity(1024),
            repeated_within: Vec::new(),
        }
    }

    /// Adds a record.
    pub fn push(&mut self, sealing: &Sealing<'_>, id: &RecordId, entry: &LogEntry<'_>) {
        let tenant = sealing.tenant;
        let mut row = CopyRow::begin(&mut self.entries, ENTRY_COLUMNS);
        row.number_later();
        row.int(tenant);
        row.time(sealing.stored_at);
        row.time(entry.activity_at);
        row.text(entry.id);
        row.organisation(Some(entry.system));
        row.text(entry.activity_type);
        row.optional(entry.activity_level);
        row.optional(entry.activity_args);
        row.text(entry.purpose);
        row.user(entry.user);
        row.identity(entry.person);
        row.optional(entry.assignment);
        row.optional(entry.title);
        row.organisation(Some(entry.care_provider));
        row.organisation(Some(entry.care_unit));
        let owner = provider_hash(tenant, entry.care_provider);
        row.hash(owner);
        let resource_count = 1 + entry.further.len();
        row.int(i32::try_from(resource_count).unwrap_or(i32::MAX));
        row.resource((tenant, owner), &entry.first);
        row.bytes(&sealing.salt);
        for (ordinal, resource) in (2..).zip(&entry.further) {
            let mut row = CopyRow::begin(&mut self.further, RESOURCE_COLUMNS);
            row.number_later();
            row.int(ordinal);
            row.int(tenant);
            row.time(entry.activity_at);
            row.resource((tenant, owner), resource);
        }
        self.records.push(EncodedRecord {
            hash: IdHash::of(id),
            id: entry.id.to_owned(),
            sealed: entry_of(sealing, entry, &mut self.scratch),
            number: 0,
            entry_end: self.entries.len(),
            further_end: self.further.len(),
            resource_count,
        });
    }

    /// How many rows there are, of records and of resources.
    pub(super) fn rows(&self) -> usize {
        self.records.iter().map(|record| 1 + record.resource_count).sum()
    }

    /// Writes the running numbers into the rows; `numbers` has one for each record.
    pub(super) fn number(&mut self, numbers: &[i64]) {
        let (mut entry, mut further) = (0, 0);
        for (record, number) in self.records.iter_mut().zip(numbers) {
            record.number = *number;
            set_number(&mut self.entries, entry, *number);
            entry = record.entry_end;
            while further < record.further_end {
                set_number(&mut self.further, further, *number);
                further = row_end(&self.further, further, RESOURCE_COLUMNS);
            }
        }
    }

    /// Keeps only the records for which `keep` says so.
    pub(super) fn retain(&mut self, keep: impl Fn(&EncodedRecord) -> bool) {
        let mut kept = Self::default();
        let (mut entry, mut further) = (0, 0);
        for record in &self.records {
            if keep(record) {
                kept.entries.extend_from_slice(&self.entries[entry..record.entry_end]);
                kept.further.extend_from_slice(&self.further[further..record.further_end]);
                kept.records.push(EncodedRecord {
                    entry_end: kept.entries.len(),
                    further_end: kept.further.len(),
                    ..record.clone()
                });
            }
            (entry, further) = (record.entry_end, record.further_end);
        }
        kept.repeated_within = std::mem::take(&mut self.repeated_within);
        *self = kept;
    }

    /// The running numbers with what their leaves are made of.
    pub(super) fn sealed(&self) -> impl Iterator<Item = (i64, StoredEntry)> {
        self.records.iter().map(|record| (record.number, record.sealed))
    }

    /// What a record says: its rows without running number, time of storing, and salt.
    pub(super) fn content(&self, index: usize) -> Vec<u8> {
        let before = index.checked_sub(1).map(|i| &self.records[i]);
        let (entry, mut further) = before.map_or((0, 0), |r| (r.entry_end, r.further_end));
        let record = &self.records[index];
        let (number, tenant, stored_at) = (entry + 14, entry + 22, entry + 34);
        let mut content = self.entries[number..tenant].to_vec();
        content.extend_from_slice(&self.entries[stored_at..record.entry_end - SALT_BYTES]);
        while further < record.further_end {
            let end = row_end(&self.further, further, RESOURCE_COLUMNS);
            content.extend_from_slice(&self.further[further + 14..end]);
            further = end;
        }
        content
    }

    pub(super) fn entry_rows(&self) -> &[u8] {
        &self.entries
    }

    pub(super) fn further_rows(&self) -> &[u8] {
        &self.further
    }
}

/// By which a care provider is looked up.
fn provider_hash(tenant: i32, provider: Organisation<'_>) -> Option<KeyHash> {
    HsaId::new(provider.id).map(|id| KeyHash::of(tenant, &id.key()))
}

/// How rows of ids go into a table.
pub(super) fn copy_ids(table: &str) -> String {
    format!("copy {table} (id_hash, entry_number) from stdin (format binary)")
}

/// Adds the row of an id.
pub(super) fn push_id(rows: &mut Vec<u8>, hash: IdHash, number: i64) {
    let mut row = CopyRow::begin(rows, ID_COLUMNS);
    row.bytes(&hash.0);
    row.bytes(&number.to_be_bytes());
}

/// The number is the first column: behind the column count and its own length.
fn set_number(rows: &mut [u8], row: usize, number: i64) {
    rows[row + 6..row + 14].copy_from_slice(&number.to_be_bytes());
}

/// Where the row that starts at `row` ends.
fn row_end(rows: &[u8], row: usize, columns: i16) -> usize {
    (0..columns).fold(row + 2, |at, _| {
        let length = i32::from_be_bytes([rows[at], rows[at + 1], rows[at + 2], rows[at + 3]]);
        at + 4 + usize::try_from(length).unwrap_or(0)
    })
}

struct CopyRow<'b> {
    buffer: &'b mut Vec<u8>,
}

impl<'b> CopyRow<'b> {
    fn begin(buffer: &'b mut Vec<u8>, columns: i16) -> Self {
        buffer.extend_from_slice(&columns.to_be_bytes());
        Self { buffer }
    }

    fn bytes(&mut self, value: &[u8]) {
        // Values are parts of a request, whose size is bounded far below 2 GiB.
        let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
        self.buffer.extend_from_slice(&length.to_be_bytes());
        self.buffer.extend_from_slice(value);
    }

    fn number_later(&mut self) {
        self.bytes(&0_i64.to_be_bytes());
    }

    fn hash(&mut self, value: Option<KeyHash>) {
        match value {
            Some(KeyHash(hash)) => self.bytes(&hash.to_be_bytes()),
            None => self.nothing(),
        }
    }

    fn nothing(&mut self) {
        self.buffer.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    fn int(&mut self, value: i32) {
        self.bytes(&value.to_be_bytes());
    }

    fn time(&mut self, at: Timestamp) {
        // Microseconds since 2000-01-01T00:00:00Z.
        let epoch = DateTime::UNIX_EPOCH.timestamp_micros() + 946_684_800_000_000;
        self.bytes(&(at.timestamp_micros() - epoch).to_be_bytes());
    }

    fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    fn optional(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.text(value),
            None => self.nothing(),
        }
    }

    fn user(&mut self, value: User<'_>) {
        self.text(value.id);
        self.optional(value.name);
    }

    fn organisation(&mut self, value: Option<Organisation<'_>>) {
        self.optional(value.map(|o| o.id));
        self.optional(value.and_then(|o| o.name));
    }

    /// A resource of a record of this tenant and owner.
    fn resource(&mut self, (tenant, owner): (i32, Option<KeyHash>), resource: &Resource<'_>) {
        self.text(resource.resource_type);
        let patient = resource.patient.as_ref();
        self.identity(patient.map(|p| p.identity));
        self.optional(patient.and_then(|p| p.name));
        self.organisation(Some(resource.care_provider));
        self.organisation(resource.care_unit);
        self.hash(patient.map(|patient| KeyHash::of(tenant, &patient.key)));
        // What a provider's own staff looks at is asked for by owner.
        let holder = provider_hash(tenant, resource.care_provider);
        self.hash(holder.filter(|_| holder != owner));
    }

    fn identity(&mut self, value: Option<Identity<'_>>) {
        self.optional(value.map(|i| i.root));
        self.optional(value.and_then(|i| i.extension));
    }
}
