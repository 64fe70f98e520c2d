//! Consents and emergency assertions.

use super::actions::{action_of, bind_action};
use super::blocks::{hsa_id, record_id};
use super::{Change, Store, StoreError, TenantId};
use crate::domain::consent::{Assertion, AssertionType, Registration};
use crate::domain::identity::{Action, HsaId, PatientId, RecordId};
use crate::domain::time::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;

const INSERT_ACTION: &str =
    "/* insert_assertion_action */ insert into assertion_actions (assertion_number,
        kind, requested_at, requested_by_employee_id, requested_by_assignment_id,
        requested_by_assignment_name, registered_at, registered_by_employee_id,
        registered_by_assignment_id, registered_by_assignment_name, reason_text)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// The stored assertion that a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssertionNumber(pub(super) i64);

impl Store {
    /// The patient's assertions at a care provider that are neither ended nor annulled, in
    /// the order in which they were stored.
    ///
    /// # Errors
    /// The store's.
    pub async fn assertions_of(
        &self,
        tenant: TenantId,
        patient: &PatientId,
        care_provider: &HsaId,
    ) -> Result<Vec<Assertion>, StoreError> {
        let rows = self.standing(tenant, patient, care_provider).await?;
        rows.iter().map(assertion_of).collect()
    }

    /// The same, each with the system that registered it.
    ///
    /// # Errors
    /// The store's.
    pub async fn assertions_and_owners_of(
        &self,
        tenant: TenantId,
        patient: &PatientId,
        care_provider: &HsaId,
    ) -> Result<Vec<(Assertion, Option<String>)>, StoreError> {
        let rows = self.standing(tenant, patient, care_provider).await?;
        rows.iter().map(|row| Ok((assertion_of(row)?, row.try_get(12)?))).collect()
    }

    async fn standing(
        &self,
        tenant: TenantId,
        patient: &PatientId,
        care_provider: &HsaId,
    ) -> Result<Vec<PgRow>, StoreError> {
        const SQL: &str = "/* assertions_of */ select assertion_id, assertion_type, patient_root,
                patient_extension, care_provider_id, care_unit_id, employee_id, start_at, start_given,
                end_at, stored_at, removed_at is not null, owner_id
             from assertions
             where tenant_id = $1 and patient_key = $2 and provider_key = $3 and removed_at is null
             order by assertion_number";
        let (patient, provider) = (patient.key(), care_provider.key());
        self.readers
            .read(&self.pool, async |connection| {
                let query = sqlx::query(SQL).bind(tenant.0).bind(patient).bind(&provider);
                Ok(query.fetch_all(connection).await?)
            })
            .await
    }
}

impl Change {
    /// The registration under an assertion id, if the tenant has one.
    ///
    /// # Errors
    /// The store's.
    pub async fn assertion_registration(
        &mut self,
        id: &RecordId,
    ) -> Result<Option<Registration>, StoreError> {
        let row = sqlx::query(
            "/* assertion_registration */ select assertion_id, assertion_type, patient_root,
                patient_extension, care_provider_id, care_unit_id, employee_id, start_at, start_given,
                case when patient_ended_at is null then end_at else original_end_at end,
                stored_at, removed_at is not null, represented_by_root, represented_by_extension,
                a.requested_at, a.requested_by_employee_id, a.requested_by_assignment_id,
                a.requested_by_assignment_name, a.registered_at, a.registered_by_employee_id,
                a.registered_by_assignment_id, a.registered_by_assignment_name, a.reason_text
             from assertions
             join assertion_actions a using (assertion_number)
             where tenant_id = $1 and assertion_key = $2 and a.kind = 'register'",
        )
        .bind(self.tenant.0)
        .bind(id.key())
        .fetch_optional(&mut *self.transaction)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let represented_by = match row.try_get(12)? {
            Some(root) => Some((root, row.try_get(13)?)),
            None => None,
        };
        Ok(Some(Registration {
            assertion: assertion_of(&row)?,
            represented_by,
            action: action_of(&row, 14)?,
        }))
    }

    /// Stores an assertion that the tenant does not have.
    ///
    /// # Errors
    /// The store's.
    pub async fn insert_assertion(
        &mut self,
        new: &Registration,
        owner_id: Option<&str>,
        source: Option<&str>,
    ) -> Result<AssertionNumber, StoreError> {
        let assertion = &new.assertion;
        let number: i64 = sqlx::query_scalar(
            "/* insert_assertion */ insert into assertions (tenant_id, assertion_key, assertion_id,
                assertion_type, patient_key, patient_root, patient_extension, care_provider_id,
                provider_key, care_unit_id, employee_id, start_at, start_given, end_at,
                represented_by_root, represented_by_extension, owner_id, stored_at, source)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
             returning assertion_number",
        )
        .bind(self.tenant.0)
        .bind(assertion.id.key())
        .bind(assertion.id.as_str())
        .bind(match assertion.assertion_type {
            AssertionType::Consent => "Consent",
            AssertionType::Emergency => "Emergency",
        })
        .bind(assertion.patient.key())
        .bind(assertion.patient.root())
        .bind(assertion.patient.extension())
        .bind(assertion.care_provider.as_str())
        .bind(assertion.care_provider.key())
        .bind(assertion.care_unit.as_str())
        .bind(assertion.employee.as_ref().map(HsaId::as_str))
        .bind(assertion.start.unwrap_or(self.stored_at()))
        .bind(assertion.start.is_some())
        .bind(assertion.end)
        .bind(new.represented_by.as_ref().map(|(root, _)| root))
        .bind(new.represented_by.as_ref().and_then(|(_, extension)| extension.as_ref()))
        .bind(owner_id)
        .bind(self.stored_at())
        .bind(source)
        .fetch_one(&mut *self.transaction)
        .await?;
        let number = AssertionNumber(number);
        self.insert_assertion_action(number, "register", &new.action).await?;
        Ok(number)
    }

    pub(super) async fn insert_assertion_action(
        &mut self,
        number: AssertionNumber,
        kind: &'static str,
        action: &Action,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(INSERT_ACTION).bind(number.0).bind(kind);
        bind_action(query, action).execute(&mut *self.transaction).await?;
        Ok(())
    }
}

/// A row that begins with (assertion_id, assertion_type, patient_root, patient_extension,
/// care_provider_id, care_unit_id, employee_id, start_at, start_given, end_at, stored_at, removed).
pub(super) fn assertion_of(row: &PgRow) -> Result<Assertion, StoreError> {
    let assertion_type = match row.try_get(1)? {
        "Consent" => AssertionType::Consent,
        "Emergency" => AssertionType::Emergency,
        _ => return Err(StoreError::Inconsistent { table: "assertions", what: "assertion_type" }),
    };
    let start: Timestamp = row.try_get(7)?;
    let start_given: bool = row.try_get(8)?;
    Ok(Assertion {
        id: record_id(row.try_get(0)?, "assertions")?,
        assertion_type,
        patient: PatientId::new(row.try_get(2)?, row.try_get(3)?)
            .ok_or(StoreError::Inconsistent { table: "assertions", what: "blank patient" })?,
        care_provider: hsa_id(row.try_get(4)?, "assertions")?,
        care_unit: hsa_id(row.try_get(5)?, "assertions")?,
        employee: row.try_get::<Option<&str>, _>(6)?.and_then(HsaId::new),
        start: start_given.then_some(start),
        end: row.try_get(9)?,
        stored_at: row.try_get(10)?,
        removed: row.try_get(11)?,
    })
}
