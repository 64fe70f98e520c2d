//! Months and working days of reviews.
//!
//! # Rules
//! - **R2** A systematic review covers one Swedish calendar day of the month before. It is drawn on the 1st at 06.00 and due
//!   on the 7th, moved to the next working day; Swedish holidays are computed.
//! - **R16** It is reminded of when it is listed, three working days before it is due, on the due day also to the deputy, and
//!   seven days late to the log administrator.
//! - **R17** What is not concluded when the month ends has lapsed. It stays visible for ever, and may still be concluded, late.

use crate::domain::time::{Ambiguous, Timestamp, instant, local};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime, Weekday};

/// The hour of the 1st at which is drawn.
const DRAWN_AT: u32 = 6;
/// The day of the month on which a review is due.
const DUE_ON: u32 = 7;
/// Working days between the second reminder and the due day.
const DAYS_BEFORE: u32 = 3;
/// Days behind the due day of the last reminder.
const DAYS_LATE: u64 = 7;

/// A calendar month, by its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReviewMonth(NaiveDate);

impl ReviewMonth {
    /// The month of a day.
    pub fn of(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// The month of an instant, in Swedish time.
    pub fn at(now: Timestamp) -> Self {
        Self::of(local(now).date())
    }

    /// Of `2026-11`.
    pub fn read(text: &str) -> Option<Self> {
        let month = format!("{text}-01").parse().ok().map(Self)?;
        (month.text() == text && (2000..3000).contains(&month.0.year())).then_some(month)
    }

    /// As `2026-11`.
    pub fn text(self) -> String {
        self.0.format("%Y-%m").to_string()
    }

    /// Its first day.
    pub fn first(self) -> NaiveDate {
        self.0
    }

    /// The month before.
    pub fn before(self) -> Self {
        Self(self.0.checked_sub_months(Months::new(1)).unwrap_or(self.0))
    }

    /// The month after.
    pub fn after(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }

    /// When it begins and when the next one does.
    pub fn bounds(self) -> (Timestamp, Timestamp) {
        (begins(self.0), begins(self.after().0))
    }

    /// When its reviews are drawn (R2).
    pub fn drawn_at(self) -> Timestamp {
        let time = NaiveTime::from_hms_opt(DRAWN_AT, 0, 0).unwrap_or_default();
        instant(self.0.and_time(time), Ambiguous::Earlier)
    }

    /// On which day its reviews are due (R2).
    pub fn due_on(self) -> NaiveDate {
        working_day_from(self.0.with_day(DUE_ON).unwrap_or(self.0))
    }

    /// Whether what is not concluded then has lapsed (R17).
    pub fn is_over(self, now: Timestamp) -> bool {
        self.bounds().1 <= now
    }
}

/// When a Swedish day begins.
pub fn begins(day: NaiveDate) -> Timestamp {
    instant(day.and_time(NaiveTime::MIN), Ambiguous::Earlier)
}

/// When a Swedish day begins, and the last instant before the next one does.
pub fn day_bounds(day: NaiveDate) -> (Timestamp, Timestamp) {
    (begins(day), begins(day + Days::new(1)) - chrono::TimeDelta::microseconds(1))
}

/// A reminder of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReminderStep {
    /// It has its list.
    Listed,
    /// Three working days are left.
    Soon,
    /// It is due today.
    Due,
    /// It is seven days late.
    Late,
}

impl ReminderStep {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Listed, Self::Soon, Self::Due, Self::Late];

    /// As the store and messages name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Soon => "soon",
            Self::Due => "due",
            Self::Late => "late",
        }
    }

    /// The roles that are reminded.
    pub fn to(self) -> &'static [&'static str] {
        match self {
            Self::Listed | Self::Soon => &["reviewer"],
            Self::Due => &["reviewer", "deputy"],
            Self::Late => &["reviewer", "deputy", "log_admin"],
        }
    }
}

/// The latest reminder that is due on a day of a review that has a list and is not concluded (R16).
pub fn reminder(due_on: NaiveDate, today: NaiveDate) -> ReminderStep {
    let late = due_on + Days::new(DAYS_LATE);
    if today >= late {
        ReminderStep::Late
    } else if today >= due_on {
        ReminderStep::Due
    } else if today >= working_days_before(due_on, DAYS_BEFORE) {
        ReminderStep::Soon
    } else {
        ReminderStep::Listed
    }
}

/// The first working day from a day on.
pub fn working_day_from(mut day: NaiveDate) -> NaiveDate {
    while !is_working_day(day) {
        day = day + Days::new(1);
    }
    day
}

/// The working day behind a day.
pub fn next_working_day(day: NaiveDate) -> NaiveDate {
    working_day_from(day + Days::new(1))
}

fn working_days_before(mut day: NaiveDate, mut count: u32) -> NaiveDate {
    while count > 0 {
        day = day - Days::new(1);
        count -= u32::from(is_working_day(day));
    }
    day
}

/// Whether people work on a day: no Saturday, Sunday, holiday, nor one of the three eves that are as good as one.
pub fn is_working_day(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !is_holiday(day)
}

/// Whether a weekday is a Swedish holiday. All Saints' and Midsummer Day are Saturdays, Easter and Whitsun Sundays.
fn is_holiday(day: NaiveDate) -> bool {
    let fixed = [(1, 1), (1, 6), (5, 1), (6, 6), (12, 24), (12, 25), (12, 26), (12, 31)];
    let easter = easter(day.year());
    let from_easter = day.signed_duration_since(easter).num_days();
    let midsummer_eve =
        day.month() == 6 && (19..=25).contains(&day.day()) && day.weekday() == Weekday::Fri;
    // Good Friday, Easter Monday, Ascension Day.
    fixed.contains(&(day.month(), day.day())) || [-2, 1, 39].contains(&from_easter) || midsummer_eve
}

/// Easter Sunday of a year of the Gregorian calendar (Meeus, Jones and Butcher's way to compute it).
fn easter(year: i32) -> NaiveDate {
    let (golden, century, rest) = (year % 19, year / 100, year % 100);
    let corrected = (century - (century + 8) / 25 + 1) / 3;
    let moon = (19 * golden + century - century / 4 - corrected + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let late = (golden + 11 * moon + 22 * weekday) / 451;
    let at = moon + weekday - 7 * late + 114;
    let (month, day) = (u32::try_from(at / 31), u32::try_from(at % 31 + 1));
    NaiveDate::from_ymd_opt(year, month.unwrap_or(4), day.unwrap_or(1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn month(text: &str) -> ReviewMonth {
        ReviewMonth::read(text).unwrap()
    }

    #[test]
    fn r2_drawn_on_the_first_and_due_on_the_seventh_or_the_next_working_day() {
        assert_eq!(month("2026-10").drawn_at().to_rfc3339(), "2026-10-01T04:00:00+00:00");
        assert_eq!(month("2026-11").drawn_at().to_rfc3339(), "2026-11-01T05:00:00+00:00");
        // A Wednesday; a Saturday; Good Friday with Easter behind it.
        assert_eq!(month("2026-10").due_on(), day("2026-10-07"));
        assert_eq!(month("2026-11").due_on(), day("2026-11-09"));
        assert_eq!(month("2023-04").due_on(), day("2023-04-11"));
        assert_eq!(month("2027-01").before(), month("2026-12"));
        assert_eq!(ReviewMonth::read("2026-1"), None);
        for holiday in [
            "2026-01-01",
            "2026-01-06",
            "2026-04-03",
            "2026-04-06",
            "2026-05-01",
            "2026-05-14",
            "2024-06-06",
            "2026-06-19",
            "2026-12-24",
            "2026-12-25",
            "2026-12-31",
            "2025-12-26",
            "2000-04-21",
            "2038-04-26",
        ] {
            assert!(!is_working_day(day(holiday)), "{holiday}");
        }
        for other in ["2026-04-02", "2026-04-07", "2026-06-18", "2026-06-22", "2026-05-15"] {
            assert!(is_working_day(day(other)), "{other}");
        }
    }

    #[test]
    fn r16_reminders_follow_the_due_day() {
        let due = day("2026-11-09");
        for (today, step) in [
            ("2026-11-01", ReminderStep::Listed),
            ("2026-11-03", ReminderStep::Listed),
            ("2026-11-04", ReminderStep::Soon),
            ("2026-11-08", ReminderStep::Soon),
            ("2026-11-09", ReminderStep::Due),
            ("2026-11-15", ReminderStep::Due),
            ("2026-11-16", ReminderStep::Late),
        ] {
            assert_eq!(reminder(due, day(today)), step, "{today}");
        }
        assert_eq!(ReminderStep::Soon.to(), ["reviewer"]);
        assert!(ReminderStep::Due.to().contains(&"deputy"));
        assert!(ReminderStep::Late.to().contains(&"log_admin"));
    }

    #[test]
    fn r17_a_month_that_is_over_is_over_in_swedish_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(!month("2026-11").is_over(at("2026-11-30T22:59:59Z")));
        assert!(month("2026-11").is_over(at("2026-11-30T23:00:00Z")));
    }
}
