//! Orders of extracts: a care provider's own records, for its own follow-up.
//!
//! An extract is of the records that there were when it was ordered, in order of the activity's time, then
//! of the record's id. Within one list of criteria one of them must fit, and every list must that is not
//! empty. An extract without records is one file without records.
//!
//! # Rules
//! - **RP3** At most 500 units, 500 patients and 500 users.
//! - **RP4** 1 to 10 000 records in a file; 10 000 when the order does not say.
//!
//! RP1 is that of `super::report`.

use super::report::checked_interval;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;

/// Criteria of one kind (RP3).
const CRITERIA_MAX: usize = 500;
/// Records in a file (RP4).
const RECORDS_PER_FILE_MAX: i32 = 10_000;

/// To what an extract is limited; an empty list is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Criteria {
    /// Units of the users.
    pub units: Vec<HsaId>,
    /// Patients of any of a record's resources.
    pub patients: Vec<PatientId>,
    /// Users.
    pub users: Vec<HsaId>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOrder {
    /// Whose staff made the records.
    pub owner: HsaId,
    /// To what the extract is limited.
    pub criteria: Criteria,
    /// From when on, inclusive.
    pub from: Timestamp,
    /// Until when, inclusive.
    pub to: Timestamp,
    /// Records in a file.
    pub records_per_file: i32,
}

impl LogOrder {
    /// An order.
    ///
    /// # Errors
    /// What is more than it may be (RP3, RP4), or that the interval ends before it begins (RP1).
    pub fn new(
        owner: HsaId,
        criteria: Criteria,
        interval: (Timestamp, Timestamp),
        records_per_file: Option<i32>,
    ) -> Result<Self, Rejection> {
        let Criteria { units, patients, users } = &criteria;
        for (name, count) in
            [("careUnitId", units.len()), ("patientId", patients.len()), ("userId", users.len())]
        {
            if count > CRITERIA_MAX {
                let text = format!("{name}: fler än {CRITERIA_MAX}");
                return Err(Rejection::validation(text));
            }
        }
        let (from, to) = checked_interval(interval)?;
        let records_per_file = records_per_file.unwrap_or(RECORDS_PER_FILE_MAX);
        if !(1..=RECORDS_PER_FILE_MAX).contains(&records_per_file) {
            let text = format!("maxResultsPerFile: inte 1 till {RECORDS_PER_FILE_MAX}");
            return Err(Rejection::validation(text));
        }
        Ok(Self { owner, criteria, from, to, records_per_file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(criteria: Criteria, records_per_file: Option<i32>) -> Result<LogOrder, Rejection> {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        LogOrder::new(HsaId::new("SE1").unwrap(), criteria, (at, at), records_per_file)
    }

    #[test]
    fn rp3_each_list_has_at_most_500() {
        let ids = |count| vec![HsaId::new("SE1-E").unwrap(); count];
        let patients = |count| vec![PatientId::new("1.2.3", "1").unwrap(); count];
        let none = Criteria::default;
        for count in [500, 501] {
            for (name, criteria) in [
                ("careUnitId", Criteria { units: ids(count), ..none() }),
                ("patientId", Criteria { patients: patients(count), ..none() }),
                ("userId", Criteria { users: ids(count), ..none() }),
            ] {
                let told =
                    order(criteria, None).map(|_| ()).map_err(|refused| refused.text.into_owned());
                let wanted =
                    if count > 500 { Err(format!("{name}: fler än 500")) } else { Ok(()) };
                assert_eq!(told, wanted);
            }
        }
    }

    #[test]
    fn rp4_a_file_has_1_to_10_000_records() {
        let of = |records| order(Criteria::default(), records).map(|o| o.records_per_file).ok();
        assert_eq!(
            (of(None), of(Some(1)), of(Some(10_000))),
            (Some(10_000), Some(1), Some(10_000))
        );
        for wrong in [i32::MIN, -1, 0, 10_001, i32::MAX] {
            assert_eq!(of(Some(wrong)), None);
        }
    }
}
