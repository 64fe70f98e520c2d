//! *Uppföljning*: the proof report, by unit and month; without identities.

use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, refusal_of, view};
use crate::admin::log::files::made;
use crate::admin::parts::{Cell, Control, PagePart, Table, Tone, field, link, question};
use crate::admin::words::{Language, Words, filled, number as digits, t};
use crate::documents::document::{Document, DocumentTable};
use crate::domain::review::calendar::ReviewMonth;
use crate::domain::review::proof::ProofLine;
use crate::domain::time::local;
use crate::fairness::threads::beside;
use crate::procedures::review::proof_report::ProofReport;
use chrono::{Datelike, Timelike};

/// Months that can be chosen.
const MONTHS: usize = 24;

/// What stands above the columns, with their share of a page.
const HEAD: [(Words, f32); 11] = [
    (t("Enhet"), 0.2),
    (t("Planerade"), 0.08),
    (t("Dragna"), 0.08),
    (t("Tomma"), 0.08),
    (t("Klara i tid"), 0.08),
    (t("Klara sent"), 0.08),
    (t("Förfallna"), 0.08),
    (t("Riktade"), 0.08),
    (t("Tillfällen bedömda"), 0.1),
    (t("Anmärkningar"), 0.08),
    (t("Ärenden"), 0.06),
];

/// The months that are over, the latest first.
fn months(asked: &PageCall) -> Vec<ReviewMonth> {
    let mut month = ReviewMonth::at(asked.now);
    let mut months = Vec::new();
    while months.len() < MONTHS {
        month = month.before();
        months.push(month);
    }
    months
}

/// The page.
pub async fn proof(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let months = months(&asked);
    let month = match asked.query.get("manad") {
        "" => months.first().copied(),
        text => ReviewMonth::read(text),
    };
    let month = month.ok_or(Refused::NotFound)?;
    let choices = months.iter().map(|month| (month.text(), Words::from(month.text())));
    let choose = field("manad", t("Månad"), Control::Select(choices.collect(), month.text()));
    let mut parts = vec![PagePart::form(question("/uppfoljning", vec![choose], t("Visa")))];
    let report = match refusal_of(asked.people().proof_report(&person, month).await)? {
        Ok(report) => report,
        Err(refusal) => {
            let says = Words::from(refusal.text.into_owned());
            parts.push(PagePart::Notice(Tone::Bad, says, vec![]));
            return Ok(PageAnswer::View(view(t("Uppföljning"), parts).refused()));
        }
    };
    let row = |name: Words, line: &ProofLine| {
        let mut cells = vec![Cell::from(name)];
        cells.extend(columns(line).map(|text| Cell::Number(text.into())));
        cells
    };
    let mut rows: Vec<Vec<Cell>> =
        report.units.iter().map(|(id, line)| row(name_of(id, line).into(), line)).collect();
    if !rows.is_empty() {
        rows.push(row(t("Alla"), &report.sum));
    }
    parts.push(PagePart::Table(Table {
        caption: filled("Loggranskning {}", [month.text().into()]),
        head: HEAD.iter().map(|(words, _)| words.clone()).collect(),
        rows,
        empty: t("Ingen granskning i den månaden."),
    }));
    parts.push(PagePart::Text(t(
        "Siffrorna är som de var när månaden tog slut, och ändras inte. Det som avslutades senare räknas som förfallet.",
    )));
    let form = |form: &str| format!("/uppfoljning/{}/fil/{form}", month.text());
    parts.push(PagePart::Links(vec![
        link(form("pdf"), t("Hämta PDF")),
        link(form("xlsx"), t("Hämta XLSX")),
        link(form("csv"), t("Hämta CSV")),
    ]));
    parts.extend(draws(&asked, month).await?);
    Ok(PageAnswer::View(view(t("Uppföljning"), parts)))
}

/// The month's draws, which anybody with this page can check.
async fn draws(asked: &PageCall, month: ReviewMonth) -> Result<Vec<PagePart>, Refused> {
    let person = asked.on_duty()?;
    let found = asked.people().calendar(&person, month.first()).await?;
    let of_month = found
        .iter()
        .filter(|review| ReviewMonth::of(review.month) == month && review.notice.is_some());
    let rows = of_month.map(|review| {
        let to = format!("/granskning/{}/dragning", review.review_number);
        let words = link(to, t("Kontrollera dragningen")).about(review.unit_name.as_str());
        vec![Cell::from(review.unit_name.clone()), Cell::Link(words)]
    });
    Ok(vec![PagePart::Table(Table {
        caption: t("Dragningar"),
        head: vec![t("Enhet"), t("Dragning")],
        rows: rows.collect(),
        empty: t("Ingen dragning i den månaden."),
    })])
}

fn name_of(id: &str, line: &ProofLine) -> String {
    if line.unit_name.is_empty() { id.to_owned() } else { line.unit_name.clone() }
}

fn columns(line: &ProofLine) -> [String; 10] {
    let number = |count: u32| digits(count);
    [
        number(line.planned),
        number(line.drawn),
        number(line.empty),
        number(line.done),
        number(line.late),
        number(line.lapsed),
        format!("{} ({})", digits(line.targeted.0), digits(line.targeted.1)),
        format!("{} / {}", digits(line.visits.1), digits(line.visits.0)),
        number(line.remarks),
        number(line.cases),
    ]
}

/// The report as a file: of a month, always the same bytes (R26).
pub async fn file(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let month = ReviewMonth::read(asked.part("month")).ok_or(Refused::NotFound)?;
    let report = asked.people().proof_report(&person, month).await?;
    let document = document(person.assignment.provider.as_str(), month, &report);
    let form = asked.part("form").to_owned();
    let name = format!("loggranskning-{}.{form}", month.text());
    let file = beside(move || made(&form, &document)).await.ok().flatten();
    let (kind, bytes) = file.ok_or(Refused::NotFound)?;
    Ok(PageAnswer::File(None, name, kind, bytes))
}

fn document(id: &str, month: ReviewMonth, report: &ProofReport) -> Document {
    let swedish = |words: Words| words.said(Language::Swedish);
    // As it was called then: what it is called today would change the file.
    let provider = match report.provider_name.as_str() {
        "" => id.to_owned(),
        name => format!("{name} ({id})"),
    };
    // Its time is the month's end: of the same month the same bytes.
    let end = local(month.bounds().1);
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    let row = |name: String, line: &ProofLine| {
        let mut row = vec![name];
        // Numbers of files have no thin spaces.
        row.extend(columns(line).map(|text| text.replace('\u{2009}', "")));
        row
    };
    let mut rows: Vec<Vec<String>> =
        report.units.iter().map(|(id, line)| row(name_of(id, line), line)).collect();
    rows.push(row(swedish(t("Alla")), &report.sum));
    Document {
        title: swedish(filled("Loggranskning {}", [month.text().into()])),
        facts: vec![(swedish(t("Vårdgivare")), provider), (swedish(t("Månad")), month.text())],
        intro: vec![swedish(t(
            "Siffrorna är som de var när månaden tog slut, och ändras inte. Det som avslutades senare räknas som förfallet.",
        ))],
        tables: vec![DocumentTable {
            caption: swedish(t("Per enhet")),
            head: HEAD.iter().map(|(words, share)| (swedish(words.clone()), *share)).collect(),
            rows,
        }],
        closing: Vec::new(),
        made: (
            u16::try_from(end.year()).unwrap_or_default(),
            small(end.month()),
            small(end.day()),
            small(end.hour()),
            small(end.minute()),
        ),
        id: format!("{id} {}", month.text()),
    }
}
