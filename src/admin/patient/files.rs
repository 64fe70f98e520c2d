//! A patient's blocks as a file.

use super::told;
use crate::admin::asked::{Handled, PageAnswer, PageCall};
use crate::admin::log::files::file_of;
use crate::admin::words::{Language, minute};
use crate::documents::document::{Document, DocumentTable};
use crate::domain::people::number;
use crate::procedures::people::looking::Activity;

/// The file of a form: `pdf`, `xml`, `xlsx`, `csv`.
pub async fn blocks(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let viewed = asked.viewed(&lookup, (Activity::Print, None), &["Spärr"]).await?;
    let facts = asked.people().patient_facts(&person, &lookup, &viewed).await?;
    let said = |words: crate::admin::words::Words| words.said(Language::Swedish);
    let cell = |cell: crate::admin::parts::Cell| match cell {
        crate::admin::parts::Cell::Chip(_, words) | crate::admin::parts::Cell::Words(words) => {
            said(words)
        }
        _ => String::new(),
    };
    let rows = facts.histories.iter().map(|(history, revokes)| {
        let content = &history.block.content;
        let story = told::block_story((history, revokes), &facts.names);
        vec![
            said(told::guarded(&content.guards, &facts.names)),
            said(told::span(&content.period)),
            said(told::exempted(content)),
            cell(told::block_state(history, revokes, asked.now)),
            story.into_iter().map(cell).collect::<Vec<_>>().join("; "),
        ]
    });
    let head =
        [("Spärr", 0.26), ("Tid", 0.14), ("Undantag", 0.14), ("Läge", 0.12), ("Händelser", 0.34)];
    let document = Document {
        title: "Spärrar".to_owned(),
        facts: vec![
            ("Patient".to_owned(), number::shown(&lookup.patient)),
            ("Vårdgivare".to_owned(), person.assignment.provider_name.clone()),
            ("Framställd".to_owned(), minute(asked.now)),
            ("Av".to_owned(), person.session.name.clone()),
        ],
        tables: vec![DocumentTable {
            caption: "Spärrar hos vårdgivaren".to_owned(),
            head: head.map(|(name, share)| (name.to_owned(), share)).to_vec(),
            rows: rows.collect(),
        }],
        ..Document::default()
    };
    let (name, kind, bytes) = file_of(&asked, "sparrar", document).await?;
    Ok(PageAnswer::File(Some(viewed), name, kind, bytes))
}
