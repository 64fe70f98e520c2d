//! Changes of blocks and temporary revokes, and what is known of them before.

use super::actions::{action_of, bind_action};
use super::blocks::{COLUMNS, block_of, hsa_id, record_id};
use super::{Change, StoreError};
use crate::domain::block::{BlockType, InformationType, TemporaryRevoke};
use crate::domain::block_change::Registration;
use crate::domain::block_lifecycle::{
    BlockHistory, Removal, RevokeDetails, RevokeHistory, RevokeReason,
};
use crate::domain::identity::{Action, HsaId, RecordId};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

/// The stored block that a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockNumber(pub(super) i64);

/// The stored temporary revoke that a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokeNumber(pub(super) i64);

/// How a block is taken away.
#[derive(Debug, Clone, Copy)]
pub enum BlockRemoval<'r> {
    /// For good, on the patient's wish.
    Revoke(&'r Removal),
    /// It was a mistake.
    Delete(&'r Removal),
    /// The original is gone.
    Unregister,
}

impl Change {
    /// A block with what has happened to it, if the tenant has it.
    ///
    /// # Errors
    /// The store's.
    pub async fn block(
        &mut self,
        id: &RecordId,
    ) -> Result<Option<(BlockNumber, BlockHistory)>, StoreError> {
        let sql = format!(
            "/* block */ select {COLUMNS} from blocks b left join temporary_revokes r on false
             where b.tenant_id = $1 and b.block_key = $2"
        );
        let row = sqlx::query(&sql)
            .bind(self.tenant.0)
            .bind(id.key())
            .fetch_optional(&mut *self.transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let number = row.try_get(0)?;
        let mut history = BlockHistory {
            registration: Registration { block: block_of(&row)?, action: None },
            revoked: None,
            deleted: None,
        };
        for action in actions(&mut self.transaction, &[number]).await? {
            if action.revoke_number == 0 {
                action.add_to(&mut history);
            }
        }
        Ok(Some((BlockNumber(number), history)))
    }

    /// A temporary revoke with what has happened to it, if the tenant has it.
    ///
    /// # Errors
    /// The store's.
    pub async fn revoke(
        &mut self,
        id: &RecordId,
    ) -> Result<Option<(BlockNumber, RevokeNumber, RevokeHistory)>, StoreError> {
        let row = sqlx::query(
            "/* revoke */ select r.block_number, r.revoke_number, r.revoke_id, r.end_at, r.care_unit_id,
                r.employee_id, r.owner_id, r.cancelled_at is not null, r.reason, r.reason_text, b.block_id
             from temporary_revokes r join blocks b using (block_number)
             where r.tenant_id = $1 and r.revoke_key = $2",
        )
        .bind(self.tenant.0)
        .bind(id.key())
        .fetch_optional(&mut *self.transaction)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (block, number): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let all = actions(&mut self.transaction, &[block]).await?;
        let history = revoke_history(&row, all.iter().filter(|a| a.revoke_number == number))?;
        Ok(Some((BlockNumber(block), RevokeNumber(number), history)))
    }

    /// Stores a block that the tenant does not have.
    ///
    /// # Errors
    /// The store's.
    pub async fn insert_block(&mut self, new: &Registration) -> Result<BlockNumber, StoreError> {
        let block = &new.block;
        let number: i64 = sqlx::query_scalar(
            "/* insert_block */ insert into blocks (tenant_id, block_key, block_id, block_type,
                patient_key, patient_root, patient_extension, information_start_at,
                information_end_at, information_care_unit_id, information_care_provider_id,
                provider_key, exempts_lak, exempts_upp, owner_id, extended, stored_at, changed_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)
             returning block_number",
        )
        .bind(self.tenant.0)
        .bind(block.id.key())
        .bind(block.id.as_str())
        .bind(match block.block_type {
            BlockType::Inner => "Inner",
            BlockType::Outer => "Outer",
        })
        .bind(block.patient.key())
        .bind(block.patient.root())
        .bind(block.patient.extension())
        .bind(block.period.start)
        .bind(block.period.end)
        .bind(block.care_unit.as_ref().map(HsaId::as_str))
        .bind(block.care_provider.as_str())
        .bind(block.care_provider.key())
        .bind(block.exempted.contains(&InformationType::Lak))
        .bind(block.exempted.contains(&InformationType::Upp))
        .bind(block.owner_id.as_deref())
        .bind(new.action.is_some())
        .bind(self.stored_at())
        .fetch_one(&mut *self.transaction)
        .await?;
        let number = BlockNumber(number);
        if let Some(action) = &new.action {
            self.insert_action(number, 0, "register", action, None).await?;
        }
        Ok(number)
    }

    /// Takes a block away.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove_block(
        &mut self,
        number: BlockNumber,
        removal: BlockRemoval<'_>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* remove_block */ update blocks set removed_at = $2, changed_at = $2 where block_number = $1",
        )
        .bind(number.0)
        .bind(self.stored_at())
        .execute(&mut *self.transaction)
        .await?;
        match removal {
            BlockRemoval::Revoke(removal) => {
                self.insert_removal(number, 0, "revoke", removal).await
            }
            BlockRemoval::Delete(removal) => {
                self.insert_removal(number, 0, "delete", removal).await
            }
            BlockRemoval::Unregister => Ok(()),
        }
    }

    /// Stores a temporary revoke of a block.
    ///
    /// # Errors
    /// The store's.
    pub async fn insert_revoke(
        &mut self,
        block: BlockNumber,
        new: &RevokeHistory,
    ) -> Result<RevokeNumber, StoreError> {
        let (revoke, details) = (&new.revoke, new.details.as_ref());
        let number: i64 = sqlx::query_scalar(
            "/* insert_revoke */ insert into temporary_revokes (tenant_id, revoke_key, revoke_id,
                block_number, end_at, care_unit_id, employee_id, reason, reason_text, owner_id,
                extended, stored_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning revoke_number",
        )
        .bind(self.tenant.0)
        .bind(revoke.id.key())
        .bind(revoke.id.as_str())
        .bind(block.0)
        .bind(revoke.end)
        .bind(revoke.care_unit.as_str())
        .bind(revoke.employee.as_ref().map(HsaId::as_str))
        .bind(details.map(|d| match d.reason {
            RevokeReason::PatientsConsent => "PatientsConsent",
            RevokeReason::Emergency => "Emergency",
        }))
        .bind(details.and_then(|d| d.reason_text.as_deref()))
        .bind(revoke.owner_id.as_deref())
        .bind(details.is_some())
        .bind(self.stored_at())
        .fetch_one(&mut *self.transaction)
        .await?;
        if let Some(details) = details {
            self.insert_action(block, number, "register", &details.action, None).await?;
        }
        self.touch(block).await?;
        Ok(RevokeNumber(number))
    }

    /// Takes a temporary revoke back.
    ///
    /// # Errors
    /// The store's.
    pub async fn cancel_revoke(
        &mut self,
        block: BlockNumber,
        number: RevokeNumber,
        removal: Option<&Removal>,
    ) -> Result<(), StoreError> {
        sqlx::query("/* cancel_revoke */ update temporary_revokes set cancelled_at = $2 where revoke_number = $1")
            .bind(number.0)
            .bind(self.stored_at())
            .execute(&mut *self.transaction)
            .await?;
        if let Some(removal) = removal {
            self.insert_removal(block, number.0, "cancel", removal).await?;
        }
        self.touch(block).await
    }

    /// Marks the block as changed, for those who follow with a cursor.
    async fn touch(&mut self, block: BlockNumber) -> Result<(), StoreError> {
        sqlx::query("/* touch */ update blocks set changed_at = $2 where block_number = $1")
            .bind(block.0)
            .bind(self.stored_at())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }

    async fn insert_removal(
        &mut self,
        block: BlockNumber,
        revoke: i64,
        kind: &str,
        removal: &Removal,
    ) -> Result<(), StoreError> {
        self.insert_action(block, revoke, kind, &removal.action, removal.reason.as_deref()).await
    }

    async fn insert_action(
        &mut self,
        block: BlockNumber,
        revoke: i64,
        kind: &str,
        action: &Action,
        separate_reason: Option<&str>,
    ) -> Result<(), StoreError> {
        const SQL: &str =
            "/* insert_action */ insert into block_actions (block_number, revoke_number,
                kind, separate_reason_text, requested_at, requested_by_employee_id,
                requested_by_assignment_id, requested_by_assignment_name, registered_at,
                registered_by_employee_id, registered_by_assignment_id,
                registered_by_assignment_name, reason_text)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
        let query = sqlx::query(SQL).bind(block.0).bind(revoke).bind(kind).bind(separate_reason);
        bind_action(query, action).execute(&mut *self.transaction).await?;
        Ok(())
    }
}

/// An action that was stored with a block.
pub(super) struct StoredAction {
    pub block_number: i64,
    /// 0 when the action is about the block itself.
    pub revoke_number: i64,
    kind: String,
    removal: Removal,
}

impl StoredAction {
    pub fn add_to(self, history: &mut BlockHistory) {
        match self.kind.as_str() {
            "register" => history.registration.action = Some(self.removal.action),
            "revoke" => history.revoked = Some(self.removal),
            _ => history.deleted = Some(self.removal),
        }
    }
}

/// Every action of these blocks and their revokes.
pub(super) async fn actions(
    connection: &mut PgConnection,
    blocks: &[i64],
) -> Result<Vec<StoredAction>, StoreError> {
    let rows = sqlx::query(
        "/* actions */ select block_number, revoke_number, kind, separate_reason_text, requested_at,
            requested_by_employee_id, requested_by_assignment_id, requested_by_assignment_name,
            registered_at, registered_by_employee_id, registered_by_assignment_id,
            registered_by_assignment_name, reason_text
         from block_actions where block_number = any($1)",
    )
    .bind(blocks)
    .fetch_all(connection)
    .await?;
    let action = |row: &PgRow| -> Result<StoredAction, StoreError> {
        Ok(StoredAction {
            block_number: row.try_get(0)?,
            revoke_number: row.try_get(1)?,
            kind: row.try_get(2)?,
            removal: Removal { action: action_of(row, 4)?, reason: row.try_get(3)? },
        })
    };
    rows.iter().map(action).collect()
}

/// A row of (block_number, revoke_number, revoke_id, end_at, care_unit_id, employee_id, owner_id,
/// cancelled, reason, reason_text, block_id) with its actions.
pub(super) fn revoke_history<'a>(
    row: &PgRow,
    actions: impl Iterator<Item = &'a StoredAction>,
) -> Result<RevokeHistory, StoreError> {
    let (mut registered, mut cancelled) = (None, None);
    for action in actions {
        match action.kind.as_str() {
            "register" => registered = Some(action.removal.action.clone()),
            _ => cancelled = Some(action.removal.clone()),
        }
    }
    let reason = match row.try_get(8)? {
        Some("PatientsConsent") => Some(RevokeReason::PatientsConsent),
        Some("Emergency") => Some(RevokeReason::Emergency),
        None => None,
        Some(_) => {
            return Err(StoreError::Inconsistent { table: "temporary_revokes", what: "reason" });
        }
    };
    let reason_text = row.try_get(9)?;
    Ok(RevokeHistory {
        revoke: TemporaryRevoke {
            id: record_id(row.try_get(2)?, "temporary_revokes")?,
            end: row.try_get(3)?,
            care_unit: hsa_id(row.try_get(4)?, "temporary_revokes")?,
            employee: row.try_get::<Option<&str>, _>(5)?.and_then(HsaId::new),
            owner_id: row.try_get(6)?,
            cancelled: row.try_get(7)?,
        },
        block: record_id(row.try_get(10)?, "blocks")?,
        details: reason.zip(registered).map(|(reason, action)| RevokeDetails {
            reason,
            reason_text,
            action,
        }),
        cancelled,
    })
}
