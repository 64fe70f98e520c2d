//! The service as its callers see it.
//!
//! `make test` runs this with a throwaway `PostgreSQL` (`tests/postgres.sh`). Every test has a
//! database of its own, copied from a template that the migrations made once. `golden` sends
//! the files in `testdata/` to a service whose clock stands still; the other modules run
//! stories, many of them against the real program.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod blocks;
mod clocks;
mod concurrency;
mod consent_pages;
mod consents;
mod consumer;
mod distrusted;
mod golden;
mod harness;
mod http;
mod imports;
mod inconsistent;
mod jobs;
mod kill;
mod limits;
mod log_ids;
mod log_keys;
mod log_retention;
mod logs;
mod migrations;
mod much;
mod order_room;
mod orders;
mod outage;
mod pages;
mod pair;
mod private;
mod program;
mod pruning;
mod published;
mod relay;
mod replication;
mod replication_drill;
mod replication_tls;
mod report_plans;
mod reports;
mod retention;
mod rules_in_sql;
mod seal_kill;
mod sealed;
mod smuggling;
mod strict;
mod strict_service;
mod tampering;
mod tenants;
mod trust;
