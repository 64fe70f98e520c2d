//! The keys of a log: one that signs its checkpoints, one that signs their time, and one that authenticates what is on its
//! way to the tree.

use crate::names::{CLOCK_SUFFIX, SignatureType, VerifyingName};
use crate::sha256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;

const PRIVATE: &str = "PRIVATE+KEY+";
const INTAKE: &str = "INTAKE+KEY+";
/// Bytes of the key that authenticates what is on its way.
pub const INTAKE_BYTES: usize = 32;

/// A log's keys, as one file has them.
#[derive(Clone)]
pub struct LogKeys {
    /// The signing ones; a process that only stores has none.
    pub signing: Option<SigningKeys>,
    /// The intake key.
    pub intake: [u8; INTAKE_BYTES],
}

/// The signing keys of a log.
#[derive(Clone)]
pub struct SigningKeys {
    /// The log's name.
    pub origin: String,
    /// Signs checkpoints.
    pub log: SigningKey,
    /// Signs their time.
    pub clock: SigningKey,
}

/// Why a text is no key file. It does not say what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoKeys {
    /// Another number of lines than three, or than one of the intake key.
    #[error("a key file has three lines, or the intake key's alone")]
    Lines,
    /// A line is none of a key.
    #[error("line {0} is no key of this log")]
    Line(usize),
}

impl SigningKeys {
    /// Keys of so many random bytes for a log of this name; `None`: that is no name.
    pub fn of_seeds(origin: &str, log: &[u8; 32], clock: &[u8; 32]) -> Option<Self> {
        is_origin(origin).then(|| Self {
            origin: origin.to_owned(),
            log: SigningKey::from_bytes(log),
            clock: SigningKey::from_bytes(clock),
        })
    }

    /// With which their signatures are verified: of the log and of its clock.
    pub fn verifying(&self) -> [VerifyingName; 2] {
        let clock = format!("{}{CLOCK_SUFFIX}", self.origin);
        [
            VerifyingName::new(&self.origin, SignatureType::Note, self.log.verifying_key()),
            VerifyingName::new(&clock, SignatureType::Cosignature, self.clock.verifying_key()),
        ]
    }
}

impl LogKeys {
    /// Keys of so many random bytes for a log of this name; `None`: that is no name.
    pub fn of_random(origin: &str, random: &[u8; 96]) -> Option<Self> {
        let (seeds, _) = random.as_chunks::<32>();
        let signing = SigningKeys::of_seeds(origin, &seeds[0], &seeds[1])?;
        Some(Self { signing: Some(signing), intake: seeds[2] })
    }

    /// By which the intake key is told from others, and nothing of it is known.
    pub fn intake_id(&self) -> String {
        let hash = sha256(&[b"sigill/intake-key/1\n", &self.intake]);
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The text of the key file.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        if let Some(keys) = &self.signing {
            for (verifying, key) in keys.verifying().iter().zip([&keys.log, &keys.clock]) {
                text += &private_line(verifying, key);
            }
        }
        text + &format!("{INTAKE}{}\n", STANDARD.encode(self.intake))
    }

    /// The keys of a file's text.
    ///
    /// # Errors
    /// That it is no key file's.
    pub fn of_text(text: &str) -> Result<Self, NoKeys> {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let (signing, intake) = match lines[..] {
            [intake] => (None, intake),
            [log, clock, intake] => (Some((log, clock)), intake),
            _ => return Err(NoKeys::Lines),
        };
        let signing = signing.map(|(log, clock)| signing_keys(log, clock)).transpose()?;
        let intake = intake.strip_prefix(INTAKE).and_then(|key| STANDARD.decode(key.trim()).ok());
        let intake = intake.and_then(|key| key.try_into().ok()).ok_or(NoKeys::Line(lines.len()))?;
        Ok(Self { signing, intake })
    }
}

fn signing_keys(log: &str, clock: &str) -> Result<SigningKeys, NoKeys> {
    let (origin, log) = private(log, SignatureType::Note).ok_or(NoKeys::Line(1))?;
    let (clock_name, clock) = private(clock, SignatureType::Cosignature).ok_or(NoKeys::Line(2))?;
    if clock_name.strip_suffix(CLOCK_SUFFIX) != Some(&origin) {
        return Err(NoKeys::Line(2));
    }
    SigningKeys::of_seeds(&origin, &log, &clock).ok_or(NoKeys::Line(1))
}

/// The line of a private key.
pub(crate) fn private_line(verifying: &VerifyingName, key: &SigningKey) -> String {
    let typed = [&[verifying.signature_type() as u8][..], &key.to_bytes()].concat();
    let (name, id) = (verifying.name(), u32::from_be_bytes(verifying.key_id()));
    format!("{PRIVATE}{name}+{id:08x}+{}\n", STANDARD.encode(typed))
}

/// Name and seed of a line of a private key.
pub(crate) fn private(line: &str, wanted: SignatureType) -> Option<(String, [u8; 32])> {
    let (name, rest) = line.trim().strip_prefix(PRIVATE)?.split_once('+')?;
    let (id, typed) = rest.split_once('+')?;
    let typed = STANDARD.decode(typed).ok()?;
    let (signature_type, seed) = typed.split_first()?;
    let seed: [u8; 32] = seed.try_into().ok()?;
    let key = SigningKey::from_bytes(&seed).verifying_key();
    let verifying = VerifyingName::new(name, wanted, key);
    let fits = *signature_type == wanted as u8
        && u32::from_str_radix(id, 16).ok() == Some(u32::from_be_bytes(verifying.key_id()));
    fits.then(|| (name.to_owned(), seed))
}

/// Whether a log may have this name: it stands in notes and addresses.
pub fn is_origin(name: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || "./-_:".contains(c);
    !name.is_empty() && name.len() <= 200 && name.chars().all(fine) && !name.ends_with(CLOCK_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> LogKeys {
        let signing = SigningKeys::of_seeds("log.example/1", &[1; 32], &[2; 32]);
        LogKeys { signing, intake: [3; 32] }
    }

    #[test]
    fn a_key_file_is_read_as_it_was_written() {
        let text = keys().to_text();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(LogKeys::of_text(&text).unwrap().to_text(), text);
        let storing = text.lines().nth(2).unwrap();
        assert!(LogKeys::of_text(storing).unwrap().signing.is_none());
    }

    #[test]
    fn another_key_file_is_told_by_its_line() {
        let text = keys().to_text();
        let lines: Vec<&str> = text.lines().collect();
        let of = |lines: [&str; 3]| LogKeys::of_text(&lines.join("\n")).err();
        assert_eq!(of([lines[1], lines[0], lines[2]]), Some(NoKeys::Line(1)));
        assert_eq!(of([lines[0], lines[0], lines[2]]), Some(NoKeys::Line(2)));
        assert_eq!(of([lines[0], lines[1], lines[0]]), Some(NoKeys::Line(3)));
        let other = lines[0].replace("log.example/1", "log.example/2");
        assert_eq!(of([&other, lines[1], lines[2]]), Some(NoKeys::Line(1)));
        assert_eq!(LogKeys::of_text("").err(), Some(NoKeys::Lines));
        assert_eq!(LogKeys::of_text(&lines[..2].join("\n")).err(), Some(NoKeys::Lines));
    }

    #[test]
    fn names_are_bounded() {
        assert!(is_origin("logg.region.example/sigill/1"));
        for name in ["", "a b", "a+b", "å", "log/clock", &"x".repeat(201)] {
            assert!(!is_origin(name), "{name}");
        }
    }
}
