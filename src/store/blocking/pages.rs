//! Blocks in force, for those who follow them: page by page.

use super::blocks::{BLOCK_COLUMNS, LIFT_COLUMNS, together};
use crate::domain::blocking::block::Block;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::readers::{ACQUIRE_TIMEOUT, NEXT_PAGE_TIMEOUT};
use crate::store::tenants::TenantId;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{FromRow, PgConnection, Postgres, Row};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::mpsc;
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

/// Patients handed on at once.
const PAGE_PATIENTS: usize = 250;
static PATIENTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "/* read_patients_with_blocks */ select distinct on (patient_key)
            patient_root as root, patient_extension as extension, patient_key as key
         from blocks
         where tenant_id = $1 and provider_key = $2 and removed_at is null and patient_key > $3
         order by patient_key, block_number limit {PAGE_PATIENTS}"
    )
});
/// Rows of blocks and their revokes that are handed on at once: few to a receiver who may turn out to
/// be slow, more to one that is not.
const GROWING_PAGES: [usize; 7] = [100, 150, 220, 330, 500, 750, 1_000];
/// So many pages taken soon let them grow: what the system and we hold for a receiver is no sign.
const SOON_PAGES: usize = 8;
/// A receiver that takes a page in this time is not slow.
const SOON: Duration = Duration::from_millis(20);
/// Care providers that are looked up each by itself: for each a page is read.
const FEW_PROVIDERS: usize = 20;
/// Before every time of storing.
const BEFORE_ALL: Timestamp = Timestamp::UNIX_EPOCH;

/// Whose block it is.
#[derive(FromRow)]
struct PatientRow {
    root: String,
    extension: String,
    key: String,
}

/// A page of blocks.
#[derive(Clone)]
struct PageQuestion {
    tenant: TenantId,
    selection: Arc<Selection>,
    /// When a revoke is in force.
    now: Timestamp,
    /// What is stored later is left out.
    until: Timestamp,
    /// The last block before the page.
    after: (Timestamp, String),
    /// How many rows it may have.
    rows: usize,
}

/// Some blocks, and whether they are the last.
struct BlockPage {
    blocks: Vec<Block>,
    is_last: bool,
}

impl PageQuestion {
    async fn read(&self, connection: &mut PgConnection) -> Result<BlockPage, StoreError> {
        let most = self.rows;
        let sql = self.sql(most, Some(most + 1));
        let rows = self.query(&sql).fetch_all(&mut *connection).await?;
        let mut blocks = together(&rows)?;
        if rows.len() <= most {
            let is_last = blocks.len() < most;
            return Ok(BlockPage { blocks, is_last });
        }
        // Of the last there may be more.
        if blocks.len() > 1 {
            blocks.pop();
            return Ok(BlockPage { blocks, is_last: false });
        }
        let sql = self.sql(1, None);
        let rows = self.query(&sql).fetch_all(connection).await?;
        Ok(BlockPage { blocks: together(&rows)?, is_last: false })
    }

    /// Asks for so many blocks, and so many of their rows.
    fn sql(&self, blocks: usize, rows: Option<usize>) -> String {
        let of = |more: &str| {
            format!(
                "select * from blocks b where b.tenant_id = $1 and b.removed_at is null
                    and b.stored_at <= $3 and (b.stored_at, b.block_key) > ($4, $5) {more}
                 order by b.stored_at, b.block_key limit {blocks}"
            )
        };
        // Where they are few, care providers are looked up by their index, each by itself.
        let few = (1..=FEW_PROVIDERS).contains(&self.selection.care_providers.len());
        let blocks = match few && self.selection.patient.is_none() {
            true => format!(
                "select b.* from (select distinct k as provider_key from unnest($6::text[]) k) p
                 cross join lateral ({}) b order by b.stored_at, b.block_key limit {blocks}",
                of(&self
                    .selection
                    .conditions(6, "changed_at")
                    .replace("b.provider_key = any($6)", "b.provider_key = p.provider_key"))
            ),
            false => of(&self.selection.conditions(6, "changed_at")),
        };
        // A block's rows follow each other, because they are looked up block by block.
        format!(
            "/* read_blocks */ select {BLOCK_COLUMNS}, {LIFT_COLUMNS} from ({blocks}) b
             left join temporary_revokes r
                on r.block_number = b.block_number and r.cancelled_at is null and r.end_at > $2
             order by b.stored_at, b.block_key limit {}",
            rows.map_or_else(|| "all".to_owned(), |rows| rows.to_string()),
        )
    }

    fn query<'q>(&'q self, sql: &'q str) -> Query<'q, Postgres, PgArguments> {
        let query = sqlx::query(sql).bind(self.tenant.0).bind(self.now).bind(self.until);
        self.selection.bind(query.bind(self.after.0).bind(&self.after.1))
    }

    /// The page, if it is the first and last of one patient: such are short, and often asked for.
    async fn read_soon(&self, store: &Store) -> Result<Option<BlockPage>, StoreError> {
        if self.selection.patient.is_none() || self.after.0 != BEFORE_ALL {
            return Ok(None);
        }
        let sql = self.sql(self.rows, Some(self.rows + 1));
        let rows = store.readers.fetch_all(store.asker, || self.query(&sql)).await?;
        let blocks = together(&rows)?;
        let is_whole = rows.len() <= self.rows && blocks.len() < self.rows;
        Ok(is_whole.then_some(BlockPage { blocks, is_last: true }))
    }
}

impl Store {
    /// Hands the selected active blocks on in order of storage time and id, a page at a time, until
    /// nobody takes them any more. `now` decides which temporary revokes are still in force. What is
    /// stored after `until` is left out, so that the reading ends. What is `made` of a page is made where
    /// it is read.
    ///
    /// # Errors
    /// The store's.
    pub async fn read_blocks<B: Send + 'static>(
        &self,
        tenant: TenantId,
        selection: Selection,
        (now, until): (Timestamp, Timestamp),
        made: fn(Vec<Block>) -> B,
        to: &mpsc::Sender<B>,
    ) -> Result<(), StoreError> {
        let (selection, after) = (Arc::new(selection), (BEFORE_ALL, String::new()));
        let mut next = PageQuestion { tenant, selection, now, until, after, rows: 0 };
        let (mut soon, mut patience) = (0, ACQUIRE_TIMEOUT);
        // A page is read when the one before has been taken: a slow receiver holds no connection.
        loop {
            let asked = Instant::now();
            let Ok(place) = to.reserve().await else { return Ok(()) };
            soon = if asked.elapsed() < SOON { soon + 1 } else { 0 };
            next.rows = GROWING_PAGES[(soon / SOON_PAGES).min(GROWING_PAGES.len() - 1)];
            if let Some(page) = next.read_soon(self).await? {
                place.send(made(page.blocks));
                return Ok(());
            }
            let question = next.clone();
            let read = async move |connection: &mut PgConnection| {
                let BlockPage { blocks, is_last } = question.read(connection).await?;
                let last = blocks.last().map(|last| (last.lifetime.stored_at, last.id.key()));
                Ok(((made(blocks), last, is_last), 0))
            };
            let (page, last, is_last) = self.read_at_length(patience, read).await?.it;
            place.send(page);
            match last {
                Some(last) if !is_last => next.after = last,
                _ => return Ok(()),
            }
            patience = NEXT_PAGE_TIMEOUT;
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
        if selection.patient.is_some() {
            let query = || selection.bind(sqlx::query(&sql).bind(tenant.0));
            let rows = self.readers.fetch_all(self.asker, query).await?;
            let latest = rows.first().map(|row| row.try_get("latest")).transpose()?;
            return Ok(latest.flatten());
        }
        let read = async move |connection: &mut PgConnection| {
            let query = selection.bind(sqlx::query(&sql).bind(tenant.0));
            Ok((query.fetch_one(connection).await?.try_get("latest")?, 1))
        };
        Ok(self.read_at_length(ACQUIRE_TIMEOUT, read).await?.it)
    }

    /// Hands on the patients who have an active block at the care provider, each once.
    ///
    /// # Errors
    /// The store's.
    pub async fn read_patients_with_blocks<B: Send + 'static>(
        &self,
        tenant: TenantId,
        care_provider: &HsaId,
        made: fn(Vec<PatientId>) -> B,
        to: &mpsc::Sender<B>,
    ) -> Result<(), StoreError> {
        let (provider, mut after) = (care_provider.key(), String::new());
        let mut patience = ACQUIRE_TIMEOUT;
        while let Ok(place) = to.reserve().await {
            let (provider, behind) = (provider.clone(), after.clone());
            let read = async move |connection: &mut PgConnection| {
                let query = sqlx::query(&PATIENTS).bind(tenant.0).bind(&provider).bind(&behind);
                let patients = query.fetch_all(connection).await?;
                let patients = patients.iter().map(|row| {
                    let PatientRow { root, extension, key } = PatientRow::from_row(row)?;
                    Ok(PatientId::kept(root, extension, key))
                });
                let patients = patients.collect::<Result<Vec<_>, StoreError>>()?;
                let next = patients.last().map(|last| last.key().to_owned());
                let is_last = patients.len() < PAGE_PATIENTS;
                Ok(((made(patients), next, is_last), 0))
            };
            let (page, next, is_last) = self.read_at_length(patience, read).await?.it;
            place.send(page);
            match next {
                Some(next) if !is_last => after = next,
                _ => break,
            }
            patience = NEXT_PAGE_TIMEOUT;
        }
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
