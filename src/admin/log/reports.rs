//! *Loggrapporter*: five kinds, queued, with progress and files.

use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, View, refusal_of, view};
use crate::admin::parts::{Cell, Control, PageForm, PagePart, Table, Tone, field, form, link};
use crate::admin::patient::times;
use crate::admin::words::{Words, day, filled, minute, number, t};
use crate::domain::time::local;
use crate::procedures::people::looking::Activity;
use crate::procedures::people::reports::{ReportOrder, ReportProgress};
use chrono::{Days, NaiveDate};

/// The kinds.
pub static KINDS: [(&str, Words); 5] = [
    ("patient", t("En patient: vad er personal har gjort")),
    ("user", t("En medarbetare")),
    ("unit", t("En enhet")),
    ("information", t("Andra vårdgivares läsning av era uppgifter")),
    ("provider", t("Hela vårdgivaren")),
];

/// What a kind is called.
pub fn kind_name(kind: &str) -> Words {
    let found = KINDS.iter().find(|(name, _)| *name == kind);
    found.map_or(Words::none(), |(_, words)| words.clone())
}

/// The list, the form, and an order.
pub async fn reports(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let mut wrong = Wrong::default();
    let mut refusal = None;
    if asked.is_post() {
        match read(&asked) {
            Ok(order) => {
                let patient = order.patient_root.as_deref().zip(order.patient_extension.as_deref());
                let patient = patient.and_then(|(root, number)| {
                    crate::domain::identity::PatientId::new(root, number).ok()
                });
                let patients: Vec<_> = patient.iter().collect();
                asked
                    .viewed_several(
                        &order.matter,
                        (Activity::Print, Some("beställning")),
                        &["Logg"],
                        &patients,
                    )
                    .await?;
                match refusal_of(asked.people().order_report(&person, &order).await)? {
                    Ok(()) => {
                        return Ok(PageAnswer::To(format!("/loggrapporter/{}", order.report_id)));
                    }
                    Err(rejection) => refusal = Some(rejection),
                }
            }
            Err(found) => wrong = *found,
        }
    }
    let viewed = asked
        .viewed_several("Loggrapporter", (Activity::Read, Some("lista")), &["Logg"], &[])
        .await?;
    let orders = asked.people().own_reports(&person).await?;
    let mut rows = Vec::new();
    for order in &orders {
        let progress = asked.people().progress(&person, order).await?;
        rows.push(vec![
            Cell::Link(link(format!("/loggrapporter/{}", order.report_id), order.name.as_str())),
            Cell::from(kind_name(&order.kind)),
            Cell::from(minute(order.ordered_at)),
            state(progress),
        ]);
    }
    let table = Table {
        caption: t("Dina rapporter"),
        head: vec![t("Namn"), t("Slag"), t("Beställd"), t("Läge")],
        rows,
        empty: t("Du har inga rapporter. En rapport finns kvar ett dygn."),
    };
    let is_wrong = wrong.is_any() || refusal.is_some();
    let mut parts = vec![PagePart::Table(table)];
    if let Some(rejection) = refusal {
        parts.push(PagePart::Notice(Tone::Bad, Words::from(rejection.text.into_owned()), vec![]));
    }
    let units = asked.people().own_units(&person).await?;
    let choices =
        units.iter().map(|(id, name)| (id.as_str().to_owned(), Words::from(name.as_str())));
    parts.push(PagePart::Card(
        t("Ny rapport"),
        vec![PagePart::form(form_of(&asked, choices.collect(), wrong))],
    ));
    let page = view(t("Loggrapporter"), parts);
    Ok(PageAnswer::Patients(viewed, View { status: if is_wrong { 422 } else { 200 }, ..page }))
}

#[derive(Default)]
struct Wrong {
    number: Option<Words>,
    user: Option<Words>,
    from: Option<Words>,
    to: Option<Words>,
    matter: Option<Words>,
}

impl Wrong {
    fn is_any(&self) -> bool {
        [&self.number, &self.user, &self.from, &self.to, &self.matter]
            .into_iter()
            .any(Option::is_some)
    }
}

fn read(asked: &PageCall) -> Result<ReportOrder, Box<Wrong>> {
    let sent = &asked.form;
    let mut wrong = Wrong::default();
    let kind = sent.get("kind").to_owned();
    let patient = match kind.as_str() {
        "patient" => match asked.people().read_number(sent.get("number")) {
            Ok(number) => Some(number.patient),
            Err(how) => {
                wrong.number = Some(Words::from(how));
                None
            }
        },
        _ => None,
    };
    if kind == "user" && sent.get("user").is_empty() {
        wrong.user = Some(t("Skriv medarbetarens HSA-id."));
    }
    if sent.get("matter").is_empty() {
        wrong.matter = Some(t("Skriv varför rapporten tas ut."));
    }
    let mut day_of = |name: &str| match times::day(sent.get(name)) {
        Ok(Some(day)) => Some(day),
        Ok(None) => {
            *(if name == "from" { &mut wrong.from } else { &mut wrong.to }) =
                Some(t("Skriv en dag."));
            None
        }
        Err(how) => {
            *(if name == "from" { &mut wrong.from } else { &mut wrong.to }) = Some(how);
            None
        }
    };
    let (from, to) = (day_of("from"), day_of("to"));
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        wrong.to = Some(t("Slutdagen ligger före startdagen."));
    }
    let owner = asked.on_duty().map(|person| person.assignment.provider.as_str().to_owned());
    match (from, to, owner) {
        (Some(from), Some(to), Ok(owner_id)) if !wrong.is_any() => {
            let given = sent.get("name");
            let name = if given.is_empty() {
                format!("Rapport {}", minute(asked.now))
            } else {
                given.to_owned()
            };
            Ok(ReportOrder {
                report_id: (asked.people().new_id)(),
                name,
                kind,
                owner_id,
                patient_root: patient.as_ref().map(|p| p.root().to_owned()),
                patient_extension: patient.as_ref().map(|p| p.extension().to_owned()),
                user_id: Some(sent.get("user").to_owned()).filter(|id| !id.is_empty()),
                unit_id: Some(sent.get("unit").to_owned()).filter(|id| !id.is_empty()),
                from_at: times::begins(from),
                to_at: times::ends(to),
                matter: sent.get("matter").to_owned(),
                ordered_at: asked.now,
            })
        }
        _ => Err(Box::new(wrong)),
    }
}

fn form_of(asked: &PageCall, units: Vec<(String, Words)>, wrong: Wrong) -> PageForm {
    let sent = &asked.form;
    let today = local(asked.now).date();
    let month_ago = today.checked_sub_days(Days::new(30)).unwrap_or(today);
    let or = |name: &str, default: String| match sent.get(name) {
        "" => default,
        value => value.to_owned(),
    };
    let line = |name: &str, kind| Control::Line(kind, sent.get(name).to_owned());
    let date = |name: &str, default: NaiveDate| Control::Line("date", or(name, day(default)));
    let kinds =
        KINDS.iter().map(|(name, words)| ((*name).to_owned(), words.clone(), Words::none()));
    let fields = vec![
        field(
            "kind",
            t("Vad ska rapporten visa"),
            Control::Choice(kinds.collect(), or("kind", "patient".to_owned())),
        ),
        field("number", t("Patientens nummer"), line("number", "text")).error(wrong.number),
        field("user", t("Medarbetarens HSA-id"), line("user", "text")).error(wrong.user),
        field("unit", t("Enhet"), Control::Select(units, sent.get("unit").to_owned())),
        field("from", t("Från och med"), date("from", month_ago)).error(wrong.from),
        field("to", t("Till och med"), date("to", today)).error(wrong.to),
        field("name", t("Namn på rapporten"), line("name", "text"))
            .hint(t("Valfritt. Skriv inte patientens namn eller nummer.")),
        field("matter", t("Ärende"), line("matter", "text"))
            .hint(t("Skrivs i åtkomstloggen."))
            .error(wrong.matter),
    ];
    form("/loggrapporter", fields, t("Beställ"))
}

fn state(progress: ReportProgress) -> Cell {
    match progress {
        ReportProgress::Coming(seconds) => Cell::Chip(
            Tone::Note,
            filled("Tas fram, ungefär {} s kvar", [seconds.to_string().into()]),
        ),
        ReportProgress::Made(records) => {
            Cell::Chip(Tone::Good, filled("Klar: {} loggposter", [number(records as u64).into()]))
        }
        ReportProgress::TooMany => {
            Cell::Chip(Tone::Bad, t("För många loggposter: välj en kortare tid"))
        }
        ReportProgress::Failed => Cell::Chip(Tone::Bad, t("Kunde inte tas fram")),
        ReportProgress::Gone => Cell::Chip(Tone::Quiet, t("Borttagen")),
    }
}

/// One report: progress, and files when it is made.
pub async fn report(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let order =
        asked.people().own_report(&person, asked.id("r")?).await?.ok_or(Refused::NotFound)?;
    let viewed = asked
        .viewed_several(&order.matter, (Activity::Read, Some("rapport")), &["Logg"], &[])
        .await?;
    let progress = asked.people().progress(&person, &order).await?;
    let mut parts = vec![PagePart::Facts(vec![
        (t("Slag"), kind_name(&order.kind).into()),
        (t("Period"), Cell::from(format!("{} – {}", minute(order.from_at), minute(order.to_at)))),
        (t("Ärende"), Cell::from(order.matter.clone())),
        (t("Beställd"), Cell::from(minute(order.ordered_at))),
        (t("Läge"), state(progress)),
    ])];
    let mut page =
        view(kind_name(&order.kind), Vec::new()).back(link("/loggrapporter", t("Loggrapporter")));
    match progress {
        ReportProgress::Made(_) => {
            let file = |form: &str, words| {
                link(format!("/loggrapporter/{}/fil/{form}", order.report_id), words)
            };
            parts.push(PagePart::Links(vec![
                file("xlsx", t("Hämta XLSX")),
                file("csv", t("Hämta CSV")),
                file("pdf", t("Hämta PDF")),
                file("xml", t("Hämta XML")),
            ]));
            parts.push(PagePart::Text(t(
                "Varje hämtning loggas. Rapporten tas bort ett dygn efter att den tagits fram.",
            )));
        }
        ReportProgress::Coming(_) => {
            page.reloads = Some(3);
            parts.push(PagePart::Text(t("Sidan laddas om av sig själv tills rapporten är klar.")));
        }
        ReportProgress::TooMany | ReportProgress::Failed | ReportProgress::Gone => {}
    }
    page.parts = parts;
    Ok(PageAnswer::Patients(viewed, page))
}
