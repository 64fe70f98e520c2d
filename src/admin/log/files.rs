//! A document as the file that is asked for.

use crate::admin::asked::{PageCall, Refused};
use crate::documents::document::Document;
use crate::documents::{csv, pdf, xlsx, xml};
use crate::domain::time::local;
use crate::fairness::threads::beside;
use chrono::{Datelike, Timelike};

/// A document in the form that the path names: its name, kind and bytes. It is made beside, because it may take a second.
///
/// # Errors
/// That there is no such form, or that it cannot be made.
pub async fn file_of(
    asked: &PageCall,
    name: &str,
    mut document: Document,
) -> Result<(String, &'static str, Vec<u8>), Refused> {
    let now = local(asked.now);
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    let year = u16::try_from(now.year()).unwrap_or_default();
    document.made =
        (year, small(now.month()), small(now.day()), small(now.hour()), small(now.minute()));
    document.id = (asked.people().new_id)().simple().to_string();
    let form = asked.part("form").to_owned();
    let name = format!("{name}-{}.{form}", now.format("%Y%m%d-%H%M"));
    let made = beside(move || made(&form, &document)).await.ok().flatten();
    let (kind, bytes) = made.ok_or(Refused::NotFound)?;
    Ok((name, kind, bytes))
}

/// A document in a form: its kind and bytes; `None`: there is no such form, or it cannot be made.
pub fn made(form: &str, document: &Document) -> Option<(&'static str, Vec<u8>)> {
    let failed =
        |error: &dyn std::fmt::Display| tracing::error!(%error, form, "a file cannot be made");
    Some(match form {
        "pdf" => ("application/pdf", pdf::pdf(document).inspect_err(|error| failed(error)).ok()?),
        "xlsx" => {
            let bytes = xlsx(document).inspect_err(|error| failed(error)).ok()?;
            ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", bytes)
        }
        "csv" => {
            let bytes = csv(document.tables.first()?).inspect_err(|error| failed(error)).ok()?;
            ("text/csv; charset=utf-8", bytes)
        }
        "xml" => ("application/xml", xml(document).into_bytes()),
        _ => return None,
    })
}
