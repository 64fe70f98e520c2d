//! Consents and emergency assertions in force, for those who decide about access.

use crate::domain::consent::assertion::{
    Assertion, AssertionContent, AssertionType, PatientEnd, Representative, Start,
};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::long_reads::Found;
use crate::store::lookups::{LIGHT_ROWS_MAX, PatientAt};
use crate::store::readers::ACQUIRE_TIMEOUT;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{FromRow, Postgres};
use std::sync::LazyLock;

/// The stored assertion that a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssertionNumber(pub(super) i64);

/// The columns of an assertion.
pub(in crate::store) const ASSERTION_COLUMNS: &str =
    "assertion_number, assertion_id, assertion_type,
    patient_key, patient_root, patient_extension, care_provider_id, care_unit_id, employee_id,
    start_at, start_given, requested_start_at, end_at, original_end_at, patient_ended_at,
    ended_at_once, represented_by_root, represented_by_extension, owner_id, source, stored_at,
    removed_at, first_removed_at";

/// One patient's assertions at one care provider and several', as far as a look-up goes, and all of
/// one's.
static ASSERTIONS_OF: LazyLock<[String; 3]> = LazyLock::new(|| {
    let most = LIGHT_ROWS_MAX + 1;
    let of_one = format!(
        "select {ASSERTION_COLUMNS} from assertions
         where tenant_id = $1 and patient_key = $2 and provider_key = $3 and removed_at is null"
    );
    [
        format!("/* assertions_of */ {of_one} limit {most}"),
        format!(
            "/* assertions_of */ select q.asked, f.*
             from unnest($1::int[], $2::text[], $3::text[]) with ordinality
                as q (asked_tenant, asked_patient, asked_provider, asked)
             cross join lateral (select {ASSERTION_COLUMNS} from assertions
                where tenant_id = asked_tenant and patient_key = asked_patient
                    and provider_key = asked_provider and removed_at is null limit {most}) f"
        ),
        format!("/* all_assertions_of */ {of_one}"),
    ]
});

/// The statement that asks for patients' assertions.
fn assertions_of(asked: &[PatientAt]) -> Query<'_, Postgres, PgArguments> {
    let [of_one, of_several, _] = &*ASSERTIONS_OF;
    let column = |of: fn(&PatientAt) -> &str| asked.iter().map(of).collect::<Vec<_>>();
    match asked {
        [one] => sqlx::query(of_one).bind(one.tenant).bind(&one.patient).bind(&one.provider),
        several => sqlx::query(of_several)
            .bind(several.iter().map(|question| question.tenant).collect::<Vec<_>>())
            .bind(column(|question| &question.patient))
            .bind(column(|question| &question.provider)),
    }
}

/// A row of `assertions`.
#[derive(FromRow)]
pub(super) struct AssertionRow<'r> {
    pub assertion_number: i64,
    assertion_id: &'r str,
    assertion_type: &'r str,
    patient_key: String,
    patient_root: String,
    patient_extension: String,
    care_provider_id: &'r str,
    care_unit_id: &'r str,
    employee_id: Option<&'r str>,
    start_at: Timestamp,
    start_given: bool,
    requested_start_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
    original_end_at: Option<Timestamp>,
    patient_ended_at: Option<Timestamp>,
    ended_at_once: bool,
    represented_by_root: Option<String>,
    represented_by_extension: Option<String>,
    owner_id: Option<String>,
    source: Option<&'r str>,
    stored_at: Timestamp,
    pub removed_at: Option<Timestamp>,
    first_removed_at: Option<Timestamp>,
}

/// A representative as two columns.
pub(super) fn representative(
    root: Option<String>,
    extension: Option<String>,
) -> Option<Representative> {
    root.map(|root| (root, extension))
}

impl AssertionRow<'_> {
    /// The assertion with the latest end that the patient has set; `how` tells how staff removed
    /// it, where they did.
    pub fn assertion<How>(
        self,
        how: impl FnOnce() -> Result<How, StoreError>,
    ) -> Result<Assertion<How>, StoreError> {
        let at = Origin { table: "assertions", row: self.assertion_number };
        let (end, set) = match (self.patient_ended_at, self.end_at) {
            (None, end) if !self.ended_at_once => (end, None),
            (Some(stored_at), Some(end)) => {
                let set = PatientEnd { stored_at, end, at_once: self.ended_at_once };
                (self.original_end_at, Some(set))
            }
            _ => return Err(at.inconsistent("ended by the patient, and not ended")),
        };
        let start = match self.start_given {
            true => Start::At(self.start_at),
            false => Start::AtOnce,
        };
        let content = AssertionContent {
            assertion_type: match self.assertion_type {
                "Consent" => AssertionType::Consent,
                "Emergency" => AssertionType::Emergency,
                _ => return Err(at.inconsistent("unknown type")),
            },
            patient: PatientId::kept(self.patient_root, self.patient_extension, self.patient_key),
            care_provider: at.hsa_id(self.care_provider_id)?,
            care_unit: at.hsa_id(self.care_unit_id)?,
            employee: at.optional_hsa_id(self.employee_id)?,
            start: self.requested_start_at.or(self.start_given.then_some(self.start_at)),
            end,
            represented_by: representative(self.represented_by_root, self.represented_by_extension),
        };
        Ok(Assertion {
            id: at.record_id(self.assertion_id)?,
            content,
            start,
            patient_ends: set.into_iter().collect(),
            lifetime: at.lifetime(self.stored_at, self.removed_at, self.first_removed_at, how)?,
            source: at.optional_hsa_id(self.source)?,
            owner_id: self.owner_id,
        })
    }
}

impl Store {
    /// The patient's assertions at a care provider that staff have neither ended nor annulled, in
    /// the order in which they were stored.
    ///
    /// # Errors
    /// The store's.
    pub async fn assertions_of(
        &self,
        tenant: TenantId,
        patient: &PatientId,
        care_provider: &HsaId,
    ) -> Result<Found<Vec<Assertion>>, StoreError> {
        let question = PatientAt {
            tenant: tenant.0,
            patient: patient.key().to_owned(),
            provider: care_provider.key(),
        };
        let rows = self.assertions_at.ask(self.asker, question.clone(), assertions_of).await?;
        if rows.len() <= LIGHT_ROWS_MAX {
            return Ok(Found::little(in_order(&rows)?));
        }
        self.read_at_length(ACQUIRE_TIMEOUT, async move |connection| {
            let [.., all] = &*ASSERTIONS_OF;
            let PatientAt { tenant, patient, provider } = &question;
            let rows = sqlx::query(all).bind(tenant).bind(patient).bind(provider);
            let rows = rows.fetch_all(connection).await?;
            Ok((in_order(&rows)?, rows.len()))
        })
        .await
    }
}

/// The assertions of rows, in the order in which they were stored.
fn in_order(rows: &[PgRow]) -> Result<Vec<Assertion>, StoreError> {
    let mut rows: Vec<AssertionRow<'_>> =
        rows.iter().map(AssertionRow::from_row).collect::<Result<_, _>>()?;
    rows.sort_by_key(|row| row.assertion_number);
    rows.into_iter().map(|row| row.assertion(|| Ok(()))).collect()
}
