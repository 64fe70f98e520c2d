//! Namespaces, and text as it is held.

/// Text of a request, borrowed where the document holds it unchanged.
pub type Text<'a> = std::borrow::Cow<'a, str>;

/// A namespace: ours from 10 and up, and the few that the envelope needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ns(pub u8);

impl Ns {
    /// No namespace at all.
    pub const NONE: Self = Self(0);
    /// The SOAP 1.1 envelope.
    pub const ENVELOPE: Self = Self(1);
    /// XML Schema instance attributes.
    pub const XSI: Self = Self(2);
    /// Any namespace that is not ours.
    pub const FOREIGN: Self = Self(255);
}
