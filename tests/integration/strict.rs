//! Stories of a local service and a national one that is not ours.

use super::harness::Database;
use super::pair::{cancel, lift, local_settings, register, revoke, until};
use super::program::{Folder, Program, command, settings};
use super::relay::{Relay, Way};
use super::strict_service::{Kept, Manner, Strict};
use std::fmt::Write as _;

/// A local service that tells a strict national one.
struct Local {
    program: Program,
    database: Database,
    folder: Folder,
    relay: Relay,
    national: Strict,
}

impl Local {
    async fn start(name: &str) -> Self {
        let national = Strict::start().await;
        let relay = Relay::start(Way::To(national.address.clone())).await;
        let (database, folder) = (Database::new().await, Folder::new(name));
        let program = Program::with(&database, &folder, &local_settings(&relay, "")).await;
        Self { program, database, folder, relay, national }
    }

    async fn post(&self, xml: String) -> String {
        self.program.caller.post(xml).await.code().to_owned()
    }

    async fn settled(&self) {
        until(&self.database, "select count(*) = 0 from replications").await;
    }

    async fn resync(&self) -> (bool, String) {
        let file = settings(&self.database, &self.folder, &local_settings(&self.relay, ""));
        let arguments = ["replication", "resync", "--config", &file];
        let output = command(&arguments).output().await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_no_obstacle_to_what_follows() {
    for (name, manner) in
        [("loses", Manner::Loses), ("halves", Manner::Halves), ("keeps", Manner::KeepsBack)]
    {
        let local = Local::start(&format!("strict-{name}")).await;
        for (contract, change, repeated) in [
            ("RegisterBlock", register("b", -1), "ALREADYEXISTS"),
            ("RegisterTemporaryRevoke", lift("b", "r", -1), "ALREADYEXISTS"),
            ("UnregisterTemporaryRevoke", cancel("r", -1), "INVALIDSTATE"),
            ("UnregisterBlock", revoke("b", -1), "INVALIDSTATE"),
        ] {
            local.national.turn(manner);
            assert_eq!(local.post(change).await, "ERROR", "{contract} {name}");
            local.national.turn(Manner::Answers);
            local.settled().await;
            let strict = local.national.has_answered(contract, repeated);
            assert!(strict, "{contract} {name}: the repetition was refused as strict services do");
            let rows = local.national.rows();
            let has = (rows.contains(">b</"), rows.contains(">r</"));
            let expected = match contract {
                "RegisterTemporaryRevoke" => (true, true),
                "UnregisterBlock" => (false, false),
                _ => (true, false),
            };
            assert_eq!(has, expected, "{contract} {name}");
            assert_eq!(local.resync().await, (true, "region: 0 differences\n".into()));
        }
    }
}

#[tokio::test]
async fn an_id_with_other_content_there_stays_refused_until_resync() {
    let local = Local::start("strict-other").await;
    assert_eq!(local.post(register("b", -1)).await, "OK");
    let theirs = local.national.state.lock().unwrap().blocks["b"].clone();
    let elements = theirs.elements.replace(">b<", ">c<").replace("-VE01<", "-VE09<");
    let other = Kept { elements, ..theirs };
    local.national.state.lock().unwrap().blocks.insert("c".into(), other);
    assert_eq!(local.post(register("c", -1)).await, "ERROR");
    assert!(local.national.has_answered("RegisterBlock", "ALREADYEXISTS"));
    let waiting = "select count(*) from replications";
    assert_eq!(local.database.count(waiting).await, 1, "another's content confirms nothing");
    let (agree, said) = local.resync().await;
    assert!(agree && said == "region: 1 differences\nregion: 2 changes\n", "{said}");
    local.settled().await;
    assert_eq!(local.resync().await, (true, "region: 0 differences\n".into()));
}

#[tokio::test]
async fn a_removal_gets_out_past_a_registration_that_is_refused_for_good() {
    for code in ["VALIDATION_ERROR", "ACCESSDENIED", "ERROR", "NOTFOUND", "INVALIDSTATE"] {
        let local = Local::start(&format!("strict-{code}")).await;
        assert_eq!(local.post(register("known", -1)).await, "OK");
        local.national.turn(Manner::Refuses(code));
        assert_eq!(local.post(register("b", -1)).await, "ERROR", "{code}");
        assert_eq!(local.post(lift("known", "r", -1)).await, "ERROR", "{code}");
        local.national.turn(Manner::Answers);
        local.national.state.lock().unwrap().answered.clear();
        assert_eq!(local.post(revoke("b", -1)).await, "OK", "{code}");
        assert_eq!(local.post(revoke("known", -1)).await, "OK", "{code}");
        local.settled().await;
        assert_eq!(local.national.rows(), "", "{code}");
        assert!(local.national.has_answered("UnregisterBlock", "OK"), "the known one is gone");
    }
}

#[tokio::test]
async fn faults_hold_up_their_own_blocks_only() {
    let local = Local::start("strict-faults").await;
    local.national.turn(Manner::Faults(&["f1", "f2", "f3"]));
    for block in ["f1", "f2", "f3"] {
        assert_eq!(local.post(register(block, -1)).await, "ERROR");
    }
    // Nobody waits for them: the queue must get past what fails by itself.
    for n in 0..20 {
        assert_eq!(local.post(register(&format!("g{n}"), 0)).await, "OK");
    }
    until(&local.database, "select count(*) = 3 from replications").await;
    assert_eq!(local.national.rows().matches("<q:blocks>").count(), 20);
    local.national.turn(Manner::Answers);
    local.settled().await;
}

#[tokio::test]
async fn a_row_of_the_queue_that_makes_no_sense_holds_up_no_other() {
    let local = Local::start("strict-queue").await;
    local.relay.turn(Way::Cut);
    for n in 0..5 {
        assert_eq!(local.post(register(&format!("g{n}"), 0)).await, "OK");
    }
    let pool = local.database.pool().await;
    let harm = "update blocks set information_care_unit_id = ' ' where block_key = 'g1'";
    assert_eq!(sqlx::query(harm).execute(&pool).await.unwrap().rows_affected(), 1);
    local.relay.turn(Way::To(local.national.address.clone()));
    until(&local.database, "select count(*) = 1 from replications").await;
    let told = "select count(*) from replications where failure = 'inconsistent row'";
    assert_eq!(local.database.count(told).await, 1);
    assert_eq!(local.national.rows().matches("<q:blocks>").count(), 4);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_spoils_no_other() {
    let local = Local::start("strict-rows").await;
    for block in ["a", "b"] {
        assert_eq!(local.post(register(block, -1)).await, "OK");
    }
    let good = local.national.rows();
    let mut strange = String::new();
    let first = good.split("<q:blocks>").nth(1).unwrap();
    for broken in [
        first.replace("2019-12-31T", "12019-12-31T"),
        first.replace("<q:blockType>Inner<", "<q:blockType>Sideways<"),
        first.replace("191212121212", ""),
    ] {
        assert_ne!(broken, first);
        _ = write!(strange, "<q:blocks>{}", broken.replace(">a<", ">strange<"));
    }
    {
        let mut state = local.national.state.lock().unwrap();
        state.strange_rows = strange;
        state.blocks.remove("b");
    }
    let (agree, said) = local.resync().await;
    assert!(said.starts_with("region: 1 differences\nregion: 1 changes\n"), "{said}");
    assert!(said.contains("3 blocks of the national service cannot be read"), "{said}");
    assert!(!agree, "what cannot be read is not known to agree: {said}");
    local.settled().await;
    assert!(local.national.rows().contains(">b</"), "and the difference was put right");
}
