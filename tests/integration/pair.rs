//! A local service, the national one, and a network between them: two real servers with a
//! database each.

use super::harness::{Database, request, with};
use super::program::{Folder, Program};
use super::relay::{Relay, Way};
use nix::sys::signal::Signal;
use sigill::clock::Clock;
use sigill::domain::time::local;
use std::time::Duration;

pub const LOCAL: &str = "SE2321000016-VG01";
pub const NATIONAL: &str = "SE165565594230-1000";

pub fn local_settings(relay: &Relay, more: &str) -> String {
    format!(
        "[[tenant]]\nname = \"region\"\nlogical_addresses = [\"{LOCAL}\"]\nblocks = \"local\"\n\
         [tenant.replication]\nurl = \"{}\"\ntimeout_seconds = 1\n\
         retry_first_milliseconds = 10\nretry_longest_milliseconds = 200\n{more}",
        relay.url()
    )
}

pub fn national_settings(more: &str) -> String {
    format!(
        "[[tenant]]\nname = \"national\"\nlogical_addresses = [\"{NATIONAL}\"]\n\
         blocks = \"national\"\n{more}"
    )
}

/// A local service that replicates to a national one, with a network between them.
pub struct Pair {
    pub local: Program,
    pub national: Program,
    pub relay: Relay,
    pub databases: (Database, Database),
    pub folders: (Folder, Folder),
}

impl Pair {
    pub async fn start(name: &str) -> Self {
        Self::start_with(name, "").await
    }

    /// With more settings of the national service.
    pub async fn start_with(name: &str, more: &str) -> Self {
        let databases = (Database::new().await, Database::new().await);
        let folders = (Folder::new(&format!("{name}-l")), Folder::new(&format!("{name}-n")));
        let national = Program::with(&databases.1, &folders.1, &national_settings(more)).await;
        let relay = Relay::start(to(&national)).await;
        let local = Program::with(&databases.0, &folders.0, &local_settings(&relay, "")).await;
        Self { local, national, relay, databases, folders }
    }

    /// The national service is killed, and started again with these settings.
    pub async fn restart_national(&mut self, more: &str) {
        self.national.signal(Signal::SIGKILL);
        let (database, folder) = (&self.databases.1, &self.folders.1);
        self.national = Program::with(database, folder, &national_settings(more)).await;
        self.relay.turn(to(&self.national));
    }

    /// Waits until nothing is queued.
    pub async fn settled(&self) {
        until(&self.databases.0, "select count(*) = 0 from replications").await;
    }

    /// Both services have the same blocks in force, with the same temporary revokes.
    pub async fn assert_equal(&self) {
        let (local, national) = (rows(&self.databases.0).await, rows(&self.databases.1).await);
        assert!(local == national, "local:\n{local}\nnational:\n{national}");
    }
}

pub fn to(program: &Program) -> Way {
    Way::To(program.caller.base().trim_start_matches("http://").to_owned())
}

/// Waits until something holds in a database; what never does fails the test.
pub async fn until(database: &Database, condition: &str) {
    const NEVER: Duration = Duration::from_mins(5);
    let pool = database.pool().await;
    let waiting = async {
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        while !sqlx::query_scalar::<_, bool>(condition).fetch_one(&pool).await.unwrap() {
            looks.tick().await;
        }
    };
    tokio::time::timeout(NEVER, waiting).await.unwrap_or_else(|_| panic!("never: {condition}"));
    pool.close().await;
}

/// The blocks in force and their temporary revokes, one row a line.
async fn rows(database: &Database) -> String {
    let pool = database.pool().await;
    let sql = "select coalesce(string_agg(line, E'\\n' order by line), '') from (
        select concat_ws('|', 'block', block_key, block_type, patient_key, information_start_at,
            information_end_at, information_care_unit_id, provider_key, exempts_lak, exempts_upp)
        from blocks where removed_at is null
        union all
        select concat_ws('|', 'revoke', revoke_key, block_key, end_at, care_unit_id, employee_id)
        from temporary_revokes join blocks using (block_number)
        where removed_at is null and cancelled_at is null) as all_rows (line)";
    let text = sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap();
    pool.close().await;
    text
}

pub fn register(block: &str, wait: i32) -> String {
    let xml = with(&request("blocking/register_extended_block/valid"), "blockId", block);
    with(&xml, "replicationTimeout", &wait.to_string())
}

pub fn lift(block: &str, revoke: &str, wait: i32) -> String {
    let xml = request("blocking/register_temporary_extended_revoke/valid");
    let end = local(Clock::System.now() + chrono::Duration::days(1));
    let xml = with(&xml, "endDate", &end.format("%Y-%m-%dT%H:%M:%S").to_string());
    let xml = with(&with(&xml, "blockId", block), "temporaryRevokeId", revoke);
    with(&xml, "replicationTimeout", &wait.to_string())
}

pub fn cancel(revoke: &str, wait: i32) -> String {
    let xml = request("blocking/cancel_temporary_extended_revoke/valid");
    let xml = with(&xml, "temporaryRevokeId", revoke);
    with(&xml, "replicationTimeout", &wait.to_string())
}

pub fn revoke(block: &str, wait: i32) -> String {
    let xml = with(&request("blocking/revoke_extended_block/valid"), "blockId", block);
    with(&xml, "replicationTimeout", &wait.to_string())
}

pub fn at_national(path: &str) -> String {
    with(&request(path), "LogicalAddress", NATIONAL)
}
