//! *Demo*: what is planted in the demonstration, and where to look for it.

use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, view};
use crate::admin::parts::{Cell, PagePart, Table, link};
use crate::admin::words::t;

/// The planted stories, where this is a demonstration.
pub async fn stories(asked: PageCall) -> Handled {
    if asked.site.stories.is_empty() {
        return Err(Refused::NotFound);
    }
    let rows = asked.site.stories.iter().map(|(title, patient, told)| {
        vec![Cell::from(title.clone()), Cell::from(patient.clone()), Cell::from(told.clone())]
    });
    let parts = vec![
        PagePart::Text(t(
            "Allt här är påhittat. Personnumren har fel kontrollsiffra med flit, så sökningen frågar en gång extra.",
        )),
        PagePart::Table(Table {
            caption: t("Planterade händelser"),
            head: vec![t("Händelse"), t("Patient"), t("Vad som hände")],
            rows: rows.collect(),
            empty: t("Inga."),
        }),
        PagePart::Links(vec![link("/logga-in", t("Logga in"))]),
    ];
    Ok(PageAnswer::View(view(t("Demo"), parts)))
}
