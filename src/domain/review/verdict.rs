//! What the registers tell of the ground of an access, in words that rules, pages and files share.

use std::fmt;

/// What the registers tell of an access, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerdictClass {
    /// A block closed the information.
    AgainstBlock,
    /// No registered ground was found.
    NoGround,
    /// It cannot be told.
    Undecided,
    /// An emergency was registered.
    Emergency,
    /// The patient had consented.
    Consent,
    /// It is the own care provider's information.
    Own,
}

impl VerdictClass {
    /// All of them, the gravest first.
    pub const ALL: [Self; 6] = [
        Self::AgainstBlock,
        Self::NoGround,
        Self::Undecided,
        Self::Emergency,
        Self::Consent,
        Self::Own,
    ];

    /// As people read it (V14).
    pub fn words(self) -> &'static str {
        match self {
            Self::AgainstBlock => "Trots spärr",
            Self::NoGround => "Grund saknas",
            Self::Undecided => "Kan inte avgöras",
            Self::Emergency => "Nödsituation",
            Self::Consent => "Samtycke",
            Self::Own => "Egen vårdgivare",
        }
    }

    /// Of the name that the store has.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }

    /// As the store and files name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AgainstBlock => "against_block",
            Self::NoGround => "no_ground",
            Self::Undecided => "undecided",
            Self::Emergency => "emergency",
            Self::Consent => "consent",
            Self::Own => "own",
        }
    }
}

/// What was lacking, or what else is told beside a class; blocks and assertions by their ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remark {
    /// A block guards a span of time, and the post does not tell when the information was written (V4).
    NoInformationTime(String),
    /// An inner block may have closed it: the post does not tell which unit holds the information (V4).
    NoUnit(String),
    /// A block exempts a type, and the post's is none of the codes (V4).
    NoType(String),
    /// Around this second two classes are possible (V5).
    AtTheEdge(VerdictClass, VerdictClass),
    /// The information's provider keeps its blocks elsewhere (V6).
    BlocksElsewhere,
    /// The purpose is another than care (V8).
    Purpose,
    /// The patient was a child (V9).
    Child,
    /// A fitting assertion was registered so many minutes after (V10).
    RegisteredLater(String, i64),
    /// What decided was annulled later (V11).
    AnnulledLater(String),
    /// The system says that it was an emergency, and none is registered (V12).
    ClaimsEmergency,
    /// The registers do not reach so far back (V13).
    History,
    /// What closed: a block.
    ClosedBy(String),
    /// What opened: an assertion.
    OpenedBy(String),
    /// A block was lifted for the time being.
    Lifted(String),
}

impl Remark {
    /// Of the text that the store keeps.
    pub fn read(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let id = || rest.to_owned();
        let classes = || {
            let (one, two) = rest.split_once(' ')?;
            Some((VerdictClass::named(one)?, VerdictClass::named(two)?))
        };
        // An id may have spaces in it; what follows it has a known end.
        let later = || {
            let (id, minutes) = rest.strip_suffix(" min")?.rsplit_once(' ')?;
            Some(Self::RegisteredLater(id.to_owned(), minutes.parse().ok()?))
        };
        Some(match word {
            "no-information-time" => Self::NoInformationTime(id()),
            "no-unit" => Self::NoUnit(id()),
            "no-type" => Self::NoType(id()),
            "at-the-edge" => classes().map(|(one, two)| Self::AtTheEdge(one, two))?,
            "blocks-elsewhere" => Self::BlocksElsewhere,
            "purpose" => Self::Purpose,
            "child" => Self::Child,
            "registered-later" => later()?,
            "annulled-later" => Self::AnnulledLater(id()),
            "claims-emergency" => Self::ClaimsEmergency,
            "history" => Self::History,
            "closed-by" => Self::ClosedBy(id()),
            "opened-by" => Self::OpenedBy(id()),
            "lifted" => Self::Lifted(id()),
            _ => return None,
        })
    }
}

impl fmt::Display for Remark {
    /// As files have it: a word, and the id of what it is about.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInformationTime(id) => write!(out, "no-information-time {id}"),
            Self::NoUnit(id) => write!(out, "no-unit {id}"),
            Self::NoType(id) => write!(out, "no-type {id}"),
            Self::AtTheEdge(one, two) => {
                write!(out, "at-the-edge {} {}", one.name(), two.name())
            }
            Self::BlocksElsewhere => out.write_str("blocks-elsewhere"),
            Self::Purpose => out.write_str("purpose"),
            Self::Child => out.write_str("child"),
            Self::RegisteredLater(id, minutes) => {
                write!(out, "registered-later {id} {minutes} min")
            }
            Self::AnnulledLater(id) => write!(out, "annulled-later {id}"),
            Self::ClaimsEmergency => out.write_str("claims-emergency"),
            Self::History => out.write_str("history"),
            Self::ClosedBy(id) => write!(out, "closed-by {id}"),
            Self::OpenedBy(id) => write!(out, "opened-by {id}"),
            Self::Lifted(id) => write!(out, "lifted {id}"),
        }
    }
}

/// What the registers tell of an access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessVerdict {
    /// Its class.
    pub class: VerdictClass,
    /// What decided, what was lacking, what else is told; in one order.
    pub remarks: Vec<Remark>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_read_as_they_were_kept() {
        let id = || "a b".to_owned();
        for remark in [
            Remark::NoInformationTime(id()),
            Remark::NoUnit(id()),
            Remark::NoType(id()),
            Remark::AtTheEdge(VerdictClass::NoGround, VerdictClass::Consent),
            Remark::BlocksElsewhere,
            Remark::Purpose,
            Remark::Child,
            Remark::RegisteredLater(id(), 4),
            Remark::AnnulledLater(id()),
            Remark::ClaimsEmergency,
            Remark::History,
            Remark::ClosedBy(id()),
            Remark::OpenedBy(id()),
            Remark::Lifted(id()),
        ] {
            assert_eq!(Remark::read(&remark.to_string()), Some(remark));
        }
        assert_eq!(Remark::read("else"), None);
    }
}
