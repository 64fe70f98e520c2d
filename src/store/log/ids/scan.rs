//! Looking through every id that is taken, as one moment has them.

use super::known::{IdRow, table};
use super::pages::{self, PackedId};
use crate::domain::identity::RecordId;
use crate::domain::log::record::IdHash;
use crate::store::database::Store;
use crate::store::error::StoreError;
use futures_util::TryStreamExt;
use sqlx::FromRow;

/// An id of a record, shortened, with the record's running number.
pub type TakenId = (i64, [u8; 12]);

#[derive(FromRow)]
struct PageOfRun {
    run_number: i64,
    ids: Vec<u8>,
}

#[derive(FromRow)]
struct IdOfRecord {
    entry_number: i64,
    log_id: String,
}

/// An id as packed runs have it.
pub fn taken(number: i64, hash: IdHash) -> TakenId {
    (number, PackedId::new(hash, number).hash)
}

impl Store {
    /// Hands over every id that is taken.
    ///
    /// # Errors
    /// The store's; also that a page of ids is none.
    pub async fn scan_ids(&self, mut each: impl FnMut(TakenId) + Send) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query("set transaction isolation level repeatable read, read only")
            .execute(&mut *transaction)
            .await?;
        sqlx::query("set local statement_timeout = '1h'").execute(&mut *transaction).await?;
        let tables: Vec<i32> = sqlx::query_scalar(
            "/* unpacked_id_tables */ select table_number from log_id_tables where not packed order by 1",
        )
        .fetch_all(&mut *transaction)
        .await?;
        for number in tables {
            let sql =
                format!("/* scan_id_table */ select id_hash, entry_number from {}", table(number));
            let mut rows = sqlx::query_as::<_, IdRow>(&sql).fetch(&mut *transaction);
            while let Some(row) = rows.try_next().await? {
                each(taken(row.entry_number, IdHash(row.id_hash.into_bytes())));
            }
        }
        let sql = "/* scan_id_pages */ select p.run_number, p.ids from log_id_pages p
             join log_id_runs r using (run_number) where r.made";
        let mut rows = sqlx::query_as::<_, PageOfRun>(sql).fetch(&mut *transaction);
        while let Some(PageOfRun { run_number, ids }) = rows.try_next().await? {
            let ids = pages::unpack(&ids).ok_or(StoreError::Inconsistent {
                table: "log_id_pages",
                row: run_number,
                what: "not a page of ids",
            })?;
            for PackedId { hash, number } in ids {
                each((number, hash));
            }
        }
        Ok(())
    }

    /// The ids of the records in a stretch of running numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn ids_of_records(&self, (from, to): (i64, i64)) -> Result<Vec<TakenId>, StoreError> {
        let sql = "/* ids_of_records */ select entry_number, log_id from log_entries
             where entry_number >= $1 and entry_number < $2";
        let rows: Vec<IdOfRecord> =
            sqlx::query_as(sql).bind(from).bind(to).fetch_all(&self.pool).await?;
        let id = |row: IdOfRecord| {
            let id = RecordId::new(&row.log_id)?;
            Some(taken(row.entry_number, IdHash::of(&id)))
        };
        Ok(rows.into_iter().filter_map(id).collect())
    }

    /// Those of some running numbers that nothing has: neither a record, nor a leaf, nor anything on its way; of
    /// numbers from before sealing nothing is said.
    ///
    /// # Errors
    /// The store's.
    pub async fn numbers_of_nothing(&self, numbers: &[i64]) -> Result<Vec<i64>, StoreError> {
        Ok(sqlx::query_scalar(
            "/* numbers_of_nothing */ select n from unnest($1::bigint[]) n
             where n > (select last_number from log_adoption)
               and not exists (select 1 from log_entries e where e.entry_number = n)
               and not exists (select 1 from (select * from log_runs where first_number <= n
                    order by first_number desc limit 1) r where n < r.first_number + r.count)",
        )
        .bind(numbers)
        .fetch_all(&self.pool)
        .await?)
    }
}
