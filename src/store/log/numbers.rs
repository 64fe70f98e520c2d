//! Running numbers of log records, taken from the database in blocks.
//!
//! A number is given out once. Numbers that a call does not use, because it was not stored or
//! the process ended, are skipped.

use crate::store::error::StoreError;
use sqlx::PgConnection;
use std::ops::Range;
use tokio::sync::Mutex;

/// The step of the sequence `log_entry_numbers`: one value stands for so many numbers.
const BLOCK: i64 = 1_000;

/// Numbers that this process has taken and not given out.
#[derive(Debug, Default)]
pub(super) struct LogNumbers {
    rest: Mutex<Range<i64>>,
}

impl LogNumbers {
    /// The next `count` numbers, rising.
    pub async fn take(
        &self,
        connection: &mut PgConnection,
        count: usize,
    ) -> Result<Vec<i64>, StoreError> {
        let mut rest = self.rest.lock().await;
        let mut numbers = Vec::with_capacity(count);
        loop {
            let missing = count - numbers.len();
            numbers.extend(rest.by_ref().take(missing));
            if numbers.len() == count {
                return Ok(numbers);
            }
            let first: i64 =
                sqlx::query_scalar("/* take_log_numbers */ select nextval('log_entry_numbers')")
                    .fetch_one(&mut *connection)
                    .await?;
            *rest = first..first + BLOCK;
        }
    }
}
