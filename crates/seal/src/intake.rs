//! What authenticates a batch of entries on its way from a writer to the tree.

use crate::keys::INTAKE_BYTES;
use hmac::{Hmac, Mac};
use sha2::Sha256;

const TAG: &[u8; 16] = b"sigill/intake/1\n";

/// Entries that one transaction has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<'b> {
    /// Who stored it.
    pub writer_id: [u8; 16],
    /// Which of the writer's batches it is, from 0.
    pub writer_step: i64,
    /// The running numbers of its records: the first of each range, and how many.
    pub ranges: &'b [(i64, i32)],
    /// The entries as they are stored, in the order of the ranges.
    pub entries: &'b [u8],
}

/// What only somebody with the intake key can make of something else than a batch; `tag` says what it is.
pub fn mac_of(key: &[u8; INTAKE_BYTES], tag: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    mac.update(tag);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl Batch<'_> {
    /// What only somebody with the intake key can make of it.
    pub fn mac(&self, key: &[u8; INTAKE_BYTES]) -> [u8; 32] {
        self.keyed(key).map_or([0; 32], |mac| mac.finalize().into_bytes().into())
    }

    /// Whether somebody with the key made this of it.
    pub fn is_authentic(&self, key: &[u8; INTAKE_BYTES], mac: &[u8]) -> bool {
        self.keyed(key).is_some_and(|own| own.verify_slice(mac).is_ok())
    }

    /// Nothing only if a key of 32 bytes were none for HMAC.
    fn keyed(&self, key: &[u8; INTAKE_BYTES]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        mac.update(TAG);
        mac.update(&self.writer_id);
        mac.update(&self.writer_step.to_be_bytes());
        mac.update(&u32::try_from(self.ranges.len()).unwrap_or(u32::MAX).to_be_bytes());
        for (first, count) in self.ranges {
            mac.update(&first.to_be_bytes());
            mac.update(&count.to_be_bytes());
        }
        mac.update(self.entries);
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_a_batch_is_seen() {
        let ranges = [(1, 2), (9, 1)];
        let batch =
            Batch { writer_id: [1; 16], writer_step: 3, ranges: &ranges, entries: &[5; 99] };
        let mac = batch.mac(&[7; 32]);
        assert!(batch.is_authentic(&[7; 32], &mac));
        for other in [
            Batch { writer_id: [2; 16], ..batch.clone() },
            Batch { writer_step: 4, ..batch.clone() },
            Batch { ranges: &[(1, 2), (9, 2)], ..batch.clone() },
            Batch { ranges: &[(1, 2)], ..batch.clone() },
            Batch { entries: &[5; 98], ..batch.clone() },
        ] {
            assert!(!other.is_authentic(&[7; 32], &mac), "{other:?}");
        }
        assert!(!batch.is_authentic(&[8; 32], &mac));
        assert!(!batch.is_authentic(&[7; 32], &mac[..31]));
    }
}
