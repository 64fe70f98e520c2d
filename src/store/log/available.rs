//! Of which time a tenant has log records.

use super::available_times::Available;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::readers::ACQUIRE_TIMEOUT;
use crate::store::tenants::TenantId;
use sqlx::PgConnection;

impl Store {
    /// Of which time a tenant had records when that was last looked up.
    ///
    /// # Errors
    /// The store's, where it never was.
    pub async fn last_available_records(&self, tenant: TenantId) -> Result<Available, StoreError> {
        match self.available.last(tenant.0) {
            Some(available) => Ok(available),
            None => self.available_records(tenant).await,
        }
    }

    /// Of which time a tenant has records: looked up in the first and the last partition that have any, some
    /// seconds ago at the most.
    ///
    /// # Errors
    /// The store's.
    pub async fn available_records(&self, tenant: TenantId) -> Result<Available, StoreError> {
        if let Some(known) = self.available.known(tenant.0) {
            return Ok(known);
        }
        let read = async move |connection: &mut PgConnection| {
            let months: Vec<String> =
                sqlx::query_scalar(MONTHS).fetch_all(&mut *connection).await?;
            let mut found = available_in(connection, OTHER_MONTHS, tenant).await?;
            let mut first = None;
            for month in &months {
                first = available_in(connection, month, tenant).await?.first_at;
                if first.is_some() {
                    break;
                }
            }
            let mut last = None;
            for month in months.iter().rev() {
                last = available_in(connection, month, tenant).await?.last_at;
                if last.is_some() {
                    break;
                }
            }
            found.first_at = found.first_at.into_iter().chain(first).min();
            found.last_at = found.last_at.into_iter().chain(last).max();
            Ok((found, 0))
        };
        let found = self.read_at_length(ACQUIRE_TIMEOUT, read).await?.it;
        self.available.keep(tenant.0, found);
        Ok(found)
    }
}

/// The partitions of months, in their order.
const MONTHS: &str = "/* log_months */ select c.relname::text from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'log_entries'::regclass and c.relname <> 'log_entries_other'
    order by c.relname";
const OTHER_MONTHS: &str = "log_entries_other";

/// The times of the first and the last record in a partition, looked up at each owner by the index of
/// owner and time.
async fn available_in(
    connection: &mut PgConnection,
    partition: &str,
    tenant: TenantId,
) -> Result<Available, StoreError> {
    let sql = format!(
        "/* available_records */ with recursive owners (owner) as (
            (select owner_hash from {partition} order by owner_hash limit 1)
            union all
            select (select e.owner_hash from {partition} e where e.owner_hash > o.owner
                order by e.owner_hash limit 1)
            from owners o where o.owner is not null)
         select min(f.activity_at) as first_at, max(l.activity_at) as last_at
         from owners o
         cross join lateral (select tenant_id, activity_at from {partition} e
            where e.owner_hash = o.owner order by activity_at limit 1) f
         cross join lateral (select tenant_id, activity_at from {partition} e
            where e.owner_hash = o.owner order by activity_at desc limit 1) l
         where f.tenant_id = $1"
    );
    Ok(sqlx::query_as(&sql).bind(tenant.0).fetch_one(connection).await?)
}
