//! Reviews of the log: plans, draws, visits, judgements, cases, watched patients, kept verdicts.

pub mod cases;
pub mod emergencies;
pub mod facts;
pub mod frames;
pub mod judgements;
pub mod openings;
pub mod plans;
mod posts;
pub mod proof;
pub mod reminders;
pub mod requests;
pub mod reviews;
pub mod search;
pub mod verdicts;
pub mod visits;
pub mod watch;
