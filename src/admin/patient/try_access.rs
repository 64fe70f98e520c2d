//! *Pröva en medarbetare*: would somebody see something, now or at a past second, and what decides.

use super::head::{head, to_overview};
use super::{times, told};
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, view};
use crate::admin::parts::{Cell, Control, PageForm, PagePart, Table, Tone, field, question};
use crate::admin::words::{Words, filled, minute, t};
use crate::domain::access::Access;
use crate::domain::blocking::block::{Information, InformationType};
use crate::domain::consent::assertion::AssertionType;
use crate::domain::identity::{AccessingActor, HsaId};
use crate::domain::period::Period;
use crate::domain::time::Moment;
use crate::procedures::people::facts::Names;
use crate::procedures::people::looking::{Activity, StoredLookup};
use crate::procedures::people::trying::Tried;

/// What is asked: about staff and units, never about who the patient is.
struct Question {
    actor: AccessingActor,
    information: Information,
    moment: Moment,
}

/// The page.
pub async fn try_access(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let viewed = asked.viewed(&lookup, (Activity::Read, None), &["Spärr", "Samtycke"]).await?;
    let shown = asked.people().shown(&viewed, &lookup.patient).await;
    let units = asked.people().own_units(&person).await?;
    let mut parts = head(&lookup, &shown, &viewed);
    let mut status = 200;
    let mut wrong = WrongTrial::default();
    if asked.query.sent("employee").is_some() {
        match read(&asked, &units) {
            Ok(question) => {
                let Question { actor, information, moment } = &question;
                let about = (actor, information);
                let tried =
                    asked.people().would_see(&person, &lookup.patient, about, *moment).await?;
                let ids = [
                    actor.employee.clone(),
                    actor.care_unit.clone(),
                    information.care_unit.clone(),
                ];
                let names = asked.people().names_for(&person, &ids).await?;
                parts.push(PagePart::Card(t("Svar"), answer(&question, &tried, &names)));
            }
            Err(found) => {
                wrong = *found;
                status = 422;
            }
        }
    }
    parts.push(PagePart::form(form_of(&asked, &lookup, &units, wrong)));
    let page = view(t("Pröva en medarbetare"), parts).back(to_overview(&lookup));
    Ok(PageAnswer::Patients(viewed, crate::admin::asked::View { status, ..page }))
}

#[derive(Default)]
struct WrongTrial {
    employee: Option<Words>,
    at: Option<Words>,
    unit: Option<Words>,
    when: Option<Words>,
}

fn read(asked: &PageCall, units: &[(HsaId, String)]) -> Result<Question, Box<WrongTrial>> {
    let sent = &asked.query;
    let mut wrong = WrongTrial::default();
    let id = |name: &str| HsaId::new(sent.get(name));
    let person = asked.on_duty().map_err(|_: Refused| Box::<WrongTrial>::default())?;
    let own = &person.assignment.provider;
    let employee = id("employee");
    if employee.is_none() {
        wrong.employee = Some(t("Skriv medarbetarens HSA-id."));
    }
    let at = id("at");
    if at.is_none() {
        wrong.at = Some(t("Skriv enhetens HSA-id."));
    }
    // Another care provider's employee is asked about by its provider; a unit of ours is ours.
    let provider = id("provider").unwrap_or_else(|| own.clone());
    let unit = super::register_consent::chosen(units, sent.get("unit")).cloned();
    if unit.is_none() {
        wrong.unit = Some(t("Välj en enhet."));
    }
    let when = times::moment((sent.get("on"), sent.get("time")), |day| {
        times::begins(day) + chrono::TimeDelta::hours(12)
    });
    let moment = match when {
        Ok(None) => Some(Moment::Now(asked.now)),
        Ok(Some(at)) if at <= asked.now => Some(Moment::Then(at)),
        Ok(Some(_)) => {
            wrong.when = Some(t("Tidpunkten ligger framåt i tiden."));
            None
        }
        Err(how) => {
            wrong.when = Some(how);
            None
        }
    };
    match (employee, at, unit, moment) {
        (Some(employee), Some(care_unit), Some(unit), Some(moment)) => Ok(Question {
            actor: AccessingActor { employee, care_provider: provider, care_unit },
            information: Information {
                period: Period::default(),
                care_unit: unit,
                care_provider: own.clone(),
                information_type: InformationType::of_code(sent.get("kind")),
            },
            moment,
        }),
        _ => Err(Box::new(wrong)),
    }
}

fn answer(question: &Question, tried: &Tried, names: &Names) -> Vec<PagePart> {
    let (tone, says) = match tried.access {
        Access::Own => (
            Tone::Good,
            t(
                "Ja: uppgifterna hör till medarbetarens egen vårdgivare, och ingen spärr stänger dem.",
            ),
        ),
        Access::Opened(AssertionType::Consent) => {
            (Tone::Good, t("Ja: patientens samtycke öppnar dem."))
        }
        Access::Opened(AssertionType::Emergency) => {
            (Tone::Warning, t("Ja: en registrerad nödsituation öppnar dem."))
        }
        Access::Blocked => (Tone::Bad, t("Nej: en spärr stänger dem.")),
        Access::NoConsent if !tried.knows_assertions => (
            Tone::Note,
            t(
                "Ingen spärr stänger dem. Om patienten har gett samtycke hos den andra vårdgivaren syns inte här.",
            ),
        ),
        Access::NoConsent => (Tone::Bad, t("Nej: inget samtycke öppnar dem.")),
    };
    let when = match question.moment {
        Moment::Now(_) => t("nu"),
        Moment::Then(at) => Words::from(minute(at)),
    };
    let who = names.of(&question.actor.employee);
    let at = names.of(&question.actor.care_unit);
    let asked = filled("{} vid {}, {}", [who.into(), at.into(), when]);
    let mut rows = Vec::new();
    for block in &tried.biting {
        rows.push(vec![Cell::from(t("Stänger")), Cell::from(told::block_line(block, names))]);
    }
    for assertion in &tried.opening {
        rows.push(vec![
            Cell::from(t("Öppnar")),
            Cell::from(told::kind_of(assertion.content.assertion_type)),
        ]);
    }
    vec![
        PagePart::Text(asked),
        PagePart::Notice(tone, says, vec![]),
        PagePart::Table(Table {
            caption: t("Det som avgör"),
            head: vec![t("Verkan"), t("Vad")],
            rows,
            empty: t("Inga spärrar och inga samtycken berör frågan."),
        }),
        PagePart::Text(t(
            "En spärr med tidsperiod räknas som att den kan stänga, eftersom frågan inte säger när uppgifterna skrevs.",
        )),
    ]
}

fn form_of(
    asked: &PageCall,
    lookup: &StoredLookup,
    units: &[(HsaId, String)],
    wrong: WrongTrial,
) -> PageForm {
    let sent = &asked.query;
    let line = |name: &str, kind| Control::Line(kind, sent.get(name).to_owned());
    let choices =
        units.iter().map(|(id, name)| (id.as_str().to_owned(), Words::from(name.as_str())));
    let kinds = vec![
        (String::new(), t("Vilken som helst")),
        ("lak".to_owned(), t("Läkemedel: ordination och förskrivning")),
        ("upp".to_owned(), t("Uppmärksamhetsinformation")),
    ];
    let fields = vec![
        field("employee", t("Medarbetare (HSA-id)"), line("employee", "text"))
            .error(wrong.employee),
        field("at", t("Medarbetarens enhet (HSA-id)"), line("at", "text")).error(wrong.at),
        field("provider", t("Medarbetarens vårdgivare (HSA-id)"), line("provider", "text"))
            .hint(t("Lämna tomt för er egen.")),
        field(
            "unit",
            t("Uppgifter hos"),
            Control::Select(choices.collect(), sent.get("unit").to_owned()),
        )
        .error(wrong.unit),
        field("kind", t("Slag av uppgifter"), Control::Select(kinds, sent.get("kind").to_owned())),
        field("on", t("Dag"), line("on", "date")).hint(t("Lämna tomt för nu.")).error(wrong.when),
        field("time", t("Klockslag"), line("time", "time")),
    ];
    question(format!("/patient/{}/prova", lookup.id), fields, t("Pröva"))
}
