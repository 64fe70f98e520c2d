//! *Vem har läst*: visits to a patient's information, and what the registers tell of the ground of each.

use super::head::{head, to_overview};
use super::times;
use crate::admin::asked::{Handled, PageAnswer, PageCall, refusal_of, view};
use crate::admin::parts::{Cell, Control, PageForm, PagePart, Table, Tone, field, link, question};
use crate::admin::review::told::{class_words, verdict_cells};
use crate::admin::words::{Words, counted, filled, minute, number as digits, t};
use crate::domain::people::roles::Role;
use crate::domain::review::verdict::VerdictClass;
use crate::domain::time::Timestamp;
use crate::procedures::people::looking::Activity;
use crate::procedures::people::readers::PatientVisit;
use chrono::TimeDelta;

/// Visits of one page.
const VISITS_MAX: usize = 200;
/// How far back is looked where nobody says.
const DAYS: i64 = 30;

/// The page.
pub async fn readers(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let viewed = asked.viewed(&lookup, (Activity::Read, Some("vem har läst")), &["Logg"]).await?;
    let shown = asked.people().shown(&viewed, &lookup.patient).await;
    let mut parts = head(&lookup, &shown, &viewed);
    let path = format!("/patient/{}/lasningar", lookup.id);
    let (from, mut to) = (times::day(asked.query.get("fran")), times::day(asked.query.get("till")));
    if let (Ok(Some(first)), Ok(Some(last))) = (&from, &to)
        && last < first
    {
        to = Err(t("Perioden slutar innan den börjar."));
    }
    let class = VerdictClass::ALL.into_iter().find(|c| c.name() == asked.query.get("klass"));
    let (wrong_from, wrong_to) = (from.clone().err(), to.clone().err());
    let mut is_refused = wrong_from.is_some() || wrong_to.is_some();
    parts.push(PagePart::form(filter(&asked, &path, (wrong_from, wrong_to))));
    if let (Ok(from), Ok(to)) = (from, to) {
        let begins = from.map_or(asked.now - TimeDelta::days(DAYS), times::begins);
        let ends = to.map_or(asked.now, times::ends).min(asked.now).max(begins);
        let found = asked.people().readers(&person, &lookup, &viewed, (begins, ends), class).await;
        match refusal_of(found)? {
            Ok(found) => parts.extend(list(&found, (begins, ends))),
            Err(refusal) => {
                let says = Words::from(refusal.text.into_owned());
                parts.push(PagePart::Notice(Tone::Bad, says, vec![]));
                is_refused = true;
            }
        }
    }
    if asked.is(Role::LogAdmin) {
        parts.push(PagePart::SeeAlso(vec![
            link(format!("/patient/{}/utdrag", lookup.id), t("Ta emot begäran om loggutdrag")),
            link(format!("/granskning/ny?u={}", lookup.id), t("Öppna riktad kontroll")),
        ]));
    }
    let sees_patient =
        [Role::Care, Role::BlockAdmin, Role::LogAdmin].iter().any(|role| asked.is(*role));
    let back = match sees_patient {
        true => to_overview(&lookup),
        false => link("/patient", t("Sök patient")),
    };
    let page = view(t("Vem har läst"), parts).back(back);
    Ok(PageAnswer::Patients(viewed, if is_refused { page.refused() } else { page }))
}

fn filter(asked: &PageCall, path: &str, (from, to): (Option<Words>, Option<Words>)) -> PageForm {
    let line = |name: &str| Control::Line("date", asked.query.get(name).to_owned());
    let mut classes = vec![(String::new(), t("Alla"))];
    classes.extend(VerdictClass::ALL.map(|class| (class.name().to_owned(), class_words(class))));
    let chosen = asked.query.get("klass").to_owned();
    let fields = vec![
        field("fran", t("Från och med"), line("fran"))
            .hint(t("Lämna tomt för de senaste 30 dagarna."))
            .error(from),
        field("till", t("Till och med"), line("till")).error(to),
        field("klass", t("Grund"), Control::Select(classes, chosen)),
    ];
    question(path, fields, t("Visa"))
}

fn list(found: &[PatientVisit], (from, to): (Timestamp, Timestamp)) -> Vec<PagePart> {
    let mut parts = vec![PagePart::Text(filled(
        "{} {} – {}.",
        [
            counted(found.len() as u64, "1 tillfälle", "{} tillfällen"),
            minute(from).into(),
            minute(to).into(),
        ],
    ))];
    if found.len() > VISITS_MAX {
        let says = filled("De {} senaste visas.", [digits(VISITS_MAX as u64).into()]);
        parts.push(PagePart::Notice(Tone::Note, says, vec![]));
    }
    let rows = found.iter().take(VISITS_MAX).map(|visit| {
        let minutes = (visit.ends - visit.begins).num_minutes();
        let grounds = verdict_cells(&visit.verdict);
        vec![
            Cell::Several(vec![
                Cell::from(minute(visit.begins)),
                Cell::from(counted(minutes.unsigned_abs(), "1 minut", "{} minuter")),
            ]),
            Cell::Several(vec![
                Cell::from(format!("{} ({})", visit.user.1, visit.user.0)),
                Cell::from(visit.title.clone()),
            ]),
            Cell::Several(vec![Cell::from(visit.unit.clone()), Cell::from(visit.provider.clone())]),
            Cell::from(digits(visit.posts as u64)),
            Cell::Several(grounds),
        ]
    });
    parts.push(PagePart::Table(Table {
        caption: t("Tillfällen"),
        head: vec![
            t("Tid"),
            t("Medarbetare"),
            t("Enhet"),
            t("Poster"),
            t("Grund enligt registren"),
        ],
        rows: rows.collect(),
        empty: t("Ingen har läst i den tiden, efter valet."),
    }));
    parts.push(PagePart::Text(t(
        "Registren säger bara något om spärrar och samtycken, inte om någon deltog i vården eller behövde uppgifterna.",
    )));
    parts
}
