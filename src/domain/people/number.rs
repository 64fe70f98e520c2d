//! Which patient somebody means who writes a number.
//!
//! # Rules
//! - **NR1** Twelve digits, or ten with the century that gives an age under a hundred; `+` before the last four says a
//!   hundred or more. Hyphens and spaces mean nothing else.
//! - **NR2** A day from 61 on makes it a coordination number.
//! - **NR3** Twelve characters with letters, or with a century that nobody is born in, are a national reserve number.
//! - **NR4** A wrong check digit is told and asked about: test persons and old registers have them.
//! - **NR5** Age is counted by the number's day of birth; of what has none nothing is said.

use crate::domain::identity::PatientId;
use chrono::{Datelike, NaiveDate};

const PERSONAL_ROOT: &str = "1.2.752.129.2.1.3.1";
const COORDINATION_ROOT: &str = "1.2.752.129.2.1.3.3";
const RESERVE_ROOT: &str = "1.2.752.74.9.1";

/// What somebody has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenNumber {
    /// Whom it names.
    pub patient: PatientId,
    /// Whether its check digit is another than it should be (NR4).
    pub has_wrong_check_digit: bool,
}

/// Reads a number as people write it (NR1 to NR4).
///
/// # Errors
/// What to write instead.
pub fn read(text: &str, today: NaiveDate) -> Result<WrittenNumber, &'static str> {
    let is_old = text.contains('+');
    let kept = |c: &char| !c.is_whitespace() && !matches!(c, '-' | '+' | '\u{2010}'..='\u{2015}');
    let mut number: String = text.chars().filter(kept).collect();
    number.make_ascii_uppercase();
    if !number.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err("Skriv numret med siffror, till exempel 19121212-1212.");
    }
    let is_digits = number.bytes().all(|b| b.is_ascii_digit());
    if is_digits && number.len() == 10 {
        number = with_century(&number, is_old, today)
            .ok_or("Det finns ingen sådan dag. Skriv numret som ÅÅMMDD-NNNN.")?;
    }
    if number.len() != 12 {
        return Err("Skriv tio eller tolv siffror, till exempel 19121212-1212.");
    }
    let is_reserve = !is_digits || !("18".."21").contains(&&number[..2]);
    let root = if is_reserve {
        RESERVE_ROOT
    } else {
        birth(&number).ok_or("Det finns ingen sådan dag. Kontrollera de åtta första siffrorna.")?;
        match number.as_bytes()[6] >= b'6' {
            true => COORDINATION_ROOT,
            false => PERSONAL_ROOT,
        }
    };
    let has_wrong_check_digit = !is_reserve && check_digit(&number[2..11]) != number.as_bytes()[11];
    let patient = PatientId::new(root, &number).map_err(|_| "Numret kan inte läsas.")?;
    Ok(WrittenNumber { patient, has_wrong_check_digit })
}

/// Ten digits with their century (NR1).
fn with_century(number: &str, is_old: bool, today: NaiveDate) -> Option<String> {
    let century = today.year() / 100;
    let tried = [century, century - 1, century - 2].into_iter().map(|c| format!("{c}{number}"));
    let fits = |number: &String| {
        birth(number).is_some_and(|day| {
            day <= today && (today.years_since(day).unwrap_or(0) >= 100) == is_old
        })
    };
    tried.into_iter().find(fits)
}

/// The day of birth of twelve digits; a coordination number's day has 60 added.
fn birth(number: &str) -> Option<NaiveDate> {
    let part = |from: usize, to: usize| number.get(from..to)?.parse::<u32>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let day = if day > 60 { day - 60 } else { day };
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// The day of birth of a patient, where the number tells it (NR5).
pub fn birth_of(patient: &PatientId) -> Option<NaiveDate> {
    let (series, number) = patient.key().split_once('^')?;
    let is_known = series == PERSONAL_ROOT && number.bytes().all(|b| b.is_ascii_digit());
    is_known.then(|| birth(number)).flatten()
}

/// Years at a day, where the number tells them (NR5).
pub fn age_of(patient: &PatientId, today: NaiveDate) -> Option<u32> {
    today.years_since(birth_of(patient)?)
}

/// The last digit that nine should have.
fn check_digit(nine: &str) -> u8 {
    let sum: u32 = nine
        .bytes()
        .enumerate()
        .map(|(at, b)| {
            let doubled = u32::from(b - b'0') * if at % 2 == 0 { 2 } else { 1 };
            doubled / 10 + doubled % 10
        })
        .sum();
    b'0' + u8::try_from((10 - sum % 10) % 10).unwrap_or_default()
}

/// A patient's number as people read it: with a hyphen, where it is one of theirs.
pub fn shown(patient: &PatientId) -> String {
    let number = patient.key().split_once('^').map_or("", |(_, number)| number);
    let is_ours =
        [PERSONAL_ROOT, RESERVE_ROOT].contains(&patient.key().split('^').next().unwrap_or(""));
    match number.len() == 12 && is_ours && number.is_ascii() {
        true => format!("{}-{}", &number[..8], &number[8..]),
        false => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 26).unwrap()
    }

    fn number(text: &str) -> Result<String, &'static str> {
        read(text, today()).map(|read| read.patient.extension().to_owned())
    }

    #[test]
    fn nr1_ten_and_twelve_digits_name_the_same() {
        for text in ["19121212-1212", "191212121212", "121212+1212", " 19 121212 1212 "] {
            assert_eq!(number(text).unwrap(), "191212121212", "{text}");
        }
        assert_eq!(number("121212-1212").unwrap(), "201212121212");
        assert_eq!(number("261127-1212").unwrap(), "192611271212", "not born tomorrow");
        for wrong in ["", "1212", "1912121212123", "19121332-1212", "121332-1212", "1912121212;2"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nr2_a_day_from_61_on_is_a_coordination_number() {
        let read = read("540178-2395", today()).unwrap();
        assert_eq!(read.patient.root(), COORDINATION_ROOT);
        assert_eq!(read.patient.extension(), "195401782395");
    }

    #[test]
    fn nr3_letters_and_odd_centuries_are_reserve_numbers() {
        for text in ["22121212ab12", "221212121234"] {
            assert_eq!(read(text, today()).unwrap().patient.root(), RESERVE_ROOT);
        }
    }

    #[test]
    fn nr4_a_wrong_check_digit_is_told() {
        assert!(!read("19121212-1212", today()).unwrap().has_wrong_check_digit);
        assert!(read("19121212-1213", today()).unwrap().has_wrong_check_digit);
    }

    #[test]
    fn nr5_age_is_by_the_number() {
        let age = |text| age_of(&read(text, today()).unwrap().patient, today());
        assert_eq!((age("191212121212"), age("201212121212")), (Some(113), Some(13)));
        assert_eq!(age("195401782395"), Some(72));
        assert_eq!(age("22121212AB12"), None);
        assert_eq!(shown(&read("191212121212", today()).unwrap().patient), "19121212-1212");
    }
}
