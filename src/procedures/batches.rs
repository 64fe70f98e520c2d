//! Many rows, a page at a time, as fast as they are taken.

use crate::store::error::StoreError;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Pages that may wait for a slow receiver, beside the one that it is being given.
const BATCHES_WAITING_MAX: usize = 1;

/// Rows that are being read. Who drops them ends the reading.
#[derive(Debug)]
pub struct Batches<T> {
    rows: mpsc::Receiver<Vec<T>>,
    reading: JoinHandle<Result<(), StoreError>>,
}

impl<T: Send + 'static> Batches<T> {
    /// Begins to read; `read` hands batches over until all are read or nobody takes them.
    pub fn of<R>(read: impl FnOnce(mpsc::Sender<Vec<T>>) -> R) -> Self
    where
        R: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let (to, rows) = mpsc::channel(BATCHES_WAITING_MAX);
        Self { rows, reading: tokio::spawn(read(to)) }
    }

    /// The next batch; `None` when all have been read.
    ///
    /// # Errors
    /// That the rest cannot be read: what was taken before is not the whole.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, StoreError> {
        match self.rows.recv().await {
            Some(batch) => Ok(Some(batch)),
            None => match (&mut self.reading).await {
                Ok(ended) => ended.map(|()| None),
                Err(_) => Err(StoreError::Stopped),
            },
        }
    }
}
