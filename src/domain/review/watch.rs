//! Watched patients.
//!
//! # Rules
//! - **R21** *Skyddad identitet* is reviewed weekly, *offentlig person* and *uppmärksammad händelse* daily; at most 12 months,
//!   renewable; added by two persons; the list is seen by information security only.

use crate::domain::identity::is_blank;
use crate::domain::rejection::Rejection;
use chrono::{Months, NaiveDate, Weekday};

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

    /// The days, first and last, that are reviewed by a day, of those since another: each day that is over; of a protected identity
    /// the weeks that are, from Monday. `held` are the days, first and last, on which the patient was watched: others are not
    /// reviewed.
    pub fn periods(
        self,
        held: &[(NaiveDate, NaiveDate)],
        since: NaiveDate,
        today: NaiveDate,
    ) -> Vec<(NaiveDate, NaiveDate)> {
        let week = |day: NaiveDate| day.week(Weekday::Mon).first_day();
        let (since, until) = match self {
            Self::Public | Self::Event => (since, today),
            Self::Protected => (week(since), week(today)),
        };
        let is_held = |day: &NaiveDate| held.iter().any(|(from, to)| from <= day && day <= to);
        let mut periods: Vec<(NaiveDate, NaiveDate)> = Vec::new();
        for day in since.iter_days().take_while(|day| *day < until).filter(is_held) {
            match periods.last_mut() {
                Some((first, last))
                    if self == Self::Protected
                        && last.succ_opt() == Some(day)
                        && week(*first) == week(day) =>
                {
                    *last = day;
                }
                _ => periods.push((day, day)),
            }
        }
        periods
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
        let (since, always) = (day("2026-11-20"), [(day("2026-01-01"), day("2026-12-31"))]);
        let days = |on: &str| (day(on), day(on));
        let daily = vec![days("2026-11-20"), days("2026-11-21")];
        assert_eq!(WatchKind::Public.periods(&always, since, sunday), daily);
        assert_eq!(WatchKind::Protected.periods(&always, since, sunday), []);
        let week = (day("2026-11-16"), day("2026-11-22"));
        let monday = day("2026-11-23");
        assert_eq!(WatchKind::Protected.periods(&always, since, monday), [week]);
        // An entry that was renewed skips no day, and one that was ended between leaves those out.
        let renewed = [(day("2026-11-01"), day("2026-11-18")), (day("2026-11-18"), monday)];
        assert_eq!(WatchKind::Protected.periods(&renewed, since, monday), [week]);
        let again = [(day("2026-11-01"), day("2026-11-17")), (day("2026-11-20"), monday)];
        let parts = [(week.0, day("2026-11-17")), (day("2026-11-20"), week.1)];
        assert_eq!(WatchKind::Protected.periods(&again, since, monday), parts);
        assert_eq!(WatchKind::Event.periods(&[], since, monday), []);
        assert!(may_watch("känd", day("2027-11-22"), sunday).is_ok());
        assert!(may_watch("känd", day("2027-11-23"), sunday).is_err());
        assert!(may_watch("känd", day("2026-11-21"), sunday).is_err());
        assert!(may_watch(" ", day("2027-01-01"), sunday).is_err());
        assert!(may_approve("p", "p").is_err() && may_approve("p", "q").is_ok());
        assert!(WatchKind::ALL.iter().all(|kind| WatchKind::named(kind.name()) == Some(*kind)));
    }
}
