//! Change clocks that ran ahead of the database's own clock, as after its machine had a wrong time.
//!
//! Storage times never go back, so such a clock would stand still until its time has come: all that
//! is changed until then is stored at one instant, and told with every cursor. Nothing is lost by
//! that; `repair_clock` brings clock and rows back to the present.

use super::change::ChangeDomain;
use super::database::Store;
use super::error::StoreError;
use super::tenants::TenantId;
use crate::domain::time::Timestamp;

/// So far ahead a clock may be: what servers and database differ by is less. (What removals are told
/// with may run further ahead, a second for each.)
const AHEAD_SECONDS_MAX: f64 = 60.0;

/// A change clock that is ahead.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ClockAhead {
    tenant_id: i32,
    domain: String,
    /// Whose clock.
    pub tenant: String,
    /// How far it is ahead of the database's own.
    pub seconds: i64,
}

/// In blocking: rows of a tenant that lie after the present come back to it.
const BLOCKING: [&str; 4] = [
    "/* repair_blocks */ update blocks set stored_at = least(stored_at, $2),
        changed_at = least(changed_at, $2),
        removed_at = case when removed_at > $2 then $2 else removed_at end,
        first_removed_at = case when first_removed_at > $2 then $2 else first_removed_at end,
        removal_told_at = case when removal_told_at > $2 then date_trunc('second', $2) else removal_told_at end
     where tenant_id = $1 and (stored_at > $2 or changed_at > $2 or removed_at > $2 or removal_told_at > $2)",
    "/* repair_revokes */ update temporary_revokes set stored_at = least(stored_at, $2),
        cancelled_at = case when cancelled_at > $2 then $2 else cancelled_at end
     where tenant_id = $1 and (stored_at > $2 or cancelled_at > $2)",
    "/* repair_replications */ update replications set queued_at = least(queued_at, $2)
     where tenant_id = $1 and queued_at > $2",
    "/* repair_clock */ update change_clocks
     set latest_at = $2, latest_removal_told_at = least(latest_removal_told_at, date_trunc('second', $2))
     where tenant_id = $1 and domain = 'blocking'",
];

/// In consent: a start or an end there and then moves with its storing.
const CONSENT: [&str; 3] = [
    "/* repair_patient_ends */ update patient_ends set stored_at = least(stored_at, $2),
        end_at = case when at_once then least(end_at, $2) else end_at end
     where stored_at > $2 and assertion_number in
        (select assertion_number from assertions where tenant_id = $1)",
    "/* repair_assertions */ update assertions set stored_at = least(stored_at, $2),
        start_at = case when start_given then start_at else least(start_at, $2) end,
        end_at = case when ended_at_once then least(end_at, $2) else end_at end,
        removed_at = case when removed_at > $2 then $2 else removed_at end,
        first_removed_at = case when first_removed_at > $2 then $2 else first_removed_at end,
        patient_ended_at = case when patient_ended_at > $2 then $2 else patient_ended_at end
     where tenant_id = $1
        and (stored_at > $2 or removed_at > $2 or first_removed_at > $2 or patient_ended_at > $2)",
    "/* repair_clock */ update change_clocks set latest_at = $2
     where tenant_id = $1 and domain = 'consent'",
];

impl Store {
    /// The database's own time.
    ///
    /// # Errors
    /// The store's.
    pub async fn database_time(&self) -> Result<Timestamp, StoreError> {
        let sql = "/* database_time */ select clock_timestamp()";
        Ok(sqlx::query_scalar(sql).fetch_one(&self.pool).await?)
    }

    /// The change clocks that are ahead of the database's own, the furthest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn clocks_ahead(&self) -> Result<Vec<ClockAhead>, StoreError> {
        let found = sqlx::query_as(
            "/* clocks_ahead */ select tenant_id, c.domain, t.name as tenant,
                extract(epoch from c.latest_at - clock_timestamp())::bigint as seconds
             from change_clocks c join tenants t using (tenant_id)
             where c.latest_at > clock_timestamp() + $1 * interval '1 second'
             order by seconds desc",
        );
        Ok(found.bind(AHEAD_SECONDS_MAX).fetch_all(&self.pool).await?)
    }

    /// Brings a change clock, and what was stored by it, back to the present. Returns how many rows
    /// were brought back. Who follows with a cursor from the future must begin anew.
    ///
    /// # Errors
    /// The store's; then nothing has been changed.
    pub async fn repair_clock(&self, clock: &ClockAhead) -> Result<u64, StoreError> {
        let domain = match clock.domain.as_str() {
            "blocking" => ChangeDomain::Blocking,
            _ => ChangeDomain::Consent,
        };
        let tenant = TenantId(clock.tenant_id);
        let _turn = self.turns.wait((tenant.0, domain.name()), self.asker).await?;
        let mut transaction = self.begin().await?;
        let now: Timestamp = sqlx::query_scalar(
            "/* repair_clock */ select clock_timestamp() from change_clocks
             where tenant_id = $1 and domain = $2 for update",
        )
        .bind(tenant.0)
        .bind(&clock.domain)
        .fetch_one(&mut *transaction)
        .await?;
        let statements: &[&str] = match domain {
            ChangeDomain::Blocking => &BLOCKING,
            ChangeDomain::Consent => &CONSENT,
        };
        let mut rows = 0;
        for statement in statements {
            let query = sqlx::query(statement).bind(tenant.0).bind(now);
            rows += query.execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        // The clock itself is one of them.
        Ok(rows.saturating_sub(1))
    }
}

impl ClockAhead {
    /// What its changes are of: `blocking` or `consent`.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}
