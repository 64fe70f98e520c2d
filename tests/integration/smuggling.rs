//! What somebody with the database alone tries to bring into the tree, or to stop it with.

use super::harness::{NOON, Service, Wishes};
use super::program::Folder;
use super::reports::{FIRST, Record, stored};
use super::sealed::{Sealed, at, many, records, seal_of};
use super::tampering::log;
use sigill::procedures::seal::signing::sign;
use sigill_seal::entry::{Entry, Kind};
use sigill_seal::tree::Edge;

#[tokio::test(flavor = "multi_thread")]
async fn records_of_before_are_adopted_once_and_nothing_is_smuggled_in_with_them() {
    // As a database of before: records, and nothing on its way.
    let old = Service::start().await;
    let ids = many(5);
    assert_eq!(old.post(stored(&records(&ids))).await.code(), "OK");
    let pool = old.database.pool().await;
    for sql in [
        "delete from log_pending",
        "update log_adoption set last_number = (select max(entry_number) from log_entries)",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    let folder = Folder::new("adoption");
    let seal = seal_of(&old.database, folder.path(), folder.path()).await;
    let wishes = Wishes {
        database: Some(old.database.clone()),
        seal: Some(seal.clone()),
        ..Wishes::default()
    };
    let service = Service::start_with(wishes).await;
    let sealed = Sealed { service, seal, folder, pool };
    for _ in 0..3 {
        sealed.seal_at(NOON).await;
    }
    let found = sealed.verify().await;
    assert_eq!(found.findings, []);
    assert_eq!((found.records, found.notices), (5, 2), "the opening, and how many were adopted");
    let told = "select count(*) from log_notices where body like 'adoption%records 5%'";
    assert_eq!(sealed.service.database.count(told).await, 1);
    // A record of somebody's, and the adoption begun anew.
    sealed.sql("create table forged as select * from log_entries limit 1").await;
    sealed.sql("update forged set entry_number = entry_number + 700, log_id = 'forged'").await;
    sealed.sql("insert into log_entries select * from forged").await;
    sealed.sql("update log_adoption set next_number = 0, last_number = 99999").await;
    let again = seal_of(&sealed.service.database, sealed.folder.path(), sealed.folder.path()).await;
    let again = Sealed { seal: again, ..sealed };
    again.seal_at(NOON).await;
    assert_eq!(again.found().await, ["not sealed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_or_comes_twice_holds_nobody_up() {
    let sealed = log("poisoned").await;
    sealed.sql("create table sent as select * from log_pending where false").await;
    assert_eq!(sealed.service.post(stored(&[Record { id: "one", ..FIRST }])).await.code(), "OK");
    sealed.sql("insert into sent select * from log_pending").await;
    sealed.seal_at(NOON).await;
    let columns = "writer_id, writer_step, first_numbers, counts, entries, mac";
    for sql in [
        // No lists of numbers at all.
        "insert into log_pending (writer_id, writer_step, first_numbers, counts, entries, mac)
            values (gen_random_uuid(), 0, array[null::bigint], array[null::int], '', '')",
        // What was sent once, once more, by a writer who is forgotten.
        "delete from log_writers",
        &format!("insert into log_pending ({columns}) select {columns} from sent"),
        // What comes later of the tree is there already.
        "insert into log_tiles values (0, 1, '\\x00'), (5, 0, '\\x00')",
        "insert into log_checkpoints (size, root, integrated_at) values (900000, sha256(''), now())",
        "insert into log_runs values (5000, 900000, 10)",
    ] {
        sealed.sql(sql).await;
    }
    let kinds_now = sealed.found().await;
    for kind in ["tile", "checkpoint", "runs"] {
        assert!(kinds_now.contains(&kind), "{kinds_now:?}");
    }
    let ids: Vec<String> = (0..300).map(|n| format!("poisoned-{n}")).collect();
    sealed.store(&records(&ids)).await;
    assert_eq!(sealed.service.database.count("select count(*) from log_refused").await, 2);
    let open = sealed.seal.store.open_findings(10).await.unwrap();
    let named: Vec<_> = open.iter().map(|found| found.kind.as_str()).collect();
    // Whose names were taken away seem to have sent before.
    assert_eq!(named, ["runs", "forged batch", "forged batch", "lost batch"]);
    sealed.sql("delete from log_tiles where level = 5").await;
    sealed.sql("delete from log_checkpoints where size = 900000").await;
    let found = sealed.verify().await;
    assert_eq!(found.findings, []);
    assert_eq!(found.records, 601);
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_that_somebody_appends_are_not_signed() {
    let sealed = log("appended").await;
    let edge: Vec<u8> =
        sqlx::query_scalar("select edge from log_tree").fetch_one(&sealed.pool).await.unwrap();
    let mut edge = Edge::of_bytes(&edge).unwrap();
    edge.append([Entry::over(Kind::Record, b"forged").stored()]);
    sqlx::query("update log_tree set size = size + 1, edge = $1, root = $2")
        .bind(edge.to_bytes())
        .bind(edge.root().to_vec())
        .execute(&sealed.pool)
        .await
        .unwrap();
    sealed.sql("insert into log_runs values (301, 950000, 1)").await;
    sealed.sql("insert into log_checkpoints (size, root, integrated_at) select size, root, '2026-11-22' from log_tree").await;
    assert!(!sign(&sealed.seal, at(NOON)).await.unwrap());
    let open = sealed.seal.store.open_findings(10).await.unwrap();
    assert_eq!(open.iter().map(|found| found.kind.as_str()).collect::<Vec<_>>(), ["tree"]);
}
