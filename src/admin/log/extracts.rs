//! *Loggutdrag till patient*: what has been asked for, making it, delivering it.

use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, View, refusal_of, view};
use crate::admin::paging::PageStart;
use crate::admin::parts::{Cell, Control, PagePart, Table, Tone, field, form, link};
use crate::admin::words::{Words, day, filled, minute, number as digits, t};
use crate::domain::identity::PatientId;
use crate::domain::people::extract as rules;
use crate::domain::people::number;
use crate::domain::time::Timestamp;
use crate::procedures::people::extract_file::code_of;
use crate::procedures::people::extracts::StoredExtract;
use crate::procedures::people::facts::PAGE_ROWS;
use crate::procedures::people::looking::Activity;

/// The patient of an extract.
pub fn patient_of(extract: &StoredExtract) -> PatientId {
    let (root, number) = (extract.patient_root.clone(), extract.patient_extension.clone());
    PatientId::kept(root, number, extract.patient_key.clone())
}

fn state(extract: &StoredExtract) -> Cell {
    match (extract.delivered_at, extract.made_at) {
        (Some(at), _) => Cell::Chip(Tone::Good, filled("Utlämnat {}", [minute(at).into()])),
        (None, Some(_)) => Cell::Chip(Tone::Note, t("Framställt, ska lämnas ut")),
        (None, None) => Cell::Chip(Tone::Warning, t("Begärt, ska framställas")),
    }
}

/// The provider's extracts, the latest first.
pub async fn extracts(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let start = PageStart::read(asked.query.get("fore"), asked.now).ok_or(Refused::NotFound)?;
    let found = asked.people().extracts(&person, None, (start.at, start.skip)).await?;
    let patients: Vec<PatientId> = found.iter().map(patient_of).collect();
    let mut once: Vec<&PatientId> = Vec::new();
    for patient in &patients {
        if !once.contains(&patient) {
            once.push(patient);
        }
    }
    let viewed = asked
        .viewed_several("Loggutdrag", (Activity::Read, Some("lista")), &["Logg"], &once)
        .await?;
    let rows = found.iter().zip(&patients).map(|(extract, patient)| {
        vec![
            Cell::Link(
                link(format!("/utdrag/{}", extract.extract_id), number::shown(patient))
                    .about(t("utdrag")),
            ),
            Cell::from(format!("{} – {}", day(extract.from_on), day(extract.to_on))),
            Cell::from(minute(extract.requested_at)),
            state(extract),
        ]
    });
    let table = Table {
        caption: t("Begärda utdrag"),
        head: vec![t("Patient"), t("Period"), t("Begärt"), t("Läge")],
        rows: rows.collect(),
        empty: t("Inga utdrag är begärda. Sök patienten för att ta emot en begäran."),
    };
    let moments: Vec<Timestamp> = found.iter().map(|extract| extract.requested_at).collect();
    let parts = vec![
        PagePart::Table(table),
        start.paging("/utdrag?", &moments, PAGE_ROWS),
        PagePart::Links(vec![link("/patient", t("Sök patient"))]),
    ];
    Ok(PageAnswer::Patients(viewed, view(t("Loggutdrag till patient"), parts)))
}

/// One extract: making it, its files, its delivery.
pub async fn extract(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let id = asked.id("x")?;
    let extract = asked.people().extract(&person, id).await?.ok_or(Refused::NotFound)?;
    let patient = patient_of(&extract);
    let matter = format!("Loggutdrag: {}", extract.case_text);
    let activity = if asked.is_post() { Activity::Print } else { Activity::Read };
    let viewed =
        asked.viewed_several(&matter, (activity, Some("utdrag")), &["Logg"], &[&patient]).await?;
    let mut refusal = None;
    if asked.is_post() {
        let done = match asked.form.get("step") {
            "make" => match asked.people().extract_content(&person, &extract, &viewed).await {
                Ok(content) => {
                    asked.people().extract_is_made(&person, &extract, &content).await.map(|()| id)
                }
                Err(failure) => Err(failure),
            },
            "supplement" => asked.people().supplement(&person, &extract).await,
            _ => {
                let how = (asked.form.get("way"), asked.form.get("letter"));
                asked.people().deliver_extract(&person, &extract, how).await.map(|()| id)
            }
        };
        match refusal_of(done)? {
            Ok(to) => return Ok(PageAnswer::To(format!("/utdrag/{to}"))),
            Err(rejection) => refusal = Some(rejection),
        }
    }
    let status = if refusal.is_some() { 422 } else { 200 };
    let mut parts = vec![PagePart::Facts(facts(&extract, &patient))];
    if let Some(rejection) = refusal {
        parts.push(PagePart::Notice(Tone::Bad, Words::from(rejection.text.into_owned()), vec![]));
    }
    if extract.embargoed {
        parts.push(PagePart::Notice(
            Tone::Warning,
            t("Loggposter är utelämnade för en pågående utredning. När embargot tar slut ska ett kompletterande utdrag lämnas."),
            vec![],
        ));
    }
    let to = format!("/utdrag/{id}");
    if extract.made_at.is_none() {
        parts.push(PagePart::form(
            form(to.clone(), Vec::new(), t("Framställ utdraget")).carrying("step", "make").main(),
        ));
    } else {
        parts.extend(files(&extract));
        if extract.embargoed && extract.delivered_at.is_some() {
            let supplement = form(to.clone(), Vec::new(), t("Ta fram kompletterande utdrag"));
            parts.push(PagePart::form(supplement.carrying("step", "supplement")));
        }
        if extract.delivered_at.is_none() {
            parts.push(PagePart::Card(t("Lämna ut"), vec![PagePart::form(delivery(&asked, to))]));
        }
    }
    let page = view(t("Loggutdrag"), parts).back(link("/utdrag", t("Loggutdrag till patient")));
    Ok(PageAnswer::Patients(viewed, View { status, ..page }))
}

/// Its files, part by part (E9).
fn files(extract: &StoredExtract) -> Vec<PagePart> {
    let of = rules::parts(usize::try_from(extract.posts.unwrap_or_default()).unwrap_or_default());
    let mut parts = Vec::new();
    for part in 1..=of {
        if of > 1 {
            parts.push(PagePart::Heading(filled("Del {}", [digits(part as u64).into()])));
        }
        let file = |form: &str, words| {
            let name = filled("Del {}", [digits(part as u64).into()]);
            let to = link(format!("/utdrag/{}/fil/{form}?del={part}", extract.extract_id), words);
            if of > 1 { to.about(name) } else { to }
        };
        parts.push(PagePart::Links(vec![
            file("pdf", t("Hämta PDF")),
            file("xlsx", t("Hämta XLSX")),
            file("csv", t("Hämta CSV")),
            file("json", t("Hämta kontrollfilen utdrag.json")),
        ]));
    }
    parts
}

fn delivery(asked: &PageCall, to: String) -> crate::admin::parts::PageForm {
    let ways = vec![
        ("collected".to_owned(), t("Hämtat på plats mot legitimation"), Words::none()),
        ("letter".to_owned(), t("Rekommenderat brev"), Words::none()),
    ];
    let chosen = match asked.form.get("way") {
        "" => "collected",
        way => way,
    };
    let fields = vec![
        field("way", t("Hur lämnades det ut"), Control::Choice(ways, chosen.to_owned())),
        field(
            "letter",
            t("Brevets nummer"),
            Control::Line("text", asked.form.get("letter").to_owned()),
        )
        .hint(t("För rekommenderat brev.")),
    ];
    form(to, fields, t("Registrera utlämnandet")).carrying("step", "deliver")
}

fn facts(extract: &StoredExtract, patient: &PatientId) -> Vec<(Words, Cell)> {
    let requester = match extract.requester.as_str() {
        "guardian" => t("En vårdnadshavare"),
        "representative" => t("En företrädare med fullmakt"),
        _ => t("Patienten"),
    };
    let text = |text: &str| Cell::from(if text.is_empty() { "–" } else { text });
    let mut facts = vec![
        (t("Patient"), Cell::from(number::shown(patient))),
        (t("Period"), Cell::from(format!("{} – {}", day(extract.from_on), day(extract.to_on)))),
        (t("Begärt av"), Cell::Several(vec![requester.into(), text(&extract.requester_name)])),
        (t("Identitet"), text(&extract.identity_check)),
        (t("Ärendenummer"), text(&extract.case_text)),
        (t("Begärt"), Cell::from(minute(extract.requested_at))),
        (
            t("Personalens namn"),
            Cell::from(if extract.names { t("Lämnas ut") } else { t("Lämnas inte ut") }),
        ),
        (t("Läge"), state(extract)),
    ];
    if let (Some(posts), Some(hash)) = (extract.posts, &extract.file_hash) {
        facts.push((t("Rader"), Cell::from(digits(i64::from(posts)))));
        facts.push((t("Kontrollkod"), Cell::from(code_of(hash))));
    }
    facts
}
