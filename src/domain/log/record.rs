//! What a log record says, and when an id is used again.
//!
//! A log record (loggpost) tells who did what, when and why, to which information. The
//! owner of the record is the provider whose employee had access; the information owner,
//! in each resource, is the provider that holds the information.
//!
//! # Rules
//! - **L1** A call carries at most 500 records [TKB log 2.0.8, `StoreLog`].
//! - **L2** An id is used once in the whole service and within the call. By default every
//!   repeated id refuses the call, and the text says of each whether the record stored under
//!   it is identical or another.
//! - **L3** With `accept-identical`, a call all of whose repeated records are identical to
//!   what is stored is accepted, and each record is stored once.

use crate::domain::identity::RecordId;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use chrono::TimeDelta;
use sha2::{Digest, Sha256};

/// Records in one call (L1).
pub const RECORDS_MAX: usize = 500;

/// A care provider, care unit or system with its name at the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Organisation<'a> {
    /// HSA-id.
    pub id: &'a str,
    /// Name.
    pub name: Option<&'a str>,
}

/// An identity in a number series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The series.
    pub root: &'a str,
    /// The number.
    pub extension: Option<&'a str>,
}

/// Somebody whom the record names: the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User<'a> {
    /// HSA-id.
    pub id: &'a str,
    /// Name.
    pub name: Option<&'a str>,
}

/// The patient whose information was accessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedPatient<'a> {
    /// As received.
    pub identity: Identity<'a>,
    /// The form that equal identities share.
    pub key: String,
    /// Name.
    pub name: Option<&'a str>,
}

/// What was accessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource<'a> {
    /// Kind of information.
    pub resource_type: &'a str,
    /// Whose information.
    pub patient: Option<LoggedPatient<'a>>,
    /// The information owner.
    pub care_provider: Organisation<'a>,
    /// The unit that holds the information.
    pub care_unit: Option<Organisation<'a>>,
}

/// One log record; borrows its texts from the request or from the stored row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry<'a> {
    /// Made by the caller, unique in the whole service.
    pub id: &'a str,
    /// The system where it happened.
    pub system: Organisation<'a>,
    /// What was done.
    pub activity_type: &'a str,
    /// At which level.
    pub activity_level: Option<&'a str>,
    /// Other information, such as report parameters.
    pub activity_args: Option<&'a str>,
    /// When it was done.
    pub activity_at: Timestamp,
    /// Why.
    pub purpose: &'a str,
    /// Who did it.
    pub user: User<'a>,
    /// The user's personal identity.
    pub person: Option<Identity<'a>>,
    /// The user's assignment.
    pub assignment: Option<&'a str>,
    /// The user's title.
    pub title: Option<&'a str>,
    /// The owner of the record.
    pub care_provider: Organisation<'a>,
    /// The user's unit.
    pub care_unit: Organisation<'a>,
    /// What was accessed.
    pub first: Resource<'a>,
    /// What else was accessed.
    pub further: Vec<Resource<'a>>,
}

impl<'a> LogEntry<'a> {
    /// Everything that was accessed.
    pub fn resources(&self) -> impl Iterator<Item = &Resource<'a>> {
        std::iter::once(&self.first).chain(&self.further)
    }
}

/// Equal ids have equal hashes; the store finds an id by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdHash(pub [u8; 16]);

impl IdHash {
    /// The first 16 bytes of SHA-256 over the id's key.
    pub fn of(id: &RecordId) -> Self {
        let digest = Sha256::digest(id.key().as_bytes());
        let mut hash = [0; 16];
        hash.copy_from_slice(&digest[..16]);
        Self(hash)
    }

    /// The first eight bytes, by which ids are sorted into pages.
    pub fn key(self) -> u64 {
        self.0.iter().take(8).fold(0, |key, byte| key << 8 | u64::from(*byte))
    }
}

/// By which a tenant's records are looked up: equal keys have equal hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHash(pub i64);

impl KeyHash {
    /// The first 8 bytes of SHA-256 over the tenant's number and a key, as the database's `log_hash` has
    /// it.
    pub fn of(tenant: i32, key: &str) -> Self {
        let digest = Sha256::digest(format!("{tenant}^{key}"));
        let mut hash = [0; 8];
        hash.copy_from_slice(&digest[..8]);
        Self(i64::from_be_bytes(hash))
    }
}

/// What happens when an id comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RepeatedLogId {
    /// The call is refused (L2).
    #[default]
    Refuse,
    /// Identical records are accepted and not stored again (L3).
    AcceptIdentical,
}

/// What becomes of a record whose activity lies in the future: the system that sends it has a wrong
/// clock, or this server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FutureActivity {
    /// It is stored, and counted.
    #[default]
    Accept,
    /// The call is refused.
    Refuse,
}

/// Whether an activity lies more than a day in the future: clocks and time zones differ by less.
pub fn is_from_the_future(entry: &LogEntry<'_>, now: Timestamp) -> bool {
    entry.activity_at - now > TimeDelta::days(1)
}

/// Whether so many records may come in one call (L1).
///
/// # Errors
/// That they are too many.
pub fn check_count(records: usize) -> Result<(), Rejection> {
    match records > RECORDS_MAX {
        true => Err(Rejection::validation(format!(
            "StoreLog/log: högst {RECORDS_MAX} loggposter per anrop ({records})"
        ))),
        false => Ok(()),
    }
}

/// A log id that has been used before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repetition {
    /// The id, as received.
    pub id: String,
    /// Whether the record under it says the same.
    pub identical: bool,
}

/// Whether a call with these repeated ids may be stored, without them (L2, L3).
///
/// # Errors
/// The refusal, which names every repeated id.
pub fn judge_repetitions(repeated: &[Repetition], policy: RepeatedLogId) -> Result<(), Rejection> {
    let accepted = policy == RepeatedLogId::AcceptIdentical && repeated.iter().all(|r| r.identical);
    if repeated.is_empty() || accepted {
        return Ok(());
    }
    let named: Vec<String> = repeated
        .iter()
        .map(|r| format!("{} ({})", r.id, if r.identical { "identisk post" } else { "annan post" }))
        .collect();
    let text = format!("StoreLog/log/logId: redan använt, inget har lagrats: {}", named.join(", "));
    Err(Rejection::validation(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l1_a_call_carries_at_most_500_records() {
        assert!(check_count(500).is_ok());
        assert!(check_count(501).is_err());
    }

    fn repetition(id: &str, identical: bool) -> Repetition {
        Repetition { id: id.into(), identical }
    }

    #[test]
    fn l2_every_repeated_id_is_named_with_what_is_stored_under_it() {
        assert!(judge_repetitions(&[], RepeatedLogId::Refuse).is_ok());
        let repeated = [repetition("a", true), repetition("b", false)];
        let refused = judge_repetitions(&repeated, RepeatedLogId::Refuse).unwrap_err();
        assert!(refused.text.ends_with("a (identisk post), b (annan post)"), "{}", refused.text);
        let key = |id: &str| IdHash::of(&RecordId::new(id).unwrap());
        assert_eq!(key("AB"), key("ab"), "letter case makes no other id");
    }

    #[test]
    fn l3_identical_repetitions_may_be_accepted_but_no_others() {
        let accepts =
            |r: &[Repetition]| judge_repetitions(r, RepeatedLogId::AcceptIdentical).is_ok();
        assert!(accepts(&[repetition("a", true), repetition("b", true)]));
        assert!(!accepts(&[repetition("a", true), repetition("b", false)]));
    }
}
