//! *Sök i loggen*: what the care provider's staff have done, by all that a record says and by its verdict.

use super::list::looked_at;
use super::number as written;
use super::told::{QUESTIONS, class_words, verdict_cells};
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, refusal_of, view};
use crate::admin::paging::PageStart;
use crate::admin::parts::{Cell, Control, PageForm, PagePart, Table, Tone, field, form, link};
use crate::admin::patient::times;
use crate::admin::words::{Words, day, filled, number as digits, second, t};
use crate::domain::identity::PatientId;
use crate::domain::people::number;
use crate::domain::people::roles::Role;
use crate::domain::review::verdict::VerdictClass;
use crate::domain::time::{Timestamp, local};
use crate::procedures::people::looking::{Activity, Viewed};
use crate::procedures::review::searching::{FoundName, FoundPost, LogSearch, PAGE_POSTS, WATCHED};
use chrono::Days;

async fn seen(asked: &PageCall, patients: &[&PatientId]) -> Result<Viewed, Refused> {
    looked_at(asked, "Sökning i loggen", (Activity::Read, "granskning: sökning"), patients).await
}

/// The form; what is asked is kept, so that no address names anybody.
pub async fn search(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let today = local(asked.now).date();
    let mut parts = Vec::new();
    let mut asked_for = LogSearch { from: today - Days::new(7), to: today, ..LogSearch::default() };
    let mut wrong: [Option<Words>; 3] = [None, None, None];
    if asked.is_post() {
        let sent = |name: &str| asked.form.get(name).to_owned();
        let patient = written::written(&asked);
        let (from, to) = (times::day(asked.form.get("from")), times::day(asked.form.get("to")));
        wrong = [patient.clone().err(), from.clone().err(), to.clone().err()];
        let to_day = to.ok().flatten().unwrap_or(today);
        let patient = patient.ok().flatten();
        asked_for = LogSearch {
            from: from.ok().flatten().unwrap_or(to_day - Days::new(7)),
            to: to_day,
            unit: sent("unit"),
            user: sent("user"),
            patient_root: patient.as_ref().map(|p| p.root().to_owned()).unwrap_or_default(),
            patient_extension: patient.map(|p| p.extension().to_owned()).unwrap_or_default(),
            system: sent("system"),
            activity: sent("activity"),
            class: sent("class"),
            flag: sent("flag"),
            by_day: asked.form.says_yes("by_day"),
        };
        if wrong.iter().all(Option::is_none) {
            match refusal_of(asked.people().keep_search(&person, &asked_for).await)? {
                Ok(id) => return Ok(PageAnswer::To(format!("/logg/{id}"))),
                Err(refusal) => {
                    let says = Words::from(refusal.text.into_owned());
                    parts.push(PagePart::Notice(Tone::Bad, says, vec![]));
                }
            }
        }
    }
    let viewed = seen(&asked, &[]).await?;
    parts.push(PagePart::form(search_form(&asked, &asked_for, wrong).await?));
    let page = view(t("Sök i loggen"), parts);
    Ok(PageAnswer::Patients(viewed, if asked.is_post() { page.refused() } else { page }))
}

async fn search_form(
    asked: &PageCall,
    search: &LogSearch,
    [wrong_patient, wrong_from, wrong_to]: [Option<Words>; 3],
) -> Result<PageForm, Refused> {
    let person = asked.on_duty()?;
    let mut units = vec![(String::new(), t("Alla"))];
    let own = asked.people().own_units(&person).await?;
    units.extend(own.into_iter().map(|(id, name)| (id.as_str().to_owned(), Words::from(name))));
    let mut classes = vec![(String::new(), t("Alla"))];
    classes.extend(VerdictClass::ALL.map(|class| (class.name().to_owned(), class_words(class))));
    let mut flags = vec![(String::new(), t("Alla"))];
    let may_ask = |number: &str| number.parse() != Ok(WATCHED) || asked.is(Role::Security);
    let asks = QUESTIONS.iter().filter(|(number, _)| may_ask(number));
    flags.extend(asks.map(|(number, words)| ((*number).to_owned(), words.clone())));
    let line = |kind, text: &str| Control::Line(kind, text.to_owned());
    let mut fields = vec![
        field("from", t("Från och med"), line("date", &day(search.from))).error(wrong_from),
        field("to", t("Till och med"), line("date", &day(search.to)))
            .hint(t("Högst 31 dagar."))
            .error(wrong_to),
        field("unit", t("Enhet"), Control::Select(units, search.unit.clone())),
        field("user", t("Medarbetare (HSA-id)"), line("text", &search.user)),
    ];
    fields.extend(written::fields(asked, Words::none(), wrong_patient));
    fields.extend([
        field("system", t("System (HSA-id)"), line("text", &search.system)),
        field("activity", t("Aktivitet"), line("text", &search.activity))
            .hint(t("Till exempel: Läsa, Skriva, Utskrift, Nödöppning.")),
        field("class", t("Grund enligt registren"), Control::Select(classes, search.class.clone()))
            .hint(t("Dagar bedöms på natten efter.")),
        field("flag", t("Fråga vid granskning"), Control::Select(flags, search.flag.clone()))
            .hint(t("Bara poster som en granskning har haft med.")),
        field("by_day", t("Räkna per dag"), Control::Check(search.by_day)),
    ]);
    Ok(form("/logg", fields, t("Sök")))
}

/// What is found.
pub async fn found(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let search = asked.people().kept_search(&person, asked.id("s")?).await?;
    let search = search.ok_or(Refused::NotFound)?;
    let mut parts = vec![PagePart::Facts(told(&search))];
    let patient = search.patient();
    let (viewed, is_refused) = if search.by_day {
        let patients: Vec<&PatientId> = patient.iter().collect();
        let viewed = seen(&asked, &patients).await?;
        let found = asked.people().found_days(&person, &search).await;
        let refused = match refusal_of(found)? {
            Ok(days) => {
                let rows = days.iter().map(|found| {
                    vec![
                        Cell::from(day(found.day)),
                        Cell::Number(digits(found.posts).into()),
                        Cell::Number(digits(found.patients).into()),
                        Cell::Number(digits(found.users).into()),
                    ]
                });
                parts.push(PagePart::Table(Table {
                    caption: t("Per dag"),
                    head: vec![t("Dag"), t("Poster"), t("Patienter"), t("Medarbetare")],
                    rows: rows.collect(),
                    empty: t("Inga poster efter valet."),
                }));
                false
            }
            Err(refusal) => {
                let says = Words::from(refusal.text.into_owned());
                parts.push(PagePart::Notice(Tone::Bad, says, vec![]));
                true
            }
        };
        (viewed, refused)
    } else {
        let start = PageStart::read(asked.query.get("fore"), asked.now).ok_or(Refused::NotFound)?;
        let found = asked.people().found_posts(&person, &search, (start.at, start.skip)).await;
        match refusal_of(found)? {
            Ok(found) => {
                let mut patients: Vec<&PatientId> = found
                    .iter()
                    .flat_map(|post| &post.patients)
                    .map(|(patient, _)| patient)
                    .collect();
                patients.extend(patient.iter());
                patients.sort_by(|a, b| a.key().cmp(b.key()));
                patients.dedup();
                let viewed = seen(&asked, &patients).await?;
                let found = asked.people().shown_posts(&viewed, found).await;
                let moments: Vec<Timestamp> = found.iter().map(|post| post.at).collect();
                parts.push(PagePart::Table(table(&found)));
                let base = format!("/logg/{}?", asked.part("s"));
                parts.push(start.paging(&base, &moments, PAGE_POSTS));
                (viewed, false)
            }
            Err(refusal) => {
                let says = Words::from(refusal.text.into_owned());
                parts.push(PagePart::Notice(Tone::Bad, says, vec![]));
                (seen(&asked, &patient.iter().collect::<Vec<_>>()).await?, true)
            }
        }
    };
    let page = view(t("Funnet i loggen"), parts).back(link("/logg", t("Sök i loggen")));
    Ok(PageAnswer::Patients(viewed, if is_refused { page.refused() } else { page }))
}

/// The conditions, as words.
fn told(search: &LogSearch) -> Vec<(Words, Cell)> {
    let mut facts = vec![(
        t("Period"),
        Cell::from(filled("{} – {}", [day(search.from).into(), day(search.to).into()])),
    )];
    let texts = [
        (t("Enhet"), &search.unit),
        (t("Medarbetare"), &search.user),
        (t("System"), &search.system),
        (t("Aktivitet"), &search.activity),
    ];
    for (words, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        facts.push((words, Cell::from(text.clone())));
    }
    if let Some(patient) = search.patient() {
        facts.push((t("Patient"), Cell::from(number::shown(&patient))));
    }
    if let Some(class) = VerdictClass::named(&search.class) {
        facts.push((t("Grund enligt registren"), Cell::from(class_words(class))));
    }
    let question = QUESTIONS.iter().find(|(number, _)| *number == search.flag);
    facts.extend(question.map(|(_, words)| (t("Fråga vid granskning"), Cell::from(words.clone()))));
    facts
}

fn table(found: &[FoundPost]) -> Table {
    let rows = found.iter().map(|post| {
        let patients = post.patients.iter().take(5).map(|(patient, name)| {
            let shown = number::shown(patient);
            Cell::from(match name {
                FoundName::Of(name) => Words::from(format!("{name} ({shown})")),
                FoundName::Missing => shown.into(),
                FoundName::Protected => filled("Skyddade personuppgifter ({})", [shown.into()]),
            })
        });
        let ground = match &post.verdict {
            Some(verdict) => Cell::Several(verdict_cells(verdict)),
            None => Cell::from(t("–")),
        };
        vec![
            Cell::from(second(post.at)),
            Cell::Several(vec![Cell::from(post.user.1.clone()), Cell::from(post.user.0.clone())]),
            Cell::Several(vec![Cell::from(post.unit.clone()), Cell::from(post.system.clone())]),
            Cell::Several(vec![
                Cell::from(post.activity.clone()),
                Cell::from(post.purpose.clone()),
            ]),
            Cell::Several(patients.collect()),
            ground,
        ]
    });
    Table {
        caption: t("Poster"),
        head: vec![
            t("Tid"),
            t("Medarbetare"),
            t("Enhet och system"),
            t("Aktivitet"),
            t("Patient"),
            t("Grund enligt registren"),
        ],
        rows: rows.collect(),
        empty: t("Inga poster efter valet."),
    }
}
