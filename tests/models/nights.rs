//! The nights when Swedish clocks go forward and back, as the models see them: half hours,
//! counted by hand.

use chrono::Duration;
use sigill::domain::time::{Ambiguous, Timestamp, instant};

/// Half hours from 00:00 UTC in the night of a time change.
pub const STEPS: u32 = 6;
/// What clocks in Sweden show, in order; what is said of times in a history is one of these.
const SPRING: [&str; 6] = ["01:00", "01:30", "02:00", "02:30", "03:00", "03:30"];
const AUTUMN: [&str; 6] = ["01:30", "02:00", "02:30", "03:00", "03:30", "04:00"];

/// By hand: the first and the last half hour that a clock time of [`SPRING`] or [`AUTUMN`] names. In
/// spring 02:00 is not shown and means 03:00; in autumn 02:00 and 02:30 are shown twice; the
/// autumn's 01:30 lies before the first half hour, and 04:00 after the last.
const SPRING_STEPS: [(i32, i32); 6] = [(0, 0), (1, 1), (2, 2), (3, 3), (2, 2), (3, 3)];
const AUTUMN_STEPS: [(i32, i32); 6] = [(-1, -1), (0, 2), (1, 3), (4, 4), (5, 5), (6, 6)];

pub fn first(autumn: bool, clock: u32) -> i32 {
    if autumn { AUTUMN_STEPS[clock as usize].0 } else { SPRING_STEPS[clock as usize].0 }
}

pub fn last(autumn: bool, clock: u32) -> i32 {
    if autumn { AUTUMN_STEPS[clock as usize].1 } else { SPRING_STEPS[clock as usize].1 }
}

/// What ends before it starts cannot be asked about or registered.
pub fn ordered(autumn: bool, a: u32, b: u32) -> (u32, u32) {
    if first(autumn, a) <= last(autumn, b) { (a, b) } else { (b, a) }
}

/// The instant that a clock time names, as a contract's text does.
pub fn named_by(autumn: bool, clock: u32, which: Ambiguous) -> Timestamp {
    let (day, clocks) = if autumn { ("2026-10-25", AUTUMN) } else { ("2026-03-29", SPRING) };
    instant(format!("{day}T{}:00", clocks[clock as usize]).parse().unwrap(), which)
}

pub fn now(autumn: bool, step: u32) -> Timestamp {
    let night = if autumn { "2026-10-25T00:00:00Z" } else { "2026-03-29T00:00:00Z" };
    night.parse::<Timestamp>().unwrap() + Duration::minutes(30 * i64::from(step))
}
