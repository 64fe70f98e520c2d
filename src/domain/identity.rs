//! Who and what: identities of organisations, persons and records, and who did what.
//!
//! Identities are kept as received and compared by a key, because a block that fails to
//! match for the sake of letter case would show blocked information.
//!
//! # Rules
//! - **ID1** HSA-ids and record ids are equal whatever their ASCII letter case, the white space
//!   around them and invisible characters in them.
//! - **ID2** A patient is a number in a series; the same number in another series is somebody
//!   else. Personal identity and coordination numbers are one series: consumers send either
//!   number under either root, and no number is both.
//! - **ID3** Numbers of the three known series have twelve characters, ASCII digits and letters, once
//!   hyphens, spaces and what is invisible are taken away; anything else is refused, because
//!   it would match nothing. Letters match in either case.
//! - **ID4** A series is an OID of at most 64 characters, without leading zeros, and a number has at
//!   most 64.

use super::time::Timestamp;
use std::fmt;

/// Characters of a root and of an extension (ID4); both are indexed.
pub const PATIENT_ID_CHARS_MAX: usize = 64;
/// Characters of a number in the known series.
const KNOWN_SERIES_CHARS: usize = 12;

/// Personal identity numbers (personnummer).
const PERSONAL_ROOT: &str = "1.2.752.129.2.1.3.1";
/// Coordination numbers (samordningsnummer).
const COORDINATION_ROOT: &str = "1.2.752.129.2.1.3.3";
/// National reserve numbers (nationellt reservnummer).
const RESERVE_ROOT: &str = "1.2.752.74.9.1";

/// HSA-id of a person, unit, provider or function. Never blank.
#[derive(Clone)]
pub struct HsaId(Folded);

/// Id of a block, a temporary revoke, an assertion or a log record, made by the caller.
/// Never blank.
#[derive(Clone)]
pub struct RecordId(Folded);

/// Text with the form in which it is compared (ID1).
#[derive(Clone)]
struct Folded {
    text: String,
    /// Without what is invisible; only where that is not the text itself.
    visible: Option<String>,
}

impl Folded {
    fn new(text: &str) -> Option<Self> {
        let visible = has_invisible(text)
            .then(|| text.chars().filter(|c| !is_invisible(*c)).collect::<String>());
        let folded = Self { text: text.to_owned(), visible };
        (!folded.compared().is_empty()).then_some(folded)
    }

    fn compared(&self) -> &str {
        self.visible.as_deref().unwrap_or(&self.text).trim()
    }
}

macro_rules! folded_identity {
    ($name:ident) => {
        impl $name {
            /// The identity, or `None` when the text says nothing.
            pub fn new(text: &str) -> Option<Self> {
                Folded::new(text).map(Self)
            }

            /// As received.
            pub fn as_str(&self) -> &str {
                &self.0.text
            }

            /// The form that equal identities share.
            pub fn key(&self) -> String {
                self.0.compared().to_ascii_lowercase()
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.compared().eq_ignore_ascii_case(other.0.compared())
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

/// Whether some of a text shows nothing. Nearly all identities are of letters, digits and signs that
/// show.
fn has_invisible(text: &str) -> bool {
    !text.bytes().all(|b| matches!(b, b' '..=b'~')) && text.contains(is_invisible)
}

/// Whether a character shows nothing: controls, and what Unicode calls default ignorable.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Hyphens and dashes of any kind.
fn is_hyphen(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{58a}' | '\u{5be}' | '\u{1806}' | '\u{2010}'
            ..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
    )
}

/// What keeps a root and an extension from naming a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatientIdFault {
    /// The root is empty.
    BlankRoot,
    /// The root is no OID.
    Root,
    /// The extension is empty.
    BlankExtension,
    /// The extension is too long.
    TooLong,
    /// The extension is no number of its series.
    NotOfSeries,
}

/// A patient's identity: number series and number together.
#[derive(Clone)]
pub struct PatientId {
    root: String,
    extension: String,
    /// Made once: every block of a patient is compared with every piece of information.
    key: String,
}

impl PatientId {
    /// The identity that a message names (ID2 to ID4).
    ///
    /// # Errors
    /// What keeps it from naming anybody.
    pub fn new(root: &str, extension: &str) -> Result<Self, PatientIdFault> {
        let key = patient_key(root, extension)?;
        Ok(Self { root: root.to_owned(), extension: extension.to_owned(), key })
    }

    /// An identity that is stored already, with its key.
    pub fn kept(root: String, extension: String, key: String) -> Self {
        Self { root, extension, key }
    }

    /// The number series (OID), as received.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The number, as received.
    pub fn extension(&self) -> &str {
        &self.extension
    }

    /// The form that equal identities share.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Whether text says nothing: white space and what is invisible only.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c))
}

/// Checks an identity that names an employee, and so decides nothing: its series, and lengths (ID4).
///
/// # Errors
/// What is wrong with it.
pub fn check_person(root: &str, extension: Option<&str>) -> Result<(), PatientIdFault> {
    if is_blank(root) {
        return Err(PatientIdFault::BlankRoot);
    }
    if !is_series(root.trim()) {
        return Err(PatientIdFault::Root);
    }
    match extension.is_some_and(|text| text.chars().count() > PATIENT_ID_CHARS_MAX) {
        true => Err(PatientIdFault::TooLong),
        false => Ok(()),
    }
}

/// Whether text names a number series: an OID of at least two arcs, none with a leading zero, the
/// first at most 2, in at most 64 characters (ID4).
fn is_series(root: &str) -> bool {
    let arc = |arc: &str| {
        let digits = !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit());
        digits && (arc.len() == 1 || !arc.starts_with('0'))
    };
    let first = root.split_once('.').map_or("", |(first, _)| first);
    root.len() <= PATIENT_ID_CHARS_MAX
        && matches!(first, "0" | "1" | "2")
        && root.split('.').all(arc)
}

/// The form that equal identities share, `series^number`: a series has no `^` (ID2 to ID4).
///
/// # Errors
/// What keeps the two from naming anybody.
pub fn patient_key(root: &str, extension: &str) -> Result<String, PatientIdFault> {
    let root = root.trim();
    if root.is_empty() {
        return Err(PatientIdFault::BlankRoot);
    }
    if !is_series(root) {
        return Err(PatientIdFault::Root);
    }
    // Most numbers stand there as they are compared.
    let mut number = extension.trim().to_owned();
    number.retain(|c| !is_invisible(c));
    if number.trim().is_empty() {
        return Err(PatientIdFault::BlankExtension);
    }
    if extension.chars().count() > PATIENT_ID_CHARS_MAX {
        return Err(PatientIdFault::TooLong);
    }
    let series = match root {
        PERSONAL_ROOT | COORDINATION_ROOT => PERSONAL_ROOT,
        RESERVE_ROOT => RESERVE_ROOT,
        _ => return Ok(format!("{root}^{}", number.trim())),
    };
    number.retain(|c| !is_hyphen(c) && !c.is_whitespace());
    let fits =
        number.len() == KNOWN_SERIES_CHARS && number.bytes().all(|b| b.is_ascii_alphanumeric());
    if !fits {
        return Err(PatientIdFault::NotOfSeries);
    }
    number.make_ascii_uppercase();
    Ok(format!("{series}^{number}"))
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

    const ZERO_WIDTH: &str = "\u{200b}";

    #[test]
    fn id1_case_space_and_what_is_invisible_make_no_other_id() {
        assert_eq!(HsaId::new("SE2321-a1"), HsaId::new(" se2321-A1 "));
        assert_eq!(HsaId::new("SE2321-A1"), HsaId::new(&format!("SE23{ZERO_WIDTH}21-a1\u{feff}")));
        assert_eq!(HsaId::new(&format!("A{ZERO_WIDTH}")).unwrap().key(), "a");
        assert_ne!(HsaId::new("SE2321-å"), HsaId::new("SE2321-Å"));
        assert_eq!(HsaId::new(" \t"), None);
        assert_eq!(HsaId::new(&format!(" {ZERO_WIDTH}")), None, "nothing that shows");
    }

    fn key(root: &str, extension: &str) -> Result<String, PatientIdFault> {
        patient_key(root, extension)
    }

    #[test]
    fn id2_personal_and_coordination_numbers_are_one_series() {
        let number = "19121272121 2";
        assert_eq!(key(PERSONAL_ROOT, number), key(COORDINATION_ROOT, number));
        assert_ne!(key(PERSONAL_ROOT, "191212121212"), key(RESERVE_ROOT, "191212121212"));
        assert_ne!(key(PERSONAL_ROOT, "191212121212"), key("1.2.3", "191212121212"));
        assert_ne!(key("1.2.3", "191212121212"), key("1.2.3", "19121212-1212"));
        let (one, same) = (PatientId::new("1.2.3", "a b"), PatientId::new(" 1.2.3", "a b "));
        assert_eq!(one, same);
    }

    #[test]
    fn id3_numbers_of_the_known_series_have_twelve_characters() {
        let plain = key(PERSONAL_ROOT, "191212121212").unwrap();
        for same in [
            "19121212-1212",
            " 191212 121212 ",
            "19121212\u{2013}1212",
            "19121212\u{a0}1212",
            "\u{200e}191212121212",
            "1-9-1-2-1-2-1-2-1-2-1-2",
        ] {
            assert_eq!(key(PERSONAL_ROOT, same).as_ref(), Ok(&plain), "{same:?}");
        }
        assert_eq!(key(RESERVE_ROOT, "22121212ab12"), key(RESERVE_ROOT, "22121212AB12"));
        for wrong in
            ["1212121212", "1912121212123", "19121212121\u{662}", "１９１２１２１２１２１２"]
        {
            assert_eq!(key(PERSONAL_ROOT, wrong), Err(PatientIdFault::NotOfSeries), "{wrong}");
        }
    }

    #[test]
    fn id4_series_are_oids_and_both_parts_are_bounded() {
        for root in [
            "urn:oid:1.2.3",
            "1.2.",
            ".1",
            "1..2",
            "1^2",
            "a",
            "1",
            "3.1",
            "01.2.3",
            "1.2.03",
            &"1.".repeat(33),
        ] {
            assert_eq!(key(root, "1"), Err(PatientIdFault::Root), "{root}");
        }
        assert_eq!(check_person("1.2.03", None), Err(PatientIdFault::Root));
        assert_eq!(check_person("1.2.3", Some(&"x".repeat(65))), Err(PatientIdFault::TooLong));
        assert_eq!(check_person(PERSONAL_ROOT, Some("1")), Ok(()), "it decides nothing");
        assert_eq!(key(" ", "1"), Err(PatientIdFault::BlankRoot));
        assert_eq!(key("1.2.3", " \u{200b}"), Err(PatientIdFault::BlankExtension));
        assert!(key("1.2.3", &"x".repeat(64)).is_ok());
        assert_eq!(key("1.2.3", &"x".repeat(65)), Err(PatientIdFault::TooLong));
        assert_eq!(key("1.2.3", &"x".repeat(2700)), Err(PatientIdFault::TooLong));
    }

    #[test]
    fn identities_do_not_show_in_debug_text() {
        let text = format!("{:?}", PatientId::new("1.2.3", "191212121212"));
        assert!(!text.contains("1912"));
    }
}
