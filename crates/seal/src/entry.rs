//! Entries of the log: what is public about a record or a notice for ever.

use crate::{Hash, sha256};

/// Bytes of an entry as it is stored: its kind and its commitment.
pub const STORED_BYTES: usize = 33;
/// Version of published entries.
const VERSION: u8 = 1;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A log record.
    Record = 1,
    /// The log is opened, or continues another.
    Opening = 2,
    /// Other keys.
    Keys = 3,
    /// Records have been removed.
    Removal = 4,
    /// A legal hold was placed or lifted.
    Hold = 5,
    /// A finding was acknowledged.
    Acknowledgement = 6,
}

/// An entry: its leaf in the tree commits to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What it is about.
    pub kind: Kind,
    /// The hash over what it says, which is kept beside the tree and can be removed.
    pub commitment: Hash,
}

impl Kind {
    /// The kind of a number.
    pub fn of(number: u8) -> Option<Self> {
        let all = [
            Self::Record,
            Self::Opening,
            Self::Keys,
            Self::Removal,
            Self::Hold,
            Self::Acknowledgement,
        ];
        all.into_iter().find(|kind| *kind as u8 == number)
    }
}

impl Entry {
    /// An entry that commits to some bytes.
    pub fn over(kind: Kind, preimage: &[u8]) -> Self {
        Self { kind, commitment: sha256(&[preimage]) }
    }

    /// As it is stored.
    pub fn stored(&self) -> [u8; STORED_BYTES] {
        let mut bytes = [0; STORED_BYTES];
        bytes[0] = self.kind as u8;
        bytes[1..].copy_from_slice(&self.commitment);
        bytes
    }

    /// Of what was stored; `None`: of no such kind.
    pub fn of_stored(bytes: &[u8; STORED_BYTES]) -> Option<Self> {
        let (kind, commitment) = bytes.split_first()?;
        Some(Self { kind: Kind::of(*kind)?, commitment: commitment.try_into().ok()? })
    }

    /// As it is published: 34 bytes.
    pub fn published(&self) -> Vec<u8> {
        [&[VERSION][..], &self.stored()].concat()
    }

    /// Its leaf's hash (RFC 6962).
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&self.stored())
    }
}

/// The leaf's hash of an entry as it is stored.
pub(crate) fn leaf_hash(stored: &[u8; STORED_BYTES]) -> Hash {
    sha256(&[&[0, VERSION], stored])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_what_was_stored_and_no_other_kind() {
        let entry = Entry::over(Kind::Removal, b"text");
        assert_eq!(Entry::of_stored(&entry.stored()), Some(entry));
        assert_eq!(entry.published()[..2], [1, 4]);
        for kind in [0, 7, 255] {
            let mut bytes = entry.stored();
            bytes[0] = kind;
            assert_eq!(Entry::of_stored(&bytes), None);
        }
    }
}
