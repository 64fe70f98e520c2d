//! Blocks in force, for those who decide about access.

use crate::domain::blocking::block::{
    Block, BlockContent, Guards, InformationType, Lift, TemporaryRevoke,
};
use crate::domain::identity::PatientId;
use crate::domain::lifetime::Lifetime;
use crate::domain::period::Period;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::long_reads::Found;
use crate::store::lookups::{LIGHT_ROWS_MAX, PatientOf};
use crate::store::readers::ACQUIRE_TIMEOUT;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{FromRow, Postgres};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::LazyLock;

/// The columns of a block.
pub(in crate::store) const BLOCK_COLUMNS: &str =
    "b.block_number, b.block_id, b.block_type, b.patient_key,
    b.patient_root, b.patient_extension, b.information_start_at, b.information_end_at,
    b.information_care_unit_id, b.information_care_provider_id, b.exempts_lak, b.exempts_upp,
    b.owner_id, b.extended, b.stored_at, b.removed_at, b.first_removed_at";

/// The columns of a temporary revoke beside a block's; all null where there is none.
pub(super) const LIFT_COLUMNS: &str =
    "r.revoke_number, r.revoke_id, r.end_at, r.care_unit_id, r.employee_id,
    r.owner_id as revoke_owner_id, r.stored_at as revoke_stored_at";

/// One patient's blocks and several patients', as far as a look-up goes, and all of one's.
static ACTIVE_BLOCKS: LazyLock<[String; 3]> = LazyLock::new(|| {
    let most = LIGHT_ROWS_MAX + 1;
    let of = |tenant: &str, patient: &str, limit: &str| {
        format!(
            "select {BLOCK_COLUMNS}, {LIFT_COLUMNS}
             from (select * from blocks where tenant_id = {tenant} and patient_key = {patient}
                and removed_at is null {limit}) b
             left join temporary_revokes r
                on r.block_number = b.block_number and r.cancelled_at is null {limit}"
        )
    };
    let limit = format!("limit {most}");
    [
        format!("/* active_blocks */ {}", of("$1", "$2", &limit)),
        format!(
            "/* active_blocks */ select q.asked, f.*
             from unnest($1::int[], $2::text[]) with ordinality as q (tenant_id, patient_key, asked)
             cross join lateral ({}) f",
            of("q.tenant_id", "q.patient_key", &limit)
        ),
        format!("/* all_active_blocks */ {}", of("$1", "$2", "")),
    ]
});

/// The statement that asks for patients' active blocks.
fn active_blocks(asked: &[PatientOf]) -> Query<'_, Postgres, PgArguments> {
    let [of_one, of_several, _] = &*ACTIVE_BLOCKS;
    match asked {
        [one] => sqlx::query(of_one).bind(one.tenant).bind(&one.patient),
        several => sqlx::query(of_several)
            .bind(several.iter().map(|question| question.tenant).collect::<Vec<_>>())
            .bind(several.iter().map(|question| question.patient.as_str()).collect::<Vec<_>>()),
    }
}

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
    /// Its number, and it.
    fn revoke(self) -> Result<Option<(i64, TemporaryRevoke)>, StoreError> {
        let Some(row) = self.revoke_number else { return Ok(None) };
        let at = Origin { table: "temporary_revokes", row };
        let missing = || at.inconsistent("missing column");
        let lift = Lift {
            end: self.end_at.ok_or_else(missing)?,
            care_unit: at.hsa_id(self.care_unit_id.unwrap_or_default())?,
            employee: at.optional_hsa_id(self.employee_id)?,
        };
        let revoke = TemporaryRevoke {
            id: at.record_id(self.revoke_id.unwrap_or_default())?,
            lift,
            lifetime: Lifetime::from(self.revoke_stored_at.ok_or_else(missing)?),
            owner_id: self.revoke_owner_id,
        };
        Ok(Some((row, revoke)))
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
    ) -> Result<Found<Vec<Block>>, StoreError> {
        let question = PatientOf { tenant: tenant.0, patient: patient.key().to_owned() };
        let rows = self.blocks_of.ask(self.asker, question.clone(), active_blocks).await?;
        if rows.len() <= LIGHT_ROWS_MAX {
            return Ok(Found::little(together(&rows)?));
        }
        self.read_at_length(ACQUIRE_TIMEOUT, async move |connection| {
            let [.., all] = &*ACTIVE_BLOCKS;
            let all = sqlx::query(all).bind(question.tenant).bind(&question.patient);
            let rows = all.fetch_all(connection).await?;
            Ok((together(&rows)?, rows.len()))
        })
        .await
    }
}

/// The blocks of rows in which a block stands once for each of its revokes, in whatever order; in
/// that of their first rows.
pub(super) fn together(rows: &[PgRow]) -> Result<Vec<Block>, StoreError> {
    let (mut blocks, mut lifts) = (Vec::new(), Vec::new());
    let mut places = HashMap::new();
    for row in rows {
        let block = BlockRow::from_row(row)?;
        let place = match places.entry(block.block_number) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                blocks.push(block.block(|| Ok(()))?);
                *new.insert(blocks.len() - 1)
            }
        };
        if let Some((number, lift)) = LiftRow::from_row(row)?.revoke()? {
            lifts.push((place, number, lift));
        }
    }
    lifts.sort_by_key(|(_, number, _)| *number);
    for (place, _, lift) in lifts {
        blocks[place].revokes.push(lift);
    }
    Ok(blocks)
}
