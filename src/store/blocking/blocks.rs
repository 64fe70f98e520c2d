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
use crate::store::lookups::PatientOf;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{FromRow, Postgres, Row};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

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

/// So many rows are put together in no time.
const FEW_ROWS: usize = 500;
/// Patients handed on at once.
const PAGE_ROWS: usize = 250;
/// Blocks handed on at once: few to a receiver who may turn out to be slow, more to one that is not.
const GROWING_PAGES: [usize; 7] = [100, 150, 220, 330, 500, 750, 1_000];
/// So many pages taken soon let them grow: what the system and we hold for a receiver is no sign.
const SOON_PAGES: usize = 4;
/// A receiver that takes a page in this time is not slow.
const SOON: Duration = Duration::from_millis(20);
/// Before every time of storing.
const BEFORE_ALL: Timestamp = Timestamp::UNIX_EPOCH;

/// The columns of a block.
pub(super) const BLOCK_COLUMNS: &str = "b.block_number, b.block_id, b.block_type, b.patient_key,
    b.patient_root, b.patient_extension, b.information_start_at, b.information_end_at,
    b.information_care_unit_id, b.information_care_provider_id, b.exempts_lak, b.exempts_upp,
    b.owner_id, b.extended, b.stored_at, b.removed_at, b.first_removed_at";

/// The columns of a temporary revoke beside a block's; all null where there is none.
const LIFT_COLUMNS: &str = "r.revoke_number, r.revoke_id, r.end_at, r.care_unit_id, r.employee_id,
    r.owner_id as revoke_owner_id, r.stored_at as revoke_stored_at";

/// One patient's blocks, and several patients'.
static ACTIVE_BLOCKS: LazyLock<[String; 2]> = LazyLock::new(|| {
    let lifts = "left join temporary_revokes r on r.block_number = b.block_number and r.cancelled_at is null";
    [
        format!(
            "/* active_blocks */ select {BLOCK_COLUMNS}, {LIFT_COLUMNS} from blocks b {lifts}
             where b.tenant_id = $1 and b.patient_key = $2 and b.removed_at is null
             order by b.block_number"
        ),
        format!(
            "/* active_blocks */ select q.asked, {BLOCK_COLUMNS}, {LIFT_COLUMNS}
             from unnest($1::int[], $2::text[]) with ordinality as q (tenant_id, patient_key, asked)
             join blocks b on b.tenant_id = q.tenant_id and b.patient_key = q.patient_key
                and b.removed_at is null
             {lifts} order by q.asked, b.block_number"
        ),
    ]
});

/// The statement that asks for patients' active blocks.
fn active_blocks(asked: &[PatientOf]) -> Query<'_, Postgres, PgArguments> {
    let [of_one, of_several] = &*ACTIVE_BLOCKS;
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
        let question = PatientOf { tenant: tenant.0, patient: patient.key().to_owned() };
        let rows = self.blocks_of.ask(question, active_blocks).await?;
        // Of many this takes its time, which others need.
        let few = rows.len() <= FEW_ROWS;
        let put_together = move || {
            let mut blocks = Grouping::default();
            for row in &rows {
                blocks.add(row)?;
            }
            Ok(blocks.all())
        };
        match few {
            true => put_together(),
            false => spawn_blocking(put_together).await.map_err(|_| StoreError::Stopped)?,
        }
    }

    /// Hands the selected active blocks on in order of storage time and id, a page at a time, until
    /// nobody takes them any more. `now` decides which temporary revokes are still in force. What is
    /// stored after `until` is left out, so that the reading ends.
    ///
    /// # Errors
    /// The store's.
    pub async fn read_blocks(
        &self,
        tenant: TenantId,
        selection: &Selection,
        (now, until): (Timestamp, Timestamp),
        to: &mpsc::Sender<Vec<Block>>,
    ) -> Result<(), StoreError> {
        let pages = GROWING_PAGES.map(|rows| (rows, selection.page(rows)));
        let (mut after, mut soon) = ((BEFORE_ALL, String::new()), 0);
        // A page is read when the one before has been taken: a slow receiver holds no connection.
        loop {
            let asked = Instant::now();
            let Ok(place) = to.reserve().await else { return Ok(()) };
            soon = if asked.elapsed() < SOON { soon + 1 } else { 0 };
            let (page_rows, sql) = &pages[(soon / SOON_PAGES).min(pages.len() - 1)];
            let query = || {
                let query = sqlx::query(sql).bind(tenant.0).bind(now).bind(until);
                selection.bind(query.bind(after.0).bind(&after.1))
            };
            // Few rows, often asked for; or as many as there are.
            let rows = if selection.patient.is_some() {
                self.readers.fetch_all(query).await?
            } else {
                let _turn = self.page_turn().await?;
                self.retried(query).await?
            };
            let mut blocks = Grouping::default();
            for row in &rows {
                blocks.add(row)?;
            }
            let blocks = blocks.all();
            let next = blocks.last().map(|last| (last.lifetime.stored_at, last.id.key()));
            let is_last = blocks.len() < *page_rows;
            place.send(blocks);
            match next {
                Some(next) if !is_last => after = next,
                _ => return Ok(()),
            }
        }
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
        let rows = self.readers.fetch_all(query).await?;
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
        let sql = format!(
            "/* read_patients_with_blocks */ select distinct on (patient_key)
                patient_root as root, patient_extension as extension, patient_key as key
             from blocks
             where tenant_id = $1 and provider_key = $2 and removed_at is null and patient_key > $3
             order by patient_key, block_number limit {PAGE_ROWS}"
        );
        let (provider, mut after) = (care_provider.key(), String::new());
        while let Ok(place) = to.reserve().await {
            let query = || sqlx::query(&sql).bind(tenant.0).bind(&provider).bind(&after);
            let rows = {
                let _turn = self.page_turn().await?;
                self.retried(query).await?
            };
            let patients = rows.iter().map(|row| {
                let PatientRow { root, extension, key } = PatientRow::from_row(row)?;
                Ok(PatientId::kept(root, extension, key))
            });
            let patients = patients.collect::<Result<Vec<_>, StoreError>>()?;
            let next = patients.last().map(|last| last.key().to_owned());
            let is_last = patients.len() < PAGE_ROWS;
            place.send(patients);
            match next {
                Some(next) if !is_last => after = next,
                _ => break,
            }
        }
        Ok(())
    }
}

impl Selection {
    /// The selected blocks behind one of them, so many, with the revokes that are in force.
    fn page(&self, rows: usize) -> String {
        format!(
            "/* read_blocks */ select {BLOCK_COLUMNS}, {LIFT_COLUMNS}
             from (select * from blocks b where b.tenant_id = $1 and b.removed_at is null
                and b.stored_at <= $3 and (b.stored_at, b.block_key) > ($4, $5) {}
                order by b.stored_at, b.block_key limit {rows}) b
             left join temporary_revokes r
                on r.block_number = b.block_number and r.cancelled_at is null and r.end_at > $2
             order by b.stored_at, b.block_key, r.revoke_number",
            self.conditions(6, "changed_at")
        )
    }

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

    fn all(self) -> Vec<Block> {
        self.blocks
    }
}
