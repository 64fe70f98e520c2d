//! What happens: blocks, consents, emergencies and a year of accesses, in episodes of care on weekdays and shifts. Every
//! access here has its ground; what has none is among the stories.

use super::chance::Chance;
use super::names::KINDS;
use super::region::Region;
use crate::domain::blocking::block::{BlockContent, Guards, InformationType, Lift};
use crate::domain::blocking::history::{Removal, RevokeDetails, RevokeReason};
use crate::domain::blocking::registration::{BlockRegistration, RevokeRegistration};
use crate::domain::consent::assertion::{AssertionContent, AssertionType};
use crate::domain::consent::registration::AssertionRegistration;
use crate::domain::identity::{Action, Actor, HsaId, RecordId};
use crate::domain::period::Period;
use crate::domain::time::{Ambiguous, Timestamp, instant};
use chrono::{Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Weekday};
use std::collections::BTreeMap;

/// A change of a register.
#[derive(Debug, Clone)]
pub enum Event {
    /// A block is registered.
    Block(BlockRegistration),
    /// It is revoked for good.
    Revoke(RecordId, Removal),
    /// It is annulled.
    Annul(RecordId, Removal),
    /// It is lifted for a time.
    Lift(RevokeRegistration),
    /// A consent or emergency is registered.
    Assertion(AssertionRegistration),
    /// It is ended by staff.
    End(RecordId, Action),
}

/// An access: places in the region's lists.
#[derive(Debug, Clone)]
pub struct DemoAccess {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub employee: usize,
    /// At which unit, which is most often the own.
    pub unit: usize,
    /// Whose information.
    pub patient: usize,
    /// Which unit's.
    pub holder: usize,
    /// What kind.
    pub kind: &'static str,
    /// What was done.
    pub activity: &'static str,
    /// Why.
    pub purpose: &'static str,
}

/// A year of it.
#[derive(Debug, Clone, Default)]
pub struct Life {
    /// Changes of registers by when they are stored.
    pub events: BTreeMap<Timestamp, Vec<Event>>,
    /// Accesses.
    pub accesses: Vec<DemoAccess>,
}

/// How long back it goes.
const DAYS: u64 = 395;
/// Why staff read.
pub const PURPOSE: &str = "Vård och behandling";

/// A time of a Swedish day.
pub fn at(day: NaiveDate, hour: u32, minute: u32) -> Timestamp {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default();
    instant(day.and_time(time), Ambiguous::Earlier)
}

/// Who registers.
pub fn action(region: &Region, employee: usize, when: Timestamp) -> Option<Action> {
    let by = Actor {
        employee: HsaId::new(&region.staff[employee].id)?,
        assignment: None,
        assignment_name: None,
    };
    Some(Action {
        requested_at: when,
        requested_by: by.clone(),
        registered_at: when,
        registered_by: by,
        reason: None,
    })
}

/// Years of life under way.
pub(super) struct Living<'r> {
    pub region: &'r Region,
    pub chance: Chance,
    pub life: Life,
    pub today: NaiveDate,
    pub now: Timestamp,
}

impl Living<'_> {
    /// A day of the last year: mostly a weekday, seldom in July.
    fn day(&mut self) -> NaiveDate {
        loop {
            let ago = u64::try_from(self.chance.between(1, 394)).unwrap_or(1).min(DAYS);
            let day = self.today.checked_sub_days(Days::new(ago)).unwrap_or(self.today);
            let is_weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
            let is_holiday = [(12, 24), (12, 25), (12, 31), (1, 1), (1, 6), (5, 1), (6, 6)]
                .contains(&(day.month(), day.day()));
            let is_rare = is_weekend || is_holiday || day.month() == 7;
            if !is_rare || self.chance.per_cent(25) {
                return day;
            }
        }
    }

    pub fn add(&mut self, when: Timestamp, event: Option<Event>) {
        if let Some(event) = event.filter(|_| when < self.now) {
            self.life.events.entry(when).or_default().push(event);
        }
    }

    pub fn employee_at(&mut self, unit: usize) -> usize {
        let of_unit = &self.region.units[unit].staff;
        self.chance.one_of(of_unit).copied().unwrap_or(0)
    }

    pub fn id(&mut self) -> Option<RecordId> {
        RecordId::new(&self.chance.uuid())
    }

    pub fn registration(
        &mut self,
        patient: usize,
        guards: Option<Guards>,
        period: Period,
        by: (usize, Timestamp),
    ) -> Option<BlockRegistration> {
        Some(BlockRegistration {
            id: self.id()?,
            content: BlockContent {
                patient: self.region.patients[patient].id()?,
                guards: guards?,
                period,
                exempted: Vec::new(),
            },
            owner_id: Some("SIGILL-DEMO".to_owned()),
            action: Some(action(self.region, by.0, by.1)?),
        })
    }

    /// What a unit's inner or its provider's outer block guards.
    pub fn guards(&self, unit: usize, inner: bool) -> Option<Guards> {
        let (provider, _) = &self.region.providers[self.region.units[unit].provider];
        let provider = HsaId::new(provider)?;
        Some(match inner {
            true => Guards::Unit { provider, unit: HsaId::new(&self.region.units[unit].id)? },
            false => Guards::Provider(provider),
        })
    }

    /// A patient's home unit, by which the rest of life stays lawful.
    pub fn home(&self, patient: usize) -> usize {
        patient % self.region.units.len()
    }

    pub(super) fn block(&mut self, patient: usize) {
        let (unit, day) = (self.home(patient), self.day());
        let (inner, by) = (self.chance.per_cent(65), self.employee_at(unit));
        let when = at(day, 8, 0);
        let guards = self.guards(unit, inner);
        let period = match self.chance.per_cent(20) {
            true => Period { start: Some(when - TimeDelta::days(400)), end: Some(when) },
            false => Period::default(),
        };
        let Some(mut new) = self.registration(patient, guards, period, (by, when)) else { return };
        if self.chance.per_cent(15) {
            new.content.exempted.push(InformationType::Upp);
        }
        let id = new.id.clone();
        self.add(when, Some(Event::Block(new)));
        let later =
            at(day + Days::new(u64::try_from(self.chance.between(5, 120)).unwrap_or(5)), 12, 0);
        let removal = action(self.region, by, later)
            .map(|action| Removal { action, reason: Some("Patienten begär det".to_owned()) });
        match self.chance.below(10) {
            0 | 1 => self.add(later, removal.map(|by| Event::Revoke(id, by))),
            2 => self.add(later, removal.map(|by| Event::Annul(id, by))),
            3 | 4 => {
                let event = self.lift(
                    &id,
                    unit,
                    (by, later),
                    later + TimeDelta::days(2),
                    RevokeReason::PatientsConsent,
                );
                self.add(later, event);
            }
            _ => {}
        }
    }

    pub fn lift(
        &mut self,
        block: &RecordId,
        unit: usize,
        (by, when): (usize, Timestamp),
        end: Timestamp,
        reason: RevokeReason,
    ) -> Option<Event> {
        Some(Event::Lift(RevokeRegistration {
            id: self.id()?,
            block: block.clone(),
            lift: Lift { end, care_unit: HsaId::new(&self.region.units[unit].id)?, employee: None },
            owner_id: Some("SIGILL-DEMO".to_owned()),
            details: Some(RevokeDetails {
                reason,
                reason_text: None,
                action: action(self.region, by, when)?,
            }),
        }))
    }

    pub fn assertion(
        &mut self,
        (patient, unit, by): (usize, usize, usize),
        kind: AssertionType,
        (when, end): (Timestamp, Option<Timestamp>),
    ) -> Option<AssertionRegistration> {
        let (provider, _) = &self.region.providers[self.region.units[unit].provider];
        Some(AssertionRegistration {
            id: self.id()?,
            content: AssertionContent {
                assertion_type: kind,
                patient: self.region.patients[patient].id()?,
                care_provider: HsaId::new(provider)?,
                care_unit: HsaId::new(&self.region.units[unit].id)?,
                employee: None,
                start: None,
                end,
                represented_by: None,
            },
            action: action(self.region, by, when)?,
            owner_id: Some("SIGILL-DEMO".to_owned()),
        })
    }

    /// A consent or an emergency at a unit, and what staff there read of another provider by it.
    pub(super) fn shared(&mut self, patient: usize, is_emergency: bool) {
        let (unit, day) = (self.chance.below(self.region.units.len()), self.day());
        let (when, by) = (at(day, 6, 0), self.employee_at(unit));
        let kind = if is_emergency { AssertionType::Emergency } else { AssertionType::Consent };
        let end = match is_emergency {
            true => Some(at(day, 23, 0)),
            false => self.chance.per_cent(60).then(|| at(day + Days::new(180), 23, 0)),
        };
        let new = self.assertion((patient, unit, by), kind, (when, end));
        let id = new.as_ref().map(|new| new.id.clone());
        self.add(when, new.map(Event::Assertion));
        let holder = (unit + 1) % self.region.units.len();
        if self.region.units[holder].provider != self.region.units[unit].provider {
            let activity = if is_emergency { "Nödöppning" } else { "Läsa" };
            self.visit((by, unit), (patient, holder), (day, 9), (3, activity));
        }
        if !is_emergency && self.chance.per_cent(10) {
            let later = at(day + Days::new(60), 12, 0);
            let ended = id.zip(action(self.region, by, later)).map(|(id, by)| Event::End(id, by));
            self.add(later, ended);
        }
    }

    /// Some posts within some minutes.
    pub fn visit(
        &mut self,
        (employee, unit): (usize, usize),
        (patient, holder): (usize, usize),
        (day, hour): (NaiveDate, u32),
        (posts, activity): (i64, &'static str),
    ) {
        let mut when = at(day, hour, u32::try_from(self.chance.between(0, 59)).unwrap_or(0));
        for _ in 0..posts {
            when += TimeDelta::seconds(self.chance.between(20, 240));
            let kind = KINDS[self.chance.below(KINDS.len())];
            if when < self.now {
                self.life.accesses.push(DemoAccess {
                    at: when,
                    employee,
                    unit,
                    patient,
                    holder,
                    kind,
                    activity,
                    purpose: PURPOSE,
                });
            }
        }
    }

    /// An episode of care at the patient's unit: one or two of its staff, on some days.
    pub(super) fn episode(&mut self, patient: usize) {
        let unit = self.home(patient);
        let first = self.day();
        let staff = [self.employee_at(unit), self.employee_at(unit)];
        for visit in 0..self.chance.between(1, 4) {
            let day = first + Days::new(u64::try_from(visit * 2).unwrap_or(0));
            let employee = staff[self.chance.below(2)];
            let hour = u32::try_from(self.chance.between(7, 16)).unwrap_or(9);
            let posts = self.chance.between(2, 8);
            let activity = if self.chance.per_cent(25) { "Skriva" } else { "Läsa" };
            self.visit((employee, unit), (patient, unit), (day, hour), (posts, activity));
        }
    }
}
