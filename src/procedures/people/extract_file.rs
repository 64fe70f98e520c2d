//! The file of an extract: its rows, the code that is printed with them, and proofs that what they tell of lies in the log.
//! It is checked by whoever has it and the log's key, without a database.

use super::on_duty::People;
use crate::domain::identity::RecordId;
use crate::domain::people::extract::ExtractLine;
use crate::procedures::failure::Failure;
use crate::procedures::seal::proving::{Proved, prove};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sigill_seal::entry::Entry;
use sigill_seal::names::VerifyingName;
use sigill_seal::note::SignedCheckpoint;
use sigill_seal::proof::is_included;
use sigill_seal::proof_file::ProofFile;
use std::collections::BTreeMap;

/// What the file says that it is.
const FORMAT: &str = "sigill/extract/1";

/// The file as it is written and read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtractFile {
    format: String,
    code: String,
    hash: String,
    rows: Vec<FileRow>,
    proofs: Vec<RecordProof>,
}

/// A row, as text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRow {
    log_id: String,
    at: String,
    unit: String,
    provider: String,
    role: String,
    name: Option<String>,
    what: String,
    why: String,
    ground: String,
}

/// That a log record lies in the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordProof {
    log_id: String,
    leaf: u64,
    leaf_hash: String,
    hashes: Vec<String>,
    checkpoint: String,
    /// The record itself as it was sealed, where the extract names staff.
    proof: Option<String>,
}

/// Why a file is not what it says. The texts hold nothing of the rows.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractNotHeld {
    /// It is another kind of file.
    #[error("it is no file of an extract: {0}")]
    NoExtract(String),
    /// Its rows do not give its hash, or its hash not its code.
    #[error("the rows are others than those that the code was made of")]
    Rows,
    /// The proof of a row does not hold.
    #[error("row {0}: the proof that its record lies in the log does not hold")]
    Proof(usize),
    /// A row has no proof.
    #[error(
        "row {0} has no proof: its record was not in a signed checkpoint yet, take the file out again"
    )]
    NoProof(usize),
}

impl FileRow {
    fn of(row: &ExtractLine) -> Self {
        Self {
            log_id: row.log_id.clone(),
            at: row.at.to_rfc3339(),
            unit: row.unit.clone(),
            provider: row.provider.clone(),
            role: row.role.clone(),
            name: row.name.clone(),
            what: row.what.clone(),
            why: row.why.clone(),
            ground: row.ground.words().to_owned(),
        }
    }
}

/// A hash as a code that people can compare: five groups of four.
pub fn code_of(hash: &[u8]) -> String {
    let hex: String = hash.iter().take(10).map(|byte| format!("{byte:02X}")).collect();
    let groups = hex.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join("-")
}

/// What the code is made of: whoever has the file of rows can make it again.
pub fn hash_of(rows: &[ExtractLine]) -> [u8; 32] {
    hash_of_texts(rows.iter().map(FileRow::of))
}

fn hash_of_texts(rows: impl Iterator<Item = impl std::borrow::Borrow<FileRow>>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for row in rows {
        let row = row.borrow();
        let name = row.name.clone().unwrap_or_default();
        for text in [
            &row.log_id,
            &row.at,
            &row.unit,
            &row.provider,
            &row.role,
            &name,
            &row.what,
            &row.why,
            &row.ground,
        ] {
            hash.update(text.as_bytes());
            hash.update([0x1f]);
        }
        hash.update([b'\n']);
    }
    hash.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

impl People {
    /// The file by which whoever has the log's key can check that the rows are of the log (E8). Records are in it as they
    /// were sealed where staff are named; otherwise by what they were sealed as. Also whether every row has its proof already.
    ///
    /// # Errors
    /// The store's.
    pub async fn extract_proof(
        &self,
        rows: &[ExtractLine],
        with_records: bool,
    ) -> Result<(String, bool), Failure> {
        let mut ids: Vec<&str> = rows.iter().map(|row| row.log_id.as_str()).collect();
        ids.dedup();
        let (mut proofs, mut is_whole) = (Vec::with_capacity(ids.len()), true);
        for id in ids {
            let Some(id) = RecordId::new(id) else { continue };
            // A record without a proof yet is told of when the file is checked.
            if let Ok(Proved::Proof(proof)) = prove(&self.services.store, &id).await {
                proofs.push(RecordProof {
                    log_id: id.as_str().to_owned(),
                    leaf: proof.leaf,
                    leaf_hash: hex(&Entry::over(proof.kind, &proof.preimage).leaf_hash()),
                    hashes: proof.hashes.iter().map(|hash| hex(hash)).collect(),
                    checkpoint: proof.checkpoint.to_text(),
                    proof: with_records.then(|| proof.to_text()),
                });
            } else {
                is_whole = false;
            }
        }
        let hash = hash_of(rows);
        let file = ExtractFile {
            format: FORMAT.to_owned(),
            code: code_of(&hash),
            hash: hex(&hash),
            rows: rows.iter().map(FileRow::of).collect(),
            proofs,
        };
        Ok((format!("{:#}\n", serde_json::json!(file)), is_whole))
    }
}

impl ExtractFile {
    /// Whether a text is meant to be such a file, and not the proof of one record.
    pub fn is_one(text: &str) -> bool {
        text.trim_start().starts_with('{')
    }

    /// Reads a file.
    ///
    /// # Errors
    /// That it is none.
    pub fn read(text: &str) -> Result<Self, ExtractNotHeld> {
        let file: Self = serde_json::from_str(text).map_err(|error| {
            ExtractNotHeld::NoExtract(format!("line {}, column {}", error.line(), error.column()))
        })?;
        match file.format == FORMAT {
            true => Ok(file),
            false => Err(ExtractNotHeld::NoExtract(format!("its format is not {FORMAT}"))),
        }
    }

    /// Checks that the rows are those of the code, and that the record of each lies in the log that has the key; tells the
    /// code and how many records.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(&self, key: &VerifyingName) -> Result<(String, usize), ExtractNotHeld> {
        let hash = hash_of_texts(self.rows.iter());
        if hex(&hash) != self.hash || code_of(&hash) != self.code {
            return Err(ExtractNotHeld::Rows);
        }
        let by_id: BTreeMap<&str, &RecordProof> =
            self.proofs.iter().map(|proof| (proof.log_id.as_str(), proof)).collect();
        let mut checked: BTreeMap<&str, bool> = BTreeMap::new();
        for (row, number) in self.rows.iter().zip(1..) {
            let id = row.log_id.as_str();
            let proof = by_id.get(id).ok_or(ExtractNotHeld::NoProof(number))?;
            let holds = *checked.entry(id).or_insert_with(|| proof.holds(key).is_some());
            if !holds {
                return Err(ExtractNotHeld::Proof(number));
            }
        }
        Ok((self.code.clone(), checked.len()))
    }
}

impl RecordProof {
    /// Whether it proves; where the record itself is there, that it is the one that lies there too.
    fn holds(&self, key: &VerifyingName) -> Option<()> {
        let signed = SignedCheckpoint::of_text(&self.checkpoint).ok()?;
        let leaf_hash = of_hex(&self.leaf_hash)?;
        let hashes = self.hashes.iter().map(|hash| of_hex(hash)).collect::<Option<Vec<_>>>()?;
        let checkpoint = signed.checkpoint();
        let log = (checkpoint.size, checkpoint.root);
        if !signed.is_signed_by(key) || !is_included(&hashes, log, (self.leaf, leaf_hash)) {
            return None;
        }
        let Some(text) = &self.proof else { return Some(()) };
        let proof = ProofFile::of_text(text).ok()?;
        proof.verify(key, &[], 0).ok()?;
        let is_same = proof.leaf == self.leaf
            && Entry::over(proof.kind, &proof.preimage).leaf_hash() == leaf_hash;
        is_same.then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sigill_seal::entry::Kind;
    use sigill_seal::keys::SigningKeys;
    use sigill_seal::note::Checkpoint;

    /// A file of one row whose record is the whole log.
    fn file(keys: &SigningKeys) -> ExtractFile {
        let leaf_hash = Entry::over(Kind::Record, b"a record").leaf_hash();
        let checkpoint = Checkpoint { origin: "log.example".into(), size: 1, root: leaf_hash };
        let row = FileRow {
            log_id: "1".into(),
            at: "2026-01-01T08:00:00+00:00".into(),
            unit: "Akuten".into(),
            provider: "Regionen".into(),
            role: "Läkare".into(),
            name: None,
            what: "Diagnos".into(),
            why: "Vård och behandling".into(),
            ground: "samma vårdgivare".into(),
        };
        let hash = hash_of_texts([&row].into_iter());
        ExtractFile {
            format: FORMAT.into(),
            code: code_of(&hash),
            hash: hex(&hash),
            proofs: vec![RecordProof {
                log_id: row.log_id.clone(),
                leaf: 0,
                leaf_hash: hex(&leaf_hash),
                hashes: Vec::new(),
                checkpoint: SignedCheckpoint::sign(checkpoint, keys, 1).to_text(),
                proof: None,
            }],
            rows: vec![row],
        }
    }

    fn keys(seed: u8) -> SigningKeys {
        SigningKeys::of_seeds("log.example", &[seed; 32], &[9; 32]).unwrap()
    }

    #[test]
    fn a_stranger_verifies_with_the_file_and_the_key_alone() {
        let (keys, other) = (keys(1), keys(2));
        let key = &keys.verifying()[0];
        let read = ExtractFile::read(&serde_json::json!(file(&keys)).to_string()).unwrap();
        assert_eq!(read.verify(key), Ok((read.code.clone(), 1)));
        assert_eq!(read.verify(&other.verifying()[0]), Err(ExtractNotHeld::Proof(1)));
        let changed = |change: fn(&mut ExtractFile)| {
            let mut changed = file(&keys);
            change(&mut changed);
            changed.verify(key)
        };
        assert_eq!(changed(|file| file.rows[0].why.push('.')), Err(ExtractNotHeld::Rows));
        assert_eq!(changed(|file| file.code.push('0')), Err(ExtractNotHeld::Rows));
        assert_eq!(changed(|file| file.proofs.clear()), Err(ExtractNotHeld::NoProof(1)));
        let no_proof = Err(ExtractNotHeld::Proof(1));
        assert_eq!(changed(|file| file.proofs[0].leaf = 1), no_proof);
        assert_eq!(changed(|file| file.proofs[0].leaf_hash = "00".repeat(32)), no_proof);
        assert_eq!(changed(|file| file.proofs[0].proof = Some("none".into())), no_proof);
        assert!(matches!(ExtractFile::read("{}"), Err(ExtractNotHeld::NoExtract(_))));
    }
}
