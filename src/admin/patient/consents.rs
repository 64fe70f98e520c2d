//! The own care provider's consents and emergencies of a patient.

use super::head::{head, title, to_overview};
use super::told;
use crate::admin::asked::{Handled, PageAnswer, PageCall, view};
use crate::admin::parts::{Cell, PagePart, Table, link};
use crate::admin::words::{Words, filled, t};
use crate::domain::consent::lifecycle::{AssertionHistory, AssertionRemoval};
use crate::domain::people::roles::Role;
use crate::procedures::people::facts::Names;
use crate::procedures::people::looking::Activity;

/// The page.
pub async fn consents(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let viewed = asked.viewed(&lookup, (Activity::Read, None), &["Samtycke"]).await?;
    let facts = asked.people().patient_facts(&person, &lookup, &viewed).await?;
    let base = format!("/patient/{}", lookup.id);
    let mut parts = head(&lookup, &facts.person, &viewed);
    parts.push(PagePart::Table(consent_table(&asked, &facts.assertions, &base, &facts.names)));
    if asked.is(Role::BlockAdmin) || asked.is(Role::Care) {
        let to = format!("{base}/samtycken/nytt");
        parts.push(PagePart::Links(vec![link(to, t("Registrera samtycke"))]));
    }
    Ok(PageAnswer::Patients(viewed, view(title(&lookup), parts).back(to_overview(&lookup))))
}

/// Consents as a table.
pub fn consent_table(
    asked: &PageCall,
    assertions: &[AssertionHistory],
    base: &str,
    names: &Names,
) -> Table {
    let row = |history: &AssertionHistory| {
        let content = &history.assertion.content;
        let mut story = match &history.assertion.source {
            Some(_) => vec![t("Kopia från en annan tjänst")],
            None => vec![filled("Registrerat {}", [told::by(&history.action, names)])],
        };
        if content.represented_by.is_some() {
            story.push(t("Lämnat av företrädare"));
        }
        match history.assertion.lifetime.removal() {
            Some(AssertionRemoval::Cancelled(action)) => {
                story.push(filled("Avslutat {}", [told::by(action, names)]));
            }
            Some(AssertionRemoval::Deleted { action, .. }) => {
                story.push(filled("Makulerat {}", [told::by(action, names)]));
            }
            None => {}
        }
        let what = vec![
            Cell::from(told::kind_of(content.assertion_type)),
            Cell::from(told::opened_for(history, names)),
        ];
        vec![
            Cell::Several(what),
            told::assertion_state(history, asked.now),
            Cell::from(told::validity(history, asked.now)),
            Cell::Several(story.into_iter().map(Cell::from).collect()),
            Cell::Several(actions(asked, history, base, &told::opened_for(history, names))),
        ]
    };
    Table {
        caption: t("Samtycken och nödsituationer hos er"),
        head: vec![t("Samtycke"), t("Läge"), t("Gäller"), t("Händelser"), t("Åtgärder")],
        rows: assertions.iter().map(row).collect(),
        empty: t("Inga samtycken är registrerade hos er. Samtycken hos andra syns inte här."),
    }
}

fn actions(asked: &PageCall, history: &AssertionHistory, base: &str, about: &Words) -> Vec<Cell> {
    let id = history.assertion.id.as_str();
    let id: String = id.bytes().map(|b| format!("{b:02x}")).collect();
    let to = |action: &str, words: Words| {
        Cell::Link(link(format!("{base}/samtycken/{id}/{action}"), words).about(about.clone()))
    };
    let mut actions = Vec::new();
    let may_end = asked.is(Role::Care) || asked.is(Role::BlockAdmin);
    if history.assertion.is_valid(asked.now) && may_end {
        actions.push(to("avsluta", t("Avsluta…")));
    }
    let is_annulled =
        matches!(history.assertion.lifetime.removal(), Some(AssertionRemoval::Deleted { .. }));
    if !is_annulled && asked.is(Role::BlockAdmin) {
        actions.push(to("makulera", t("Makulera…")));
    }
    actions
}
