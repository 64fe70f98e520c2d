//! Reading and writing XML for the generated types.
//!
//! The generated code names only this module. Reading is one pass over the request:
//! text is borrowed wherever it stands in the document as it is, every rule of the
//! schema is checked on the way, and sizes, depth and counts are bounded.

mod bindings;
mod document;
mod error;
mod reader;
mod row;
mod scan;
mod time;
mod values;
mod writer;

pub use document::{Charset, decode};
pub use error::{Malformed, ReadError, Rule, Violation};
pub use reader::Reader;
pub use row::Row;
pub use time::DateTime;
pub use values::UNLIMITED;
pub use writer::Writer;

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
