//! How the sealed log stands, for whoever watches the server.

use super::log_seal::LogSeal;
use crate::procedures::context::Services;
use crate::store::error::StoreError;

/// How the sealed log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealStatus {
    /// Name and size of the last checkpoint that this server has checked.
    pub checked: Option<(String, u64)>,
    /// Whether this server signs.
    pub signs: bool,
    /// Why it does not trust the database.
    pub distrusted: Option<String>,
    /// Findings that nobody has acknowledged, as far as they were counted.
    pub findings: usize,
}

/// Findings that are counted.
const COUNTED: i64 = 1_000;

/// How the sealed log stands.
///
/// # Errors
/// The store's.
pub async fn status(services: &Services) -> Result<SealStatus, StoreError> {
    let seal = services.trust.seal.as_ref();
    let checked = seal.and_then(LogSeal::anchor).map(|anchor| {
        let checkpoint = anchor.checkpoint();
        (checkpoint.origin.clone(), checkpoint.size)
    });
    Ok(SealStatus {
        checked,
        signs: seal.is_some_and(LogSeal::signs),
        distrusted: seal.and_then(LogSeal::distrusted),
        findings: services.store.open_findings(COUNTED).await?.len(),
    })
}
