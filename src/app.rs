//! The one place that composes: settings → parts → listener → drain.

pub mod tenants;

use crate::clock::Clock;
use crate::config::database::Database;
use crate::config::file::Config;
use crate::private_postgres::{PrivatePostgres, PrivatePostgresError};
use crate::procedures::context::{CitizenServices, Services};
use crate::procedures::retention::Retention;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::writer::LogWriters;
use crate::wire::endpoint::Endpoint;
use crate::wire::listener;
use crate::workers;
use sqlx::postgres::PgConnectOptions;
use std::net::SocketAddr;
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
    /// A tenant cannot be as configured.
    #[error("{0}")]
    Tenants(#[from] tenants::TenantsError),
    /// Signals.
    #[error("signals: {0}")]
    Signals(std::io::Error),
}

/// Runs the server until it is told to stop. The first SIGTERM or SIGINT lets requests under
/// way finish; the second, or the time limit, cuts them off.
///
/// # Errors
/// What kept it from starting or from stopping cleanly.
pub async fn serve(config: Config, clock: Clock) -> Result<(), AppError> {
    let mut stop = Stop::new().map_err(AppError::Signals)?;
    let (options, private) = database(&config).await?;
    let served = serve_database(&config, options, &clock, &mut stop).await;
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
    clock: &Clock,
    stop: &mut Stop,
) -> Result<(), AppError> {
    let store = Store::open(options, config.database.connections).await?;
    let (log_writers, mut writing) = LogWriters::start(&store, config.log.writers);
    let services = services(config, store, log_writers, clock).await?;
    let (stop_workers, mut working) = workers(config, &services, clock);
    let endpoint = Arc::new(Endpoint::new(services, &config.limits, &config.http, clock.clone()));
    let address = config.http.listen;
    let listener = TcpListener::bind(address).await.map_err(|e| AppError::Listen(address, e))?;
    let address = listener.local_addr().map_err(|e| AppError::Listen(address, e))?;
    warn(config, address);
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

async fn services(
    config: &Config,
    store: Store,
    log_writers: LogWriters,
    clock: &Clock,
) -> Result<Services, AppError> {
    let listed = config.consent.citizen_services.iter().map(|id| (**id).clone()).collect();
    Ok(Services {
        tenants: tenants::tenants(&store, config, clock).await?,
        store,
        log_writers,
        lift_policies: config.blocking.lift_policies(),
        consent_page_rows: config.consent.page_rows,
        citizen_services: match config.is_test_bench {
            true => CitizenServices::CallersHere,
            false => CitizenServices::Listed(listed),
        },
        repeated_log_id: config.log.repeated_log_id.policy(),
    })
}

/// What an operator must know before the first call.
fn warn(config: &Config, address: SocketAddr) {
    if config.is_test_bench {
        tracing::warn!(
            "TEST BENCH: no configuration file, so whatever calls from this machine may act for \
             patients; behind a proxy here everybody does"
        );
    }
    if !address.ip().is_loopback() {
        tracing::warn!("plain HTTP beyond this machine: callers are not known");
    }
}

/// Starts what goes on beside the calls; `true` ends it.
fn workers(
    config: &Config,
    services: &Services,
    clock: &Clock,
) -> (watch::Sender<bool>, JoinSet<()>) {
    let (stop, stopped) = watch::channel(false);
    let mut working = JoinSet::new();
    for replicator in services.tenants.replicators() {
        working.spawn(workers::replication::run(replicator, stopped.clone()));
    }
    if config.retention.every_hours > 0 {
        let every = Duration::from_secs(config.retention.every_hours * 3600);
        let (store, clock) = (services.store.clone(), clock.clone());
        working.spawn(workers::retention::run(store, retention(config), every, clock, stopped));
    }
    (stop, working)
}

/// What is removed after how long, as configured.
pub fn retention(config: &Config) -> Retention {
    Retention {
        assertions: config.retention.consents.policy(),
        batch_rows: config.retention.batch_rows,
    }
}

/// The store that `serve` uses, without starting anything.
///
/// # Errors
/// That it cannot be reached.
pub async fn store_of_running(config: &Config) -> Result<Store, AppError> {
    let options = match &config.database.url {
        Some(url) => PgConnectOptions::from_str(url).map_err(AppError::DatabaseUrl)?,
        None => PrivatePostgres::of_running(&config.data.dir)?,
    };
    Ok(Store::open(options, COMMAND_CONNECTIONS).await?)
}
