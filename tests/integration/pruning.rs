//! What was removed from the log was removed lawfully, and what was proved before is proved still.

use super::harness::{NOON, Wishes};
use super::program::{Folder, command};
use super::reports::{FIRST, Record, stored};
use super::retention::{remove_due, retention};
use super::sealed::{Sealed, at, kinds};
use sigill::domain::identity::{HsaId, RecordId};
use sigill::domain::retention::{Hold, Policy};
use sigill::procedures::retention::Retention;
use sigill::procedures::seal::proving::{Proved, prove};
use sigill_seal::note::SignedCheckpoint;
use sigill_seal::proof_file::ProofFile;

/// When records of the service's held clock are five years old.
const FIVE_YEARS: &str = "2031-12-24T00:00:00Z";

async fn proof(sealed: &Sealed, id: &str) -> ProofFile {
    match prove(&sealed.seal.store, &RecordId::new(id).unwrap()).await.unwrap() {
        Proved::Proof(proof) => *proof,
        other => panic!("{id}: {other:?}"),
    }
}

fn key(sealed: &Sealed) -> String {
    let keys = std::fs::read_to_string(sealed.folder.path().join("log-keys")).unwrap();
    let keys = sigill_seal::keys::LogKeys::of_text(&keys).unwrap();
    keys.signing.unwrap().verifying()[0].to_vkey()
}

async fn log(name: &str) -> Sealed {
    let sealed = Sealed::start_with(name, Wishes::default()).await;
    let longer = Record { id: "longer", owner: "SE-LONG", ..FIRST };
    sealed.store(&[FIRST, Record { id: "r2", ..FIRST }, longer]).await;
    sealed
}

fn policies() -> Retention {
    let own = vec![(HsaId::new("SE-LONG").unwrap(), 10)];
    Retention { log_records: Policy { years: 5, own }, ..retention(1000) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_from_before_a_removal_holds_after_it() {
    let sealed = log("pruning-proof").await;
    let (gone, kept) = (proof(&sealed, "r1").await, proof(&sealed, "longer").await);
    let removed = remove_due(&sealed.seal.store, &policies(), FIVE_YEARS).await;
    assert_eq!(removed.iter().map(|removed| removed.count).sum::<usize>(), 2);
    sealed.seal_at(FIVE_YEARS).await;
    let found = sealed.verify_at(FIVE_YEARS).await;
    assert_eq!(found.findings, []);
    assert_eq!((found.records, found.removed, found.notices), (1, 2, 2));
    let asked = prove(&sealed.seal.store, &RecordId::new("r1").unwrap()).await.unwrap();
    assert!(matches!(asked, Proved::Removed), "{asked:?}");
    let folder = Folder::new("pruning-files");
    for (name, proof) in
        [("gone", &gone), ("kept", &kept), ("later", &proof(&sealed, "longer").await)]
    {
        let file = folder.path().join(name);
        std::fs::write(&file, proof.to_text()).unwrap();
        let asked = ["log", "verify-proof", file.to_str().unwrap(), "--key", &key(&sealed)];
        let said = command(&asked).output().await.unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
        let text = String::from_utf8(said.stdout).unwrap();
        assert!(text.starts_with("HOLDS") && text.contains("patient: 191212121212"), "{text}");
    }
    // The content is gone, and the commitment says nothing of it.
    let left = "select count(*) from log_entries where log_id in ('r1', 'r2')";
    assert_eq!(sealed.service.database.count(left).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_nobody_can_show_to_be_old_stay() {
    let sealed = log("pruning-young").await;
    // Five years after they were stored, but they got their leaves a year later than that.
    let late = Record { id: "late", ..FIRST };
    assert_eq!(sealed.service.post(stored(&[late])).await.code(), "OK");
    sealed.seal_at("2027-12-01T00:00:00Z").await;
    let removed = remove_due(&sealed.seal.store, &policies(), FIVE_YEARS).await;
    assert_eq!(removed.iter().map(|removed| removed.count).sum::<usize>(), 2);
    let later = remove_due(&sealed.seal.store, &policies(), "2032-12-24T00:00:00Z").await;
    assert_eq!(later.iter().map(|removed| removed.count).sum::<usize>(), 1);
    // What has no leaf at all stays for as long.
    assert_eq!(
        sealed.service.post(stored(&[Record { id: "without", ..FIRST }])).await.code(),
        "OK"
    );
    let never = remove_due(&sealed.seal.store, &policies(), "2033-12-24T00:00:00Z").await;
    assert_eq!(never.iter().map(|removed| removed.count).sum::<usize>(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn unlawful_removals_are_named() {
    let sealed = log("pruning-unlawful").await;
    for table in ["log_entries", "log_removals"] {
        sealed.sql(&format!("create table before_{table} as select * from {table}")).await;
    }
    remove_due(&sealed.seal.store, &policies(), FIVE_YEARS).await;
    sealed.seal_at(FIVE_YEARS).await;
    let found = async || kinds(&sealed.verify_at(FIVE_YEARS).await);
    assert_eq!(found().await, [""; 0]);
    // The set widened by a leaf that is not in it.
    sealed.sql("create table removals as select * from log_removals").await;
    sealed.sql("update log_removals set leaves = '\\x0103'").await;
    assert!(found().await.contains(&"removal differs"), "{:?}", found().await);
    sealed.sql("update log_removals r set leaves = k.leaves from removals k").await;
    assert_eq!(found().await, [""; 0]);
    // What was removed is put back.
    sealed
        .sql("insert into log_entries select * from before_log_entries where log_id = 'r1'")
        .await;
    assert_eq!(found().await, ["removed record is back"]);
    sealed.sql("delete from log_entries where log_id = 'r1'").await;
    assert_eq!(found().await, [""; 0]);
    // Removed by retention with a clock that somebody has put forward: signed times tell.
    let early = log("pruning-early").await;
    early.sql("update log_checkpoints set signed_at = signed_at - interval '6 years'").await;
    remove_due(&early.seal.store, &policies(), FIVE_YEARS).await;
    early.seal_at("2027-01-01T00:00:00Z").await;
    let kinds = kinds(&early.verify_at("2027-01-01T00:00:00Z").await);
    assert_eq!(kinds, ["unlawful removal"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_are_what_was_sealed() {
    let sealed = log("pruning-holds").await;
    let store = &sealed.seal.store;
    let tenant = store.tenant("default").await.unwrap();
    let provider = Some(HsaId::new("SE-A").unwrap().key());
    let hold = Hold { patient: Some("1.2.3^1".into()), care_provider: provider };
    let one = store.place_hold(tenant, &hold, "mål 1", at(NOON)).await.unwrap();
    store.place_hold(tenant, &hold, "mål 2", at(NOON)).await.unwrap();
    assert!(store.lift_hold(one, at(NOON)).await.unwrap());
    sealed.seal_at(NOON).await;
    assert_eq!(sealed.found().await, [""; 0]);
    sealed.sql("create table holds as select * from legal_holds").await;
    for (done, undone) in [
        (
            "update legal_holds set lifted_at = now() where hold_number = 2",
            "update legal_holds set lifted_at = null where hold_number = 2",
        ),
        (
            "update legal_holds set lifted_at = null where hold_number = 1",
            "update legal_holds set lifted_at = now() where hold_number = 1",
        ),
        (
            "update legal_holds set patient_key = '1.2.3^2'",
            "update legal_holds set patient_key = '1.2.3^1'",
        ),
        (
            "delete from legal_holds where hold_number = 2",
            "insert into legal_holds overriding system value select * from holds where hold_number = 2",
        ),
    ] {
        sealed.sql(done).await;
        assert_eq!(sealed.found().await, ["hold differs"], "{done}");
        sealed.sql(undone).await;
        assert_eq!(sealed.found().await, [""; 0], "{undone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_never_goes_back_in_checkpoints() {
    let sealed = log("pruning-time").await;
    assert_eq!(sealed.service.post(stored(&[Record { id: "r3", ..FIRST }])).await.code(), "OK");
    // A clock that was put back signs with the time of before.
    sealed.seal_at("2026-11-22T11:00:00Z").await;
    let anchor: SignedCheckpoint = sealed.seal.anchor().unwrap();
    let keys = std::fs::read_to_string(sealed.folder.path().join("log-keys")).unwrap();
    let keys = sigill_seal::keys::LogKeys::of_text(&keys).unwrap().signing.unwrap();
    let time = anchor.time_by(&keys.verifying()[1]).unwrap();
    assert_eq!(i64::try_from(time).unwrap(), at(NOON).timestamp());
}
