//! Reviews as people see them: which there are, their lists, the full log of a visit.

use super::flagging::TenantFacts;
use super::listing::reviewers_of;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::log::record::LogEntry;
use crate::domain::log::report::{ReportQuestion, ReportSubject};
use crate::domain::people::number;
use crate::domain::people::person::PersonState;
use crate::domain::people::roles::Role;
use crate::domain::rejection::Rejection;
use crate::domain::review::lawfulness::{LoggedAccess, verdict};
use crate::domain::review::lifecycle::may_see;
use crate::domain::review::verdict::AccessVerdict;
use crate::domain::review::visit::{Judge, ListedPatient, WhoJudges, full_log, listed, may_judge};
use crate::domain::time::Timestamp;
use crate::procedures::failure::Failure;
use crate::procedures::judging::{PatientRegisters, complete_from, registers_of};
use crate::procedures::people::looking::Viewed;
use crate::procedures::people::on_duty::{OnDuty, People};
use crate::procedures::people::persons::PersonShown;
use crate::procedures::reports::read_records;
use crate::store::review::reviews::AskedReviews;
pub use crate::store::review::reviews::StoredReview;
pub use crate::store::review::visits::{DrawnRow, StoredVisit};
use chrono::{NaiveDate, TimeDelta};
use std::collections::{BTreeSet, HashMap};

/// Reviews of one page.
pub const PAGE_REVIEWS: i64 = 50;
/// Visits of one page.
pub const PAGE_VISITS: i64 = 200;
/// Log records around one visit.
const AROUND_MAX: usize = 2_000;
/// How long a reason for the full log holds.
const DISCLOSED_FOR: TimeDelta = TimeDelta::hours(1);

/// A post of the full log.
#[derive(Debug, Clone)]
pub struct FullPost {
    /// When.
    pub at: Timestamp,
    /// What was done, and at which level.
    pub activity: (String, String),
    /// What else is told.
    pub args: String,
    /// Why.
    pub purpose: String,
    /// In which system.
    pub system: String,
    /// At which unit.
    pub unit: String,
    /// What was read of the patient: kind, unit or provider that holds it, and what the registers tell.
    pub parts: Vec<(String, String, AccessVerdict)>,
    /// Whether it belongs to the visit, and not only to the hour around it.
    pub is_of_visit: bool,
}

impl People {
    /// Whether somebody administers the log.
    pub(super) fn is_log_admin(person: &OnDuty<'_>) -> bool {
        person.session.roles.contains(&Role::LogAdmin)
    }

    /// The key of who asks, where that person sees the own units' reviews only.
    fn bounded(person: &OnDuty<'_>) -> Option<String> {
        let sees_all = [Role::LogAdmin, Role::Auditor];
        let is_bounded = sees_all.iter().all(|role| !person.session.roles.contains(role));
        is_bounded.then(|| person.session.employee.key())
    }

    /// Reviews that somebody may see, the latest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn reviews(
        &self,
        person: &OnDuty<'_>,
        (which, unit, before): (&str, Option<String>, Option<i64>),
    ) -> Result<Vec<StoredReview>, Failure> {
        let asked = AskedReviews {
            reviewer: Self::bounded(person),
            asker: person.session.employee.key(),
            which: which.to_owned(),
            unit,
            before,
        };
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        Ok(self.services.store.reviews(tenant, provider, &asked, PAGE_REVIEWS + 1).await?)
    }

    /// The systematic reviews of a year that somebody may see, by unit and month.
    ///
    /// # Errors
    /// The store's.
    pub async fn calendar(
        &self,
        person: &OnDuty<'_>,
        since: NaiveDate,
    ) -> Result<Vec<StoredReview>, Failure> {
        let bounded = Self::bounded(person);
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let store = &self.services.store;
        Ok(store.reviews_since(tenant, provider, bounded.as_deref(), since).await?)
    }

    /// How many reviews wait for somebody, and how many of them have lapsed.
    ///
    /// # Errors
    /// The store's.
    pub async fn waiting_reviews(&self, person: &OnDuty<'_>) -> Result<(i64, i64), Failure> {
        let own = person.session.employee.key();
        let bounded = Self::bounded(person);
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let store = &self.services.store;
        Ok(store.waiting_reviews(tenant, provider, bounded.as_deref(), &own).await?)
    }

    /// A review that somebody may see: of the own units, or all for who administers the log; not about oneself (R18).
    ///
    /// # Errors
    /// The store's.
    pub async fn review(
        &self,
        person: &OnDuty<'_>,
        number: i64,
    ) -> Result<Option<StoredReview>, Failure> {
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let own = person.session.employee.key();
        let found = self.services.store.review(tenant, provider, number, &own).await?;
        let Some(review) = found else { return Ok(None) };
        let key = |id: &Option<String>| id.as_deref().and_then(HsaId::new).map(|id| id.key());
        let is_theirs = Self::is_log_admin(person)
            || [&review.reviewer_id, &review.deputy_id]
                .iter()
                .any(|id| key(id).as_deref() == Some(&own));
        let may = is_theirs && may_see(key(&review.subject_employee).as_deref(), &own).is_ok();
        Ok(may.then_some(review))
    }

    /// A systematic review whose draw somebody may check: an auditor any, others those that they may see.
    ///
    /// # Errors
    /// The store's.
    pub async fn review_for_proof(
        &self,
        person: &OnDuty<'_>,
        number: i64,
    ) -> Result<Option<StoredReview>, Failure> {
        if !person.session.roles.contains(&Role::Auditor) {
            return self.review(person, number).await;
        }
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let own = person.session.employee.key();
        let found = self.services.store.review(tenant, provider, number, &own).await?;
        Ok(found.filter(|review| review.notice.is_some()))
    }

    /// A page of a review's visits: those that are left, flagged, judged, or all.
    ///
    /// # Errors
    /// The store's.
    pub async fn visits(
        &self,
        review: &StoredReview,
        only: &str,
        skip: i64,
    ) -> Result<Vec<StoredVisit>, Failure> {
        let page = (skip, PAGE_VISITS + 1);
        Ok(self.services.store.visits_of_review(review.review_number, page, only).await?)
    }

    /// All visits of a review.
    ///
    /// # Errors
    /// The store's.
    pub async fn all_visits(&self, review: &StoredReview) -> Result<Vec<StoredVisit>, Failure> {
        let page = (0, 50_000);
        Ok(self.services.store.visits_of_review(review.review_number, page, "all").await?)
    }

    /// A visit of a review.
    ///
    /// # Errors
    /// The store's.
    pub async fn visit(
        &self,
        review: &StoredReview,
        visit: i64,
    ) -> Result<Option<StoredVisit>, Failure> {
        Ok(self.services.store.visit(review.review_number, visit).await?)
    }

    /// Who manages a review's reviewer, for who may judge what.
    ///
    /// # Errors
    /// The store's.
    pub async fn who_manages(
        &self,
        person: &OnDuty<'_>,
        review: &StoredReview,
    ) -> Result<TenantFacts, Failure> {
        let reviewer = review.reviewer_id.as_deref().and_then(HsaId::new).map(|id| id.key());
        let of: Vec<String> = reviewer.into_iter().collect();
        let managers = self.services.store.managers(person.tenant.id, Some(&of)).await?;
        Ok(TenantFacts::of_managers(managers))
    }

    /// Whether somebody may judge a visit, by who manages whom (R10, R11).
    ///
    /// # Errors
    /// Why not.
    pub fn may_judge(
        person: &OnDuty<'_>,
        review: &StoredReview,
        visit: &StoredVisit,
        facts: &TenantFacts,
    ) -> Result<(), Failure> {
        let own = person.session.employee.key();
        let is_log_admin = Self::is_log_admin(person);
        let who = WhoJudges { employee: &own, is_log_admin };
        let of = reviewers_of(review, facts);
        Ok(may_judge(who, Judge::named(&visit.given_to), &of, &visit.employee_key)?)
    }

    /// Who the patients of visits are, as the list tells it (R8).
    pub async fn listed_patients(
        &self,
        viewed: &Viewed,
        visits: &[StoredVisit],
    ) -> Vec<ListedPatient> {
        let patients: Vec<PatientId> = visits.iter().map(patient_of).collect();
        let mut once: Vec<&PatientId> = patients.iter().collect();
        once.sort_by(|a, b| a.key().cmp(b.key()));
        once.dedup();
        let shown = self.all_shown(viewed, &once).await;
        let by_key: HashMap<&str, &PersonShown> =
            once.iter().map(|patient| patient.key()).zip(&shown).collect();
        let told = visits.iter().zip(&patients).map(|(visit, patient)| {
            let born = number::birth_of(patient);
            let from_log = visit.patient_name.clone();
            match by_key.get(patient.key()) {
                Some(PersonShown::FromService(PersonState::Open { name, born: told, .. })) => {
                    listed(visit.is_watched, true, name.clone().or(from_log), born.or(*told))
                }
                Some(PersonShown::FromService(PersonState::None) | PersonShown::FromLog(_)) => {
                    listed(visit.is_watched, true, from_log, born)
                }
                _ => listed(visit.is_watched, false, None, None),
            }
        });
        told.map(|patient| match patient {
            ListedPatient::Named(name, born) if self.review.initials => {
                ListedPatient::Named(name.as_deref().map(initials), born)
            }
            patient => patient,
        })
        .collect()
    }

    /// Opens the full log of a visit, with a reason (R9).
    ///
    /// # Errors
    /// What is lacking, or the store's.
    pub async fn disclose(
        &self,
        person: &OnDuty<'_>,
        visit: &StoredVisit,
        (reason, text): (&str, &str),
    ) -> Result<(), Failure> {
        full_log((visit.first_at, visit.last_at), reason, text)?;
        if visit.employee_key == person.session.employee.key() {
            let says = "Ingen granskar sina egna åtkomster.";
            return Err(Rejection::validation(says).into());
        }
        let (by, now) = (&person.session.employee, self.clock.now());
        let store = &self.services.store;
        Ok(store.disclose(visit.visit_number, (reason, text.trim()), by, now).await?)
    }

    /// Why somebody has opened the full log of a visit within the hour.
    ///
    /// # Errors
    /// The store's.
    pub async fn disclosed(
        &self,
        person: &OnDuty<'_>,
        visit: &StoredVisit,
    ) -> Result<Option<(String, String)>, Failure> {
        let since = self.clock.now() - DISCLOSED_FOR;
        let by = &person.session.employee;
        Ok(self.services.store.disclosed(visit.visit_number, by, since).await?)
    }

    /// The full log of a visit, with an hour around it, as it was sealed.
    ///
    /// # Errors
    /// That it cannot be shown to be as it was sealed; the store's.
    pub async fn full_posts(
        &self,
        person: &OnDuty<'_>,
        visit: &StoredVisit,
        (reason, text): (&str, &str),
        _viewed: &Viewed,
    ) -> Result<Vec<FullPost>, Failure> {
        let (from, to) = full_log((visit.first_at, visit.last_at), reason, text)?;
        let context = self.context(person, "pages");
        let (store, patient) = (&context.store, patient_of(visit));
        let subject = ReportSubject::Staff {
            owner: person.assignment.provider.clone(),
            patient: Some(patient.clone()),
            user: HsaId::new(&visit.employee_id),
            unit: None,
        };
        let question = ReportQuestion::new(subject, from, to)?;
        let Some(places) = store.find_records(person.tenant.id, &question, AROUND_MAX).await?
        else {
            return Err(Rejection::validation(
                "Tillfället har för många poster för en sida. Ta fram en loggrapport.",
            )
            .into());
        };
        self.services.trust.allows(store, (from, to)).await?;
        let numbers = places.numbers().to_vec();
        let own: BTreeSet<i64> = store.posts_of_visit(visit.visit_number).await?;
        let key = patient.key().to_owned();
        let registers = registers_of(store, person.tenant.id, std::slice::from_ref(&key)).await?;
        let years = self.retention.blocks.years.min(self.retention.assertions.years);
        let complete = complete_from(store, person.tenant.id, years, context.now).await?;
        let tenant = person.tenant.clone();
        let made = move |records: &[LogEntry<'_>]| {
            let holds = |provider: &HsaId| tenant.may_hold(provider).is_ok();
            let none = PatientRegisters::default();
            let facts = registers.get(&key).unwrap_or(&none).facts(complete, &holds);
            let verdict = |access: &LoggedAccess| verdict(access, &facts);
            records.iter().map(|record| full_post(record, &patient, verdict)).collect::<Vec<_>>()
        };
        let mut reading = read_records(&context, places, made).await?;
        let (mut posts, mut numbers) = (Vec::new(), numbers.into_iter());
        while let Some(batch) = reading.next().await? {
            for post in batch {
                let is_of_visit = numbers.next().is_some_and(|number| own.contains(&number));
                posts.push(FullPost { is_of_visit, ..post });
            }
        }
        Ok(posts)
    }
}

/// The patient of a visit.
pub fn patient_of(visit: &StoredVisit) -> PatientId {
    let part = |text: &String| text.clone();
    PatientId::kept(
        part(&visit.patient_root),
        part(&visit.patient_extension),
        part(&visit.patient_key),
    )
}

fn initials(name: &str) -> String {
    let first = name.split_whitespace().filter_map(|word| word.chars().next());
    first.map(|letter| format!("{letter}.")).collect::<Vec<_>>().join(" ")
}

fn full_post(
    record: &LogEntry<'_>,
    patient: &PatientId,
    verdict: impl Fn(&LoggedAccess) -> AccessVerdict,
) -> FullPost {
    let name = |id: &str, name: Option<&str>| name.unwrap_or(id).to_owned();
    let of = |resource: &&crate::domain::log::record::Resource<'_>| {
        resource.patient.as_ref().is_some_and(|logged| logged.key == patient.key())
    };
    let parts = record.resources().filter(of).filter_map(|resource| {
        let access = crate::procedures::people::readers::access(record, resource, patient)?;
        let holder = resource.care_unit.unwrap_or(resource.care_provider);
        let told = verdict(&access);
        Some((resource.resource_type.to_owned(), name(holder.id, holder.name), told))
    });
    FullPost {
        at: record.activity_at,
        activity: (
            record.activity_type.to_owned(),
            record.activity_level.unwrap_or_default().to_owned(),
        ),
        args: record.activity_args.unwrap_or_default().to_owned(),
        purpose: record.purpose.to_owned(),
        system: name(record.system.id, record.system.name),
        unit: name(record.care_unit.id, record.care_unit.name),
        parts: parts.collect(),
        is_of_visit: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_the_first_letters() {
        assert_eq!(initials("Eva Maria Sand"), "E. M. S.");
        assert_eq!(initials(""), "");
    }
}
