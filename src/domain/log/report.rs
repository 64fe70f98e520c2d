//! Reports over the access log: whose records are asked for, and what is told of each.
//!
//! Criteria are combined with and. A patient is a patient of any of the record's resources; together with
//! an information owner, of a resource of that owner. Rows are in order of the activity's time, then of
//! the record's id. An information owner is told the other care providers whose staff had access, each
//! once. A queued report is its caller's, with the same criteria; to everybody else it does not exist.
//!
//! # Rules
//! - **RP1** `fromDate` and `toDate` are inclusive, and compared with the activity's time; `toDate` before
//!   `fromDate` is refused.
//! - **RP2** For a patient one row is told for each record and type of information about the patient.

use super::record::LogEntry;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;

/// Whose records are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportSubject {
    /// Those of a care provider's own staff.
    Staff {
        /// The owner of the records.
        owner: HsaId,
        /// Only about this patient.
        patient: Option<PatientId>,
        /// Only what this user did.
        user: Option<HsaId>,
        /// Only what was done at this unit.
        unit: Option<HsaId>,
    },
    /// Those about a patient.
    Patient(PatientId),
    /// Those of others about information that a care provider holds.
    Information {
        /// The information owner.
        owner: HsaId,
        /// Only about this patient.
        patient: Option<PatientId>,
    },
}

/// What a report is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportQuestion {
    /// Whose records.
    pub subject: ReportSubject,
    /// From when on, inclusive.
    pub from: Timestamp,
    /// Until when, inclusive.
    pub to: Timestamp,
}

impl ReportQuestion {
    /// A question about an interval.
    ///
    /// # Errors
    /// That it ends before it begins (RP1).
    pub fn new(subject: ReportSubject, from: Timestamp, to: Timestamp) -> Result<Self, Rejection> {
        let (from, to) = checked_interval((from, to))?;
        Ok(Self { subject, from, to })
    }
}

/// An interval, unless it ends before it begins (RP1).
pub(super) fn checked_interval(
    (from, to): (Timestamp, Timestamp),
) -> Result<(Timestamp, Timestamp), Rejection> {
    match to < from {
        true => Err(Rejection::validation("toDate: före fromDate")),
        false => Ok((from, to)),
    }
}

/// The types of information about a patient that a record tells of, each once, in the record's order
/// (RP2).
pub fn types_about<'r>(record: &'r LogEntry<'_>, patient_key: &str) -> Vec<&'r str> {
    let mut types = Vec::new();
    for resource in record.resources() {
        let is_about = resource.patient.as_ref().is_some_and(|p| p.key == patient_key);
        if is_about && !types.contains(&resource.resource_type) {
            types.push(resource.resource_type);
        }
    }
    types
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::record::{Identity, LoggedPatient, Organisation, Resource, User};

    #[test]
    fn rp1_an_interval_does_not_end_before_it_begins() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let subject = || ReportSubject::Patient(PatientId::new("1.2.3", "1").unwrap());
        let (early, late) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:00.001Z"));
        assert!(ReportQuestion::new(subject(), early, early).is_ok());
        let refused = ReportQuestion::new(subject(), late, early).unwrap_err();
        assert_eq!(refused.text, "toDate: före fromDate");
    }

    #[test]
    fn rp2_of_a_patient_each_type_is_told_once() {
        let resource = |resource_type, number: Option<&'static str>| Resource {
            resource_type,
            patient: number.map(|number| LoggedPatient {
                identity: Identity { root: "1.2.3", extension: Some(number) },
                key: format!("1.2.3^{number}"),
                name: None,
            }),
            care_provider: Organisation { id: "SE1", name: None },
            care_unit: None,
        };
        let organisation = Organisation { id: "SE1", name: None };
        let record = LogEntry {
            id: "a",
            system: organisation,
            activity_type: "Läsa",
            activity_level: None,
            activity_args: None,
            activity_at: Timestamp::UNIX_EPOCH,
            purpose: "Vård och behandling",
            user: User { id: "SE2", name: None },
            person: None,
            assignment: None,
            title: None,
            care_provider: organisation,
            care_unit: organisation,
            first: resource("dia", Some("1")),
            further: vec![
                resource("vko", Some("2")),
                resource("und", Some("1")),
                resource("dia", Some("1")),
                resource("alla", None),
            ],
        };
        assert_eq!(types_about(&record, "1.2.3^1"), ["dia", "und"]);
    }
}
