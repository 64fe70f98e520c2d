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
        /// Settings (TOML).
        #[arg(long)]
        config: Option<PathBuf>,
        /// Folder for the private database; default ./var.
        #[arg(long)]
        data: Option<PathBuf>,
        /// Address and port to listen on; default 127.0.0.1:8080.
        #[arg(long)]
        http: Option<SocketAddr>,
    },
    /// Say what a configuration file means, without starting anything.
    CheckConfig {
        /// Settings (TOML).
        file: PathBuf,
    },
    /// Compare our schemas and WSDLs with the official package in a folder.
    CheckContracts {
        /// The folder; files are matched by target namespace.
        dir: PathBuf,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve { config, data, http } => match Config::load(config.as_deref()) {
            Ok(mut settings) => {
                settings.data.dir = data.unwrap_or(settings.data.dir);
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
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(sigill::app::serve(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("sigill: {error}");
    ExitCode::FAILURE
}
