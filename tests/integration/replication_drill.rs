//! Replication under trouble: a national service that is killed again and again, silent, slow
//! and cut off, and one that is away for the whole of ten thousand changes.

use super::harness::Caller;
use super::pair::{Pair, cancel, lift, register, revoke, to, until};
use super::relay::Way;
use tokio::task::JoinSet;

const CALLERS: usize = 8;

/// Makes the five changes of so many blocks: registered, lifted, lift taken back, lifted
/// again; every other block is revoked in the end.
async fn change(caller: Caller, first: usize, blocks: usize) {
    for n in first..first + blocks {
        let block = format!("b{n}");
        let mut changes = vec![
            register(&block, 0),
            lift(&block, &format!("r{n}"), 0),
            cancel(&format!("r{n}"), 0),
            lift(&block, &format!("s{n}"), 0),
        ];
        if n % 2 == 0 {
            changes.push(revoke(&block, 0));
        } else {
            changes.push(cancel(&format!("s{n}"), 0));
        }
        for change in changes {
            assert_eq!(caller.post(change).await.code(), "OK");
        }
    }
}

fn make_changes(pair: &Pair, blocks: usize) -> JoinSet<()> {
    let mut callers = JoinSet::new();
    for n in 0..CALLERS {
        let each = blocks / CALLERS;
        callers.spawn(change(pair.local.caller.clone(), n * each, each));
    }
    callers
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_changes_while_the_national_service_is_away() {
    // Of ten thousand changes: every other block is registered and gone again, and of the rest
    // two lifts are taken back. What is void is not kept; the one that is being tried may be.
    const TO_BE_TOLD: std::ops::RangeInclusive<i64> = 4_000..=4_010;
    let pair = Pair::start("partition").await;
    pair.relay.turn(Way::Cut);
    make_changes(&pair, 2000).join_all().await;
    let waiting = pair.databases.0.count("select count(*) from replications").await;
    assert!(TO_BE_TOLD.contains(&waiting), "{waiting}: nothing has reached the national service");
    assert_eq!(pair.databases.1.count("select count(*) from blocks").await, 0);
    pair.relay.turn(to(&pair.national));
    pair.settled().await;
    pair.assert_equal().await;
    let in_force = "select count(*) from blocks where removed_at is null";
    assert_eq!(pair.databases.1.count(in_force).await, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_national_service_that_is_killed_silent_slow_and_cut_off_by_turns() {
    let mut pair = Pair::start("killed").await;
    let callers = make_changes(&pair, 320);
    for round in 0..5 {
        // Something gets through between the troubles.
        let before = pair.databases.1.count("select count(*) from blocks").await;
        let more = format!("select count(*) > {} from blocks", before + 10);
        until(&pair.databases.1, &more).await;
        match round {
            0 | 2 => pair.restart_national("").await,
            1 => {
                pair.relay.turn(Way::Silent);
                // A caller who waits sees a call run into its time limit.
                let reply = pair.local.caller.post(register(&format!("w{round}"), -1)).await;
                assert_eq!(reply.code(), "ERROR", "{}", reply.body);
            }
            3 => {
                let Way::To(address) = to(&pair.national) else { unreachable!() };
                pair.relay.turn(Way::Slowly(address));
                // Slow is not away; but a kept connection of before may break first.
                while pair.local.caller.post(register("slow", -1)).await.code() != "OK" {}
            }
            _ => pair.relay.turn(Way::Cut),
        }
        pair.relay.turn(to(&pair.national));
    }
    callers.join_all().await;
    pair.settled().await;
    pair.assert_equal().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_service_that_is_killed_goes_on_where_it_was() {
    use super::pair::local_settings;
    use super::program::Program;
    use nix::sys::signal::Signal;

    let mut pair = Pair::start("local-killed").await;
    pair.relay.turn(Way::Cut);
    make_changes(&pair, 80).join_all().await;
    pair.relay.turn(to(&pair.national));
    until(&pair.databases.1, "select count(*) > 10 from blocks").await;
    pair.local.signal(Signal::SIGKILL);
    // What it had taken up is free when its lease ends; here that moment is made to come.
    let pool = pair.databases.0.pool().await;
    sqlx::query("update replications set leased_until = now()").execute(&pool).await.unwrap();
    let settings = local_settings(&pair.relay, "");
    pair.local = Program::with(&pair.databases.0, &pair.folders.0, &settings).await;
    pair.settled().await;
    pair.assert_equal().await;
}
