//! A year of life of a region, with the stories planted in it.

use super::chance::Chance;
use super::life::{Life, Living};
use super::region::{Region, STORY_PATIENTS, Size};
use super::stories::plant;
use crate::domain::time::{Timestamp, local};

/// A year of a region until now.
pub fn life(region: &Region, seed: u64, size: Size, now: Timestamp) -> Life {
    let today = local(now).date();
    let chance = Chance::new(seed ^ 0x51c1);
    let mut living = Living { region, chance, life: Life::default(), today, now };
    for patient in 0..size.blocks.min(region.patients.len()) {
        living.block(patient);
    }
    // Those with stories have their own; those with blocks are read at the unit itself only.
    let free = size.blocks..region.patients.len().saturating_sub(STORY_PATIENTS);
    let mut consents = 0;
    while consents < size.consents + size.emergencies && !free.is_empty() {
        let patient = free.start + living.chance.below(free.len());
        living.shared(patient, consents >= size.consents);
        consents += 1;
    }
    let known = free.end;
    while living.life.accesses.len() < size.posts && known > 0 {
        let patient = living.chance.below(known);
        living.episode(patient);
    }
    plant(&mut living);
    living.life
}
