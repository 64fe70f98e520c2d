//! Verdicts, flags and states in the reader's language.

use crate::admin::parts::{Cell, Tone};
use crate::admin::words::{Words, counted, filled, number as digits, t};
use crate::domain::review::case::CaseState;
use crate::domain::review::lifecycle::{ReviewKind, ReviewState};
use crate::domain::review::questions::Flag;
use crate::domain::review::verdict::{AccessVerdict, Remark, VerdictClass};
use crate::procedures::review::reviewing::StoredReview;

/// The control questions, by their numbers from 1.
pub static QUESTIONS: [(&str, Words); 9] = [
    ("1", t("Saknade medarbetaren arbetsuppgifter som rörde patienten?")),
    ("2", t("Finns en privat samhörighet, till exempel släktskap?")),
    ("3", t("Är det medarbetarens egen, partners eller barns journal?")),
    ("4", t("Är patienten en känd person?")),
    ("5", t("Är patienten arbetskamrat eller granne?")),
    ("6", t("Gäller det en diagnos eller enhet som är särskilt känslig?")),
    ("7", t("Skedde det utanför arbetstid?")),
    ("8", t("Var det en nödöppning?")),
    ("9", t("Läste medarbetaren ovanligt många patienter?")),
];

/// How a class should be taken.
pub fn tone(class: VerdictClass) -> Tone {
    match class {
        VerdictClass::AgainstBlock | VerdictClass::NoGround => Tone::Bad,
        VerdictClass::Undecided | VerdictClass::Emergency => Tone::Warning,
        VerdictClass::Consent | VerdictClass::Own => Tone::Good,
    }
}

/// A class in the reader's language (V14).
pub fn class_words(class: VerdictClass) -> Words {
    match class {
        VerdictClass::AgainstBlock => t("Trots spärr"),
        VerdictClass::NoGround => t("Grund saknas"),
        VerdictClass::Undecided => t("Kan inte avgöras"),
        VerdictClass::Emergency => t("Nödsituation"),
        VerdictClass::Consent => t("Samtycke"),
        VerdictClass::Own => t("Egen vårdgivare"),
    }
}

/// A class as a chip.
pub fn class_chip(class: VerdictClass) -> Cell {
    Cell::Chip(tone(class), class_words(class))
}

/// A verdict: its class, and what is told beside it.
pub fn verdict_cells(verdict: &AccessVerdict) -> Vec<Cell> {
    let mut cells = vec![class_chip(verdict.class)];
    if verdict.class == VerdictClass::NoGround {
        cells.push(Cell::from(t("Ingen registrerad grund hittades.")));
    }
    cells.extend(verdict.remarks.iter().map(|remark| Cell::from(remark_words(remark))));
    cells
}

fn remark_words(remark: &Remark) -> Words {
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
        Remark::RegisteredLater(_, minutes) => counted(
            minutes.unsigned_abs(),
            "Ett intyg registrerades en minut senare.",
            "Ett intyg registrerades {} minuter senare.",
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

/// A flag: its question in short, with the evidence.
pub fn flag_words(flag: &Flag) -> Words {
    match flag {
        Flag::NoGround(class) => {
            filled("Arbetsuppgift? Registren säger: {}.", [class_words(*class)])
        }
        Flag::NobodyElse => {
            t("Arbetsuppgift? Ingen annan på enheten har läst patienten inom 90 dagar.")
        }
        Flag::OtherPurpose => t("Arbetsuppgift? Ändamålet är ett annat än vård."),
        Flag::SameSurname(of, all) => filled(
            "Samhörighet? Samma efternamn, som {} av {} patienter har.",
            [digits(*of).into(), digits(*all).into()],
        ),
        Flag::OwnRecord => t("Egen journal?"),
        Flag::Watched => t("Bevakad"),
        Flag::Colleague => t("Arbetskamrat? Patienten finns i personalkatalogen."),
        Flag::Sensitive(what) => {
            filled("Känsligt? {} finns i vårdgivarens lista.", [what.clone().into()])
        }
        Flag::OffSchedule => t("Utanför arbetstid? Utanför schemat med mer än 30 minuter."),
        Flag::OffHours(opens, closes) => filled(
            "Utanför arbetstid? Enheten har öppet {}–{}.",
            [opens.format("%H.%M").to_string().into(), closes.format("%H.%M").to_string().into()],
        ),
        Flag::Emergency => t("Nödöppning?"),
        Flag::Unusual(patients, median) => filled(
            "Ovanligt många? {} patienter den dagen; annars {}.",
            [digits(*patients).into(), digits(*median).into()],
        ),
    }
}

/// Why there is a review.
pub fn kind_words(kind: &str) -> Words {
    match ReviewKind::named(kind) {
        Some(ReviewKind::Systematic) => t("Systematisk"),
        Some(ReviewKind::Suspicion) => t("Riktad: misstanke"),
        Some(ReviewKind::PatientRequest) => t("Riktad: patientens begäran"),
        Some(ReviewKind::Watch) => t("Riktad: bevakning"),
        Some(ReviewKind::Emergency) => t("Riktad: nödsituation"),
        None => Words::from(kind),
    }
}

/// How far a review has come.
pub fn state_chip(review: &StoredReview) -> Cell {
    let result = match (review.result.as_deref(), review.lapsed_at.is_some()) {
        (Some("empty"), _) => Some((Tone::Quiet, t("Tom"))),
        (Some("no_remark"), false) => Some((Tone::Good, t("Utan anmärkning"))),
        (Some("no_remark"), true) => Some((Tone::Good, t("Utan anmärkning, sent"))),
        (Some(_), false) => Some((Tone::Warning, t("Med anmärkning"))),
        (Some(_), true) => Some((Tone::Warning, t("Med anmärkning, sent"))),
        (None, true) => Some((Tone::Bad, t("Förfallen"))),
        (None, false) => None,
    };
    let (tone, words) = result.unwrap_or_else(|| match ReviewState::named(&review.state) {
        Some(ReviewState::Planned) => (Tone::Quiet, t("Planerad")),
        Some(ReviewState::Announced) => (Tone::Note, t("Kungjord")),
        Some(ReviewState::Drawn) => (Tone::Note, t("Dragen")),
        Some(ReviewState::Opened) => (Tone::Note, t("Öppnad")),
        Some(ReviewState::Listed) => (Tone::Note, t("Att granska")),
        Some(ReviewState::UnderReview) => (Tone::Note, t("Granskas")),
        Some(ReviewState::Concluded) | None => (Tone::Quiet, t("Avslutad")),
    });
    Cell::Chip(tone, words)
}

/// How far a case has come.
pub fn case_words(state: &str) -> Words {
    match CaseState::named(state) {
        Some(CaseState::Open) => t("Öppet"),
        Some(CaseState::Inquiry) => t("Under utredning"),
        Some(CaseState::NoSuspicion) => t("Ingen misstanke"),
        Some(CaseState::Deviation) => t("Avvikelse"),
        Some(CaseState::Confirmed) => t("Bekräftat intrång"),
        Some(CaseState::Closed) => t("Avslutat"),
        None => Words::from(state),
    }
}

/// The same as a chip.
pub fn case_chip(state: &str) -> Cell {
    let tone = match CaseState::named(state) {
        Some(CaseState::Confirmed) => Tone::Bad,
        Some(CaseState::Deviation | CaseState::Inquiry | CaseState::Open) => Tone::Warning,
        Some(CaseState::NoSuspicion | CaseState::Closed) | None => Tone::Quiet,
    };
    Cell::Chip(tone, case_words(state))
}
