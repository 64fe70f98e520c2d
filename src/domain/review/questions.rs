//! The seven control questions, and two more, as flags beside a visit: each a question with its evidence, never a score. Where the
//! data do not permit an answer the question stays the reviewer's.
//!
//! # Rules
//! - **Q1** Task: the class is *Trots spärr* or *Grund saknas*; or nobody else at the unit read the patient within 90 days either
//!   side; or the purpose is not care.
//! - **Q2** Kinship: the same surname as the patient, and it belongs to under 0.5 % of the patients of the year's log.
//! - **Q3** Own record: the user's person id equals the patient's. Partner and child are never guessed.
//! - **Q4** Known person: on a watch list as public person or event; it says *Bevakad* only.
//! - **Q5** Colleague: the patient is in the staff directory. Neighbours are the reviewer's question.
//! - **Q6** Sensitive diagnosis: information unit or resource type on the provider's list; the log holds no diagnosis.
//! - **Q7** Outside working hours: outside the schedule by more than 30 minutes; else outside the unit's hours; else not asked.
//! - **Q8** Emergency: the activity or an assertion says so.
//! - **Q9** Unusually many: more than three times the user's own median of patients a day over 90 days, and at least 20.

use super::verdict::VerdictClass;
use crate::domain::people::roles::CARE;
use crate::domain::time::{Timestamp, local};
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, Timelike};
use std::fmt;

/// Days either side within which others of the unit are looked for, and over which a median is taken (Q1, Q9).
pub const DAYS: u64 = 90;
/// How far outside the schedule is still within it (Q7).
const LEEWAY: TimeDelta = TimeDelta::minutes(30);
/// So many patients of a day are unusual at the earliest, and so many times the median (Q9).
const UNUSUAL_FROM: u32 = 20;
const UNUSUAL_TIMES: u32 = 3;
/// The activity of an emergency (Q8).
const EMERGENCY: &str = "Nödöppning";

/// A question that the data raise, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// Q1: the registers have no ground, or a block.
    NoGround(VerdictClass),
    /// Q1: nobody else at the unit read the patient within 90 days.
    NobodyElse,
    /// Q1: another purpose than care.
    OtherPurpose,
    /// Q2: the same surname, which so many of so many patients have.
    SameSurname(u32, u32),
    /// Q3: the own record.
    OwnRecord,
    /// Q4: the patient is watched.
    Watched,
    /// Q5: the patient is of the staff.
    Colleague,
    /// Q6: information of this kind, or of this unit, is sensitive.
    Sensitive(String),
    /// Q7: outside the schedule.
    OffSchedule,
    /// Q7: outside the unit's hours.
    OffHours(NaiveTime, NaiveTime),
    /// Q8: an emergency.
    Emergency,
    /// Q9: so many patients that day, where so many are usual.
    Unusual(u32, u32),
}

impl Flag {
    /// The number of its question.
    pub fn question(&self) -> u8 {
        match self {
            Self::NoGround(_) | Self::NobodyElse | Self::OtherPurpose => 1,
            Self::SameSurname(..) => 2,
            Self::OwnRecord => 3,
            Self::Watched => 4,
            Self::Colleague => 5,
            Self::Sensitive(_) => 6,
            Self::OffSchedule | Self::OffHours(..) => 7,
            Self::Emergency => 8,
            Self::Unusual(..) => 9,
        }
    }

    /// Of the text that the store keeps.
    pub fn read(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let two = || rest.split_once(' ');
        let numbers = || two().and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        Some(match word {
            "q1-ground" => Self::NoGround(VerdictClass::named(rest)?),
            "q1-nobody-else" => Self::NobodyElse,
            "q1-purpose" => Self::OtherPurpose,
            "q2-surname" => numbers().map(|(a, b)| Self::SameSurname(a, b))?,
            "q3-own" => Self::OwnRecord,
            "q4-watched" => Self::Watched,
            "q5-colleague" => Self::Colleague,
            "q6-sensitive" => Self::Sensitive(rest.to_owned()),
            "q7-schedule" => Self::OffSchedule,
            "q7-hours" => {
                let (opens, closes) = two()?;
                Self::OffHours(opens.parse().ok()?, closes.parse().ok()?)
            }
            "q8-emergency" => Self::Emergency,
            "q9-unusual" => numbers().map(|(a, b)| Self::Unusual(a, b))?,
            _ => return None,
        })
    }
}

impl fmt::Display for Flag {
    /// As the store and files have it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGround(class) => write!(out, "q1-ground {}", class.name()),
            Self::NobodyElse => out.write_str("q1-nobody-else"),
            Self::OtherPurpose => out.write_str("q1-purpose"),
            Self::SameSurname(of, all) => write!(out, "q2-surname {of} {all}"),
            Self::OwnRecord => out.write_str("q3-own"),
            Self::Watched => out.write_str("q4-watched"),
            Self::Colleague => out.write_str("q5-colleague"),
            Self::Sensitive(what) => write!(out, "q6-sensitive {what}"),
            Self::OffSchedule => out.write_str("q7-schedule"),
            Self::OffHours(opens, closes) => write!(out, "q7-hours {opens} {closes}"),
            Self::Emergency => out.write_str("q8-emergency"),
            Self::Unusual(patients, median) => write!(out, "q9-unusual {patients} {median}"),
        }
    }
}

/// What is known of a visit; `None` is what is not.
#[derive(Debug, Clone, Default)]
pub struct VisitFacts<'v> {
    /// Its class.
    pub class: Option<VerdictClass>,
    /// Purposes of its posts.
    pub purposes: Vec<&'v str>,
    /// Activities of its posts.
    pub activities: Vec<&'v str>,
    /// Kinds of information and units that were read.
    pub kinds: Vec<&'v str>,
    /// Those that the care provider takes for sensitive.
    pub sensitive: &'v [String],
    /// Whether somebody else of the unit read the patient within 90 days.
    pub others_read: Option<bool>,
    /// Names of user and patient.
    pub names: Option<(&'v str, &'v str)>,
    /// How many patients have the user's surname, of how many.
    pub surname: Option<(u32, u32)>,
    /// Whether user and patient are one person.
    pub is_own: bool,
    /// Whether the patient is on a watch list as known.
    pub is_watched: bool,
    /// Whether the patient is in the staff directory.
    pub is_colleague: bool,
    /// First and last post.
    pub time: Option<(Timestamp, Timestamp)>,
    /// The user's schedule around that time, if there is one: spans.
    pub schedule: Option<&'v [(Timestamp, Timestamp)]>,
    /// When the unit opens and closes.
    pub hours: Option<(NaiveTime, NaiveTime)>,
    /// Patients of the user that day, and twice the median over 90 days.
    pub patients: Option<(u32, u32)>,
}

/// How far beside the first and the last hours of a schedule it still tells something: a weekend.
const SCHEDULE_ENDS: TimeDelta = TimeDelta::days(3);

/// The schedule of an employee around a visit: `hours` are those near it, `planned` the begin of the first and the end of the last
/// that are known. Who has a schedule of that time and no hours in it is off duty; where it does not reach there is none (Q7).
pub fn schedule_of(
    hours: &[(Timestamp, Timestamp)],
    planned: Option<(Timestamp, Timestamp)>,
    (first, last): (Timestamp, Timestamp),
) -> Option<&[(Timestamp, Timestamp)]> {
    let (from, to) = planned?;
    (from - SCHEDULE_ENDS <= first && last <= to + SCHEDULE_ENDS).then_some(hours)
}

/// Whether a day is within 90 days of a visit, either side (Q1).
pub fn is_near(day: NaiveDate, (first, last): (Timestamp, Timestamp)) -> bool {
    let (first, last) = (local(first).date(), local(last).date());
    first - Days::new(DAYS) <= day && day <= last + Days::new(DAYS)
}

/// The surname of a name: its last word.
pub fn surname(name: &str) -> Option<String> {
    let last = name.split_whitespace().next_back()?;
    (last != name.trim()).then(|| last.to_lowercase())
}

/// Twice the median of some counts: of an even number of them it is the mean of the middle two. `None` of none.
pub fn twice_the_median(mut counts: Vec<u32>) -> Option<u32> {
    counts.sort_unstable();
    let upper = counts.get(counts.len() / 2).copied()?;
    let lower = counts.get((counts.len() - 1) / 2).copied()?;
    Some(upper + lower)
}

/// The questions that the data raise of a visit (Q1 to Q9).
pub fn flags(facts: &VisitFacts<'_>) -> Vec<Flag> {
    let mut flags = Vec::new();
    // Q1
    if let Some(class @ (VerdictClass::AgainstBlock | VerdictClass::NoGround)) = facts.class {
        flags.push(Flag::NoGround(class));
    }
    if facts.others_read == Some(false) {
        flags.push(Flag::NobodyElse);
    }
    if facts.purposes.iter().any(|purpose| *purpose != CARE) {
        flags.push(Flag::OtherPurpose);
    }
    // Q2
    if let (Some((user, patient)), Some((of, all))) = (facts.names, facts.surname)
        && !facts.is_own
        && surname(user).is_some_and(|own| surname(patient) == Some(own))
        && u64::from(of) * 200 < u64::from(all)
    {
        flags.push(Flag::SameSurname(of, all));
    }
    // Q3
    if facts.is_own {
        flags.push(Flag::OwnRecord);
    }
    // Q4
    if facts.is_watched {
        flags.push(Flag::Watched);
    }
    // Q5
    if facts.is_colleague && !facts.is_own {
        flags.push(Flag::Colleague);
    }
    // Q6
    let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
    let sensitive =
        facts.kinds.iter().find(|kind| facts.sensitive.iter().any(|own| same(own, kind)));
    flags.extend(sensitive.map(|kind| Flag::Sensitive((*kind).to_owned())));
    // Q7
    flags.extend(off_hours(facts));
    // Q8
    if facts.class == Some(VerdictClass::Emergency) || facts.activities.contains(&EMERGENCY) {
        flags.push(Flag::Emergency);
    }
    // Q9
    if let Some((patients, twice)) = facts.patients
        && patients >= UNUSUAL_FROM
        && 2 * patients > UNUSUAL_TIMES * twice
    {
        flags.push(Flag::Unusual(patients, twice / 2));
    }
    flags
}

/// Q7.
fn off_hours(facts: &VisitFacts<'_>) -> Option<Flag> {
    let (first, last) = facts.time?;
    if let Some(schedule) = facts.schedule {
        let is_on = |at: Timestamp| {
            schedule.iter().any(|(from, to)| *from - LEEWAY <= at && at <= *to + LEEWAY)
        };
        return (!is_on(first) || !is_on(last)).then_some(Flag::OffSchedule);
    }
    let (opens, closes) = facts.hours?;
    let is_open = |at: Timestamp| {
        // Hours are told in minutes.
        let here = local(at).time();
        let time = here.with_second(0).and_then(|time| time.with_nanosecond(0)).unwrap_or(here);
        match opens < closes {
            true => opens <= time && time <= closes,
            // Over midnight, or all day.
            false => opens <= time || time <= closes,
        }
    };
    (!is_open(first) || !is_open(last)).then_some(Flag::OffHours(opens, closes))
}

/// The questions that the data of a visit cannot answer: they stay the reviewer's, always neighbours, partners, children and
/// diagnoses.
pub fn unanswered(facts: &VisitFacts<'_>) -> Vec<u8> {
    let mut open = Vec::new();
    if facts.others_read.is_none() {
        open.push(1);
    }
    open.extend([2, 3, 5, 6]);
    if facts.schedule.is_none() && facts.hours.is_none() {
        open.push(7);
    }
    if facts.patients.is_none() {
        open.push(9);
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn innocent<'v>() -> VisitFacts<'v> {
        VisitFacts {
            class: Some(VerdictClass::Own),
            purposes: vec![CARE],
            activities: vec!["Läsa"],
            others_read: Some(true),
            ..VisitFacts::default()
        }
    }

    fn raised(facts: &VisitFacts<'_>) -> Vec<Flag> {
        let flags = flags(facts);
        for flag in &flags {
            assert_eq!(Flag::read(&flag.to_string()).as_ref(), Some(flag));
        }
        flags
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn q1_no_ground_nobody_else_or_another_purpose() {
        assert_eq!(raised(&innocent()), []);
        for class in [VerdictClass::AgainstBlock, VerdictClass::NoGround] {
            let facts = VisitFacts { class: Some(class), ..innocent() };
            assert_eq!(raised(&facts), [Flag::NoGround(class)]);
        }
        let alone = VisitFacts { others_read: Some(false), ..innocent() };
        assert_eq!(raised(&alone), [Flag::NobodyElse]);
        let unknown = VisitFacts { others_read: None, ..innocent() };
        assert_eq!(raised(&unknown), []);
        assert!(unanswered(&unknown).contains(&1) && !unanswered(&innocent()).contains(&1));
        let other = VisitFacts { purposes: vec![CARE, "Kvalitetssäkring"], ..innocent() };
        assert_eq!(raised(&other), [Flag::OtherPurpose]);
    }

    #[test]
    fn q2_a_rare_surname_that_both_have() {
        let named = |user, patient, surname| VisitFacts {
            names: Some((user, patient)),
            surname: Some(surname),
            ..innocent()
        };
        let both = ("Eva Silfverhjelm", "Ingegerd silfverhjelm");
        assert_eq!(raised(&named(both.0, both.1, (1, 201))), [Flag::SameSurname(1, 201)]);
        assert_eq!(raised(&named(both.0, both.1, (1, 200))), [], "half a per cent is not under it");
        assert_eq!(raised(&named(both.0, "Eva Berg", (1, 900))), []);
        assert_eq!(raised(&named("Silfverhjelm", "Silfverhjelm", (1, 900))), [], "no given name");
    }

    #[test]
    fn q3_the_own_record_and_never_a_guess() {
        let own = VisitFacts {
            is_own: true,
            is_colleague: true,
            names: Some(("Eva Sand", "Eva Sand")),
            surname: Some((1, 900)),
            ..innocent()
        };
        assert_eq!(raised(&own), [Flag::OwnRecord]);
        assert!(unanswered(&own).contains(&3), "partners and children stay a question");
    }

    #[test]
    fn q4_a_known_person_is_watched_and_no_more_is_said() {
        assert_eq!(raised(&VisitFacts { is_watched: true, ..innocent() }), [Flag::Watched]);
    }

    #[test]
    fn q5_a_colleague_is_in_the_directory_and_neighbours_stay_a_question() {
        assert_eq!(raised(&VisitFacts { is_colleague: true, ..innocent() }), [Flag::Colleague]);
        assert!(unanswered(&innocent()).contains(&5));
    }

    #[test]
    fn q6_what_the_provider_calls_sensitive() {
        let list = ["Psykiatri".to_owned(), "SE-U3".to_owned()];
        let facts = VisitFacts { kinds: vec!["Labsvar", "se-u3"], sensitive: &list, ..innocent() };
        assert_eq!(raised(&facts), [Flag::Sensitive("se-u3".into())]);
        assert_eq!(
            raised(&VisitFacts { kinds: vec!["Labsvar"], sensitive: &list, ..innocent() }),
            []
        );
    }

    #[test]
    fn q7_the_schedule_then_the_hours_then_nothing() {
        // Half past three in the night, Swedish time.
        let night = (at("2026-11-20T02:30:00Z"), at("2026-11-20T02:31:00Z"));
        let hours =
            (NaiveTime::from_hms_opt(7, 0, 0).unwrap(), NaiveTime::from_hms_opt(17, 0, 0).unwrap());
        let facts = VisitFacts { time: Some(night), ..innocent() };
        assert_eq!(raised(&facts), []);
        assert!(unanswered(&facts).contains(&7));
        let open = VisitFacts { hours: Some(hours), ..facts.clone() };
        assert_eq!(raised(&open), [Flag::OffHours(hours.0, hours.1)]);
        let over_midnight = VisitFacts { hours: Some((hours.1, hours.0)), ..facts.clone() };
        assert_eq!(raised(&over_midnight), []);
        // A schedule without hours near: off duty, as long as it reaches there.
        let planned = Some((at("2026-11-02T06:00:00Z"), at("2026-11-27T16:00:00Z")));
        assert_eq!(schedule_of(&[], planned, night), Some(&[][..]));
        let off = VisitFacts { schedule: schedule_of(&[], planned, night), ..facts.clone() };
        assert_eq!(raised(&off), [Flag::OffSchedule]);
        let later = (at("2026-12-01T02:30:00Z"), at("2026-12-01T02:31:00Z"));
        assert_eq!((schedule_of(&[], planned, later), schedule_of(&[], None, night)), (None, None));
        let midnight = NaiveTime::MIN;
        let all_day = VisitFacts { hours: Some((midnight, midnight)), ..facts.clone() };
        assert_eq!(raised(&all_day), []);
        let nearly = NaiveTime::from_hms_opt(3, 31, 0).unwrap();
        let to_the_minute = VisitFacts {
            hours: Some((midnight, nearly)),
            time: Some((night.0, at("2026-11-20T02:31:59Z"))),
            ..facts.clone()
        };
        assert_eq!(raised(&to_the_minute), []);
        // A shift until three: thirty minutes are within it, a minute more is not.
        let shift = [(at("2026-11-19T20:00:00Z"), at("2026-11-20T02:00:00Z"))];
        let on =
            VisitFacts { time: Some((night.0, night.0)), schedule: Some(&shift), ..open.clone() };
        assert_eq!(raised(&on), []);
        assert_eq!(raised(&VisitFacts { schedule: Some(&shift), ..open }), [Flag::OffSchedule]);
    }

    #[test]
    fn q8_an_emergency_by_activity_or_by_assertion() {
        let by_activity = VisitFacts { activities: vec!["Läsa", "Nödöppning"], ..innocent() };
        let by_assertion = VisitFacts { class: Some(VerdictClass::Emergency), ..innocent() };
        for facts in [by_activity, by_assertion] {
            assert_eq!(raised(&facts), [Flag::Emergency]);
        }
    }

    #[test]
    fn q9_more_than_three_times_the_median_and_at_least_twenty() {
        let seen = |patients, median| {
            raised(&VisitFacts { patients: Some((patients, median)), ..innocent() })
        };
        assert_eq!(seen(35, 8), [Flag::Unusual(35, 4)]);
        assert_eq!(seen(19, 2), []);
        assert_eq!(seen(30, 20), []);
        assert_eq!(seen(31, 20), [Flag::Unusual(31, 10)]);
        assert_eq!((seen(22, 15), seen(23, 15)), (vec![], vec![Flag::Unusual(23, 7)]));
        let twice = |counts: &[u32]| twice_the_median(counts.to_vec());
        assert_eq!((twice(&[9, 1, 4]), twice(&[10, 2]), twice(&[])), (Some(8), Some(12), None));
        assert!(unanswered(&innocent()).contains(&9));
    }
}
