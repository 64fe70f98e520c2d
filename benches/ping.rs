//! A call that asks nothing: what every call costs.

use super::server::Server;
use super::{ROUNDS, Rounds, load};

pub async fn run(server: &Server) {
    let ping = include_str!("../testdata/monitoring/ping_for_configuration/valid.request.xml");
    let mut rounds = Rounds::default();
    for _ in 0..ROUNDS {
        let done = load::run(server, 16, 3, "pingDateTime", |_, _| ping.to_owned()).await;
        rounds.add(&done, 1, 0.0);
    }
    rounds.print("PingForConfiguration x 16, calls/s", None);
}
