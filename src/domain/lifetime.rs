//! When something was stored, and what has taken it away since.
//!
//! # Rules
//! - **LT1** At present what has not been removed stands, whatever the clock says that is asked by.
//! - **LT2** In the past it stood from its storing until its first removal.
//! - **LT3** Where the first of two removals is not known, it stood until the last at the most.

use super::time::{Moment, Timestamp};

/// The time that something has in the service; `How` is what is known of its removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetime<How = ()> {
    /// When the service stored it.
    pub stored_at: Timestamp,
    /// Whether it has been taken away.
    pub state: State<How>,
}

/// Whether something has been taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State<How = ()> {
    /// It has not.
    Standing,
    /// It has.
    Removed {
        /// When that happened first.
        first: FirstRemoval,
        /// How it was done.
        how: How,
    },
}

/// When something was removed for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstRemoval {
    /// At this instant.
    At(Timestamp),
    /// Two removals were stored before the first one's time was kept; this is the last.
    NotAfter(Timestamp),
}

impl<How> Lifetime<How> {
    /// Stored, and not removed.
    pub fn from(stored_at: Timestamp) -> Self {
        Self { stored_at, state: State::Standing }
    }

    /// Whether it has not been removed.
    pub fn stands(&self) -> bool {
        matches!(self.state, State::Standing)
    }

    /// Whether it stood at a moment (LT1 to LT3).
    pub fn stood(&self, moment: Moment) -> bool {
        match (moment, &self.state) {
            (Moment::Now(_), state) => matches!(state, State::Standing),
            (Moment::Then(at), State::Standing) => self.stored_at <= at,
            (Moment::Then(at), State::Removed { first, .. }) => {
                let (FirstRemoval::At(gone) | FirstRemoval::NotAfter(gone)) = *first;
                self.stored_at <= at && at < gone
            }
        }
    }

    /// Whether nobody can say if it stood at an instant: it had been stored, and was removed twice before the first time was
    /// kept (LT3).
    pub fn is_uncertain(&self, at: Timestamp) -> bool {
        matches!(self.state, State::Removed { first: FirstRemoval::NotAfter(last), .. } if self.stored_at <= at && at < last)
    }

    /// How it was removed, if it was.
    pub fn removal(&self) -> Option<&How> {
        match &self.state {
            State::Standing => None,
            State::Removed { how, .. } => Some(how),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + chrono::Duration::hours(hour)
    }

    fn removed(first: FirstRemoval) -> Lifetime {
        Lifetime { stored_at: at(2), state: State::Removed { first, how: () } }
    }

    #[test]
    fn lt1_at_present_no_clock_counts() {
        assert!(Lifetime::<()>::from(at(2)).stood(Moment::Now(at(1))));
        assert!(!removed(FirstRemoval::At(at(4))).stood(Moment::Now(at(3))));
    }

    #[test]
    fn lt2_in_the_past_it_stood_from_storing_to_first_removal() {
        let gone = removed(FirstRemoval::At(at(4)));
        let stood = [1, 2, 3, 4].map(|hour| gone.stood(Moment::Then(at(hour))));
        assert_eq!(stood, [false, true, true, false]);
        assert!(Lifetime::<()>::from(at(2)).stood(Moment::Then(at(99))));
    }

    #[test]
    fn lt3_an_unknown_first_removal_was_not_after_the_last() {
        let gone = removed(FirstRemoval::NotAfter(at(4)));
        assert!(gone.is_uncertain(at(3)) && !gone.is_uncertain(at(4)));
        assert!(gone.stood(Moment::Then(at(3))) && !gone.stood(Moment::Then(at(4))));
    }
}
