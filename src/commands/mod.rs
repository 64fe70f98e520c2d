//! The program's commands: one file each, with its options, its run and its exit code.

pub mod arguments;
mod check_config;
mod check_contracts;
mod clock;
mod database;
mod demo;
mod dev_hsa;
mod dev_persons;
mod dev_pki;
mod directory;
mod error;
mod grants;
mod hold;
mod import;
mod log;
mod replication;
mod retention;
mod review;
mod serve;
mod settings;
mod stub;
