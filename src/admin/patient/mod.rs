//! Pages about one patient, by a look-up of this login.

pub mod blocks;
pub mod consents;
pub mod embargo;
pub mod end_block;
pub mod end_consent;
pub mod files;
mod head;
pub mod lift_block;
pub mod overview;
pub mod readers;
pub mod register_block;
pub mod register_consent;
pub mod request_extract;
pub mod reveal;
pub mod search;
pub mod show_name;
pub mod times;
pub mod told;
pub mod try_access;
