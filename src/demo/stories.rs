//! The stories that are planted: each is what a page should find.

use super::life::{DemoAccess, Event, Living, PURPOSE, action, at};
use super::region::{Region, STORY_PATIENTS};
use crate::domain::blocking::history::{Removal, RevokeReason};
use crate::domain::consent::assertion::AssertionType;
use crate::domain::period::Period;
use crate::domain::time::Timestamp;
use chrono::{Datelike, Days, NaiveDate, TimeDelta, Weekday};

/// A story.
#[derive(Debug, Clone, Copy)]
pub struct Story {
    /// What it is about.
    pub title: &'static str,
    /// Which of the story patients.
    pub patient: usize,
    /// What happened.
    pub told: &'static str,
}

const fn story(title: &'static str, patient: usize, told: &'static str) -> Story {
    Story { title, patient, told }
}

/// All of them.
pub const STORIES: [Story; 16] = [
    story("Egen journal", 0, "En medarbetare läste sin egen journal."),
    story(
        "En förälders journal",
        1,
        "En medarbetare läste en patient med samma ovanliga efternamn.",
    ),
    story("En kollega i vård", 2, "Nio kollegor läste en medarbetares journal."),
    story("En känd person", 3, "En känd person lästes 40 gånger under en natt."),
    story("Ovanligt många", 4, "En medarbetare läste 35 patienter en lugn tisdag."),
    story("Trots inre spärr", 5, "En annan enhet läste uppgifter som en inre spärr stängde."),
    story("Trots yttre spärr", 6, "En yttre spärr var hävd för en enhet, men en annan läste."),
    story("Samtycket hade slutat", 7, "Samtycket tog slut dagen före läsningen."),
    story("Samtycket kom efteråt", 8, "Samtycket registrerades fyra minuter efter läsningen."),
    story(
        "Nödöppning utan intyg",
        9,
        "Systemet loggade nödöppning, men ingen nödsituation är registrerad.",
    ),
    story(
        "Barn utan samtycke",
        10,
        "Ett barns uppgifter lästes hos en annan vårdgivare utan samtycke.",
    ),
    story(
        "Spärr med tidsperiod",
        11,
        "Spärren stänger bara uppgifter från en viss tid: det går inte att avgöra.",
    ),
    story("På natten", 12, "En medarbetare läste klockan tre på natten, utanför sitt schema."),
    story("Fel syfte", 13, "Ett system läste med syftet Kvalitetssäkring hos en annan vårdgivare."),
    story("Skyddad identitet", 14, "Patientens personuppgifter är skyddade."),
    story("Makulerad spärr", 15, "Spärren makulerades efter läsningen, men gällde då."),
];

/// The place in the region's list of a story's patient.
pub fn patient(region: &Region, story: usize) -> usize {
    region.patients.len().saturating_sub(STORY_PATIENTS) + story
}

/// A weekday some days ago.
fn day(living: &Living<'_>, ago: u64) -> NaiveDate {
    let mut day = living.today.checked_sub_days(Days::new(ago)).unwrap_or(living.today);
    while matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
        day = day.pred_opt().unwrap_or(day);
    }
    day
}

fn access(living: &mut Living<'_>, when: Timestamp, who: (usize, usize), whose: (usize, usize)) {
    living.life.accesses.push(DemoAccess {
        at: when,
        employee: who.0,
        unit: who.1,
        patient: whose.0,
        holder: whose.1,
        kind: "Journaltext",
        activity: "Läsa",
        purpose: PURPOSE,
    });
}

/// Plants all of them, so that they lie in the last weeks.
pub(super) fn plant(living: &mut Living<'_>) {
    let region = living.region;
    let of = |story: usize| patient(region, story);
    if region.patients.len() <= STORY_PATIENTS || region.units.len() < 4 {
        return;
    }
    // Two units of one provider, and one of another.
    let (here, elsewhere) = (0, 1);
    let beside = region.units.iter().enumerate().skip(1);
    let beside = beside.filter(|(_, unit)| unit.provider == region.units[here].provider);
    let Some(beside) = beside.map(|(at, _)| at).next() else { return };
    let staff = |unit: usize, nth: usize| {
        let of_unit = &region.units[unit].staff;
        (of_unit[nth % of_unit.len()], unit)
    };
    let morning = |living: &Living<'_>, ago: u64| at(day(living, ago), 9, 30);

    for (story, ago, nth) in [(0, 6, 1), (1, 7, 4)] {
        let when = morning(living, ago);
        access(living, when, staff(here, nth), (of(story), here));
    }
    for colleague in (0..10).filter(|nth| *nth != 2) {
        let when =
            morning(living, 8) + TimeDelta::minutes(20 * i64::try_from(colleague).unwrap_or(0));
        access(living, when, staff(here, colleague), (of(2), here));
    }
    for reading in 0..40 {
        let when = at(day(living, 9), 1, 0) + TimeDelta::minutes(5 * reading);
        let nth = usize::try_from(reading).unwrap_or(0);
        access(living, when, staff(elsewhere, nth), (of(3), elsewhere));
    }
    let mut tuesday = day(living, 10);
    while tuesday.weekday() != Weekday::Tue {
        tuesday = tuesday.pred_opt().unwrap_or(tuesday);
    }
    for nth in 0..35 {
        let when = at(tuesday, 9, 0) + TimeDelta::minutes(10 * i64::try_from(nth).unwrap_or(0));
        let other = if nth == 0 { of(4) } else { of(20 + nth) };
        access(living, when, staff(here, 2), (other, here));
    }
    blocks(living, (here, beside, elsewhere));
    consents(living, (here, elsewhere));
    let when = at(day(living, 15), 3, 10);
    access(living, when, staff(here, 3), (of(12), here));
    let when = morning(living, 16);
    access(living, when, staff(elsewhere, 1), (of(13), here));
    if let Some(last) = living.life.accesses.last_mut() {
        last.purpose = "Kvalitetssäkring";
    }
    let when = morning(living, 5);
    access(living, when, staff(here, 1), (of(14), here));
}

/// DemoAccess despite blocks, and blocks that leave it open whether.
fn blocks(living: &mut Living<'_>, (here, beside, elsewhere): (usize, usize, usize)) {
    let region = living.region;
    let of = |story: usize| patient(region, story);
    let first = |unit: usize| region.units[unit].staff.first().copied().unwrap_or(0);
    let who = |unit: usize| (first(unit), unit);
    let registered = at(day(living, 40), 8, 0);
    let new = |living: &mut Living<'_>, story: usize, inner: bool, period: Period| {
        let guards = living.guards(here, inner);
        let new = living.registration(of(story), guards, period, (first(here), registered));
        let id = new.as_ref().map(|new| new.id.clone());
        living.add(registered, new.map(Event::Block));
        id
    };
    new(living, 5, true, Period::default());
    access(living, at(day(living, 11), 9, 30), who(beside), (of(5), here));

    let outer = new(living, 6, false, Period::default());
    let lifted = at(day(living, 12), 8, 0);
    let other = region.units.len() - 1;
    if let Some(outer) = outer {
        let end = lifted + TimeDelta::days(2);
        let event =
            living.lift(&outer, other, (first(here), lifted), end, RevokeReason::PatientsConsent);
        living.add(lifted, event);
    }
    access(living, lifted + TimeDelta::hours(2), who(elsewhere), (of(6), here));

    let span = Period {
        start: Some(registered - TimeDelta::days(300)),
        end: Some(registered - TimeDelta::days(200)),
    };
    new(living, 11, true, span);
    access(living, at(day(living, 13), 9, 30), who(beside), (of(11), here));

    let annulled = new(living, 15, true, Period::default());
    access(living, at(day(living, 14), 9, 30), who(beside), (of(15), here));
    let later = at(day(living, 4), 8, 0);
    let removal = action(region, first(here), later)
        .map(|action| Removal { action, reason: Some("Felregistrerad".to_owned()) });
    let event = annulled.zip(removal).map(|(id, by)| Event::Annul(id, by));
    living.add(later, event);
}

/// Accesses to another provider's information that no consent covered at that second.
fn consents(living: &mut Living<'_>, (here, elsewhere): (usize, usize)) {
    let region = living.region;
    let of = |story: usize| patient(region, story);
    let reader = (region.units[here].staff.first().copied().unwrap_or(0), here);
    let reading = at(day(living, 17), 9, 30);
    let yesterday = at(day(living, 17) - Days::new(1), 23, 59);
    let given = reading - TimeDelta::days(30);
    let consent =
        |living: &mut Living<'_>, story: usize, when: Timestamp, end: Option<Timestamp>| {
            let new =
                living.assertion((of(story), here, reader.0), AssertionType::Consent, (when, end));
            living.add(when, new.map(Event::Assertion));
        };
    consent(living, 7, given, Some(yesterday));
    access(living, reading, reader, (of(7), elsewhere));
    access(living, reading, reader, (of(8), elsewhere));
    consent(living, 8, reading + TimeDelta::minutes(4), None);
    access(living, reading + TimeDelta::hours(1), reader, (of(9), elsewhere));
    if let Some(last) = living.life.accesses.last_mut() {
        last.activity = "Nödöppning";
    }
    access(living, reading + TimeDelta::hours(2), reader, (of(10), elsewhere));
}
