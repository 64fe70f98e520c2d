//! *Vem har läst*: visits to a patient's information, and what the registers tell of the ground of each.

use super::head::{head, to_overview};
use super::times;
use crate::admin::asked::{Handled, PageAnswer, PageCall, refusal_of, view};
use crate::admin::parts::{Cell, Control, PageForm, PagePart, Table, Tone, field, link, question};
use crate::admin::words::{Words, filled, minute, number as digits, t};
use crate::domain::review::verdict::{AccessVerdict, Remark, VerdictClass};
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
    let (from, to) = (times::day(asked.query.get("fran")), times::day(asked.query.get("till")));
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
    parts.push(PagePart::SeeAlso(vec![link(
        format!("/patient/{}/utdrag", lookup.id),
        t("Ta emot begäran om loggutdrag"),
    )]));
    let page = view(t("Vem har läst"), parts).back(to_overview(&lookup));
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
        "{} tillfällen {} – {}.",
        [digits(found.len() as u64).into(), minute(from).into(), minute(to).into()],
    ))];
    if found.len() > VISITS_MAX {
        let says = filled("De {} senaste visas.", [digits(VISITS_MAX as u64).into()]);
        parts.push(PagePart::Notice(Tone::Note, says, vec![]));
    }
    let rows = found.iter().take(VISITS_MAX).map(|visit| {
        let minutes = (visit.ends - visit.begins).num_minutes();
        let mut grounds =
            vec![Cell::Chip(tone(visit.verdict.class), class_words(visit.verdict.class))];
        grounds.extend(remarks(&visit.verdict).into_iter().map(Cell::from));
        vec![
            Cell::Several(vec![
                Cell::from(minute(visit.begins)),
                Cell::from(filled("{} minuter", [digits(minutes.unsigned_abs()).into()])),
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

fn tone(class: VerdictClass) -> Tone {
    match class {
        VerdictClass::AgainstBlock | VerdictClass::NoGround => Tone::Bad,
        VerdictClass::Undecided | VerdictClass::Emergency => Tone::Warning,
        VerdictClass::Consent | VerdictClass::Own => Tone::Good,
    }
}

/// A class in the reader's language (V14).
fn class_words(class: VerdictClass) -> Words {
    match class {
        VerdictClass::AgainstBlock => t("Trots spärr"),
        VerdictClass::NoGround => t("Grund saknas"),
        VerdictClass::Undecided => t("Kan inte avgöras"),
        VerdictClass::Emergency => t("Nödsituation"),
        VerdictClass::Consent => t("Samtycke"),
        VerdictClass::Own => t("Egen vårdgivare"),
    }
}

/// What is told beside the class.
fn remarks(verdict: &AccessVerdict) -> Vec<Words> {
    let mut all: Vec<Words> = Vec::new();
    if verdict.class == VerdictClass::NoGround {
        all.push(t("Ingen registrerad grund hittades."));
    }
    all.extend(verdict.remarks.iter().map(remark));
    all
}

fn remark(remark: &Remark) -> Words {
    match remark {
        Remark::NoInformationTime(_) => t(
            "En spärr gäller uppgifter från en viss tid, och loggen säger inte när uppgifterna skrevs.",
        ),
        Remark::NoUnit(_) => {
            t("En inre spärr kan gälla: loggen säger inte vilken enhet uppgifterna hör till.")
        }
        Remark::NoType(_) => {
            t("En spärr har undantag, och loggen säger inte om uppgifterna hör dit.")
        }
        Remark::AtTheEdge(one, two) => filled(
            "Inom en minut ändrades läget: {} eller {}.",
            [class_words(*one), class_words(*two)],
        ),
        Remark::BlocksElsewhere => t("Vårdgivarens spärrar finns i ett annat system."),
        Remark::Purpose => t("Ändamålet är ett annat än vård, och då avgör inget samtycke."),
        Remark::Child => t("Patienten var under 18 år: en vårdnadshavare kan ha bett om det."),
        Remark::RegisteredLater(_, minutes) => filled(
            "Ett intyg registrerades {} minuter senare.",
            [digits(minutes.unsigned_abs()).into()],
        ),
        Remark::AnnulledLater(_) => t("Det som avgjorde makulerades senare."),
        Remark::ClaimsEmergency => {
            t("Systemet säger att det var en nödsituation, men ingen är registrerad.")
        }
        Remark::History => t("Registren går inte så långt tillbaka."),
        Remark::ClosedBy(_) => t("En spärr stängde uppgifterna."),
        Remark::OpenedBy(_) => t("Ett intyg öppnade uppgifterna."),
        Remark::Lifted(_) => t("En spärr var tillfälligt hävd."),
    }
}
