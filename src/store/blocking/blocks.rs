//! Blocks in force, for those who decide about access and those who follow.

use crate::domain::blocking::block::{
    Block, BlockContent, Guards, InformationType, Lift, TemporaryRevoke,
};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::lifetime::Lifetime;
use crate::domain::period::Period;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;
use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{FromRow, Postgres, Row};
use tokio::sync::mpsc;

/// Which blocks a reader of many wants.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// One patient's.
    pub patient: Option<PatientId>,
    /// Those of some care providers; empty is all.
    pub care_providers: Vec<HsaId>,
    /// Only those stored or changed at or after this.
    pub changed_since: Option<Timestamp>,
}

/// A slow receiver may take this long; how many there may be is bounded in `Store`.
const LONG_READ_TIMEOUT: &str = "/* long_read */ set local statement_timeout = '30min'";
/// Blocks handed on at once.
const BATCH_ROWS: usize = 200;

/// The columns of a block.
pub(super) const BLOCK_COLUMNS: &str = "b.block_number, b.block_id, b.block_type, b.patient_key,
    b.patient_root, b.patient_extension, b.information_start_at, b.information_end_at,
    b.information_care_unit_id, b.information_care_provider_id, b.exempts_lak, b.exempts_upp,
    b.owner_id, b.extended, b.stored_at, b.removed_at, b.first_removed_at";

/// The columns of a temporary revoke beside a block's; all null where there is none.
const LIFT_COLUMNS: &str = "r.revoke_number, r.revoke_id, r.end_at, r.care_unit_id, r.employee_id,
    r.owner_id as revoke_owner_id, r.stored_at as revoke_stored_at";

/// A row of `blocks`.
#[derive(FromRow)]
pub(super) struct BlockRow<'r> {
    pub block_number: i64,
    block_id: &'r str,
    block_type: &'r str,
    patient_key: String,
    patient_root: String,
    patient_extension: String,
    information_start_at: Option<Timestamp>,
    information_end_at: Option<Timestamp>,
    information_care_unit_id: Option<&'r str>,
    information_care_provider_id: &'r str,
    exempts_lak: bool,
    exempts_upp: bool,
    owner_id: Option<String>,
    pub extended: bool,
    stored_at: Timestamp,
    pub removed_at: Option<Timestamp>,
    first_removed_at: Option<Timestamp>,
}

impl BlockRow<'_> {
    /// The block without its revokes; `how` tells how it was removed, where it was.
    pub fn block<How>(
        self,
        how: impl FnOnce() -> Result<How, StoreError>,
    ) -> Result<Block<How>, StoreError> {
        let at = Origin { table: "blocks", row: self.block_number };
        let provider = at.hsa_id(self.information_care_provider_id)?;
        let unit = at.optional_hsa_id(self.information_care_unit_id)?;
        let guards = match (self.block_type, unit) {
            ("Inner", Some(unit)) => Guards::Unit { provider, unit },
            ("Outer", None) => Guards::Provider(provider),
            _ => return Err(at.inconsistent("block type and care unit contradict each other")),
        };
        let mut exempted = Vec::new();
        if self.exempts_lak {
            exempted.push(InformationType::Lak);
        }
        if self.exempts_upp {
            exempted.push(InformationType::Upp);
        }
        let content = BlockContent {
            patient: PatientId::kept(self.patient_root, self.patient_extension, self.patient_key),
            guards,
            period: Period { start: self.information_start_at, end: self.information_end_at },
            exempted,
        };
        Ok(Block {
            id: at.record_id(self.block_id)?,
            content,
            lifetime: at.lifetime(self.stored_at, self.removed_at, self.first_removed_at, how)?,
            revokes: Vec::new(),
            owner_id: self.owner_id,
        })
    }
}

/// Whose block it is.
#[derive(FromRow)]
struct PatientRow {
    root: String,
    extension: String,
    key: String,
}

/// A temporary revoke beside a block.
#[derive(FromRow)]
struct LiftRow<'r> {
    revoke_number: Option<i64>,
    revoke_id: Option<&'r str>,
    end_at: Option<Timestamp>,
    care_unit_id: Option<&'r str>,
    employee_id: Option<&'r str>,
    revoke_owner_id: Option<String>,
    revoke_stored_at: Option<Timestamp>,
}

impl LiftRow<'_> {
    fn revoke(self) -> Result<Option<TemporaryRevoke>, StoreError> {
        let Some(row) = self.revoke_number else { return Ok(None) };
        let at = Origin { table: "temporary_revokes", row };
        let missing = || at.inconsistent("missing column");
        let lift = Lift {
            end: self.end_at.ok_or_else(missing)?,
            care_unit: at.hsa_id(self.care_unit_id.unwrap_or_default())?,
            employee: at.optional_hsa_id(self.employee_id)?,
        };
        Ok(Some(TemporaryRevoke {
            id: at.record_id(self.revoke_id.unwrap_or_default())?,
            lift,
            lifetime: Lifetime::from(self.revoke_stored_at.ok_or_else(missing)?),
            owner_id: self.revoke_owner_id,
        }))
    }
}

impl Store {
    /// The patient's active blocks, each with the temporary revokes that are not cancelled.
    ///
    /// # Errors
    /// The store's.
    pub async fn active_blocks(
        &self,
        tenant: TenantId,
        patient: &PatientId,
    ) -> Result<Vec<Block>, StoreError> {
        let sql = format!(
            "/* active_blocks */ select {BLOCK_COLUMNS}, {LIFT_COLUMNS} from blocks b
             left join temporary_revokes r on r.block_number = b.block_number and r.cancelled_at is null
             where b.tenant_id = $1 and b.patient_key = $2 and b.removed_at is null
             order by b.block_number"
        );
        let query = || sqlx::query(&sql).bind(tenant.0).bind(patient.key());
        let rows = self.readers.fetch_all(&self.pool, query).await?;
        let mut blocks = Grouping::default();
        for row in rows {
            blocks.add(&row)?;
        }
        Ok(blocks.all())
    }

    /// Hands the selected active blocks on in order of storage time and id, read from one
    /// snapshot, until nobody takes them any more. `now` decides which temporary revokes are still
    /// in force.
    ///
    /// # Errors
    /// The store's.
    pub async fn read_blocks(
        &self,
        tenant: TenantId,
        selection: &Selection,
        now: Timestamp,
        to: &mpsc::Sender<Vec<Block>>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "/* read_blocks */ select {BLOCK_COLUMNS}, {LIFT_COLUMNS} from blocks b
             left join temporary_revokes r
                on r.block_number = b.block_number and r.cancelled_at is null and r.end_at > $2
             where b.tenant_id = $1 and b.removed_at is null {}
             order by b.stored_at, b.block_key, r.revoke_number",
            selection.conditions(3, "changed_at")
        );
        let query = || selection.bind(sqlx::query(&sql).bind(tenant.0).bind(now));
        let mut blocks = Grouping::default();
        if selection.patient.is_some() {
            // Few rows, often asked for.
            for row in self.readers.fetch_all(&self.pool, query).await? {
                blocks.add(&row)?;
            }
        } else {
            // As many rows as the service has, as fast as the receiver takes them.
            let _permit = self.long_read().await?;
            let mut transaction = self.begin().await?;
            sqlx::query(LONG_READ_TIMEOUT).execute(&mut *transaction).await?;
            let mut rows = query().fetch(&mut *transaction);
            while let Some(row) = rows.try_next().await? {
                blocks.add(&row)?;
                if blocks.complete() >= BATCH_ROWS && to.send(blocks.take_complete()).await.is_err()
                {
                    return Ok(());
                }
            }
        }
        // A receiver that has gone away needs no end.
        _ = to.send(blocks.all()).await;
        Ok(())
    }

    /// When one of the selected blocks was last revoked for good, annulled or unregistered; the
    /// second that it is told with.
    ///
    /// # Errors
    /// The store's.
    pub async fn latest_removal(
        &self,
        tenant: TenantId,
        selection: &Selection,
    ) -> Result<Option<Timestamp>, StoreError> {
        let selection = Selection { changed_since: None, ..selection.clone() };
        let sql = format!(
            "/* latest_removal */ select max(coalesce(b.removal_told_at, b.removed_at)) as latest
             from blocks b
             where b.tenant_id = $1 and b.removed_at is not null {}",
            selection.conditions(2, "removed_at")
        );
        let query = || selection.bind(sqlx::query(&sql).bind(tenant.0));
        let rows = self.readers.fetch_all(&self.pool, query).await?;
        let latest = rows.first().map(|row| row.try_get("latest")).transpose()?;
        Ok(latest.flatten())
    }

    /// Hands on the patients who have an active block at the care provider, each once.
    ///
    /// # Errors
    /// The store's.
    pub async fn read_patients_with_blocks(
        &self,
        tenant: TenantId,
        care_provider: &HsaId,
        to: &mpsc::Sender<Vec<PatientId>>,
    ) -> Result<(), StoreError> {
        let _permit = self.long_read().await?;
        let mut transaction = self.begin().await?;
        sqlx::query(LONG_READ_TIMEOUT).execute(&mut *transaction).await?;
        let mut rows = sqlx::query_as(
            "/* read_patients_with_blocks */ select distinct on (patient_key)
                patient_root as root, patient_extension as extension, patient_key as key
             from blocks where tenant_id = $1 and provider_key = $2 and removed_at is null
             order by patient_key, block_number",
        )
        .bind(tenant.0)
        .bind(care_provider.key())
        .fetch(&mut *transaction);
        let mut batch = Vec::new();
        while let Some(PatientRow { root, extension, key }) = rows.try_next().await? {
            batch.push(PatientId::kept(root, extension, key));
            if batch.len() >= BATCH_ROWS && to.send(std::mem::take(&mut batch)).await.is_err() {
                return Ok(());
            }
        }
        // A receiver that has gone away needs no end.
        _ = to.send(batch).await;
        Ok(())
    }
}

impl Selection {
    /// The conditions as SQL, with parameters from `first` on.
    fn conditions(&self, first: usize, time_column: &str) -> String {
        let mut next = first;
        let mut conditions = String::new();
        let mut add = |present: bool, text: &str| {
            if present {
                conditions += &text.replace('?', &format!("${next}"));
                next += 1;
            }
        };
        add(self.patient.is_some(), " and b.patient_key = ?");
        add(!self.care_providers.is_empty(), " and b.provider_key = any(?)");
        add(self.changed_since.is_some(), &format!(" and b.{time_column} >= ?"));
        conditions
    }

    fn bind<'q>(
        &'q self,
        mut query: Query<'q, Postgres, PgArguments>,
    ) -> Query<'q, Postgres, PgArguments> {
        if let Some(patient) = &self.patient {
            query = query.bind(patient.key());
        }
        if !self.care_providers.is_empty() {
            query = query.bind(self.care_providers.iter().map(HsaId::key).collect::<Vec<_>>());
        }
        if let Some(since) = self.changed_since {
            query = query.bind(since);
        }
        query
    }
}

/// Puts together blocks from rows in which a block stands once for each of its revokes.
#[derive(Default)]
struct Grouping {
    blocks: Vec<Block>,
    /// The number of the last of them, to which more rows may belong.
    last: Option<i64>,
}

impl Grouping {
    fn add(&mut self, row: &PgRow) -> Result<(), StoreError> {
        let block = BlockRow::from_row(row)?;
        if self.last != Some(block.block_number) {
            self.last = Some(block.block_number);
            self.blocks.push(block.block(|| Ok(()))?);
        }
        let revoke = LiftRow::from_row(row)?.revoke()?;
        if let Some(block) = self.blocks.last_mut() {
            block.revokes.extend(revoke);
        }
        Ok(())
    }

    /// How many blocks have all their rows.
    fn complete(&self) -> usize {
        self.blocks.len().saturating_sub(1)
    }

    fn take_complete(&mut self) -> Vec<Block> {
        let last = self.blocks.split_off(self.complete());
        std::mem::replace(&mut self.blocks, last)
    }

    fn all(self) -> Vec<Block> {
        self.blocks
    }
}
