//! The review of the log: was there a ground for an access, as far as the registers tell; which accesses are drawn; how they are judged.

pub mod calendar;
pub mod case;
pub mod draw;
pub mod frame;
pub mod lawfulness;
pub mod lifecycle;
pub mod proof;
pub mod questions;
pub mod verdict;
pub mod visit;
pub mod watch;
