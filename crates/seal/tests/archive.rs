//! Archives that hold, and each way of changing one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]
#![allow(clippy::single_range_in_vec_init, reason = "a set of one range")]

use sha2::{Digest, Sha256};
use sigill_seal::archive::{Finding, Verified, frame, verify};
use sigill_seal::entry::{Entry, Kind};
use sigill_seal::keys::SigningKeys;
use sigill_seal::leaf_set;
use sigill_seal::note::{Checkpoint, SignedCheckpoint};
use sigill_seal::record::{RECORD_TEXTS, RESOURCE_TEXTS, SealedRecord, notice};
use sigill_seal::tree::Edge;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const RECORDS: u64 = 1_000;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

fn keys(origin: &str) -> SigningKeys {
    SigningKeys::of_seeds(origin, &[1; 32], &[2; 32]).unwrap()
}

fn record(number: u64) -> Vec<u8> {
    let id = number.to_string();
    let mut texts = [None; RECORD_TEXTS];
    texts[0] = Some(id.as_str());
    let resources = vec![[Some("x"); RESOURCE_TEXTS]];
    let record = SealedRecord { tenant: "default", stored_at: 1, activity_at: 1, texts, resources };
    let mut bytes = Vec::new();
    record.write(&[number as u8; 16], &mut bytes);
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Seconds of five years and a day.
const FIVE_YEARS: u64 = 1_827 * 86_400;

/// The removal is signed five years after what it took.
fn signed_at(size: u64) -> u64 {
    1_764_150_000 + size + if size > RECORDS { FIVE_YEARS } else { 0 }
}

/// A log of an opening, a thousand records, and a removal of the first hundred of them.
fn archive(name: &str) -> Folder {
    let folder = std::env::temp_dir().join(format!("sigill-archive-{name}-{}", std::process::id()));
    fs::create_dir_all(folder.join("checkpoints")).unwrap();
    let keys = keys("log.example/1");
    let [log, clock] = keys.verifying();
    fs::write(folder.join("keys"), format!("{}\n{}\n", log.to_vkey(), clock.to_vkey())).unwrap();
    let removed = leaf_set::write(&[1..101]);
    let removal = format!("removal\nleaves {}\n", hex(&Sha256::digest(&removed)));
    let (opening, removal) = (notice(None, "opening\n"), notice(None, &removal));
    let mut entries = vec![Entry::over(Kind::Opening, &opening)];
    entries.extend((1..=RECORDS).map(|number| Entry::over(Kind::Record, &record(number))));
    entries.push(Entry::over(Kind::Removal, &removal));
    let mut edge = Edge::default();
    for entry in &entries {
        edge.append([entry.stored()]);
        let size = edge.size();
        if !size.is_multiple_of(300) && size < entries.len() as u64 {
            continue;
        }
        let checkpoint = Checkpoint { origin: "log.example/1".into(), size, root: edge.root() };
        let signed = SignedCheckpoint::sign(checkpoint, &keys, signed_at(size)).to_text();
        let name = if size.is_multiple_of(300) {
            format!("checkpoints/{size}")
        } else {
            "checkpoint".into()
        };
        fs::write(folder.join(name), signed).unwrap();
    }
    let published: Vec<u8> = entries.iter().flat_map(Entry::published).collect();
    fs::write(folder.join("entries"), published).unwrap();
    let records: Vec<u8> = (101..=RECORDS).rev().flat_map(|n| frame(n, &record(n))).collect();
    fs::write(folder.join("records"), records).unwrap();
    let notices = [frame(0, &opening), frame(RECORDS + 1, &removal)].concat();
    fs::write(folder.join("notices"), notices).unwrap();
    fs::write(folder.join("removals"), frame(RECORDS + 1, &removed)).unwrap();
    Folder(folder)
}

fn verified(folder: &Path) -> Result<Verified, Finding> {
    verify(folder, None, &mut |_| {})
}

#[test]
fn an_archive_holds_and_says_what_it_has() {
    let folder = archive("whole");
    let wanted = Verified {
        origin: "log.example/1".into(),
        size: RECORDS + 2,
        seconds: Some(signed_at(RECORDS + 2)),
        checkpoints: 4,
        records: RECORDS - 100,
        notices: 2,
        removed: 100,
    };
    assert_eq!(verified(&folder.0).unwrap(), wanted);
    let [log, clock] = keys("log.example/1").verifying();
    assert_eq!(verify(&folder.0, Some(&log), &mut |_| {}).unwrap(), wanted);
    // A part of the records proves what it has.
    fs::write(folder.0.join("records"), frame(500, &record(500))).unwrap();
    assert_eq!(verified(&folder.0).unwrap().records, 1);
    let [other, _] = keys("log.example/2").verifying();
    assert!(matches!(verify(&folder.0, Some(&other), &mut |_| {}), Err(Finding::Keys(_))));
    assert!(matches!(verify(&folder.0, Some(&clock), &mut |_| {}), Err(Finding::Unsigned(_))));
}

type Harm<'h> = (&'h str, &'h str, &'h dyn Fn(&mut Vec<u8>));

#[test]
fn every_change_is_found_and_named() {
    let folder = archive("harmed");
    let flip = |at: usize| move |bytes: &mut Vec<u8>| bytes[at] ^= 1;
    let other = fs::read(folder.0.join("checkpoints/300")).unwrap();
    let last_entry = 34 * (RECORDS as usize + 1) + 20;
    let harms: [Harm<'_>; 19] = [
        ("entries", "NoEntry(7)", &flip(34 * 7)),
        ("entries", "Root(300)", &flip(34 * 7 + 20)),
        ("entries", "Root(1002)", &flip(last_entry)),
        ("entries", "Root(600)", &|bytes| bytes[34 * 400..34 * 402].rotate_left(34)),
        ("entries", "Size", &|bytes| bytes.truncate(34 * 900)),
        ("entries", "Size", &|bytes| bytes.extend_from_within(..34)),
        ("records", "Changed(1000", &flip(12 + 40)),
        ("records", "Changed(1001", &flip(7)),
        ("records", "Frame", &|bytes| bytes.truncate(bytes.len() - 1)),
        ("records", "Back(5)", &|bytes| bytes.extend(frame(5, &record(5)))),
        ("notices", "Changed(0", &flip(12 + 33)),
        ("removals", "Removal(1001)", &flip(13)),
        ("removals", "Removal(0)", &|bytes| bytes[..8].fill(0)),
        ("checkpoint", "Unsigned", &flip(0)),
        ("checkpoint", "NoCheckpoint", &|bytes| bytes.truncate(20)),
        ("checkpoints/600", "Unsigned", &|bytes| bytes[14] = b'5'),
        ("checkpoints/600", "Misnamed", &|bytes| *bytes = other.clone()),
        ("records", "Twice(1000)", &|bytes| bytes.extend(frame(1000, &record(1000)))),
        ("keys", "Keys", &flip(20)),
    ];
    for (file, finding, harm) in harms {
        let path = folder.0.join(file);
        let whole = fs::read(&path).unwrap();
        let mut harmed = whole.clone();
        harm(&mut harmed);
        fs::write(&path, harmed).unwrap();
        let found = format!("{:?}", verified(&folder.0).unwrap_err());
        assert!(found.contains(finding), "{file}: {found}, not {finding}");
        fs::write(&path, whole).unwrap();
        assert!(verified(&folder.0).is_ok(), "{file} is as it was");
    }
}

#[test]
fn a_removal_that_was_signed_too_early_is_unlawful() {
    let folder = archive("unlawful");
    let path = folder.0.join("checkpoint");
    let text = fs::read_to_string(&path).unwrap();
    let checkpoint = SignedCheckpoint::of_text(&text).unwrap().checkpoint().clone();
    let early = signed_at(RECORDS + 2) - 3 * 86_400;
    let early = SignedCheckpoint::sign(checkpoint, &keys("log.example/1"), early).to_text();
    fs::write(path, early).unwrap();
    assert!(matches!(verified(&folder.0), Err(Finding::Unlawful(1001))));
}

#[test]
fn a_history_that_another_key_has_signed_is_not_this_log() {
    let folder = archive("other");
    let text = fs::read_to_string(folder.0.join("checkpoint")).unwrap();
    let checkpoint = SignedCheckpoint::of_text(&text).unwrap().checkpoint().clone();
    let forger = SigningKeys::of_seeds("log.example/1", &[8; 32], &[9; 32]).unwrap();
    let forged = SignedCheckpoint::sign(checkpoint, &forger, 1).to_text();
    fs::write(folder.0.join("checkpoint"), forged).unwrap();
    assert!(matches!(verified(&folder.0), Err(Finding::Unsigned(_))));
    // With keys of his own beside it, it is another's for who has the log's key.
    let [log, clock] = forger.verifying();
    fs::write(folder.0.join("keys"), format!("{}\n{}\n", log.to_vkey(), clock.to_vkey())).unwrap();
    let [own, _] = keys("log.example/1").verifying();
    assert!(matches!(verify(&folder.0, Some(&own), &mut |_| {}), Err(Finding::Keys(_))));
}
