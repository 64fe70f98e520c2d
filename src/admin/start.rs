//! The start page, the reader's own views, and the language.

use super::asked::{Handled, PageAnswer, PageCall, Refused, view};
use super::paging::PageStart;
use super::parts::{Cell, PagePart, Table, link};
use super::roles::role_name;
use super::words::{Language, Words, counted, filled, minute, number, t};
use crate::domain::people::roles::Role;
use crate::domain::time::Timestamp;
use crate::procedures::people::facts::PAGE_ROWS;

/// What waits for the reader, and nothing else.
pub async fn start(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let (consents, extracts) = asked.people().tasks(&person).await?;
    let mut points = Vec::new();
    if asked.is(Role::BlockAdmin) && consents > 0 {
        points.push(counted(
            consents.unsigned_abs(),
            "Ett samtycke går ut inom 30 dagar.",
            "{} samtycken går ut inom 30 dagar.",
        ));
    }
    if asked.is(Role::LogAdmin) && extracts > 0 {
        points.push(filled("{} loggutdrag väntar på att lämnas ut.", [number(extracts).into()]));
    }
    points.extend(reviews(&asked).await?);
    let mut parts = vec![PagePart::Facts(vec![
        (t("Uppdrag"), Cell::from(person.assignment.name.clone())),
        (t("Enhet"), Cell::from(person.assignment.unit_name.clone())),
        (t("Vårdgivare"), Cell::from(person.assignment.provider_name.clone())),
        (t("Roller"), Cell::Several(roles(&asked))),
    ])];
    if points.is_empty() {
        parts.push(PagePart::Text(t("Inget väntar på dig just nu.")));
    } else {
        parts.push(PagePart::Card(t("Att göra"), vec![PagePart::Points(points)]));
    }
    let searches = [Role::Care, Role::BlockAdmin, Role::LogAdmin, Role::Security];
    if searches.iter().any(|role| asked.is(*role)) {
        parts.push(PagePart::Links(vec![link("/patient", t("Sök patient"))]));
    }
    Ok(PageAnswer::View(view(t("Start"), parts)))
}

/// What of the review of the log waits for the reader.
async fn reviews(asked: &PageCall) -> Result<Vec<Words>, Refused> {
    let person = asked.on_duty()?;
    let mut points = Vec::new();
    if asked.is(Role::Reviewer) || asked.is(Role::LogAdmin) {
        let (waiting, lapsed) = asked.people().waiting_reviews(&person).await?;
        if waiting > 0 {
            points.push(filled("Granskningar som väntar på dig: {}.", [number(waiting).into()]));
        }
        if lapsed > 0 {
            points.push(filled("Av dem har förfallit: {}.", [number(lapsed).into()]));
        }
        let cases = asked.people().cases(&person, true).await?.len();
        if cases > 0 {
            points.push(filled("Öppna ärenden: {}.", [number(cases as u64).into()]));
        }
    }
    if asked.is(Role::LogAdmin) {
        let units = asked.people().planned_units(&person).await?;
        let without = units.iter().filter(|(.., plan)| plan.is_none()).count();
        if without > 0 {
            points.push(filled(
                "Enheter utan plan för loggranskning: {}.",
                [number(without as u64).into()],
            ));
        }
    }
    Ok(points)
}

fn roles(asked: &PageCall) -> Vec<Cell> {
    let roles = asked.person.as_ref().map(|person| &person.session.roles);
    let names: Vec<Cell> =
        roles.into_iter().flatten().map(|role| Cell::from(role_name(*role))).collect();
    match names.is_empty() {
        true => vec![Cell::from(t("Uppdraget ger ingen roll här."))],
        false => names,
    }
}

/// What the reader has been shown about patients in the last thirty days.
pub async fn own_views(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let start = PageStart::read(asked.query.get("fore"), asked.now).ok_or(Refused::NotFound)?;
    let views = asked.people().own_views(&person, (start.at, start.skip)).await?;
    let moments: Vec<Timestamp> = views.iter().map(|(at, ..)| *at).collect();
    let rows = views.into_iter().map(|(at, page, matter)| {
        vec![Cell::from(minute(at)), Cell::from(page), Cell::from(matter)]
    });
    let table = Table {
        caption: t("Visningar de senaste 30 dagarna"),
        head: vec![t("Tid"), t("Sida"), t("Ärende")],
        rows: rows.collect(),
        empty: t("Du har inte visat någon sida om en patient de senaste 30 dagarna."),
    };
    let parts = vec![
        PagePart::Text(t(
            "Varje visning är också en loggpost som patienten kan få veta om. Här står inga namn.",
        )),
        PagePart::Table(table),
        start.paging("/mitt?", &moments, PAGE_ROWS),
    ];
    Ok(PageAnswer::View(view(t("Mina visningar"), parts)))
}

/// Keeps the reader's language.
pub async fn language(asked: PageCall) -> Handled {
    let chosen = Language::of_code(asked.query.get("sprak")).ok_or(Refused::NotFound)?;
    Ok(PageAnswer::ToWith("/".to_owned(), vec![asked.site.language_cookie(chosen)]))
}

/// Words for something that may be missing.
pub fn or_none(text: Option<&str>) -> Words {
    text.map_or(t("–"), Words::from)
}
