//! Stories of a local service and the national one.

use super::harness::{Database, Reply, request, with};
use super::pair::{
    LOCAL, NATIONAL, Pair, at_national, cancel, lift, local_settings, national_settings, register,
    revoke, to,
};
use super::program::{Folder, Program, command, settings};
use super::relay::Way;
use nix::sys::signal::Signal;

fn assert_stored_locally_only(reply: &Reply) {
    assert_eq!(reply.code(), "ERROR", "{}", reply.body);
    assert!(reply.text("resultText").unwrap().contains("lokalt men inte nationellt"));
}

#[tokio::test]
async fn who_waits_is_answered_when_the_national_service_has_it() {
    let pair = Pair::start("waits").await;
    let check = at_national("blocking/check_blocks/inner_block_stops_another_unit");
    let check = with(&with(&check, "employeeId", "P9"), "careUnitId", "SE2321000016-VE09");
    let status = async || pair.national.caller.post(check.clone()).await;
    assert_eq!(status().await.text("status"), Some("OK"));
    for (change, expected) in [
        (register("b", -1), "BLOCKED"),
        (lift("b", "r", 20_000), "BLOCKED"),
        (cancel("r", -1), "BLOCKED"),
        (revoke("b", -1), "OK"),
    ] {
        assert_eq!(pair.local.caller.post(change.clone()).await.code(), "OK");
        assert_eq!(status().await.text("status"), Some(expected), "at once, after {change}");
        assert_eq!(pair.local.caller.post(change).await.code(), "OK", "repeated");
    }
    pair.assert_equal().await;
}

#[tokio::test]
async fn each_level_offers_its_own_contracts() {
    let pair = Pair::start("levels").await;
    for (contract, offered) in [
        ("register_block", (false, true)),
        ("unregister_block", (false, true)),
        ("register_temporary_revoke", (false, true)),
        ("unregister_temporary_revoke", (false, true)),
        ("get_blocks", (true, true)),
        ("check_blocks", (true, true)),
        ("get_patient_ids", (true, true)),
        ("get_extended_blocks_for_patient", (true, false)),
        ("revoke_extended_block", (true, false)),
        ("delete_extended_block", (true, false)),
        ("register_temporary_extended_revoke", (true, false)),
        ("cancel_temporary_extended_revoke", (true, false)),
        ("register_extended_block", (true, false)),
    ] {
        let xml = request(&format!("blocking/{contract}/valid"));
        let local = pair.local.caller.post(with(&xml, "LogicalAddress", LOCAL)).await;
        let national = pair.national.caller.post(with(&xml, "LogicalAddress", NATIONAL)).await;
        assert_eq!((local.status == 200, national.status == 200), offered, "{contract}");
        for refused in [local, national].iter().filter(|r| r.status != 200) {
            assert!(refused.body.contains("soap:Client"), "{}", refused.body);
        }
    }
}

#[tokio::test]
async fn what_the_wait_means_while_the_national_service_is_away() {
    let pair = Pair::start("away").await;
    let local = &pair.local.caller;
    pair.relay.turn(Way::Cut);
    assert_eq!(local.post(register("0", 0)).await.code(), "OK", "does not wait, is not told");
    assert_stored_locally_only(&local.post(register("-1", -1)).await);
    assert_stored_locally_only(&local.post(register("n", 20_000)).await);
    pair.relay.turn(Way::Silent);
    assert_eq!(local.post(register("slow", 50)).await.code(), "OK", "time ran out");
    assert_stored_locally_only(&local.post(register("slower", -1)).await);
    assert_stored_locally_only(&local.post(register("-1", -1)).await);
    // The local service answers from its own data.
    let check = request("blocking/check_blocks/inner_block_stops_another_unit");
    assert_eq!(
        local.post(with(&check, "LogicalAddress", LOCAL)).await.text("status"),
        Some("BLOCKED")
    );
    let status = local.get("/status").await.body;
    assert!(status.contains("\"waiting\":5") && status.contains("\"blocks\":5"), "{status}");
    let metrics = local.get("/metrics").await.body;
    assert!(metrics.contains("sigill_replication_waiting{tenant=\"region\"} 5"), "{metrics}");
    assert_eq!(pair.databases.1.count("select count(*) from blocks").await, 0);
    pair.relay.turn(to(&pair.national));
    for block in ["0", "-1", "n", "slow", "slower"] {
        // A change may be under way with the network of before; then the next repetition has it.
        while local.post(register(block, -1)).await.code() != "OK" {}
    }
    pair.settled().await;
    pair.assert_equal().await;
    let status = local.get("/status").await.body;
    assert!(status.contains("\"waiting\":0") && status.contains("\"lag_seconds\":0"), "{status}");
}

#[tokio::test]
async fn callers_who_wait_for_a_silent_national_service_do_not_pile_up() {
    const CALLERS: usize = 40;
    let pair = Pair::start("pile").await;
    pair.relay.turn(Way::Silent);
    assert_stored_locally_only(&pair.local.caller.post(register("first", -1)).await);
    let before = pair.relay.connections();
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..CALLERS {
        let caller = pair.local.caller.clone();
        callers.spawn(async move { caller.post(register(&format!("b{n}"), -1)).await });
    }
    for reply in callers.join_all().await {
        assert_stored_locally_only(&reply);
    }
    // One of them, and the worker, which tries again and again.
    let tried = pair.relay.connections() - before;
    assert!(tried < CALLERS / 2, "{tried} calls to a service that does not answer");
    pair.relay.turn(to(&pair.national));
    pair.settled().await;
    pair.assert_equal().await;
}

#[tokio::test]
async fn a_refusal_holds_up_its_own_block_only() {
    let mut pair = Pair::start_with("refusal", "care_providers = [\"SE2321000016-VG02\"]\n").await;
    let local = &pair.local.caller;
    assert_stored_locally_only(&local.post(register("refused", -1)).await);
    assert_eq!(local.post(lift("refused", "r", 0)).await.code(), "OK");
    let other = register("taken", -1);
    let other = with(&other, "informationCareProviderId", "SE2321000016-VG02");
    assert_eq!(local.post(other).await.code(), "OK");
    let file = settings(&pair.databases.0, &pair.folders.0, &local_settings(&pair.relay, ""));
    let said = async |arguments: &[&str]| {
        let all = [&["replication", "status", "--config", &file], arguments].concat();
        String::from_utf8(command(&all).output().await.unwrap().stdout).unwrap()
    };
    let status = said(&[]).await;
    assert!(status.contains("2 waiting in 1 blocks, 1 failing"), "{status}");
    assert!(
        status.contains("RegisterBlock refused") && status.contains("ACCESSDENIED"),
        "{status}"
    );
    assert!(status.contains("RegisterTemporaryRevoke refused"), "{status}");
    assert!(said(&["--block", "REFUSED"]).await.contains("region: not replicated"));
    assert!(said(&["--block", "taken"]).await.contains("region: replicated"));
    assert!(said(&["--block", "unknown"]).await.contains("no such block"));
    pair.restart_national("").await;
    pair.settled().await;
    pair.assert_equal().await;
    assert!(said(&["--block", "refused"]).await.contains("region: replicated"));
}

#[tokio::test]
async fn a_revoke_that_ran_out_before_it_was_told_is_not_told() {
    let pair = Pair::start("expired").await;
    pair.relay.turn(Way::Cut);
    let local = &pair.local.caller;
    assert_eq!(local.post(register("b", 0)).await.code(), "OK");
    assert_eq!(local.post(lift("b", "r", 0)).await.code(), "OK");
    assert_eq!(local.post(cancel("r", 0)).await.code(), "OK");
    let pool = pair.databases.0.pool().await;
    let ran_out = "update temporary_revokes set end_at = now() - interval '1 minute'";
    sqlx::query(ran_out).execute(&pool).await.unwrap();
    pair.relay.turn(to(&pair.national));
    pair.settled().await;
    assert_eq!(pair.databases.1.count("select count(*) from blocks").await, 1);
    assert_eq!(pair.databases.1.count("select count(*) from temporary_revokes").await, 0);
}

#[tokio::test]
async fn several_processes_share_the_queue_and_send_each_change_once() {
    const BLOCKS: usize = 200;
    let mut pair = Pair::start("shared").await;
    pair.relay.turn(Way::Cut);
    let others = (Folder::new("shared-2"), Folder::new("shared-3"));
    let settings = local_settings(&pair.relay, "");
    let second = Program::with(&pair.databases.0, &others.0, &settings).await;
    let third = Program::with(&pair.databases.0, &others.1, &settings).await;
    for n in 0..BLOCKS {
        let via = [&pair.local, &second, &third][n % 3];
        assert_eq!(via.caller.post(register(&n.to_string(), 0)).await.code(), "OK");
        let lift = lift(&n.to_string(), &format!("r{n}"), 0);
        assert_eq!(via.caller.post(lift).await.code(), "OK");
    }
    pair.relay.turn(to(&pair.national));
    pair.settled().await;
    pair.assert_equal().await;
    pair.national.signal(Signal::SIGTERM);
    let placeholder =
        Program::with(&pair.databases.1, &pair.folders.1, &national_settings("")).await;
    let national = std::mem::replace(&mut pair.national, placeholder);
    let (_, log) = national.ended().await;
    for contract in ["RegisterBlock", "RegisterTemporaryRevoke"] {
        let named = format!("\"interaction\":\"{contract}\"");
        assert_eq!(log.iter().filter(|line| line.contains(&named)).count(), BLOCKS, "{contract}");
    }
}

#[tokio::test]
async fn resync_finds_what_differs_and_puts_it_right() {
    let pair = Pair::start("resync").await;
    let local = &pair.local.caller;
    for block in ["same", "lost", "stale", "lifted", "other"] {
        assert_eq!(local.post(register(block, -1)).await.code(), "OK");
    }
    for (block, revoke) in [("lost", "r1"), ("lifted", "r2"), ("lifted", "r3")] {
        assert_eq!(local.post(lift(block, revoke, -1)).await.code(), "OK");
    }
    let file = settings(&pair.databases.0, &pair.folders.0, &local_settings(&pair.relay, ""));
    let resync = async |arguments: &[&str]| {
        let all = [&["replication", "resync", "--config", &file], arguments].concat();
        let output = command(&all).output().await.unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(resync(&[]).await, (true, "region: 0 differences\n".into()));
    // The national service was restored from a copy, and the local one has gone on.
    let (here, there) = (pair.databases.0.pool().await, pair.databases.1.pool().await);
    let by_whoever_registered = |kind: &str, whose: &str| {
        let columns =
            "requested_at, requested_by_employee_id, registered_at, registered_by_employee_id";
        format!(
            "insert into block_actions (block_number, revoke_number, kind, {columns})
             select block_number, revoke_number, '{kind}', {columns} from block_actions
             where kind = 'register' and {whose}"
        )
    };
    let r3 =
        "revoke_number = (select revoke_number from temporary_revokes where revoke_key = 'r3')";
    let stale = "revoke_number = 0
        and block_number = (select block_number from blocks where block_key = 'stale')";
    for (pool, sql) in [
        (&there, "delete from temporary_revokes where revoke_key in ('r1', 'r2')".to_owned()),
        (&there, "delete from blocks where block_key = 'lost'".into()),
        (
            &there,
            "update blocks set exempts_upp = not exempts_upp where block_key = 'other'".into(),
        ),
        (&here, "update temporary_revokes set cancelled_at = now() where revoke_key = 'r3'".into()),
        (&here, by_whoever_registered("cancel", r3)),
        (&here, "update blocks set removed_at = now() where block_key = 'stale'".into()),
        (&here, by_whoever_registered("revoke", stale)),
    ] {
        assert!(sqlx::query(&sql).execute(pool).await.unwrap().rows_affected() > 0, "{sql}");
    }
    let (agree, said) = resync(&["--dry-run"]).await;
    assert!(!agree && said.contains("region: 5 differences"), "{said}");
    assert!(said.contains("lost: the national service does not have it"), "{said}");
    assert!(said.contains("stale: only the national service has it"), "{said}");
    assert!(said.contains("other: other content there"), "{said}");
    assert!(said.contains("lifted: the national service lacks temporary revoke r2"), "{said}");
    assert!(said.contains("lifted: only the national service has temporary revoke r3"), "{said}");
    let (agree, said) = resync(&[]).await;
    assert!(agree, "{said}");
    pair.settled().await;
    pair.assert_equal().await;
    // A change that builds on what the national service has lost is no obstacle.
    let lost = "delete from blocks where block_key = 'same'";
    sqlx::query(lost).execute(&there).await.unwrap();
    assert_stored_locally_only(&local.post(lift("same", "r4", -1)).await);
    let (agree, said) = resync(&[]).await;
    assert!(agree, "{said}");
    pair.assert_equal().await;
    // What was unregistered by mistake is registered anew: the local service is the master.
    let unregister = with(&at_national("blocking/unregister_block/valid"), "blockId", "same");
    assert_eq!(pair.national.caller.post(unregister).await.code(), "OK");
    let (agree, said) = resync(&[]).await;
    assert!(agree && said.contains("region: 1 differences"), "{said}");
    pair.assert_equal().await;
    // What the contracts cannot put right is told: a block that was never here.
    let strange = with(&at_national("blocking/register_block/valid"), "blockId", "strange");
    assert_eq!(pair.national.caller.post(strange).await.code(), "OK");
    let (agree, said) = resync(&[]).await;
    assert!(!agree && said.contains("strange: only the national service has it"), "{said}");
}

#[tokio::test]
async fn a_national_service_in_the_same_installation_is_changed_with_the_local_one() {
    let (database, folder) = (Database::new().await, Folder::new("here"));
    let local = |name: &str, address: &str| {
        format!(
            "[[tenant]]\nname = \"{name}\"\nlogical_addresses = [\"{address}\"]\nblocks = \"local\"\n\
             [tenant.replication]\ntenant = \"national\"\n"
        )
    };
    let more = national_settings("") + &local("a", LOCAL) + &local("b", "SE2321000016-VG02");
    let program = Program::with(&database, &folder, &more).await;
    for change in [register("b", 0), lift("b", "r", -1), register("other", 0)] {
        assert_eq!(program.caller.post(change).await.code(), "OK");
    }
    let get = with(&at_national("blocking/get_blocks/valid"), "LogicalAddress", NATIONAL);
    let found = program.caller.post(get.clone()).await.body;
    assert_eq!(found.matches("<c:blocks>").count(), 2, "{found}");
    assert_eq!(found.matches("<c:temporaryRevokes>").count(), 1, "{found}");
    assert_eq!(program.caller.post(cancel("r", 0)).await.code(), "OK");
    assert_eq!(program.caller.post(revoke("b", 0)).await.code(), "OK");
    let found = program.caller.post(get).await.body;
    assert_eq!(found.matches("<c:blocks>").count(), 1, "{found}");
    // An id that another local service has used nationally: kept here, where it protects, and
    // told to who waits; the other's block stays as it is.
    let taken = with(&register("other", 0), "LogicalAddress", "SE2321000016-VG02");
    let taken = with(&taken, "blockType", "Outer");
    let taken = with(&taken, "informationCareProviderId", "SE2321000016-VG02");
    let taken = super::harness::without(&taken, &["informationCareUnitId"]);
    assert_eq!(program.caller.post(with(&taken, "replicationTimeout", "-1")).await.code(), "ERROR");
    assert_eq!(program.caller.post(taken).await.code(), "OK", "does not wait, is not told");
    let there = "SE2321000016-VG02";
    let check = request("blocking/check_blocks/inner_block_stops_another_unit");
    let check = with(&with(&check, "LogicalAddress", there), "informationCareProviderId", there);
    assert_eq!(program.caller.post(check).await.text("status"), Some("BLOCKED"));
    let revoke = with(&revoke("other", -1), "LogicalAddress", there);
    assert_eq!(program.caller.post(revoke).await.code(), "OK");
    let get = with(&at_national("blocking/get_blocks/valid"), "LogicalAddress", NATIONAL);
    let found = program.caller.post(get).await.body;
    assert_eq!(found.matches("<c:blocks>").count(), 1, "{found}");
    // Restored from a copy, the national tenant is put right here too.
    let pool = database.pool().await;
    let lost = "delete from blocks where block_key = 'other'
        and tenant_id = (select tenant_id from tenants where name = 'national')";
    assert_eq!(sqlx::query(lost).execute(&pool).await.unwrap().rows_affected(), 1);
    let file = settings(&database, &folder, &more);
    let resync = command(&["replication", "resync", "--config", &file]).output().await.unwrap();
    let said = String::from_utf8(resync.stdout).unwrap();
    assert!(resync.status.success(), "{said}");
    assert_eq!(said, "a: 1 differences\na: 1 changes\nb: 0 differences\n");
    let of_b = "select count(*) from blocks join tenants using (tenant_id) where name = 'b'";
    assert_eq!(database.count(of_b).await, 1);
}

#[tokio::test]
async fn a_copy_that_is_missing_in_the_same_installation_stands_in_nobodys_way() {
    let (database, folder) = (Database::new().await, Folder::new("missing"));
    let local = format!(
        "[[tenant]]\nname = \"a\"\nlogical_addresses = [\"{LOCAL}\"]\nblocks = \"local\"\n\
         [tenant.replication]\ntenant = \"national\"\n"
    );
    let more = national_settings("") + &local;
    let program = Program::with(&database, &folder, &more).await;
    let post = async |xml: String| program.caller.post(xml).await.code().to_owned();
    let pool = database.pool().await;
    let of_national = "(select tenant_id from tenants where name = 'national')";
    let unregister = with(&at_national("blocking/unregister_block/valid"), "blockId", "b");
    let get = at_national("blocking/get_blocks/without_filters_all_blocks_are_reported");
    // Written once: told again a second later, it would end at another time and be another lift.
    let lifting = lift("b", "r", -1);
    for unregistered in [false, true] {
        for (change, restored) in [
            (lifting.clone(), true),
            (cancel("r", -1), true),
            (revoke("b", -1), false),
            (with(&request("blocking/delete_extended_block/valid"), "blockId", "b"), false),
        ] {
            assert_eq!(post(register("b", -1)).await, "OK");
            assert_eq!(post(lifting.clone()).await, "OK");
            if unregistered {
                assert_eq!(post(unregister.clone()).await, "OK");
            } else {
                for table in ["temporary_revokes", "blocks"] {
                    let sql = format!("delete from {table} where tenant_id = {of_national}");
                    sqlx::query(&sql).execute(&pool).await.unwrap();
                }
            }
            assert_eq!(post(change.clone()).await, "OK", "{unregistered}: {change}");
            let national = program.caller.post(get.clone()).await.body;
            assert_eq!(national.contains("<c:blockId>b</c:blockId>"), restored, "{change}");
            let lifted = restored && !change.contains(":CancelTemporaryExtendedRevoke ");
            assert_eq!(national.contains("<c:temporaryRevokeId>r<"), lifted, "{change}");
            sqlx::query("truncate blocks cascade").execute(&pool).await.unwrap();
            sqlx::query("truncate block_actions").execute(&pool).await.unwrap();
        }
    }
}
