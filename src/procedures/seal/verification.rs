//! What verifying needs, and what it comes to.

use super::identity::{self, SealIdentity};
use super::log_seal::SealSettings;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::log::seal::findings::NewFinding;
use sigill_seal::note::SignedCheckpoint;

/// Findings that are told; the others are counted.
const TOLD_MAX: usize = 1_000;

/// How much is verified.
#[derive(Debug, Clone, Copy)]
pub enum Extent {
    /// All.
    Full,
    /// Signatures, upper tiles, runs, the newest records, and a sample of the others; chosen by numbers from 0 to 1.
    Sample(fn() -> f64),
}

/// What was found.
#[derive(Debug, Default)]
pub struct Verification {
    /// Entries of the tree.
    pub size: u64,
    /// The log's name.
    pub origin: String,
    /// Signed checkpoints that hold.
    pub checkpoints: u64,
    /// Records that are what was sealed.
    pub records: u64,
    /// The same for notices.
    pub notices: u64,
    /// Records that were removed.
    pub removed: u64,
    /// Differences, the first ones.
    pub findings: Vec<NewFinding>,
    /// How many there are.
    pub found: usize,
}

impl Verification {
    /// Adds differences.
    pub(super) fn find(&mut self, findings: impl IntoIterator<Item = NewFinding>) {
        for finding in findings {
            self.found += 1;
            if self.findings.len() < TOLD_MAX {
                self.findings.push(finding);
            }
        }
    }
}

/// A finding about the log as a whole.
pub(super) fn whole(kind: &'static str, detail: String) -> NewFinding {
    NewFinding { kind, detail, ..NewFinding::default() }
}

/// What verifying needs beside the store.
pub struct Verifier {
    /// The store.
    pub store: Store,
    /// Where keys and anchors are.
    pub settings: SealSettings,
    /// How much.
    pub extent: Extent,
    /// Sessions that look at records at one time.
    pub workers: usize,
    /// When.
    pub now: Timestamp,
}

/// Tells how far it has come: of which step, so many, of so many.
pub type Progress = dyn Fn(&'static str, u64, u64) + Send + Sync;

/// When a checkpoint was signed, and whether it was.
pub(super) fn signed(
    identities: &[SealIdentity],
    note: &str,
) -> Option<(SignedCheckpoint, Option<u64>)> {
    let read = SignedCheckpoint::of_text(note).ok()?;
    let time = identity::time_of(identities, &read);
    identity::is_signed(identities, &read).then_some((read, time))
}
