//! Who and what: identities of organisations, persons and records, and who did what.
//!
//! Identities are kept as received and compared by a key, because a block that fails to
//! match for the sake of letter case would show blocked information.

use super::time::Timestamp;
use std::fmt;

/// HSA-id of a person, unit, provider or function. Compared without regard to ASCII
/// letter case and surrounding white space. Never blank.
#[derive(Clone)]
pub struct HsaId(String);

/// Id of a block, a temporary revoke, an assertion or a log record, made by the caller.
/// Compared like an HSA-id. Never blank.
#[derive(Clone)]
pub struct RecordId(String);

macro_rules! folded_identity {
    ($name:ident) => {
        impl $name {
            /// The identity, or `None` when the text is blank.
            pub fn new(text: &str) -> Option<Self> {
                (!text.trim().is_empty()).then(|| Self(text.to_owned()))
            }

            /// As received.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The form that equal identities share.
            pub fn key(&self) -> String {
                self.0.trim().to_ascii_lowercase()
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.trim().eq_ignore_ascii_case(other.0.trim())
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

folded_identity!(HsaId);
folded_identity!(RecordId);

/// Number series whose numbers have twelve characters and are at times sent with a hyphen
/// before the last four: personal identity, coordination and national reserve numbers.
const TWELVE_CHARACTER_ROOTS: [&str; 3] =
    ["1.2.752.129.2.1.3.1", "1.2.752.129.2.1.3.3", "1.2.752.74.9.1"];

/// A patient's identity: number series and number together. The same number in another
/// series is somebody else.
#[derive(Clone)]
pub struct PatientId {
    root: String,
    extension: String,
    /// Made once: every block of a patient is compared with every piece of information.
    key: String,
}

impl PatientId {
    /// The identity, or `None` when either part is blank.
    pub fn new(root: &str, extension: &str) -> Option<Self> {
        let filled = !root.trim().is_empty() && !extension.trim().is_empty();
        filled.then(|| Self {
            root: root.to_owned(),
            extension: extension.to_owned(),
            key: patient_key(root.trim(), extension.trim()),
        })
    }

    /// The number series (OID), as received.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The number, as received.
    pub fn extension(&self) -> &str {
        &self.extension
    }

    /// The form that equal identities share: without surrounding white space, and without
    /// the hyphen in `YYYYMMDD-NNNN` where the series has twelve characters.
    pub fn key(&self) -> &str {
        &self.key
    }
}

fn patient_key(root: &str, extension: &str) -> String {
    let hyphenated = extension.len() == 13 && extension.as_bytes()[8] == b'-';
    if hyphenated && TWELVE_CHARACTER_ROOTS.contains(&root) {
        return format!("{root}^{}{}", &extension[..8], &extension[9..]);
    }
    format!("{root}^{extension}")
}

impl PartialEq for PatientId {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for PatientId {}

impl fmt::Debug for PatientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatientId(…)")
    }
}

/// The employee who wants access, with the unit and provider of the current assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessingActor {
    /// The employee.
    pub employee: HsaId,
    /// Care provider of the assignment.
    pub care_provider: HsaId,
    /// Care unit of the assignment.
    pub care_unit: HsaId,
}

/// An employee who asked for or registered something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The employee.
    pub employee: HsaId,
    /// Id of the assignment.
    pub assignment: Option<HsaId>,
    /// Name of the assignment.
    pub assignment_name: Option<String>,
}

/// Who asked for a change and who registered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Who asked.
    pub requested_by: Actor,
    /// When it was registered, by the caller's account.
    pub registered_at: Timestamp,
    /// Who registered.
    pub registered_by: Actor,
    /// Why, in free text.
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hsa_ids_are_compared_without_regard_to_letter_case() {
        assert_eq!(HsaId::new("SE2321-a1"), HsaId::new(" se2321-A1 "));
        assert_ne!(HsaId::new("SE2321-å"), HsaId::new("SE2321-Å"));
        assert_eq!(HsaId::new(" \t"), None);
    }

    #[test]
    fn patients_are_compared_by_series_and_number() {
        let patient = |root, extension| PatientId::new(root, extension).unwrap();
        let pnr = "1.2.752.129.2.1.3.1";
        assert_eq!(patient(pnr, "191212121212"), patient(pnr, "19121212-1212"));
        assert_ne!(patient(pnr, "191212121212"), patient("1.2.3", "191212121212"));
        assert_ne!(patient("1.2.3", "191212121212"), patient("1.2.3", "19121212-1212"));
        assert_eq!(PatientId::new(pnr, " "), None);
    }

    #[test]
    fn identities_do_not_show_in_debug_text() {
        let text = format!("{:?}", PatientId::new("1.2.3", "191212121212"));
        assert!(!text.contains("1912"));
    }
}
