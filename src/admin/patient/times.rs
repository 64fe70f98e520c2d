//! Days and times as they are written in forms.

use crate::admin::asked::PageCall;
use crate::admin::words::{Words, t};
use crate::domain::time::{Ambiguous, Timestamp, instant, local};
use chrono::{NaiveDate, NaiveTime, TimeDelta};

/// A day of a form, if one is written.
///
/// # Errors
/// How to write it.
pub fn day(text: &str) -> Result<Option<NaiveDate>, Words> {
    if text.is_empty() {
        return Ok(None);
    }
    let compact = || NaiveDate::parse_from_str(text, "%Y%m%d");
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").or_else(|_| compact());
    match day {
        Ok(day) if (1800..=2999).contains(&chrono::Datelike::year(&day)) => Ok(Some(day)),
        _ => Err(t("Skriv dagen som ÅÅÅÅ-MM-DD.")),
    }
}

/// The first instant of a day.
pub fn begins(day: NaiveDate) -> Timestamp {
    instant(day.into(), Ambiguous::Earlier)
}

/// The last second of a day.
pub fn ends(day: NaiveDate) -> Timestamp {
    let next = day.checked_add_days(chrono::Days::new(1)).unwrap_or(day);
    begins(next) - TimeDelta::seconds(1)
}

/// A day and a time of day; without the time, what `missing` says.
///
/// # Errors
/// How to write them.
pub fn moment(
    (on, at): (&str, &str),
    missing: fn(NaiveDate) -> Timestamp,
) -> Result<Option<Timestamp>, Words> {
    let Some(on) = day(on)? else {
        return if at.is_empty() { Ok(None) } else { Err(t("Skriv en dag.")) };
    };
    if at.is_empty() {
        return Ok(Some(missing(on)));
    }
    let written = at.replace('.', ":");
    let time = NaiveTime::parse_from_str(&written, "%H:%M")
        .or_else(|_| NaiveTime::parse_from_str(&written, "%H:%M:%S"))
        .map_err(|_| t("Skriv klockslaget som TT:MM."))?;
    Ok(Some(instant(on.and_time(time), Ambiguous::Later)))
}

/// When something was asked for: today unless the form says another day, and never later than now.
///
/// # Errors
/// How to write it.
pub fn requested(asked: &PageCall) -> Result<Timestamp, Words> {
    match day(asked.form.get("requested_on"))? {
        None => Ok(asked.now),
        Some(on) if on > local(asked.now).date() => Err(t("Dagen ligger framåt i tiden.")),
        Some(on) if on == local(asked.now).date() => Ok(asked.now),
        Some(on) => Ok(begins(on) + TimeDelta::hours(12)),
    }
}
