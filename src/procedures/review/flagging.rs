//! What the data say of visits beside their grounds: the control questions.

use super::listed_visit::ListedVisit;
use crate::domain::identity::HsaId;
use crate::domain::review::questions::{
    DAYS, Flag, VisitFacts, flags, is_near, schedule_of, surname, twice_the_median, unanswered,
};
use crate::domain::review::watch::WatchKind;
use crate::domain::time::{Timestamp, local};
use crate::procedures::failure::StoreError;
use crate::procedures::people::on_duty::People;
use crate::procedures::tenants::Tenant;
use crate::store::review::facts::{ScheduledHours, UserDay};
use crate::store::review::reviews::StoredReview;
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Days of others of the unit and of the own usual work, in the log.
const AROUND: TimeDelta = TimeDelta::days(DAYS.cast_signed());

/// Days after which the end of a watch lets a patient be named: the month that is drawn from, and its review.
const WATCHED_FOR: u64 = 62;

/// What is the same for all lists of a tenant.
#[derive(Debug, Default)]
pub struct TenantFacts {
    /// Who of the directory a patient is: employees with the care providers where they work, by keys.
    colleagues: HashMap<String, Vec<(String, Vec<String>)>>,
    /// Why a patient is watched, or was of late, by care provider and patient, by keys.
    watched: HashMap<(String, String), Vec<WatchKind>>,
    /// Who manages whom, by keys.
    pub managers: BTreeMap<String, String>,
    /// Who reviews by a plan, by keys.
    reviewers: BTreeSet<String>,
}

impl TenantFacts {
    /// What is known where nothing but managers is asked for.
    pub fn of_managers(managers: Vec<(String, String)>) -> Self {
        Self { managers: managers.into_iter().collect(), ..Self::default() }
    }

    /// Whether somebody is reviewed by another plan's reviewer, as the one who manages the employee (R5).
    pub fn is_of_another(&self, employee: &str, review: &StoredReview) -> bool {
        let own = review.reviewer_id.as_deref().and_then(HsaId::new).map(|id| id.key());
        self.managers.get(employee).is_some_and(|manager| {
            Some(manager) != own.as_ref() && self.reviewers.contains(manager)
        })
    }

    /// Whether a care provider watches a patient, or has of late.
    pub fn is_watched(&self, provider: &str, patient: &str) -> bool {
        self.watched.contains_key(&(provider.to_owned(), patient.to_owned()))
    }
}

/// What a visit's control questions come to: flags, and the questions that stay the reviewer's.
pub type Questions = (Vec<Flag>, Vec<u8>);

impl People {
    /// What is the same for all lists of a tenant now.
    ///
    /// # Errors
    /// The store's.
    pub async fn tenant_facts(
        &self,
        tenant: &Tenant,
        now: Timestamp,
    ) -> Result<TenantFacts, StoreError> {
        let store = &self.services.store;
        let (numbers, watched, managers, plans) = tokio::try_join!(
            store.staff_numbers(tenant.id),
            store.watched(tenant.id, local(now).date() - Days::new(WATCHED_FOR)),
            store.managers(tenant.id, None),
            store.review_plans(tenant.id, None)
        )?;
        let mut colleagues: HashMap<String, Vec<(String, Vec<String>)>> = HashMap::new();
        for row in numbers {
            colleagues.entry(row.person_key).or_default().push((row.employee_key, row.providers));
        }
        let mut watches: HashMap<(String, String), Vec<WatchKind>> = HashMap::new();
        for (provider, patient, kind) in watched {
            watches.entry((provider, patient)).or_default().extend(WatchKind::named(&kind));
        }
        Ok(TenantFacts {
            colleagues,
            watched: watches,
            managers: managers.into_iter().collect(),
            reviewers: plans
                .iter()
                .filter_map(|plan| HsaId::new(&plan.reviewer_id).map(|id| id.key()))
                .collect(),
        })
    }

    /// The control questions of visits (Q1 to Q9), in their order, each asked of the unit that its posts name.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn questions_by_unit(
        &self,
        tenant: &Tenant,
        provider: &HsaId,
        visits: &[ListedVisit],
        facts: &TenantFacts,
    ) -> Result<Vec<Questions>, StoreError> {
        let units: BTreeSet<&str> = visits.iter().map(|visit| visit.unit.as_str()).collect();
        let mut asked: Vec<Questions> = vec![Questions::default(); visits.len()];
        for unit in units {
            let of_unit = visits.iter().enumerate().filter(|(_, visit)| visit.unit == unit);
            let (places, own): (Vec<usize>, Vec<ListedVisit>) =
                of_unit.map(|(at, visit)| (at, visit.clone())).unzip();
            let questions = self.questions(tenant, (provider, unit), &own, facts).await?;
            for (at, questions) in places.into_iter().zip(questions) {
                asked[at] = questions;
            }
        }
        Ok(asked)
    }

    /// The control questions of visits at a unit, in their order.
    async fn questions(
        &self,
        tenant: &Tenant,
        (provider, unit): (&HsaId, &str),
        visits: &[ListedVisit],
        facts: &TenantFacts,
    ) -> Result<Vec<Questions>, StoreError> {
        let Some(first) = visits.iter().map(|visit| visit.first_at).min() else {
            return Ok(Vec::new());
        };
        let last = visits.iter().map(|visit| visit.last_at).max().unwrap_or(first);
        let store = &self.services.store;
        let unique = |keys: BTreeSet<String>| keys.into_iter().collect::<Vec<String>>();
        let patients = unique(visits.iter().map(|visit| visit.patient.key().to_owned()).collect());
        let users = unique(visits.iter().map(|visit| visit.employee_key.clone()).collect());
        let surnames =
            unique(visits.iter().filter_map(|visit| surname(&visit.employee_name)).collect());
        let days = (local(first - AROUND).date(), local(last).date());
        let (readers, user_days, hours, schedule, planned, counts) = tokio::try_join!(
            store.readers_at_unit(
                tenant.id,
                unit,
                &patients,
                (first - AROUND, last + AROUND),
                &self.system.0
            ),
            store.user_days(tenant.id, &users, days),
            store.opening_hours(tenant.id, unit),
            store.scheduled_hours(
                tenant.id,
                &users,
                (first - TimeDelta::days(1), last + TimeDelta::days(1))
            ),
            store.scheduled_times(tenant.id, &users),
            store.surname_counts(tenant.id, &surnames),
        )?;
        let read = ReadFacts {
            readers,
            hours,
            counts,
            patients: of_days(&user_days),
            shifts: of_hours(schedule),
            planned,
            listed: of_list(visits),
        };
        let of = (&provider.key(), self.review.sensitive.as_slice());
        Ok(visits.iter().map(|visit| asked(visit, of, facts, &read)).collect())
    }
}

/// What was read for a list.
struct ReadFacts {
    readers: HashMap<String, Vec<(String, Vec<NaiveDate>)>>,
    hours: Option<(NaiveTime, NaiveTime)>,
    counts: HashMap<String, u32>,
    /// Patients of judged days, by user and day.
    patients: HashMap<String, HashMap<NaiveDate, u32>>,
    shifts: HashMap<String, Vec<(Timestamp, Timestamp)>>,
    /// From when to when anybody's hours are known at all.
    planned: HashMap<String, (Timestamp, Timestamp)>,
    /// Patients of this very list: they count where the day is not judged yet.
    listed: HashMap<(String, NaiveDate), HashSet<String>>,
}

fn of_days(rows: &[UserDay]) -> HashMap<String, HashMap<NaiveDate, u32>> {
    let mut by_user: HashMap<String, HashMap<NaiveDate, u32>> = HashMap::new();
    for row in rows {
        let patients = u32::try_from(row.patients).unwrap_or(0);
        by_user.entry(row.user_key.clone()).or_default().insert(row.day, patients);
    }
    by_user
}

fn of_hours(rows: Vec<ScheduledHours>) -> HashMap<String, Vec<(Timestamp, Timestamp)>> {
    let mut shifts: HashMap<String, Vec<(Timestamp, Timestamp)>> = HashMap::new();
    for row in rows {
        shifts.entry(row.employee_key).or_default().push((row.from_at, row.to_at));
    }
    shifts
}

fn of_list(visits: &[ListedVisit]) -> HashMap<(String, NaiveDate), HashSet<String>> {
    let mut listed: HashMap<(String, NaiveDate), HashSet<String>> = HashMap::new();
    for visit in visits {
        let key = (visit.employee_key.clone(), local(visit.first_at).date());
        listed.entry(key).or_default().insert(visit.patient.key().to_owned());
    }
    listed
}

/// The questions of one visit.
fn asked(
    visit: &ListedVisit,
    (provider, sensitive): (&String, &[String]),
    facts: &TenantFacts,
    read: &ReadFacts,
) -> Questions {
    let (user, patient) = (visit.employee_key.as_str(), visit.patient.key());
    let day = local(visit.first_at).date();
    let others = read.readers.get(patient);
    let time = (visit.first_at, visit.last_at);
    let is_other = |(other, days): &(String, Vec<NaiveDate>)| {
        other != user && days.iter().any(|day| is_near(*day, time))
    };
    let days = read.patients.get(user);
    let usual = days.and_then(|days| {
        let since = day - Days::new(DAYS);
        let before = days.iter().filter(|(on, _)| since <= **on && **on < day);
        twice_the_median(before.map(|(_, patients)| *patients).collect())
    });
    let judged = days.and_then(|days| days.get(&day)).copied();
    let in_list = read.listed.get(&(user.to_owned(), day)).map_or(0, HashSet::len);
    let that_day = judged.unwrap_or(0).max(u32::try_from(in_list).unwrap_or(u32::MAX));
    let watch = facts.watched.get(&(provider.clone(), patient.to_owned()));
    let hours = read.shifts.get(user).map(Vec::as_slice).unwrap_or_default();
    let staff = facts.colleagues.get(patient).map(Vec::as_slice).unwrap_or_default();
    let counted = surname(&visit.employee_name).and_then(|own| {
        Some((read.counts.get(&own).copied().unwrap_or(0), read.counts.get("").copied()?))
    });
    let about = VisitFacts {
        class: Some(visit.verdict.class),
        purposes: visit.purposes.iter().map(String::as_str).collect(),
        activities: visit.activities.iter().map(String::as_str).collect(),
        kinds: visit.kinds.iter().map(String::as_str).collect(),
        sensitive,
        others_read: Some(others.into_iter().flatten().any(is_other)),
        names: visit.patient_name.as_deref().map(|name| (visit.employee_name.as_str(), name)),
        surname: counted,
        is_own: staff.iter().any(|(employee, _)| employee == user) || visit.is_own,
        is_watched: watch.into_iter().flatten().any(|kind| *kind != WatchKind::Protected),
        is_colleague: staff.iter().any(|(_, providers)| providers.contains(provider)),
        time: Some(time),
        schedule: schedule_of(hours, read.planned.get(user).copied(), time),
        hours: read.hours,
        patients: usual.map(|usual| (that_day, usual)),
    };
    (flags(&about), unanswered(&about))
}
