//! Migrations as what they are: changes to a database that has rows already.

use super::harness::{Database, testdata};
use sigill::domain::identity::PatientId;
use sqlx::PgPool;
use std::path::{Path, PathBuf};

/// The migrations in order.
fn migrations() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "sql"));
    files.sort();
    files
}

/// Runs a file's statements, as one transaction.
async fn run(file: &Path, pool: &PgPool) {
    let sql = std::fs::read_to_string(file).unwrap();
    let mut transaction = pool.begin().await.unwrap();
    let done = sqlx::raw_sql(&sql).execute(&mut *transaction).await;
    done.unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn every_migration_runs_over_the_rows_of_those_before() {
    let database = Database::empty().await;
    let pool = database.pool().await;
    for migration in migrations() {
        let name = migration.file_name().unwrap().to_str().unwrap();
        run(&migration, &pool).await;
        run(&testdata(&format!("migrations/{name}")), &pool).await;
    }
}

/// A database with the migrations before the one of this name, and that one.
async fn before(name: &str) -> (PgPool, PathBuf) {
    let pool = Database::empty().await.pool().await;
    for migration in migrations() {
        if migration.ends_with(name) {
            return (pool, migration);
        }
        run(&migration, &pool).await;
    }
    panic!("no migration {name}")
}

const STATES_WITH_TIME: &str = "20261125000004_states_with_time.sql";

/// A block of before `STATES_WITH_TIME`.
async fn old_block(pool: &PgPool, id: &str, root: &str, extension: &str, rest: &[&str]) {
    sqlx::query(
        "insert into blocks (tenant_id, block_key, block_id, block_type, patient_key, patient_root,
            patient_extension, information_care_provider_id, provider_key, exempts_lak, exempts_upp,
            extended, stored_at, changed_at)
         values (1, $1, $1, 'Outer', $2 || '^' || $3, $2, $3, 'SE1', 'se\u{200b}1', false, false, true,
            '2026-11-01', '2026-11-01')",
    )
    .bind(id)
    .bind(root)
    .bind(extension)
    .execute(pool)
    .await
    .unwrap();
    for sql in rest {
        let done = sqlx::query(&format!("{sql} where block_key = $1")).bind(id).execute(pool).await;
        assert_eq!(done.unwrap().rows_affected(), 1, "{sql}");
    }
}

fn action(kind: &str) -> String {
    format!(
        "insert into block_actions (block_number, revoke_number, kind, requested_at,
            requested_by_employee_id, registered_at, registered_by_employee_id)
         select block_number, 0, '{kind}', stored_at, 'P', stored_at, 'P' from blocks"
    )
}

#[tokio::test]
async fn the_first_removal_is_known_where_there_was_only_one() {
    let (pool, migration) = before(STATES_WITH_TIME).await;
    let removed = "update blocks set removed_at = '2026-11-02T10:00:00.7Z'";
    let (revoked, deleted) = (action("revoke"), action("delete"));
    let patient = ("1.2.752.129.2.1.3.1", "191212121212");
    for (id, rest) in [
        ("standing", vec![]),
        ("revoked", vec![revoked.as_str(), removed]),
        ("deleted", vec![deleted.as_str(), removed]),
        ("both", vec![revoked.as_str(), deleted.as_str(), removed]),
    ] {
        old_block(&pool, id, patient.0, patient.1, &rest).await;
    }
    run(&migration, &pool).await;
    let sql = "select block_key, history_uncertain, first_removed_at = removed_at,
        removal_told_at::text like '2026-11-02 %:00:00+%' from blocks order by block_number";
    let rows: Vec<(String, bool, Option<bool>, Option<bool>)> =
        sqlx::query_as(sql).fetch_all(&pool).await.unwrap();
    let row = |id: &str, uncertain, first, told| (id.to_owned(), uncertain, first, told);
    let expected = [
        row("standing", false, None, None),
        row("revoked", false, Some(true), Some(true)),
        row("deleted", false, Some(true), Some(true)),
        row("both", true, None, Some(true)),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn rows_from_before_get_the_keys_that_identities_have_now() {
    let (pool, migration) = before(STATES_WITH_TIME).await;
    let zero_width = '\u{200b}';
    let patients = [
        ("1.2.752.129.2.1.3.1", "191212121212".to_owned()),
        ("1.2.752.129.2.1.3.3", "19121272-1219".to_owned()),
        ("1.2.752.129.2.1.3.1", format!("1912 1272{zero_width}\u{2011}1219")),
        ("1.2.752.74.9.1", "99abc1234567".to_owned()),
        ("1.2.752.74.9.1", "99ABC\u{a0}1234567".to_owned()),
        ("1.2.3", format!(" aB-1{zero_width} ")),
    ];
    for (n, (root, extension)) in patients.iter().enumerate() {
        old_block(&pool, &n.to_string(), root, extension, &[]).await;
    }
    // Of two ids that are one now, the earlier is found; nothing is lost.
    for id in ["x\u{200b}", "x", "y\u{feff}", "\u{200b}y"] {
        old_block(&pool, id, "1.2.3", "1", &[]).await;
    }
    run(&migration, &pool).await;
    let sql = "select patient_key from blocks where patient_extension <> '1' order by block_number";
    let keys: Vec<String> = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
    let expected = patients
        .map(|(root, extension)| PatientId::new(root, &extension).unwrap().key().to_owned());
    assert_eq!(keys, expected);
    assert_eq!(keys[1], keys[2], "either root, any hyphen");
    let sql = "select block_key from blocks where patient_extension = '1' order by block_number";
    let keys: Vec<String> = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
    assert_eq!(keys, ["x\u{200b}", "x", "y", "\u{200b}y"]);
    let sql = "select count(*) from blocks where provider_key <> 'se1'";
    assert_eq!(sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool).await.unwrap(), 0);
}

#[tokio::test]
async fn every_table_says_what_it_holds() {
    let database = Database::new().await;
    let silent = "select count(*) from pg_class c
        where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
          and obj_description(c.oid) is null and relname <> '_sqlx_migrations'";
    assert_eq!(database.count(silent).await, 0);
}

#[tokio::test]
async fn times_of_assertions_from_before_are_the_whole_seconds_that_are_told() {
    let (pool, migration) = before(STATES_WITH_TIME).await;
    let insert = "insert into assertions (tenant_id, assertion_key, assertion_id, assertion_type,
            patient_key, patient_root, patient_extension, care_provider_id, provider_key, care_unit_id,
            start_at, start_given, end_at, stored_at)
         values (1, 'a', 'a', 'Consent', '1.2.3^1', '1.2.3', '1', 'SE1', 'se1', 'U',
            '2026-11-01T10:00:00.3Z', true, '2026-11-02T10:00:00.7Z', '2026-11-01T09:00:00.5Z'),
         (1, 'b', 'b', 'Consent', '1.2.3^1', '1.2.3', '1', 'SE1', 'se1', 'U',
            '2026-11-01T10:00:00.3Z', false, '9999-12-31T22:59:59.9Z', '2026-11-01T10:00:00.3Z')";
    sqlx::query(insert).execute(&pool).await.unwrap();
    run(&migration, &pool).await;
    let sql =
        "select assertion_key, start_at = '2026-11-01T10:00:01Z', requested_start_at = start_at,
        end_at = '2026-11-02T10:00:00Z' from assertions order by assertion_key";
    let rows: Vec<(String, bool, Option<bool>, Option<bool>)> =
        sqlx::query_as(sql).fetch_all(&pool).await.unwrap();
    // What starts at once keeps its instant: it is the time of storing.
    let expected = [("a".into(), true, Some(true), Some(true)), ("b".into(), false, None, None)];
    assert_eq!(rows, expected);
}
