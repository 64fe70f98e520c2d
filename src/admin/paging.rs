//! Lists page by page, the latest first: where a page begins.

use super::parts::PagePart;
use crate::domain::time::Timestamp;
use chrono::{Datelike, SecondsFormat, TimeDelta};

/// Where a page begins: behind so many of the rows of a moment. Many rows may have one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageStart {
    /// Rows of this moment or before.
    pub at: Timestamp,
    /// So many of which, the first ones, were shown before.
    pub skip: i64,
    is_first: bool,
}

/// Between moment and number in an address.
const BETWEEN: char = '~';

impl PageStart {
    /// As an address has it; empty is the newest page, and `None` is no address of ours.
    pub fn read(text: &str, now: Timestamp) -> Option<Self> {
        if text.is_empty() {
            return Some(Self { at: now + TimeDelta::days(1), skip: 0, is_first: true });
        }
        let (at, skip) = text.split_once(BETWEEN)?;
        let skip = skip.parse().ok().filter(|skip| (0..1_000_000).contains(skip))?;
        // What no database has as a time is no address of ours.
        let at: Timestamp = at.parse().ok()?;
        (1..=9999).contains(&at.year()).then_some(Self { at, skip, is_first: false })
    }

    /// Where the next page begins, after one with rows of these moments.
    fn after(self, moments: &[Timestamp]) -> Option<Self> {
        let at = *moments.last()?;
        let same = moments.iter().rev().take_while(|moment| **moment == at).count();
        let same = i64::try_from(same).ok()?;
        let skip = if at == self.at { self.skip + same } else { same };
        Some(Self { at, skip, is_first: false })
    }

    /// Addresses of the newest page, where this is not it, and of the next older one, where this one is full; `base` ends
    /// so that a field can follow.
    pub fn paging(self, base: &str, moments: &[Timestamp], page_rows: i64) -> PagePart {
        let is_full = i64::try_from(moments.len()).is_ok_and(|count| count >= page_rows);
        let older = is_full.then(|| self.after(moments)).flatten().map(|next| {
            let at = next.at.to_rfc3339_opts(SecondsFormat::Micros, true);
            let text = format!("{at}{BETWEEN}{}", next.skip);
            let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            format!("{base}fore={text}")
        });
        let newest = base.trim_end_matches(['?', '&']).to_owned();
        PagePart::Paging((!self.is_first).then_some(newest), older)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_is_skipped_and_none_comes_twice_though_many_have_one_moment() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        // The latest first: seven of one moment, two of another, four of a third.
        let rows: Vec<Timestamp> = [7, 2, 4]
            .iter()
            .zip(0..)
            .flat_map(|(n, ago)| vec![now - TimeDelta::minutes(ago); *n])
            .collect();
        let page = |start: PageStart| -> Vec<usize> {
            let found = rows.iter().enumerate().filter(|(_, at)| **at <= start.at);
            found.skip(usize::try_from(start.skip).unwrap()).take(3).map(|(row, _)| row).collect()
        };
        let mut start = PageStart::read("", now).unwrap();
        let mut seen: Vec<usize> = Vec::new();
        loop {
            let found = page(start);
            seen.extend(&found);
            let moments: Vec<Timestamp> = found.iter().map(|row| rows[*row]).collect();
            let PagePart::Paging(_, Some(older)) = start.paging("/x?", &moments, 3) else { break };
            let (_, query) = older.split_once("fore=").unwrap();
            let text = form_urlencoded::parse(format!("a={query}").as_bytes())
                .next()
                .unwrap()
                .1
                .into_owned();
            start = PageStart::read(&text, now).unwrap();
        }
        assert_eq!(seen, (0..13).collect::<Vec<_>>());
        assert_eq!(PageStart::read("x", now), None);
        assert_eq!(PageStart::read("2026-11-26T12:00:00Z~-1", now), None);
    }
}
