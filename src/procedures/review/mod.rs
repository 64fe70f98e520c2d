//! Review of the log: plans, draws, lists, judgements, cases, watched patients, verdicts by days, searches, proof.

pub mod announcing;
pub mod casework;
pub mod controls;
pub mod draw_file;
pub mod drawing;
pub mod flagging;
pub mod judged_days;
pub mod judging_visits;
mod listed_visit;
pub mod listing;
pub mod own_openings;
pub mod own_records;
pub mod planning;
pub mod proof_report;
pub mod reminding;
pub mod reviewing;
pub mod rounds;
pub mod searching;
pub mod settings;
pub mod watching;
