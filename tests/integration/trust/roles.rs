//! The database's roles: what the server's own cannot do.

use super::contracts::contracts;
use crate::harness::{Database, request};
use crate::program::{Folder, Program, command, settings};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// A database of an owner that is no superuser, whose roles have been made; and the settings of a server with a login
/// of its own.
async fn apart(name: &str) -> (Database, Folder, String) {
    let (database, folder) = (Database::empty().await, Folder::new(name));
    let pool = database.pool().await;
    for sql in [
        "select pg_advisory_lock(1)".to_owned(),
        "do $$ begin
            if not exists (select from pg_roles where rolname = 'sigill_owner') then
                create role sigill_owner login createrole;
            end if;
         end $$"
            .to_owned(),
        format!("alter database {} owner to sigill_owner", database.name),
        "alter schema public owner to sigill_owner".to_owned(),
        "select pg_advisory_unlock_all()".to_owned(),
    ] {
        let mut one = pool.acquire().await.unwrap();
        sqlx::query(&sql).execute(&mut *one).await.unwrap();
    }
    let login = |role: &str| database.url().replace("user=sigill", &format!("user={role}"));
    let more = format!(
        "owner_url = \"{}\"\nretention_url = \"{}\"\n[trust]\nprofile = \"bench\"\n",
        login("sigill_owner"),
        login("sigill_retention")
    );
    let file = settings(&database, &folder, &more);
    let text = std::fs::read_to_string(&file).unwrap();
    let url = format!("[database]\nurl = \"{}\"", database.url());
    let of_server = format!("[database]\nurl = \"{}\"", login("sigill_server"));
    std::fs::write(&file, text.replacen(&url, &of_server, 1)).unwrap();
    for arguments in [&["database", "migrate"][..], &["database", "roles", "--apply"]] {
        let made = command(&[arguments, &["--config", &file]].concat()).output().await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    (database, folder, file)
}

async fn as_role(database: &Database, role: &str) -> PgPool {
    let options = database.options().username(role);
    PgPoolOptions::new().max_connections(2).connect_with(options).await.unwrap()
}

/// What the server's role is refused.
const FORBIDDEN: &[&str] = &[
    "update log_entries set user_id = 'X'",
    "delete from log_entries",
    "truncate log_entries",
    "drop table log_entries",
    "alter table log_entries detach partition log_entries_other",
    "delete from log_entries_other",
    "update log_further_resources set resource_type = 'X'",
    "delete from log_further_resources",
    "update log_notices set body = 'X'",
    "delete from log_notices",
    "delete from log_tiles",
    "update log_runs set count = 1",
    "update log_checkpoints set note = 'X' where note is not null",
    "update log_checkpoints set note = null where note is not null",
    "update log_checkpoints set root = '' where note is not null",
    "update log_checkpoints set signed_at = now() where note is not null",
    "update log_tree set size = 0",
    "update log_tree set size = size - 1",
    "delete from log_tree",
    "update log_checkpoints set size = 1",
    "insert into log_removals (entry_number, leaves) values (1, '')",
    "insert into retention_removals default values",
    "insert into grants default values",
    "update grants set consumer = 'X'",
    "delete from grants",
    "alter table grants disable trigger all",
    "drop trigger grants_are_only_ended on grants",
    "create table something (n integer)",
    "create function something() returns integer language sql as 'select 1'",
    "set role sigill",
    "delete from blocks",
    "delete from assertions",
    "insert into _sqlx_migrations select * from _sqlx_migrations",
];

#[tokio::test]
async fn the_servers_role_cannot_change_records() {
    let (database, _folder, file) = apart("roles").await;
    let program = Program::start(&["--config", &file]).await;
    for (contract, message) in contracts() {
        let reply = program.caller.post(message).await;
        assert!(!reply.body.contains("faultcode>soap:Server"), "{contract}: {}", reply.body);
    }
    // All of it is sealed and signed by the same role.
    let begun = tokio::time::Instant::now();
    let signed = "select count(*) from log_checkpoints where note is not null and size >= 2";
    while database.count(signed).await == 0 {
        assert!(begun.elapsed() < std::time::Duration::from_mins(1), "nothing is signed");
    }
    let records = database.count("select count(*) from log_entries").await;
    assert!(records > 0);
    let server = as_role(&database, "sigill_server").await;
    for sql in FORBIDDEN {
        let refused = sqlx::query(sql).execute(&server).await.unwrap_err().to_string();
        let is_forbidden = ["permission denied", "must be owner", "is never changed", "only grows"];
        assert!(is_forbidden.iter().any(|said| refused.contains(said)), "{sql}: {refused}");
    }
    // What is sealed is not there to be deleted.
    for sql in [
        "delete from log_runs",
        "delete from log_checkpoints where note is not null",
        "update log_tiles set hashes = '' where (tile + 1) * 256 <= (select size from log_tree)",
    ] {
        let done = sqlx::query(sql).execute(&server).await.unwrap();
        assert_eq!(done.rows_affected(), 0, "{sql}");
    }
    // A table of the session's own is not taken for the tree.
    let mut session = server.acquire().await.unwrap();
    for sql in ["create temporary table log_tree (size bigint)", "insert into log_tree values (0)"]
    {
        _ = sqlx::query(sql).execute(&mut *session).await;
    }
    let forged = "update log_checkpoints set note = 'x' where note is not null";
    let refused = sqlx::query(forged).execute(&mut *session).await.unwrap_err().to_string();
    assert!(refused.contains("is never changed"), "{refused}");
    assert_eq!(database.count("select count(*) from log_entries").await, records);
    let verified = command(&["log", "verify", "--full", "--config", &file]).output().await.unwrap();
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("HOLDS"), "{said}");
}

#[tokio::test]
async fn who_reads_reports_only_reads() {
    let (database, _folder, _file) = apart("reports-role").await;
    let reports = as_role(&database, "sigill_reports").await;
    let read: i64 =
        sqlx::query_scalar("select count(*) from log_entries").fetch_one(&reports).await.unwrap();
    assert_eq!(read, 0);
    let writes: Vec<String> = sqlx::query_scalar(
        "select format('%s on %s', p, c.relname) from pg_class c
         cross join unnest('{insert,update,delete,truncate}'::text[]) p
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
           and has_table_privilege('sigill_reports', c.oid, p)",
    )
    .fetch_all(&reports)
    .await
    .unwrap();
    assert!(writes.is_empty(), "{writes:?}");
}

#[tokio::test]
async fn every_table_says_what_the_servers_role_may_do_with_it() {
    let (database, _folder, _file) = apart("privileges").await;
    let pool = database.pool().await;
    let sql = "select c.relname::text || ':' || coalesce((select string_agg(p, ',' order by p)
            from unnest('{insert,update,delete,truncate}'::text[]) p
            where has_table_privilege('sigill_server', c.oid, p)), '')
         from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
           and not relispartition order by 1";
    let found: Vec<String> = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
    let golden = crate::harness::testdata("privileges.txt");
    let text = found.join("\n") + "\n";
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(&golden, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(golden).unwrap(), text);
}

#[tokio::test]
async fn retention_has_a_login_of_its_own() {
    let (database, _folder, file) = apart("retention-role").await;
    let program = Program::start(&["--config", &file]).await;
    let store = request("log/store_log/valid");
    assert_eq!(program.caller.post(store).await.code(), "OK");
    let done = command(&["retention", "--config", &file]).output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let pool = database.pool().await;
    // Its own name stands in no list of superusers, and it is one of the owner's.
    let apart: bool =
        sqlx::query_scalar("select not rolsuper from pg_roles where rolname = 'sigill_retention'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert!(apart);
    // What it makes, as months that it exchanges, is the owner's: others reach it as before.
    let retention = as_role(&database, "sigill_retention").await;
    sqlx::query("create table exchanged (like log_entries)").execute(&retention).await.unwrap();
    let owner: String =
        sqlx::query_scalar("select tableowner from pg_tables where tablename = 'exchanged'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(owner, "sigill_owner");
    let server = as_role(&database, "sigill_server").await;
    sqlx::query("select * from exchanged").execute(&server).await.unwrap();
    let again = command(&["database", "roles", "--apply", "--config", &file]).output().await;
    assert!(again.unwrap().status.success());
}

#[tokio::test]
async fn a_login_that_may_not_migrate_says_who_may() {
    let (database, _folder, file) = apart("version").await;
    let text = std::fs::read_to_string(&file).unwrap();
    let without: String = text
        .lines()
        .filter(|l| !l.starts_with("owner_url"))
        .fold(String::new(), |all, line| all + line + "\n");
    std::fs::write(&file, without.replace("retention_url", "# ")).unwrap();
    let started = Program::start(&["--config", &file]).await;
    drop(started);
    let pool = database.pool().await;
    sqlx::query(
        "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let told =
        command(&["serve", "--http", "127.0.0.1:0", "--config", &file]).output().await.unwrap();
    assert!(!told.status.success());
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(said.contains("database.owner_url"), "{said}");
}
