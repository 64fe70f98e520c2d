//! The program's commands.

use clap::{Parser, Subcommand};
use sigill::app::AppError;
use sigill::app::import::{self, OtherProducer};
use sigill::app::retention::{self, HoldRequest};
use sigill::check_contracts;
use sigill::config::Config;
use sigill::peer::PeerSettings;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(version, about = "Blocks, consents and the access log for the Swedish service platform")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the contracts.
    Serve {
        #[command(flatten)]
        settings: Settings,
        /// Address and port to listen on; default 127.0.0.1:8080.
        #[arg(long)]
        http: Option<SocketAddr>,
    },
    /// Say what a configuration file means, without starting anything.
    CheckConfig {
        /// Settings (TOML).
        file: PathBuf,
    },
    /// Replication of blocks to a national service elsewhere.
    Replication {
        #[command(subcommand)]
        command: Replication,
    },
    /// Take up copies from local systems.
    Import {
        #[command(subcommand)]
        what: Import,
    },
    /// Remove what has been invalid for long enough.
    Retention {
        #[command(flatten)]
        settings: Settings,
        /// Only say what is due.
        #[arg(long)]
        dry_run: bool,
        /// Say what will be due at a time (for example 2036-12-24T00:00:00Z).
        #[arg(long, requires = "dry_run")]
        at: Option<sigill::domain::time::Timestamp>,
    },
    /// Legal holds: what must not be removed, however old.
    Hold {
        #[command(subcommand)]
        command: Hold,
    },
    /// Compare our schemas and WSDLs with the official package in a folder.
    CheckContracts {
        /// The folder; files are matched by target namespace.
        dir: PathBuf,
    },
}

#[derive(Subcommand)]
enum Replication {
    /// Say what the national service has not confirmed.
    Status {
        #[command(flatten)]
        settings: Settings,
        /// One block: whether it is replicated.
        #[arg(long)]
        block: Option<String>,
    },
    /// Compare every block with the national service, and send it what it lacks.
    Resync {
        #[command(flatten)]
        settings: Settings,
        /// Only compare.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Subcommand)]
enum Import {
    /// Consents and emergency assertions: out of a file, or from another producer.
    Consents {
        #[command(flatten)]
        settings: Settings,
        /// An XML file with pdlAssertions elements (ExtendedPDLAssertionType).
        #[arg(required_unless_present = "from", conflicts_with = "from")]
        file: Option<PathBuf>,
        /// The system that they are copies from (HSA-id).
        #[arg(long)]
        source: String,
        /// The tenant's name.
        #[arg(long, default_value = "default")]
        tenant: String,
        #[command(flatten)]
        producer: Producer,
    },
}

/// Another producer, read over GetConsentsForCareProvider.
#[derive(clap::Args)]
struct Producer {
    /// What stands before the contracts' paths there, for example <https://host/vp>.
    #[arg(long, requires_all = ["logical_address", "care_provider"])]
    from: Option<String>,
    /// Its logical address.
    #[arg(long)]
    logical_address: Option<String>,
    /// Whose assertions are read (HSA-id).
    #[arg(long)]
    care_provider: Option<String>,
    /// Whom to trust (PEM); needed for https.
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// Our certificate (PEM).
    #[arg(long)]
    certificate_file: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// Seconds that a page may take.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout_seconds: u64,
}

impl Producer {
    fn chosen(self) -> Result<Option<OtherProducer>, AppError> {
        let identity = import::identity(self.certificate_file, self.key_file)?;
        let Some(base) = self.from else { return Ok(None) };
        Ok(Some(OtherProducer {
            peer: PeerSettings {
                base,
                ca_file: self.ca_file,
                identity,
                timeout: Duration::from_secs(self.timeout_seconds),
                consumer: None,
            },
            logical_address: self.logical_address.unwrap_or_default(),
            care_provider: self.care_provider.unwrap_or_default(),
        }))
    }
}

#[derive(Subcommand)]
enum Hold {
    /// Keep a patient's data, a care provider's, or one patient's at one care provider.
    Place {
        #[command(flatten)]
        settings: Settings,
        /// The tenant's name.
        #[arg(long, default_value = "default")]
        tenant: String,
        /// A patient: root and extension are read from standard input, on a line each, so that
        /// they stand in no list of processes or commands.
        #[arg(long)]
        patient: bool,
        /// A care provider (HSA-id).
        #[arg(long)]
        care_provider: Option<String>,
        /// Which case it is about; without personal data.
        #[arg(long)]
        reason: String,
    },
    /// End a hold.
    Lift {
        #[command(flatten)]
        settings: Settings,
        /// Its number.
        number: i64,
    },
    /// List the holds in force.
    List {
        #[command(flatten)]
        settings: Settings,
    },
}

/// Where settings and data are.
#[derive(clap::Args)]
struct Settings {
    /// Settings (TOML).
    #[arg(long)]
    config: Option<PathBuf>,
    /// Folder for the private database; default ./var.
    #[arg(long)]
    data: Option<PathBuf>,
}

impl Settings {
    fn load(self) -> Result<Config, sigill::config::ConfigError> {
        let mut config = Config::load(self.config.as_deref())?;
        config.data.dir = self.data.unwrap_or(config.data.dir);
        Ok(config)
    }

    /// Runs a command with the settings.
    fn run(self, command: impl AsyncFnOnce(Config) -> Result<bool, AppError>) -> ExitCode {
        match self.load() {
            Ok(config) => run(command(config)),
            Err(error) => failed(&error),
        }
    }
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve { settings, http } => match settings.load() {
            Ok(mut settings) => {
                settings.http.listen = http.unwrap_or(settings.http.listen);
                serve(settings)
            }
            Err(error) => failed(&error),
        },
        Command::CheckConfig { file } => match Config::load(Some(&file)) {
            Ok(config) => {
                println!("{config:#?}");
                ExitCode::SUCCESS
            }
            Err(error) => failed(&error),
        },
        Command::Replication { command } => replication(command),
        Command::Retention { settings, dry_run, at } => settings.run(async |config| {
            match dry_run {
                true => retention::dry_run(&config, at).await?,
                false => retention::remove(&config).await?,
            }
            Ok(true)
        }),
        Command::Hold { command } => hold(command),
        Command::Import { what: Import::Consents { settings, file, source, tenant, producer } } => {
            let wanted = import::Import { tenant, source };
            settings.run(async |config| match (producer.chosen()?, file) {
                (Some(from), _) => import::producer(&config, &wanted, &from).await,
                (None, Some(file)) => import::file(&config, &wanted, &file).await,
                (None, None) => Err(AppError::Request("name a file or a producer")),
            })
        }
        Command::CheckContracts { dir } => match check_contracts::run(&dir) {
            Ok(report) => {
                print!("{report}");
                if report.agrees() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(error) => failed(&error),
        },
    }
}

fn serve(config: Config) -> ExitCode {
    sigill::telemetry::start();
    run(async { sigill::app::serve(config).await.map(|()| true) })
}

fn replication(command: Replication) -> ExitCode {
    use sigill::app::replication::{resync, status};
    match command {
        Replication::Status { settings, block } => settings.run(async |config| {
            status(&config, block.as_deref()).await?;
            Ok(true)
        }),
        Replication::Resync { settings, dry_run } => {
            settings.run(async |config| resync(&config, dry_run).await)
        }
    }
}

fn hold(command: Hold) -> ExitCode {
    match command {
        Hold::Place { settings, tenant, patient, care_provider, reason } => {
            let patient = match patient.then(patient_from_input).transpose() {
                Ok(patient) => patient,
                Err(error) => return failed(&error),
            };
            let request = HoldRequest { tenant, patient, care_provider, reason };
            settings.run(async |config| {
                println!("hold {}", retention::place_hold(&config, &request).await?);
                Ok(true)
            })
        }
        Hold::Lift { settings, number } => {
            settings.run(async |config| retention::lift_hold(&config, number).await)
        }
        Hold::List { settings } => settings.run(async |config| {
            retention::list_holds(&config).await?;
            Ok(true)
        }),
    }
}

/// Two lines: root and extension.
fn patient_from_input() -> std::io::Result<(String, String)> {
    let mut lines = std::io::stdin().lines();
    let mut next = || lines.next().unwrap_or_else(|| Ok(String::new()));
    Ok((next()?, next()?))
}

/// Runs to the end; `false` is failure without an error.
fn run(work: impl Future<Output = Result<bool, AppError>>) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(work) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("sigill: {error}");
    ExitCode::FAILURE
}
