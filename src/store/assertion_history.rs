//! What has happened to assertions, and changes of them.

use super::actions::action_of;
use super::assertions::{AssertionNumber, assertion_of};
use super::{Change, Store, StoreError, TenantId};
use crate::domain::consent::Registration;
use crate::domain::consent_lifecycle::{AssertionHistory, PatientWish, Representative};
use crate::domain::identity::{Action, HsaId, PatientId, RecordId};
use crate::domain::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

/// An assertion as the store knows it.
#[derive(Debug, Clone)]
pub struct StoredAssertion {
    /// Its place in the store.
    pub number: AssertionNumber,
    /// What has happened to it.
    pub history: AssertionHistory,
    /// The system that registered it, if that is known.
    pub owner_id: Option<String>,
    /// The system that it is a copy from; `None` when it was registered here.
    pub source: Option<String>,
}

const COLUMNS: &str = "assertion_id, assertion_type, patient_root, patient_extension,
    care_provider_id, care_unit_id, employee_id, start_at, start_given, end_at, stored_at,
    removed_at is not null, assertion_number, represented_by_root, represented_by_extension,
    owner_id, source";

impl Store {
    /// Every assertion of a patient, at one care provider or at all, in the order in which they
    /// were stored, with what has happened to them; read from one snapshot.
    ///
    /// # Errors
    /// The store's.
    pub async fn assertion_histories(
        &self,
        tenant: TenantId,
        patient: &PatientId,
        care_provider: Option<&HsaId>,
    ) -> Result<Vec<StoredAssertion>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "/* assertion_histories */ set transaction isolation level repeatable read, read only",
        )
        .execute(&mut *transaction)
        .await?;
        let sql = format!(
            "/* assertion_histories */ select {COLUMNS} from assertions
             where tenant_id = $1 and patient_key = $2 and ($3::text is null or provider_key = $3)
             order by assertion_number"
        );
        let rows = sqlx::query(&sql)
            .bind(tenant.0)
            .bind(patient.key())
            .bind(care_provider.map(HsaId::key))
            .fetch_all(&mut *transaction)
            .await?;
        histories(&mut transaction, &rows).await
    }
}

impl Change {
    /// An assertion with what has happened to it, if the tenant has it.
    ///
    /// # Errors
    /// The store's.
    pub async fn assertion(
        &mut self,
        id: &RecordId,
    ) -> Result<Option<StoredAssertion>, StoreError> {
        let sql = format!(
            "/* assertion */ select {COLUMNS} from assertions where tenant_id = $1 and assertion_key = $2"
        );
        let rows = sqlx::query(&sql)
            .bind(self.tenant.0)
            .bind(id.key())
            .fetch_all(&mut *self.transaction)
            .await?;
        Ok(histories(&mut self.transaction, &rows).await?.pop())
    }

    /// Staff end an assertion.
    ///
    /// # Errors
    /// The store's.
    pub async fn cancel_assertion(
        &mut self,
        number: AssertionNumber,
        action: &Action,
    ) -> Result<(), StoreError> {
        self.mark_assertion_removed(number).await?;
        self.insert_assertion_action(number, "cancel", action).await
    }

    /// An assertion is annulled.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_assertion(
        &mut self,
        number: AssertionNumber,
        action: &Action,
    ) -> Result<(), StoreError> {
        self.mark_assertion_removed(number).await?;
        self.insert_assertion_action(number, "delete", action).await
    }

    async fn mark_assertion_removed(&mut self, number: AssertionNumber) -> Result<(), StoreError> {
        sqlx::query("/* mark_assertion_removed */ update assertions set removed_at = $2 where assertion_number = $1")
            .bind(number.0)
            .bind(self.stored_at())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    /// The patient sets the last moment of validity.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_assertion_by_patient(
        &mut self,
        number: AssertionNumber,
        end: Timestamp,
        wish: &PatientWish,
        caller: Option<&str>,
    ) -> Result<(), StoreError> {
        let (root, extension) = wish.represented_by.clone().unzip();
        sqlx::query(
            "/* end_assertion_by_patient */ with wish as (
                insert into patient_ends (assertion_number, requested_end_at, end_at, previous_end_at,
                    represented_by_root, represented_by_extension, caller_id, stored_at)
                select $1, $3, $2, end_at, $4, $5, $6, $7 from assertions where assertion_number = $1)
             update assertions set end_at = $2, patient_ended_at = $7,
                original_end_at = case when patient_ended_at is null then end_at else original_end_at end
             where assertion_number = $1",
        )
        .bind(number.0)
        .bind(end)
        .bind(wish.end)
        .bind(root)
        .bind(extension.flatten())
        .bind(caller)
        .bind(self.stored_at())
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }
}

async fn histories(
    connection: &mut PgConnection,
    rows: &[PgRow],
) -> Result<Vec<StoredAssertion>, StoreError> {
    let numbers: Vec<i64> = rows.iter().map(|row| row.try_get(12)).collect::<Result<_, _>>()?;
    let actions = sqlx::query(
        "/* assertion_actions */ select assertion_number, kind, requested_at,
            requested_by_employee_id, requested_by_assignment_id, requested_by_assignment_name,
            registered_at, registered_by_employee_id, registered_by_assignment_id,
            registered_by_assignment_name, reason_text
         from assertion_actions where assertion_number = any($1)",
    )
    .bind(&numbers)
    .fetch_all(&mut *connection)
    .await?;
    let wishes = sqlx::query(
        "/* patient_ends */ select distinct on (assertion_number) assertion_number, requested_end_at,
            represented_by_root, represented_by_extension
         from patient_ends where assertion_number = any($1)
         order by assertion_number, patient_end_number desc",
    )
    .bind(&numbers)
    .fetch_all(&mut *connection)
    .await?;
    let mut found = Vec::new();
    for (row, number) in rows.iter().zip(numbers) {
        let of_kind = |kind: &str| -> Result<Option<Action>, StoreError> {
            for action in &actions {
                if action.try_get::<i64, _>(0)? == number && action.try_get::<&str, _>(1)? == kind {
                    return Ok(Some(action_of(action, 2)?));
                }
            }
            Ok(None)
        };
        let no_action = StoreError::Inconsistent { table: "assertion_actions", what: "register" };
        let mut ended_by_patient = None;
        for wish in &wishes {
            if wish.try_get::<i64, _>(0)? == number {
                ended_by_patient = Some(PatientWish {
                    end: wish.try_get(1)?,
                    represented_by: representative(wish, 2)?,
                });
            }
        }
        found.push(StoredAssertion {
            number: AssertionNumber(number),
            history: AssertionHistory {
                registration: Registration {
                    assertion: assertion_of(row)?,
                    represented_by: representative(row, 13)?,
                    action: of_kind("register")?.ok_or(no_action)?,
                },
                cancelled: of_kind("cancel")?,
                deleted: of_kind("delete")?,
                ended_by_patient,
            },
            owner_id: row.try_get(15)?,
            source: row.try_get(16)?,
        });
    }
    Ok(found)
}

fn representative(row: &PgRow, at: usize) -> Result<Option<Representative>, StoreError> {
    let root: Option<String> = row.try_get(at)?;
    Ok(match root {
        Some(root) => Some((root, row.try_get(at + 1)?)),
        None => None,
    })
}
