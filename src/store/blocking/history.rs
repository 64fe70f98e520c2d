//! What has happened to blocks and temporary revokes: rows to histories.

use super::blocks::{BLOCK_COLUMNS, BlockRow};
use crate::domain::blocking::block::{Lift, TemporaryRevoke};
use crate::domain::blocking::history::{BlockHistory, BlockRemoval, Removal, RevokeHistory};
use crate::domain::blocking::history::{RevokeDetails, RevokeReason};
use crate::domain::identity::{Action, HsaId, PatientId};
use crate::domain::time::Timestamp;
use crate::store::actions::{ACTION_COLUMNS, ActionRow};
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::long_reads::{Found, read_snapshot};
use crate::store::readers::ACQUIRE_TIMEOUT;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection};
use std::collections::HashMap;

/// The columns of a temporary revoke with its block's id.
pub(super) const REVOKE_COLUMNS: &str = "r.revoke_number, r.block_number, r.revoke_id, b.block_id,
    r.end_at, r.care_unit_id, r.employee_id, r.reason, r.reason_text, r.owner_id, r.extended,
    r.stored_at, r.cancelled_at";

/// A row of `temporary_revokes`, with its block's id.
#[derive(FromRow)]
pub(super) struct RevokeRow<'r> {
    pub revoke_number: i64,
    pub block_number: i64,
    revoke_id: &'r str,
    block_id: &'r str,
    end_at: Timestamp,
    care_unit_id: &'r str,
    employee_id: Option<&'r str>,
    reason: Option<&'r str>,
    reason_text: Option<String>,
    owner_id: Option<String>,
    extended: bool,
    stored_at: Timestamp,
    cancelled_at: Option<Timestamp>,
}

impl RevokeRow<'_> {
    /// The temporary revoke alone.
    pub fn revoke(self) -> Result<TemporaryRevoke, StoreError> {
        self.revoke_by(|| Ok(()))
    }

    /// The temporary revoke; `how` tells how it was cancelled, where it was.
    fn revoke_by<How>(
        self,
        how: impl FnOnce() -> Result<How, StoreError>,
    ) -> Result<TemporaryRevoke<How>, StoreError> {
        let at = Origin { table: "temporary_revokes", row: self.revoke_number };
        Ok(TemporaryRevoke {
            id: at.record_id(self.revoke_id)?,
            lift: Lift {
                end: self.end_at,
                care_unit: at.hsa_id(self.care_unit_id)?,
                employee: at.optional_hsa_id(self.employee_id)?,
            },
            // It is cancelled once, and for good.
            lifetime: at.lifetime(self.stored_at, self.cancelled_at, self.cancelled_at, how)?,
            owner_id: self.owner_id,
        })
    }
}

/// A row of `block_actions`.
#[derive(FromRow)]
struct BlockActionRow {
    block_number: i64,
    /// 0 when the action is about the block itself.
    revoke_number: i64,
    kind: String,
    separate_reason_text: Option<String>,
    #[sqlx(flatten)]
    action: ActionRow,
}

/// What is known of who did what to a block or a temporary revoke.
#[derive(Default)]
pub(super) struct Actions {
    register: Option<Action>,
    revoke: Option<Removal>,
    delete: Option<Removal>,
    cancel: Option<Removal>,
}

/// The actions of some blocks and their revokes, by block and revoke number.
pub(super) type ActionsOf = HashMap<(i64, i64), Actions>;

/// Every action of these blocks and their revokes.
pub(super) async fn actions(
    connection: &mut PgConnection,
    blocks: &[i64],
) -> Result<ActionsOf, StoreError> {
    // Joined, because the database compares every row with every number of a long list.
    let sql = format!(
        "/* actions */ select block_number, revoke_number, kind, separate_reason_text, {ACTION_COLUMNS}
         from unnest($1::bigint[]) as n (block_number) join block_actions using (block_number)"
    );
    let mut found = ActionsOf::new();
    for row in &sqlx::query(&sql).bind(blocks).fetch_all(connection).await? {
        let row = BlockActionRow::from_row(row)?;
        let at = Origin { table: "block_actions", row: row.block_number };
        let action = row.action.action(at)?;
        let known = found.entry((row.block_number, row.revoke_number)).or_default();
        let removal = |action| Some(Removal { action, reason: row.separate_reason_text.clone() });
        match (row.kind.as_str(), row.revoke_number) {
            ("register", _) => known.register = Some(action),
            ("revoke", 0) => known.revoke = removal(action),
            ("delete", 0) => known.delete = removal(action),
            ("cancel", 1..) => known.cancel = removal(action),
            _ => return Err(at.inconsistent("unknown kind of action")),
        }
    }
    Ok(found)
}

/// A block with what has happened to it.
pub(super) fn block_history(
    row: BlockRow<'_>,
    actions: &mut ActionsOf,
) -> Result<BlockHistory, StoreError> {
    let at = Origin { table: "blocks", row: row.block_number };
    let known = actions.remove(&(row.block_number, 0)).unwrap_or_default();
    let action = match (row.extended, known.register) {
        (true, Some(action)) => Some(action),
        (false, None) => None,
        _ => return Err(at.inconsistent("format and registration contradict each other")),
    };
    let extended = row.extended;
    if row.removed_at.is_none() && (known.revoke.is_some() || known.delete.is_some()) {
        return Err(at.inconsistent("removed and not removed"));
    }
    let how = || match (extended, known.revoke, known.delete) {
        (false, None, None) => Ok(BlockRemoval::Unregistered),
        (true, Some(removal), None) => Ok(BlockRemoval::Revoked(removal)),
        (true, revoked, Some(removal)) => Ok(BlockRemoval::Deleted { removal, revoked }),
        _ => Err(at.inconsistent("removed, and nobody knows how")),
    };
    Ok(BlockHistory { block: row.block(how)?, action })
}

/// A temporary revoke with what has happened to it.
pub(super) fn revoke_history(
    row: RevokeRow<'_>,
    actions: &mut ActionsOf,
) -> Result<RevokeHistory, StoreError> {
    let at = Origin { table: "temporary_revokes", row: row.revoke_number };
    let known = actions.remove(&(row.block_number, row.revoke_number)).unwrap_or_default();
    let reason = match row.reason {
        Some("PatientsConsent") => Some(RevokeReason::PatientsConsent),
        Some("Emergency") => Some(RevokeReason::Emergency),
        None => None,
        Some(_) => return Err(at.inconsistent("unknown reason")),
    };
    let details = match (row.extended, reason, known.register) {
        (true, Some(reason), Some(action)) => {
            Some(RevokeDetails { reason, reason_text: row.reason_text.clone(), action })
        }
        (false, None, None) => None,
        _ => return Err(at.inconsistent("format and registration contradict each other")),
    };
    let (cancel, extended) = (known.cancel, row.extended);
    if row.cancelled_at.is_none() && cancel.is_some() {
        return Err(at.inconsistent("cancelled and not cancelled"));
    }
    let how = || match (extended, cancel) {
        (true, Some(removal)) => Ok(Some(removal)),
        (false, None) => Ok(None),
        _ => Err(at.inconsistent("cancelled, and nobody knows how")),
    };
    let block = at.record_id(row.block_id)?;
    Ok(RevokeHistory { revoke: row.revoke_by(how)?, block, details })
}

/// A block's history with those of its temporary revokes.
pub type Histories = Vec<(BlockHistory, Vec<RevokeHistory>)>;

/// The number of a block.
#[derive(FromRow)]
struct NumberRow {
    block_number: i64,
}

impl Store {
    /// Every block that there ever was of some patients, copies too, with all that has happened to it.
    ///
    /// # Errors
    /// The store's.
    pub async fn past_blocks(
        &self,
        tenant: TenantId,
        patients: &[String],
    ) -> Result<Found<Histories>, StoreError> {
        let patients = patients.to_vec();
        self.read_at_length(ACQUIRE_TIMEOUT, async move |connection| {
            let mut transaction = read_snapshot(connection).await?;
            let sql = format!(
                "/* past_blocks */ select {BLOCK_COLUMNS} from blocks b
                 where b.tenant_id = $1 and b.patient_key = any($2)"
            );
            let blocks = sqlx::query(&sql).bind(tenant.0).bind(&patients);
            let blocks = blocks.fetch_all(&mut *transaction).await?;
            let histories = histories(&mut transaction, &blocks, true).await?;
            Ok((histories, blocks.len()))
        })
        .await
    }

    /// When a tenant's registers begin: its first block or assertion.
    ///
    /// # Errors
    /// The store's.
    pub async fn first_registration(
        &self,
        tenant: TenantId,
    ) -> Result<Option<Timestamp>, StoreError> {
        let found = sqlx::query_scalar(
            "/* first_registration */ select least((select min(stored_at) from blocks where tenant_id = $1),
                (select min(stored_at) from assertions where tenant_id = $1))",
        );
        Ok(found.bind(tenant.0).fetch_one(&self.pool).await?)
    }

    /// Every block that was registered here, and every copy in force, for one patient at one care
    /// provider, each with the temporary revokes it has had; a copy with those in force.
    ///
    /// # Errors
    /// The store's.
    pub async fn block_histories(
        &self,
        tenant: TenantId,
        care_provider: &HsaId,
        patient: &PatientId,
    ) -> Result<Found<Histories>, StoreError> {
        let (patient, provider) = (patient.key().to_owned(), care_provider.key());
        self.read_at_length(ACQUIRE_TIMEOUT, async move |connection| {
            let mut transaction = read_snapshot(connection).await?;
            let sql = format!(
                "/* block_histories */ select {BLOCK_COLUMNS} from blocks b
                 where b.tenant_id = $1 and b.patient_key = $2 and b.provider_key = $3
                   and (b.extended or b.removed_at is null)"
            );
            let blocks = sqlx::query(&sql).bind(tenant.0).bind(&patient).bind(&provider);
            let blocks = blocks.fetch_all(&mut *transaction).await?;
            let histories = histories(&mut transaction, &blocks, false).await?;
            let lifts: usize = histories.iter().map(|(_, lifts)| lifts.len()).sum();
            Ok((histories, blocks.len() + lifts))
        })
        .await
    }
}

/// Rows of blocks with what has happened to them; copied lifts that were taken back only where the past is asked for.
pub(in crate::store) async fn histories(
    connection: &mut PgConnection,
    blocks: &[PgRow],
    of_past: bool,
) -> Result<Histories, StoreError> {
    let number = |row| NumberRow::from_row(row).map(|row| row.block_number);
    let numbers: Vec<i64> = blocks.iter().map(number).collect::<Result<_, _>>()?;
    let sql = format!(
        "/* block_histories_revokes */ select {REVOKE_COLUMNS}
         from unnest($1::bigint[]) as n (block_number)
         join temporary_revokes r using (block_number) join blocks b using (block_number)
         where $2 or r.extended or r.cancelled_at is null
         order by r.revoke_number"
    );
    let revokes =
        sqlx::query(&sql).bind(&numbers).bind(of_past).fetch_all(&mut *connection).await?;
    let mut actions = actions(connection, &numbers).await?;
    let mut lifts = revokes_by_block(&revokes, &mut actions)?;
    let history = |row: &PgRow| {
        let row = BlockRow::from_row(row)?;
        let of_block = lifts.remove(&row.block_number).unwrap_or_default();
        Ok((block_history(row, &mut actions)?, of_block))
    };
    blocks.iter().map(history).collect()
}

fn revokes_by_block(
    rows: &[PgRow],
    actions: &mut ActionsOf,
) -> Result<HashMap<i64, Vec<RevokeHistory>>, StoreError> {
    let mut found: HashMap<i64, Vec<RevokeHistory>> = HashMap::new();
    for row in rows {
        let row = RevokeRow::from_row(row)?;
        let block = row.block_number;
        found.entry(block).or_default().push(revoke_history(row, actions)?);
    }
    Ok(found)
}
