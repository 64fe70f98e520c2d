//! Watched patients.
//!
//! # Rules
//! - **R21** *Skyddad identitet* is reviewed weekly, *offentlig person* and *uppmärksammad händelse* daily; at most 12 months,
//!   renewable; added by two persons; the list is seen by information security only.

use crate::domain::identity::is_blank;
use crate::domain::rejection::Rejection;
use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

/// For how many months a patient is watched at the most.
const MONTHS_MAX: u32 = 12;

/// Why a patient is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchKind {
    /// Protected identity.
    Protected,
    /// A public person.
    Public,
    /// An event that many know of.
    Event,
}

impl WatchKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Protected, Self::Public, Self::Event];

    /// As the store names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::Public => "public",
            Self::Event => "event",
        }
    }

    /// Of its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The days, first and last, that are reviewed on a day: yesterday; of a protected identity on Mondays the week before.
    pub fn period(self, today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
        let yesterday = today - Days::new(1);
        match self {
            Self::Public | Self::Event => Some((yesterday, yesterday)),
            Self::Protected => {
                (today.weekday() == Weekday::Mon).then(|| (today - Days::new(7), yesterday))
            }
        }
    }
}

/// Whether a patient may be watched until a day.
///
/// # Errors
/// What is lacking.
pub fn may_watch(reason: &str, until: NaiveDate, today: NaiveDate) -> Result<(), Rejection> {
    if is_blank(reason) {
        return Err(Rejection::validation("Skriv varför patienten bevakas."));
    }
    if until < today || until > latest(today) {
        return Err(Rejection::validation("Bevakningen ska sluta inom tolv månader."));
    }
    Ok(())
}

/// The last day until which a patient can be watched.
pub fn latest(today: NaiveDate) -> NaiveDate {
    today.checked_add_months(Months::new(MONTHS_MAX)).unwrap_or(today)
}

/// Whether somebody may stand behind what another has added: two persons do.
///
/// # Errors
/// That it is the same.
pub fn may_approve(added_by: &str, by: &str) -> Result<(), Rejection> {
    match added_by == by {
        true => Err(Rejection::validation(
            "Bevakningen ska godkännas av någon annan än den som lade till den.",
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r21_how_often_how_long_and_by_two() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let sunday = day("2026-11-22");
        assert_eq!(WatchKind::Public.period(sunday), Some((day("2026-11-21"), day("2026-11-21"))));
        assert_eq!(WatchKind::Protected.period(sunday), None);
        let week = Some((day("2026-11-16"), day("2026-11-22")));
        assert_eq!(WatchKind::Protected.period(day("2026-11-23")), week);
        assert!(may_watch("känd", day("2027-11-22"), sunday).is_ok());
        assert!(may_watch("känd", day("2027-11-23"), sunday).is_err());
        assert!(may_watch("känd", day("2026-11-21"), sunday).is_err());
        assert!(may_watch(" ", day("2027-01-01"), sunday).is_err());
        assert!(may_approve("p", "p").is_err() && may_approve("p", "q").is_ok());
        assert!(WatchKind::ALL.iter().all(|kind| WatchKind::named(kind.name()) == Some(*kind)));
    }
}
