//! What is not as it was sealed.

use super::intake::Intake;
use super::notices::{self, NewNotice};
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use chrono::TimeDelta;
use sigill_seal::entry::Kind;
use sqlx::{FromRow, PgConnection};

/// Something that is not as it was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewFinding {
    /// What it is, in a word or two.
    pub kind: &'static str,
    /// Which leaves are concerned, where that is known: first and last.
    pub leaves: Option<(u64, u64)>,
    /// Which record, where it has no leaf.
    pub entry_number: Option<i64>,
    /// What was found in place of what was sealed.
    pub observed: Vec<u8>,
    /// What it means; names nobody.
    pub detail: String,
    /// Records of which time may be concerned; none is of any time.
    pub time: Option<(Timestamp, Timestamp)>,
}

/// A finding that nobody has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct OpenFinding {
    /// Its number.
    pub finding_number: i64,
    /// What it is.
    pub kind: String,
    /// Which leaves are concerned.
    pub first_leaf: Option<i64>,
    /// The same.
    pub last_leaf: Option<i64>,
    /// What it means.
    pub detail: String,
    /// Since when it is known.
    pub found_at: Timestamp,
}

/// Keeps a finding; whether it must be acknowledged: the same that has been need not be again.
pub(in crate::store) async fn add(
    connection: &mut PgConnection,
    finding: &NewFinding,
    now: Timestamp,
) -> Result<AddedFinding, StoreError> {
    let leaf = |leaf: u64| i64::try_from(leaf).unwrap_or(i64::MAX);
    // What is about the log as a whole is told from another time by what it says.
    let observed = match finding.observed.is_empty() {
        true => finding.detail.as_bytes(),
        false => &finding.observed,
    };
    let added: AddedFinding = sqlx::query_as(
        "/* add_finding */ with added as (
            insert into log_findings (kind, first_leaf, last_leaf, entry_number, observed, detail, from_at,
                to_at, found_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning 1)
         select exists (select 1 from added) as is_new,
            coalesce((select acknowledged_by is null from log_findings
                where kind = $1 and coalesce(first_leaf, -1) = coalesce($2, -1)
                  and coalesce(entry_number, -1) = coalesce($4, -1) and observed = $5), true) as is_open",
    )
    .bind(finding.kind)
    .bind(finding.leaves.map(|(first, _)| leaf(first)))
    .bind(finding.leaves.map(|(_, last)| leaf(last)))
    .bind(finding.entry_number)
    .bind(observed)
    .bind(&finding.detail)
    .bind(finding.time.map(|(from, _)| from))
    .bind(finding.time.map(|(_, to)| to))
    .bind(now)
    .fetch_one(connection)
    .await?;
    Ok(added)
}

/// What has become of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct AddedFinding {
    /// Nobody had found it before.
    pub is_new: bool,
    /// It must be acknowledged: the same that has been need not be again.
    pub is_open: bool,
}

#[derive(FromRow)]
struct LeafTimes {
    from_at: Option<Timestamp>,
    to_at: Option<Timestamp>,
}

/// A record is delivered so long after its activity, at the most, but for few.
pub const DELIVERY: TimeDelta = TimeDelta::days(31);

/// Activities of which time some leaves may be about, by the checkpoints around them. What has no leaf yet is of
/// now. `None`: of any time.
pub(in crate::store::log) async fn time_of_leaves(
    connection: &mut PgConnection,
    leaves: Option<(u64, u64)>,
    now: Timestamp,
) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
    let Some((first, last)) = leaves else { return Ok(Some((now - DELIVERY, now))) };
    let times: LeafTimes = sqlx::query_as(
        "/* time_of_leaves */ select
            (select integrated_at from log_checkpoints where size <= $1 order by size desc limit 1) as from_at,
            (select integrated_at from log_checkpoints where size > $2 order by size limit 1) as to_at",
    )
    .bind(i64::try_from(first).unwrap_or(i64::MAX))
    .bind(i64::try_from(last).unwrap_or(i64::MAX))
    .fetch_one(connection)
    .await?;
    Ok(times.from_at.map(|from| (from - DELIVERY, times.to_at.unwrap_or(now))))
}

/// Whether something that nobody has acknowledged may concern records of a time.
pub(in crate::store::log) async fn concern(
    connection: &mut PgConnection,
    (from, to): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(
        "/* findings_concern */ select exists (select 1 from log_findings
            where acknowledged_by is null and coalesce(from_at <= $2, true) and coalesce(to_at >= $1, true))",
    )
    .bind(from)
    .bind(to)
    .fetch_one(connection)
    .await?)
}

/// Acknowledges what was found about the log as a whole, by whatever says next why it goes on.
pub(super) async fn acknowledge_whole(
    connection: &mut PgConnection,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "/* acknowledge_whole */ update log_findings set acknowledged_by = 0
         where acknowledged_by is null and found_at <= $1 and kind in ('rolled back', 'fork', 'checkpoint', 'tree')",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Keeps a finding, once.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_finding(
        &self,
        finding: &NewFinding,
        now: Timestamp,
    ) -> Result<AddedFinding, StoreError> {
        add(&mut *self.pool.acquire().await?, finding, now).await
    }

    /// The findings that nobody has acknowledged, the first ones.
    ///
    /// # Errors
    /// The store's.
    pub async fn open_findings(&self, most: i64) -> Result<Vec<OpenFinding>, StoreError> {
        let sql = "/* open_findings */ select finding_number, kind, first_leaf, last_leaf, detail, found_at
             from log_findings where acknowledged_by is null order by finding_number limit $1";
        Ok(sqlx::query_as(sql).bind(most).fetch_all(&self.pool).await?)
    }

    /// Acknowledges a finding, and seals that; `false`: there is none of this number, or it has been.
    ///
    /// # Errors
    /// The store's.
    pub async fn acknowledge(
        &self,
        number: i64,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let intake: &Intake = self.intake()?;
        let mut transaction = self.begin().await?;
        let found: Option<OpenFinding> = sqlx::query_as(
            "/* finding_to_acknowledge */ select finding_number, kind, first_leaf, last_leaf, detail, found_at
             from log_findings where finding_number = $1 and acknowledged_by is null for update",
        )
        .bind(number)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(found) = found else { return Ok(false) };
        let body = format!(
            "acknowledgement\nfinding {number}\nkind {}\ndetail {}\nreason {}\n",
            found.kind,
            one_line(&found.detail),
            one_line(reason)
        );
        let new = NewNotice { kind: Kind::Acknowledgement, salt: None, body: &body };
        let notice = notices::add(&mut transaction, intake, &new, now).await?;
        sqlx::query(
            "/* acknowledge */ update log_findings set acknowledged_by = $2 where finding_number = $1",
        )
        .bind(number)
        .bind(notice)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// A text as one line of a notice.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
