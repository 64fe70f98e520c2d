//! Sets of leaves: which a removal took.
//!
//! Unsigned LEB128 numbers, alternately how many leaves are not in the set and how many are, from leaf 0.

use std::ops::Range;

/// The bytes of rising ranges that do not touch.
pub fn write(ranges: &[Range<u64>]) -> Vec<u8> {
    let (mut bytes, mut at) = (Vec::new(), 0);
    for range in ranges {
        for mut number in [range.start - at, range.end - range.start] {
            while number >= 0x80 {
                bytes.push(number.to_le_bytes()[0] | 0x80);
                number >>= 7;
            }
            bytes.push(number.to_le_bytes()[0]);
        }
        at = range.end;
    }
    bytes
}

/// The ranges of a set; `None`: these are no set's bytes, or not the shortest of it.
pub fn read(bytes: &[u8]) -> Option<Vec<Range<u64>>> {
    let (mut ranges, mut rest, mut at) = (Vec::new(), bytes, 0_u64);
    while !rest.is_empty() {
        let (gap, length);
        (gap, rest) = number(rest)?;
        (length, rest) = number(rest)?;
        let start = at.checked_add(gap)?;
        at = start.checked_add(length)?;
        // Ranges that touch are one.
        if length == 0 || gap == 0 && !ranges.is_empty() {
            return None;
        }
        ranges.push(start..at);
    }
    Some(ranges)
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = 1 + bytes.iter().position(|byte| *byte < 0x80)?;
    let (digits, rest) = bytes.split_at(length);
    let is_shortest = length == 1 || digits[length - 1] != 0;
    // Ten digits of seven bits are more than 64 bits hold, but for the last one's first.
    if !is_shortest || length > 10 || length == 10 && digits[9] > 1 {
        return None;
    }
    let value = digits.iter().rev().fold(0, |value, digit| value << 7 | u64::from(digit & 0x7F));
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::single_range_in_vec_init, reason = "sets of one range")]
    fn a_set_is_read_as_it_was_written() {
        for set in [vec![], vec![0..1], vec![5..6, 7..300], vec![127..128, 1 << 40..u64::MAX]] {
            assert_eq!(read(&write(&set)), Some(set));
        }
        assert_eq!(write(&[0..1, 129..130]), [0, 1, 0x80, 1, 1]);
    }

    #[test]
    fn what_is_no_set_is_told() {
        let long = [0xFF; 10];
        for bytes in [&[0][..], &[0x80], &[1, 0], &[0, 1, 0, 1], &[0x80, 0, 1], &long, &[0, 0x80]] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
    }
}
