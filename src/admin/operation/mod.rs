//! Pages for operators: no patients at all.

pub mod overview;
pub mod queues;
pub mod status;
