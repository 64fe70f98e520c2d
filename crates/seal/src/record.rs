//! What a log record and a notice are committed to, to the byte.
//!
//! Integers are big-endian. A text is its length in 32 bits and its UTF-8; an absent one is four bytes FF. Texts are as
//! stored: not folded, not normalised, not trimmed.

use crate::entry::{Entry, Kind};

const RECORD_TAG: &[u8; 16] = b"sigill/record/1\n";
const NOTICE_TAG: &[u8; 16] = b"sigill/notice/1\n";
const ABSENT: u32 = u32::MAX;

/// Texts of a record, in this order: log id; system id, name; activity type, level, arguments; purpose; user id, name;
/// person's root, extension; assignment; title; care provider id, name; care unit id, name.
pub const RECORD_TEXTS: usize = 17;
/// Texts of a resource, in this order: type; patient's root, extension, name; care provider id, name; care unit id, name.
pub const RESOURCE_TEXTS: usize = 8;

/// Random bytes that hide what a commitment is over.
pub type Salt = [u8; 16];

/// Everything that a log record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRecord<'a> {
    /// Whose log it is in.
    pub tenant: &'a str,
    /// When it was stored, in microseconds since 1970.
    pub stored_at: i64,
    /// When it happened, the same.
    pub activity_at: i64,
    /// Its texts.
    pub texts: [Option<&'a str>; RECORD_TEXTS],
    /// What was accessed.
    pub resources: Vec<[Option<&'a str>; RESOURCE_TEXTS]>,
}

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRecord {
    /// They begin with another tag: something else, or of a later version.
    #[error("not a record of version 1")]
    Tag,
    /// They end too early, or go on.
    #[error("not as long as it says")]
    Length,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
}

impl<'a> SealedRecord<'a> {
    /// The bytes that are committed to; appended to what is there.
    pub fn write(&self, salt: &Salt, bytes: &mut Vec<u8>) {
        let mut writer =
            RecordWriter::begin(bytes, salt, self.tenant, self.stored_at, self.activity_at);
        for text in self.texts {
            writer.text(text);
        }
        writer.resources(self.resources.len());
        for text in self.resources.iter().flatten() {
            writer.text(*text);
        }
    }

    /// Its entry.
    pub fn entry(&self, salt: &Salt) -> Entry {
        let mut bytes = Vec::with_capacity(700);
        self.write(salt, &mut bytes);
        Entry::over(Kind::Record, &bytes)
    }

    /// The record and the salt of bytes that were committed to.
    ///
    /// # Errors
    /// That they are no record's.
    pub fn read(bytes: &'a [u8]) -> Result<(Self, Salt), NoRecord> {
        let rest = bytes.strip_prefix(RECORD_TAG).ok_or(NoRecord::Tag)?;
        let mut reader = Reader { rest };
        let salt = *reader.take::<16>()?;
        let tenant = reader.text()?.ok_or(NoRecord::Length)?;
        let stored_at = i64::from_be_bytes(*reader.take()?);
        let activity_at = i64::from_be_bytes(*reader.take()?);
        let texts = reader.texts()?;
        let count = u32::from_be_bytes(*reader.take()?);
        let mut resources = Vec::new();
        for _ in 0..count {
            resources.push(reader.texts()?);
        }
        match reader.rest.is_empty() {
            true => Ok((Self { tenant, stored_at, activity_at, texts, resources }, salt)),
            false => Err(NoRecord::Length),
        }
    }
}

/// Writes a record's bytes from where its values are, in their order: seventeen texts, the number of resources, eight
/// texts for each.
pub struct RecordWriter<'b> {
    bytes: &'b mut Vec<u8>,
}

impl<'b> RecordWriter<'b> {
    /// Begins with what is not a text of the record.
    pub fn begin(
        bytes: &'b mut Vec<u8>,
        salt: &Salt,
        tenant: &str,
        stored_at: i64,
        activity_at: i64,
    ) -> Self {
        bytes.extend_from_slice(RECORD_TAG);
        bytes.extend_from_slice(salt);
        let mut writer = Self { bytes };
        writer.text(Some(tenant));
        writer.bytes.extend_from_slice(&stored_at.to_be_bytes());
        writer.bytes.extend_from_slice(&activity_at.to_be_bytes());
        writer
    }

    /// The next text.
    pub fn text(&mut self, text: Option<&str>) {
        // Texts are parts of a request, which is far below 4 GiB.
        let length = text.map_or(ABSENT, |text| u32::try_from(text.len()).unwrap_or(ABSENT - 1));
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
    }

    /// How many resources follow.
    pub fn resources(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&count.to_be_bytes());
    }
}

/// The bytes that a notice commits to; one that names nobody has no salt.
pub fn notice(salt: Option<&Salt>, text: &str) -> Vec<u8> {
    [NOTICE_TAG, salt.unwrap_or(&[0; 16]).as_slice(), text.as_bytes()].concat()
}

/// The text of a notice; `None`: these are no notice's bytes.
pub fn read_notice(bytes: &[u8]) -> Option<&str> {
    let (_salt, text) = bytes.strip_prefix(NOTICE_TAG)?.split_first_chunk::<16>()?;
    str::from_utf8(text).ok()
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], NoRecord> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(NoRecord::Length)?;
        self.rest = rest;
        Ok(taken)
    }

    fn text(&mut self) -> Result<Option<&'a str>, NoRecord> {
        let length = u32::from_be_bytes(*self.take()?);
        if length == ABSENT {
            return Ok(None);
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (text, rest) = self.rest.split_at_checked(length).ok_or(NoRecord::Length)?;
        self.rest = rest;
        str::from_utf8(text).map(Some).map_err(|_| NoRecord::Text)
    }

    fn texts<const N: usize>(&mut self) -> Result<[Option<&'a str>; N], NoRecord> {
        let mut texts = [None; N];
        for text in &mut texts {
            *text = self.text()?;
        }
        Ok(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> SealedRecord<'static> {
        let mut texts = [Some("Åsa"); RECORD_TEXTS];
        (texts[4], texts[5]) = (None, Some(""));
        let mut resource = [None; RESOURCE_TEXTS];
        (resource[0], resource[4]) = (Some("vko"), Some("SE1"));
        SealedRecord {
            tenant: "default",
            stored_at: 1_764_150_000_123_456,
            activity_at: -1,
            texts,
            resources: vec![resource, [Some("x"); RESOURCE_TEXTS]],
        }
    }

    fn bytes(record: &SealedRecord<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.write(&[7; 16], &mut bytes);
        bytes
    }

    #[test]
    fn the_bytes_are_as_they_were_agreed() {
        let one = SealedRecord { texts: [None; RECORD_TEXTS], resources: vec![], ..record() };
        let mut wanted = b"sigill/record/1\n".to_vec();
        wanted.extend([7; 16]);
        wanted.extend(b"\0\0\0\x07default");
        wanted.extend(1_764_150_000_123_456_i64.to_be_bytes());
        wanted.extend([0xFF; 8 + 17 * 4]);
        wanted.extend([0; 4]);
        assert_eq!(bytes(&one), wanted);
        assert_eq!(
            notice(None, "opening\n"),
            *b"sigill/notice/1\n\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0opening\n"
        );
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let written = bytes(&record());
        assert_eq!(SealedRecord::read(&written), Ok((record(), [7; 16])));
        for cut in 0..written.len() {
            assert!(SealedRecord::read(&written[..cut]).is_err(), "{cut}");
        }
        let longer = [&written[..], b"x"].concat();
        assert_eq!(SealedRecord::read(&longer), Err(NoRecord::Length));
        let mut other = written.clone();
        other[14] = b'2';
        assert_eq!(SealedRecord::read(&other), Err(NoRecord::Tag));
    }

    #[test]
    fn any_difference_is_a_difference_in_the_bytes() {
        let whole = bytes(&record());
        let mut others = vec![
            SealedRecord { tenant: "defaul", ..record() },
            SealedRecord { stored_at: 0, ..record() },
            SealedRecord { activity_at: 0, ..record() },
        ];
        for at in 0..RECORD_TEXTS {
            for text in [None, Some(""), Some("other"), Some("Asa")] {
                let mut other = record();
                if other.texts[at] != text {
                    other.texts[at] = text;
                    others.push(other);
                }
            }
        }
        for (resource, at) in (0..2).flat_map(|r| (0..RESOURCE_TEXTS).map(move |at| (r, at))) {
            for text in [None, Some(""), Some("other")] {
                let mut other = record();
                if other.resources[resource][at] != text {
                    other.resources[resource][at] = text;
                    others.push(other);
                }
            }
        }
        let mut swapped = record();
        swapped.resources.swap(0, 1);
        let mut moved = record();
        (moved.texts[0], moved.texts[1]) = (Some("ÅsaÅ"), Some("sa"));
        others.extend([swapped, moved]);
        assert!(others.len() > 90);
        for other in others {
            assert_ne!(bytes(&other), whole, "{other:?}");
        }
    }
}
