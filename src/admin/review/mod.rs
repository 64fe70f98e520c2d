//! Pages of the review of the log: reviews and their lists, draws, plans, cases, watched patients, searches, proof.

pub mod cases;
pub mod control;
pub mod draw;
pub mod list;
mod number;
pub mod overview;
pub mod plan;
pub mod proof;
pub mod search;
pub mod told;
pub mod visit;
pub mod watch;
