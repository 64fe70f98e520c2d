//! Reads for those who administer blocks: patients with blocks, and full histories.

use super::block_changes::{actions, revoke_history};
use super::blocks::{COLUMNS, block_of};
use super::{Store, StoreError, TenantId};
use crate::domain::block_change::Registration;
use crate::domain::block_lifecycle::{BlockHistory, RevokeHistory};
use crate::domain::identity::{HsaId, PatientId};
use sqlx::Row;

impl Store {
    /// The patients who have an active block at the care provider, each once.
    ///
    /// # Errors
    /// The store's.
    pub async fn patients_with_blocks(
        &self,
        tenant: TenantId,
        care_provider: &HsaId,
    ) -> Result<Vec<PatientId>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "/* patients_with_blocks */ select distinct on (patient_key) patient_root, patient_extension
             from blocks where tenant_id = $1 and provider_key = $2 and removed_at is null
             order by patient_key, block_number",
        )
        .bind(tenant.0)
        .bind(care_provider.key())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().filter_map(|(root, extension)| PatientId::new(root, extension)).collect())
    }

    /// Every block that was registered here with who asked and who registered, for one patient
    /// at one care provider, removed ones too, each with every temporary revoke it has had.
    ///
    /// # Errors
    /// The store's.
    pub async fn block_histories(
        &self,
        tenant: TenantId,
        care_provider: &HsaId,
        patient: &PatientId,
    ) -> Result<Vec<(BlockHistory, Vec<RevokeHistory>)>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "/* block_histories */ set transaction isolation level repeatable read, read only",
        )
        .execute(&mut *transaction)
        .await?;
        let sql = format!(
            "/* block_histories */ select {COLUMNS} from blocks b left join temporary_revokes r on false
             where b.tenant_id = $1 and b.patient_key = $2 and b.provider_key = $3 and b.extended"
        );
        let rows = sqlx::query(&sql)
            .bind(tenant.0)
            .bind(patient.key())
            .bind(care_provider.key())
            .fetch_all(&mut *transaction)
            .await?;
        let numbers: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let revokes = sqlx::query(
            "/* block_histories_revokes */ select r.block_number, r.revoke_number, r.revoke_id, r.end_at,
                r.care_unit_id, r.employee_id, r.owner_id, r.cancelled_at is not null, r.reason,
                r.reason_text, b.block_id
             from temporary_revokes r join blocks b using (block_number)
             where r.block_number = any($1) order by r.revoke_number",
        )
        .bind(&numbers)
        .fetch_all(&mut *transaction)
        .await?;
        let actions = actions(&mut transaction, &numbers).await?;
        let mut histories = Vec::new();
        for (row, number) in rows.iter().zip(&numbers) {
            let mut of_block = Vec::new();
            for revoke in &revokes {
                let (block, own): (i64, i64) = (revoke.try_get(0)?, revoke.try_get(1)?);
                if block == *number {
                    let own = actions.iter().filter(|a| a.revoke_number == own);
                    of_block.push(revoke_history(revoke, own)?);
                }
            }
            let registration = Registration { block: block_of(row)?, action: None };
            histories.push((BlockHistory { registration, revoked: None, deleted: None }, of_block));
        }
        for action in actions.into_iter().filter(|a| a.revoke_number == 0) {
            let at = numbers.iter().position(|n| *n == action.block_number);
            if let Some((history, _)) = at.and_then(|at| histories.get_mut(at)) {
                action.add_to(history);
            }
        }
        Ok(histories)
    }
}
