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
