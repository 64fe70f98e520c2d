//! The document of an ordered extract: the element `logs` of the core namespace, as the content of
//! `LogsType` has it.

use super::report::wire_record;
use crate::domain::log::record::LogEntry;
use crate::messages::generated::log::v2::GetLogsResponse;
use crate::soap::xml::Writer;

/// What comes before the records. The prefix is that of the generated rows.
pub const OPEN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <c:logs xmlns:c=\"urn:riv:informationsecurity:auditing:log:2\">";
/// What comes after them.
pub const CLOSE: &str = "</c:logs>\n";

/// Records, one a line.
pub fn records(records: &[LogEntry<'_>]) -> String {
    let mut out = Writer::with_capacity(records.len() * 1024);
    for record in records {
        out.raw("\n");
        GetLogsResponse::write_row(&wire_record(record), &mut out);
    }
    out.take()
}
