//! The contracts: where wire types, domain words and storage meet.
//!
//! Every handler is five steps: wire to domain, load the facts, decide, keep the decision,
//! domain to wire. The room imports `domain`, `store` and `soap`.

pub mod answer;
pub mod blocking;
pub mod consent;
pub mod context;
pub mod convert;
pub mod generated;
pub mod log;
pub mod monitoring;
pub mod path;
pub mod place;
pub mod remote;
pub mod result;
pub mod tenants;
