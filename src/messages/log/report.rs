//! Reports over the access log: domain words to the wire.

use crate::domain::log::record::{Identity, LogEntry, Organisation};
use crate::domain::log::report::types_about;
use crate::messages::generated::log::v2 as wire;
use crate::messages::time::wire_time;

/// A record with all that it says.
pub fn wire_record<'r>(record: &'r LogEntry<'_>) -> wire::Log<'r> {
    wire::Log {
        log_id: record.id.into(),
        system: wire::System {
            system_id: record.system.id.into(),
            system_name: record.system.name.map(Into::into),
        },
        activity: wire::Activity {
            activity_type: record.activity_type.into(),
            activity_level: record.activity_level.map(Into::into),
            activity_args: record.activity_args.map(Into::into),
            start_date: wire_time(record.activity_at),
            purpose: record.purpose.into(),
        },
        user: wire::User {
            user_id: record.user.id.into(),
            name: record.user.name.map(Into::into),
            person_id: record.person.as_ref().map(identity),
            assignment: record.assignment.map(Into::into),
            title: record.title.map(Into::into),
            care_provider: wire_care_provider(record.care_provider),
            care_unit: care_unit(record.care_unit),
        },
        resources: wire::Resources {
            resource: record
                .resources()
                .map(|resource| wire::Resource {
                    resource_type: resource.resource_type.into(),
                    patient: resource.patient.as_ref().map(|patient| wire::Patient {
                        patient_id: identity(&patient.identity),
                        patient_name: patient.name.map(Into::into),
                    }),
                    care_provider: wire_care_provider(resource.care_provider),
                    care_unit: resource.care_unit.map(care_unit),
                })
                .collect(),
        },
    }
}

/// What a record tells a patient: a row for each type of information.
pub fn wire_accesses<'r>(record: &'r LogEntry<'_>, patient_key: &str) -> Vec<wire::AccessLog<'r>> {
    let access = |resource_type: &'r str| wire::AccessLog {
        care_provider_id: record.care_provider.id.into(),
        care_provider_name: record.care_provider.name.map(Into::into),
        care_unit_id: record.care_unit.id.into(),
        care_unit_name: record.care_unit.name.map(Into::into),
        access_date: wire_time(record.activity_at),
        user_id: record.user.id.into(),
        user_name: record.user.name.map(Into::into),
        user_title: record.title.map(Into::into),
        purpose: record.purpose.into(),
        resource_type: resource_type.into(),
    };
    types_about(record, patient_key).into_iter().map(access).collect()
}

/// A care provider.
pub fn wire_care_provider(provider: Organisation<'_>) -> wire::CareProvider<'_> {
    wire::CareProvider {
        care_provider_id: provider.id.into(),
        care_provider_name: provider.name.map(Into::into),
    }
}

fn care_unit(unit: Organisation<'_>) -> wire::CareUnit<'_> {
    wire::CareUnit { care_unit_id: unit.id.into(), care_unit_name: unit.name.map(Into::into) }
}

fn identity<'r>(identity: &Identity<'r>) -> wire::II<'r> {
    wire::II { root: identity.root.into(), extension: identity.extension.map(Into::into) }
}
