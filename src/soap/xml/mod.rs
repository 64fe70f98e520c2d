//! Reading and writing XML for the generated types.
//!
//! The generated code names only this module. Reading is one pass over the request:
//! text is borrowed wherever it stands in the document as it is, every rule of the
//! schema is checked on the way, and sizes, depth and counts are bounded.

mod bindings;
mod document;
mod elements;
mod error;
mod names;
mod reader;
mod row;
mod scan;
mod time;
mod values;
mod writer;

pub use document::{Charset, decode};
pub use error::{Malformed, ReadError, Rule, Violation};
pub use names::{Ns, Text};
pub use reader::Reader;
pub use row::Row;
pub use time::DateTime;
pub use values::UNLIMITED;
pub use writer::Writer;
