//! Reports over the log, patients' extracts, embargoes: pages and files.

pub mod embargoes;
pub mod extract_files;
pub mod extracts;
pub mod report_files;
pub mod reports;

use super::asked::Asked;
use crate::documents::document::Document;
use crate::documents::{csv, pdf, xlsx, xml};
use crate::domain::time::local;
use chrono::{Datelike, Timelike};

/// A document in the form that the path names: its name, kind and bytes; `None`: there is no such form.
pub fn file_of(
    asked: &Asked,
    name: &str,
    mut document: Document,
) -> Option<(String, &'static str, Vec<u8>)> {
    let now = local(asked.now);
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    let year = u16::try_from(now.year()).unwrap_or_default();
    document.made =
        (year, small(now.month()), small(now.day()), small(now.hour()), small(now.minute()));
    document.id = (asked.people().new_id)().simple().to_string();
    let form = asked.part("form");
    let name = format!("{name}-{}.{form}", now.format("%Y%m%d-%H%M"));
    let failed =
        |error: &dyn std::fmt::Display| tracing::error!(%error, form, "a file cannot be made");
    Some(match form {
        "pdf" => {
            let bytes = pdf::pdf(&document).inspect_err(|error| failed(error)).ok()?;
            (name, "application/pdf", bytes)
        }
        "xlsx" => {
            let bytes = xlsx(&document).inspect_err(|error| failed(error)).ok()?;
            (name, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", bytes)
        }
        "csv" => {
            let table = document.tables.first()?;
            let bytes = csv(table).inspect_err(|error| failed(error)).ok()?;
            (name, "text/csv; charset=utf-8", bytes)
        }
        "xml" => (name, "application/xml", xml(&document).into_bytes()),
        _ => return None,
    })
}
