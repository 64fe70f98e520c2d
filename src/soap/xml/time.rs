//! `xs:dateTime` as the wire has it: a local time, and an offset where one was sent.
//!
//! What instant it names is decided by the domain, which knows Swedish time.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};

/// A date and time as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime {
    /// Date and time of day, whatever the offset.
    pub local: NaiveDateTime,
    /// Minutes east of UTC, where the text had `Z` or an offset.
    pub offset_minutes: Option<i32>,
}

impl DateTime {
    /// A time without an offset, as all our answers have it.
    pub fn local(local: NaiveDateTime) -> Self {
        Self { local, offset_minutes: None }
    }

    /// Reads `YYYY-MM-DDThh:mm:ss(.f+)?(Z|±hh:mm)?`, years 0001 to 9999.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let shape = bytes.len() >= 19
            && [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]
                .iter()
                .all(|(at, b)| bytes[*at] == *b);
        if !shape {
            return None;
        }
        let number = |at: usize, len: usize| digits(&bytes[at..at + len]);
        let year = i32::try_from(number(0, 4)?).ok().filter(|y| *y > 0)?;
        let date = NaiveDate::from_ymd_opt(year, number(5, 2)?, number(8, 2)?)?;
        let (nanos, zone) = fraction(&bytes[19..])?;
        let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
        let local = if (hour, minute, second, nanos) == (24, 0, 0, 0) {
            let next = date.checked_add_days(Days::new(1))?;
            next.and_time(NaiveTime::MIN)
        } else {
            date.and_time(NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)?)
        };
        let offset_minutes = offset(zone)?;
        (chrono::Datelike::year(&local) <= 9999).then_some(Self { local, offset_minutes })
    }
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0_u32, |sum, b| {
        b.is_ascii_digit().then(|| sum.saturating_mul(10).saturating_add(u32::from(b - b'0')))
    })
}

/// Nanoseconds of the fraction, if there is one, and what follows it.
fn fraction(rest: &[u8]) -> Option<(u32, &[u8])> {
    let Some(after) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let len = after.iter().take_while(|b| b.is_ascii_digit()).count();
    if len == 0 {
        return None;
    }
    let kept = &after[..len.min(9)];
    let scale = 10_u32.pow(9 - u32::try_from(kept.len()).ok()?);
    Some((digits(kept)? * scale, &after[len..]))
}

/// `Some(None)` where there is no zone, `None` where it is wrong.
#[allow(clippy::option_option)]
fn offset(zone: &[u8]) -> Option<Option<i32>> {
    match zone {
        [] => Some(None),
        b"Z" => Some(Some(0)),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            let total = i32::try_from(hours * 60 + minutes).ok()?;
            let within = minutes < 60 && total <= 14 * 60;
            within.then_some(Some(if *sign == b'-' { -total } else { total }))
        }
        _ => None,
    }
}
