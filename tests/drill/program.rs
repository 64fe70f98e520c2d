//! The real program on a data folder of its own, and its private PostgreSQL from outside.

use super::stream::{is_over_tls, over_tls};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::time::sleep;

/// Where the data folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// In the folder for temporary files.
    Usual,
    /// On a small disk of its own, which only root can make.
    SmallDisk,
    /// Usual, and nobody reads what the server says.
    Unread,
    /// Usual, and callers come with certificates.
    Tls,
}

/// What is stored before the attack.
#[derive(Debug, Clone, Copy)]
pub enum Seed {
    Nothing,
    /// So many blocks, one a patient.
    Blocks(usize),
    /// So many blocks of patient 7.
    OfOnePatient(usize),
    /// The same with 100 temporary revokes each.
    RevokedBlocks(usize),
    /// So many consents of patient 7 at the care provider that is asked about.
    Consents(usize),
}

pub struct Program {
    child: Child,
    pub address: String,
    folder: PathBuf,
    ground: Ground,
    ports: (u16, u16),
}

impl Program {
    pub async fn start(name: &str, ground: Ground) -> Self {
        let name = name.replace(|c: char| !c.is_alphanumeric(), "-");
        let folder =
            std::env::temp_dir().join(format!("sigill-drill-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        if ground == Ground::SmallDisk {
            let mount = ["-t", "tmpfs", "-o", "size=1200m", "drill"];
            let done = std::process::Command::new("mount").args(mount).arg(&folder).status();
            assert!(done.unwrap().success(), "mount");
        }
        // Found free; the server takes it again after a restart.
        let free = || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let ports = (free(), free());
        let child = launch(&folder, ground, ports);
        let called = if ground == Ground::Tls { ports.1 } else { ports.0 };
        let address = format!("127.0.0.1:{called}");
        let mut program = Self { child, address, folder, ground, ports };
        program.serves().await;
        program
    }

    pub fn server(&self) -> SocketAddr {
        self.address.parse().unwrap()
    }

    /// Waits until it is ready.
    pub async fn serves(&mut self) {
        let since = Instant::now();
        while since.elapsed() < Duration::from_mins(1) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {}", self.log());
            let pki = self.data().join("dev-pki");
            if self.ground == Ground::Tls && !is_over_tls(self.server()) {
                if !pki.join("README").is_file() {
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
                over_tls(self.server(), &pki, "consumer");
            }
            let mut client = super::client::Client::new(self.server(), 1);
            if client.get("/ready").await.is_some_and(|answer| answer.contains(" 200 ")) {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("the server does not serve: {}", self.log());
    }

    /// Starts it again, where it ended.
    pub async fn start_again(&mut self) {
        self.child.wait().await.unwrap();
        self.child = launch(&self.folder, self.ground, self.ports);
        self.serves().await;
    }

    /// What it has said, where somebody reads it.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()), signal).unwrap();
    }

    /// How long it takes to end.
    pub async fn ends(&mut self) -> Duration {
        let since = Instant::now();
        self.child.wait().await.unwrap();
        since.elapsed()
    }

    /// The folder in which the data are.
    pub fn data(&self) -> PathBuf {
        self.folder.join("var")
    }

    /// The processes of its PostgreSQL, the first process first.
    pub fn postgres(&self) -> Vec<Pid> {
        let cluster = std::fs::canonicalize(self.data().join("postgres")).unwrap();
        let note = std::fs::read_to_string(cluster.join("postmaster.pid")).unwrap_or_default();
        let first = note.lines().next().and_then(|line| line.parse().ok()).unwrap_or(0);
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut found: Vec<i32> = processes
            .filter(|p| std::fs::read_link(p.path().join("cwd")).is_ok_and(|cwd| cwd == cluster))
            .filter_map(|p| p.file_name().to_str()?.parse().ok())
            .collect();
        found.sort_by_key(|id| (*id != first, *id));
        found.into_iter().map(Pid::from_raw).collect()
    }

    async fn connect(&self) -> PgConnection {
        let cluster = std::fs::canonicalize(self.data().join("postgres")).unwrap();
        let options = PgConnectOptions::new_without_pgpass();
        let options = options.socket(cluster).username("sigill").database("postgres");
        PgConnection::connect_with(&options).await.unwrap()
    }

    pub async fn seed(&self, seed: Seed) {
        let (count, patient) = match seed {
            Seed::Nothing => return,
            Seed::Blocks(count) => (count, "100000000000 + n"),
            Seed::OfOnePatient(count) | Seed::RevokedBlocks(count) => (count, "100000000007"),
            Seed::Consents(count) => return self.seed_consents(count).await,
        };
        let sql = format!(
            "with new as (insert into blocks (tenant_id, block_key, block_id, block_type, patient_key,
                patient_root, patient_extension, information_care_unit_id,
                information_care_provider_id, provider_key, exempts_lak, exempts_upp, extended,
                stored_at, changed_at)
             select 1, 'seed' || n, 'seed' || n, 'Inner', '1.2.752.129.2.1.3.1^' || ({patient}),
                '1.2.752.129.2.1.3.1', ({patient})::text, 'SE2321000016-VE' || n % 50,
                'SE2321000016-VG01', 'se2321000016-vg01', false, false, true, now(), now()
             from generate_series(0, {count} - 1) n returning block_number)
             insert into block_actions (block_number, revoke_number, kind, requested_at,
                requested_by_employee_id, registered_at, registered_by_employee_id)
             select block_number, 0, 'register', now(), 'SE2321000016-P001', now(), 'SE2321000016-P001'
             from new"
        );
        let mut connection = self.connect().await;
        sqlx::query(&sql).execute(&mut connection).await.unwrap();
        if matches!(seed, Seed::RevokedBlocks(_)) {
            let sql = "insert into temporary_revokes (tenant_id, revoke_key, revoke_id, block_number,
                    end_at, care_unit_id, extended, stored_at)
                 select 1, 'seed' || b.block_number || '-' || n, 'seed' || b.block_number || '-' || n,
                    b.block_number, '2099-01-01', 'SE2321000016-VE0' || n % 9, false, now()
                 from blocks b, generate_series(1, 100) n";
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        }
        sqlx::query("analyze").execute(&mut connection).await.unwrap();
    }

    async fn seed_consents(&self, count: usize) {
        let sql = format!(
            "with new as (insert into assertions (tenant_id, assertion_key, assertion_id,
                assertion_type, patient_key, patient_root, patient_extension, care_provider_id,
                provider_key, care_unit_id, start_at, start_given, stored_at)
             select 1, 'seed' || n, 'seed' || n, 'Consent', '1.2.752.129.2.1.3.1^100000000007',
                '1.2.752.129.2.1.3.1', '100000000007', 'SE2321000016-VG01', 'se2321000016-vg01',
                'SE2321000016-VE' || n, now(), false, now()
             from generate_series(1, {count}) n returning assertion_number)
             insert into assertion_actions (assertion_number, kind, requested_at,
                requested_by_employee_id, registered_at, registered_by_employee_id)
             select assertion_number, 'register', now(), 'SE2321000016-P001', now(), 'SE2321000016-P001'
             from new"
        );
        let mut connection = self.connect().await;
        sqlx::query(&sql).execute(&mut connection).await.unwrap();
        sqlx::query("analyze").execute(&mut connection).await.unwrap();
    }

    pub async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut self.connect().await).await.unwrap()
    }

    /// Of these records those that are not there, and records of which a part is missing.
    pub async fn lost(&self, acknowledged: &[String]) -> (i64, i64) {
        let mut connection = self.connect().await;
        let lost = sqlx::query_scalar(
            "select count(*) from unnest($1::text[]) a (id)
             where not exists (select 1 from log_entries e where e.log_id = a.id)",
        );
        let lost = lost.bind(acknowledged).fetch_one(&mut connection).await.unwrap();
        let half = "select (select count(*) from log_ids_1 i full join log_entries e using (entry_number)
                where i.entry_number is null or e.entry_number is null)
            + (select count(*) from log_entries e
                where not exists (select 1 from log_resources r where r.entry_number = e.entry_number))";
        (lost, sqlx::query_scalar(half).fetch_one(&mut connection).await.unwrap())
    }

    pub fn forget_peak_memory(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id().unwrap()), "5").unwrap();
    }

    /// The most memory it has had, in megabytes.
    pub fn peak_memory(&self) -> f64 {
        self.memory("VmHWM:")
    }

    /// The memory that it has now, in megabytes.
    pub fn memory_now(&self) -> f64 {
        self.memory("VmRSS:")
    }

    fn memory(&self, line: &str) -> f64 {
        let Some(id) = self.child.id() else { return 0.0 };
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let kilobytes = status.lines().find_map(|l| l.strip_prefix(line));
        kilobytes.and_then(|v| v.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0)
            / 1024.0
    }

    pub async fn stop(mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.signal(Signal::SIGTERM);
            self.child.wait().await.unwrap();
        }
        if self.ground == Ground::SmallDisk {
            let done = std::process::Command::new("umount").arg(&self.folder).status();
            assert!(done.unwrap().success(), "umount");
        }
        let elsewhere = std::fs::canonicalize(self.data().join("postgres"));
        _ = std::fs::remove_dir_all(&self.folder);
        if let Ok(elsewhere) = elsewhere {
            _ = std::fs::remove_dir_all(elsewhere);
        }
    }
}

fn launch(folder: &Path, ground: Ground, (port, tls_port): (u16, u16)) -> Child {
    let program = std::env::var("SIGILL_DRILL_PROGRAM");
    let program = program.unwrap_or_else(|_| env!("CARGO_BIN_EXE_sigill").into());
    let said = match ground {
        // A pipe whose other end is kept and not read.
        Ground::Unread => Stdio::piped(),
        Ground::Usual | Ground::SmallDisk | Ground::Tls => {
            let file = std::fs::File::options().create(true).append(true).open(folder.join("log"));
            file.unwrap().into()
        }
    };
    let mut command = Command::new(program);
    if ground == Ground::Tls {
        command.args(["serve", "--https", &format!("127.0.0.1:{tls_port}"), "--dev-pki"]);
    } else {
        command.arg("serve");
    }
    command
        .args(["--http", &format!("127.0.0.1:{port}"), "--data"])
        .arg(folder.join("var"))
        .stderr(said)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
