//! Being a witness of others' logs (C2SP `tlog-witness`): a checkpoint that goes on where the last one ended is signed.

use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sigill_seal::Hash;
use sigill_seal::names::VerifyingName;
use sigill_seal::note::SignedCheckpoint;
use sigill_seal::proof::is_consistent;
use sigill_seal::witness_key::WitnessKey;
use std::fmt;
use std::sync::Arc;

/// Lines of a proof.
const PROOF_LINES_MAX: usize = 63;

/// A witness: its key, and the keys of the logs that it knows.
#[derive(Clone)]
pub struct Witness {
    key: Arc<WitnessKey>,
    logs: Arc<Vec<VerifyingName>>,
}

/// Keys are not told.
impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Witness")
    }
}

/// What a witness answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// Its signature lines.
    Signed(String),
    /// The request is none.
    Malformed(&'static str),
    /// The log has not signed the checkpoint.
    NotSigned,
    /// The log is not known.
    UnknownLog,
    /// The witness has seen another size last; or another root of this size.
    Conflict(u64),
    /// The proof does not show that the log goes on where it had ended.
    NotConsistent,
}

/// A request as it is written.
struct AddCheckpoint {
    old: u64,
    proof: Vec<Hash>,
    checkpoint: SignedCheckpoint,
}

impl Witness {
    /// A witness of these logs.
    pub fn new(key: WitnessKey, logs: Vec<VerifyingName>) -> Self {
        Self { key: Arc::new(key), logs: Arc::new(logs) }
    }

    /// With which its signatures are verified.
    pub fn verifying(&self) -> VerifyingName {
        self.key.verifying()
    }

    /// Signs a log's next checkpoint, if it goes on where the last one ended. What was signed is kept before anybody is
    /// told.
    ///
    /// # Errors
    /// The store's; nothing is signed then.
    pub async fn add_checkpoint(
        &self,
        store: &Store,
        body: &str,
        now: Timestamp,
    ) -> Result<WitnessAnswer, StoreError> {
        let AddCheckpoint { old, proof, checkpoint } = match AddCheckpoint::of(body) {
            Ok(asked) => asked,
            Err(why) => return Ok(WitnessAnswer::Malformed(why)),
        };
        let new = checkpoint.checkpoint().clone();
        let keys: Vec<&VerifyingName> =
            self.logs.iter().filter(|log| log.name() == new.origin).collect();
        if keys.is_empty() {
            return Ok(WitnessAnswer::UnknownLog);
        }
        if !keys.iter().any(|key| checkpoint.is_signed_by(key)) {
            return Ok(WitnessAnswer::NotSigned);
        }
        if old > new.size {
            return Ok(WitnessAnswer::Malformed("the old size is above the checkpoint's"));
        }
        let witnessing = store.begin_witnessing(&new.origin).await?;
        let last = witnessing.last.as_ref().map_or((0, None), |last| {
            (u64::try_from(last.size).unwrap_or_default(), <Hash>::try_from(&last.root[..]).ok())
        });
        if old != last.0 {
            return Ok(WitnessAnswer::Conflict(last.0));
        }
        if let (size, Some(root)) = last {
            if size == new.size && root != new.root {
                return Ok(WitnessAnswer::Conflict(size));
            }
            let is_next = size == 0 || is_consistent(&proof, (new.size, new.root), (size, root));
            if !is_next || size == new.size && !proof.is_empty() {
                return Ok(WitnessAnswer::NotConsistent);
            }
        } else if !proof.is_empty() {
            return Ok(WitnessAnswer::NotConsistent);
        }
        witnessing.keep((new.size, &new.root), &checkpoint.to_text(), now).await?;
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Ok(WitnessAnswer::Signed(self.key.cosign(&new, seconds).to_line()))
    }
}

impl AddCheckpoint {
    fn of(body: &str) -> Result<Self, &'static str> {
        let (head, checkpoint) =
            body.split_once("\n\n").ok_or("no empty line before the checkpoint")?;
        let mut lines = head.lines();
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old = old.filter(|old| *old == "0" || !old.starts_with(['0', '+']));
        let old =
            old.and_then(|old| old.parse().ok()).ok_or("the first line is not old and a size")?;
        let hash = |line: &str| STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok());
        let proof: Option<Vec<Hash>> = lines.map(hash).collect();
        let proof = proof.ok_or("a line of the proof is no hash")?;
        if proof.len() > PROOF_LINES_MAX {
            return Err("more than 63 lines of proof");
        }
        let checkpoint = SignedCheckpoint::of_text(checkpoint).map_err(|_| "no checkpoint")?;
        Ok(Self { old, proof, checkpoint })
    }
}
