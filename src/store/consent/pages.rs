//! A care provider's assertions in the order of their storage, page by page.
//!
//! Which of them are told as valid and which as ended is rule CL9, here as SQL; a test holds the two
//! together row by row.

use super::assertions::{ASSERTION_COLUMNS, AssertionRow};
use crate::domain::consent::assertion::Assertion;
use crate::domain::consent::page::{PageEnd, page_end};
use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::long_reads::{Found, read_snapshot};
use crate::store::readers::ACQUIRE_TIMEOUT;
use crate::store::tenants::TenantId;
use sqlx::{FromRow, PgConnection};

/// What is listed.
#[derive(Debug, Clone)]
pub struct ListQuestion {
    /// Whose assertions.
    pub care_provider: HsaId,
    /// Only what was stored or changed at or after this.
    pub since: Option<Timestamp>,
    /// Whether those that have been ended or annulled are listed too.
    pub with_ended: bool,
    /// When they are valid or have run out.
    pub now: Timestamp,
    /// How many a page should hold.
    pub rows_max: usize,
}

/// An entry of the list.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A valid assertion.
    Valid(Box<Assertion>),
    /// One that was ended or annulled: its id, and when.
    Ended(String, Timestamp),
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct AssertionPage {
    /// In the order of storage.
    pub entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    pub next: Option<Timestamp>,
}

/// A row of the list of valid assertions.
#[derive(FromRow)]
struct ValidRow<'r> {
    #[sqlx(flatten)]
    assertion: AssertionRow<'r>,
    listed_at: Timestamp,
}

/// A row of the list of ended ones.
#[derive(FromRow)]
struct EndedRow {
    assertion_id: String,
    ended_at: Timestamp,
    listed_at: Timestamp,
}

const VALID: &str = "coalesce(patient_ended_at, stored_at) as listed_at
     from assertions
     where tenant_id = $1 and provider_key = $2 and removed_at is null
       and not ended_at_once and (end_at is null or end_at >= $3)
       and coalesce(patient_ended_at, stored_at) >= $4
       and ($5::timestamptz is null or coalesce(patient_ended_at, stored_at) < $5)
     order by coalesce(patient_ended_at, stored_at), assertion_key limit $6";

/// What the patient ended is told with the end that the patient set, everything else with when
/// it was done; both until the end of the registration has passed.
const ENDED: &str = "/* ended_assertions */ select assertion_id, coalesce(removed_at, end_at) as ended_at,
        coalesce(removed_at, patient_ended_at) as listed_at
     from assertions
     where tenant_id = $1 and provider_key = $2
       and (removed_at is not null or patient_ended_at is not null and (ended_at_once or end_at < $3))
       and coalesce(case when patient_ended_at is null then end_at else original_end_at end, $3) >= $3
       and coalesce(removed_at, patient_ended_at) >= $4
       and ($5::timestamptz is null or coalesce(removed_at, patient_ended_at) < $5)
     order by coalesce(removed_at, patient_ended_at), assertion_key limit $6";

impl Store {
    /// One page, read from one snapshot.
    ///
    /// # Errors
    /// The store's.
    pub async fn assertion_page(
        &self,
        tenant: TenantId,
        question: ListQuestion,
    ) -> Result<Found<AssertionPage>, StoreError> {
        self.read_at_length(ACQUIRE_TIMEOUT, async move |connection| {
            let mut transaction = read_snapshot(connection).await?;
            let page = page(&mut transaction, tenant, &question).await?;
            let rows = page.entries.len();
            Ok((page, rows))
        })
        .await
    }
}

async fn page(
    connection: &mut PgConnection,
    tenant: TenantId,
    question: &ListQuestion,
) -> Result<AssertionPage, StoreError> {
    let rows_max = question.rows_max;
    let mut found = entries(connection, tenant, question, None, Some(rows_max + 1)).await?;
    let times: Vec<Timestamp> = found.iter().map(|(at, _)| *at).collect();
    let next = match page_end(&times, rows_max) {
        PageEnd::Complete => None,
        PageEnd::Before(end) => {
            found.retain(|(at, _)| *at < end);
            Some(end)
        }
        PageEnd::Stretched(end) => {
            found = entries(connection, tenant, question, Some(end), None).await?;
            let rest = ListQuestion { since: Some(end), ..question.clone() };
            let more = entries(connection, tenant, &rest, None, Some(1)).await?;
            (!more.is_empty()).then_some(end)
        }
    };
    Ok(AssertionPage { entries: found.into_iter().map(|(_, entry)| entry).collect(), next })
}

/// Entries from the question's beginning up to `before`, at most `count`, in order.
async fn entries(
    connection: &mut PgConnection,
    tenant: TenantId,
    question: &ListQuestion,
    before: Option<Timestamp>,
    count: Option<usize>,
) -> Result<Vec<(Timestamp, Entry)>, StoreError> {
    let since = question.since.unwrap_or(Timestamp::UNIX_EPOCH);
    let limit = count.and_then(|count| i64::try_from(count).ok());
    let bound = |sql| {
        sqlx::query(sql)
            .bind(tenant.0)
            .bind(question.care_provider.key())
            .bind(question.now)
            .bind(since)
            .bind(before)
            .bind(limit)
    };
    let sql = format!("/* listed_assertions */ select {ASSERTION_COLUMNS}, {VALID}");
    let mut found = Vec::new();
    for row in &bound(sql.as_str()).fetch_all(&mut *connection).await? {
        let row = ValidRow::from_row(row)?;
        found.push((row.listed_at, Entry::Valid(Box::new(row.assertion.assertion(|| Ok(()))?))));
    }
    if question.with_ended {
        for row in &bound(ENDED).fetch_all(&mut *connection).await? {
            let row = EndedRow::from_row(row)?;
            found.push((row.listed_at, Entry::Ended(row.assertion_id, row.ended_at)));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found.truncate(count.unwrap_or(usize::MAX));
    Ok(found)
}
