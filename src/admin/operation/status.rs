//! *Meddelanden och avbrott*: what operators tell everybody, planned stops, how interruptions count.

use crate::admin::asked::{Handled, PageAnswer, PageCall, View, refusal_of, view};
use crate::admin::open::status::{class_name, interruption, stored_name};
use crate::admin::parts::{Cell, Control, FormField, PagePart, Table, Tone, field, form};
use crate::admin::patient::times;
use crate::admin::words::{Words, filled, minute, t};
use crate::domain::rejection::Rejection;
use crate::procedures::failure::Failure;
use crate::procedures::people::known_status::{Function, StoredInterruption};
use crate::procedures::people::on_duty::OnDuty;

/// The page and its forms.
pub async fn edit(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let mut refusal = None;
    if asked.is_post() {
        match refusal_of(done(&asked, &person).await)? {
            Ok(()) => return Ok(PageAnswer::To("/drift/status".to_owned())),
            Err(rejection) => refusal = Some(rejection),
        }
    }
    let status = if refusal.is_some() { 422 } else { 200 };
    let mut parts = Vec::new();
    if let Some(rejection) = refusal {
        parts.push(PagePart::Notice(Tone::Bad, Words::from(rejection.text.into_owned()), vec![]));
    }
    asked.people().read_status(asked.now).await?;
    let known = asked.people().status.view();
    let mut messages = Vec::new();
    for message in &known.messages {
        messages.push(PagePart::Text(Words::from(format!(
            "{}: {}",
            minute(message.at),
            message.words
        ))));
        let end = form("/drift/status", Vec::new(), t("Ta bort"))
            .carrying("step", "end")
            .carrying("number", message.message_number.to_string())
            .about(message.words.as_str());
        messages.push(PagePart::form(end));
    }
    let words = field(
        "words",
        t("Meddelande till alla"),
        Control::Area(asked.form.get("words").to_owned()),
    );
    messages.push(PagePart::form(
        form("/drift/status", vec![words], t("Visa meddelandet")).carrying("step", "tell"),
    ));
    parts.push(PagePart::Card(t("Meddelanden"), messages));
    parts.push(PagePart::Card(
        t("Planera ett stopp"),
        vec![PagePart::form(
            form("/drift/status", planned(&asked), t("Planera")).carrying("step", "plan"),
        )],
    ));
    parts.push(PagePart::Card(t("Avbrott"), interruptions(&asked, &known.interruptions)));
    Ok(PageAnswer::View(View { status, ..view(t("Meddelanden och avbrott"), parts) }))
}

fn planned(asked: &PageCall) -> Vec<FormField> {
    let line = |name: &str, kind| Control::Line(kind, asked.form.get(name).to_owned());
    let mut functions = vec![("all".to_owned(), t("Allt"))];
    functions.extend(
        Function::ALL.map(|function| (function.name().to_owned(), stored_name(function.name()))),
    );
    vec![
        field(
            "function",
            t("Funktion"),
            Control::Select(functions, asked.form.get("function").to_owned()),
        ),
        field("from", t("Från dag"), line("from", "date")),
        field("from_time", t("Från klockslag"), line("from_time", "time")),
        field("to", t("Till dag"), line("to", "date")),
        field("to_time", t("Till klockslag"), line("to_time", "time")),
        field("reason", t("Anledning"), line("reason", "text")),
    ]
}

fn interruptions(asked: &PageCall, all: &[StoredInterruption]) -> Vec<PagePart> {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut choices = Vec::new();
    for it in all.iter().take(50) {
        rows.push(interruption(it));
        let title = filled("{} {}", [minute(it.from_at).into(), stored_name(&it.function)]);
        choices.push((it.interruption_number.to_string(), title));
    }
    let mut parts = vec![PagePart::Table(Table {
        caption: t("Avbrott och störningar"),
        head: vec![t("Tid"), t("Funktion"), t("Vad"), t("Räknas"), t("Anledning")],
        rows,
        empty: t("Inga avbrott."),
    })];
    if !choices.is_empty() {
        let classes = ["unplanned", "planned", "excluded"];
        let classes = classes.map(|class| (class.to_owned(), class_name(class))).to_vec();
        let fields = vec![
            field(
                "number",
                t("Avbrott"),
                Control::Select(choices, asked.form.get("number").to_owned()),
            ),
            field(
                "class",
                t("Räknas som"),
                Control::Select(classes, asked.form.get("class").to_owned()),
            ),
            field("why", t("Varför"), Control::Line("text", asked.form.get("why").to_owned())),
        ];
        parts.push(PagePart::More(
            t("Ändra hur ett avbrott räknas"),
            vec![PagePart::form(
                form("/drift/status", fields, t("Ändra")).carrying("step", "class"),
            )],
        ));
    }
    parts
}

async fn done(asked: &PageCall, person: &OnDuty<'_>) -> Result<(), Failure> {
    let (people, sent) = (asked.people(), &asked.form);
    match sent.get("step") {
        "tell" => people.tell_everybody(person, Ok(sent.get("words"))).await,
        "end" => {
            people.tell_everybody(person, Err(sent.get("number").parse().unwrap_or_default())).await
        }
        "plan" => {
            let at = |day: &str, time: &str| {
                let read = times::moment((sent.get(day), sent.get(time)), times::begins);
                read.ok().flatten().ok_or_else(|| Rejection::validation("Skriv dag och klockslag."))
            };
            let times = (at("from", "from_time")?, at("to", "to_time")?);
            people.plan_stop(person, sent.get("function"), times, sent.get("reason")).await
        }
        "class" => {
            let number = sent.get("number").parse().unwrap_or_default();
            people.class_interruption(person, number, (sent.get("class"), sent.get("why"))).await
        }
        _ => Err(Rejection::validation("Välj vad som ska göras.").into()),
    }
}
