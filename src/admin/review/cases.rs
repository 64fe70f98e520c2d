//! *Ärenden*: each told as a story, with the steps that are possible next.

use super::told::{case_chip, case_words};
use super::visit::case_title;
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, refusal_of, view};
use crate::admin::parts::{Cell, Control, PagePart, Table, Tone, field, form, link, question};
use crate::admin::words::{Words, filled, minute, t};
use crate::domain::people::roles::Role;
use crate::domain::rejection::Rejection;
use crate::domain::review::case::{
    CONFIRMED, CaseAnswers, CaseState, DEVIATION, DEVIATION_NUMBER, breach_until,
};
use crate::procedures::people::looking::{Activity, Viewed};
use crate::procedures::people::on_duty::Person;
use crate::procedures::review::casework::{CaseEventRow, StoredCase};

async fn seen(asked: &PageCall, matter: &str, activity: Activity) -> Result<Viewed, Refused> {
    let level = Some("granskning: ärende");
    asked.viewed_several(matter, (activity, level), &["Logg"], &[]).await
}

/// The list.
pub async fn cases(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let all = asked.query.get("visa") == "alla";
    let found = asked.people().cases(&person, !all).await?;
    let viewed = seen(&asked, "Ärenden", Activity::Read).await?;
    let rows = found.iter().map(|case| {
        let words = filled("Ärende {}", [case.case_number.to_string().into()]);
        vec![
            Cell::Link(link(format!("/arenden/{}", case.case_number), words)),
            Cell::from(case.title.clone()),
            Cell::from(case.unit_name.clone()),
            Cell::from(minute(case.opened_at)),
            case_chip(&case.state),
        ]
    });
    let choices = vec![(String::new(), t("Öppna")), ("alla".to_owned(), t("Alla"))];
    let chosen = asked.query.get("visa").to_owned();
    let fields = vec![field("visa", t("Visa"), Control::Select(choices, chosen))];
    let parts = vec![
        PagePart::form(question("/arenden", fields, t("Visa"))),
        PagePart::Table(Table {
            caption: t("Ärenden"),
            head: vec![t("Nummer"), t("Gäller"), t("Enhet"), t("Öppnat"), t("Läge")],
            rows: rows.collect(),
            empty: t("Inga ärenden. Ett öppnas när ett tillfälle bedöms med anmärkning."),
        }),
    ];
    Ok(PageAnswer::Patients(viewed, view(t("Ärenden"), parts)))
}

/// A case, and what is added to it.
pub async fn case(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let number: i64 = asked.part("c").parse().map_err(|_| Refused::NotFound)?;
    let (case, events) = asked.people().case(&person, number).await?.ok_or(Refused::NotFound)?;
    let matter = format!("Ärende {number}");
    let mut parts = Vec::new();
    if asked.is_post() {
        seen(&asked, &matter, Activity::Write).await?;
        match refusal_of(added(&asked, &case).await)? {
            Ok(()) => return Ok(PageAnswer::To(format!("/arenden/{number}"))),
            Err(refusal) => {
                let says = Words::from(refusal.text.into_owned());
                parts.push(PagePart::Notice(Tone::Bad, says, vec![]));
            }
        }
    }
    let viewed = seen(&asked, &matter, Activity::Read).await?;
    let mut facts = vec![
        (t("Gäller"), Cell::from(case.title.clone())),
        (t("Enhet"), Cell::from(case.unit_name.clone())),
        (t("Medarbetare"), Cell::from(case.subject_employee.clone().map_or(t("–"), Words::from))),
        (t("Öppnat"), Cell::from(minute(case.opened_at))),
        (t("Läge"), case_chip(&case.state)),
    ];
    if let Some(at) = case.confirmed_at {
        let until = filled("senast {}", [minute(breach_until(at)).into()]);
        facts.push((t("Anmälan till tillsynsmyndigheten"), Cell::from(until)));
    }
    parts.push(PagePart::Facts(facts));
    parts.push(PagePart::Heading(t("Vad som har hänt")));
    let sees_visits = asked.is(Role::Reviewer) || asked.is(Role::LogAdmin);
    parts.push(PagePart::Table(story(&events, sees_visits)));
    parts.extend(steps(&asked, &case));
    let note = field("text", t("Anteckning"), Control::Area(String::new())).hint(t(
        "Vem som tillfrågades och svarade, och när. Anteckningar läggs till och ändras inte.",
    ));
    let note =
        form(format!("/arenden/{number}"), vec![note], t("Lägg till")).carrying("step", "note");
    parts.push(PagePart::Card(t("Ny anteckning"), vec![PagePart::form(note)]));
    let page = view(case_title(number, &case.state), parts).back(link("/arenden", t("Ärenden")));
    Ok(PageAnswer::Patients(viewed, if asked.is_post() { page.refused() } else { page }))
}

async fn added(
    asked: &PageCall,
    case: &StoredCase,
) -> Result<(), crate::procedures::failure::Failure> {
    let person = asked.person.as_ref().and_then(Person::on_duty);
    let Some(person) = person else {
        return Err(Rejection::validation("Logga in igen.").into());
    };
    let text = asked.form.get("text");
    match (asked.form.get("step"), CaseState::named(asked.form.get("step"))) {
        ("note", _) => asked.people().note_in_case(&person, case, text).await,
        (_, None) => Err(Rejection::validation("Det finns inget sådant steg.").into()),
        (_, Some(to)) => {
            let fields = CONFIRMED.iter().chain(&DEVIATION).map(|(field, _)| *field);
            let answers: CaseAnswers = fields
                .chain([DEVIATION_NUMBER])
                .map(|field| (field.to_owned(), asked.form.get(field).to_owned()))
                .filter(|(_, answer)| !answer.is_empty())
                .collect();
            asked.people().step_case(&person, case, to, (text, answers)).await
        }
    }
}

fn story(events: &[CaseEventRow], sees_visits: bool) -> Table {
    let rows = events.iter().map(|event| {
        let what = match event.kind.as_str() {
            "remark" => t("Anmärkning"),
            "note" => t("Anteckning"),
            _ => event.state.as_deref().map_or(t("–"), case_words),
        };
        let mut told = vec![Cell::from(event.text.clone())];
        for (asked, words) in CONFIRMED.iter().chain(&DEVIATION) {
            if let Some(answer) = event.answers.get(*asked) {
                let words = filled("{} {}", [Words::Ours(words), answer.clone().into()]);
                told.push(Cell::from(words));
            }
        }
        if let Some(number) = event.answers.get(DEVIATION_NUMBER) {
            told.push(Cell::from(filled("Avvikelse nummer {}", [number.clone().into()])));
        }
        if let Some((review, visit)) =
            event.review_number.zip(event.visit_number).filter(|_| sees_visits)
        {
            let words = filled("Tillfälle {}", [visit.to_string().into()]);
            told.push(Cell::Link(link(format!("/granskning/{review}/tillfalle/{visit}"), words)));
        }
        vec![
            Cell::from(minute(event.at)),
            Cell::from(event.by_name.clone()),
            Cell::from(what),
            Cell::Several(told),
        ]
    });
    Table {
        caption: t("Händelser"),
        head: vec![t("Tid"), t("Av"), t("Vad"), t("Berättelse")],
        rows: rows.collect(),
        empty: t("Inget har hänt än."),
    }
}

/// The steps that are possible next, each with what it must answer.
fn steps(asked: &PageCall, case: &StoredCase) -> Vec<PagePart> {
    let Some(state) = CaseState::named(&case.state) else { return Vec::new() };
    let to = format!("/arenden/{}", case.case_number);
    let step = |next: &CaseState| {
        let is_sent = asked.form.get("step") == next.name();
        let sent =
            |name: &str| if is_sent { asked.form.get(name).to_owned() } else { String::new() };
        let ask = |(name, words): &(&'static str, &'static str)| {
            field(name, Words::Ours(words), Control::Line("text", sent(name)))
        };
        let mut fields = Vec::new();
        if *next == CaseState::Deviation {
            fields.push(
                field(
                    DEVIATION_NUMBER,
                    t("Avvikelsens nummer"),
                    Control::Line("text", sent(DEVIATION_NUMBER)),
                )
                .hint(t("I ert avvikelsesystem. Utan nummer besvaras frågorna här.")),
            );
            fields.extend(DEVIATION.iter().map(ask));
        }
        if (state, *next) == (CaseState::Confirmed, CaseState::Closed) {
            fields.extend(CONFIRMED.iter().map(ask));
        }
        fields.push(field("text", t("Vad som hände och varför"), Control::Area(sent("text"))));
        let words = case_words(next.name());
        let fields = fields.into_iter().map(|field| field.of_form(next.name())).collect();
        let form = form(to.clone(), fields, words.clone()).carrying("step", next.name());
        PagePart::More(filled("Nästa steg: {}", [words]), vec![PagePart::form(form)])
    };
    state.next().iter().map(step).collect()
}
