//! Records from before sealing get their leaves, once: those up to the number that the log's first leaf says, until a notice
//! says how many they were.

use super::log_seal::{LogSeal, SealError};
use crate::domain::time::Timestamp;
use sigill_seal::entry::{Entry, Kind};
use sigill_seal::proof::is_included;

/// Records of a lot.
const LOT: i64 = 2_000;
/// What the notice of the opening says with the last number, and the first line of the one that ends it.
pub(super) const ADOPTS: &str = "adopts";
const ADOPTION: &str = "adoption\n";

/// Sends a lot of records from before sealing to the tree; whether there may be more.
///
/// # Errors
/// The store's.
pub async fn adopt(seal: &LogSeal, now: Timestamp) -> Result<bool, SealError> {
    let Some(up_to) = left(seal).await? else { return Ok(false) };
    let adopted = seal.store.adopt_records(up_to, LOT, now).await?.unwrap_or_default();
    if adopted > 0 {
        tracing::info!(adopted, "records from before sealing are on their way to the tree");
    }
    Ok(i64::try_from(adopted).is_ok_and(|adopted| adopted == LOT))
}

/// Up to which number records are from before sealing, as long as some may be left. Only what is signed counts.
async fn left(seal: &LogSeal) -> Result<Option<i64>, SealError> {
    if seal.state().adopted {
        return Ok(None);
    }
    let Some(anchor) = seal.anchor() else { return Ok(None) };
    let acknowledged = seal.store.notices(&[Kind::Acknowledgement]).await?;
    let is_done = acknowledged.iter().any(|notice| notice.body.starts_with(ADOPTION));
    let opening = seal.store.notices(&[Kind::Opening]).await?.into_iter().next();
    let last =
        opening.as_ref().and_then(|notice| notice.values(ADOPTS).next()?.parse::<i64>().ok());
    let (Some(opening), Some(last)) = (opening, last.filter(|_| !is_done)) else {
        seal.state().adopted = true;
        return Ok(None);
    };
    let tree = (anchor.checkpoint().size, anchor.checkpoint().root);
    let found = seal.store.inclusion_of(opening.entry_number, tree.0).await?;
    let hash = Entry::over(Kind::Opening, &opening.preimage()).leaf_hash();
    let is_sealed = found.is_some_and(|(leaf, proof)| is_included(&proof, tree, (leaf, hash)));
    Ok(is_sealed.then_some(last))
}
