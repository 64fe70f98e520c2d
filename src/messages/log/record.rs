//! Log records: wire to domain, borrowed all the way to the store's rows.

use crate::domain::identity::{check_person, is_blank, patient_key};
use crate::domain::log::record::{
    Identity, LogEntry, LoggedPatient, Organisation, Resource, User, check_count,
};
use crate::domain::rejection::Rejection;
use crate::domain::time::Ambiguous;
use crate::messages::generated::log::v2 as wire;
use crate::messages::identity::{hsa_id, no_patient, record_id, said};
use crate::messages::place::Place;
use crate::messages::time::instant;
use crate::soap::xml::{Rule, Text};

/// Resources of one record. Whoever reads a whole list of patients reads no more at once.
const RESOURCES_MAX: usize = 1_000;

/// The records of a call.
///
/// # Errors
/// The first value that breaks a rule.
pub fn entries<'r>(request: &'r wire::StoreLog<'_>) -> Result<Vec<LogEntry<'r>>, Rejection> {
    let root = Place::root("StoreLog");
    check_count(request.log.len())?;
    let logs = request.log.iter().enumerate();
    logs.map(|(index, log)| entry(root.item("log", index + 1), log)).collect()
}

fn entry<'r>(place: Place<'_>, log: &'r wire::Log<'_>) -> Result<LogEntry<'r>, Rejection> {
    let (activity, user) = (&log.activity, &log.user);
    let at_activity = place.child("activity");
    let at_user = place.child("user");
    let at_system = place.child("system");
    let at_resources = place.child("resources");
    if log.resources.resource.len() > RESOURCES_MAX {
        return Err(at_resources.child("resource").wrong(Rule::TooMany(RESOURCES_MAX)));
    }
    let at_resource = |number| at_resources.item("resource", number);
    let Some((first, further)) = log.resources.resource.split_first() else {
        return Err(at_resources.child("resource").wrong(Rule::Missing(None)));
    };
    record_id(place.child("logId"), &log.log_id)?;
    hsa_id(at_user.child("careProvider"), &user.care_provider.care_provider_id)?;
    Ok(LogEntry {
        id: &log.log_id,
        system: Organisation {
            id: filled(at_system.child("systemId"), &log.system.system_id)?,
            name: said(log.system.system_name.as_ref()),
        },
        activity_type: filled(at_activity.child("activityType"), &activity.activity_type)?,
        activity_level: activity.activity_level.as_deref(),
        activity_args: activity.activity_args.as_deref(),
        activity_at: instant(activity.start_date, Ambiguous::Earlier),
        purpose: filled(at_activity.child("purpose"), &activity.purpose)?,
        user: User {
            id: filled(at_user.child("userId"), &user.user_id)?,
            name: said(user.name.as_ref()),
        },
        person: match &user.person_id {
            Some(person) => Some(employee(at_user.child("personId"), person)?),
            None => None,
        },
        assignment: said(user.assignment.as_ref()),
        title: said(user.title.as_ref()),
        care_provider: care_provider(at_user.child("careProvider"), &user.care_provider)?,
        care_unit: care_unit(at_user.child("careUnit"), &user.care_unit)?,
        first: resource(at_resource(1), first)?,
        further: (2..)
            .zip(further)
            .map(|(number, r)| resource(at_resource(number), r))
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
            Some(patient) => Some(logged_patient(place.child("patient"), patient)?),
            None => None,
        },
        care_provider: care_provider(place.child("careProvider"), &resource.care_provider)?,
        care_unit: match &resource.care_unit {
            Some(unit) => Some(care_unit(place.child("careUnit"), unit)?),
            None => None,
        },
    })
}

fn logged_patient<'r>(
    place: Place<'_>,
    patient: &'r wire::Patient<'_>,
) -> Result<LoggedPatient<'r>, Rejection> {
    let (id, at) = (&patient.patient_id, place.child("patientId"));
    let missing = || at.child("extension").wrong(Rule::Missing(None));
    let extension = id.extension.as_deref().ok_or_else(missing)?;
    Ok(LoggedPatient {
        key: patient_key(&id.root, extension).map_err(|fault| no_patient(at, fault))?,
        identity: Identity { root: &id.root, extension: Some(extension) },
        name: said(patient.patient_name.as_ref()),
    })
}

fn employee<'r>(place: Place<'_>, person: &'r wire::II<'_>) -> Result<Identity<'r>, Rejection> {
    let identity = Identity { root: &person.root, extension: person.extension.as_deref() };
    check_person(identity.root, identity.extension).map_err(|fault| no_patient(place, fault))?;
    Ok(identity)
}

fn care_provider<'r>(
    place: Place<'_>,
    provider: &'r wire::CareProvider<'_>,
) -> Result<Organisation<'r>, Rejection> {
    let id = filled(place.child("careProviderId"), &provider.care_provider_id)?;
    Ok(Organisation { id, name: said(provider.care_provider_name.as_ref()) })
}

fn care_unit<'r>(
    place: Place<'_>,
    unit: &'r wire::CareUnit<'_>,
) -> Result<Organisation<'r>, Rejection> {
    let id = filled(place.child("careUnitId"), &unit.care_unit_id)?;
    Ok(Organisation { id, name: said(unit.care_unit_name.as_ref()) })
}

/// Text that must say something.
fn filled<'r>(place: Place<'_>, text: &'r Text<'_>) -> Result<&'r str, Rejection> {
    match is_blank(text) {
        true => Err(place.wrong(Rule::Blank)),
        false => Ok(text),
    }
}
