//! Records from before sealing get their leaves, once.

use super::log_seal::{LogSeal, SealError};
use crate::domain::time::Timestamp;

/// Records of a lot.
const LOT: i64 = 2_000;

/// Sends a lot of records from before sealing to the tree; whether there may be more. The last lot's notice says how
/// many they were.
///
/// # Errors
/// The store's.
pub async fn adopt(seal: &LogSeal, now: Timestamp) -> Result<bool, SealError> {
    let adopted = seal.store.adopt_records(LOT, now).await?;
    if adopted > 0 {
        tracing::info!(adopted, "records from before sealing are on their way to the tree");
    }
    Ok(adopted > 0)
}
