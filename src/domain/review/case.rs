//! A case (*ärende*): what a remark leads to, told as a story.
//!
//! ```text
//! open ─▶ inquiry ─▶ no_suspicion ─▶ closed        inquiry ─▶ deviation ─▶ closed        inquiry ─▶ confirmed ─▶ closed        closed ─reason─▶ inquiry
//! ```
//!
//! # Rules
//! - **R22** A case tells what was seen, who was asked and answered when, outcome, reason. Notes are added, never changed.
//! - **R23** *Confirmed* closes only when all are answered: head of operations told (who, when), labour-law step, police report yes
//!   or no with reason, breach notice to the authority (clock of 72 hours from confirming), patient told.
//! - **R24** *Deviation* needs the deviation template's fields or its number in the customer's own system.

use crate::domain::identity::is_blank;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use chrono::TimeDelta;

/// How long after confirming the authority is to be told (article 33 of the data protection regulation).
pub const BREACH_WITHIN: TimeDelta = TimeDelta::hours(72);

/// How far a case has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaseState {
    /// There is a remark.
    Open,
    /// Somebody is asked.
    Inquiry,
    /// Nothing to suspect.
    NoSuspicion,
    /// A deviation: a routine or a system is at fault.
    Deviation,
    /// An intrusion.
    Confirmed,
    /// It is done.
    Closed,
}

impl CaseState {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Open,
        Self::Inquiry,
        Self::NoSuspicion,
        Self::Deviation,
        Self::Confirmed,
        Self::Closed,
    ];

    /// As the store names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Inquiry => "inquiry",
            Self::NoSuspicion => "no_suspicion",
            Self::Deviation => "deviation",
            Self::Confirmed => "confirmed",
            Self::Closed => "closed",
        }
    }

    /// Of its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Where it may go from here.
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Open | Self::Closed => &[Self::Inquiry],
            Self::Inquiry => &[Self::NoSuspicion, Self::Deviation, Self::Confirmed],
            Self::NoSuspicion | Self::Deviation | Self::Confirmed => &[Self::Closed],
        }
    }
}

/// What is answered before a confirmed case is closed (R23), and what a deviation tells (R24): field and question.
pub const CONFIRMED: [(&str, &str); 7] = [
    ("head", "Vem i verksamhetens ledning har informerats?"),
    ("head_at", "När informerades ledningen?"),
    ("labour", "Vilken arbetsrättslig åtgärd?"),
    ("police", "Polisanmälan, ja eller nej?"),
    ("police_why", "Varför, eller varför inte?"),
    ("breach", "Anmälan till tillsynsmyndigheten: när, eller varför inte?"),
    ("patient", "När och hur har patienten informerats?"),
];
/// The same of a deviation, unless it has a number in the customer's own system.
pub const DEVIATION: [(&str, &str); 4] = [
    ("what", "Vad hände?"),
    ("cause", "Vad var orsaken?"),
    ("risk", "Vad kunde ha hänt?"),
    ("measure", "Vad görs för att det inte ska hända igen?"),
];
/// The number of a deviation elsewhere.
pub const DEVIATION_NUMBER: &str = "number";

/// What has been answered of a case: fields and answers.
pub type CaseAnswers = std::collections::BTreeMap<String, String>;

/// Whether a case may take a step.
///
/// # Errors
/// What is lacking, or that there is no such step.
pub fn step(
    from: CaseState,
    to: CaseState,
    text: &str,
    answers: &CaseAnswers,
) -> Result<(), Rejection> {
    if !from.next().contains(&to) {
        return Err(Rejection::validation("Ärendet kan inte gå dit härifrån."));
    }
    if is_blank(text) {
        return Err(Rejection::validation("Skriv vad som hände och varför."));
    }
    let is_answered = |field: &str| answers.get(field).is_some_and(|text| !is_blank(text));
    let lacking = |questions: &[(&str, &'static str)]| {
        let open = questions.iter().find(|(field, _)| !is_answered(field));
        open.map(|(_, question)| Rejection::validation(format!("Besvara: {question}")))
    };
    let lacks = match (from, to) {
        // R23
        (CaseState::Confirmed, CaseState::Closed) => {
            let police = answers.get("police").map(|answer| answer.trim().to_lowercase());
            let unclear = !["ja", "nej"].contains(&police.as_deref().unwrap_or_default());
            lacking(&CONFIRMED)
                .or(unclear.then(|| Rejection::validation("Svara ja eller nej om polisanmälan.")))
        }
        // R24
        (_, CaseState::Deviation) if !is_answered(DEVIATION_NUMBER) => lacking(&DEVIATION),
        _ => None,
    };
    lacks.map_or(Ok(()), Err)
}

/// Whether a note may be added: it says something (R22).
///
/// # Errors
/// That it says nothing.
pub fn note(text: &str) -> Result<(), Rejection> {
    match is_blank(text) {
        true => Err(Rejection::validation("Skriv anteckningen.")),
        false => Ok(()),
    }
}

/// Until when the authority is to be told of a confirmed intrusion.
pub fn breach_until(confirmed_at: Timestamp) -> Timestamp {
    confirmed_at + BREACH_WITHIN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(fields: &[(&str, &str)], leaving: &str) -> CaseAnswers {
        let mut answers: CaseAnswers =
            fields.iter().map(|(field, _)| ((*field).to_owned(), "ja".to_owned())).collect();
        answers.remove(leaving);
        answers
    }

    #[test]
    fn r22_a_case_goes_the_ways_that_there_are_and_says_why() {
        use CaseState::{Closed, Confirmed, Deviation, Inquiry, NoSuspicion, Open};
        let none = CaseAnswers::new();
        let all: CaseAnswers =
            answered(&CONFIRMED, "").into_iter().chain(answered(&DEVIATION, "")).collect();
        let mut ways = Vec::new();
        for from in CaseState::ALL {
            for to in CaseState::ALL {
                if step(from, to, "x", &all).is_ok() {
                    ways.push((from, to));
                }
            }
            assert_eq!(CaseState::named(from.name()), Some(from));
        }
        let expected = [
            (Open, Inquiry),
            (Inquiry, NoSuspicion),
            (Inquiry, Deviation),
            (Inquiry, Confirmed),
            (NoSuspicion, Closed),
            (Deviation, Closed),
            (Confirmed, Closed),
            (Closed, Inquiry),
        ];
        assert_eq!(ways, expected);
        assert!(step(Open, Inquiry, " ", &none).is_err());
        assert!(note(" ").is_err() && note("svar från Eva Sand").is_ok());
    }

    #[test]
    fn r23_a_confirmed_intrusion_closes_when_all_is_answered() {
        let close =
            |answers: &CaseAnswers| step(CaseState::Confirmed, CaseState::Closed, "x", answers);
        assert!(close(&answered(&CONFIRMED, "")).is_ok());
        for (field, question) in CONFIRMED {
            let refused = close(&answered(&CONFIRMED, field)).unwrap_err();
            assert!(refused.text.contains(question), "{}", refused.text);
        }
        let mut unclear = answered(&CONFIRMED, "");
        unclear.insert("police".into(), "kanske".into());
        assert!(close(&unclear).is_err());
        let at: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        assert_eq!(breach_until(at).to_rfc3339(), "2026-11-23T12:00:00+00:00");
    }

    #[test]
    fn r24_a_deviation_has_its_fields_or_a_number() {
        let deviates =
            |answers: &CaseAnswers| step(CaseState::Inquiry, CaseState::Deviation, "x", answers);
        assert!(deviates(&answered(&DEVIATION, "")).is_ok());
        for (field, _) in DEVIATION {
            assert!(deviates(&answered(&DEVIATION, field)).is_err(), "{field}");
        }
        assert!(deviates(&CaseAnswers::from([(DEVIATION_NUMBER.into(), "AVV-17".into())])).is_ok());
    }
}
