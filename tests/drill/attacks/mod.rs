//! The attacks: by what callers send, by what they ask for, and by what happens to parts.

mod callers;
mod handshakes;
mod heavy;
mod parts;
mod work;

use super::Times;
use super::program::{Ground, Program, Seed};
use std::pin::Pin;
use std::time::Duration;

/// What an attack did, and what it found out beside the good caller.
#[derive(Debug, Default)]
pub struct Did {
    pub text: String,
    /// It kills a part: what matters is how soon calls are answered again.
    pub must_recover: bool,
    /// How long that took, where the attack measured it.
    pub recovered: Option<Duration>,
    /// Megabytes that the server may use beside what it has.
    pub memory_max: Option<f64>,
    /// Bounds of its own that were broken.
    pub broken: Vec<String>,
}

impl Did {
    /// A bound of its own.
    pub fn unless(mut self, holds: bool, broken: &str) -> Self {
        if !holds {
            self.broken.push(broken.to_owned());
        }
        self
    }
}

type Running<'p> = Pin<Box<dyn Future<Output = Did> + 'p>>;

pub struct Attack {
    pub name: &'static str,
    pub ground: Ground,
    pub seed: Seed,
    pub only_in_full: bool,
    pub run: for<'p> fn(&'p mut Program, Times) -> Running<'p>,
}

macro_rules! attack {
    ($name:literal, $run:path) => {
        attack!($name, $run, Ground::Usual, Seed::Nothing, false)
    };
    ($name:literal, $run:path, $ground:expr, $seed:expr, $only_in_full:expr) => {
        Attack {
            name: $name,
            ground: $ground,
            seed: $seed,
            only_in_full: $only_in_full,
            run: |program, times| Box::pin($run(program, times)),
        }
    };
}

pub const ALL: [Attack; 37] = [
    attack!("connections", callers::connections),
    attack!("half heads", callers::half_heads, Ground::Usual, Seed::Nothing, true),
    attack!("slow bodies", callers::slow_bodies),
    attack!("large bodies that stall", callers::large_bodies, Ground::Usual, Seed::Nothing, true),
    attack!("pipelines unread", callers::pipelines, Ground::Usual, Seed::Nothing, true),
    attack!("empty rows", work::empty_rows),
    attack!("many rows", work::many_rows, Ground::Usual, Seed::OfOnePatient(2_000), true),
    attack!("large log calls", work::large_log_calls, Ground::Usual, Seed::Nothing, true),
    attack!("slow readers", work::slow_readers, Ground::Usual, Seed::Blocks(20_000), false),
    attack!("heavy patient", heavy::revoked_blocks, Ground::Usual, Seed::RevokedBlocks(300), false),
    attack!("many consents", heavy::many_consents, Ground::Usual, Seed::Consents(6_000), true),
    attack!(
        "many care providers",
        heavy::many_care_providers,
        Ground::Usual,
        Seed::Blocks(20_000),
        true
    ),
    attack!(
        "stepwise readers",
        heavy::stepwise_readers,
        Ground::Usual,
        Seed::RevokedBlocks(600),
        true
    ),
    attack!("resources", heavy::resources, Ground::Usual, Seed::Nothing, true),
    attack!("repeated ids", heavy::repeated_ids),
    attack!("just below large", heavy::below_the_line, Ground::Usual, Seed::Nothing, true),
    attack!("bodies too large", heavy::too_large, Ground::Usual, Seed::Nothing, true),
    attack!("bodies announced", heavy::announced),
    attack!("upload among newcomers", heavy::upload_among_newcomers),
    attack!("pages", heavy::pages),
    attack!("changes", work::changes),
    attack!(
        "one patient's blocks",
        work::histories,
        Ground::Usual,
        Seed::OfOnePatient(8_000),
        true
    ),
    attack!("months", work::months),
    attack!("log unread", parts::log_unread, Ground::Unread, Seed::Nothing, false),
    attack!("database killed", parts::database_killed),
    attack!("database frozen", parts::database_frozen, Ground::Usual, Seed::Nothing, true),
    attack!("server killed", parts::server_killed),
    attack!("disk full", parts::disk_full, Ground::SmallDisk, Seed::Nothing, true),
    attack!("end", parts::end),
    attack!("tls: half handshakes", handshakes::half, Ground::Tls, Seed::Nothing, false),
    attack!("tls: handshakes", handshakes::storm, Ground::Tls, Seed::Nothing, false),
    attack!("tls: connections", callers::connections, Ground::Tls, Seed::Nothing, true),
    attack!("tls: half heads", callers::half_heads, Ground::Tls, Seed::Nothing, true),
    attack!("tls: slow bodies", callers::slow_bodies, Ground::Tls, Seed::Nothing, true),
    attack!("tls: pipelines unread", callers::pipelines, Ground::Tls, Seed::Nothing, true),
    attack!("tls: slow readers", work::slow_readers, Ground::Tls, Seed::Blocks(20_000), true),
    attack!("tls: server killed", parts::server_killed, Ground::Tls, Seed::Nothing, true),
];
