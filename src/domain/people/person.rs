//! What the population service says of a person, as far as pages tell it.
//!
//! # Rules
//! - **PS1** Either protection, of the number itself or of one linked to it, makes a person protected; which one is not told.
//! - **PS2** What was not answered, not read whole, told twice or not asked is unknown, and unknown is not open: no name.
//! - **PS3** Dead is who is deregistered as such (`AV`), has a day of death or of being found dead, or whose coordination
//!   number ended so (`AVLIDEN`); the first of these that has a day tells it.
//! - **PS4** Test persons do not exist in production, unless the settings say so.

use chrono::NaiveDate;

/// What is told of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonState {
    /// Nothing is protected.
    Open {
        /// Given, middle and surname, what there is of them.
        name: Option<String>,
        /// A dead person's day of death, as precise as it is known.
        dead: Option<String>,
        /// Whether the person has another main number.
        has_other_number: bool,
        /// The day of birth, where it is told as a day.
        born: Option<NaiveDate>,
    },
    /// The identity is protected.
    Protected {
        /// What *Visa namn* shows, and nothing else does.
        name: Option<String>,
        /// The same.
        dead: Option<String>,
    },
    /// There is no such person.
    None,
    /// It is not known.
    Unknown,
}

/// What a record says, as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonRecord {
    /// Its number is protected in either way.
    pub is_protected: bool,
    /// It is a test person's.
    pub is_test: bool,
    /// Name parts.
    pub name: Vec<String>,
    /// Whether another number is the main one.
    pub has_other_number: bool,
    /// Why it was deregistered: a code.
    pub deregistered: Option<String>,
    /// Days in the order in which they tell of death.
    pub deregistered_on: Option<String>,
    /// The day of death of who has a coordination number.
    pub deceased_on: Option<String>,
    /// The day of being found dead.
    pub found_dead_on: Option<String>,
    /// Why a coordination number ended.
    pub status_cause: Option<String>,
    /// Day of birth.
    pub born: Option<NaiveDate>,
}

/// What becomes of test persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestPersons {
    /// They do not exist.
    Refuse,
    /// They are like others.
    Show,
}

impl PersonRecord {
    /// When the person died, if so (PS3): as precise as it is known.
    fn dead(&self) -> Option<String> {
        let by_code = self.deregistered.as_deref() == Some("AV");
        let ended = self.status_cause.as_deref() == Some("AVLIDEN");
        let is_dead =
            by_code || ended || self.deceased_on.is_some() || self.found_dead_on.is_some();
        let day = self.deregistered_on.as_ref().filter(|_| by_code);
        let day = day.or(self.deceased_on.as_ref()).or(self.found_dead_on.as_ref());
        is_dead.then(|| day.cloned().unwrap_or_default())
    }

    /// What is told of the person; `linked` is what is known of the numbers that it is linked to (PS1, PS2, PS4).
    pub fn state(&self, linked: &[LinkedState], test_persons: TestPersons) -> PersonState {
        if self.is_test && test_persons == TestPersons::Refuse {
            return PersonState::None;
        }
        let name = (!self.name.is_empty()).then(|| self.name.join(" "));
        let dead = self.dead();
        if self.is_protected || linked.contains(&LinkedState::Protected) {
            return PersonState::Protected { name, dead };
        }
        if linked.contains(&LinkedState::Unknown) {
            return PersonState::Unknown;
        }
        let has_other_number = self.has_other_number || self.deregistered.as_deref() == Some("GN");
        PersonState::Open { name, dead, has_other_number, born: self.born }
    }
}

/// What is known of a number that a person's is linked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkedState {
    /// Its identity is protected.
    Protected,
    /// It is not.
    Open,
    /// It is not known.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> PersonRecord {
        PersonRecord { name: vec!["Eva".into(), "Sand".into()], ..PersonRecord::default() }
    }

    fn told(record: &PersonRecord, linked: &[LinkedState]) -> PersonState {
        record.state(linked, TestPersons::Refuse)
    }

    #[test]
    fn ps1_one_protection_is_enough() {
        let own = PersonRecord { is_protected: true, ..record() };
        assert!(matches!(told(&own, &[]), PersonState::Protected { .. }));
        let linked = [LinkedState::Open, LinkedState::Unknown, LinkedState::Protected];
        assert!(matches!(told(&record(), &linked), PersonState::Protected { .. }));
    }

    #[test]
    fn ps2_unknown_is_not_open() {
        let linked = [LinkedState::Open, LinkedState::Unknown];
        assert_eq!(told(&record(), &linked), PersonState::Unknown);
        assert!(matches!(told(&record(), &[]), PersonState::Open { name: Some(_), .. }));
    }

    #[test]
    fn ps3_four_ways_to_be_dead() {
        let dead = |record: &PersonRecord| match told(record, &[]) {
            PersonState::Open { dead, .. } => dead,
            _ => panic!("open"),
        };
        let day = |day: &str| Some(day.to_owned());
        assert_eq!(dead(&record()), None);
        let code = |code: &str| Some(code.to_owned());
        let by_code = PersonRecord {
            deregistered: code("AV"),
            deregistered_on: day("2016-01-01"),
            ..record()
        };
        assert_eq!(dead(&by_code), day("2016-01-01"));
        let emigrated = PersonRecord { deregistered: code("UV"), ..by_code };
        assert_eq!(dead(&emigrated), None);
        assert_eq!(dead(&PersonRecord { deceased_on: day("2016"), ..record() }), day("2016"));
        assert_eq!(
            dead(&PersonRecord { found_dead_on: day("2016-02"), ..record() }),
            day("2016-02")
        );
        assert_eq!(dead(&PersonRecord { status_cause: code("AVLIDEN"), ..record() }), day(""));
    }

    #[test]
    fn ps4_test_persons_exist_by_setting_only() {
        let test = PersonRecord { is_test: true, ..record() };
        assert_eq!(told(&test, &[]), PersonState::None);
        assert!(matches!(test.state(&[], TestPersons::Show), PersonState::Open { .. }));
    }
}
