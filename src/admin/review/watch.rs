//! *Bevakning*: patients whose readings are reviewed daily or weekly; two persons stand behind each.

use super::list::looked_at;
use super::number as written;
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, refusal_of, view};
use crate::admin::parts::{Cell, Control, PageForm, PagePart, Table, Tone, field, form};
use crate::admin::patient::times;
use crate::admin::words::{Words, day, minute, t};
use crate::domain::identity::PatientId;
use crate::domain::people::number;
use crate::domain::rejection::Rejection;
use crate::domain::review::watch::{WatchKind, latest};
use crate::domain::time::local;
use crate::procedures::people::looking::Activity;
use crate::procedures::review::watching::StoredWatch;

fn patient_of(entry: &StoredWatch) -> PatientId {
    PatientId::kept(
        entry.patient_root.clone(),
        entry.patient_extension.clone(),
        entry.patient_key.clone(),
    )
}

/// The list, adding, approving and ending.
pub async fn watch(asked: PageCall) -> Handled {
    let mut refusal = None;
    if asked.is_post() {
        match done(&asked).await? {
            Ok(()) => return Ok(PageAnswer::To("/bevakning".to_owned())),
            Err(says) => refusal = Some(says),
        }
    }
    let person = asked.on_duty()?;
    let found = asked.people().watch_list(&person).await?;
    let mut patients: Vec<PatientId> = found.iter().map(patient_of).collect();
    patients.sort_by(|a, b| a.key().cmp(b.key()));
    patients.dedup();
    let patients: Vec<&PatientId> = patients.iter().collect();
    let level = "granskning: bevakning";
    let viewed = looked_at(&asked, "Bevakning", (Activity::Read, level), &patients).await?;
    let mut parts = Vec::new();
    let is_refused = refusal.is_some();
    if let Some(says) = refusal {
        parts.push(PagePart::Notice(Tone::Bad, says, vec![]));
    }
    parts.push(PagePart::Table(table(&asked, &found)));
    let today = local(asked.now).date();
    for entry in found.iter().filter(|entry| entry.ended_at.is_none() && entry.expires_on >= today)
    {
        let title = number::shown(&patient_of(entry));
        let step = |step: &'static str, words: Words| {
            form("/bevakning", Vec::new(), words)
                .carrying("number", entry.watch_number.to_string())
                .carrying("step", step)
                .about(title.as_str())
        };
        let mut forms = Vec::new();
        if entry.approved_by.is_none() {
            forms.push(PagePart::form(step("approve", t("Godkänn"))));
        }
        forms.push(PagePart::form(step("end", t("Avsluta")).dangerous()));
        parts.push(PagePart::Card(Words::from(title.clone()), forms));
    }
    parts.push(PagePart::Heading(t("Ny bevakning")));
    parts.push(PagePart::Text(t(
        "En bevakning gäller när en annan person har godkänt den. Granskaren ser bara att patienten är bevakad. Förnya genom att lägga till patienten igen.",
    )));
    parts.push(PagePart::form(new_form(&asked)));
    let page = view(t("Bevakning"), parts);
    Ok(PageAnswer::Patients(viewed, if is_refused { page.refused() } else { page }))
}

async fn done(asked: &PageCall) -> Result<Result<(), Words>, Refused> {
    let person = asked.on_duty()?;
    let says = |rejection: Rejection| Words::from(rejection.text.into_owned());
    let level = Some("granskning: bevakning");
    let log = |patient: PatientId| async move {
        let patients = [&patient];
        asked.viewed_several("Bevakning", (Activity::Write, level), &["Logg"], &patients).await
    };
    match asked.form.get("step") {
        "add" => {
            let patient = match written::written(asked) {
                Ok(Some(patient)) => patient,
                Ok(None) => return Ok(Err(t("Skriv patientens nummer."))),
                Err(wrong) => return Ok(Err(wrong)),
            };
            let until = match times::day(asked.form.get("until")) {
                Ok(until) => until.unwrap_or_else(|| latest(local(asked.now).date())),
                Err(wrong) => return Ok(Err(wrong)),
            };
            log(patient.clone()).await?;
            let kind = WatchKind::named(asked.form.get("kind"));
            let why = (kind, asked.form.get("reason"));
            let added = asked.people().add_watch(&person, &patient, why, until).await;
            Ok(refusal_of(added)?.map_err(says))
        }
        step @ ("approve" | "end") => {
            let number: i64 = asked.form.get("number").parse().map_err(|_| Refused::NotFound)?;
            let found = asked.people().watch_list(&person).await?;
            let entry = found.iter().find(|entry| entry.watch_number == number);
            let entry = entry.ok_or(Refused::NotFound)?;
            log(patient_of(entry)).await?;
            let settled = asked.people().settle_watch(&person, entry, step == "end").await;
            Ok(refusal_of(settled)?.map_err(says))
        }
        _ => Err(Refused::NotFound),
    }
}

fn kind_words(kind: Option<WatchKind>) -> Words {
    match kind {
        Some(WatchKind::Protected) => t("Skyddad identitet"),
        Some(WatchKind::Public) => t("Offentlig person"),
        Some(WatchKind::Event) => t("Uppmärksammad händelse"),
        None => t("–"),
    }
}

fn table(asked: &PageCall, found: &[StoredWatch]) -> Table {
    let today = local(asked.now).date();
    let rows = found.iter().map(|entry| {
        let state = match (entry.ended_at, &entry.approved_by) {
            (Some(_), _) => Cell::Chip(Tone::Quiet, t("Avslutad")),
            (None, _) if entry.expires_on < today => Cell::Chip(Tone::Quiet, t("Utgången")),
            (None, None) => Cell::Chip(Tone::Note, t("Väntar på godkännande")),
            (None, Some(_)) => Cell::Chip(Tone::Good, t("Gäller")),
        };
        vec![
            Cell::from(number::shown(&patient_of(entry))),
            Cell::from(kind_words(WatchKind::named(&entry.kind))),
            Cell::from(entry.reason.clone()),
            Cell::Several(vec![
                Cell::from(entry.added_by.clone()),
                Cell::from(minute(entry.added_at)),
            ]),
            Cell::from(entry.approved_by.clone().map_or(t("–"), Words::from)),
            Cell::from(day(entry.expires_on)),
            state,
        ]
    });
    Table {
        caption: t("Bevakade patienter"),
        head: vec![
            t("Patient"),
            t("Slag"),
            t("Varför"),
            t("Tillagd av"),
            t("Godkänd av"),
            t("Till"),
            t("Läge"),
        ],
        rows: rows.collect(),
        empty: t("Ingen patient bevakas."),
    }
}

fn new_form(asked: &PageCall) -> PageForm {
    let sent = |name: &str| asked.form.get(name).to_owned();
    let kinds = vec![
        (
            "protected".to_owned(),
            kind_words(Some(WatchKind::Protected)),
            t("Granskas varje vecka."),
        ),
        ("public".to_owned(), kind_words(Some(WatchKind::Public)), t("Granskas varje dag.")),
        ("event".to_owned(), kind_words(Some(WatchKind::Event)), t("Granskas varje dag.")),
    ];
    let mut fields = written::fields(asked, Words::none(), None);
    fields.extend([
        field("kind", t("Slag"), Control::Choice(kinds, sent("kind"))),
        field("reason", t("Varför"), Control::Area(sent("reason"))),
        field("until", t("Till och med"), Control::Line("date", sent("until")))
            .hint(t("Högst tolv månader. Lämna tomt för tolv månader.")),
    ]);
    form("/bevakning", fields, t("Lägg till bevakning")).carrying("step", "add")
}
