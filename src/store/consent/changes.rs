//! Changes of assertions, and what is known of them before.

use super::assertions::{ASSERTION_COLUMNS, AssertionNumber};
use super::history::histories;
use crate::domain::consent::assertion::{AssertionType, PatientEnd, Start};
use crate::domain::consent::lifecycle::{AssertionHistory, PatientWish};
use crate::domain::consent::registration::AssertionRegistration;
use crate::domain::identity::{Action, HsaId, RecordId};
use crate::store::actions::{ACTION_COLUMNS, bind_action};
use crate::store::change::Change;
use crate::store::error::{StoreError, ensure_one};

impl Change {
    /// An assertion with what has happened to it, if the tenant has it.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_assertion(
        &mut self,
        id: &RecordId,
    ) -> Result<Option<(AssertionNumber, AssertionHistory)>, StoreError> {
        let sql = format!(
            "/* find_assertion */ select {ASSERTION_COLUMNS} from assertions
             where tenant_id = $1 and assertion_key = $2"
        );
        let rows = sqlx::query(&sql)
            .bind(self.tenant.0)
            .bind(id.key())
            .fetch_all(&mut *self.transaction)
            .await?;
        Ok(histories(&mut self.transaction, &rows).await?.pop())
    }

    /// Stores an assertion that the tenant does not have.
    ///
    /// # Errors
    /// The store's.
    pub async fn insert_assertion(
        &mut self,
        new: &AssertionRegistration,
        start: Start,
        source: Option<&HsaId>,
    ) -> Result<AssertionNumber, StoreError> {
        let content = &new.content;
        let (start, given) = match start {
            Start::AtOnce => (self.stored_at(), false),
            Start::At(start) => (start, true),
        };
        let number: i64 = sqlx::query_scalar(
            "/* insert_assertion */ insert into assertions (tenant_id, assertion_key, assertion_id,
                assertion_type, patient_key, patient_root, patient_extension, care_provider_id,
                provider_key, care_unit_id, employee_id, start_at, start_given, requested_start_at,
                end_at, represented_by_root, represented_by_extension, owner_id, stored_at, source)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
             returning assertion_number",
        )
        .bind(self.tenant.0)
        .bind(new.id.key())
        .bind(new.id.as_str())
        .bind(match content.assertion_type {
            AssertionType::Consent => "Consent",
            AssertionType::Emergency => "Emergency",
        })
        .bind(content.patient.key())
        .bind(content.patient.root())
        .bind(content.patient.extension())
        .bind(content.care_provider.as_str())
        .bind(content.care_provider.key())
        .bind(content.care_unit.as_str())
        .bind(content.employee.as_ref().map(HsaId::as_str))
        .bind(start)
        .bind(given)
        .bind(content.start)
        .bind(content.end)
        .bind(content.represented_by.as_ref().map(|(root, _)| root))
        .bind(content.represented_by.as_ref().and_then(|(_, extension)| extension.as_ref()))
        .bind(new.owner_id.as_deref())
        .bind(self.stored_at())
        .bind(source.map(HsaId::as_str))
        .fetch_one(&mut *self.transaction)
        .await?;
        let number = AssertionNumber(number);
        self.insert_assertion_action(number, "register", &new.action).await?;
        Ok(number)
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
        let done = sqlx::query(
            "/* mark_assertion_removed */ update assertions set removed_at = $2,
                first_removed_at = coalesce(first_removed_at, case when removed_at is null then $2 end)
             where assertion_number = $1",
        )
        .bind(number.0)
        .bind(self.stored_at())
        .execute(&mut *self.transaction)
        .await?;
        ensure_one(&done, "mark_assertion_removed")
    }

    /// The patient sets the last moment of validity.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_assertion_by_patient(
        &mut self,
        number: AssertionNumber,
        set: PatientEnd,
        wish: &PatientWish,
        caller: Option<&str>,
    ) -> Result<(), StoreError> {
        let (root, extension) = wish.represented_by.clone().unzip();
        let done = sqlx::query(
            "/* end_assertion_by_patient */ with wish as (
                insert into patient_ends (assertion_number, requested_end_at, end_at, previous_end_at,
                    represented_by_root, represented_by_extension, caller_id, stored_at, at_once)
                select $1, $3, $2, end_at, $4, $5, $6, $7, $8 from assertions where assertion_number = $1)
             update assertions set end_at = $2, patient_ended_at = $7, ended_at_once = $8,
                original_end_at = case when patient_ended_at is null then end_at else original_end_at end
             where assertion_number = $1",
        )
        .bind(number.0)
        .bind(set.end)
        .bind(wish.end)
        .bind(root)
        .bind(extension.flatten())
        .bind(caller)
        .bind(set.stored_at)
        .bind(set.at_once)
        .execute(&mut *self.transaction)
        .await?;
        ensure_one(&done, "end_assertion_by_patient")
    }

    async fn insert_assertion_action(
        &mut self,
        number: AssertionNumber,
        kind: &'static str,
        action: &Action,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "/* insert_assertion_action */ insert into assertion_actions (assertion_number, kind,
                {ACTION_COLUMNS})
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        );
        let query = sqlx::query(&sql).bind(number.0).bind(kind);
        let done = bind_action(query, action).execute(&mut *self.transaction).await?;
        ensure_one(&done, "insert_assertion_action")
    }
}
