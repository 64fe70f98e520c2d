//! Orders of extracts and their files: what their callers are told, what becomes of the files.

use crate::domain::identity::{HsaId, PatientId};
use crate::domain::log::order::LogOrder;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;
use sqlx::FromRow;
use uuid::Uuid;

/// What has become of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderState {
    /// It waits, and so many before it.
    Waiting {
        /// How many.
        before: i64,
    },
    /// It is being made.
    Making,
    /// It is made, and these files can be fetched.
    Made(Vec<OrderedFile>),
    /// It could not be made.
    Failed,
}

/// A file of an order that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct OrderedFile {
    /// Its id.
    pub file_id: Uuid,
    /// What its address ends with.
    pub token: Uuid,
}

/// A file, as somebody who knows its address finds it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AddressedFile {
    /// Its order.
    pub order_id: Uuid,
    /// Which of the order's files it is, from 1.
    pub ordinal: i32,
    /// Its id.
    pub file_id: Uuid,
    /// How long it is.
    pub bytes: i64,
    /// The number of the tenant of whose log it is, and the key of its care provider.
    pub tenant_id: i32,
    /// The same.
    pub owner_key: String,
    /// It has been fetched, or its time is over.
    pub gone: bool,
}

/// An order that is not made yet.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct UnfinishedOrder {
    /// Its number: they are made in this order.
    pub number: i64,
    /// Its tenant's name.
    pub tenant: String,
    /// Whether it has been begun.
    pub begun: bool,
    /// Seconds since it was ordered.
    pub seconds: i64,
    /// Files that it has.
    pub files: i64,
    /// Records in them.
    pub records: i64,
    /// Their bytes.
    pub bytes: i64,
}

#[derive(FromRow)]
struct OrderRow {
    order_number: i64,
    owner_key: String,
    begun: bool,
    outcome: Option<String>,
    before: i64,
}

impl Store {
    /// Takes an order in; `false` when as many of the caller's wait as may.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_order(
        &self,
        tenant: TenantId,
        caller: &str,
        order: &LogOrder,
        (id, most): (Uuid, i64),
    ) -> Result<bool, StoreError> {
        let criteria = &order.criteria;
        let keys = |ids: &[HsaId]| -> Vec<String> { ids.iter().map(HsaId::key).collect() };
        let patients: Vec<&str> = criteria.patients.iter().map(PatientId::key).collect();
        let mut transaction = self.begin().await?;
        let taken = sqlx::query(
            "/* take_order */ insert into log_orders (order_id, tenant_id, caller, owner_key,
                unit_keys, patient_keys, user_keys, from_at, to_at, records_per_file)
             select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
             where (select count(*) from log_orders
                where tenant_id = $2 and caller = $3 and outcome is null) < $11",
        )
        .bind(id)
        .bind(tenant.0)
        .bind(caller)
        .bind(order.owner.key())
        .bind(keys(&criteria.units))
        .bind(patients)
        .bind(keys(&criteria.users))
        .bind(order.from)
        .bind(order.to)
        .bind(order.records_per_file)
        .bind(most)
        .execute(&mut *transaction)
        .await?;
        if taken.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "/* take_order_job */ insert into jobs (kind, subject) values ('log-order', $1)",
        )
        .bind(id.to_string())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// What has become of an order of this caller's, and the key of its care provider; `None` for everybody else, and when its files are
    /// gone.
    ///
    /// # Errors
    /// The store's.
    pub async fn order_state(
        &self,
        tenant: TenantId,
        caller: &str,
        id: Uuid,
    ) -> Result<Option<(String, OrderState)>, StoreError> {
        let row: Option<OrderRow> = sqlx::query_as(
            "/* order_state */ select order_number, owner_key, begun_at is not null as begun, outcome,
                case when outcome is null then (select count(*) from log_orders b
                    where b.outcome is null and b.order_number < o.order_number) else 0 end as before
             from log_orders o where order_id = $1 and tenant_id = $2 and caller = $3",
        )
        .bind(id)
        .bind(tenant.0)
        .bind(caller)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let state = match row.outcome.as_deref() {
            None if row.begun => OrderState::Making,
            None => OrderState::Waiting { before: row.before },
            Some("failed") => OrderState::Failed,
            Some("distrusted") => return Err(StoreError::Distrusted),
            Some("made") => {
                let files: Vec<OrderedFile> = sqlx::query_as(
                    "/* order_files */ select file_id, token from log_order_files
                     where order_number = $1 and removed_at is null order by ordinal",
                )
                .bind(row.order_number)
                .fetch_all(&self.pool)
                .await?;
                if files.is_empty() {
                    return Ok(None);
                }
                OrderState::Made(files)
            }
            Some(_) => {
                let at = Origin { table: "log_orders", row: row.order_number };
                return Err(at.inconsistent("unknown outcome"));
            }
        };
        Ok(Some((row.owner_key, state)))
    }

    /// The file with an address, for the caller that ordered it; for everybody else there is none.
    ///
    /// # Errors
    /// The store's.
    pub async fn addressed_file(
        &self,
        caller: &str,
        token: Uuid,
    ) -> Result<Option<AddressedFile>, StoreError> {
        let found = sqlx::query_as(
            "/* addressed_file */ select order_id, ordinal, file_id, bytes, tenant_id, owner_key,
                removed_at is not null as gone
             from log_order_files join log_orders using (order_number)
             where token = $1 and caller = $2 and outcome = 'made'",
        );
        Ok(found.bind(token).bind(caller).fetch_optional(&self.pool).await?)
    }

    /// The bytes of a file from `from` to `to` have been sent; `true` when with them all of it has been,
    /// and it is removed.
    ///
    /// # Errors
    /// The store's.
    pub async fn file_sent(&self, file: Uuid, (from, to): (i64, i64)) -> Result<bool, StoreError> {
        let gone: Option<bool> = sqlx::query_scalar(
            "/* file_sent */ with sent as (
                update log_order_files set sent_bytes = greatest(sent_bytes, $3),
                    removed_at = case when $3 >= bytes then clock_timestamp() end
                where file_id = $1 and removed_at is null and sent_bytes >= $2
                returning order_number, disk_bytes, removed_at is not null as gone),
             less as (
                update log_orders o set kept_bytes = o.kept_bytes - sent.disk_bytes
                from sent where sent.gone and o.order_number = sent.order_number)
             select gone from sent",
        )
        .bind(file)
        .bind(from)
        .bind(to)
        .fetch_optional(&self.pool)
        .await?;
        Ok(gone.unwrap_or_default())
    }

    /// Lets the files go whose time is over, and forgets orders after so many days more. Returns the
    /// orders whose files have gone.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_old_orders(&self, hours: i32, days: i32) -> Result<Vec<Uuid>, StoreError> {
        let ended: Vec<Uuid> = sqlx::query_scalar(
            "/* end_old_files */ with ended as (
                update log_orders set kept_bytes = 0
                where kept_bytes > 0 and ended_at < clock_timestamp() - make_interval(hours => $1)
                returning order_number, order_id),
             gone as (
                update log_order_files set removed_at = clock_timestamp()
                where removed_at is null and order_number in (select order_number from ended))
             select order_id from ended",
        )
        .bind(hours)
        .fetch_all(&self.pool)
        .await?;
        sqlx::query(
            "/* forget_old_orders */ delete from log_orders
             where ended_at < clock_timestamp() - make_interval(hours => $1, days => $2)",
        )
        .bind(hours)
        .bind(days)
        .execute(&self.pool)
        .await?;
        Ok(ended)
    }

    /// Which files of these orders are to be on disk, as orders and ordinals; those of an order that is
    /// being made are `None`: all that there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn kept_files(
        &self,
        orders: &[Uuid],
    ) -> Result<Vec<(Uuid, Option<i32>)>, StoreError> {
        let kept: Vec<KeptFile> = sqlx::query_as(
            "/* kept_files */ select order_id, ordinal from log_orders
             left join log_order_files f using (order_number)
             where order_id = any($1) and outcome is not null and f.removed_at is null
               and ordinal is not null
             union all select order_id, null from log_orders
             where order_id = any($1) and outcome is null",
        )
        .bind(orders)
        .fetch_all(&self.pool)
        .await?;
        Ok(kept.into_iter().map(|file| (file.order_id, file.ordinal)).collect())
    }

    /// Which installation this is.
    ///
    /// # Errors
    /// The store's.
    pub async fn installation(&self) -> Result<Uuid, StoreError> {
        let sql = "/* installation */ select installation_id from installation";
        Ok(sqlx::query_scalar(sql).fetch_one(&self.pool).await?)
    }

    /// The orders that are not made yet, in their order.
    ///
    /// # Errors
    /// The store's.
    pub async fn unfinished_orders(&self) -> Result<Vec<UnfinishedOrder>, StoreError> {
        Ok(sqlx::query_as(
            "/* unfinished_orders */ select o.order_number as number, t.name as tenant,
                o.begun_at is not null as begun,
                extract(epoch from clock_timestamp() - o.ordered_at)::bigint as seconds,
                count(f.file_id) as files, coalesce(sum(f.records), 0)::bigint as records,
                coalesce(sum(f.bytes), 0)::bigint as bytes
             from log_orders o join tenants t using (tenant_id)
             left join log_order_files f using (order_number)
             where o.outcome is null group by o.order_number, t.name order by o.order_number",
        )
        .fetch_all(&self.pool)
        .await?)
    }
}

#[derive(FromRow)]
struct KeptFile {
    order_id: Uuid,
    ordinal: Option<i32>,
}
