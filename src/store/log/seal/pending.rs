//! What is stored and has no leaf yet.

use super::intake::{BatchSender, Intake};
use crate::store::error::StoreError;
use sigill_seal::entry::STORED_BYTES;
use sigill_seal::intake::Batch;
use sigill_seal::tree::StoredEntry;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// A row of `log_pending`.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct PendingBatch {
    /// Its number: rising, but for transactions side by side.
    pub batch_number: i64,
    /// Who sent it.
    pub writer_id: Uuid,
    /// Which of the sender's it is, from 0.
    pub writer_step: i64,
    first_numbers: Vec<i64>,
    counts: Vec<i32>,
    entries: Vec<u8>,
    mac: Vec<u8>,
}

impl PendingBatch {
    /// Its ranges of running numbers, with their entries; `None`: it has another shape than any that was sent.
    pub fn ranges(&self) -> Option<Vec<(i64, &[StoredEntry])>> {
        let (mut rest, remainder) = self.entries.as_chunks::<STORED_BYTES>();
        let mut ranges = Vec::with_capacity(self.counts.len());
        for (first, count) in self.first_numbers.iter().zip(&self.counts) {
            let entries;
            let count = usize::try_from(*count).ok().filter(|count| *count > 0)?;
            (entries, rest) = rest.split_at_checked(count)?;
            ranges.push((*first, entries));
        }
        let fits = rest.is_empty() && remainder.is_empty();
        (fits && self.first_numbers.len() == self.counts.len()).then_some(ranges)
    }

    /// Whether a process with the intake key has sent it.
    pub fn is_authentic(&self, intake: &Intake) -> bool {
        let ranges = self.first_numbers.iter().copied().zip(self.counts.iter().copied());
        let ranges = ranges.collect::<Vec<_>>();
        let batch = Batch {
            writer_id: self.writer_id.into_bytes(),
            writer_step: self.writer_step,
            ranges: &ranges,
            entries: &self.entries,
        };
        self.first_numbers.len() == self.counts.len() && intake.is_authentic(&batch, &self.mac)
    }
}

/// What is no list of numbers is read as none, which no sender has made.
const COLUMNS: &str = "p.batch_number, p.writer_id, p.writer_step,
    case when array_position(p.first_numbers, null) is null and coalesce(array_ndims(p.first_numbers), 1) = 1
        then p.first_numbers else '{}' end as first_numbers,
    case when array_position(p.counts, null) is null and coalesce(array_ndims(p.counts), 1) = 1
        then p.counts else '{}' end as counts,
    p.entries, p.mac";

/// Sends entries to the tree: in the transaction that stores what they are about.
pub(in crate::store::log) async fn send(
    connection: &mut PgConnection,
    sender: &BatchSender,
    numbered: impl Iterator<Item = (i64, StoredEntry)>,
) -> Result<(), StoreError> {
    let mut ranges = Vec::<(i64, i32)>::new();
    let mut entries = Vec::with_capacity(numbered.size_hint().0 * STORED_BYTES);
    for (number, entry) in numbered {
        match ranges.last_mut() {
            Some((first, count)) if *first + i64::from(*count) == number => *count += 1,
            _ => ranges.push((number, 1)),
        }
        entries.extend_from_slice(&entry);
    }
    if ranges.is_empty() {
        return Ok(());
    }
    let batch = Batch {
        writer_id: sender.name.into_bytes(),
        writer_step: sender.step,
        ranges: &ranges,
        entries: &entries,
    };
    let mac = sender.intake().mac(&batch);
    let (first_numbers, counts): (Vec<_>, Vec<_>) = ranges.iter().copied().unzip();
    sqlx::query(
        "/* send_to_tree */ insert into log_pending (writer_id, writer_step, first_numbers, counts, entries, mac)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(sender.name)
    .bind(sender.step)
    .bind(first_numbers)
    .bind(counts)
    .bind(&entries)
    .bind(mac.as_slice())
    .execute(connection)
    .await?;
    Ok(())
}

/// The batches that came first.
pub(super) async fn first_batches(
    connection: &mut PgConnection,
    most: i64,
) -> Result<Vec<PendingBatch>, StoreError> {
    let sql = format!(
        "/* pending_batches */ select {COLUMNS} from log_pending p order by batch_number limit $1"
    );
    Ok(sqlx::query_as(&sql).bind(most).fetch_all(connection).await?)
}

/// The batches that have some of these running numbers, which rise.
pub(super) async fn batches_with(
    connection: &mut PgConnection,
    numbers: &[i64],
) -> Result<Vec<PendingBatch>, StoreError> {
    let sql = format!("/* pending_with */ select {COLUMNS} from log_pending p where exists (select 1 from unnest(p.first_numbers, p.counts) r (first, count)
            where r.first <= $3 and r.first + r.count > $2 and exists (select 1 from unnest($1::bigint[]) n where n between r.first and r.first + r.count - 1))
         order by batch_number");
    let (least, most) = (numbers.iter().min().copied(), numbers.iter().max().copied());
    let found = sqlx::query_as(&sql).bind(numbers).bind(least).bind(most);
    Ok(found.fetch_all(connection).await?)
}
