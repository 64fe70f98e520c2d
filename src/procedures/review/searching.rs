//! Searching the log: what the own care provider's staff have done, each post with what the registers tell.

use crate::domain::identity::{HsaId, PatientId};
use crate::domain::log::record::LogEntry;
use crate::domain::people::person::PersonState;
use crate::domain::people::roles::Role;
use crate::domain::rejection::Rejection;
use crate::domain::review::verdict::{AccessVerdict, Remark, VerdictClass};
use crate::domain::time::Timestamp;
use crate::procedures::failure::Failure;
use crate::procedures::people::extracts::bounds;
use crate::procedures::people::looking::Viewed;
use crate::procedures::people::on_duty::{OnDuty, People};
use crate::procedures::people::persons::PersonShown;
use crate::procedures::reports::read_records;
pub use crate::store::review::search::DayFound;
use crate::store::review::search::LogCriteria;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

/// Days of one search.
const DAYS_MAX: i64 = 31;
/// The control question that says who is watched: its list is information security's (R21).
pub const WATCHED: u8 = 4;
/// Posts of one page.
pub const PAGE_POSTS: i64 = 50;

/// A search as people ask it; what is blank does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSearch {
    /// The first day.
    pub from: NaiveDate,
    /// The last.
    pub to: NaiveDate,
    /// The unit's HSA-id.
    pub unit: String,
    /// The user's.
    pub user: String,
    /// The patient's series ...
    pub patient_root: String,
    /// ... and number.
    pub patient_extension: String,
    /// The system's HSA-id.
    pub system: String,
    /// What was done.
    pub activity: String,
    /// The class of the verdict.
    pub class: String,
    /// The number of a control question.
    pub flag: String,
    /// Whether posts are counted by day.
    pub by_day: bool,
}

/// What is told of a patient's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundName {
    /// It is not known.
    Missing,
    /// It is this.
    Of(String),
    /// It is protected, or not known whether it is.
    Protected,
}

/// A post that was found.
#[derive(Debug, Clone)]
pub struct FoundPost {
    /// When.
    pub at: Timestamp,
    /// Who: id and name.
    pub user: (String, String),
    /// At which unit.
    pub unit: String,
    /// In which system.
    pub system: String,
    /// What was done.
    pub activity: String,
    /// Why.
    pub purpose: String,
    /// Whose information: patient and name.
    pub patients: Vec<(PatientId, FoundName)>,
    /// What the registers tell; `None`: the day is not judged yet.
    pub verdict: Option<AccessVerdict>,
}

impl LogSearch {
    /// The patient, if one is searched for.
    pub fn patient(&self) -> Option<PatientId> {
        PatientId::new(&self.patient_root, &self.patient_extension).ok()
    }

    fn criteria(&self, person: &OnDuty<'_>) -> Result<LogCriteria, Rejection> {
        if self.to < self.from {
            return Err(Rejection::validation("Perioden slutar innan den börjar."));
        }
        if (self.to - self.from).num_days() >= DAYS_MAX {
            return Err(Rejection::validation("Sök i högst 31 dagar åt gången."));
        }
        // What is written and cannot be read would find everything.
        let unreadable = || Rejection::validation("Ett av villkoren kan inte läsas.");
        let key = |text: &str| match text {
            "" => Ok(None),
            text => HsaId::new(text).map(|id| Some(id.key())).ok_or_else(unreadable),
        };
        let text = |text: &str| Some(text.trim().to_lowercase()).filter(|text| !text.is_empty());
        let question = match self.flag.as_str() {
            "" => None,
            text => {
                let number = text.parse::<u8>().ok().filter(|number| (1..=9).contains(number));
                Some(number.ok_or_else(unreadable)?)
            }
        };
        if question == Some(WATCHED) && !person.session.roles.contains(&Role::Security) {
            let says = "Vilka som är bevakade ser bara informationssäkerhet.";
            return Err(Rejection::validation(says));
        }
        let class = match self.class.as_str() {
            "" => None,
            text => Some(VerdictClass::named(text).ok_or_else(unreadable)?),
        };
        Ok(LogCriteria {
            interval: bounds(self.from, self.to),
            unit: key(&self.unit)?,
            user: key(&self.user)?,
            patient: self.patient().map(|patient| patient.key().to_owned()),
            system: key(&self.system)?,
            activity: text(&self.activity),
            class: class.map(|class| class.name().to_owned()),
            flag: question.map(|number| format!("q{number}-")),
        })
    }
}

impl People {
    /// Keeps a search, so that its address names nobody.
    ///
    /// # Errors
    /// What is wrong with it, or the store's.
    pub async fn keep_search(
        &self,
        person: &OnDuty<'_>,
        search: &LogSearch,
    ) -> Result<Uuid, Failure> {
        search.criteria(person)?;
        let id = (self.new_id)();
        let text = serde_json::json!(search).to_string();
        let kept = (id, text.as_str());
        let store = &self.services.store;
        store.keep_search(person.session.number, kept, self.clock.now()).await?;
        Ok(id)
    }

    /// A search of this login.
    ///
    /// # Errors
    /// The store's.
    pub async fn kept_search(
        &self,
        person: &OnDuty<'_>,
        id: Uuid,
    ) -> Result<Option<LogSearch>, Failure> {
        let found = self.services.store.kept_search(person.session.number, id).await?;
        Ok(found.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// What is found, by day.
    ///
    /// # Errors
    /// What is wrong with the search, or that it takes too long; the store's.
    pub async fn found_days(
        &self,
        person: &OnDuty<'_>,
        search: &LogSearch,
    ) -> Result<Vec<DayFound>, Failure> {
        let criteria = search.criteria(person)?;
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let store = self.context(person, "pages").store;
        let found = store.search_log_by_day(tenant, provider, &criteria).await;
        found.map_err(|error| match error.took_too_long() {
            true => too_long().into(),
            false => error.into(),
        })
    }

    /// A page of what is found, the latest first, as it was sealed; looking is logged when the patients are known, by `log`.
    ///
    /// # Errors
    /// What is wrong with the search, that it takes too long, or that what is found is not as it was sealed; the store's.
    pub async fn found_posts(
        &self,
        person: &OnDuty<'_>,
        search: &LogSearch,
        (before, skip): (Timestamp, i64),
    ) -> Result<Vec<FoundPost>, Failure> {
        let criteria = search.criteria(person)?;
        let context = self.context(person, "pages");
        let (store, provider) = (&context.store, &person.assignment.provider);
        let page = (before, skip, PAGE_POSTS);
        let places = store.search_log(person.tenant.id, provider, &criteria, page).await;
        let places = places.map_err(|error| match error.took_too_long() {
            true => Failure::from(too_long()),
            false => error.into(),
        })?;
        let Some(interval) = places.interval() else { return Ok(Vec::new()) };
        self.services.trust.allows(store, interval).await?;
        let numbers = places.numbers().to_vec();
        let kept: HashMap<i64, AccessVerdict> = store
            .verdicts_of(person.tenant.id, &numbers)
            .await?
            .into_iter()
            .filter_map(|kept| {
                let class = VerdictClass::named(&kept.class)?;
                let remarks = kept.remarks.iter().filter_map(|text| Remark::read(text)).collect();
                Some((kept.entry_number, AccessVerdict { class, remarks }))
            })
            .collect();
        // A post of a judged day of which nothing is kept is the own care provider's.
        let judged = store.are_judged(person.tenant.id, (&numbers, interval)).await?;
        let made = |records: &[LogEntry<'_>]| records.iter().map(found_post).collect::<Vec<_>>();
        let mut reading = read_records(&context, places, made).await?;
        let (mut found, mut numbers) = (Vec::new(), numbers.into_iter());
        while let Some(batch) = reading.next().await? {
            for post in batch {
                let number = numbers.next().unwrap_or_default();
                let is_own = judged.contains(&number) && !post.patients.is_empty();
                let own = || AccessVerdict { class: VerdictClass::Own, remarks: Vec::new() };
                let verdict = kept.get(&number).cloned().or_else(|| is_own.then(own));
                found.push(FoundPost { verdict, ..post });
            }
        }
        Ok(found)
    }

    /// What is found, with the names that may be shown once looking is logged.
    pub async fn shown_posts(&self, viewed: &Viewed, mut found: Vec<FoundPost>) -> Vec<FoundPost> {
        let all = found.iter().flat_map(|post| &post.patients).map(|(patient, _)| patient);
        let mut once: Vec<PatientId> = all.cloned().collect();
        once.sort_by(|a, b| a.key().cmp(b.key()));
        once.dedup();
        let asked: Vec<&PatientId> = once.iter().collect();
        let shown = self.all_shown(viewed, &asked).await;
        let by_key: HashMap<&str, &PersonShown> =
            once.iter().map(PatientId::key).zip(&shown).collect();
        for (patient, name) in found.iter_mut().flat_map(|post| &mut post.patients) {
            match by_key.get(patient.key()) {
                Some(PersonShown::FromService(PersonState::Open { name: Some(told), .. })) => {
                    *name = FoundName::Of(told.clone());
                }
                Some(
                    PersonShown::FromService(PersonState::Open { .. } | PersonState::None)
                    | PersonShown::FromLog(_),
                ) => {}
                _ => *name = FoundName::Protected,
            }
        }
        found
    }
}

fn too_long() -> Rejection {
    Rejection::validation("Sökningen tar för lång tid. Välj en kortare period eller fler villkor.")
}

fn found_post(record: &LogEntry<'_>) -> FoundPost {
    let name = |id: &str, name: Option<&str>| name.unwrap_or(id).to_owned();
    let patients = record.resources().filter_map(|resource| {
        let logged = resource.patient.as_ref()?;
        let number = logged.identity.extension?;
        let patient = PatientId::new(logged.identity.root, number).ok()?;
        let name = logged.name.map_or(FoundName::Missing, |name| FoundName::Of(name.to_owned()));
        Some((patient, name))
    });
    let mut patients: Vec<(PatientId, FoundName)> = patients.collect();
    patients.dedup_by(|a, b| a.0 == b.0);
    FoundPost {
        at: record.activity_at,
        user: (record.user.id.to_owned(), name(record.user.id, record.user.name)),
        unit: name(record.care_unit.id, record.care_unit.name),
        system: name(record.system.id, record.system.name),
        activity: record.activity_type.to_owned(),
        purpose: record.purpose.to_owned(),
        patients,
        verdict: None,
    }
}
