//! The own care provider's blocks of a patient, with what has happened to them.

use super::head::{head, title, to_overview};
use super::told;
use crate::admin::asked::{Handled, PageAnswer, PageCall, view};
use crate::admin::parts::{Cell, PagePart, Table, link};
use crate::admin::words::t;
use crate::domain::people::roles::Role;
use crate::procedures::people::facts::{Histories, Names};
use crate::procedures::people::looking::Activity;
use std::collections::BTreeSet;

/// The page.
pub async fn blocks(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let viewed = asked.viewed(&lookup, (Activity::Read, None), &["Spärr"]).await?;
    let facts = asked.people().patient_facts(&person, &lookup, &viewed).await?;
    let base = format!("/patient/{}", lookup.id);
    let mut parts = head(&lookup, &facts.person, &viewed);
    let about = (&facts.names, &facts.on_their_way);
    parts.push(PagePart::Table(block_table(&asked, &facts.histories, &base, about)));
    let mut links = Vec::new();
    if asked.is(Role::BlockAdmin) || asked.is(Role::Care) {
        links.push(link(format!("{base}/sparrar/ny"), t("Registrera spärr")));
    }
    for (form, words) in [("pdf", t("Spara som PDF")), ("xml", t("Spara som XML"))] {
        links.push(link(format!("{base}/sparrar/fil/{form}"), words));
    }
    parts.push(PagePart::Links(links));
    Ok(PageAnswer::Patients(viewed, view(title(&lookup), parts).back(to_overview(&lookup))))
}

/// Blocks as a table.
pub fn block_table(
    asked: &PageCall,
    histories: &Histories,
    base: &str,
    (names, on_their_way): (&Names, &BTreeSet<String>),
) -> Table {
    let base = format!("{base}/sparrar");
    let may = (base.as_str(), asked.is(Role::BlockAdmin), asked.is(Role::Care));
    let row = |(history, revokes): &(_, Vec<_>)| {
        let history: &crate::domain::blocking::history::BlockHistory = history;
        let content = &history.block.content;
        let mut what = vec![
            Cell::from(told::guarded(&content.guards, names)),
            Cell::from(told::span(&content.period)),
        ];
        if !content.exempted.is_empty() {
            what.push(Cell::from(told::exempted(content)));
        }
        let mut state = vec![told::block_state(history, revokes, asked.now)];
        if on_their_way.contains(&history.block.id.key()) {
            state.push(Cell::from(t("Väntar på den nationella tjänsten")));
        }
        vec![
            Cell::Several(what),
            Cell::Several(state),
            Cell::Several(told::block_story((history, revokes), names)),
            Cell::Several(told::block_actions(history, revokes, may, (names, asked.now))),
        ]
    };
    Table {
        caption: t("Spärrar hos er"),
        head: vec![t("Spärr"), t("Läge"), t("Händelser"), t("Åtgärder")],
        rows: histories.iter().map(row).collect(),
        empty: t("Inga spärrar är registrerade hos er. Spärrar hos andra syns inte här."),
    }
}
