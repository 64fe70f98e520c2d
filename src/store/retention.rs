//! What is due to be removed, its removal, and legal holds.
//!
//! The one place that deletes. It works under the change clock of the tenant, so nothing
//! happens to a record while it is being removed.

use super::change::{Change, ChangeDomain};
use super::database::Store;
use super::error::StoreError;
use super::log::seal::findings::one_line;
use super::log::seal::intake::Intake;
use super::log::seal::notices::{self, NewNotice};
use super::log::seal::tree::TreeChange;
use super::tenants::TenantId;
use crate::domain::retention::{Cutoffs, Hold};
use crate::domain::time::Timestamp;
use sigill_seal::entry::Kind;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{FromRow, PgConnection, Postgres, Row};

/// A kind of record that is removed when its time is over.
#[derive(Debug, PartialEq, Eq)]
pub struct RetentionKind {
    /// As it is called in `retention_removals` and on the command line.
    pub name: &'static str,
    /// Whose clock its changes follow.
    pub domain: ChangeDomain,
    /// Selects number, object_id, care_provider_id, provider_key, patient_key and since when it
    /// has been invalid, for the tenant $1 at the time $2, of all that may be due before $3.
    due: &'static str,
    /// Delete what has the numbers $1, in this order.
    deletes: &'static [&'static str],
}

/// Assertions: ended, annulled, or expired.
pub static ASSERTIONS: RetentionKind = RetentionKind {
    name: "assertion",
    domain: ChangeDomain::Consent,
    due: "select assertion_number as number, assertion_id as object_id, care_provider_id, provider_key,
            patient_key, greatest(removed_at, case when end_at < $2 then end_at end) as since
          from assertions where tenant_id = $1 and (removed_at < $3 or end_at < $3)",
    deletes: &[
        "/* remove_patient_ends */ delete from patient_ends where assertion_number = any($1)",
        "/* remove_assertion_actions */ delete from assertion_actions where assertion_number = any($1)",
        "/* remove_assertions */ delete from assertions where assertion_number = any($1)",
    ],
};

/// Blocks: unregistered, revoked for good, or annulled.
pub static BLOCKS: RetentionKind = RetentionKind {
    name: "block",
    domain: ChangeDomain::Blocking,
    // One whose change the national service has not confirmed is still needed.
    due: "select block_number as number, block_id as object_id,
            information_care_provider_id as care_provider_id, provider_key, patient_key,
            removed_at as since
          from blocks b where tenant_id = $1 and removed_at < $3 and removed_at <= $2
            and not exists (select 1 from replications r
                where r.block_number = b.block_number)",
    deletes: &[
        "/* remove_block_actions */ delete from block_actions where block_number = any($1)",
        "/* remove_revokes */ delete from temporary_revokes where block_number = any($1)",
        "/* remove_blocks */ delete from blocks where block_number = any($1)",
    ],
};

/// What is due at a care provider.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Due {
    /// The care provider.
    pub care_provider_id: String,
    /// How many are removed.
    pub count: i64,
    /// How many would be, but for a legal hold.
    pub held: i64,
    /// Since when the oldest has been invalid.
    pub oldest_since: Timestamp,
}

impl Due {
    /// The same with what else is due there.
    pub fn add(&mut self, more: &Self) {
        self.count += more.count;
        self.held += more.held;
        self.oldest_since = self.oldest_since.min(more.oldest_since);
    }
}

/// A legal hold in force.
#[derive(Debug, Clone)]
pub struct StoredHold {
    /// Its number.
    pub number: i64,
    /// The tenant's name.
    pub tenant: String,
    /// What it names.
    pub hold: Hold,
    /// Why.
    pub reason: String,
    /// Since when.
    pub placed_at: Timestamp,
}

impl RetentionKind {
    /// What is old enough, with whether a hold names it, for $1 to $5.
    fn old_enough(&self) -> String {
        format!(
            "with due as ({}), old_enough as (
                select d.*, exists (select 1 from legal_holds h
                    where h.tenant_id = $1 and h.lifted_at is null
                      and (h.patient_key is null or h.patient_key = d.patient_key)
                      and (h.provider_key is null or h.provider_key = d.provider_key)) as held
                from due d
                left join unnest($4::text[], $5::timestamptz[]) as own (provider_key, cutoff)
                    on own.provider_key = d.provider_key
                where d.since < coalesce(own.cutoff, $3))",
            self.due
        )
    }
}

fn bind<'q>(
    sql: &'q str,
    tenant: TenantId,
    now: Timestamp,
    cutoffs: &Cutoffs,
) -> Query<'q, Postgres, PgArguments> {
    let (keys, moments): (Vec<String>, Vec<Timestamp>) = cutoffs.own.iter().cloned().unzip();
    sqlx::query(sql).bind(tenant.0).bind(now).bind(cutoffs.general).bind(keys).bind(moments)
}

impl Store {
    /// What is due, by care provider.
    ///
    /// # Errors
    /// The store's.
    pub async fn due(
        &self,
        kind: &RetentionKind,
        tenant: TenantId,
        now: Timestamp,
        cutoffs: &Cutoffs,
    ) -> Result<Vec<Due>, StoreError> {
        let sql = format!(
            "/* due */ {} select min(care_provider_id) as care_provider_id,
                count(*) filter (where not held) as count, count(*) filter (where held) as held,
                min(since) as oldest_since
             from old_enough group by provider_key order by provider_key",
            kind.old_enough()
        );
        let rows = bind(&sql, tenant, now, cutoffs).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(Due::from_row).collect::<Result<_, _>>()?)
    }

    /// Places a legal hold; returns its number.
    ///
    /// # Errors
    /// The store's.
    pub async fn place_hold(
        &self,
        tenant: TenantId,
        hold: &Hold,
        reason: &str,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let intake = self.intake()?;
        let mut transaction = self.begin().await?;
        let number = sqlx::query_scalar(
            "/* place_hold */ insert into legal_holds (tenant_id, patient_key, provider_key, reason, placed_at)
             values ($1, $2, $3, $4, $5) returning hold_number",
        )
        .bind(tenant.0)
        .bind(&hold.patient)
        .bind(&hold.care_provider)
        .bind(reason)
        .bind(now)
        .fetch_one(&mut *transaction)
        .await?;
        for held in held(&mut transaction, Some(number)).await? {
            let body = held.notice();
            let new = NewNotice { kind: Kind::Hold, salt: Some(intake.salt()), body: &body };
            notices::add(&mut transaction, intake, &new, now).await?;
        }
        transaction.commit().await?;
        Ok(number)
    }

    /// Lifts a legal hold; `false` when none of that number is in force.
    ///
    /// # Errors
    /// The store's.
    pub async fn lift_hold(&self, number: i64, now: Timestamp) -> Result<bool, StoreError> {
        let intake = self.intake()?;
        let mut transaction = self.begin().await?;
        let sql = "/* lift_hold */ update legal_holds set lifted_at = $2
            where hold_number = $1 and lifted_at is null";
        let done = sqlx::query(sql).bind(number).bind(now).execute(&mut *transaction).await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        let body = format!("hold lifted\nnumber {number}\n");
        let new = NewNotice { kind: Kind::Hold, salt: Some(intake.salt()), body: &body };
        notices::add(&mut transaction, intake, &new, now).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// The legal holds in force.
    ///
    /// # Errors
    /// The store's.
    pub async fn holds(&self) -> Result<Vec<StoredHold>, StoreError> {
        held(&mut *self.pool.acquire().await?, None).await
    }
}

/// The legal holds in force, or one of them.
async fn held(
    connection: &mut PgConnection,
    number: Option<i64>,
) -> Result<Vec<StoredHold>, StoreError> {
    let rows: Vec<HoldRow> = sqlx::query_as(
        "/* holds */ select hold_number, name, patient_key, provider_key, reason, placed_at
         from legal_holds join tenants using (tenant_id)
         where lifted_at is null and ($1::bigint is null or hold_number = $1) order by hold_number",
    )
    .bind(number)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(HoldRow::hold).collect())
}

impl TreeChange {
    /// Seals the legal holds that are in force; how many they are.
    ///
    /// # Errors
    /// The store's.
    pub async fn seal_holds(
        &mut self,
        intake: &Intake,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let held = held(self.connection(), None).await?;
        for hold in &held {
            let body = hold.notice();
            let new = NewNotice { kind: Kind::Hold, salt: Some(intake.salt()), body: &body };
            self.add_notice(intake, &new, now).await?;
        }
        Ok(held.len())
    }
}

impl StoredHold {
    /// What the log says of its being placed.
    pub fn notice(&self) -> String {
        let mut body = format!("hold placed\nnumber {}\ntenant {}\n", self.number, self.tenant);
        let named = [("patient", &self.hold.patient), ("care_provider", &self.hold.care_provider)];
        for (name, key) in named {
            if let Some(key) = key {
                body += &format!("{name} {}\n", one_line(key));
            }
        }
        body + &format!("reason {}\n", one_line(&self.reason))
    }
}

/// A row of `legal_holds`, with its tenant's name.
#[derive(sqlx::FromRow)]
struct HoldRow {
    hold_number: i64,
    name: String,
    patient_key: Option<String>,
    provider_key: Option<String>,
    reason: String,
    placed_at: Timestamp,
}

impl HoldRow {
    fn hold(self) -> StoredHold {
        StoredHold {
            number: self.hold_number,
            tenant: self.name,
            hold: Hold { patient: self.patient_key, care_provider: self.provider_key },
            reason: self.reason,
            placed_at: self.placed_at,
        }
    }
}

impl Change {
    /// Removes at most `count` of what is due, the oldest first, and records what was removed.
    /// Returns how many.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove_due(
        &mut self,
        kind: &RetentionKind,
        now: Timestamp,
        cutoffs: &Cutoffs,
        count: usize,
    ) -> Result<usize, StoreError> {
        let sql = format!(
            "/* remove_due */ {}, chosen as (
                select * from old_enough where not held order by since, number limit $6),
             recorded as (
                insert into retention_removals (tenant_id, kind, object_id, care_provider_id,
                    invalid_since, removed_at)
                select $1, $7, object_id, care_provider_id, since, $2 from chosen)
             select number from chosen",
            kind.old_enough()
        );
        let rows = bind(&sql, self.tenant, now, cutoffs)
            .bind(i64::try_from(count).unwrap_or(i64::MAX))
            .bind(kind.name)
            .fetch_all(&mut *self.transaction)
            .await?;
        let numbers: Vec<i64> =
            rows.iter().map(|row| row.try_get("number")).collect::<Result<_, _>>()?;
        let mut last = 0;
        for sql in kind.deletes {
            let done = sqlx::query(sql).bind(&numbers).execute(&mut *self.transaction).await?;
            last = done.rows_affected();
        }
        // The last are the records themselves; what has been recorded as removed must be.
        if last != numbers.len() as u64 {
            return Err(StoreError::RowCount { what: "retention", rows: last });
        }
        Ok(numbers.len())
    }
}
