//! Visits, and judging them.
//!
//! # Rules
//! - **R6** A visit (*åtkomsttillfälle*) is one user's posts about one patient with gaps of at most 30 minutes.
//! - **R8** The minimised list shows staff member, title, time, length, number of posts, patient name and birth date, verdict class
//!   and flags, and nothing else. A watched patient is *Bevakad patient*.
//! - **R9** The full log needs a reason and opens one visit, with an hour around it.
//! - **R10** Nobody judges own visits, nor those of the reviewer's manager; they go to the deputy, else to the log administrator.
//! - **R11** Each visit gets one judgement by one named person.
//! - **R12** Several at once without remark only where there is no flag and the class is *Egen vårdgivare* or *Samtycke*.
//! - **R13** A remark has a text and one case, new or open.
//! - **R14** Answering yes to a control question asks for a targeted control; declining needs a text.

use super::verdict::VerdictClass;
use crate::domain::identity::{HsaId, is_blank};
use crate::domain::log::record::LogEntry;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::Timestamp;
use chrono::{NaiveDate, TimeDelta};

/// What the level of what the review's own pages log begins with.
pub const OWN_LEVEL: &str = "granskning";

/// Whether the pages of the review have logged a record, as the service's own system: it is no visit.
pub fn is_of_review(record: &LogEntry<'_>, own_system: &HsaId) -> bool {
    record.activity_level.is_some_and(|level| level.starts_with(OWN_LEVEL))
        && HsaId::new(record.system.id).as_ref() == Some(own_system)
}

/// As what the review itself is logged.
pub const OWN_ACTIVITY: &str = "Granskning";
/// The level of notices of draws.
pub const NOTICE_LEVEL: &str = "granskning: kungörelse av dragning";

/// Whether a record says that a draw is announced, whatever system it names (D7).
pub fn is_of_draw(record: &LogEntry<'_>) -> bool {
    record.activity_type == OWN_ACTIVITY && record.activity_level == Some(NOTICE_LEVEL)
}

/// Posts with longer gaps are two visits (R6).
pub const VISIT_GAP: TimeDelta = TimeDelta::minutes(30);
/// What the full log shows around a visit (R9).
const AROUND: TimeDelta = TimeDelta::hours(1);

/// Posts as visits, in the order of whose they are and of time (R6).
pub fn in_visits<P, K: Ord>(
    mut posts: Vec<P>,
    whose: impl Fn(&P) -> K,
    at: impl Fn(&P) -> Timestamp,
) -> Vec<Vec<P>> {
    posts.sort_by(|a, b| whose(a).cmp(&whose(b)).then(at(a).cmp(&at(b))));
    let mut visits: Vec<Vec<P>> = Vec::new();
    for post in posts {
        let last = visits.last().and_then(|visit| visit.last());
        let goes_on = last
            .is_some_and(|last| whose(last) == whose(&post) && at(&post) - at(last) <= VISIT_GAP);
        match visits.last_mut().filter(|_| goes_on) {
            Some(visit) => visit.push(post),
            None => visits.push(vec![post]),
        }
    }
    visits
}

/// Who the list says that the patient is (R8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListedPatient {
    /// Name and day of birth, as far as they are known.
    Named(Option<String>, Option<NaiveDate>),
    /// Somebody who is watched.
    Watched,
    /// Somebody whose identity is protected, or of whom it is not known whether it is.
    Protected,
}

/// Who the list says that the patient is: nobody's name where the patient is watched or may be protected (R8).
pub fn listed(
    is_watched: bool,
    is_open: bool,
    name: Option<String>,
    born: Option<NaiveDate>,
) -> ListedPatient {
    match (is_watched, is_open) {
        (true, _) => ListedPatient::Watched,
        (false, false) => ListedPatient::Protected,
        (false, true) => ListedPatient::Named(name, born),
    }
}

/// Why the full log of a visit is opened (R9).
pub const DISCLOSURES: [(&str, &str); 4] = [
    ("suspicion", "Bekräfta en misstanke"),
    ("clarify", "Förtydliga"),
    ("interpret", "Hjälp att tolka"),
    ("other", "Annat"),
];

/// The time of which the full log of a visit tells, if the reason for it is one (R9).
///
/// # Errors
/// What is lacking.
pub fn full_log(
    (first, last): (Timestamp, Timestamp),
    reason: &str,
    text: &str,
) -> Result<(Timestamp, Timestamp), Rejection> {
    if !DISCLOSURES.iter().any(|(name, _)| *name == reason) {
        return Err(Rejection::validation("Välj varför du behöver den fullständiga loggen."));
    }
    if is_blank(text) {
        return Err(Rejection::validation("Skriv varför du behöver den fullständiga loggen."));
    }
    Ok((first - AROUND, last + AROUND))
}

/// Who is to judge a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// The unit's reviewer.
    Reviewer,
    /// The reviewer's deputy.
    Deputy,
    /// A log administrator.
    LogAdmin,
}

impl Judge {
    /// As the store names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reviewer => "reviewer",
            Self::Deputy => "deputy",
            Self::LogAdmin => "log_admin",
        }
    }

    /// Of its name; what is none is the log administrator's.
    pub fn named(name: &str) -> Self {
        match name {
            "reviewer" => Self::Reviewer,
            "deputy" => Self::Deputy,
            _ => Self::LogAdmin,
        }
    }
}

/// Who reviews a unit, and who manages the reviewer; by keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reviewers {
    /// The reviewer, where the unit has a plan.
    pub reviewer: Option<String>,
    /// Who stands in.
    pub deputy: Option<String>,
    /// Who manages the reviewer.
    pub reviewers_manager: Option<String>,
}

/// Who judges somebody's visits (R10).
pub fn judge(employee: &str, of: &Reviewers) -> Judge {
    let is = |other: &Option<String>| other.as_deref() == Some(employee);
    let may_reviewer = of.reviewer.is_some() && !is(&of.reviewer) && !is(&of.reviewers_manager);
    let may_deputy = of.deputy.is_some() && !is(&of.deputy);
    match (may_reviewer, may_deputy) {
        (true, _) => Judge::Reviewer,
        (false, true) => Judge::Deputy,
        (false, false) => Judge::LogAdmin,
    }
}

/// Who wants to judge a visit, by keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhoJudges<'w> {
    /// The employee.
    pub employee: &'w str,
    /// Whether it administers the log.
    pub is_log_admin: bool,
}

/// Whether somebody may judge a visit: the one it was given to, the deputy in the reviewer's place, and a log administrator;
/// nobody the own ones, nor the reviewer those of the manager (R10, R11).
///
/// # Errors
/// Why not.
pub fn may_judge(
    who: WhoJudges<'_>,
    given_to: Judge,
    of: &Reviewers,
    visitor: &str,
) -> Result<(), Rejection> {
    let refused = |text: &'static str| Err(Rejection::new(Class::AccessDenied, text));
    if visitor == who.employee {
        return refused("Ingen bedömer sina egna åtkomster.");
    }
    let is = |other: &Option<String>| other.as_deref() == Some(who.employee);
    if is(&of.reviewer) && of.reviewers_manager.as_deref() == Some(visitor) {
        return refused("Du bedömer inte din chefs åtkomster.");
    }
    let may = who.is_log_admin
        || match given_to {
            Judge::Reviewer => is(&of.reviewer) || is(&of.deputy),
            Judge::Deputy => is(&of.deputy),
            Judge::LogAdmin => false,
        };
    match may {
        true => Ok(()),
        false => refused("Tillfället bedöms av någon annan."),
    }
}

/// A judgement as it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AskedJudgement {
    /// Whether it has a remark.
    pub has_remark: bool,
    /// What the remark is, or a note.
    pub text: String,
    /// The open case that the remark belongs to; none is a new one.
    pub case: Option<i64>,
    /// Control questions that were answered with yes, by their numbers.
    pub yes: Vec<u8>,
    /// Whether a targeted control is to be opened.
    pub opens_control: bool,
    /// Why it is not, though a question was answered with yes.
    pub declined: String,
}

/// Whether a judgement says what it must (R13, R14).
///
/// # Errors
/// What is lacking.
pub fn checked(asked: &AskedJudgement) -> Result<(), Rejection> {
    if asked.has_remark && is_blank(&asked.text) {
        return Err(Rejection::validation("Skriv vad anmärkningen gäller."));
    }
    if !asked.has_remark && asked.case.is_some() {
        return Err(Rejection::validation("Ett ärende hör till en anmärkning."));
    }
    let declines = !asked.yes.is_empty() && !asked.opens_control;
    if declines && is_blank(&asked.declined) {
        return Err(Rejection::validation(
            "En kontrollfråga är besvarad med ja. Öppna en riktad kontroll, eller skriv varför det inte behövs.",
        ));
    }
    Ok(())
}

/// Whether a visit may be judged together with others (R12).
pub fn may_be_judged_with_others(class: VerdictClass, flags: usize) -> bool {
    flags == 0 && matches!(class, VerdictClass::Own | VerdictClass::Consent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn r6_a_gap_of_more_than_thirty_minutes_is_a_new_visit() {
        let begin: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let posts = vec![("p", 61), ("p", 0), ("q", 10), ("p", 30)];
        let visits = in_visits(posts, |post| post.0, |post| begin + TimeDelta::minutes(post.1));
        assert_eq!(visits, [vec![("p", 0), ("p", 30)], vec![("p", 61)], vec![("q", 10)]]);
    }

    #[test]
    fn r8_nobody_who_is_watched_or_protected_is_named() {
        let name = Some("Eva Sand".to_owned());
        assert_eq!(listed(true, true, name.clone(), None), ListedPatient::Watched);
        assert_eq!(listed(false, false, name.clone(), None), ListedPatient::Protected);
        assert_eq!(listed(false, true, name.clone(), None), ListedPatient::Named(name, None));
    }

    #[test]
    fn r9_the_full_log_needs_a_reason_and_has_an_hour_around() {
        let at: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        assert!(full_log((at, at), "curious", "text").is_err());
        assert!(full_log((at, at), "clarify", " ").is_err());
        let hour = TimeDelta::hours(1);
        assert_eq!(full_log((at, at), "clarify", "text").unwrap(), (at - hour, at + hour));
    }

    #[test]
    fn r10_own_visits_and_the_managers_go_to_somebody_else() {
        let all = Reviewers {
            reviewer: Some(key("r")),
            deputy: Some(key("d")),
            reviewers_manager: Some(key("m")),
        };
        assert_eq!(judge("p", &all), Judge::Reviewer);
        assert_eq!(judge("r", &all), Judge::Deputy);
        assert_eq!(judge("m", &all), Judge::Deputy);
        assert_eq!(judge("d", &all), Judge::Reviewer);
        let alone = Reviewers { deputy: None, ..all.clone() };
        assert_eq!(judge("r", &alone), Judge::LogAdmin);
        assert_eq!(
            judge("d", &Reviewers { reviewer: Some(key("d")), ..all.clone() }),
            Judge::LogAdmin
        );
        assert_eq!(judge("p", &Reviewers::default()), Judge::LogAdmin);
        let who = |employee, is_log_admin| WhoJudges { employee, is_log_admin };
        assert!(may_judge(who("r", true), Judge::LogAdmin, &all, "r").is_err(), "own");
        assert!(may_judge(who("r", true), Judge::Deputy, &all, "m").is_err(), "the manager's");
        assert!(may_judge(who("x", true), Judge::Deputy, &all, "m").is_ok());
    }

    #[test]
    fn r11_it_is_judged_by_whom_it_was_given_to() {
        let all =
            Reviewers { reviewer: Some(key("r")), deputy: Some(key("d")), reviewers_manager: None };
        let who = |employee| WhoJudges { employee, is_log_admin: false };
        assert!(may_judge(who("r"), Judge::Reviewer, &all, "p").is_ok());
        assert!(may_judge(who("d"), Judge::Reviewer, &all, "p").is_ok());
        assert!(may_judge(who("d"), Judge::Deputy, &all, "r").is_ok());
        assert!(may_judge(who("r"), Judge::Deputy, &all, "p").is_err());
        assert!(may_judge(who("x"), Judge::Reviewer, &all, "p").is_err());
        assert!(may_judge(who("d"), Judge::LogAdmin, &all, "p").is_err());
        assert_eq!(Judge::named(Judge::Deputy.name()), Judge::Deputy);
    }

    #[test]
    fn r12_only_what_asks_nothing_is_judged_together() {
        use VerdictClass::{AgainstBlock, Consent, Emergency, NoGround, Own, Undecided};
        let may =
            VerdictClass::ALL.into_iter().filter(|class| may_be_judged_with_others(*class, 0));
        assert_eq!(may.collect::<Vec<_>>(), [Consent, Own]);
        assert!(!may_be_judged_with_others(Own, 1));
        for class in [AgainstBlock, NoGround, Undecided, Emergency] {
            assert!(!may_be_judged_with_others(class, 0));
        }
    }

    #[test]
    fn r13_a_remark_has_a_text_and_a_case_is_a_remarks() {
        let remark =
            AskedJudgement { has_remark: true, text: "x".into(), ..AskedJudgement::default() };
        assert!(checked(&remark).is_ok());
        assert!(checked(&AskedJudgement { text: " ".into(), ..remark.clone() }).is_err());
        assert!(checked(&AskedJudgement { has_remark: false, case: Some(1), ..remark }).is_err());
    }

    #[test]
    fn r14_a_yes_asks_for_a_control_or_a_reason() {
        let yes = AskedJudgement { yes: vec![2], ..AskedJudgement::default() };
        assert!(checked(&yes).is_err());
        assert!(checked(&AskedJudgement { opens_control: true, ..yes.clone() }).is_ok());
        assert!(checked(&AskedJudgement { declined: "kollega i jouren".into(), ..yes }).is_ok());
    }
}
