//! What the population service answers, as far as it is read: flags, name, death and links, and nothing of where somebody is.

use crate::domain::identity::PatientId;
use crate::domain::people::person::PersonRecord;
use crate::messages::called::person::v5::{
    self, GetPersonsForProfileResponse, II, PartialDate, PartialDateFormat,
};
use chrono::NaiveDate;
use std::collections::HashMap;

/// What is answered about one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answers {
    /// A record, and the numbers that it is linked to; of one that cannot be read there is none.
    Record(Box<PersonRecord>, Vec<Option<PatientId>>),
    /// There is no such record.
    None,
    /// It is answered twice, or not wholly.
    Unknown,
}

impl Answers {
    /// The record with its links.
    pub(super) fn record(&self) -> Option<(&PersonRecord, &[Option<PatientId>])> {
        match self {
            Self::Record(record, linked) => Some((record, linked)),
            Self::None | Self::Unknown => None,
        }
    }
}

/// The answers about the numbers that were asked for, by their keys.
pub(super) fn answers(
    read: &GetPersonsForProfileResponse<'_>,
    asked: &[PatientId],
) -> HashMap<String, Answers> {
    let mut found: HashMap<String, Answers> = HashMap::new();
    for answer in &read.requested_person_record {
        let Some(number) = number(&answer.requested_personal_identity) else { continue };
        if !asked.iter().any(|own| own.key() == number.key()) {
            continue;
        }
        let answer = answer.person_record.as_ref().map_or(Answers::None, record);
        let again = found.insert(number.key().to_owned(), answer).is_some();
        if again {
            found.insert(number.key().to_owned(), Answers::Unknown);
        }
    }
    found
}

fn number(identity: &II<'_>) -> Option<PatientId> {
    PatientId::new(identity.root.trim(), identity.extension.as_deref()?.trim()).ok()
}

fn record(record: &v5::PersonRecord<'_>) -> Answers {
    let flags =
        [&record.protected_person_indicator, &record.test_indicator, &record.primary_identity];
    if record.personal_identity.is_none() && flags.iter().all(|flag| flag.is_none()) {
        // An empty element stands for none.
        return Answers::None;
    }
    if flags.iter().any(|flag| flag.is_none()) {
        return Answers::Unknown;
    }
    let deregistration = record.deregistration.as_ref();
    let name = record.name.as_ref();
    let parts = [
        name.and_then(|name| name.given_name.as_deref()),
        name.and_then(|name| name.middle_name.as_deref()),
        name.and_then(|name| name.surname.as_deref()),
    ];
    let linked = record.linked_identity.iter().map(|linked| &linked.referred_personal_identity);
    let referred = &record.referred_personal_identities;
    let referred = referred.iter().map(|referred| &referred.referred_personal_identity);
    let own = record.personal_identity.as_ref().and_then(number);
    let others = linked.chain(referred).map(number);
    let others =
        others.filter(|other| other.is_none() || other.as_ref().map(key) != own.as_ref().map(key));
    let ended = record.personal_identity_status.as_ref();
    let coordination = record.co_ordination_number_data.as_ref();
    let born = record.birth.as_ref().and_then(|birth| birth.date_of_birth.as_ref());
    let read = PersonRecord {
        is_protected: is_not(record.protected_person_indicator.as_deref(), false)
            || is_not(record.protected_population_record.as_deref(), false),
        is_test: is_not(record.test_indicator.as_deref(), false),
        name: parts
            .into_iter()
            .flatten()
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect(),
        has_other_number: is_not(record.primary_identity.as_deref(), true),
        deregistered: deregistration
            .and_then(|gone| Some(gone.deregistration_reason_code.as_deref()?.trim().to_owned())),
        deregistered_on: deregistration.and_then(|gone| day(gone.deregistration_date.as_ref())),
        deceased_on: coordination.and_then(|data| day(data.deceased_date.as_ref())),
        found_dead_on: deregistration.and_then(|gone| day(gone.found_dead_at_date.as_ref())),
        status_cause: ended
            .and_then(|ended| Some(ended.identity_status_cause.as_deref()?.trim().to_owned())),
        born: day(born).and_then(|day| NaiveDate::parse_from_str(&day, "%Y-%m-%d").ok()),
    };
    Answers::Record(Box::new(read), others.collect())
}

fn key(number: &PatientId) -> &str {
    number.key()
}

/// Whether a boolean says something else; what is none does, and an absent one does not.
fn is_not(flag: Option<&str>, expected: bool) -> bool {
    let Some(flag) = flag else { return false };
    let said = match flag.trim() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    };
    said != Some(expected)
}

/// A day as precise as it is told: `2016`, `2016-01` or `2016-01-01`, with or without hyphens on the wire.
fn day(date: Option<&PartialDate<'_>>) -> Option<String> {
    let date = date?;
    let digits: String = date.value.chars().filter(char::is_ascii_digit).collect();
    let of = |from: usize, to: usize| digits.get(from..to);
    match date.format {
        PartialDateFormat::Yyyy => of(0, 4).map(str::to_owned),
        PartialDateFormat::YyyyMm => Some(format!("{}-{}", of(0, 4)?, of(4, 6)?)),
        PartialDateFormat::YyyyMmDd => Some(format!("{}-{}-{}", of(0, 4)?, of(4, 6)?, of(6, 8)?)),
    }
}
