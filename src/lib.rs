//! Sigill: blocks, consents and the access log of Sweden's Säkerhetstjänster.
//!
//! ```text
//! bytes ─▶ wire ─▶ dispatch ─▶ soap (envelope) ─▶ contracts/<domain>/<family>
//!                                                    1 wire type → domain words
//!                                                    2 store: load the facts
//!                                                    3 domain: decide (pure)
//!                                                    4 store: keep the decision
//!                                                    5 answer → wire type
//! bytes ◀─ wire ◀─ dispatch ◀──────────────────────  answer, or a fault
//! ```

pub mod app;
pub mod check_contracts;
pub mod config;
pub mod contracts;
pub mod dispatch;
pub mod domain;
pub mod peer;
pub mod private_postgres;
pub mod soap;
pub mod store;
pub mod telemetry;
pub mod wire;
pub mod workers;
