//! The making of extracts: what is in them, and how far each has come.

use super::reports::RecordPlaces;
use crate::domain::time::Timestamp;
use crate::fairness::address::Address;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::readers::NEXT_PAGE_TIMEOUT;
use crate::store::tenants::TenantId;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// Records that are looked at in one statement.
const LOOKED_AT: i64 = 2_000;

/// An order that is being made.
#[derive(Debug, Clone, FromRow)]
pub struct BegunOrder {
    /// Its number.
    pub order_number: i64,
    /// Its id.
    pub order_id: Uuid,
    tenant_id: i32,
    owner_key: String,
    unit_keys: Vec<String>,
    patient_keys: Vec<String>,
    user_keys: Vec<String>,
    from_at: Timestamp,
    to_at: Timestamp,
    /// Records in a file.
    pub records_per_file: i32,
    /// When it was ordered: what was stored later is not in it.
    pub ordered_at: Timestamp,
    after_at: Option<Timestamp>,
    after_log_id: Option<String>,
    after_number: Option<i64>,
    /// Files that it has.
    pub files: i64,
}

/// A record's place in the order of an extract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceInOrder {
    at: Timestamp,
    log_id: String,
    number: i64,
}

/// A file that has been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeFile {
    /// Its id.
    pub id: Uuid,
    /// What its address ends with.
    pub token: Uuid,
    /// Which of the order's files it is, from 1.
    pub ordinal: i32,
    /// Records in it.
    pub records: i32,
    /// How long it is.
    pub bytes: i64,
    /// What it takes of the disk.
    pub disk_bytes: i64,
}

/// Records of an extract that follow each other.
#[derive(Debug)]
pub struct ExtractPage {
    /// The records.
    pub places: Vec<PlaceInOrder>,
    /// The last that was looked at, wanted or not; `None` when there are no more.
    pub looked_at: Option<PlaceInOrder>,
}

#[derive(FromRow)]
struct ExtractRow {
    entry_number: i64,
    activity_at: Timestamp,
    log_id: String,
    wanted: bool,
}

impl From<ExtractRow> for PlaceInOrder {
    fn from(row: ExtractRow) -> Self {
        Self { at: row.activity_at, log_id: row.log_id, number: row.entry_number }
    }
}

impl BegunOrder {
    /// Of which time records are ordered.
    pub fn interval(&self) -> (Timestamp, Timestamp) {
        (self.from_at, self.to_at)
    }

    /// The last record that is in a file.
    pub fn after(&self) -> Option<PlaceInOrder> {
        let (at, log_id) = self.after_at.zip(self.after_log_id.clone())?;
        Some(PlaceInOrder { at, log_id, number: self.after_number? })
    }
}

impl RecordPlaces {
    /// Records of an extract.
    pub fn of_extract(places: &[PlaceInOrder]) -> Self {
        let (numbers, times) = places.iter().map(|place| (place.number, place.at)).unzip();
        Self::kept(numbers, times)
    }
}

/// The owner's records behind a place, and of each whether it is wanted.
const EXTRACT: &str = "/* extract */ select entry_number, activity_at, log_id,
        (cardinality($8::text[]) = 0 or unit_key = any($8))
        and (cardinality($9::text[]) = 0 or user_key = any($9))
        and (cardinality($10::text[]) = 0 or exists (select 1 from log_resources r
            where r.entry_number = e.entry_number and r.activity_at = e.activity_at
              and r.activity_at between $5 and $4
              and r.patient_hash = any(array(select log_hash($1, key) from unnest($10) key)))) as wanted
    from (select entry_number, activity_at, log_id, lower(btrim(care_unit_id)) as unit_key,
            lower(btrim(user_id)) as user_key
        from log_entries
        where owner_hash = log_hash($1, $2) and stored_at <= $3
          and activity_at between $5 and $4 and (activity_at, log_id, entry_number) > ($5, $6, $7)
        order by activity_at, log_id, entry_number limit $11) e
    order by activity_at, log_id, entry_number";

impl Store {
    /// Begins to make an order, or goes on; `None` when it needs no making.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin_order(&self, id: Uuid) -> Result<Option<BegunOrder>, StoreError> {
        Ok(sqlx::query_as(
            "/* begin_order */ update log_orders o
             set begun_at = coalesce(begun_at, clock_timestamp())
             where order_id = $1 and outcome is null
             returning order_number, order_id, tenant_id, owner_key, unit_keys, patient_keys, user_keys,
                from_at, to_at, records_per_file, ordered_at, after_at, after_log_id, after_number,
                (select count(*) from log_order_files f where f.order_number = o.order_number) as files",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?)
    }

    /// The records of an extract behind a place, as many as are looked at in one statement.
    ///
    /// # Errors
    /// The store's.
    pub async fn extract_page(
        &self,
        order: &BegunOrder,
        after: Option<&PlaceInOrder>,
    ) -> Result<ExtractPage, StoreError> {
        let (order, after) = (order.clone(), after.cloned());
        let read = async move |connection: &mut PgConnection| {
            let begin = || PlaceInOrder { at: order.from_at, log_id: String::new(), number: 0 };
            let PlaceInOrder { at, log_id, number } = after.clone().unwrap_or_else(begin);
            let rows: Vec<ExtractRow> = sqlx::query_as(EXTRACT)
                .bind(TenantId(order.tenant_id).0)
                .bind(&order.owner_key)
                .bind(order.ordered_at)
                .bind(order.to_at)
                .bind(at)
                .bind(log_id)
                .bind(number)
                .bind(&order.unit_keys)
                .bind(&order.user_keys)
                .bind(&order.patient_keys)
                .bind(LOOKED_AT)
                .fetch_all(connection)
                .await?;
            Ok((rows, 0))
        };
        let asked = self.asked_by(Address::OWN);
        let rows = asked.read_at_length(NEXT_PAGE_TIMEOUT, read).await?.it;
        let is_last = i64::try_from(rows.len()).unwrap_or(i64::MAX) < LOOKED_AT;
        let mut page = ExtractPage { places: Vec::new(), looked_at: None };
        for row in rows {
            let wanted = row.wanted;
            let place = PlaceInOrder::from(row);
            page.looked_at = Some(place.clone());
            if wanted {
                page.places.push(place);
            }
        }
        if is_last {
            page.looked_at = None;
        }
        Ok(page)
    }

    /// An order has one more file, the last record of which is at this place.
    ///
    /// # Errors
    /// The store's; also that somebody else has made that file.
    pub async fn add_file(
        &self,
        order: i64,
        file: &MadeFile,
        last: Option<&PlaceInOrder>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "/* add_file */ insert into log_order_files (file_id, order_number, ordinal, token, records, bytes,
                disk_bytes)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(file.id)
        .bind(order)
        .bind(file.ordinal)
        .bind(file.token)
        .bind(file.records)
        .bind(file.bytes)
        .bind(file.disk_bytes)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "/* order_has_come */ update log_orders
             set after_at = $2, after_log_id = $3, after_number = $4, failures = 0,
                kept_bytes = kept_bytes + $5
             where order_number = $1 and outcome is null",
        )
        .bind(order)
        .bind(last.map(|place| place.at))
        .bind(last.map(|place| &place.log_id))
        .bind(last.map(|place| place.number))
        .bind(file.disk_bytes)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// An order has found nothing up to a place: the making goes on behind it, unless another process is
    /// further.
    ///
    /// # Errors
    /// The store's.
    pub async fn order_has_looked(
        &self,
        order: i64,
        at: Option<&PlaceInOrder>,
    ) -> Result<(), StoreError> {
        let Some(PlaceInOrder { at, log_id, number }) = at else { return Ok(()) };
        sqlx::query(
            "/* order_has_looked */ update log_orders
             set after_at = $2, after_log_id = $3, after_number = $4, failures = 0
             where order_number = $1 and outcome is null
               and coalesce((after_at, after_log_id, after_number) < ($2, $3, $4), true)",
        )
        .bind(order)
        .bind(at)
        .bind(log_id)
        .bind(number)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// An order waits for room.
    ///
    /// # Errors
    /// The store's.
    pub async fn order_waits(&self, order: i64) -> Result<(), StoreError> {
        sqlx::query(
            "/* order_waits */ update log_orders set begun_at = null where order_number = $1",
        )
        .bind(order)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Whether other orders wait for their turn.
    ///
    /// # Errors
    /// The store's.
    pub async fn others_wait(&self, order: i64) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar(
            "/* others_wait */ select exists (select 1 from jobs j
                join log_orders o on o.order_id::text = j.subject
                where j.kind = 'log-order' and o.order_number <> $1 and o.outcome is null
                  and j.due_at <= clock_timestamp()
                  and coalesce(j.leased_until <= clock_timestamp(), true))",
        )
        .bind(order)
        .fetch_one(&self.pool)
        .await?)
    }

    /// An order is made.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_order(&self, order: i64) -> Result<(), StoreError> {
        let sql =
            "/* end_order */ update log_orders set outcome = 'made', ended_at = clock_timestamp()
            where order_number = $1 and outcome is null";
        sqlx::query(sql).bind(order).execute(&self.pool).await?;
        Ok(())
    }

    /// The making of an order has failed; given up when it has so many times in a row, and at once when its records
    /// are `distrusted`.
    ///
    /// # Errors
    /// The store's.
    pub async fn order_failed(
        &self,
        id: Uuid,
        most: i32,
        distrusted: bool,
    ) -> Result<bool, StoreError> {
        let given_up: Option<bool> = sqlx::query_scalar(
            "/* order_failed */ update log_orders set failures = failures + 1,
                outcome = case when $3 then 'distrusted' when failures + 1 >= $2 then 'failed' end,
                ended_at = case when $3 or failures + 1 >= $2 then clock_timestamp() end
             where order_id = $1 and outcome is null returning outcome is not null",
        )
        .bind(id)
        .bind(most)
        .bind(distrusted)
        .fetch_optional(&self.pool)
        .await?;
        // Nobody fetches what there is of one that is given up.
        sqlx::query(
            "/* drop_failed_files */ with failed as (update log_orders set kept_bytes = 0
                where order_id = $1 and outcome in ('failed', 'distrusted') returning order_number)
             update log_order_files set removed_at = clock_timestamp()
             where removed_at is null and order_number in (select order_number from failed)",
        )
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(given_up.unwrap_or(true))
    }

    /// What all files that are kept take, those of the order's caller, and its own; and whether an order before it is
    /// unfinished.
    ///
    /// # Errors
    /// The store's.
    pub async fn files_kept(&self, order: i64) -> Result<KeptBytes, StoreError> {
        Ok(sqlx::query_as(
            "/* files_kept */ select coalesce(sum(k.kept_bytes), 0)::bigint as all_bytes,
                coalesce(sum(k.kept_bytes) filter (where k.caller = o.caller
                    and k.tenant_id = o.tenant_id), 0)::bigint as callers_bytes,
                o.kept_bytes as own_bytes,
                exists (select 1 from log_orders where outcome is null and order_number < $1) as waits
             from log_orders o left join log_orders k on k.kept_bytes > 0
             where o.order_number = $1 group by o.order_number",
        )
        .bind(order)
        .fetch_one(&self.pool)
        .await?)
    }

    /// An order begins anew, without its files.
    ///
    /// # Errors
    /// The store's.
    pub async fn restart_order(&self, order: i64) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query("/* drop_order_files */ delete from log_order_files where order_number = $1")
            .bind(order)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "/* restart_order */ update log_orders
             set begun_at = null, after_at = null, after_log_id = null, after_number = null,
                kept_bytes = 0
             where order_number = $1 and outcome is null",
        )
        .bind(order)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// What is kept on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct KeptBytes {
    /// Of all orders.
    pub all_bytes: i64,
    /// Of the same caller's.
    pub callers_bytes: i64,
    /// Of the order asked about.
    pub own_bytes: i64,
    /// An order that came earlier is not made yet.
    pub waits: bool,
}
