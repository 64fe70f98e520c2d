//! Every tampering is seen, by its name, and gone when it is undone.

use super::harness::{Database, NOON, Wishes};
use super::program::Folder;
use super::reports::{FIRST, Record, patients_report, stored};
use super::sealed::{Sealed, at, kinds, many, records, seal_of, verify};
use sigill::procedures::seal::following::follow;
use sigill::procedures::seal::sequencing::round;
use sigill::procedures::seal::signing::sign;
use sigill::procedures::seal::verifying::Extent;
use sigill_seal::entry::{Entry, Kind};
use sigill_seal::tree::Edge;
use sqlx::Row;

/// What a changed column is called.
const NAMES: [&str; 4] = ["changed", "derived column", "missing", "not sealed"];
/// More than a tile of records, so that there are tiles at two levels.
const RECORDS: usize = 300;

/// A sealed log of so many records.
pub async fn log(name: &str) -> Sealed {
    let sealed = Sealed::start_with(name, Wishes::default()).await;
    let ids = many(RECORDS);
    sealed.store(&records(&ids)).await;
    assert_eq!(sealed.found().await, [""; 0], "{:?}", sealed.verify().await.findings);
    sealed
}

/// Does something in SQL, sees it named, undoes it, and sees nothing any more.
async fn seen(sealed: &Sealed, name: &[&str], done: &[&str], undone: &[&str]) {
    for sql in done {
        sealed.sql(sql).await;
    }
    let found = sealed.verify().await;
    let kinds = kinds(&found);
    assert!(name.iter().any(|name| kinds.contains(name)), "{done:?}: {:?}", found.findings);
    for sql in undone {
        sealed.sql(sql).await;
    }
    let left = sealed.verify().await.findings;
    assert_eq!(left, [], "{undone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_of_a_record_and_of_a_resource_is_watched() {
    let sealed = log("columns").await;
    let mut watched = 0;
    for table in ["log_entries", "log_further_resources"] {
        sealed.sql(&format!("create table backup_{table} as select * from {table}")).await;
        let columns = sqlx::query(
            "select column_name::text as name, data_type::text as type from information_schema.columns
             where table_schema = 'public' and table_name = $1 order by ordinal_position",
        )
        .bind(table)
        .fetch_all(&sealed.pool)
        .await
        .unwrap();
        for column in columns {
            let (name, kind): (String, String) = (column.get("name"), column.get("type"));
            let other = match kind.as_str() {
                "text" => format!("coalesce({name}, '') || 'x'"),
                "bigint" => format!("coalesce({name}, 0) + 100000"),
                "integer" => format!("{name} + 1"),
                "uuid" => "gen_random_uuid()".to_owned(),
                "timestamp with time zone" => format!("{name} + interval '1 microsecond'"),
                other => panic!("{table}.{name} is {other}: how is it watched?"),
            };
            // The third record has all resources that there are.
            let which = match table {
                "log_entries" => "log_id = 'sealed-0002'".to_owned(),
                _ => "ordinal = 2 and entry_number = (select entry_number from log_entries where log_id = 'sealed-0002')".to_owned(),
            };
            sealed.sql(&format!("update {table} set {name} = {other} where {which}")).await;
            let found = sealed.verify().await;
            assert_ne!(found.found, 0, "{table}.{name} is not watched");
            let kinds = kinds(&found);
            let is_named = kinds.iter().any(|kind| NAMES.contains(kind));
            assert!(is_named, "{table}.{name}: {kinds:?}");
            sealed.sql(&format!("truncate {table}")).await;
            sealed.sql(&format!("insert into {table} select * from backup_{table}")).await;
            watched += 1;
        }
    }
    assert!(watched >= 48, "{watched}");
    let left = sealed.verify().await;
    assert_eq!(left.findings, []);
    assert_eq!((left.records, left.notices), (RECORDS as u64, 1));
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::too_many_lines, reason = "a table of what is done, its name, and how it is undone")]
async fn what_is_done_to_records_is_named() {
    let sealed = log("records").await;
    let of = |id: &str| format!("(select entry_number from log_entries where log_id = '{id}')");
    sealed.sql("create table kept as select * from log_entries where log_id in ('sealed-0003', 'sealed-0006')").await;
    sealed.sql("create table kept_ids as select * from log_ids_1").await;
    seen(
        &sealed,
        &["changed"],
        &["update tenants set name = 'other' where name = 'default'"],
        &["update tenants set name = 'default' where name = 'other'"],
    )
    .await;
    seen(
        &sealed,
        &["reordered"],
        &["update log_entries e set entry_number = (select sum(entry_number) from kept) - e.entry_number
            where log_id in ('sealed-0003', 'sealed-0006')"],
        &["update log_entries e set entry_number = (select entry_number from kept k where k.log_id = e.log_id)
            where log_id in ('sealed-0003', 'sealed-0006')"],
    )
    .await;
    seen(
        &sealed,
        &["missing"],
        &["delete from log_entries where log_id = 'sealed-0003'"],
        &["insert into log_entries select * from kept where log_id = 'sealed-0003'"],
    )
    .await;
    let id = of("sealed-0003");
    seen(
        &sealed,
        &["missing"],
        &[
            &format!("delete from log_ids_1 where entry_number = {id}"),
            "delete from log_entries where log_id = 'sealed-0003'",
        ],
        &[
            "insert into log_entries select * from kept where log_id = 'sealed-0003'",
            "insert into log_ids_1 select * from kept_ids on conflict do nothing",
        ],
    )
    .await;
    seen(
        &sealed,
        &["not sealed"],
        &[
            "create table added as select * from kept limit 1",
            "update added set entry_number = 900000, log_id = 'added'",
            "insert into log_entries select * from added",
        ],
        &["delete from log_entries where entry_number = 900000", "drop table added"],
    )
    .await;
    seen(
        &sealed,
        &["changed", "not sealed"],
        &["insert into log_further_resources (entry_number, activity_at, tenant_id, ordinal, resource_type, holder_id)
            select entry_number, activity_at, tenant_id, 2, 'vko', 'SE-A' from kept where log_id = 'sealed-0003'"],
        &["delete from log_further_resources r using kept k where k.log_id = 'sealed-0003' and r.entry_number = k.entry_number"],
    )
    .await;
    for (done, undone) in [
        (
            format!("delete from log_ids_1 where entry_number = {id}"),
            "insert into log_ids_1 select * from kept_ids on conflict do nothing",
        ),
        (
            "insert into log_ids_1 values (gen_random_uuid(), 5)".to_owned(),
            "delete from log_ids_1 i where not exists (select 1 from kept_ids k where k.id_hash = i.id_hash)",
        ),
        (
            format!(
                "update log_ids_1 set entry_number = {} where entry_number = {id}",
                of("sealed-0006")
            ),
            "update log_ids_1 i set entry_number = k.entry_number from kept_ids k where k.id_hash = i.id_hash",
        ),
    ] {
        seen(&sealed, &["ids differ"], &[&done], &[undone]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_the_tree_is_named() {
    let sealed = log("tree").await;
    for (name, keep, done, undone) in [
        (
            "missing",
            "create table kept as select * from log_runs",
            "update log_runs set first_number = first_number + 5000 where first_leaf = (select max(first_leaf) from log_runs)",
            "update log_runs r set first_number = k.first_number from kept k where k.first_leaf = r.first_leaf",
        ),
        (
            "runs",
            "create table kept as select * from log_runs",
            "update log_runs set count = count - 1 where first_leaf = (select max(first_leaf) from log_runs)",
            "update log_runs r set count = k.count from kept k where k.first_leaf = r.first_leaf",
        ),
        (
            "tile",
            "create table kept as select * from log_tiles",
            "update log_tiles set hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) where level = 0",
            "update log_tiles t set hashes = k.hashes from kept k where k.level = t.level and k.tile = t.tile",
        ),
        (
            "tile",
            "create table kept as select * from log_tiles",
            "delete from log_tiles where level = 0",
            "insert into log_tiles select * from kept",
        ),
        (
            "tree",
            "create table kept as select * from log_tree",
            "update log_tree set root = sha256('x')",
            "update log_tree t set root = k.root from kept k",
        ),
        (
            "tree",
            "create table kept as select * from log_tree",
            "update log_tree set size = size + 1",
            "update log_tree t set size = k.size from kept k",
        ),
        (
            "tree",
            "create table kept as select * from log_tree",
            "update log_tree set edge = set_byte(edge, 40, get_byte(edge, 40) # 1)",
            "update log_tree t set edge = k.edge from kept k",
        ),
        (
            "checkpoint",
            "create table kept as select * from log_checkpoints",
            "update log_checkpoints set note = replace(note, 'log.example', 'log.elsewhere')",
            "update log_checkpoints c set note = k.note from kept k where k.size = c.size",
        ),
        (
            "checkpoint",
            "create table kept as select * from log_checkpoints",
            "delete from log_checkpoints where size = (select max(size) from log_checkpoints)",
            "insert into log_checkpoints select * from kept on conflict do nothing",
        ),
    ] {
        sealed.sql(keep).await;
        seen(&sealed, &[name], &[done], &[undone, "drop table kept"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_made_anew_without_the_keys_is_another() {
    let sealed = log("anew").await;
    // Everything as a forger would: a record changed, and the tree over it made anew, but for the signature.
    sealed.sql("update log_entries set user_id = 'SE-FORGED' where log_id = 'sealed-0100'").await;
    let number: i64 =
        sqlx::query_scalar("select entry_number from log_entries where log_id = 'sealed-0100'")
            .fetch_one(&sealed.pool)
            .await
            .unwrap();
    let preimage = sealed.seal.store.sealed_record(number).await.unwrap().unwrap();
    let (leaf, _) = sealed.seal.store.inclusion_of(number, 301).await.unwrap().unwrap();
    let forged = Entry::over(Kind::Record, &preimage).stored();
    let tile: Vec<u8> =
        sqlx::query_scalar("select hashes from log_tiles").fetch_one(&sealed.pool).await.unwrap();
    let edge: Vec<u8> =
        sqlx::query_scalar("select edge from log_tree").fetch_one(&sealed.pool).await.unwrap();
    let rest = Edge::of_bytes(&edge).unwrap().entries().to_vec();
    let (mut entries, _) = tile.as_chunks::<33>().0.split_at(256);
    let mut all = entries.to_vec();
    all[usize::try_from(leaf).unwrap()] = forged;
    entries = &all;
    let mut anew = Edge::default();
    let tiles = anew.append(entries.iter().copied().chain(rest));
    sqlx::query("update log_tiles set hashes = $1")
        .bind(&tiles[0].bytes)
        .execute(&sealed.pool)
        .await
        .unwrap();
    sqlx::query("update log_tree set edge = $1, root = $2")
        .bind(anew.to_bytes())
        .bind(anew.root().to_vec())
        .execute(&sealed.pool)
        .await
        .unwrap();
    sealed.sql("update log_checkpoints set note = null").await;
    sqlx::query("update log_checkpoints set root = $1")
        .bind(anew.root().to_vec())
        .execute(&sealed.pool)
        .await
        .unwrap();
    let found = sealed.verify().await;
    assert!(kinds(&found).contains(&"fork"), "{:?}", found.findings);
    // Nor does the server sign it.
    assert!(!sign(&sealed.seal, at(NOON)).await.unwrap());
    assert!(sealed.seal.distrusted().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_on_the_way_to_the_tree_is_named_and_holds_nobody_up() {
    let sealed = log("way").await;
    let post = async |id: &str| {
        let reply = sealed.service.post(stored(&[Record { id, ..FIRST }])).await;
        assert_eq!(reply.code(), "OK");
    };
    // A record and its way in, by somebody without the key.
    sealed
        .sql("create table forged as select * from log_entries where log_id = 'sealed-0001'")
        .await;
    sealed.sql("update forged set entry_number = 800000, log_id = 'forged'").await;
    sealed.sql("insert into log_entries select * from forged").await;
    sealed.sql(
        "insert into log_pending (writer_id, writer_step, first_numbers, counts, entries, mac)
         values (gen_random_uuid(), 0, '{800000}', '{1}', decode(repeat('01', 33), 'hex'), sha256('guess'))",
    ).await;
    post("after-forged").await;
    sealed.seal_at(NOON).await;
    let open = sealed.seal.store.open_findings(10).await.unwrap();
    assert_eq!(open.iter().map(|f| f.kind.as_str()).collect::<Vec<_>>(), ["forged batch"]);
    assert_eq!(sealed.found().await, ["not sealed"], "the record is there");
    assert_eq!(sealed.service.database.count("select count(*) from log_refused").await, 1);
    sealed.sql("delete from log_entries where log_id = 'forged'").await;
    // Entries changed on their way.
    post("changed-on-its-way").await;
    sealed
        .sql("update log_pending set entries = set_byte(entries, 5, get_byte(entries, 5) # 1)")
        .await;
    round(&sealed.seal, at(NOON)).await.unwrap();
    assert_eq!(sealed.service.database.count("select count(*) from log_refused").await, 2);
    assert_eq!(sealed.found().await, ["not sealed"]);
    // A record and its way in taken away together: missed at the writer's next.
    post("taken-away").await;
    post("next").await;
    sealed.sql("delete from log_entries where log_id = 'taken-away'").await;
    sealed.sql("delete from log_pending where batch_number = (select min(batch_number) from log_pending)").await;
    sealed.seal_at(NOON).await;
    let open = sealed.seal.store.open_findings(10).await.unwrap();
    let named: Vec<_> = open.iter().map(|f| f.kind.as_str()).collect();
    assert!(named.contains(&"lost batch"), "{named:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sealing_that_stands_still_and_keys_of_others_are_named() {
    let sealed = log("late").await;
    assert_eq!(sealed.service.post(stored(&[Record { id: "late", ..FIRST }])).await.code(), "OK");
    sealed.sql("update log_pending set stored_at = stored_at - interval '2 minutes'").await;
    assert_eq!(sealed.found().await, ["late"]);
    sealed.seal_at(NOON).await;
    assert_eq!(sealed.found().await, [""; 0]);
    let keys = sealed.folder.path().join("log-keys");
    let own = std::fs::read(&keys).unwrap();
    let other = Folder::new("late-other");
    seal_of(&Database::new().await, other.path(), other.path()).await;
    std::fs::copy(other.path().join("log-keys"), &keys).unwrap();
    assert!(sealed.found().await.contains(&"key"));
    std::fs::write(&keys, own).unwrap();
    assert_eq!(sealed.found().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_is_seen_by_whoever_has_seen_more() {
    let sealed = log("restored").await;
    let database = &sealed.service.database;
    let tables = [
        "log_tree",
        "log_runs",
        "log_checkpoints",
        "log_tiles",
        "log_entries",
        "log_further_resources",
        "log_ids_1",
        "log_notices",
        "log_writers",
    ];
    for table in tables {
        sealed.sql(&format!("create table backup_{table} as select * from {table}")).await;
    }
    // A second process follows, with its own anchor.
    let watching = Folder::new("restored-watching");
    let second = seal_of(database, sealed.folder.path(), watching.path()).await;
    sealed.store(&[Record { id: "later", ..FIRST }]).await;
    assert!(follow(&second, at(NOON)).await.unwrap());
    for table in tables {
        sealed.sql(&format!("truncate {table} cascade")).await;
        sealed.sql(&format!("insert into {table} select * from backup_{table}")).await;
    }
    for seal in [&sealed.seal, &second] {
        assert!(!follow(seal, at(NOON)).await.unwrap());
        assert!(seal.distrusted().unwrap().contains("older state"), "{:?}", seal.distrusted());
        let found = verify(seal, Extent::Full, NOON).await;
        assert!(kinds(&found).contains(&"rolled back"), "{:?}", found.findings);
    }
    // A report is refused, whatever it is about.
    let reply = sealed.service.post(patients_report("191212121212")).await;
    assert_eq!(reply.code(), "VALIDATION_ERROR");
    // Without any anchor nothing shows that there was more: this is what anchors and witnesses are for.
    for folder in [sealed.folder.path(), watching.path()] {
        std::fs::remove_dir_all(folder.join("log-anchor")).unwrap();
    }
    let third = seal_of(database, sealed.folder.path(), watching.path()).await;
    assert!(follow(&third, at(NOON)).await.unwrap());
}
