//! Changes of blocks and temporary revokes, and what is known of them before.

use super::blocks::{BLOCK_COLUMNS, BlockRow};
use super::history::{REVOKE_COLUMNS, RevokeRow, actions, block_history, revoke_history};
use crate::domain::blocking::block::{BlockContent, Guards, InformationType};
use crate::domain::blocking::history::RevokeReason;
use crate::domain::blocking::history::{BlockHistory, Removal, RevokeHistory};
use crate::domain::blocking::registration::{BlockRegistration, RevokeRegistration};
use crate::domain::identity::{Action, HsaId, RecordId};
use crate::store::actions::{ACTION_COLUMNS, bind_action};
use crate::store::change::Change;
use crate::store::error::{StoreError, ensure_one};
use sqlx::FromRow;

/// The stored block that a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockNumber(pub(super) i64);

/// The stored temporary revoke that a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokeNumber(pub(super) i64);

/// How a block is taken away.
#[derive(Debug, Clone, Copy)]
pub enum RemoveBlock<'r> {
    /// For good, on the patient's wish.
    Revoke(&'r Removal),
    /// It was a mistake.
    Delete(&'r Removal),
    /// The original is gone; the temporary revokes of the copy go with it.
    Unregister,
}

impl Change {
    /// A block with what has happened to it, if the tenant has it: of copies that were stored anew
    /// the latest.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_block(
        &mut self,
        id: &RecordId,
    ) -> Result<Option<(BlockNumber, BlockHistory)>, StoreError> {
        let sql = format!(
            "/* find_block */ select {BLOCK_COLUMNS} from blocks b
             where b.tenant_id = $1 and b.block_key = $2 order by b.block_number desc limit 1"
        );
        let row = sqlx::query(&sql)
            .bind(self.tenant.0)
            .bind(id.key())
            .fetch_optional(&mut *self.transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let row = BlockRow::from_row(&row)?;
        let number = row.block_number;
        let mut actions = actions(&mut self.transaction, &[number]).await?;
        Ok(Some((BlockNumber(number), block_history(row, &mut actions)?)))
    }

    /// A temporary revoke with what has happened to it, if the tenant has it.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_revoke(
        &mut self,
        id: &RecordId,
    ) -> Result<Option<(BlockNumber, RevokeNumber, RevokeHistory)>, StoreError> {
        Ok(self.find_revokes(&[id]).await?.pop())
    }

    /// Those temporary revokes that the tenant has, with what has happened to them: of copies that
    /// were stored anew the latest.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_revokes(
        &mut self,
        ids: &[&RecordId],
    ) -> Result<Vec<(BlockNumber, RevokeNumber, RevokeHistory)>, StoreError> {
        let sql = format!(
            "/* find_revokes */ select distinct on (r.revoke_key) {REVOKE_COLUMNS}
             from temporary_revokes r join blocks b using (block_number)
             where r.tenant_id = $1 and r.revoke_key = any($2)
             order by r.revoke_key, r.revoke_number desc"
        );
        let keys: Vec<String> = ids.iter().map(|id| id.key()).collect();
        let rows =
            sqlx::query(&sql).bind(self.tenant.0).bind(keys).fetch_all(&mut *self.transaction);
        let rows = rows.await?;
        let rows: Vec<RevokeRow<'_>> =
            rows.iter().map(RevokeRow::from_row).collect::<Result<_, _>>()?;
        let blocks: Vec<i64> = rows.iter().map(|row| row.block_number).collect();
        let mut actions = actions(&mut self.transaction, &blocks).await?;
        let known = |row: RevokeRow<'_>| {
            let (block, number) = (BlockNumber(row.block_number), RevokeNumber(row.revoke_number));
            Ok((block, number, revoke_history(row, &mut actions)?))
        };
        rows.into_iter().map(known).collect()
    }

    /// The temporary revokes of a block that are not cancelled.
    ///
    /// # Errors
    /// The store's.
    pub async fn standing_revokes(
        &mut self,
        block: BlockNumber,
    ) -> Result<Vec<(RevokeNumber, RevokeHistory)>, StoreError> {
        let sql = format!(
            "/* standing_revokes */ select {REVOKE_COLUMNS}
             from temporary_revokes r join blocks b using (block_number)
             where r.block_number = $1 and r.cancelled_at is null order by r.revoke_number"
        );
        let rows = sqlx::query(&sql).bind(block.0).fetch_all(&mut *self.transaction).await?;
        let mut actions = actions(&mut self.transaction, &[block.0]).await?;
        let mut found = Vec::new();
        for row in &rows {
            let row = RevokeRow::from_row(row)?;
            let number = RevokeNumber(row.revoke_number);
            found.push((number, revoke_history(row, &mut actions)?));
        }
        Ok(found)
    }

    /// Whether a block in force closes the same.
    ///
    /// # Errors
    /// The store's.
    pub async fn has_standing_block(&mut self, content: &BlockContent) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar(
            "/* has_standing_block */ select exists (select from blocks
                where tenant_id = $1 and patient_key = $2 and provider_key = $3 and removed_at is null
                  and lower(btrim(information_care_unit_id)) is not distinct from $4
                  and information_start_at is not distinct from $5 and information_end_at is not distinct from $6
                  and exempts_lak = $7 and exempts_upp = $8)",
        )
        .bind(self.tenant.0)
        .bind(content.patient.key())
        .bind(content.guards.provider().key())
        .bind(content.guards.unit().map(HsaId::key))
        .bind(content.period.start)
        .bind(content.period.end)
        .bind(content.exempted.contains(&InformationType::Lak))
        .bind(content.exempted.contains(&InformationType::Upp))
        .fetch_one(&mut *self.transaction)
        .await?;
        Ok(found)
    }

    /// Stores a block.
    ///
    /// # Errors
    /// The store's; one with the same id that stands, or stands as history for good, among them.
    pub async fn insert_block(
        &mut self,
        new: &BlockRegistration,
    ) -> Result<BlockNumber, StoreError> {
        let content = &new.content;
        let number: i64 = sqlx::query_scalar(
            "/* insert_block */ insert into blocks (tenant_id, block_key, block_id, block_type,
                patient_key, patient_root, patient_extension, information_start_at,
                information_end_at, information_care_unit_id, information_care_provider_id,
                provider_key, exempts_lak, exempts_upp, owner_id, extended, stored_at, changed_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)
             returning block_number",
        )
        .bind(self.tenant.0)
        .bind(new.id.key())
        .bind(new.id.as_str())
        .bind(match content.guards {
            Guards::Unit { .. } => "Inner",
            Guards::Provider(_) => "Outer",
        })
        .bind(content.patient.key())
        .bind(content.patient.root())
        .bind(content.patient.extension())
        .bind(content.period.start)
        .bind(content.period.end)
        .bind(content.guards.unit().map(HsaId::as_str))
        .bind(content.guards.provider().as_str())
        .bind(content.guards.provider().key())
        .bind(content.exempted.contains(&InformationType::Lak))
        .bind(content.exempted.contains(&InformationType::Upp))
        .bind(new.owner_id.as_deref())
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
        removal: RemoveBlock<'_>,
    ) -> Result<(), StoreError> {
        let told_at = self.removal_told_at().await?;
        let done = sqlx::query(
            "/* remove_block */ update blocks set removed_at = $2, changed_at = $2, removal_told_at = $3,
                first_removed_at = coalesce(first_removed_at, case when removed_at is null then $2 end)
             where block_number = $1",
        )
        .bind(number.0)
        .bind(self.stored_at())
        .bind(told_at)
        .execute(&mut *self.transaction)
        .await?;
        ensure_one(&done, "remove_block")?;
        match removal {
            RemoveBlock::Revoke(removal) => self.insert_removal(number, 0, "revoke", removal).await,
            RemoveBlock::Delete(removal) => self.insert_removal(number, 0, "delete", removal).await,
            RemoveBlock::Unregister => {
                sqlx::query(
                    "/* remove_block */ update temporary_revokes set cancelled_at = $2
                     where block_number = $1 and cancelled_at is null",
                )
                .bind(number.0)
                .bind(self.stored_at())
                .execute(&mut *self.transaction)
                .await?;
                Ok(())
            }
        }
    }

    /// Stores a temporary revoke of a block.
    ///
    /// # Errors
    /// The store's.
    pub async fn insert_revoke(
        &mut self,
        block: BlockNumber,
        new: &RevokeRegistration,
    ) -> Result<RevokeNumber, StoreError> {
        let (lift, details) = (&new.lift, new.details.as_ref());
        let number: i64 = sqlx::query_scalar(
            "/* insert_revoke */ insert into temporary_revokes (tenant_id, revoke_key, revoke_id,
                block_number, end_at, care_unit_id, employee_id, reason, reason_text, owner_id,
                extended, stored_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning revoke_number",
        )
        .bind(self.tenant.0)
        .bind(new.id.key())
        .bind(new.id.as_str())
        .bind(block.0)
        .bind(lift.end)
        .bind(lift.care_unit.as_str())
        .bind(lift.employee.as_ref().map(HsaId::as_str))
        .bind(details.map(|d| match d.reason {
            RevokeReason::PatientsConsent => "PatientsConsent",
            RevokeReason::Emergency => "Emergency",
        }))
        .bind(details.and_then(|d| d.reason_text.as_deref()))
        .bind(new.owner_id.as_deref())
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

    /// Stores the copies of temporary revokes of a block, all in one statement: others wait.
    ///
    /// # Errors
    /// The store's.
    pub async fn insert_copied_revokes(
        &mut self,
        block: BlockNumber,
        new: &[&RevokeRegistration],
    ) -> Result<(), StoreError> {
        if new.is_empty() {
            return Ok(());
        }
        let column = |of: fn(&RevokeRegistration) -> Option<String>| {
            new.iter().map(|new| of(new)).collect::<Vec<_>>()
        };
        let done = sqlx::query(
            "/* insert_copied_revokes */ insert into temporary_revokes (tenant_id, revoke_key,
                revoke_id, block_number, end_at, care_unit_id, employee_id, owner_id, extended,
                stored_at)
             select $1, n.key, n.id, $2, n.end_at, n.unit, n.employee, n.owner, false, $3
             from unnest($4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::text[])
                with ordinality as n (key, id, end_at, unit, employee, owner, place)
             order by n.place",
        )
        .bind(self.tenant.0)
        .bind(block.0)
        .bind(self.stored_at())
        .bind(column(|new| Some(new.id.key())))
        .bind(column(|new| Some(new.id.as_str().to_owned())))
        .bind(new.iter().map(|new| new.lift.end).collect::<Vec<_>>())
        .bind(column(|new| Some(new.lift.care_unit.as_str().to_owned())))
        .bind(column(|new| new.lift.employee.as_ref().map(|id| id.as_str().to_owned())))
        .bind(column(|new| new.owner_id.clone()))
        .execute(&mut *self.transaction)
        .await?;
        match done.rows_affected() {
            rows if rows == new.len() as u64 => self.touch(block).await,
            rows => Err(StoreError::RowCount { what: "insert_copied_revokes", rows }),
        }
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
        let done = sqlx::query(
            "/* cancel_revoke */ update temporary_revokes set cancelled_at = $2
             where revoke_number = $1 and cancelled_at is null",
        )
        .bind(number.0)
        .bind(self.stored_at())
        .execute(&mut *self.transaction)
        .await?;
        ensure_one(&done, "cancel_revoke")?;
        if let Some(removal) = removal {
            self.insert_removal(block, number.0, "cancel", removal).await?;
        }
        self.touch(block).await
    }

    /// Marks the block as changed, for those who follow with a cursor.
    async fn touch(&mut self, block: BlockNumber) -> Result<(), StoreError> {
        let done =
            sqlx::query("/* touch */ update blocks set changed_at = $2 where block_number = $1")
                .bind(block.0)
                .bind(self.stored_at())
                .execute(&mut *self.transaction)
                .await?;
        ensure_one(&done, "touch")
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
        let sql = format!(
            "/* insert_action */ insert into block_actions (block_number, revoke_number, kind,
                separate_reason_text, {ACTION_COLUMNS})
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        );
        let query = sqlx::query(&sql).bind(block.0).bind(revoke).bind(kind).bind(separate_reason);
        let done = bind_action(query, action).execute(&mut *self.transaction).await?;
        ensure_one(&done, "insert_action")
    }
}
