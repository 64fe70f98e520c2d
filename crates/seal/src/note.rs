//! Checkpoints as signed notes: C2SP `signed-note`, `tlog-checkpoint`, `tlog-cosignature`.
//!
//! A checkpoint is signed twice by its log: as a note, and, with the time, as a cosignature by the log's clock. Witnesses add
//! cosignatures of theirs.

use crate::Hash;
use crate::keys::SigningKeys;
use crate::names::{SignatureType, VerifyingName, is_name};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};

/// Longer notes, and notes with more signatures, are not read.
const NOTE_BYTES_MAX: usize = 64 * 1024;
const SIGNATURES_MAX: usize = 100;

/// Size and root of a log's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// A line of a signature: whose, and the bytes behind the key's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    name: String,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

/// A checkpoint with signatures, which may be anybody's: nothing of it is known before they are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    body: String,
    signatures: Vec<SignatureLine>,
}

/// Why a text is no signed checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCheckpoint {
    /// Too long, or with too many signatures.
    #[error("too long for a checkpoint")]
    Length,
    /// Its body is not origin, size and root.
    #[error("not a checkpoint's three lines")]
    Body,
    /// What follows is no signatures.
    #[error("line {0} of the signatures is none")]
    Signature(usize),
}

impl Checkpoint {
    /// The text that is signed.
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Of that text.
    fn of_body(body: &str) -> Option<Self> {
        let mut lines = body.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        // Further lines are for others; a log of ours has none.
        let checkpoint = Self {
            origin: origin.to_owned(),
            size: size.parse().ok()?,
            root: STANDARD.decode(root).ok()?.try_into().ok()?,
        };
        let is_written_so = checkpoint.body() == body && lines.next().is_none();
        (is_name(origin) && is_written_so).then_some(checkpoint)
    }
}

impl SignedCheckpoint {
    /// A checkpoint signed by its log at a time, in seconds since 1970.
    pub fn sign(checkpoint: Checkpoint, keys: &SigningKeys, seconds: u64) -> Self {
        let body = checkpoint.body();
        let [log, clock] = keys.verifying();
        let signature = keys.log.sign(body.as_bytes()).to_bytes().to_vec();
        let note =
            SignatureLine { name: log.name().to_owned(), key_id: log.key_id(), bytes: signature };
        let time = SignatureLine::cosign(&clock, &keys.clock, &body, seconds);
        Self { checkpoint, body, signatures: vec![note, time] }
    }

    /// Adds the signatures of other keys of the same log, with the same time.
    pub fn add_lines_of(&mut self, keys: &SigningKeys, seconds: u64) {
        let other = Self::sign(self.checkpoint.clone(), keys, seconds);
        for line in other.signatures {
            self.add(line);
        }
    }

    /// The checkpoint of a note.
    ///
    /// # Errors
    /// That it is none.
    pub fn of_text(text: &str) -> Result<Self, NoCheckpoint> {
        if text.len() > NOTE_BYTES_MAX {
            return Err(NoCheckpoint::Length);
        }
        let (body, signatures) = text.split_once("\n\n").ok_or(NoCheckpoint::Body)?;
        let body = format!("{body}\n");
        let checkpoint = Checkpoint::of_body(&body).ok_or(NoCheckpoint::Body)?;
        let lines: Vec<&str> = signatures.split_terminator('\n').collect();
        if lines.len() > SIGNATURES_MAX {
            return Err(NoCheckpoint::Length);
        }
        let read = |(at, line): (usize, &&str)| {
            SignatureLine::of_line(line).ok_or(NoCheckpoint::Signature(at + 1))
        };
        let signatures = lines.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { checkpoint, body, signatures })
    }

    /// The note.
    pub fn to_text(&self) -> String {
        let lines: String = self.signatures.iter().map(SignatureLine::to_line).collect();
        format!("{}\n{lines}", self.body)
    }

    /// What it says.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Whether the key of a name has signed its text.
    pub fn is_signed_by(&self, name: &VerifyingName) -> bool {
        name.signature_type() == SignatureType::Note
            && self.of_name(name).any(|line| name.has_signed(self.body.as_bytes(), &line.bytes))
    }

    /// The time at which the key of a name has signed it, in seconds since 1970; the earliest of several.
    pub fn time_by(&self, name: &VerifyingName) -> Option<u64> {
        if name.signature_type() != SignatureType::Cosignature {
            return None;
        }
        let time = |line: &SignatureLine| {
            let (seconds, signature) = line.bytes.split_first_chunk::<8>()?;
            let seconds = u64::from_be_bytes(*seconds);
            name.has_signed(timed(&self.body, seconds).as_bytes(), signature).then_some(seconds)
        };
        self.of_name(name).filter_map(time).min()
    }

    /// Whether the key of a name has signed it with a time.
    pub fn is_witnessed_by(&self, name: &VerifyingName) -> bool {
        self.time_by(name).is_some()
    }

    /// Whether a signature stands there by the key of a name that it has not made: nothing in the note can be believed
    /// then.
    pub fn is_forged_by(&self, name: &VerifyingName) -> bool {
        let is_right = |line: &SignatureLine| match name.signature_type() {
            SignatureType::Note => name.has_signed(self.body.as_bytes(), &line.bytes),
            SignatureType::Cosignature => {
                line.bytes.split_first_chunk::<8>().is_some_and(|(seconds, signature)| {
                    name.has_signed(
                        timed(&self.body, u64::from_be_bytes(*seconds)).as_bytes(),
                        signature,
                    )
                })
            }
        };
        !self.of_name(name).all(is_right)
    }

    /// Adds another's signature, unless there are too many.
    pub fn add(&mut self, line: SignatureLine) {
        if self.signatures.len() < SIGNATURES_MAX && !self.signatures.contains(&line) {
            self.signatures.push(line);
        }
    }

    fn of_name(&self, name: &VerifyingName) -> impl Iterator<Item = &SignatureLine> {
        let key_id = name.key_id();
        self.signatures.iter().filter(move |line| line.name == name.name() && line.key_id == key_id)
    }
}

impl SignatureLine {
    /// The signature of a body with a time.
    pub fn cosign(name: &VerifyingName, key: &SigningKey, body: &str, seconds: u64) -> Self {
        let signature = key.sign(timed(body, seconds).as_bytes()).to_bytes();
        let bytes = [&seconds.to_be_bytes()[..], &signature].concat();
        Self { name: name.name().to_owned(), key_id: name.key_id(), bytes }
    }

    /// Of a line of a note.
    pub fn of_line(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
        let decoded = STANDARD.decode(encoded).ok()?;
        let (key_id, bytes) = decoded.split_first_chunk::<4>()?;
        let line = Self { name: name.to_owned(), key_id: *key_id, bytes: bytes.to_vec() };
        (is_name(name) && !bytes.is_empty()).then_some(line)
    }

    /// The line of a note.
    pub fn to_line(&self) -> String {
        let bytes = [&self.key_id[..], &self.bytes].concat();
        format!("— {} {}\n", self.name, STANDARD.encode(bytes))
    }
}

/// What a cosignature is over.
fn timed(body: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> SigningKeys {
        SigningKeys::of_seeds("log.example/1", &[1; 32], &[2; 32]).unwrap()
    }

    fn signed() -> SignedCheckpoint {
        let checkpoint = Checkpoint { origin: "log.example/1".into(), size: 7, root: [9; 32] };
        SignedCheckpoint::sign(checkpoint, &keys(), 1_764_150_000)
    }

    #[test]
    fn a_checkpoint_is_read_and_verified_as_it_was_signed() {
        let text = signed().to_text();
        let read = SignedCheckpoint::of_text(&text).unwrap();
        assert_eq!(read, signed());
        let [log, clock] = keys().verifying();
        assert!(read.is_signed_by(&log) && !read.is_signed_by(&clock));
        assert_eq!((read.time_by(&clock), read.time_by(&log)), (Some(1_764_150_000), None));
        for name in [log, clock] {
            assert_eq!(VerifyingName::of_vkey(&name.to_vkey()), Some(name));
        }
    }

    #[test]
    fn the_example_of_the_specification_verifies() {
        // golang.org/x/mod/sumdb/note has this key and this note in its documentation.
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let name = VerifyingName::of_vkey(vkey).unwrap();
        assert_eq!(name.key_id(), [0xc7, 0x4f, 0x20, 0xa3]);
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let line = SignatureLine::of_line(
            "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=",
        )
        .unwrap();
        assert_eq!(line.key_id, name.key_id());
        assert!(name.has_signed(text.as_bytes(), &line.bytes));
    }

    #[test]
    fn any_change_of_a_checkpoint_is_seen() {
        let [log, clock] = keys().verifying();
        let text = signed().to_text();
        let mut read = 0;
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            if let Ok(changed) = SignedCheckpoint::of_text(&changed) {
                read += 1;
                assert!(!changed.is_signed_by(&log) || changed.time_by(&clock).is_none(), "{at}");
            }
        }
        assert!(read > 100);
    }

    #[test]
    fn what_is_no_checkpoint_is_told() {
        let body = "log.example/1\n7\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n";
        assert!(SignedCheckpoint::of_text(&format!("{body}\n")).is_ok());
        for other in ["a b\n7\n", "log\n07\n", "log\n-1\n", "log\n7\nCQk=\n", "log\n"] {
            let text = format!("{other}{}\n", &body[16..]);
            assert_eq!(SignedCheckpoint::of_text(&text), Err(NoCheckpoint::Body), "{text}");
        }
        assert_eq!(SignedCheckpoint::of_text(body), Err(NoCheckpoint::Body));
        assert_eq!(SignedCheckpoint::of_text(&format!("{body}x\n\n")), Err(NoCheckpoint::Body));
        let unsigned = format!("{body}\n— log x\n");
        assert_eq!(SignedCheckpoint::of_text(&unsigned), Err(NoCheckpoint::Signature(1)));
        let long = format!("{body}\n{}", "— log AAAAAAA=\n".repeat(101));
        assert_eq!(SignedCheckpoint::of_text(&long), Err(NoCheckpoint::Length));
    }
}
