//! The database's roles: who owns the tables and brings them to a version, who serves, who only reads, who removes what
//! is old enough. The server's own can neither change nor delete log records, their seal or the history of grants.

use super::error::StoreError;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::time::Duration;
use tokio::time::sleep;

/// The role with which callers are served.
pub const SERVER: &str = "sigill_server";
/// The role that only reads, for reports of others' making.
pub const REPORTS: &str = "sigill_reports";
/// The role that removes what is old enough.
pub const RETENTION: &str = "sigill_retention";

/// Roles are the whole cluster's: whoever makes the same ones meanwhile is waited for.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Tables of which the server may change rows, and those of which it may also delete them.
const CHANGED: &str = "assertions, availability, blocks, case_holds, cases, change_clocks, embargoes, extracts, import_cursors, legal_holds, log_adoption, \
    log_findings, log_id_runs, log_orders, log_tree, patient_ends, review_cursors, review_plans, review_reminders, review_staff, review_visits, reviews, service_messages, temporary_revokes, \
    watch_entries, witnessed_logs";
const DELETED: &str = "admin_logins, admin_lookups, admin_sessions, availability_probes, directory_assignments, directory_hours, directory_staff, \
    directory_units, jobs, log_order_files, log_orders, log_pending, log_report_orders, log_reports, log_searches, \
    log_writers, replications, review_visit_posts, surnames, user_days, verdict_days, verdicts";
/// Tables into which it puts nothing: the owner and retention do.
const NOT_ADDED: &str = "_sqlx_migrations, grants, log_removals, retention_removals";

/// The statements that make the roles, and give each what it needs and nothing else. They may be carried out again, and
/// must be after a new version has made new tables.
pub fn statements() -> Vec<String> {
    let mut all = Vec::new();
    for role in [SERVER, REPORTS, RETENTION] {
        all.push(format!(
            "do $$ begin create role {role} login; exception when duplicate_object then null; end $$"
        ));
        all.push(format!("revoke all on all tables in schema public from {role}"));
        all.push(format!("grant usage on schema public to {role}"));
        all.push(format!("grant select on all tables in schema public to {role}"));
        all.push(format!(
            "alter default privileges in schema public grant select on tables to {role}"
        ));
        all.push(format!("alter role {role} set lock_timeout = '10s'"));
        all.push(format!("alter role {role} set idle_in_transaction_session_timeout = '60s'"));
    }
    let server = [
        "revoke create on schema public from public".to_owned(),
        format!("alter role {SERVER} set statement_timeout = '60s'"),
        format!("grant insert on all tables in schema public to {SERVER}"),
        format!("revoke insert on {NOT_ADDED} from {SERVER}"),
        format!("grant usage on all sequences in schema public to {SERVER}"),
        format!("grant update on {CHANGED} to {SERVER}"),
        format!("grant update, delete on {DELETED} to {SERVER}"),
        // Row by row: what is ahead of the tree, and what is not signed yet.
        format!("grant delete on log_runs, log_checkpoints to {SERVER}"),
        format!(
            "grant update (root, integrated_at, note, signed_at, witnessed_at, cms) on log_checkpoints to {SERVER}"
        ),
        format!("grant update (hashes) on log_tiles to {SERVER}"),
        format!("alter default privileges in schema public grant insert on tables to {SERVER}"),
        format!("alter default privileges in schema public grant usage on sequences to {SERVER}"),
        // Months of the log are exchanged, which only an owner can.
        format!(
            "do $$ begin
                if not (select rolsuper from pg_roles where rolname = current_user) then
                    execute format('grant %I to {RETENTION}', current_user);
                    -- What it makes is the owner's, and has the owner's privileges.
                    execute format('alter role {RETENTION} set role = %L', current_user);
                end if;
            end $$"
        ),
    ];
    all.extend(server);
    all
}

/// Carries them out as the tables' owner.
///
/// # Errors
/// The store's.
pub async fn apply(owner: &PgConnectOptions) -> Result<(), StoreError> {
    for _ in 1..TRIES {
        match apply_once(owner).await {
            Err(StoreError::Database(error)) if meets_another(&error) => sleep(PAUSE).await,
            done => return done,
        }
    }
    apply_once(owner).await
}

/// Somebody else makes the same roles, in this database or in another of the same cluster.
fn meets_another(error: &sqlx::Error) -> bool {
    // Changed by two at once, there already, told to wait for each other.
    let codes = ["XX000", "23505", "42710", "40P01"];
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| codes.contains(&&*code))
}

async fn apply_once(owner: &PgConnectOptions) -> Result<(), StoreError> {
    let mut connection = owner.connect().await?;
    let mut transaction = connection.begin().await?;
    // Two servers that start at one time.
    sqlx::query("/* lock_roles */ select pg_advisory_xact_lock(6001234)")
        .execute(&mut *transaction)
        .await?;
    for statement in statements() {
        sqlx::query(&statement).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    connection.close().await?;
    Ok(())
}
