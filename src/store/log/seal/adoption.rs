//! Records from before sealing.

use super::notices::{self, NewNotice};
use super::pending;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::records::{EntryRow, further_resources};
use crate::store::tenants;
use sigill_seal::entry::Kind;
use sqlx::FromRow;

#[derive(FromRow)]
struct Adoption {
    next_number: i64,
    adopted: i64,
}

impl Store {
    /// Sends the next records from before sealing to the tree: those up to a number that have no leaf, `most` of them; how
    /// many it were. With the last of them a notice says how many all were.
    ///
    /// # Errors
    /// The store's.
    pub async fn adopt_records(
        &self,
        up_to: i64,
        most: i64,
        now: Timestamp,
    ) -> Result<Option<usize>, StoreError> {
        let intake = self.intake()?;
        let mut transaction = self.begin().await?;
        let left: Option<Adoption> = sqlx::query_as(
            "/* left_to_adopt */ select next_number, adopted from log_adoption for update skip locked",
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(left) = left else { return Ok(None) };
        let entries: Vec<EntryRow> = sqlx::query_as(
            "/* records_to_adopt */ select * from log_entries e where entry_number between $1 and $2
               and not exists (select 1 from (select * from log_runs where first_number <= e.entry_number
                    order by first_number desc limit 1) r where e.entry_number < r.first_number + r.count)
             order by entry_number limit $3",
        )
        .bind(left.next_number)
        .bind(up_to)
        .bind(most)
        .fetch_all(&mut *transaction)
        .await?;
        let further = further_resources(&mut transaction, &entries).await?;
        let names = tenants::names(&mut transaction).await?;
        let mut scratch = Vec::new();
        let mut sealed = Vec::with_capacity(entries.len());
        for entry in &entries {
            sealed.push((entry.entry_number, entry.sealed(&names, &further, &mut scratch)));
        }
        pending::send(&mut transaction, &intake.sender(), sealed.into_iter()).await?;
        let is_last = i64::try_from(entries.len()).is_ok_and(|count| count < most);
        let next = match entries.last() {
            Some(last) if !is_last => last.entry_number + 1,
            _ => up_to.saturating_add(1),
        };
        let adopted = left.adopted + i64::try_from(entries.len()).unwrap_or(i64::MAX);
        sqlx::query("/* adopted */ update log_adoption set next_number = $1, adopted = $2")
            .bind(next)
            .bind(adopted)
            .execute(&mut *transaction)
            .await?;
        if is_last {
            let body =
                format!("adoption\nrecords {adopted}\nreason stored before the log was sealed\n");
            let new = NewNotice { kind: Kind::Acknowledgement, salt: None, body: &body };
            notices::add(&mut transaction, intake, &new, now).await?;
        }
        transaction.commit().await?;
        Ok(Some(entries.len()))
    }
}
