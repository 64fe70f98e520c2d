//! Sigill: blocks, consents and the access log of Sweden's Säkerhetstjänster.
//!
//! ```text
//! SOAP   bytes ─▶ wire ─▶ dispatch ─▶ contracts ─▶ procedures ─▶ domain (decide, pure)
//!                                     (messages)       │         store  (load, keep)
//!                                                      └───────▶ peers  (tell other services)
//! people bytes ─▶ wire ─▶ admin/<page> ──────────▶ procedures ─▶ …
//! time   workers ────────────────────────────────▶ procedures ─▶ …
//! shell  commands ───────────────────────────────▶ procedures ─▶ …
//! ```

pub mod admin;
pub mod app;
pub mod check_contracts;
pub mod checkpoint_cms;
pub mod clock;
pub mod commands;
pub mod config;
pub mod contracts;
pub mod demo;
pub mod dev_pki;
pub mod dispatch;
pub mod documents;
pub mod domain;
pub mod fairness;
pub mod health;
pub mod keys;
pub mod messages;
pub mod order_folder;
pub mod peers;
pub mod private_postgres;
pub mod procedures;
pub mod schema_tree;
pub mod seal_folder;
pub mod soap;
pub mod store;
pub mod stubs;
pub mod telemetry;
pub mod wire;
pub mod workers;
