//! *Driftstatus*: how the service does, as it was known last; it needs no database.

use crate::admin::asked::{Handled, PageAnswer, PageCall, view};
use crate::admin::charts::month_name;
use crate::admin::parts::{Cell, PagePart, Table, Tone};
use crate::admin::words::{Words, filled, minute, t};
use crate::domain::time::Timestamp;
use crate::procedures::people::known_status::{Function, StatusView, StoredInterruption, Working};

/// What a function is called.
pub fn function_name(function: Function) -> Words {
    match function {
        Function::Blocking => t("Spärr"),
        Function::Consent => t("Samtycke"),
        Function::Log => t("Logg"),
        Function::Reports => t("Rapporter"),
        Function::Replication => t("Replikering"),
        Function::Site => t("Webbplatsen"),
    }
}

/// The same by the name that is stored.
pub fn stored_name(name: &str) -> Words {
    Function::named(name).map_or(t("Allt"), function_name)
}

fn state(working: Working) -> Cell {
    match working {
        Working::Working => Cell::Chip(Tone::Good, t("Fungerar")),
        Working::Disturbed => Cell::Chip(Tone::Warning, t("Störning")),
        Working::Interrupted => Cell::Chip(Tone::Bad, t("Avbrott")),
    }
}

/// A share as per cent.
pub fn share(share: Option<f64>) -> Cell {
    match share {
        // Never rounded up to what it was not.
        Some(share) => Cell::Number(Words::from(
            format!("{:.2} %", (share * 100.0).floor() / 100.0).replace('.', ","),
        )),
        None => Cell::Read("–", t("inte mätt")),
    }
}

/// What an interruption counts as.
pub fn class_name(class: &str) -> Words {
    match class {
        "planned" => t("Planerat stopp"),
        "excluded" => t("Räknas inte"),
        _ => t("Räknas"),
    }
}

/// A row of an interruption.
pub fn interruption(it: &StoredInterruption) -> Vec<Cell> {
    let ends = it.to_at.map_or(t("pågår"), |at| Words::from(minute(at)));
    let what = if it.state == "disturbed" { t("Störning") } else { t("Avbrott") };
    vec![
        Cell::from(filled("{} – {}", [minute(it.from_at).into(), ends])),
        Cell::from(stored_name(&it.function)),
        Cell::from(what),
        Cell::from(class_name(&it.class)),
        Cell::from(it.reason.clone()),
    ]
}

/// The page.
pub async fn status(asked: PageCall) -> Handled {
    let known = asked.people().status.view();
    let mut parts = Vec::new();
    for message in &known.messages {
        let words = filled("{}: {}", [minute(message.at).into(), message.words.as_str().into()]);
        parts.push(PagePart::Notice(Tone::Note, words, vec![]));
    }
    let looked = known.looked_at.map_or(t("Ingen mätning är gjord än."), |at| {
        filled("Tjänsten mäter sig själv en gång i minuten, senast {}.", [minute(at).into()])
    });
    parts.push(PagePart::Text(looked));
    let rows = known.functions.iter().map(|(function, working, since)| {
        let since = since.map_or(Words::from("–"), |at| Words::from(minute(at)));
        vec![Cell::from(function_name(*function)), state(*working), Cell::from(since)]
    });
    parts.push(PagePart::Card(
        t("Just nu"),
        vec![PagePart::Table(Table {
            caption: t("Funktioner"),
            head: vec![t("Funktion"), t("Läge"), t("Sedan")],
            rows: rows.collect(),
            empty: t("Ingen mätning är gjord än."),
        })],
    ));
    parts.push(planned(&known, asked.now));
    let rows = known.months.iter().map(|(month, functions)| {
        let cells = functions.iter().map(|(_, of)| share(*of));
        std::iter::once(Cell::from(month_name(*month))).chain(cells).collect()
    });
    let functions = Function::ALL.map(function_name);
    parts.push(PagePart::Card(t("Tillgänglighet per månad"), vec![
        PagePart::Table(Table {
            caption: t("Procent av månadens tid"),
            head: std::iter::once(t("Månad")).chain(functions).collect(),
            rows: rows.collect(),
            empty: t("Inget är mätt än."),
        }),
        PagePart::Text(t("100 − avbrottstid / total tid × 100, per kalendermånad. Planerade stopp och det som har undantagits med en anledning räknas inte som avbrott. Tid då tjänsten inte mätte sig själv räknas som avbrott.")),
    ]));
    parts.push(past(&known, asked.now));
    Ok(PageAnswer::View(view(t("Driftstatus"), parts)))
}

fn interruption_head() -> Vec<Words> {
    vec![t("Tid"), t("Funktion"), t("Vad"), t("Räknas"), t("Anledning")]
}

/// Stops to come.
fn planned(known: &StatusView, now: Timestamp) -> PagePart {
    let planned = known
        .interruptions
        .iter()
        .filter(|it| it.class == "planned" && it.to_at.is_some_and(|to| to > now));
    let rows: Vec<Vec<Cell>> = planned.map(interruption).collect();
    PagePart::Card(
        t("Planerade stopp"),
        vec![PagePart::Table(Table {
            caption: t("Kommande"),
            head: interruption_head(),
            rows,
            empty: t("Inga stopp är planerade."),
        })],
    )
}

/// Interruptions that have been.
fn past(known: &StatusView, now: Timestamp) -> PagePart {
    let past: Vec<Vec<Cell>> = known
        .interruptions
        .iter()
        .filter(|it| it.from_at <= now)
        .take(50)
        .map(interruption)
        .collect();
    PagePart::More(
        t("Tidigare avbrott och störningar"),
        vec![PagePart::Table(Table {
            caption: t("De senaste tolv månaderna"),
            head: interruption_head(),
            rows: past,
            empty: t("Inga avbrott."),
        })],
    )
}

/// As JSON.
pub async fn json(asked: PageCall) -> Handled {
    let known = asked.people().status.view();
    let functions: Vec<_> = known
        .functions
        .iter()
        .map(|(function, working, since)| serde_json::json!({
            "function": function.name(), "state": working.name(), "since": since.map(|at| at.to_rfc3339()),
        }))
        .collect();
    let months: Vec<_> = known
        .months
        .iter()
        .map(|(month, functions)| {
            let shares: serde_json::Map<_, _> =
                functions.iter().map(|(f, share)| (f.name().to_owned(), (*share).into())).collect();
            serde_json::json!({ "month": month.format("%Y-%m").to_string(), "per_cent": shares })
        })
        .collect();
    let messages: Vec<&str> = known.messages.iter().map(|message| message.words.as_str()).collect();
    let text = serde_json::json!({
        "looked_at": known.looked_at.map(|at| at.to_rfc3339()),
        "functions": functions,
        "months": months,
        "messages": messages,
    });
    let bytes = text.to_string().into_bytes();
    Ok(PageAnswer::File(None, "driftstatus.json".to_owned(), "application/json", bytes))
}
