//! Reading records to be told: page by page, and only what is as it was sealed.

use super::records::{EntryRow, FurtherResources, further_resources};
use super::reports::{AccessingProvider, RecordPlaces};
use super::seal::checked::{NumberedEntry, RecordCheck, check};
use super::seal::findings::{self, NewFinding};
use crate::domain::log::record::LogEntry;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::readers::{ACQUIRE_TIMEOUT, NEXT_PAGE_TIMEOUT};
use crate::store::rows::Origin;
use crate::store::tenants;
use sqlx::{Connection, PgConnection};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Records handed on at once.
const PAGE_RECORDS: usize = 200;

/// What shows that records are as they were sealed.
#[derive(Debug, Clone)]
pub enum ShownBy {
    /// They are checked as they are read.
    Check(RecordCheck),
    /// They have been checked, and must be what they were then.
    Checked(Arc<CheckedRecords>),
}

/// The entries of records that were checked, in their order.
#[derive(Debug, Default)]
pub struct CheckedRecords(Vec<NumberedEntry>);

/// A page that is read, with the entries that its records must have.
struct CheckedPage<B> {
    made: B,
    entries: Vec<NumberedEntry>,
    found: Vec<NewFinding>,
}

impl Store {
    /// Hands on what is `made` of some records, in their order, a page at a time.
    ///
    /// # Errors
    /// The store's; also that a record is not as it was sealed: it is not handed on.
    pub async fn read_records<B: Send + 'static>(
        &self,
        places: RecordPlaces,
        shown: ShownBy,
        made: impl Fn(&[LogEntry<'_>]) -> B + Send + Sync + 'static,
        to: &mpsc::Sender<B>,
    ) -> Result<(), StoreError> {
        let (made, mut patience, mut at) = (Arc::new(made), ACQUIRE_TIMEOUT, 0);
        for page in places.pages(PAGE_RECORDS) {
            let Ok(place) = to.reserve().await else { return Ok(()) };
            let records = page.len();
            let made = Arc::clone(&made);
            let read = match &shown {
                ShownBy::Check(how) => self.read_checked(patience, page, how, made).await?,
                ShownBy::Checked(before) => {
                    let read = self.read_page(patience, page, None, made).await?;
                    let same = before.0.get(at..at + records) == Some(&read.entries[..]);
                    same.then_some(read).ok_or(StoreError::Distrusted)?
                }
            };
            at += records;
            place.send(read.made);
            patience = NEXT_PAGE_TIMEOUT;
        }
        Ok(())
    }

    /// Checks records without handing them on; they must be read as they are now.
    ///
    /// # Errors
    /// The store's; also that one is not as it was sealed.
    pub async fn check_records(
        &self,
        places: &RecordPlaces,
        how: &RecordCheck,
    ) -> Result<CheckedRecords, StoreError> {
        let mut checked = CheckedRecords::default();
        for page in places.pages(PAGE_RECORDS) {
            let read = self
                .read_checked(NEXT_PAGE_TIMEOUT, page, how, Arc::new(|_: &[LogEntry<'_>]| ()))
                .await?;
            checked.0.extend(read.entries);
        }
        Ok(checked)
    }

    /// Whether something that nobody has acknowledged may concern records of a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_distrusted(
        &self,
        interval: (Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        findings::concern(&mut *self.pool.acquire().await?, interval).await
    }

    async fn read_checked<B: Send + 'static>(
        &self,
        patience: Duration,
        page: RecordPlaces,
        how: &RecordCheck,
        made: Arc<impl Fn(&[LogEntry<'_>]) -> B + Send + Sync + 'static>,
    ) -> Result<CheckedPage<B>, StoreError> {
        let read = self.read_page(patience, page, Some(how.clone()), made).await?;
        let mut distrusted = false;
        for finding in &read.found {
            tracing::error!(
                kind = finding.kind,
                detail = finding.detail,
                "ALARM: the log is not as it was sealed"
            );
            distrusted |= self.add_finding(finding, how.now).await?.is_open;
        }
        match distrusted {
            true => Err(StoreError::Distrusted),
            false => Ok(read),
        }
    }

    async fn read_page<B: Send + 'static>(
        &self,
        patience: Duration,
        page: RecordPlaces,
        how: Option<RecordCheck>,
        made: Arc<impl Fn(&[LogEntry<'_>]) -> B + Send + Sync + 'static>,
    ) -> Result<CheckedPage<B>, StoreError> {
        let intake = self.intake()?.clone();
        let read = async move |connection: &mut PgConnection| {
            // Records, tree, and what is on its way to it are of one moment.
            let mut moment = connection.begin().await?;
            sqlx::query("set transaction isolation level repeatable read, read only")
                .execute(&mut *moment)
                .await?;
            let (rows, further) = rows_of(&mut moment, &page).await?;
            let names = tenants::names(&mut moment).await?;
            let mut scratch = Vec::new();
            let mut entries = Vec::with_capacity(rows.len());
            let mut records = Vec::with_capacity(rows.len());
            for row in &rows {
                let at = Origin { table: "log_entries", row: row.entry_number };
                entries.push((row.entry_number, row.sealed(&names, &further, &mut scratch)));
                records.push(row.record(at, &further)?);
            }
            let found = match &how {
                Some(how) => check(&mut moment, &intake, how, &entries).await?,
                None => Vec::new(),
            };
            moment.commit().await?;
            let missing = rows.len() < page.len() && how.is_none();
            if missing {
                return Err(StoreError::Distrusted);
            }
            Ok((CheckedPage { made: made(&records), entries, found }, 0))
        };
        Ok(self.read_at_length(patience, read).await?.it)
    }

    /// The care providers whose staff made some records, in order of their ids.
    ///
    /// # Errors
    /// The store's.
    pub async fn accessing_providers(
        &self,
        places: RecordPlaces,
    ) -> Result<Vec<AccessingProvider>, StoreError> {
        let read = async move |connection: &mut PgConnection| {
            let (numbers, times) = places.columns();
            let found: Vec<AccessingProvider> = sqlx::query_as(
                "/* accessing_providers */
                 select distinct on (lower(btrim(care_provider_id))) care_provider_id, care_provider_name
                 from unnest($1::bigint[], $2::timestamptz[]) as n (entry_number, activity_at)
                 join log_entries e using (entry_number, activity_at)
                 order by lower(btrim(care_provider_id)), activity_at desc, entry_number desc",
            )
            .bind(numbers)
            .bind(times)
            .fetch_all(connection)
            .await?;
            let rows = found.len();
            Ok((found, rows))
        };
        Ok(self.read_at_length(ACQUIRE_TIMEOUT, read).await?.it)
    }
}

/// The rows of some records, in their order.
async fn rows_of(
    connection: &mut PgConnection,
    places: &RecordPlaces,
) -> Result<(Vec<EntryRow>, FurtherResources), StoreError> {
    let Some((first, last)) = places.interval() else {
        return Ok((Vec::new(), FurtherResources::new()));
    };
    let (numbers, times) = places.columns();
    let entries: Vec<EntryRow> = sqlx::query_as(
        "/* report_entries */ select e.*
         from unnest($1::bigint[], $2::timestamptz[]) with ordinality
            as n (entry_number, activity_at, place)
         join log_entries e using (entry_number, activity_at)
         where e.activity_at between $3 and $4 order by n.place",
    )
    .bind(numbers)
    .bind(times)
    .bind(first)
    .bind(last)
    .fetch_all(&mut *connection)
    .await?;
    let further = further_resources(connection, &entries).await?;
    Ok((entries, further))
}
