//! How ids move: closed tables are packed into runs, runs are merged, and ids that may come again are left out.
//! By one process at a time.

use super::known::{IdRow, division, table};
use super::pages::{Division, PackedId, PartFilter, hashes_of, pack, unpack};
use super::tables::ClosedIds;
use crate::domain::log::record::IdHash;
use crate::store::database::Store;
use crate::store::error::{StoreError, ensure_one};
use sqlx::PgConnection;
use std::ops::{Range, RangeInclusive};

/// How long it may take to look at a part, or at the numbers of a run.
const LOOKING_LIMIT: &str = "set local statement_timeout = '10min'";

/// A run that is being made of others, a part at a time.
#[derive(Debug)]
pub struct Repacking {
    sources: Vec<ClosedIds>,
    run_number: i64,
    division: Division,
    next_part: u64,
    forget: Option<Forget>,
    ids: i64,
    dropped: u64,
    numbers: Option<RangeInclusive<i64>>,
}

/// Which ids are left out: of records that are there no more, with running numbers below one.
#[derive(Debug)]
pub struct Forget {
    /// Those that were in this table or an earlier one.
    with: i32,
    below: i64,
    range: Range<i64>,
    /// A bit for each running number of the range whose record is there.
    kept: Vec<u64>,
}

impl Forget {
    /// How many ids of a run are left out at least, as far as that can be known without reading them.
    pub fn least(&self, run: &ClosedIds) -> i64 {
        let kept: u32 = self.kept.iter().map(|word| word.count_ones()).sum();
        let all = (run.last_number - run.first_number).max(0) + 1;
        // Running numbers are given out in order: of a part of them a run has that part of its ids.
        let part = i128::from(run.ids) * i128::from(self.range.end - self.range.start);
        i64::try_from(part / i128::from(all)).unwrap_or(i64::MAX) - i64::from(kept)
    }

    fn leaves_out(&self, number: i64) -> bool {
        number < self.below && !self.is_kept(number)
    }

    fn is_kept(&self, number: i64) -> bool {
        let bit = usize::try_from(number - self.range.start).unwrap_or(usize::MAX);
        self.kept.get(bit / 64).is_some_and(|word| word & 1 << (bit % 64) != 0)
    }

    fn keep(&mut self, number: i64) {
        let bit = usize::try_from(number - self.range.start).unwrap_or(usize::MAX);
        if let Some(word) = self.kept.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }
}

impl Store {
    /// Which of a run's ids are to be left out: those of removed records with numbers below one.
    ///
    /// # Errors
    /// The store's.
    pub async fn forgettable(
        &self,
        run: &ClosedIds,
        (with, below): (i32, i64),
    ) -> Result<Forget, StoreError> {
        let range = run.first_number..below.min(run.last_number + 1);
        let bits = usize::try_from(range.end - range.start).unwrap_or_default();
        let mut forget = Forget { with, below, range, kept: vec![0; bits.div_ceil(64)] };
        let mut transaction = self.begin().await?;
        sqlx::query(LOOKING_LIMIT).execute(&mut *transaction).await?;
        let mut next = forget.range.start;
        while next < forget.range.end {
            let numbers: Vec<i64> = sqlx::query_scalar(
                "/* kept_numbers */ select entry_number from log_entries
                 where entry_number >= $1 and entry_number < $2 order by entry_number limit 100000",
            )
            .bind(next)
            .bind(forget.range.end)
            .fetch_all(&mut *transaction)
            .await?;
            let Some(last) = numbers.last() else { break };
            next = last + 1;
            for number in &numbers {
                forget.keep(*number);
            }
        }
        Ok(forget)
    }

    /// Begins a run that is to stand for others.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin_repacking(
        &self,
        sources: Vec<ClosedIds>,
        forget: Option<Forget>,
    ) -> Result<Repacking, StoreError> {
        let ids: i64 = sources.iter().map(|source| source.ids).sum();
        let division = Division::of(u64::try_from(ids).unwrap_or_default());
        let bits = |bits: u32| i16::try_from(bits).unwrap_or(i16::MAX);
        let run_number = sqlx::query_scalar(
            "/* begin_id_run */ insert into log_id_runs (page_bits, part_bits) values ($1, $2)
             returning run_number",
        )
        .bind(bits(division.page_bits))
        .bind(bits(division.part_bits))
        .fetch_one(&self.pool)
        .await?;
        Ok(Repacking {
            sources,
            run_number,
            division,
            next_part: 0,
            forget,
            ids: 0,
            dropped: 0,
            numbers: None,
        })
    }

    /// Makes the next part; `false`: there is none left.
    ///
    /// # Errors
    /// The store's; also that another process has begun anew.
    pub async fn repack_part(&self, work: &mut Repacking) -> Result<bool, StoreError> {
        if work.next_part == work.division.parts() {
            return Ok(false);
        }
        let keys = work.division.keys(work.next_part);
        let mut transaction = self.begin().await?;
        sqlx::query(LOOKING_LIMIT).execute(&mut *transaction).await?;
        let mut ids = Vec::new();
        for source in &work.sources {
            source.read(&mut transaction, &keys, &mut ids).await?;
        }
        let found = ids.len();
        if let Some(forget) = &work.forget {
            ids.retain(|id| !forget.leaves_out(id.number));
        }
        ids.sort_unstable();
        work.write(&mut transaction, &keys, &ids).await?;
        transaction.commit().await?;
        work.dropped += (found - ids.len()) as u64;
        Ok(true)
    }

    /// Puts a run in the place of what it was made of; tells how many ids were left out.
    ///
    /// # Errors
    /// The store's; also that another process has begun anew.
    pub async fn end_repacking(&self, work: Repacking) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let numbers = work.numbers.as_ref();
        let forgotten = |source: &ClosedIds| source.forgotten_with;
        let before = work.sources.iter().map(forgotten).min().unwrap_or_default();
        // Who has lost its turn meanwhile may find some of it gone: that is looked at under the lock.
        sqlx::query("/* lock_id_run */ select 1 from log_id_runs where run_number = $1 for update")
            .bind(work.run_number)
            .execute(&mut *transaction)
            .await?;
        let done = sqlx::query(
            "/* end_id_run */ update log_id_runs
             set made = true, ids = $2, first_number = $3, last_number = $4, forgotten_with = $5
             where run_number = $1 and not made
               and (select count(*) from log_id_filters where run_number = $1) = 1 << part_bits",
        )
        .bind(work.run_number)
        .bind(work.ids)
        .bind(numbers.map_or(0, |numbers| *numbers.start()))
        .bind(numbers.map_or(0, |numbers| *numbers.end()))
        .bind(work.forget.as_ref().map_or(before, |forget| forget.with))
        .execute(&mut *transaction)
        .await?;
        ensure_one(&done, "making a run of log ids")?;
        let runs: Vec<i64> = work.sources.iter().filter_map(|source| source.run_number).collect();
        // Their pages are removed later: whoever still knows of these runs finds in them what there is.
        sqlx::query("/* replace_id_runs */ update log_id_runs set made = false where run_number = any($1) or (run_number = $2 and ids = 0)")
            .bind(runs)
            .bind(work.run_number)
            .execute(&mut *transaction)
            .await?;
        for source in work.sources.iter().filter(|source| source.run_number.is_none()) {
            sqlx::query(
                "/* id_table_is_packed */ update log_id_tables set packed = true, first_number = $2
                 where table_number = $1",
            )
            .bind(source.table_number)
            .bind((source.ids > 0).then_some(source.first_number))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(work.dropped)
    }
}

impl ClosedIds {
    /// Adds its ids with some keys.
    async fn read(
        &self,
        connection: &mut PgConnection,
        keys: &RangeInclusive<u64>,
        ids: &mut Vec<PackedId>,
    ) -> Result<(), StoreError> {
        let Some(run) = self.run_number else {
            let (low, high) = hashes_of(keys);
            let sql = format!(
                "/* ids_of_table */ select id_hash, entry_number from {} where id_hash between $1 and $2",
                table(self.table_number)
            );
            let rows: Vec<IdRow> =
                sqlx::query_as(&sql).bind(low).bind(high).fetch_all(connection).await?;
            let packed =
                |row: IdRow| PackedId::new(IdHash(row.id_hash.into_bytes()), row.entry_number);
            ids.extend(rows.into_iter().map(packed));
            return Ok(());
        };
        let pages = division(self.page_bits, self.part_bits).pages(keys);
        let read: Vec<Vec<u8>> = sqlx::query_scalar(
            "/* ids_of_run */ select ids from log_id_pages
             where run_number = $1 and page between $2 and $3",
        )
        .bind(run)
        .bind(pages.start())
        .bind(pages.end())
        .fetch_all(connection)
        .await?;
        for page in &read {
            let unpacked = unpack(page).ok_or(StoreError::Inconsistent {
                table: "log_id_pages",
                row: run,
                what: "no page of ids",
            })?;
            ids.extend(unpacked.into_iter().filter(|id| keys.contains(&id.key())));
        }
        Ok(())
    }
}

impl Repacking {
    /// Writes the pages and the filter of the next part.
    async fn write(
        &mut self,
        connection: &mut PgConnection,
        keys: &RangeInclusive<u64>,
        ids: &[PackedId],
    ) -> Result<(), StoreError> {
        let pages: Vec<i32> = self.division.pages(keys).collect();
        let mut rest = ids;
        let packed: Vec<Vec<u8>> = pages
            .iter()
            .map(|page| {
                let end = rest.partition_point(|id| self.division.page_of(id.key()) <= *page);
                let (own, others) = rest.split_at(end);
                rest = others;
                pack(own)
            })
            .collect();
        sqlx::query(
            "/* write_id_pages */ insert into log_id_pages (run_number, page, ids)
             select $1, * from unnest($2::integer[], $3::bytea[])",
        )
        .bind(self.run_number)
        .bind(pages)
        .bind(packed)
        .execute(&mut *connection)
        .await?;
        let filter = PartFilter::of(ids).ok_or(StoreError::Inconsistent {
            table: "log_id_filters",
            row: self.run_number,
            what: "no filter can be made",
        })?;
        sqlx::query("/* write_id_filter */ insert into log_id_filters (run_number, part, filter) values ($1, $2, $3)")
            .bind(self.run_number)
            .bind(i32::try_from(self.next_part).unwrap_or(i32::MAX))
            .bind(filter.bytes())
            .execute(connection)
            .await?;
        self.next_part += 1;
        self.ids += i64::try_from(ids.len()).unwrap_or(i64::MAX);
        for number in ids.iter().map(|id| id.number) {
            let numbers = self.numbers.take().unwrap_or(number..=number);
            self.numbers = Some(number.min(*numbers.start())..=number.max(*numbers.end()));
        }
        Ok(())
    }
}
