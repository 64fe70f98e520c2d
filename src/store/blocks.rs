//! Blocks and temporary revokes.

use super::{Store, StoreError, TenantId};
use crate::domain::block::{Block, BlockType, InformationType, TemporaryRevoke};
use crate::domain::identity::{HsaId, PatientId, RecordId};
use crate::domain::time::{Period, Timestamp};
use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row};

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

/// Receives blocks one at a time; returning `false` ends the reading.
pub trait BlockSink: Send {
    /// Takes one block.
    fn take(&mut self, block: Block) -> impl Future<Output = bool> + Send;
}

pub(super) const COLUMNS: &str = "b.block_number, b.block_id, b.block_type, b.patient_root, b.patient_extension,
    b.information_start_at, b.information_end_at, b.information_care_unit_id,
    b.information_care_provider_id, b.exempts_lak, b.exempts_upp, b.owner_id, b.removed_at is not null,
    r.revoke_id, r.end_at, r.care_unit_id, r.employee_id, r.owner_id";

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
        const SQL: &str = "/* active_blocks */
            select b.block_number, b.block_id, b.block_type, b.patient_root, b.patient_extension,
                b.information_start_at, b.information_end_at, b.information_care_unit_id,
                b.information_care_provider_id, b.exempts_lak, b.exempts_upp, b.owner_id, false,
                r.revoke_id, r.end_at, r.care_unit_id, r.employee_id, r.owner_id
            from blocks b
            left join temporary_revokes r on r.block_number = b.block_number and r.cancelled_at is null
            where b.tenant_id = $1 and b.patient_key = $2 and b.removed_at is null
            order by b.block_number";
        let key = patient.key();
        let rows = self
            .readers
            .read(&self.pool, async |connection| {
                Ok(sqlx::query(SQL).bind(tenant.0).bind(key).fetch_all(connection).await?)
            })
            .await?;
        let mut blocks = Grouping::default();
        let mut found = Vec::new();
        for row in rows {
            found.extend(blocks.add(&row)?);
        }
        found.extend(blocks.last());
        Ok(found)
    }

    /// Hands the selected active blocks to `sink` in order of storage time and id, read from
    /// one snapshot. `now` decides which temporary revokes are still in force.
    ///
    /// # Errors
    /// The store's.
    pub async fn read_blocks(
        &self,
        tenant: TenantId,
        selection: &Selection,
        now: Timestamp,
        sink: &mut impl BlockSink,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "/* read_blocks */ select {COLUMNS} from blocks b
             left join temporary_revokes r
                on r.block_number = b.block_number and r.cancelled_at is null and r.end_at > $2
             where b.tenant_id = $1 and b.removed_at is null {}
             order by b.stored_at, b.block_key, r.revoke_number",
            selection.conditions(3, "changed_at")
        );
        let query = selection.bind(sqlx::query(&sql).bind(tenant.0).bind(now));
        let mut blocks = Grouping::default();
        if selection.patient.is_some() {
            // Few rows, often asked for.
            let look_up =
                async |connection: &mut PgConnection| Ok(query.fetch_all(connection).await?);
            for row in self.readers.read(&self.pool, look_up).await? {
                if !blocks.pass_on(&row, sink).await? {
                    return Ok(());
                }
            }
        } else {
            // As many rows as the service has, as fast as the receiver takes them.
            let _permit = self.long_read().await?;
            let mut transaction = self.pool.begin().await?;
            sqlx::query(LONG_READ_TIMEOUT).execute(&mut *transaction).await?;
            let mut rows = query.fetch(&mut *transaction);
            while let Some(row) = rows.try_next().await? {
                if !blocks.pass_on(&row, sink).await? {
                    return Ok(());
                }
            }
        }
        if let Some(block) = blocks.last() {
            sink.take(block).await;
        }
        Ok(())
    }

    /// When one of the selected blocks was last revoked for good, annulled or unregistered.
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
            "/* latest_removal */ select max(b.removed_at) from blocks b
             where b.tenant_id = $1 and b.removed_at is not null {}",
            selection.conditions(2, "removed_at")
        );
        let query = selection.bind(sqlx::query(&sql).bind(tenant.0));
        let row = query.fetch_one(&self.pool).await?;
        Ok(row.try_get(0)?)
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
    current: Option<(i64, Block)>,
}

impl Grouping {
    /// Takes a row; returns the block before it, when that is complete.
    fn add(&mut self, row: &PgRow) -> Result<Option<Block>, StoreError> {
        let number: i64 = row.try_get(0)?;
        let mut done = None;
        if self.current.as_ref().is_none_or(|(current, _)| *current != number) {
            done = self.current.replace((number, block_of(row)?)).map(|(_, block)| block);
        }
        if let Some((_, block)) = &mut self.current {
            block.revokes.extend(revoke_of(row)?);
        }
        Ok(done)
    }

    /// Takes a row and hands a complete block on; `false` when nobody takes it.
    async fn pass_on(
        &mut self,
        row: &PgRow,
        sink: &mut impl BlockSink,
    ) -> Result<bool, StoreError> {
        match self.add(row)? {
            Some(block) => Ok(sink.take(block).await),
            None => Ok(true),
        }
    }

    fn last(self) -> Option<Block> {
        self.current.map(|(_, block)| block)
    }
}

pub(super) fn block_of(row: &PgRow) -> Result<Block, StoreError> {
    let block_type = match row.try_get(2)? {
        "Inner" => BlockType::Inner,
        "Outer" => BlockType::Outer,
        _ => return Err(StoreError::Inconsistent { table: "blocks", what: "block_type" }),
    };
    let mut exempted = Vec::new();
    if row.try_get(9)? {
        exempted.push(InformationType::Lak);
    }
    if row.try_get(10)? {
        exempted.push(InformationType::Upp);
    }
    Ok(Block {
        id: record_id(row.try_get(1)?, "blocks")?,
        block_type,
        patient: PatientId::new(row.try_get(3)?, row.try_get(4)?)
            .ok_or(StoreError::Inconsistent { table: "blocks", what: "blank patient" })?,
        period: Period { start: row.try_get(5)?, end: row.try_get(6)? },
        care_unit: row.try_get::<Option<&str>, _>(7)?.and_then(HsaId::new),
        care_provider: hsa_id(row.try_get(8)?, "blocks")?,
        exempted,
        owner_id: row.try_get(11)?,
        removed: row.try_get(12)?,
        revokes: Vec::new(),
    })
}

pub(super) fn revoke_of(row: &PgRow) -> Result<Option<TemporaryRevoke>, StoreError> {
    let Some(id) = row.try_get::<Option<&str>, _>(13)? else { return Ok(None) };
    Ok(Some(TemporaryRevoke {
        id: record_id(id, "temporary_revokes")?,
        end: row.try_get(14)?,
        care_unit: hsa_id(row.try_get(15)?, "temporary_revokes")?,
        employee: row.try_get::<Option<&str>, _>(16)?.and_then(HsaId::new),
        owner_id: row.try_get(17)?,
        cancelled: false,
    }))
}

pub(super) fn hsa_id(text: &str, table: &'static str) -> Result<HsaId, StoreError> {
    HsaId::new(text).ok_or(StoreError::Inconsistent { table, what: "blank HSA-id" })
}

pub(super) fn record_id(text: &str, table: &'static str) -> Result<RecordId, StoreError> {
    RecordId::new(text).ok_or(StoreError::Inconsistent { table, what: "blank id" })
}
