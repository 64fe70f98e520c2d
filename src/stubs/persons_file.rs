//! The persons of a population service for tests, as its file tells them.

use super::serving::Switches;
use crate::domain::identity::PatientId;
use serde::Deserialize;
use std::path::Path;

/// The persons that there are without a file.
const OWN: &str = include_str!("persons.toml");
/// The series of personal numbers.
const PERSONAL: &str = "1.2.752.129.2.1.3.1";

/// A whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PersonsFile {
    /// Failures of calls.
    pub switches: Switches,
    /// Failures of records.
    pub records: RecordSwitches,
    /// The seed of a demonstration whose patients there are too.
    pub demo_seed: Option<u64>,
    /// Who there is.
    pub person: Vec<FiledPerson>,
}

/// Failures that records play.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordSwitches {
    /// Every record is answered twice.
    pub doubled: bool,
    /// Every record is without its flag of protection.
    pub without_flag: bool,
}

/// A person.
#[expect(clippy::struct_excessive_bools, reason = "the flags of the contract")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FiledPerson {
    /// The number, twelve characters.
    pub number: String,
    /// Its series; default: personal and coordination numbers by their day.
    pub root: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Middle name.
    pub middle_name: Option<String>,
    /// Surname.
    pub surname: Option<String>,
    /// Sekretessmarkering.
    pub protected: bool,
    /// Skyddad folkbokföring.
    pub protected_population: bool,
    /// A test person.
    pub test: bool,
    /// A number of the same person that is the main one.
    pub main_number: Option<String>,
    /// Other numbers of the same person, with the series of each that is not personal: `root:number`.
    pub linked: Vec<String>,
    /// An older or newer number at Skatteverket.
    pub referred: Vec<String>,
    /// Why it was deregistered, for example `AV`.
    pub deregistered: Option<String>,
    /// Since when: a year, a month or a day.
    pub deregistered_on: Option<String>,
    /// Day of death of who has a coordination number.
    pub deceased_on: Option<String>,
    /// Why a coordination number ended, for example `AVLIDEN`.
    pub status_cause: Option<String>,
    /// That the person wants no letters: what other profiles than P1 tell too.
    pub no_paper: bool,
}

impl PersonsFile {
    /// Those that there are without a file.
    ///
    /// # Errors
    /// Never: a test reads them.
    pub fn own() -> Result<Self, String> {
        Self::parse(OWN)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        Self::parse(&std::fs::read_to_string(path).map_err(|error| error.to_string())?)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for (at, person) in (1..).zip(&file.person) {
            let numbers = person.linked.iter().chain(&person.referred).chain(&person.main_number);
            let wrong = person.id().is_none() || numbers.clone().any(|other| id(other).is_none());
            if wrong {
                return Err(format!("person {at}: a number that cannot be one"));
            }
        }
        Ok(file)
    }
}

impl FiledPerson {
    /// The number with its series.
    pub fn id(&self) -> Option<PatientId> {
        match &self.root {
            Some(root) => PatientId::new(root, &self.number).ok(),
            None => id(&self.number),
        }
    }
}

/// A number as a file has it: with its series before it, or in that of personal and coordination numbers.
pub fn id(number: &str) -> Option<PatientId> {
    let (root, number) = number.split_once(':').unwrap_or((PERSONAL, number));
    PatientId::new(root, number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_persons_can_be_read() {
        let own = PersonsFile::own().unwrap();
        let told = |number: &str| own.person.iter().find(|person| person.number == number).unwrap();
        assert!(told("198901192396").protected && told("200512312398").protected_population);
        assert_eq!(told("190005259809").deregistered.as_deref(), Some("AV"));
        assert!(told("201701012393").test);
    }

    #[test]
    fn a_broken_file_says_where() {
        let wrong = "[[person]]\nnumber = \"191212121212\"\n[[person]]\nnumber = \"19\"\n";
        assert_eq!(PersonsFile::parse(wrong).unwrap_err(), "person 2: a number that cannot be one");
        assert!(PersonsFile::parse("[[person]]\nnumer = \"1\"\n").unwrap_err().contains("numer"));
    }
}
