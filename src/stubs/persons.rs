//! A population service for tests: GetPersonsForProfile 5.0, with persons of a file and of a demonstration.

use super::persons_file::{FiledPerson, PersonsFile, RecordSwitches, id};
use super::serving::{Stub, Switches, not_here, wrong};
use crate::demo::region::{self, Region, Size};
use crate::demo::stories;
use crate::domain::identity::PatientId;
use crate::messages::called::person::v5::{
    CoOrdinationNumberData, Deregistration, GetPersonsForProfile, GetPersonsForProfileResponse, II,
    LinkedIdentity, LookupProfile, Name, PartialDate, PartialDateFormat, PersonRecord,
    PersonalIdentityStatus, ReferredPersonalIdentity, RequestedPersonRecord,
};
use crate::messages::called::{Interaction, PersonInteraction};
use crate::soap::fault::Fault;
use crate::soap::xml::{Reader, Writer};
use std::collections::HashMap;
use std::path::PathBuf;

/// Numbers of one call.
const NUMBERS_MAX: usize = 500;
const COORDINATION: &str = "1.2.752.129.2.1.3.3";
/// The story of the demonstration whose patient is protected.
const PROTECTED_STORY: &str = "Skyddad identitet";

/// A population service for tests.
#[derive(Debug)]
pub struct PersonsStub {
    /// The file that is read at each call.
    file: Option<PathBuf>,
    own: PersonsFile,
    /// Patients of a demonstration, with its seed.
    demo: Option<(u64, HashMap<String, FiledPerson>)>,
}

impl PersonsStub {
    /// Persons of a file; none: those that stand in the program.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn new(file: Option<PathBuf>) -> Result<Self, String> {
        let own = match &file {
            Some(path) => PersonsFile::read(path)?,
            None => PersonsFile::own()?,
        };
        let demo = own.demo_seed.map(|seed| (seed, patients(seed)));
        Ok(Self { file, own, demo })
    }

    /// Persons of the demonstration beside those that stand in the program.
    ///
    /// # Errors
    /// Never: a test reads them.
    pub fn of_demo() -> Result<Self, String> {
        let seed = region::SEED;
        Ok(Self { file: None, own: PersonsFile::own()?, demo: Some((seed, patients(seed))) })
    }

    /// The file as it is now.
    fn now(&self) -> Result<PersonsFile, Fault> {
        let Some(path) = &self.file else { return Ok(self.own.clone()) };
        PersonsFile::read(path).map_err(|error| {
            tracing::error!(error, "the file of persons cannot be used");
            Fault::server("stubbens fil kan inte läsas")
        })
    }

    /// The answers about the numbers of a call.
    fn records<'a>(
        &'a self,
        file: &'a PersonsFile,
        request: &'a GetPersonsForProfile<'_>,
    ) -> Result<Vec<RequestedPersonRecord<'a>>, Fault> {
        if request.person_id.len() > NUMBERS_MAX {
            return Err(Fault::client(format!("högst {NUMBERS_MAX} identiteter får efterfrågas")));
        }
        let mut people = HashMap::new();
        people.extend(file.person.iter().filter_map(|own| Some((own.id()?.key().to_owned(), own))));
        let find = |number: &PatientId| {
            let of_demo =
                || self.demo.as_ref().and_then(|(_, patients)| patients.get(number.key()));
            people.get(number.key()).copied().or_else(of_demo)
        };
        let mut answers = Vec::new();
        for asked in &request.person_id {
            let number = asked.extension.as_deref().unwrap_or_default().trim();
            let number = PatientId::new(asked.root.trim(), number).ok();
            let number = number.filter(|number| number.extension().len() == 12);
            let number = number.ok_or_else(|| Fault::client("en identitet har fel form"))?;
            let own = find(&number);
            let main = own
                .filter(|_| !request.ignore_referred_identity)
                .and_then(|own| find(&id(own.main_number.as_ref()?)?));
            let person = main.or(own);
            let answer = RequestedPersonRecord {
                requested_personal_identity: II {
                    root: asked.root.clone(),
                    extension: asked.extension.clone(),
                },
                person_record: person.map(|person| record(person, request.profile, file.records)),
            };
            if file.records.doubled {
                answers.push(answer.clone());
            }
            answers.push(answer);
        }
        Ok(answers)
    }
}

impl Stub for PersonsStub {
    fn switches(&self) -> Result<Switches, Fault> {
        Ok(self.now()?.switches)
    }

    fn answer(
        &self,
        contract: Interaction,
        reader: &mut Reader<'_>,
        out: &mut Writer,
    ) -> Result<(), Fault> {
        if contract != Interaction::Person(PersonInteraction::GetPersonsForProfile) {
            return Err(not_here());
        }
        let request = reader.under("GetPersonsForProfile", GetPersonsForProfile::read);
        let request = request.map_err(wrong)?;
        let file = self.now()?;
        let answer = GetPersonsForProfileResponse {
            requested_person_record: self.records(&file, &request)?,
        };
        answer.write_root(out);
        Ok(())
    }

    fn refusal(&self, system: &str) -> (u16, Fault) {
        (500, Fault::client(format!("Obehörigt anrop för system {system}")))
    }
}

/// The patients of a demonstration.
fn patients(seed: u64) -> HashMap<String, FiledPerson> {
    let region = Region::new(seed, Size::SMALL);
    let protected = stories::STORIES.iter().find(|story| story.title == PROTECTED_STORY);
    let protected = protected.map(|story| stories::patient(&region, story.patient));
    let of = |(at, patient): (usize, &region::Patient)| {
        let (given, surname) = patient.name.split_once(' ').unwrap_or(("", &patient.name));
        let person = FiledPerson {
            number: patient.number.clone(),
            given_name: Some(given.to_owned()),
            surname: Some(surname.to_owned()),
            protected: protected == Some(at),
            ..FiledPerson::default()
        };
        Some((patient.id()?.key().to_owned(), person))
    };
    region.patients.iter().enumerate().filter_map(of).collect()
}

/// A number as it is answered: coordination numbers under their own series.
fn identity<'a>(number: &PatientId) -> II<'a> {
    let is_coordination =
        number.root() == region::PERSONAL && number.extension().as_bytes()[6] >= b'6';
    let root = if is_coordination { COORDINATION } else { number.root() };
    II { root: root.to_owned().into(), extension: Some(number.extension().to_owned().into()) }
}

fn day(date: Option<&String>) -> Option<PartialDate<'_>> {
    let date = date?;
    let format = match date.len() {
        0..=4 => PartialDateFormat::Yyyy,
        5..=7 => PartialDateFormat::YyyyMm,
        _ => PartialDateFormat::YyyyMmDd,
    };
    Some(PartialDate { format, value: date.as_str().into() })
}

fn name(person: &FiledPerson) -> Name<'_> {
    Name {
        given_name_indicator: None,
        given_name: person.given_name.as_deref().map(Into::into),
        middle_name: person.middle_name.as_deref().map(Into::into),
        surname: person.surname.as_deref().map(Into::into),
        notification_name: None,
    }
}

fn record<'a>(
    person: &'a FiledPerson,
    profile: LookupProfile,
    switches: RecordSwitches,
) -> PersonRecord<'a> {
    let flag = |is: bool| Some(if is { "true" } else { "false" }.into());
    let is_protected = person.protected || person.protected_population;
    let others = |numbers: &'a [String]| numbers.iter().filter_map(|number| id(number));
    let code_system = "1.2.752.129.2.2.1.1";
    let linked = |number: PatientId| LinkedIdentity {
        referred_personal_identity: identity(&number),
        assurance_level: code_system.into(),
        primary_identity: true,
    };
    let referred = |number: PatientId| ReferredPersonalIdentity {
        referred_personal_identity: identity(&number),
        referred_personal_identity_status: Some("NY".into()),
    };
    PersonRecord {
        personal_identity: person.id().as_ref().map(identity),
        identity_level: None,
        identity_level_date: None,
        gender: None,
        protected_person_indicator: flag(person.protected).filter(|_| !switches.without_flag),
        test_indicator: flag(person.test),
        primary_identity: flag(person.main_number.is_none()),
        version: Some("20260101120000".into()),
        name: Some(name(person)),
        linked_identity: others(&person.linked).map(linked).collect(),
        referred_personal_identities: others(&person.referred).map(referred).collect(),
        birth: None,
        population_registration_locality: None,
        population_registration_record: None,
        address_information: None,
        contact_information: Vec::new(),
        contact_person: Vec::new(),
        confirmed_identity: Vec::new(),
        administrative_information: None,
        deregistration: person.deregistered.as_ref().map(|code| Deregistration {
            deregistration_reason_code: Some(code.as_str().into()),
            deregistration_date: day(person.deregistered_on.as_ref()),
            found_dead_at_date: None,
        }),
        marital_status: None,
        immigration: None,
        citizenship: Vec::new(),
        relationship: Vec::new(),
        co_ordination_number_data: person.deceased_on.as_ref().map(|_| CoOrdinationNumberData {
            allocation_date: None,
            preliminary_transfer_date: None,
            renewal_date: None,
            deceased_date: day(person.deceased_on.as_ref()),
        }),
        personal_identity_status: person.status_cause.as_ref().map(|cause| {
            PersonalIdentityStatus {
                identity_status: None,
                identity_status_date: None,
                identity_status_cause: Some(cause.as_str().into()),
            }
        }),
        update_person_actor: None,
        update_person_contact_information_actor: None,
        attachment: Vec::new(),
        // Not of P1, and a protected person's is P1, whatever is asked for.
        optout_paper_notification: (person.no_paper
            && profile != LookupProfile::P1
            && !is_protected)
            .then_some(true),
        protected_population_record: flag(person.protected_population),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::called::ns;

    fn asked(numbers: &[&str], profile: LookupProfile, own: bool) -> Result<String, Fault> {
        let request = GetPersonsForProfile {
            person_id: numbers
                .iter()
                .map(|number| II {
                    root: region::PERSONAL.into(),
                    extension: Some((*number).into()),
                })
                .collect(),
            profile,
            ignore_referred_identity: own,
        };
        let mut out = Writer::with_capacity(1024);
        request.write_root(&mut out);
        let text = out.take();
        let mut reader = Reader::new(&text, ns::of_uri).unwrap();
        let stub = PersonsStub::new(None).unwrap();
        let mut out = Writer::with_capacity(1024);
        let contract = Interaction::Person(PersonInteraction::GetPersonsForProfile);
        stub.answer(contract, &mut reader, &mut out)?;
        Ok(out.take())
    }

    #[test]
    fn who_is_linked_to_a_main_number_is_answered_by_it_unless_that_is_ignored() {
        let own = asked(&["199001092387"], LookupProfile::P1, true).unwrap();
        assert!(own.contains("Gammalnummer") && !own.contains("Skyddh"), "{own}");
        let main = asked(&["199001092387"], LookupProfile::P1, false).unwrap();
        assert!(main.contains("Skyddh") && !main.contains("Gammalnummer"), "{main}");
        assert!(main.contains("<c:extension>199001092387</c:extension>"), "the question's echo");
    }

    #[test]
    fn a_protected_person_is_told_by_p1_whatever_is_asked_for() {
        let more = "optoutPaperNotification";
        assert!(asked(&["201212121212"], LookupProfile::P3, true).unwrap().contains(more));
        assert!(!asked(&["201212121212"], LookupProfile::P1, true).unwrap().contains(more));
        assert!(!asked(&["198901192396"], LookupProfile::P3, true).unwrap().contains(more));
    }

    #[test]
    fn there_is_an_answer_for_each_number_up_to_500() {
        let numbers = vec!["190808099808"; NUMBERS_MAX];
        let answer = asked(&numbers, LookupProfile::P1, true).unwrap();
        assert_eq!(answer.matches("<r:requestedPersonRecord>").count(), NUMBERS_MAX);
        let many = asked(&vec!["190808099808"; NUMBERS_MAX + 1], LookupProfile::P1, true);
        assert_eq!(many.unwrap_err().code, crate::soap::fault::FaultCode::Client);
        let malformed = asked(&["191212121212", "19121212"], LookupProfile::P1, true);
        assert_eq!(malformed.unwrap_err().code, crate::soap::fault::FaultCode::Client);
    }

    #[test]
    fn the_demonstrations_patients_are_there_and_one_of_them_is_protected() {
        let stub = PersonsStub::of_demo().unwrap();
        let patients = &stub.demo.unwrap().1;
        assert_eq!(patients.values().filter(|patient| patient.protected).count(), 1);
        assert!(patients.len() > 3_900);
    }
}
