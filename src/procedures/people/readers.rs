//! *Vem har läst*: visits to a patient's information, each with what the registers tell of its ground.

use super::looking::{StoredLookup, Viewed};
use super::on_duty::{OnDuty, People};
use crate::domain::identity::{AccessingActor, HsaId, PatientId};
use crate::domain::log::record::{LogEntry, Resource};
use crate::domain::log::report::{ReportQuestion, ReportSubject};
use crate::domain::rejection::Rejection;
use crate::domain::review::lawfulness::{LoggedAccess, RegisterFacts, of_post, verdict};
use crate::domain::review::verdict::{AccessVerdict, VerdictClass};
use crate::domain::review::visit::in_visits;
use crate::domain::time::Timestamp;
use crate::procedures::failure::Failure;
use crate::procedures::judging::{PatientRegisters, complete_from, registers_of};
use crate::procedures::reports::read_records;

/// Log records of one page.
const RECORDS_MAX: usize = 10_000;

/// A visit (åtkomsttillfälle): one user's posts about one patient with gaps of at most thirty minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientVisit {
    /// Who, as the log has it.
    pub user: (String, String),
    /// The user's title.
    pub title: String,
    /// The unit's name.
    pub unit: String,
    /// The care provider's name.
    pub provider: String,
    /// The first post.
    pub begins: Timestamp,
    /// The last one.
    pub ends: Timestamp,
    /// How many posts.
    pub posts: usize,
    /// The gravest verdict.
    pub verdict: AccessVerdict,
}

/// A post about the patient, with its verdict.
struct JudgedPost {
    user: (String, String),
    title: String,
    unit: String,
    provider: String,
    at: Timestamp,
    verdict: AccessVerdict,
}

impl People {
    /// Visits to a patient's information that this care provider holds or has looked at, the latest first; of one class only,
    /// if one is named.
    ///
    /// # Errors
    /// That there are too many, or that they cannot be shown to be as they were sealed; the store's.
    pub async fn readers(
        &self,
        person: &OnDuty<'_>,
        lookup: &StoredLookup,
        _logged: &Viewed,
        (from, to): (Timestamp, Timestamp),
        class: Option<VerdictClass>,
    ) -> Result<Vec<PatientVisit>, Failure> {
        let context = self.context(person, "pages");
        let (store, patient) = (&context.store, lookup.patient.clone());
        let question = ReportQuestion::new(ReportSubject::Patient(patient.clone()), from, to)?;
        let places = store.find_records(person.tenant.id, &question, RECORDS_MAX).await?;
        let places = places.ok_or_else(|| {
            Rejection::validation("Perioden har för många loggposter. Välj en kortare tid.")
        })?;
        self.services.trust.allows(store, (from, to)).await?;
        let key = patient.key().to_owned();
        let registers = registers_of(store, person.tenant.id, std::slice::from_ref(&key)).await?;
        let years = self.retention.blocks.years.min(self.retention.assertions.years);
        let complete = complete_from(store, person.tenant.id, years, context.now).await?;
        let (provider, tenant) = (person.assignment.provider.clone(), person.tenant.clone());
        let judged = move |records: &[LogEntry<'_>]| {
            let holds = |provider: &HsaId| tenant.may_hold(provider).is_ok();
            let none = PatientRegisters::default();
            let facts = registers.get(&key).unwrap_or(&none).facts(complete, &holds);
            let post = |record: &LogEntry<'_>| judged(record, &patient, &provider, &facts);
            records.iter().filter_map(post).collect::<Vec<JudgedPost>>()
        };
        let mut reading = read_records(&context, places, judged).await?;
        let mut posts = Vec::new();
        while let Some(batch) = reading.next().await? {
            posts.extend(batch);
        }
        let mut found = visits(posts);
        found.retain(|visit| class.is_none_or(|class| visit.verdict.class == class));
        Ok(found)
    }
}

/// A post with its verdict (V1), if it is about the patient and the provider's matter: its staff looked, or at what it holds.
fn judged(
    record: &LogEntry<'_>,
    patient: &PatientId,
    provider: &HsaId,
    facts: &RegisterFacts<'_>,
) -> Option<JudgedPost> {
    let own = HsaId::new(record.care_provider.id).as_ref() == Some(provider);
    let is_told = |resource: &&Resource<'_>| {
        let of = resource.patient.as_ref().map(|patient| patient.key.as_str());
        let holds = || HsaId::new(resource.care_provider.id).as_ref() == Some(provider);
        of == Some(patient.key()) && (own || holds())
    };
    let resources = record.resources().filter(is_told);
    let verdicts = resources.filter_map(|resource| {
        let access = access(record, resource, patient)?;
        Some(verdict(&access, facts))
    });
    let name = |id: &str, name: Option<&str>| name.unwrap_or(id).to_owned();
    let verdict = of_post(verdicts)?;
    Some(JudgedPost {
        user: (record.user.id.to_owned(), name(record.user.id, record.user.name)),
        title: record.title.unwrap_or_default().to_owned(),
        unit: name(record.care_unit.id, record.care_unit.name),
        provider: name(record.care_provider.id, record.care_provider.name),
        at: record.activity_at,
        verdict,
    })
}

/// An access to a patient's resource, as a verdict takes it.
pub fn access(
    record: &LogEntry<'_>,
    resource: &Resource<'_>,
    patient: &PatientId,
) -> Option<LoggedAccess> {
    Some(LoggedAccess {
        patient: patient.clone(),
        actor: AccessingActor {
            employee: HsaId::new(record.user.id)?,
            care_provider: HsaId::new(record.care_provider.id)?,
            care_unit: HsaId::new(record.care_unit.id)?,
        },
        at: record.activity_at,
        purpose: record.purpose.to_owned(),
        activity: record.activity_type.to_owned(),
        holder: HsaId::new(resource.care_provider.id)?,
        holder_unit: resource.care_unit.and_then(|unit| HsaId::new(unit.id)),
        resource_type: resource.resource_type.to_owned(),
    })
}

/// Posts as visits, the latest first (R6); who works at two units has visits at both.
fn visits(posts: Vec<JudgedPost>) -> Vec<PatientVisit> {
    let whose = |post: &JudgedPost| (post.user.0.clone(), post.unit.clone());
    let visit = |posts: Vec<JudgedPost>| {
        let (begins, ends) = (posts.first()?.at, posts.last()?.at);
        let count = posts.len();
        let gravest = posts.into_iter().min_by_key(|post| post.verdict.class)?;
        Some(PatientVisit {
            user: gravest.user,
            title: gravest.title,
            unit: gravest.unit,
            provider: gravest.provider,
            begins,
            ends,
            posts: count,
            verdict: gravest.verdict,
        })
    };
    let visits = in_visits(posts, whose, |post| post.at);
    let mut found: Vec<PatientVisit> = visits.into_iter().filter_map(visit).collect();
    found.sort_by(|a, b| (b.begins, &b.user.0).cmp(&(a.begins, &a.user.0)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn r6_a_gap_of_more_than_thirty_minutes_is_a_new_visit() {
        let begin: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let post = |user: &str, minute: i64, class| JudgedPost {
            user: (user.to_owned(), String::new()),
            title: String::new(),
            unit: "U".to_owned(),
            provider: "V".to_owned(),
            at: begin + TimeDelta::minutes(minute),
            verdict: AccessVerdict { class, remarks: Vec::new() },
        };
        let (own, none) = (VerdictClass::Own, VerdictClass::NoGround);
        let found = visits(vec![
            post("p", 61, own),
            post("p", 0, own),
            post("q", 10, own),
            post("p", 30, none),
        ]);
        let told: Vec<_> =
            found.iter().map(|v| (v.user.0.as_str(), v.posts, v.verdict.class)).collect();
        assert_eq!(told, [("p", 1, own), ("q", 1, own), ("p", 2, none)]);
    }
}
