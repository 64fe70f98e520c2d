//! The patient's overview: who gets at what right now, what is to be done, twelve months in a picture, blocks and consents.

use super::blocks::block_table;
use super::consents::consent_table;
use super::head::{head, title};
use super::told;
use crate::admin::asked::{Handled, PageAnswer, PageCall, view};
use crate::admin::charts;
use crate::admin::parts::{Cell, PagePart, Table, Tone, link};
use crate::admin::words::{Words, counted, day, filled, number, t};
use crate::domain::people::matrix::{self, MatrixRow};
use crate::domain::people::roles::Role;
use crate::domain::time::{Moment, Timestamp, local};
use crate::procedures::people::facts::{Names, PatientFacts};
use crate::procedures::people::looking::{Activity, StoredLookup};
use crate::procedures::people::on_duty::OnDuty;
use chrono::TimeDelta;

/// The page.
pub async fn overview(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let viewed =
        asked.viewed(&lookup, (Activity::Read, Some("översikt")), &["Spärr", "Samtycke"]).await?;
    let facts = asked.people().patient_facts(&person, &lookup, &viewed).await?;
    let provider = &person.assignment.provider;
    let mut parts = head(&lookup, &facts.person, &viewed);
    let base = format!("/patient/{}", lookup.id);
    if facts.others_have_blocked(provider) {
        let mut links = Vec::new();
        if asked.is(Role::Care) {
            links.push(link(format!("{base}/annan-vardgivare"), t("Visa vilken vårdgivare…")));
        }
        let words = t("Det finns spärrade uppgifter hos en annan vårdgivare.");
        parts.push(PagePart::Notice(Tone::Warning, words, links));
    }
    parts.push(PagePart::Card(
        t("Vem kommer åt vad just nu"),
        vec![PagePart::Table(matrix_of(&facts, &lookup, &person, asked.now))],
    ));
    let may_change = asked.is(Role::BlockAdmin) || asked.is(Role::Care);
    let mut to_do = vec![PagePart::Points(tasks(&facts, asked.now))];
    let mut links = Vec::new();
    if may_change {
        links.push(link(format!("{base}/sparrar/ny"), t("Registrera spärr")));
        links.push(link(format!("{base}/samtycken/nytt"), t("Registrera samtycke")));
    }
    if asked.is(Role::BlockAdmin) {
        links.push(link(format!("{base}/prova"), t("Pröva en medarbetare")));
    }
    if asked.is(Role::LogAdmin) {
        links.push(link(format!("{base}/lasningar"), t("Vem har läst")));
        links.push(link(format!("{base}/utdrag"), t("Begär loggutdrag")));
        links.push(link(format!("{base}/embargo"), t("Begär embargo")));
    }
    to_do.push(PagePart::Links(links));
    parts.push(PagePart::Card(t("Att göra"), to_do));
    parts.push(PagePart::Card(t("Tolv månader"), twelve_months(&facts, asked.now)));
    parts.push(PagePart::Card(t("Spärrar"), block_parts(&asked, &facts, &base)));
    parts.push(PagePart::Card(
        t("Samtycken"),
        vec![
            PagePart::Table(consent_table(&asked, &facts.assertions, &base, &facts.names)),
            PagePart::SeeAlso(vec![link(
                format!("{base}/samtycken"),
                t("Alla samtycken med historik"),
            )]),
        ],
    ));
    let back = link("/patient", t("Sök patient"));
    Ok(PageAnswer::Patients(viewed, view(title(&lookup), parts).back(back)))
}

fn block_parts(asked: &PageCall, facts: &PatientFacts, base: &str) -> Vec<PagePart> {
    vec![
        PagePart::Table(block_table(
            asked,
            &facts.histories,
            base,
            (&facts.names, &facts.on_their_way),
        )),
        PagePart::SeeAlso(vec![link(format!("{base}/sparrar"), t("Alla spärrar med historik"))]),
    ]
}

fn tasks(facts: &PatientFacts, now: Timestamp) -> Vec<Words> {
    let soon = now + TimeDelta::days(30);
    let ending = facts.assertions.iter().filter(|history| {
        let end = history.assertion.ends_at(Moment::Now(now));
        history.assertion.is_valid(now) && end.is_some_and(|end| end < soon)
    });
    let mut points: Vec<Words> = ending
        .map(|history| {
            let end = history.assertion.ends_at(Moment::Now(now)).unwrap_or(now);
            let whom = told::opened_for(history, &facts.names);
            filled("Ett samtycke för {} går ut {}.", [whom, day(local(end).date()).into()])
        })
        .collect();
    if !facts.on_their_way.is_empty() {
        points.push(counted(
            facts.on_their_way.len() as u64,
            "En spärr väntar på att den nationella tjänsten ska bekräfta den.",
            "{} spärrar väntar på att den nationella tjänsten ska bekräfta dem.",
        ));
    }
    if points.is_empty() {
        points.push(t("Inget väntar."));
    }
    points
}

/// The matrix as a table.
pub fn matrix_of(
    facts: &PatientFacts,
    lookup: &StoredLookup,
    person: &OnDuty<'_>,
    now: Timestamp,
) -> Table {
    let (provider, unit) = (&person.assignment.provider, &person.assignment.unit);
    let assertions = facts.assertions_now();
    let asked = matrix::MatrixAsked {
        patient: &lookup.patient,
        provider,
        unit,
        blocks: &facts.blocks,
        assertions: &assertions,
        moment: Moment::Now(now),
    };
    matrix_table(&asked.matrix(&facts.units(provider, unit)), &facts.names)
}

/// Rows of a matrix as a table.
pub fn matrix_table(rows: &[MatrixRow], names: &Names) -> Table {
    let row = |row: &MatrixRow| {
        let unit = match &row.unit {
            Some(unit) => Cell::from(names.of(unit)),
            None => Cell::from(t("Andra vårdgivares uppgifter")),
        };
        let others = row.other_providers.map_or(Cell::from("–"), told::reach);
        vec![unit, told::reach(row.own_unit), told::reach(row.other_units), others]
    };
    Table {
        caption: t("Åtkomst till uppgifter, per enhet"),
        head: vec![
            t("Uppgifter hos"),
            t("Egna enheten"),
            t("Andra enheter hos oss"),
            t("Andra vårdgivare"),
        ],
        rows: rows.iter().map(row).collect(),
        empty: t("Inga enheter är kända."),
    }
}

fn twelve_months(facts: &PatientFacts, now: Timestamp) -> Vec<PagePart> {
    let chart = charts::twelve_months(facts, now);
    let rows = chart.months.iter().map(|(month, readings)| {
        vec![Cell::from(month.clone()), Cell::Number(number(*readings).into())]
    });
    let says = filled(
        "{} spärrar och {} samtycken har gällt under perioden; uppgifterna har lästs {} gånger.",
        [
            number(chart.blocks as u64).into(),
            number(chart.consents as u64).into(),
            number(chart.months.iter().map(|(_, readings)| readings).sum::<u64>()).into(),
        ],
    );
    let table = Table {
        caption: t("Läsningar per månad"),
        head: vec![t("Månad"), t("Läsningar")],
        rows: rows.collect(),
        empty: t("Inga läsningar är loggade."),
    };
    vec![
        PagePart::Figure(chart.svg, says),
        PagePart::More(t("Visa som tabell"), vec![PagePart::Table(table)]),
    ]
}
