//! Log records: wire to domain, borrowed all the way to the store's rows.

use crate::contracts::convert::{hsa_id, instant, record_id};
use crate::contracts::generated::log::v2 as wire;
use crate::contracts::place::Place;
use crate::contracts::tenants::Tenant;
use crate::domain::log::{
    IdHash, Identity, LogEntry, Organisation, Repetition, Resource, check_count,
};
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Timestamp};
use crate::soap::xml::{Rule, Text};
use crate::store::EncodedLog;
use std::collections::HashMap;

/// The records of a call, checked and ready to be stored.
///
/// # Errors
/// The first value that breaks a rule.
pub(super) fn encoded(
    request: &wire::StoreLog<'_>,
    tenant: &Tenant,
    now: Timestamp,
) -> Result<EncodedLog, Rejection> {
    let root = Place::root("StoreLog");
    let count = request.log.len();
    check_count(count)?;
    let mut encoded = EncodedLog::with_capacity(count);
    let mut seen: HashMap<IdHash, usize> = HashMap::with_capacity(count);
    let mut entries = Vec::with_capacity(count);
    for (index, log) in request.log.iter().enumerate() {
        let place = root.item("log", index + 1);
        let id = record_id(place.child("logId"), &log.log_id)?;
        let entry = entry(place, log)?;
        let owner = place.child("user");
        tenant.may_hold(&hsa_id(owner.child("careProvider"), entry.care_provider.id)?)?;
        let first = *seen.entry(IdHash::of(&id)).or_insert(index);
        if first == index {
            encoded.push(tenant.id.0, &id, &entry, now);
        } else {
            let identical = entries.get(first) == Some(&entry);
            encoded.repeated_within.push(Repetition { id: entry.id.to_owned(), identical });
        }
        entries.push(entry);
    }
    Ok(encoded)
}

fn entry<'r>(place: Place<'_>, log: &'r wire::Log<'_>) -> Result<LogEntry<'r>, Rejection> {
    let (activity, user) = (&log.activity, &log.user);
    let at_activity = place.child("activity");
    let at_user = place.child("user");
    let at_system = place.child("system");
    let at_resources = place.child("resources");
    let resources = log.resources.resource.iter().enumerate();
    Ok(LogEntry {
        id: &log.log_id,
        system: Organisation {
            id: filled(at_system.child("systemId"), &log.system.system_id)?,
            name: log.system.system_name.as_deref(),
        },
        activity_type: filled(at_activity.child("activityType"), &activity.activity_type)?,
        activity_level: activity.activity_level.as_deref(),
        activity_args: activity.activity_args.as_deref(),
        activity_at: instant(activity.start_date, Ambiguous::Earlier),
        purpose: filled(at_activity.child("purpose"), &activity.purpose)?,
        user: Organisation {
            id: filled(at_user.child("userId"), &user.user_id)?,
            name: user.name.as_deref(),
        },
        person: match &user.person_id {
            Some(person) => Some(Identity {
                root: filled(at_user.child("personId").child("root"), &person.root)?,
                extension: person.extension.as_deref(),
            }),
            None => None,
        },
        assignment: user.assignment.as_deref(),
        title: user.title.as_deref(),
        care_provider: care_provider(at_user.child("careProvider"), &user.care_provider)?,
        care_unit: care_unit(at_user.child("careUnit"), &user.care_unit)?,
        resources: resources
            .map(|(index, r)| resource(at_resources.item("resource", index + 1), r))
            .collect::<Result<_, _>>()?,
    })
}

fn resource<'r>(
    place: Place<'_>,
    resource: &'r wire::Resource<'_>,
) -> Result<Resource<'r>, Rejection> {
    Ok(Resource {
        resource_type: filled(place.child("resourceType"), &resource.resource_type)?,
        patient: match &resource.patient {
            Some(patient) => Some((
                identity(place.child("patient").child("patientId"), &patient.patient_id)?,
                patient.patient_name.as_deref(),
            )),
            None => None,
        },
        care_provider: care_provider(place.child("careProvider"), &resource.care_provider)?,
        care_unit: match &resource.care_unit {
            Some(unit) => Some(care_unit(place.child("careUnit"), unit)?),
            None => None,
        },
    })
}

/// A patient's identity: without its number it identifies nobody.
fn identity<'r>(place: Place<'_>, id: &'r wire::II<'_>) -> Result<Identity<'r>, Rejection> {
    let at = place.child("extension");
    let extension = id.extension.as_ref().ok_or_else(|| at.wrong(Rule::Missing(None)))?;
    Ok(Identity {
        root: filled(place.child("root"), &id.root)?,
        extension: Some(filled(at, extension)?),
    })
}

fn care_provider<'r>(
    place: Place<'_>,
    provider: &'r wire::CareProvider<'_>,
) -> Result<Organisation<'r>, Rejection> {
    let id = filled(place.child("careProviderId"), &provider.care_provider_id)?;
    Ok(Organisation { id, name: provider.care_provider_name.as_deref() })
}

fn care_unit<'r>(
    place: Place<'_>,
    unit: &'r wire::CareUnit<'_>,
) -> Result<Organisation<'r>, Rejection> {
    let id = filled(place.child("careUnitId"), &unit.care_unit_id)?;
    Ok(Organisation { id, name: unit.care_unit_name.as_deref() })
}

/// Text that must say something.
fn filled<'r>(place: Place<'_>, text: &'r Text<'_>) -> Result<&'r str, Rejection> {
    match text.trim().is_empty() {
        true => Err(place.wrong(Rule::Blank)),
        false => Ok(text),
    }
}
