//! What proofs and archives hold, in words: what `sigill-verify` and `sigill log` print.

use crate::archive::{self, Verified};
use crate::entry::Kind;
use crate::names::VerifyingName;
use crate::proof_file::ProofFile;
use crate::record::{SealedRecord, read_notice};
use std::fmt::Display;
use std::path::Path;

/// Why something does not hold, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotHeld {
    /// It could not be looked at: nothing is said of it.
    pub could_not_be_read: bool,
    /// Why.
    pub why: String,
}

impl NotHeld {
    fn finding(why: impl Display) -> Self {
        Self { could_not_be_read: false, why: why.to_string() }
    }

    fn unreadable(why: impl Display) -> Self {
        Self { could_not_be_read: true, why: why.to_string() }
    }
}

/// What a proof file proves, in words, by the log's key and so many of some witnesses.
///
/// # Errors
/// Why it proves nothing, in words; or that it cannot be read.
pub fn proof(
    path: &Path,
    key: &VerifyingName,
    (witnesses, quorum): (&[VerifyingName], usize),
) -> Result<String, NotHeld> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| NotHeld::unreadable(format!("{}: {error}", path.display())))?;
    let proof = ProofFile::of_text(&text).map_err(NotHeld::finding)?;
    proof.verify(key, witnesses, quorum).map_err(NotHeld::finding)?;
    let what = match proof.kind {
        Kind::Record => record(&proof.preimage).map_err(NotHeld::finding)?,
        _ => read_notice(&proof.preimage)
            .ok_or_else(|| NotHeld::finding("it is no notice"))?
            .to_owned(),
    };
    let checkpoint = proof.checkpoint.checkpoint();
    let (leaf, size, origin) = (proof.leaf, checkpoint.size, &checkpoint.origin);
    Ok(format!("HOLDS: leaf {leaf} of the {size} that {origin} has signed is\n{what}"))
}

/// What a record says, a line for each value.
fn record(preimage: &[u8]) -> Result<String, String> {
    const TEXTS: [&str; 17] = [
        "log id",
        "system",
        "system's name",
        "activity",
        "level",
        "arguments",
        "purpose",
        "user",
        "user's name",
        "person's series",
        "person",
        "assignment",
        "title",
        "care provider",
        "its name",
        "care unit",
        "its name",
    ];
    const RESOURCE: [&str; 8] = [
        "resource",
        "  patient's series",
        "  patient",
        "  patient's name",
        "  held by",
        "  its name",
        "  care unit",
        "  its name",
    ];
    let (record, _) = SealedRecord::read(preimage).map_err(|no| no.to_string())?;
    let mut lines = vec![
        format!("tenant: {}", record.tenant),
        format!("stored at: {} microseconds since 1970", record.stored_at),
        format!("happened at: {} microseconds since 1970", record.activity_at),
    ];
    let resources = record.resources.iter().flat_map(|texts| RESOURCE.iter().zip(texts));
    for (name, text) in TEXTS.iter().zip(&record.texts).chain(resources) {
        lines.extend(text.map(|text| format!("{name}: {text}")));
    }
    Ok(lines.join("\n"))
}

/// What an archive was found to have, in words, by the key that is given or by those that lie in it. Tells how many entries
/// and records have been looked at.
///
/// # Errors
/// The first finding, in words; or that it cannot be read.
pub fn archive(
    folder: &Path,
    key: Option<&VerifyingName>,
    progress: &mut dyn FnMut(u64),
) -> Result<String, NotHeld> {
    let verified = archive::verify(folder, key, progress).map_err(|finding| NotHeld {
        could_not_be_read: matches!(finding, archive::Finding::Unreadable(..)),
        why: finding.to_string(),
    })?;
    let Verified { origin, size, seconds, checkpoints, records, notices, removed } = verified;
    let silent = size.saturating_sub(records + notices + removed);
    let when =
        seconds.map_or_else(String::new, |seconds| format!(" at {seconds} seconds since 1970"));
    let trust = match key {
        Some(_) => "",
        None => {
            "\nChecked against the keys that lie in the archive: give --key to know whose log it is."
        }
    };
    Ok(format!(
        "HOLDS: {origin} has signed {size} entries{when}; {checkpoints} checkpoints agree.\n\
         {records} records and {notices} notices are there and unchanged; {removed} records were removed; of {silent} entries \
         only the commitment is there.{trust}"
    ))
}
