//! The patient's extract of the log: who may have it, and what stands in it.
//!
//! # Rules
//! - **E1** Every access to the patient's information in the time asked for, by this provider's staff and to this provider's
//!   information: unit and time always.
//! - **E3** In plain Swedish, with the ground where the registers tell it; nothing that staff have written freely.
//! - **E4** Names of staff as the provider has decided: never, always, or by a decision each time with a reason.
//! - **E6** What an investigation embargoes is left out for its time, six months at the most, and a supplement is due then.
//! - **E7** A guardian gets it for a child under 13; from 13 to 17 with a noted assessment of maturity; from 18 not at all.

use crate::domain::consent::assertion::AssertionType;
use crate::domain::identity::HsaId;
use crate::domain::log::record::LogEntry;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use chrono::{Days, Months};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requester {
    /// The patient.
    Patient,
    /// A guardian (vårdnadshavare).
    Guardian,
    /// Somebody with the patient's authority (ombud).
    Representative,
}

impl Requester {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Patient, Self::Guardian, Self::Representative];

    /// As forms and the store name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Guardian => "guardian",
            Self::Representative => "representative",
        }
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|requester| requester.name() == name)
    }
}

/// Whether staff are named in extracts (E4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamesPolicy {
    /// Never.
    Never,
    /// Always.
    Always,
    /// Decided each time, with a reason.
    Decided,
}

/// Whether somebody may have an extract about a patient of an age (E7).
///
/// # Errors
/// Why not.
pub fn may_have(requester: Requester, age: Option<u32>, maturity: &str) -> Result<(), Rejection> {
    let refused = |text: &'static str| Err(Rejection::validation(text));
    match (requester, age) {
        (Requester::Guardian, Some(18..)) => {
            refused("Patienten är myndig: en vårdnadshavare kan inte få utdraget.")
        }
        (Requester::Guardian, None) => refused(
            "Åldern framgår inte av numret: utdraget kan inte lämnas till en vårdnadshavare utan särskild prövning.",
        ),
        (Requester::Guardian, Some(13..18)) if maturity.trim().is_empty() => refused(
            "Patienten är 13–17 år: skriv hur barnets mognad har bedömts innan utdraget lämnas till en vårdnadshavare.",
        ),
        _ => Ok(()),
    }
}

/// Whether staff are named (E4): what was decided, where it is decided each time.
///
/// # Errors
/// That the decision has no reason.
pub fn names(policy: NamesPolicy, wanted: bool, reason: &str) -> Result<bool, Rejection> {
    match policy {
        NamesPolicy::Never => Ok(false),
        NamesPolicy::Always => Ok(true),
        NamesPolicy::Decided if reason.trim().is_empty() => {
            Err(Rejection::validation("Skriv varför personalens namn lämnas ut eller inte."))
        }
        NamesPolicy::Decided => Ok(wanted),
    }
}

/// An investigation's hold on what an extract tells (E6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embargo {
    /// Whose posts.
    pub employee: HsaId,
    /// Until when, unless it is ended before.
    pub until: Timestamp,
    /// When a second person stood behind it; none does: it is only asked for.
    pub approved_at: Option<Timestamp>,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

impl Embargo {
    /// Whether it holds at a time.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.approved_at.is_some_and(|approved| approved <= now)
            && now < self.until
            && self.ended_at.is_none_or(|ended| now < ended)
    }

    /// The latest end of one that begins at a time.
    pub fn latest(from: Timestamp) -> Timestamp {
        from.checked_add_months(Months::new(6)).unwrap_or(from + Days::new(180))
    }
}

/// Rows of one file; an extract of more has several (E9).
pub const PART_ROWS: usize = 10_000;

/// How many files an extract of so many rows has in each form (E9).
pub fn parts(rows: usize) -> usize {
    rows.div_ceil(PART_ROWS).max(1)
}

/// The rows of a file, the first being 1; `None`: there is no such.
pub fn part<T>(rows: &[T], part: usize) -> Option<&[T]> {
    let from = part.checked_sub(1)?.checked_mul(PART_ROWS)?;
    (part <= parts(rows.len())).then(|| &rows[from..rows.len().min(from + PART_ROWS)])
}

/// Why an access was allowed, as far as the registers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The information is of the provider itself.
    SameProvider,
    /// The patient's consent.
    Consent,
    /// An emergency.
    Emergency,
    /// The registers do not tell.
    Untold,
}

impl Ground {
    /// As the patient reads it; what is not known is left blank.
    pub fn words(self) -> &'static str {
        match self {
            Self::SameProvider => "samma vårdgivare",
            Self::Consent => "patientens samtycke",
            Self::Emergency => "nödsituation",
            Self::Untold => "",
        }
    }
}

/// A row of the extract: one access to one provider's information.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractLine {
    /// The log record's id.
    pub log_id: String,
    /// When.
    pub at: Timestamp,
    /// The unit of whoever had access.
    pub unit: String,
    /// Its provider.
    pub provider: String,
    /// The title of whoever had access.
    pub role: String,
    /// The name, where names are told.
    pub name: Option<String>,
    /// What was read, and of which unit.
    pub what: String,
    /// What was done and why.
    pub why: String,
    /// Why it was allowed.
    pub ground: Ground,
}

/// The rows that a record gives in a patient's extract of a provider (E1, E3); `opened` tells which assertion opened
/// other providers' information to whom had access.
pub fn rows(
    record: &LogEntry<'_>,
    patient_key: &str,
    provider: &HsaId,
    names_are_told: bool,
    opened: impl Fn(&LogEntry<'_>) -> Option<AssertionType>,
) -> Vec<ExtractLine> {
    let is = |id: &str| HsaId::new(id).is_some_and(|id| id == *provider);
    let by_own_staff = is(record.care_provider.id);
    let about = record.resources().filter(|resource| {
        let is_patients = resource.patient.as_ref().is_some_and(|p| p.key == patient_key);
        is_patients && (by_own_staff || is(resource.care_provider.id))
    });
    let named = |id: &str, name: Option<&str>| name.unwrap_or(id).to_owned();
    let mut rows: Vec<ExtractLine> = Vec::new();
    for resource in about {
        let same = HsaId::new(resource.care_provider.id) == HsaId::new(record.care_provider.id);
        let ground = match (same, opened(record)) {
            (true, _) => Ground::SameProvider,
            (false, Some(AssertionType::Emergency)) => Ground::Emergency,
            (false, Some(AssertionType::Consent)) => Ground::Consent,
            (false, None) if record.activity_type == EMERGENCY => Ground::Emergency,
            (false, None) => Ground::Untold,
        };
        let holder = resource.care_unit.map_or(resource.care_provider, |unit| unit);
        let row = ExtractLine {
            log_id: record.id.to_owned(),
            at: record.activity_at,
            unit: named(record.care_unit.id, record.care_unit.name),
            provider: named(record.care_provider.id, record.care_provider.name),
            role: record.title.unwrap_or_default().to_owned(),
            name: names_are_told.then(|| named(record.user.id, record.user.name)),
            what: format!("{} ({})", resource.resource_type, named(holder.id, holder.name)),
            why: format!("{}, {}", record.activity_type, record.purpose),
            ground,
        };
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

/// The activity of an access in an emergency.
pub const EMERGENCY: &str = "Nödöppning";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e9_an_extract_of_many_rows_has_parts() {
        let all: Vec<usize> = (0..=PART_ROWS * 2).collect();
        assert_eq!((parts(0), parts(PART_ROWS), parts(all.len())), (1, 1, 3));
        let of = |number| part(&all, number).map(|some| (some[0], some.len()));
        let third = PART_ROWS * 2;
        assert_eq!(
            [of(1), of(2), of(3)],
            [Some((0, PART_ROWS)), Some((PART_ROWS, PART_ROWS)), Some((third, 1))]
        );
        assert_eq!((of(0), of(4)), (None, None));
        assert_eq!(part::<usize>(&[], 1), Some(&[][..]));
    }
    use crate::domain::log::record::{Identity, LoggedPatient, Organisation, Resource, User};

    fn organisation(id: &str) -> Organisation<'_> {
        Organisation { id, name: None }
    }

    fn record<'a>(own: &'a str, of: &'a str, key: &str) -> LogEntry<'a> {
        let patient = LoggedPatient {
            identity: Identity { root: "1.2.3", extension: Some("1") },
            key: key.to_owned(),
            name: None,
        };
        LogEntry {
            id: "L",
            system: organisation("S"),
            activity_type: "Läsa",
            activity_level: None,
            activity_args: Some("free text"),
            activity_at: Timestamp::UNIX_EPOCH,
            purpose: "Vård och behandling",
            user: User { id: "P", name: Some("Eva Sand") },
            person: None,
            assignment: None,
            title: Some("Läkare"),
            care_provider: organisation(own),
            care_unit: Organisation { id: "U", name: Some("Akuten") },
            first: Resource {
                resource_type: "Journal",
                patient: Some(patient),
                care_provider: organisation(of),
                care_unit: None,
            },
            further: Vec::new(),
        }
    }

    fn told(record: &LogEntry<'_>, names: bool, opened: Option<AssertionType>) -> Vec<ExtractLine> {
        rows(record, "k", &HsaId::new("V").unwrap(), names, |_| opened)
    }

    #[test]
    fn e1_own_staffs_accesses_and_those_to_own_information() {
        for (own, of, key, rows) in
            [("V", "W", "k", 1), ("W", "V", "k", 1), ("W", "W", "k", 0), ("V", "V", "other", 0)]
        {
            assert_eq!(told(&record(own, of, key), false, None).len(), rows, "{own} {of} {key}");
        }
    }

    #[test]
    fn e3_ground_in_plain_words_and_no_free_text() {
        let words = |record: &LogEntry<'_>, opened| told(record, false, opened)[0].ground.words();
        assert_eq!(words(&record("v", "V", "k"), None), "samma vårdgivare");
        assert_eq!(
            words(&record("W", "V", "k"), Some(AssertionType::Consent)),
            "patientens samtycke"
        );
        assert_eq!(words(&record("W", "V", "k"), None), "");
        let emergency = LogEntry { activity_type: EMERGENCY, ..record("W", "V", "k") };
        assert_eq!(words(&emergency, None), "nödsituation");
        assert!(!format!("{:?}", told(&emergency, true, None)).contains("free text"));
    }

    #[test]
    fn e4_names_as_decided() {
        assert_eq!(names(NamesPolicy::Never, true, "x"), Ok(false));
        assert_eq!(names(NamesPolicy::Always, false, ""), Ok(true));
        assert_eq!(names(NamesPolicy::Decided, true, "x"), Ok(true));
        assert!(names(NamesPolicy::Decided, true, " ").is_err());
        assert_eq!(told(&record("V", "V", "k"), false, None)[0].name, None);
        assert_eq!(told(&record("V", "V", "k"), true, None)[0].name.as_deref(), Some("Eva Sand"));
    }

    #[test]
    fn e6_an_embargo_needs_two_and_ends() {
        let begun: Timestamp = "2026-08-31T00:00:00Z".parse().unwrap();
        let embargo = Embargo {
            employee: HsaId::new("P").unwrap(),
            until: Embargo::latest(begun),
            approved_at: Some(begun),
            ended_at: None,
        };
        assert!(embargo.holds(begun));
        assert!(!embargo.holds("2027-02-28T00:00:00Z".parse().unwrap()), "six months");
        assert!(!Embargo { approved_at: None, ..embargo.clone() }.holds(begun));
        assert!(!Embargo { ended_at: Some(begun), ..embargo }.holds(begun));
    }

    #[test]
    fn e7_guardians_by_age() {
        use Requester::{Guardian, Patient, Representative};
        assert!(may_have(Guardian, Some(12), "").is_ok());
        assert!(may_have(Guardian, Some(13), " ").is_err());
        assert!(may_have(Guardian, Some(17), "mogen").is_ok());
        assert!(may_have(Guardian, Some(18), "mogen").is_err());
        assert!(may_have(Guardian, None, "mogen").is_err());
        assert!(
            may_have(Patient, Some(13), "").is_ok()
                && may_have(Representative, Some(80), "").is_ok()
        );
    }
}
