//! Posts and visits that are to be listed, as they were read.

use crate::domain::identity::{AccessingActor, HsaId, PatientId};
use crate::domain::log::record::LogEntry;
use crate::domain::review::lawfulness::LoggedAccess;
use crate::domain::review::verdict::{AccessVerdict, VerdictClass};
use crate::domain::review::visit::is_of_review;
use crate::domain::time::Timestamp;
use crate::store::review::emergencies::EmergencyRow;
use std::collections::BTreeMap;

/// The activity of an emergency.
pub(super) const EMERGENCY: &str = "Nödöppning";

/// A visit that is to be listed.
#[derive(Debug, Clone)]
pub(super) struct ListedVisit {
    /// The key of the unit that its posts name.
    pub unit: String,
    pub employee_id: String,
    pub employee_key: String,
    pub employee_name: String,
    pub title: String,
    /// Whether a post says that user and patient are one person.
    pub is_own: bool,
    pub patient: PatientId,
    pub patient_name: Option<String>,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub purposes: Vec<String>,
    pub activities: Vec<String>,
    pub kinds: Vec<String>,
    pub posts: BTreeMap<i64, Timestamp>,
    pub verdict: AccessVerdict,
}

/// A post about a patient.
#[derive(Debug, Clone)]
pub(super) struct ListedPost {
    pub number: i64,
    /// The key of the unit that it names.
    pub unit: String,
    pub at: Timestamp,
    pub employee: (String, String),
    pub title: String,
    pub person_key: Option<String>,
    pub patient: PatientId,
    pub patient_name: Option<String>,
    pub purpose: String,
    pub activity: String,
    pub kinds: Vec<String>,
    pub accesses: Vec<LoggedAccess>,
}

/// What a record says of patients: a post for each of them; of what the review's own pages log, none.
pub(super) fn listed_posts(record: &LogEntry<'_>, own_system: &HsaId) -> Vec<ListedPost> {
    let mut posts: Vec<ListedPost> = Vec::new();
    if is_of_review(record, own_system) {
        return posts;
    }
    let Some(actor) = actor_of(record) else { return posts };
    for resource in record.resources() {
        let Some(logged) = &resource.patient else { continue };
        let number = logged.identity.extension.unwrap_or_default();
        let Ok(patient) = PatientId::new(logged.identity.root, number) else { continue };
        let Some(holder) = HsaId::new(resource.care_provider.id) else { continue };
        let access = LoggedAccess {
            patient: patient.clone(),
            actor: actor.clone(),
            at: record.activity_at,
            purpose: record.purpose.to_owned(),
            activity: record.activity_type.to_owned(),
            holder,
            holder_unit: resource.care_unit.and_then(|unit| HsaId::new(unit.id)),
            resource_type: resource.resource_type.to_owned(),
        };
        let at = posts.iter().position(|post| post.patient == patient);
        let at = at.unwrap_or_else(|| {
            let person = record.person.as_ref();
            let person = person.and_then(|id| PatientId::new(id.root, id.extension?).ok());
            posts.push(ListedPost {
                number: 0,
                unit: actor.care_unit.key(),
                at: record.activity_at,
                employee: (
                    record.user.id.to_owned(),
                    record.user.name.unwrap_or(record.user.id).to_owned(),
                ),
                title: record.title.unwrap_or_default().to_owned(),
                person_key: person.map(|person| person.key().to_owned()),
                patient,
                patient_name: None,
                purpose: record.purpose.to_owned(),
                activity: record.activity_type.to_owned(),
                kinds: Vec::new(),
                accesses: Vec::new(),
            });
            posts.len() - 1
        });
        let post = &mut posts[at];
        post.patient_name = post.patient_name.take().or_else(|| logged.name.map(str::to_owned));
        post.kinds.push(resource.resource_type.to_owned());
        post.kinds.extend(resource.care_unit.map(|unit| unit.id.to_owned()));
        post.accesses.push(access);
    }
    posts
}

fn actor_of(record: &LogEntry<'_>) -> Option<AccessingActor> {
    Some(AccessingActor {
        employee: HsaId::new(record.user.id)?,
        care_provider: HsaId::new(record.care_provider.id)?,
        care_unit: HsaId::new(record.care_unit.id)?,
    })
}

/// What was registered in an emergency and read by nobody: a visit without posts (R20).
pub(super) fn without_posts(row: &EmergencyRow, visits: &[ListedVisit]) -> Option<ListedVisit> {
    let patient = PatientId::new(&row.patient_root, &row.patient_extension).ok()?;
    let employee = HsaId::new(&row.employee_id)?;
    let has_read = visits
        .iter()
        .any(|visit| visit.employee_key == employee.key() && visit.patient.key() == patient.key());
    let unit = HsaId::new(&row.unit_id)?.key();
    (!has_read).then(|| ListedVisit {
        unit,
        employee_id: row.employee_id.clone(),
        employee_key: employee.key(),
        employee_name: row.employee_id.clone(),
        title: String::new(),
        is_own: false,
        patient,
        patient_name: None,
        first_at: row.stored_at,
        last_at: row.stored_at,
        purposes: Vec::new(),
        activities: vec![EMERGENCY.to_owned()],
        kinds: Vec::new(),
        posts: BTreeMap::new(),
        verdict: AccessVerdict { class: VerdictClass::Emergency, remarks: Vec::new() },
    })
}
