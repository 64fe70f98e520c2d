//! The one place that knows all parts: settings, store, listener, drain.

pub mod import;
pub mod replication;
pub mod retention;
mod tenants;

use crate::config::{self, Config, Database};
use crate::contracts::blocking::resync::ResyncError;
use crate::contracts::consent::producer::ProducerError;
use crate::contracts::context::{ConsentSettings, Services};
use crate::domain::block_lifecycle::{LiftPolicies, LiftPolicy};
use crate::domain::identity::HsaId;
use crate::domain::log::RepeatedLogId;
use crate::domain::time::Clock;
use crate::peer::PeerSettingsError;
use crate::private_postgres::{PrivatePostgres, PrivatePostgresError};
use crate::store::{LogWriters, Store, StoreError};
use crate::wire::endpoint::Endpoint;
use crate::wire::listener;
use crate::workers;
use sqlx::postgres::PgConnectOptions;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Connections of a command beside a server.
const COMMAND_CONNECTIONS: u32 = 4;

/// Why the server did not start or end cleanly.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The private `PostgreSQL`.
    #[error(transparent)]
    PrivatePostgres(#[from] PrivatePostgresError),
    /// The store.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// `database.url` cannot be read.
    #[error("database.url: {0}")]
    DatabaseUrl(sqlx::Error),
    /// The listener.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The national service of a tenant cannot be called as configured.
    #[error("{0}")]
    Peer(#[from] PeerSettingsError),
    /// Local and national service could not be compared.
    #[error("{0}")]
    Resync(#[from] ResyncError),
    /// A file that cannot be read.
    #[error("cannot read {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A file that is not XML.
    #[error("{0}: {1}")]
    Broken(PathBuf, String),
    /// Another producer could not be read.
    #[error("{0}")]
    Producer(#[from] ProducerError),
    /// A command that asks for what cannot be.
    #[error("{0}")]
    Request(&'static str),
    /// Signals.
    #[error("signals: {0}")]
    Signals(std::io::Error),
}

/// Runs the server until it is told to stop. The first SIGTERM or SIGINT lets requests under
/// way finish; the second, or the time limit, cuts them off.
///
/// # Errors
/// What kept it from starting or from stopping cleanly.
pub async fn serve(config: Config) -> Result<(), AppError> {
    let mut stop = Stop::new().map_err(AppError::Signals)?;
    let (options, private) = database(&config).await?;
    let served = serve_database(&config, options, &mut stop).await;
    if let Some(private) = private {
        private.stop().await?;
    }
    served
}

/// The signals that end the server.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn database(
    config: &Config,
) -> Result<(PgConnectOptions, Option<PrivatePostgres>), AppError> {
    let Database { url, .. } = &config.database;
    if let Some(url) = url {
        let options = PgConnectOptions::from_str(url).map_err(AppError::DatabaseUrl)?;
        return Ok((options, None));
    }
    let private = PrivatePostgres::start(&config.data.dir).await?;
    Ok((private.options(), Some(private)))
}

async fn serve_database(
    config: &Config,
    options: PgConnectOptions,
    stop: &mut Stop,
) -> Result<(), AppError> {
    let store = Store::open(options, config.database.connections).await?;
    let (log_writers, mut writing) = LogWriters::start(&store, config.log.writers);
    let services = Services {
        tenants: tenants::tenants(&store, config).await?,
        store: store.clone(),
        log_writers,
        lift_policies: lift_policies(&config.blocking),
        consents: ConsentSettings {
            page_rows: config.consent.page_rows,
            citizen_services: config
                .consent
                .citizen_services
                .as_ref()
                .map(|ids| ids.iter().filter_map(|id| HsaId::new(id)).collect()),
        },
        repeated_log_id: match config.log.repeated_log_id {
            config::RepeatedLogId::Refuse => RepeatedLogId::Refuse,
            config::RepeatedLogId::AcceptIdentical => RepeatedLogId::AcceptIdentical,
        },
    };
    let (stop_workers, mut working) = workers(config, &services);
    let endpoint = Arc::new(Endpoint::new(services, config.limits.clone(), Clock::System));
    let address = config.http.listen;
    let listener = TcpListener::bind(address).await.map_err(|e| AppError::Listen(address, e))?;
    let address = listener.local_addr().map_err(|e| AppError::Listen(address, e))?;
    if !address.ip().is_loopback() {
        tracing::warn!("plain HTTP beyond this machine: callers are not known");
    }
    tracing::info!(address = %format!("http://{address}"), "serving");
    let (drain, draining) = tokio::sync::oneshot::channel::<()>();
    let mut serving = std::pin::pin!(listener::serve(listener, endpoint, &config.limits, async {
        // Either way of ending means to stop.
        _ = draining.await;
    }));
    tokio::select! {
        () = &mut serving => return Ok(()),
        () = stop.next() => tracing::info!("draining"),
    }
    _ = drain.send(());
    _ = stop_workers.send(true);
    let finished = async {
        serving.await;
        while working.join_next().await.is_some() {}
    };
    tokio::select! {
        () = finished => {}
        () = stop.next() => tracing::warn!("cut off by a second signal"),
        () = tokio::time::sleep(config.limits.drain_timeout()) => {
            tracing::warn!("cut off by the time limit");
        }
    }
    writing.abort_all();
    while writing.join_next().await.is_some() {}
    tracing::info!("stopped");
    Ok(())
}

/// Starts what goes on beside the calls; `true` ends it.
fn workers(config: &Config, services: &Services) -> (watch::Sender<bool>, JoinSet<()>) {
    let (stop, stopped) = watch::channel(false);
    let mut working = JoinSet::new();
    for replicator in services.tenants.replicators() {
        working.spawn(workers::replication::run(replicator, stopped.clone()));
    }
    if config.retention.every_hours > 0 {
        let every = Duration::from_secs(config.retention.every_hours * 3600);
        let (store, retention) = (services.store.clone(), retention::configured(config));
        working.spawn(workers::retention::run(store, retention, every, Clock::System, stopped));
    }
    (stop, working)
}

/// The store that `serve` uses, without starting anything.
async fn store_of_running(config: &Config) -> Result<Store, AppError> {
    let options = match &config.database.url {
        Some(url) => PgConnectOptions::from_str(url).map_err(AppError::DatabaseUrl)?,
        None => PrivatePostgres::of_running(&config.data.dir)?,
    };
    Ok(Store::open(options, COMMAND_CONNECTIONS).await?)
}

fn lift_policies(blocking: &config::Blocking) -> LiftPolicies {
    let policy = |longest_days: u32, outer_blocks| LiftPolicy {
        longest: (longest_days > 0).then(|| chrono::Duration::days(longest_days.into())),
        outer_blocks,
    };
    let own = blocking.care_provider.iter().filter_map(|(id, own)| {
        let days = own.longest_temporary_revoke_days;
        let outer = own.lift_outer_blocks.unwrap_or(blocking.lift_outer_blocks);
        let days = days.unwrap_or(blocking.longest_temporary_revoke_days);
        HsaId::new(id).map(|id| (id, policy(days, outer)))
    });
    LiftPolicies {
        default: policy(blocking.longest_temporary_revoke_days, blocking.lift_outer_blocks),
        own: own.collect(),
    }
}
