//! Which records a report is about, in the report's order.
//!
//! Every question goes by an index of a partition: owner and time, patient, or information owner and
//! time. It ends with the first record too many. Where a record must be looked up beside its
//! resource, that is done one by one (`offset 0`): a month is never read as a whole to be joined.

use crate::domain::identity::{HsaId, PatientId};
use crate::domain::log::report::{ReportQuestion, ReportSubject};
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::readers::ACQUIRE_TIMEOUT;
use crate::store::tenants::TenantId;
use sqlx::{Connection, FromRow, PgConnection};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Where records are found again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordPlaces {
    numbers: Vec<i64>,
    times: Vec<Timestamp>,
}

/// A record's id.
#[derive(FromRow)]
struct PlaceId {
    entry_number: i64,
    log_id: String,
}

/// The place of a record.
#[derive(FromRow)]
struct PlaceRow {
    entry_number: i64,
    activity_at: Timestamp,
}

/// A care provider whose staff had access.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AccessingProvider {
    /// As the latest record has it.
    pub care_provider_id: String,
    /// The same.
    pub care_provider_name: Option<String>,
}

/// Records of a care provider's staff.
const OF_STAFF: &str = "select entry_number, activity_at from log_entries
    where owner_hash = log_hash($1, $4) and activity_at between $2 and $3
      and ($6::text is null or lower(btrim(user_id)) = $6)
      and ($7::text is null or lower(btrim(care_unit_id)) = $7) and $5::text is null
    order by activity_at, entry_number limit $8";
/// The same about a patient.
const OF_STAFF_ABOUT: &str =
    "select distinct on (r.activity_at, r.entry_number) r.entry_number, r.activity_at
    from log_resources r
    cross join lateral (select from log_entries o
        where o.entry_number = r.entry_number and o.activity_at = r.activity_at
          and o.activity_at between $2 and $3
          and o.owner_hash = log_hash($1, $4)
          and ($6::text is null or lower(btrim(o.user_id)) = $6)
          and ($7::text is null or lower(btrim(o.care_unit_id)) = $7) offset 0) o
    where r.patient_hash = log_hash($1, $5) and r.activity_at between $2 and $3
    order by r.activity_at, r.entry_number limit $8";
/// Records about a patient.
const ABOUT: &str =
    "select distinct on (r.activity_at, r.entry_number) r.entry_number, r.activity_at
    from log_resources r
    where r.patient_hash = log_hash($1, $5) and r.activity_at between $2 and $3
      and $4::text is null and $6::text is null and $7::text is null
    order by r.activity_at, r.entry_number limit $8";
/// Records of others about what a care provider holds.
const OF_OTHERS: &str = "select distinct on (r.activity_at, r.entry_number) r.entry_number, r.activity_at
    from log_resources r
    where r.foreign_hash = log_hash($1, $4)
      and ($5::text is null or r.patient_hash = log_hash($1, $5)) and r.activity_at between $2 and $3
      and $6::text is null and $7::text is null
    order by r.activity_at, r.entry_number limit $8";

/// The statements that find records, with what they are for: $1 to $8 are tenant, interval, owner,
/// patient, user, unit and the most rows.
pub const STATEMENTS: [(&str, &str); 4] = [
    ("staff", OF_STAFF),
    ("staff about a patient", OF_STAFF_ABOUT),
    ("patient", ABOUT),
    ("information", OF_OTHERS),
];

/// The kinds of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SubjectKind {
    Staff,
    Patient,
    Information,
}

/// Whose records, as the columns of the database have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SubjectKeys {
    pub kind: SubjectKind,
    pub owner: Option<String>,
    pub patient: Option<String>,
    pub user: Option<String>,
    pub unit: Option<String>,
}

impl SubjectKind {
    /// As the database spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Patient => "patient",
            Self::Information => "information",
        }
    }

    /// Of its spelling.
    pub fn of(text: &str) -> Option<Self> {
        let all = [Self::Staff, Self::Patient, Self::Information];
        all.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl SubjectKeys {
    pub fn of(subject: &ReportSubject) -> Self {
        let patient_key = |patient: &PatientId| patient.key().to_owned();
        let of = |kind| Self { kind, owner: None, patient: None, user: None, unit: None };
        match subject {
            ReportSubject::Staff { owner, patient, user, unit } => Self {
                kind: SubjectKind::Staff,
                owner: Some(owner.key()),
                patient: patient.as_ref().map(patient_key),
                user: user.as_ref().map(HsaId::key),
                unit: unit.as_ref().map(HsaId::key),
            },
            ReportSubject::Patient(patient) => {
                Self { patient: Some(patient_key(patient)), ..of(SubjectKind::Patient) }
            }
            ReportSubject::Information { owner, patient } => Self {
                owner: Some(owner.key()),
                patient: patient.as_ref().map(patient_key),
                ..of(SubjectKind::Information)
            },
        }
    }

    /// The statement that finds the records.
    pub fn statement(&self) -> &'static str {
        match (self.kind, &self.patient) {
            (SubjectKind::Staff, None) => OF_STAFF,
            (SubjectKind::Staff, Some(_)) => OF_STAFF_ABOUT,
            (SubjectKind::Patient, _) => ABOUT,
            (SubjectKind::Information, _) => OF_OTHERS,
        }
    }
}

/// The places of the records that a report is about, in its order; `None` when they are more than
/// `most`.
pub(super) async fn places(
    connection: &mut PgConnection,
    tenant: TenantId,
    keys: &SubjectKeys,
    (from, to): (Timestamp, Timestamp),
    most: usize,
) -> Result<Option<RecordPlaces>, StoreError> {
    let mut transaction = connection.begin().await?;
    if keys.kind == SubjectKind::Patient {
        // All that a patient's records need is an index of each month, whoever the patient is; to plan that
        // anew takes longer than to do it.
        sqlx::query("/* plan_once */ set local plan_cache_mode = force_generic_plan")
            .execute(&mut *transaction)
            .await?;
    }
    let limit = i64::try_from(most).unwrap_or(i64::MAX - 1) + 1;
    let rows: Vec<PlaceRow> = sqlx::query_as(keys.statement())
        .bind(tenant.0)
        .bind(from)
        .bind(to)
        .bind(&keys.owner)
        .bind(&keys.patient)
        .bind(&keys.user)
        .bind(&keys.unit)
        .bind(limit)
        .fetch_all(&mut *transaction)
        .await?;
    transaction.commit().await?;
    if rows.len() > most {
        return Ok(None);
    }
    Ok(Some(in_order(connection, rows).await?))
}

/// The order of a report: by time, and records of the same time by their ids, which are looked up only for
/// them.
async fn in_order(
    connection: &mut PgConnection,
    mut rows: Vec<PlaceRow>,
) -> Result<RecordPlaces, StoreError> {
    let same = rows.chunk_by(|a, b| a.activity_at == b.activity_at).filter(|same| same.len() > 1);
    let same = RecordPlaces::of(same.flatten());
    if let Some((first, last)) = same.interval() {
        let ids: Vec<PlaceId> = sqlx::query_as(
            "/* ids_of_same_time */ select entry_number, log_id
             from unnest($1::bigint[], $2::timestamptz[]) as n (entry_number, activity_at)
             join log_entries e using (entry_number, activity_at)
             where e.activity_at between $3 and $4",
        )
        .bind(&same.numbers)
        .bind(&same.times)
        .bind(first)
        .bind(last)
        .fetch_all(connection)
        .await?;
        let ids: HashMap<i64, String> =
            ids.into_iter().map(|row| (row.entry_number, row.log_id)).collect();
        rows.sort_by(|a, b| {
            let key = |row: &PlaceRow| (row.activity_at, ids.get(&row.entry_number));
            key(a).cmp(&key(b))
        });
    }
    Ok(RecordPlaces::of(&rows))
}

impl RecordPlaces {
    /// The running numbers of the records.
    pub fn numbers(&self) -> &[i64] {
        &self.numbers
    }

    /// Leaves out all records but some.
    pub fn retain(&mut self, numbers: &HashSet<i64>) {
        let places = self.numbers.iter().copied().zip(self.times.iter().copied());
        (self.numbers, self.times) = places.filter(|(number, _)| numbers.contains(number)).unzip();
    }

    /// Leaves some out.
    pub fn remove(&mut self, numbers: &BTreeSet<i64>) {
        let places = self.numbers.iter().copied().zip(self.times.iter().copied());
        (self.numbers, self.times) = places.filter(|(number, _)| !numbers.contains(number)).unzip();
    }

    /// Goes on with others, which are later.
    pub fn append(&mut self, later: Self) {
        self.numbers.extend(later.numbers);
        self.times.extend(later.times);
    }

    fn of<'r>(rows: impl IntoIterator<Item = &'r PlaceRow>) -> Self {
        let (numbers, times) =
            rows.into_iter().map(|row| (row.entry_number, row.activity_at)).unzip();
        Self { numbers, times }
    }

    /// The first and the last time.
    pub fn interval(&self) -> Option<(Timestamp, Timestamp)> {
        Some((*self.times.iter().min()?, *self.times.iter().max()?))
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// So many at a time.
    pub(super) fn pages(&self, records: usize) -> impl Iterator<Item = Self> {
        let pages = self.numbers.chunks(records).zip(self.times.chunks(records));
        pages.map(|(numbers, times)| Self { numbers: numbers.to_vec(), times: times.to_vec() })
    }

    /// As they were kept.
    pub(in crate::store) fn kept(numbers: Vec<i64>, times: Vec<Timestamp>) -> Self {
        Self { numbers, times }
    }

    /// As they are kept.
    pub(super) fn columns(&self) -> (&[i64], &[Timestamp]) {
        (&self.numbers, &self.times)
    }
}

impl Store {
    /// The places of the records that a report is about, in its order; `None` when they are more
    /// than `most`.
    ///
    /// # Errors
    /// The store's; also that it takes too long to find them in a call.
    pub async fn find_records(
        &self,
        tenant: TenantId,
        question: &ReportQuestion,
        most: usize,
    ) -> Result<Option<RecordPlaces>, StoreError> {
        let keys = SubjectKeys::of(&question.subject);
        let interval = (question.from, question.to);
        let read = async move |connection: &mut PgConnection| {
            Ok((places(connection, tenant, &keys, interval, most).await?, 0))
        };
        Ok(self.read_at_length(ACQUIRE_TIMEOUT, read).await?.it)
    }
}
