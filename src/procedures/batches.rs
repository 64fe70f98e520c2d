//! Much, a batch at a time, as fast as it is taken.

use crate::store::error::StoreError;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Pages that may wait for a slow receiver, beside the one that it is being given.
const BATCHES_WAITING_MAX: usize = 1;

/// Batches that are being read. Who drops them ends the reading.
#[derive(Debug)]
pub struct Batches<B> {
    batches: mpsc::Receiver<B>,
    /// Gone when its end has been told.
    reading: Option<JoinHandle<Result<(), StoreError>>>,
}

impl<B: Send + 'static> Batches<B> {
    /// Begins to read; `read` hands batches over until all are read or nobody takes them.
    pub fn of<R>(read: impl FnOnce(mpsc::Sender<B>) -> R) -> Self
    where
        R: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let (to, batches) = mpsc::channel(BATCHES_WAITING_MAX);
        Self { batches, reading: Some(tokio::spawn(read(to))) }
    }

    /// The next batch; `None` when all have been read.
    ///
    /// # Errors
    /// That the rest cannot be read: what was taken before is not the whole.
    pub async fn next(&mut self) -> Result<Option<B>, StoreError> {
        if let Some(batch) = self.batches.recv().await {
            return Ok(Some(batch));
        }
        let Some(reading) = self.reading.as_mut() else { return Ok(None) };
        let ended = reading.await.map_err(|_| StoreError::Stopped);
        self.reading = None;
        ended?.map(|()| None)
    }
}
