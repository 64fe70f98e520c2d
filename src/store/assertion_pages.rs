//! A care provider's assertions in the order of their storage, page by page.

use super::assertions::assertion_of;
use super::{Store, StoreError, TenantId};
use crate::domain::consent::Assertion;
use crate::domain::identity::HsaId;
use crate::domain::page::{PageEnd, page_end};
use crate::domain::time::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

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
    /// A valid assertion, and the system that registered it.
    Valid(Assertion, Option<String>),
    /// One that was ended or annulled: its id, and when.
    Ended(String, Timestamp),
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct Page {
    /// In the order of storage.
    pub entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    pub next: Option<Timestamp>,
}

const VALID: &str = "/* listed_assertions */ select assertion_id, assertion_type, patient_root,
        patient_extension, care_provider_id, care_unit_id, employee_id, start_at, start_given, end_at,
        stored_at, false, owner_id, coalesce(patient_ended_at, stored_at)
     from assertions
     where tenant_id = $1 and provider_key = $2 and removed_at is null
       and (end_at is null or end_at >= $3) and coalesce(patient_ended_at, stored_at) >= $4
       and ($5::timestamptz is null or coalesce(patient_ended_at, stored_at) < $5)
     order by coalesce(patient_ended_at, stored_at), assertion_key limit $6";

/// What the patient ended is told with the end that the patient set, everything else with when
/// it was done; both until the end of the registration has passed (rule CL9).
const ENDED: &str = "/* ended_assertions */ select assertion_id, coalesce(removed_at, end_at),
        coalesce(removed_at, patient_ended_at)
     from assertions
     where tenant_id = $1 and provider_key = $2 and (removed_at is not null or patient_ended_at is not null)
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
        question: &ListQuestion,
    ) -> Result<Page, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(
            "/* assertion_page */ set transaction isolation level repeatable read, read only",
        )
        .execute(&mut *transaction)
        .await?;
        let rows_max = question.rows_max;
        let mut found =
            entries(&mut transaction, tenant, question, None, Some(rows_max + 1)).await?;
        let times: Vec<Timestamp> = found.iter().map(|(at, _)| *at).collect();
        let next = match page_end(&times, rows_max) {
            PageEnd::Complete => None,
            PageEnd::Before(end) => {
                found.retain(|(at, _)| *at < end);
                Some(end)
            }
            PageEnd::Stretched(end) => {
                found = entries(&mut transaction, tenant, question, Some(end), None).await?;
                let rest = ListQuestion { since: Some(end), ..question.clone() };
                let more = entries(&mut transaction, tenant, &rest, None, Some(1)).await?;
                (!more.is_empty()).then_some(end)
            }
        };
        Ok(Page { entries: found.into_iter().map(|(_, entry)| entry).collect(), next })
    }
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
    let mut found = Vec::new();
    for (wanted, sql) in [(true, VALID), (question.with_ended, ENDED)] {
        if !wanted {
            continue;
        }
        let rows = sqlx::query(sql)
            .bind(tenant.0)
            .bind(question.care_provider.key())
            .bind(question.now)
            .bind(since)
            .bind(before)
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?;
        let entry = if sql == VALID { valid } else { ended };
        for row in &rows {
            found.push(entry(row)?);
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found.truncate(count.unwrap_or(usize::MAX));
    Ok(found)
}

fn valid(row: &PgRow) -> Result<(Timestamp, Entry), StoreError> {
    Ok((row.try_get(13)?, Entry::Valid(assertion_of(row)?, row.try_get(12)?)))
}

fn ended(row: &PgRow) -> Result<(Timestamp, Entry), StoreError> {
    Ok((row.try_get(2)?, Entry::Ended(row.try_get(0)?, row.try_get(1)?)))
}
