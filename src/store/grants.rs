//! What callers may do, as it is kept beside the file of settings: added, ended, never deleted.

use super::database::Store;
use super::error::StoreError;
use crate::domain::time::Timestamp;
use crate::domain::trust::grant::GrantTerms;

/// Grants in force that are read; more are an error, and none of them counts.
const GRANTS_MAX: i64 = 100_000;

/// A grant that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptGrant {
    /// Its number.
    pub number: i64,
    /// What it says.
    pub terms: GrantTerms,
    /// Why it was added, and by whom and when.
    pub added: Note,
    /// Why it was ended, and by whom and when.
    pub ended: Option<Note>,
}

/// Why something was done, by whom and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct GrantRow {
    grant_number: i64,
    consumer: String,
    contracts: Vec<String>,
    tenant: Option<String>,
    logical_addresses: Vec<String>,
    care_providers: Vec<String>,
    via: Vec<String>,
    from_at: Option<Timestamp>,
    until_at: Option<Timestamp>,
    reason: String,
    added_by: String,
    added_at: Timestamp,
    ended_by: Option<String>,
    ended_at: Option<Timestamp>,
    end_reason: Option<String>,
}

impl From<GrantRow> for KeptGrant {
    fn from(row: GrantRow) -> Self {
        let ended = row.ended_by.zip(row.ended_at).zip(row.end_reason);
        Self {
            number: row.grant_number,
            terms: GrantTerms {
                consumer: row.consumer,
                contracts: row.contracts,
                tenant: row.tenant,
                logical_addresses: row.logical_addresses,
                care_providers: row.care_providers,
                via: row.via,
                from: row.from_at,
                until: row.until_at,
            },
            added: Note { reason: row.reason, by: row.added_by, at: row.added_at },
            ended: ended.map(|((by, at), reason)| Note { reason, by, at }),
        }
    }
}

impl Store {
    /// The grants that have not been ended.
    ///
    /// # Errors
    /// The store's; also that there are more than can be read.
    pub async fn grants_in_force(&self) -> Result<Vec<KeptGrant>, StoreError> {
        let rows: Vec<GrantRow> = sqlx::query_as(
            "/* grants_in_force */ select * from grants where ended_at is null order by grant_number limit $1",
        )
        .bind(GRANTS_MAX + 1)
        .fetch_all(&self.pool)
        .await?;
        match i64::try_from(rows.len()) {
            Ok(..=GRANTS_MAX) => Ok(rows.into_iter().map(KeptGrant::from).collect()),
            _ => Err(StoreError::Inconsistent {
                table: "grants",
                row: GRANTS_MAX,
                what: "more grants than are read",
            }),
        }
    }

    /// All grants, also those that were ended, in the order in which they were added.
    ///
    /// # Errors
    /// The store's.
    pub async fn all_grants(&self) -> Result<Vec<KeptGrant>, StoreError> {
        let rows: Vec<GrantRow> =
            sqlx::query_as("/* all_grants */ select * from grants order by grant_number")
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().map(KeptGrant::from).collect())
    }

    /// Adds one; its number.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_grant(&self, terms: &GrantTerms, added: &Note) -> Result<i64, StoreError> {
        let number = sqlx::query_scalar(
            "/* add_grant */ insert into grants (consumer, contracts, tenant, logical_addresses, care_providers, via,
                from_at, until_at, reason, added_by, added_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning grant_number",
        )
        .bind(&terms.consumer)
        .bind(&terms.contracts)
        .bind(&terms.tenant)
        .bind(&terms.logical_addresses)
        .bind(&terms.care_providers)
        .bind(&terms.via)
        .bind(terms.from)
        .bind(terms.until)
        .bind(&added.reason)
        .bind(&added.by)
        .bind(added.at)
        .fetch_one(&self.pool)
        .await?;
        Ok(number)
    }

    /// Ends one; `false`: there is none of that number in force.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_grant(&self, number: i64, ended: &Note) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "/* end_grant */ update grants set ended_by = $2, ended_at = $3, end_reason = $4
             where grant_number = $1 and ended_at is null",
        )
        .bind(number)
        .bind(&ended.by)
        .bind(ended.at)
        .bind(&ended.reason)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
