//! Reports that take longer than a call: queued, made by any process, kept for a day.

use super::reports::{RecordPlaces, SubjectKeys, SubjectKind, places};
use crate::domain::log::report::ReportQuestion;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;
use sqlx::postgres::PgArguments;
use sqlx::{Arguments, FromRow};
use uuid::Uuid;

/// How long the making of one report may take.
const MAKING_LIMIT: &str = "set local statement_timeout = '1h'";

/// What has become of a queued report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueuedReport {
    /// It waits.
    Waiting {
        /// Expected seconds until it is made.
        seconds: i32,
    },
    /// It is being made.
    Making {
        /// The same.
        seconds: i32,
    },
    /// It is about these records.
    Made(RecordPlaces),
    /// It is about more records than a report has.
    TooMany,
    /// It could not be made.
    Failed,
}

/// A row of `log_reports`, with what waits before it.
#[derive(FromRow)]
struct ReportRow {
    report_number: i64,
    begun: bool,
    outcome: Option<String>,
    numbers: Option<Vec<i64>>,
    times: Option<Vec<Timestamp>>,
    seconds: i32,
}

/// What a report that is to be made is about.
#[derive(FromRow)]
struct OrderedReport {
    report_number: i64,
    tenant_id: i32,
    kind: String,
    owner_key: Option<String>,
    patient_key: Option<String>,
    user_key: Option<String>,
    unit_key: Option<String>,
    from_at: Timestamp,
    to_at: Timestamp,
}

impl Store {
    /// Queues a report for a caller; `false` when as many of the caller's wait as may.
    ///
    /// # Errors
    /// The store's.
    pub async fn queue_report(
        &self,
        tenant: TenantId,
        caller: &str,
        question: &ReportQuestion,
        (id, most): (Uuid, i64),
    ) -> Result<bool, StoreError> {
        let mut arguments = arguments(tenant, caller, question, id)?;
        arguments.add(most).map_err(sqlx::Error::Encode)?;
        let mut transaction = self.begin().await?;
        let queued = sqlx::query_with(
            "/* queue_report */ insert into log_reports (report_id, tenant_id, caller, kind, owner_key,
                patient_key, user_key, unit_key, from_at, to_at)
             select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
             where (select count(*) from log_reports
                where tenant_id = $2 and caller = $3 and outcome is null) < $11",
            arguments,
        )
        .execute(&mut *transaction)
        .await?;
        if queued.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "/* queue_report_job */ insert into jobs (kind, subject) values ('log-report', $1)",
        )
        .bind(id.to_string())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// What has become of the report that this caller queued under the id with the same question;
    /// `None` for every other.
    ///
    /// # Errors
    /// The store's.
    pub async fn queued_report(
        &self,
        tenant: TenantId,
        caller: &str,
        question: &ReportQuestion,
        id: Uuid,
    ) -> Result<Option<QueuedReport>, StoreError> {
        // A report takes as long as the last ones took, and so do those before it.
        let found: Option<ReportRow> = sqlx::query_as_with(
            "/* queued_report */ with usual as (
                select coalesce(avg(extract(epoch from ended_at - begun_at)), 10) as seconds
                from (select begun_at, ended_at from log_reports where ended_at is not null
                    order by ended_at desc limit 20) latest)
             select r.report_number, r.begun_at is not null as begun, r.outcome, r.numbers, r.times,
                least(86400, greatest(1, ceil(case
                    when r.begun_at is null then (1 + (select count(*) from log_reports b
                        where b.outcome is null and b.report_number < r.report_number)) * u.seconds
                    else u.seconds - extract(epoch from clock_timestamp() - r.begun_at) end)))::int as seconds
             from log_reports r, usual u
             where r.report_id = $1 and r.tenant_id = $2 and r.caller = $3 and r.kind = $4
               and r.owner_key is not distinct from $5 and r.patient_key is not distinct from $6
               and r.user_key is not distinct from $7 and r.unit_key is not distinct from $8
               and r.from_at = $9 and r.to_at = $10",
            arguments(tenant, caller, question, id)?,
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = found else { return Ok(None) };
        let at = Origin { table: "log_reports", row: row.report_number };
        Ok(Some(match (row.outcome.as_deref(), row.numbers.zip(row.times)) {
            (None, _) if row.begun => QueuedReport::Making { seconds: row.seconds },
            (None, _) => QueuedReport::Waiting { seconds: row.seconds },
            (Some("made"), Some((numbers, times))) => {
                QueuedReport::Made(RecordPlaces::kept(numbers, times))
            }
            (Some("too-many"), _) => QueuedReport::TooMany,
            (Some("failed"), _) => QueuedReport::Failed,
            _ => return Err(at.inconsistent("an outcome without its records")),
        }))
    }

    /// Makes a queued report, however long that takes. One that is gone needs no making.
    ///
    /// # Errors
    /// The store's; nothing is kept then.
    pub async fn make_report(&self, id: Uuid, most: usize) -> Result<(), StoreError> {
        let ordered: Option<OrderedReport> = sqlx::query_as(
            "/* begin_report */ update log_reports set begun_at = clock_timestamp()
             where report_id = $1 and outcome is null
             returning report_number, tenant_id, kind, owner_key, patient_key, user_key, unit_key,
                from_at, to_at",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        let Some(ordered) = ordered else { return Ok(()) };
        let at = Origin { table: "log_reports", row: ordered.report_number };
        let kind = SubjectKind::of(&ordered.kind);
        let keys = SubjectKeys {
            kind: kind.ok_or_else(|| at.inconsistent("unknown kind"))?,
            owner: ordered.owner_key,
            patient: ordered.patient_key,
            user: ordered.user_key,
            unit: ordered.unit_key,
        };
        let tenant = TenantId(ordered.tenant_id);
        let mut transaction = self.begin().await?;
        sqlx::query(MAKING_LIMIT).execute(&mut *transaction).await?;
        let interval = (ordered.from_at, ordered.to_at);
        let found = places(&mut transaction, tenant, &keys, interval, most).await?;
        let outcome = if found.is_some() { "made" } else { "too-many" };
        let (numbers, times) = found.as_ref().map(RecordPlaces::columns).unzip();
        sqlx::query(
            "/* end_report */ update log_reports
             set outcome = $2, numbers = $3, times = $4, ended_at = clock_timestamp()
             where report_number = $1 and outcome is null",
        )
        .bind(ordered.report_number)
        .bind(outcome)
        .bind(numbers)
        .bind(times)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Gives up a report that cannot be made.
    ///
    /// # Errors
    /// The store's.
    pub async fn give_up_report(&self, id: Uuid) -> Result<(), StoreError> {
        sqlx::query(
            "/* give_up_report */ update log_reports
             set outcome = 'failed', begun_at = coalesce(begun_at, clock_timestamp()),
                ended_at = clock_timestamp()
             where report_id = $1 and outcome is null",
        )
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Removes the reports that have been kept long enough.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove_old_reports(&self, hours: i32) -> Result<u64, StoreError> {
        let sql = "/* remove_old_reports */ delete from log_reports
            where ended_at < clock_timestamp() - make_interval(hours => $1)";
        Ok(sqlx::query(sql).bind(hours).execute(&self.pool).await?.rows_affected())
    }
}

/// A caller's question as $1 to $10: id, tenant, caller, kind, owner, patient, user, unit, interval.
fn arguments(
    tenant: TenantId,
    caller: &str,
    question: &ReportQuestion,
    id: Uuid,
) -> Result<PgArguments, sqlx::Error> {
    let keys = SubjectKeys::of(&question.subject);
    let mut all = PgArguments::default();
    all.add(id).map_err(sqlx::Error::Encode)?;
    all.add(tenant.0).map_err(sqlx::Error::Encode)?;
    for text in [caller, keys.kind.as_str()] {
        all.add(text).map_err(sqlx::Error::Encode)?;
    }
    for key in [keys.owner, keys.patient, keys.user, keys.unit] {
        all.add(key).map_err(sqlx::Error::Encode)?;
    }
    for time in [question.from, question.to] {
        all.add(time).map_err(sqlx::Error::Encode)?;
    }
    Ok(all)
}
