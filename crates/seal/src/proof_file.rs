//! Proof files (C2SP `tlog-proof`): that what somebody holds is in the log, for whoever has the log's key.

use crate::Hash;
use crate::entry::{Entry, Kind};
use crate::names::{CLOCK_SUFFIX, VerifyingName};
use crate::note::{NoCheckpoint, SignedCheckpoint};
use crate::proof::is_included;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Longer files are not read: a record has a thousand resources at the most.
const BYTES_MAX: usize = 16 * 1024 * 1024;
const HASHES_MAX: usize = 63;

/// A proof of one leaf, with what the leaf commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFile {
    /// What the entry is about.
    pub kind: Kind,
    /// What it commits to.
    pub preimage: Vec<u8>,
    /// Its leaf, from 0.
    pub leaf: u64,
    /// From the leaf to the root.
    pub hashes: Vec<Hash>,
    /// The checkpoint of the tree.
    pub checkpoint: SignedCheckpoint,
}

/// Why a file is no proof, or proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoProofFile {
    /// It is not written like one.
    #[error("line {0} is not one of a proof file")]
    Line(usize),
    /// It is too long.
    #[error("too long for a proof")]
    Length,
    /// Its checkpoint is none.
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] NoCheckpoint),
    /// The log has not signed the checkpoint.
    #[error("the log has not signed its checkpoint")]
    Signature,
    /// Fewer witnesses than wanted have signed the checkpoint.
    #[error("too few witnesses have signed its checkpoint")]
    Witnesses,
    /// What it holds is not in the tree.
    #[error("what it holds is not in the log")]
    NotIncluded,
}

impl ProofFile {
    /// The file's text.
    pub fn to_text(&self) -> String {
        let extra = STANDARD.encode([&[self.kind as u8][..], &self.preimage].concat());
        let hashes: String = self.hashes.iter().map(|hash| STANDARD.encode(hash) + "\n").collect();
        let (leaf, checkpoint) = (self.leaf, self.checkpoint.to_text());
        format!("{HEADER}\nextra {extra}\nindex {leaf}\n{hashes}\n{checkpoint}")
    }

    /// Of a file's text. Nothing of it is proved before `verify`.
    ///
    /// # Errors
    /// That it is no proof's.
    pub fn of_text(text: &str) -> Result<Self, NoProofFile> {
        if text.len() > BYTES_MAX {
            return Err(NoProofFile::Length);
        }
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(NoProofFile::Line(1))?;
        let mut lines = (1..).zip(proof.lines());
        let mut line = |begins: &str| {
            let (number, line) = lines.next().ok_or(NoProofFile::Line(1))?;
            line.strip_prefix(begins).ok_or(NoProofFile::Line(number))
        };
        if !line(HEADER)?.is_empty() {
            return Err(NoProofFile::Line(1));
        }
        let extra = STANDARD.decode(line("extra ")?).map_err(|_| NoProofFile::Line(2))?;
        let (kind, preimage) = extra.split_first().ok_or(NoProofFile::Line(2))?;
        let kind = Kind::of(*kind).ok_or(NoProofFile::Line(2))?;
        let leaf = line("index ")?;
        let leaf = leaf.parse().ok().filter(|number: &u64| number.to_string() == leaf);
        let leaf = leaf.ok_or(NoProofFile::Line(3))?;
        let hash = |(number, line): (usize, &str)| {
            let hash = STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok());
            hash.ok_or(NoProofFile::Line(number))
        };
        let hashes: Vec<Hash> = lines.map(hash).collect::<Result<_, _>>()?;
        if hashes.len() > HASHES_MAX {
            return Err(NoProofFile::Length);
        }
        let checkpoint = SignedCheckpoint::of_text(checkpoint)?;
        Ok(Self { kind, preimage: preimage.to_vec(), leaf, hashes, checkpoint })
    }

    /// Proves it: by the log's key, and so many of some witnesses.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn verify(
        &self,
        log: &VerifyingName,
        witnesses: &[VerifyingName],
        quorum: usize,
    ) -> Result<(), NoProofFile> {
        let checkpoint = self.checkpoint.checkpoint();
        let forged = witnesses.iter().chain([log]).any(|name| self.checkpoint.is_forged_by(name));
        if checkpoint.origin != log.name() || !self.checkpoint.is_signed_by(log) || forged {
            return Err(NoProofFile::Signature);
        }
        // Each once, and the log's own clock is no witness.
        let is_other = |witness: &&VerifyingName| {
            let rest = witness.name().strip_prefix(log.name());
            !rest.is_some_and(|rest| rest.is_empty() || rest == CLOCK_SUFFIX)
        };
        let mut signed: Vec<&VerifyingName> = Vec::new();
        for witness in witnesses.iter().filter(is_other) {
            if !signed.contains(&witness) && self.checkpoint.time_by(witness).is_some() {
                signed.push(witness);
            }
        }
        if signed.len() < quorum {
            return Err(NoProofFile::Witnesses);
        }
        let entry = Entry::over(self.kind, &self.preimage);
        let leaf = (self.leaf, entry.leaf_hash());
        match is_included(&self.hashes, (checkpoint.size, checkpoint.root), leaf) {
            true => Ok(()),
            false => Err(NoProofFile::NotIncluded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKeys;
    use crate::note::{Checkpoint, SignatureLine};
    use crate::proof::Tiles;
    use crate::record::notice;
    use crate::tree::Edge;
    use ed25519_dalek::SigningKey;

    /// A proof of the first of three notices; its log's key, and a witness that has signed it.
    fn proof() -> (ProofFile, VerifyingName, VerifyingName) {
        let preimages: Vec<Vec<u8>> =
            (0..3).map(|n| notice(None, &format!("keys {n}\n"))).collect();
        let mut edge = Edge::default();
        edge.append(preimages.iter().map(|preimage| Entry::over(Kind::Keys, preimage).stored()));
        let mut tiles = Tiles::default();
        let leaves = edge.entries().iter().filter_map(Entry::of_stored);
        tiles.add((0, 0), leaves.map(|entry| entry.leaf_hash()).collect());
        let keys = SigningKeys::of_seeds("log.example/1", &[1; 32], &[2; 32]).unwrap();
        let checkpoint = Checkpoint { origin: "log.example/1".into(), size: 3, root: edge.root() };
        let mut checkpoint = SignedCheckpoint::sign(checkpoint, &keys, 1_764_150_000);
        let witness = SigningKey::from_bytes(&[3; 32]);
        let name = VerifyingName::new(
            "witness.example",
            crate::names::SignatureType::Cosignature,
            witness.verifying_key(),
        );
        let body = checkpoint.checkpoint().body();
        checkpoint.add(SignatureLine::cosign(&name, &witness, &body, 1_764_150_001));
        let hashes = tiles.inclusion(3, 0).unwrap();
        let preimage = preimages[0].clone();
        let [log, _] = keys.verifying();
        (ProofFile { kind: Kind::Keys, preimage, leaf: 0, hashes, checkpoint }, log, name)
    }

    #[test]
    fn a_proof_is_read_and_holds() {
        let (proof, log, witness) = proof();
        let read = ProofFile::of_text(&proof.to_text()).unwrap();
        assert_eq!(read, proof);
        assert_eq!(read.verify(&log, std::slice::from_ref(&witness), 1), Ok(()));
        // One that is named twice is one.
        let twice = [witness.clone(), witness];
        assert_eq!(read.verify(&log, &twice, 2), Err(NoProofFile::Witnesses));
        assert_eq!(read.verify(&log, &[], 1), Err(NoProofFile::Witnesses));
        let other = SigningKeys::of_seeds("log.example/1", &[9; 32], &[2; 32]).unwrap();
        assert_eq!(read.verify(&other.verifying()[0], &[], 0), Err(NoProofFile::Signature));
    }

    #[test]
    fn any_change_of_a_proof_is_seen() {
        let (proof, log, witness) = proof();
        let text = proof.to_text();
        // The clock's line is not asked for by whoever trusts the log and a witness.
        let clock = text.find("— log.example/1/clock").unwrap()..text.find("— witness").unwrap();
        let mut seen = 0;
        for at in (0..text.len()).filter(|at| !clock.contains(at)) {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            let holds = ProofFile::of_text(&changed)
                .and_then(|proof| proof.verify(&log, std::slice::from_ref(&witness), 1));
            assert!(holds.is_err(), "{at}: {changed}");
            seen += 1;
        }
        assert!(seen > 300);
    }
}
