//! What can be wrong with a document, and how it is said in Swedish.
//!
//! A malformed document becomes a fault; a violation of a rule inside a known request
//! becomes an answer. Neither text repeats a value, which could be personal data.

use std::borrow::Cow;
use std::fmt;

/// Why reading stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// The document is broken or over a limit: nothing in it can be trusted.
    Malformed(Malformed),
    /// The document is XML but breaks a rule of its contract.
    Invalid(Box<Violation>),
}

impl ReadError {
    pub(super) fn invalid(rule: Rule) -> Self {
        Self::Invalid(Box::new(Violation { path: Vec::new(), rule }))
    }

    /// Adds the element that the error happened in.
    pub(super) fn within(self, name: &'static str, index: Option<usize>) -> Self {
        match self {
            Self::Invalid(mut violation) => {
                violation.path.push(PathStep { name: name.into(), index });
                Self::Invalid(violation)
            }
            malformed @ Self::Malformed(_) => malformed,
        }
    }
}

/// Why a document cannot be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not well-formed, at this byte.
    #[error("XML-dokumentet är inte välformat (byte {0})")]
    Syntax(usize),
    /// The document ends too early.
    #[error("XML-dokumentet är inte komplett")]
    Truncated,
    /// Bytes that are not text in the declared encoding.
    #[error("XML-dokumentet har fel teckenkodning")]
    Encoding,
    /// The prolog asks for an encoding that is not supported.
    #[error("XML-dokumentets teckenkodning stöds inte; använd UTF-8")]
    UnsupportedEncoding,
    /// A character that XML does not allow.
    #[error("otillåtet styrtecken i XML-dokumentet (byte {0})")]
    Character(usize),
    /// Another body, a header, or an element without namespace behind the envelope's body.
    #[error("kuvertet har något efter sin Body som inte hör hemma där")]
    BehindBody,
    /// A document type declaration.
    #[error("dokumenttypdeklaration (DTD) är inte tillåten")]
    Dtd,
    /// A processing instruction.
    #[error("bearbetningsinstruktion är inte tillåten")]
    ProcessingInstruction,
    /// A prefix that is not declared.
    #[error("namnrymdsprefix utan deklaration (byte {0})")]
    Prefix(usize),
    /// Elements nested too deep.
    #[error("XML-dokumentet är för djupt: högst {0} nivåer")]
    TooDeep(usize),
    /// Too many elements.
    #[error("XML-dokumentet har för många element: högst {0}")]
    TooManyElements(usize),
    /// Too many attributes or namespace declarations.
    #[error("för många attribut eller namnrymdsdeklarationer på ett element: högst {0}")]
    TooManyAttributes(usize),
}

/// One element on the way to a place in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStep {
    name: Cow<'static, str>,
    /// Position among its like, from 1, when the element may be repeated.
    index: Option<usize>,
}

/// A rule of the contract that a request breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// From the innermost element outwards.
    path: Vec<PathStep>,
    rule: Rule,
}

impl Violation {
    /// A violation at a place written as a path, for example `StoreLog/log[3]/user`.
    pub fn at(path: impl Into<String>, rule: Rule) -> Self {
        let whole = PathStep { name: Cow::Owned(path.into()), index: None };
        Self { path: vec![whole], rule }
    }
}

/// The kinds of rule, with what the text needs to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// A mandatory element is missing; perhaps another stands in its place.
    Missing(Option<String>),
    /// An element that the contract does not have here.
    Unexpected,
    /// More than (limit) characters; (found).
    TooLong(u32, usize),
    /// More than there may be of its kind.
    TooMany(usize),
    /// Not a value of the type.
    NotA(&'static str),
    /// Not one of the values.
    NotAmong(&'static str),
    /// Text between elements.
    StrayText,
    /// An attribute on an element that has none.
    Attribute,
    /// Empty or only white space.
    Blank,
    /// A rule of the contract's text, in Swedish.
    Stated(Cow<'static, str>),
}

/// Element names from a request are shown up to this many characters.
const NAME_CHARS_MAX: usize = 64;

impl Rule {
    pub(super) fn unexpected(name: &str) -> ReadError {
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        let step = PathStep { name: Cow::Owned(name), index: None };
        ReadError::Invalid(Box::new(Violation { path: vec![step], rule: Self::Unexpected }))
    }

    pub(super) fn missing(found: Option<&str>) -> Self {
        Self::Missing(found.map(|name| name.chars().take(NAME_CHARS_MAX).collect()))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(None) => f.write_str("saknas"),
            Self::Missing(Some(found)) => write!(f, "saknas (fann {found} i dess ställe)"),
            Self::Unexpected => f.write_str("oväntat element"),
            Self::TooLong(max, found) => write!(f, "längre än {max} tecken ({found})"),
            Self::TooMany(max) => write!(f, "fler än {max}"),
            Self::NotA(name) => write!(f, "inte en giltig {name}"),
            Self::NotAmong(values) => write!(f, "inte ett tillåtet värde ({values})"),
            Self::StrayText => f.write_str("text är inte tillåten mellan element"),
            Self::Attribute => f.write_str("attribut är inte tillåtna här"),
            Self::Blank => f.write_str("får inte vara tomt"),
            Self::Stated(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.path.iter().rev().enumerate() {
            if position > 0 {
                f.write_str("/")?;
            }
            f.write_str(&step.name)?;
            if let Some(index) = step.index {
                write!(f, "[{index}]")?;
            }
        }
        write!(f, ": {}", self.rule)
    }
}

impl From<Malformed> for ReadError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}
