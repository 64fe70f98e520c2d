//! The program's commands.

use clap::{Parser, Subcommand};
use sigill::check_contracts;
use sigill::config::Config;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

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
        Replication::Status { settings, block } => match settings.load() {
            Ok(config) => run(async { status(&config, block.as_deref()).await.map(|()| true) }),
            Err(error) => failed(&error),
        },
        Replication::Resync { settings, dry_run } => match settings.load() {
            Ok(config) => run(resync(&config, dry_run)),
            Err(error) => failed(&error),
        },
    }
}

/// Runs to the end; `false` is failure without an error.
fn run(work: impl Future<Output = Result<bool, sigill::app::AppError>>) -> ExitCode {
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
