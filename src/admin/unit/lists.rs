//! *Enhetens spärrar* and *Enhetens samtycken*: by unit or all, in force or not, page by page.

use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, view};
use crate::admin::paging::PageStart;
use crate::admin::parts::{Cell, Control, PageForm, PagePart, Table, field, link, question};
use crate::admin::patient::told;
use crate::admin::words::{Words, minute, t};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::people::number;
use crate::domain::time::Timestamp;
use crate::procedures::people::facts::{PAGE_ROWS, UnitList};
use crate::procedures::people::looking::Activity;

/// What is listed, by the address: it names units, never patients.
fn asked_list(asked: &PageCall, units: &[(HsaId, String)]) -> Result<UnitList, Refused> {
    let person = asked.on_duty()?;
    let start = page_start(asked)?;
    let unit = HsaId::new(asked.query.get("enhet"));
    if let Some(unit) = &unit
        && !units.iter().any(|(own, _)| own == unit)
    {
        return Err(Refused::NotFound);
    }
    Ok(UnitList {
        provider: person.assignment.provider.clone(),
        unit,
        in_force: asked.query.get("lage") != "avslutade",
        before: (start.at, start.skip),
        most: PAGE_ROWS,
        now: asked.now,
    })
}

fn filter(asked: &PageCall, path: &str, units: &[(HsaId, String)]) -> PageForm {
    let mut choices = vec![(String::new(), t("Alla enheter"))];
    choices.extend(
        units.iter().map(|(id, name)| (id.as_str().to_owned(), Words::from(name.as_str()))),
    );
    let states = vec![(String::new(), t("Gäller")), ("avslutade".to_owned(), t("Avslutade"))];
    let fields = vec![
        field("enhet", t("Enhet"), Control::Select(choices, asked.query.get("enhet").to_owned())),
        field("lage", t("Läge"), Control::Select(states, asked.query.get("lage").to_owned())),
    ];
    question(path, fields, t("Visa"))
}

fn page_start(asked: &PageCall) -> Result<PageStart, Refused> {
    PageStart::read(asked.query.get("fore"), asked.now).ok_or(Refused::NotFound)
}

/// Addresses of the newest page, where this is not it, and of the next older one.
fn paging(asked: &PageCall, path: &str, moments: &[Timestamp]) -> Result<PagePart, Refused> {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let (unit, state) = (encode(asked.query.get("enhet")), encode(asked.query.get("lage")));
    let base = format!("{path}?enhet={unit}&lage={state}&");
    Ok(page_start(asked)?.paging(&base, moments, PAGE_ROWS))
}

/// *Enhetens spärrar*.
pub async fn blocks(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let units = asked.people().own_units(&person).await?;
    let list = asked_list(&asked, &units)?;
    let histories = asked.people().blocks_of_unit(&person, list).await?;
    let mut patients: Vec<&PatientId> = Vec::new();
    for (history, _) in &histories {
        if !patients.contains(&&history.block.content.patient) {
            patients.push(&history.block.content.patient);
        }
    }
    let viewed = asked
        .viewed_several("Enhetens spärrar", (Activity::Read, Some("lista")), &["Spärr"], &patients)
        .await?;
    let ids: Vec<HsaId> = histories
        .iter()
        .filter_map(|(history, _)| history.block.content.guards.unit().cloned())
        .collect();
    let names = asked.people().names_for(&person, &ids).await?;
    let moments: Vec<Timestamp> =
        histories.iter().map(|(history, _)| history.block.lifetime.stored_at).collect();
    let rows = histories.iter().map(|(history, revokes)| {
        let content = &history.block.content;
        vec![
            Cell::from(number::shown(&content.patient)),
            Cell::from(told::guarded(&content.guards, &names)),
            Cell::from(told::span(&content.period)),
            told::block_state(history, revokes, asked.now),
            Cell::from(minute(history.block.lifetime.stored_at)),
        ]
    });
    let table = Table {
        caption: t("Spärrar"),
        head: vec![t("Patient"), t("Spärr"), t("Tid"), t("Läge"), t("Registrerad")],
        rows: rows.collect(),
        empty: t("Inga spärrar stämmer med valet. Spärrar hos andra vårdgivare syns inte här."),
    };
    let parts = vec![
        PagePart::form(filter(&asked, "/enhet/sparrar", &units)),
        PagePart::Table(table),
        paging(&asked, "/enhet/sparrar", &moments)?,
        PagePart::Links(vec![link(
            "/enhet/sparrar/kopiera",
            t("Kopiera inre spärrar till en annan enhet"),
        )]),
    ];
    Ok(PageAnswer::Patients(viewed, view(t("Enhetens spärrar"), parts)))
}

/// *Enhetens samtycken*.
pub async fn consents(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let units = asked.people().own_units(&person).await?;
    let list = asked_list(&asked, &units)?;
    let found = asked.people().assertions_of_unit(&person, list).await?;
    let mut patients: Vec<&PatientId> = Vec::new();
    for history in &found {
        if !patients.contains(&&history.assertion.content.patient) {
            patients.push(&history.assertion.content.patient);
        }
    }
    let viewed = asked
        .viewed_several(
            "Enhetens samtycken",
            (Activity::Read, Some("lista")),
            &["Samtycke"],
            &patients,
        )
        .await?;
    let ids: Vec<HsaId> = found
        .iter()
        .flat_map(|history| {
            let content = &history.assertion.content;
            [Some(content.care_unit.clone()), content.employee.clone()]
        })
        .flatten()
        .collect();
    let names = asked.people().names_for(&person, &ids).await?;
    let moments: Vec<Timestamp> =
        found.iter().map(|history| history.assertion.lifetime.stored_at).collect();
    let rows = found.iter().map(|history| {
        let content = &history.assertion.content;
        vec![
            Cell::from(number::shown(&content.patient)),
            Cell::from(told::kind_of(content.assertion_type)),
            Cell::from(told::opened_for(history, &names)),
            told::assertion_state(history, asked.now),
            Cell::from(told::validity(history, asked.now)),
        ]
    });
    let table = Table {
        caption: t("Samtycken och nödsituationer"),
        head: vec![t("Patient"), t("Slag"), t("För"), t("Läge"), t("Gäller")],
        rows: rows.collect(),
        empty: t("Inga samtycken stämmer med valet. Samtycken hos andra vårdgivare syns inte här."),
    };
    let parts = vec![
        PagePart::form(filter(&asked, "/enhet/samtycken", &units)),
        PagePart::Table(table),
        paging(&asked, "/enhet/samtycken", &moments)?,
    ];
    Ok(PageAnswer::Patients(viewed, view(t("Enhetens samtycken"), parts)))
}
