//! The one place that composes: settings → parts → listener → drain.

mod asked_services;
mod database;
mod demo_reviews;
pub mod error;
mod listening;
mod orders;
mod people;
pub mod process;
pub mod retention;
pub mod seal;
pub mod tenants;
pub mod trust;

use self::database::{Database, Upkeep};
use self::error::AppError;
use self::listening::Listening;
use self::process::{Stop, raise_descriptors};
use self::tenants::TenantsError;
use crate::clock::Clock;
use crate::config::database::Data;
use crate::config::file::Config;
use crate::config::tenant::DEMO_TENANT;
use crate::config::trust::RefusalForm;
use crate::demo::fill::Filled;
use crate::demo::region::{self, Size};
use crate::fairness::shares::Percentages;
use crate::health::Health;
use crate::peers::witness::RemoteWitness;
use crate::procedures::authorisation::Authorisation;
use crate::procedures::context::{ReportSettings, Services};
use crate::procedures::log_ids::Tidying;
use crate::procedures::people::on_duty::SharedPeople;
use crate::procedures::processors::Processors;
use crate::procedures::seal::log_seal::LogSeal;
use crate::procedures::seal::opening;
use crate::procedures::seal::trust::LogTrust;
use crate::store::database::Store;
use crate::store::log::writer::LogWriters;
use crate::store::roles;
use crate::workers;
use crate::workers::watch;
use sqlx::postgres::PgConnectOptions;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch as watch_channel;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Connections of a command beside a server.
const COMMAND_CONNECTIONS: u32 = 12;

/// Runs the server until it is told to stop. The first SIGTERM or SIGINT lets requests under
/// way finish; the second, or the time limit, cuts them off. `dropped` counts the lines of the log
/// that nobody took.
///
/// # Errors
/// What kept it from starting or from stopping cleanly.
pub async fn serve(
    config: Config,
    clock: Clock,
    dropped: impl Fn() -> u64 + Send + Sync + 'static,
) -> Result<(), AppError> {
    let mut stop = Stop::new().map_err(AppError::Signals)?;
    raise_descriptors(&config);
    // What cannot be listened on is told before a database is started; who comes meanwhile waits.
    let listening = Listening::begin(&config, clock.now())?;
    let pages_at = listening.pages_address(&config);
    let database = tokio::select! {
        database = Database::prepare(&config) => database?,
        () = stop.next() => return Ok(()),
    };
    let health = Health::default();
    let started = tokio::select! {
        started = start(&config, &database, &clock, (&health, &pages_at)) => started,
        () = stop.next() => {
            tracing::info!("stopped while starting");
            return Ok(database.stop_at_once().await?);
        }
    };
    let served = match started {
        Ok(parts) => {
            let (stop_workers, mut working) = workers(&config, database.folder(), &parts, &clock);
            working.spawn(watch::lines(dropped, health, stop_workers.subscribe()));
            let workers = (stop_workers, working);
            serve_parts(&config, &database, listening, parts, workers, &mut stop, &clock).await
        }
        Err(error) => Err(error),
    };
    let stopped = database.stop().await;
    // What went wrong first is told; what follows from it goes to the log.
    match (served, stopped) {
        (Err(error), Err(after)) => {
            tracing::error!(error = %after, "stopping");
            Err(error)
        }
        (served, stopped) => served.and(stopped.map_err(AppError::from)),
    }
}

/// What serves, once it has started.
struct Parts {
    services: Services,
    upkeep: Upkeep,
    seal: LogSeal,
    witnesses: Vec<RemoteWitness>,
    writing: JoinSet<()>,
    people: SharedPeople,
}

async fn start(
    config: &Config,
    database: &Database,
    clock: &Clock,
    (health, pages_at): (&Health, &str),
) -> Result<Parts, AppError> {
    let logins = database.start().await?;
    // The owner brings the tables to this program's version before anybody else looks at them.
    let upkeep = Upkeep::open(config, &logins).await?;
    if database.is_private() {
        roles::apply(&logins.owner).await?;
    }
    let (connections, percentages) = (config.database.connections, config.limits.percentages());
    let store = Store::open(logins.server, connections, percentages).await?;
    // Before the first record: afterwards a worker does it.
    if let Err(error) = upkeep.owner.make_log_partitions(clock.now()).await {
        // As beside a backup, which holds the tables: records have a place all the same.
        tracing::warn!(%error, "partitions of the log not made yet");
    }
    let seal = opening::open(store, seal::sealing_settings(config)?, clock.now()).await?;
    let (seal, store) = (seal.kept_by(&upkeep.owner), seal.store.clone());
    let (log_writers, writing) = LogWriters::start(&store, config.log.writers)?;
    let trust = seal::trust(config, seal.clone(), clock.clone());
    let authorisation = trust::authorisation(config);
    authorisation.read(&store).await?;
    let granted = (trust, authorisation);
    let services = services(config, store, log_writers, granted, health.clone(), clock).await?;
    let witnesses = seal::witnesses(config).map_err(TenantsError::from)?;
    if config.demo {
        fill_demo(&services, &upkeep, clock).await?;
    }
    let people = people::people(config, &services, pages_at, clock)?;
    Ok(Parts { services, upkeep, seal, witnesses, writing, people })
}

/// Fills the tenant of a demonstration, where it is empty.
async fn fill_demo(services: &Services, upkeep: &Upkeep, clock: &Clock) -> Result<(), AppError> {
    let tenant = services.store.tenant(DEMO_TENANT).await?;
    let filled = Filled {
        store: &services.store,
        owner: &upkeep.owner,
        writers: &services.log_writers,
        tenant,
        name: DEMO_TENANT,
    };
    filled.fill(region::SEED, Size::SMALL, clock.now()).await?;
    Ok(())
}

async fn serve_parts(
    config: &Config,
    database: &Database,
    listening: Listening,
    Parts { services, mut writing, people, .. }: Parts,
    (stop_workers, mut working): (watch_channel::Sender<bool>, JoinSet<()>),
    stop: &mut Stop,
    clock: &Clock,
) -> Result<(), AppError> {
    let health = services.health.clone();
    let listening = listening.follow(config, &services, clock, &stop_workers, &mut working);
    let (drain, draining) = watch_channel::channel(false);
    let serving = listening.serve(config, (services, people), clock, draining)?;
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        () = &mut serving => return Ok(()),
        error = database.watch(config, &health) => return Err(error.into()),
        () = stop.next() => tracing::info!("draining"),
    }
    _ = drain.send(true);
    _ = stop_workers.send(true);
    let finished = async {
        serving.await;
        while working.join_next().await.is_some() {}
    };
    tokio::select! {
        () = finished => {}
        // Calls under way need it.
        error = database.watch(config, &health) => tracing::error!(%error, "while draining"),
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
    (trust, authorisation): (LogTrust, Authorisation),
    health: Health,
    clock: &Clock,
) -> Result<Services, AppError> {
    let installation = store.installation().await?;
    Ok(Services {
        health,
        processors: Processors::new(config.limits.percentages()),
        tenants: tenants::tenants(&store, config, clock).await?,
        store,
        log_writers,
        lift_policies: config.blocking.lift_policies(),
        consent_page_rows: config.consent.page_rows,
        check_blocks_rows_max: config.limits.check_blocks_rows_max,
        profile: config.profile().name(),
        authorisation,
        forbids_by_status: config.trust.refusal == RefusalForm::Http403,
        repeated_log_id: config.log.repeated_log_id.policy(),
        own_system: (*config.admin.system_id).clone(),
        future_activity: config.log.future_activity.policy(),
        reports: ReportSettings {
            wait: Duration::from_secs(config.log.report_wait_seconds),
            records_max: config.log.report_records_max,
            new_id: Uuid::new_v4,
        },
        orders: orders::orders(config, installation, trust.clone()),
        trust,
        publishing: seal::publishing(config),
        witness: seal::witness(config)?,
        fill_random: seal::fill_random,
    })
}

/// Starts what goes on beside the calls; `true` ends it.
fn workers(
    config: &Config,
    private: Option<&Path>,
    Parts { services, upkeep, seal, witnesses, people, .. }: &Parts,
    clock: &Clock,
) -> (watch_channel::Sender<bool>, JoinSet<()>) {
    let (stop, stopped) = watch_channel::channel(false);
    let mut working = JoinSet::new();
    for replicator in services.tenants.replicators() {
        working.spawn(workers::replication::run(replicator, stopped.clone()));
    }
    let (store, health) = (&services.store, &services.health);
    let sealing =
        workers::sealing::run(seal.clone(), clock.clone(), health.clone(), stopped.clone());
    working.spawn(sealing);
    for witness in witnesses {
        let (seal, witness, clock) = (seal.clone(), witness.clone(), clock.clone());
        working.spawn(workers::witnesses::run(seal, witness, None, clock, stopped.clone()));
    }
    if config.log.verify_rate > 0 {
        let (seal, rate) = (seal.clone(), config.log.verify_rate);
        working.spawn(workers::verifying::run(seal, rate, clock.clone(), stopped.clone()));
    }
    if let Some(folder) = private {
        let Data { free_bytes_low: low, free_bytes_least: least, .. } = config.data;
        let wanted = watch::Wanted { folder: folder.to_owned(), low, least };
        working.spawn(watch::space(wanted, health.clone(), stopped.clone()));
    }
    working.spawn(watch::partitions(upkeep.owner.clone(), clock.clone(), stopped.clone()));
    let watched = watch::clocks(store.clone(), clock.clone(), health.clone(), stopped.clone());
    working.spawn(watched);
    let (records_max, hours) = (config.log.report_records_max, config.log.report_keep_hours);
    let kept = workers::reports::Kept { records_max, hours };
    working.spawn(workers::reports::run(store.clone(), kept, stopped.clone()));
    let (settings, hours) = (services.orders.clone(), config.log.order_keep_hours);
    working.spawn(workers::orders::run(store.clone(), settings, hours, stopped.clone()));
    working.spawn(workers::people::probe(people.clone(), stopped.clone()));
    working.spawn(workers::people::statistics(people.clone(), stopped.clone()));
    let (reviewing, until, demo) = (people.clone(), stopped.clone(), config.demo);
    working.spawn(async move {
        if demo {
            demo_reviews::run(reviewing.clone(), until.clone()).await;
        }
        workers::reviews::rounds(reviewing, until).await;
    });
    working.spawn(workers::reviews::verdicts(people.clone(), stopped.clone()));
    working.spawn(workers::reviews::nights(people.clone(), stopped.clone()));
    working.spawn(workers::reviews::surnames(people.clone(), stopped.clone()));
    let authorisation = services.authorisation.clone();
    working.spawn(workers::grants::run(authorisation, store.clone(), stopped.clone()));
    let tidying = Tidying {
        table_ids: config.log.id_table_ids,
        forgotten_after: config.retention.log.ids_policy(),
    };
    let (tidied, at) = (upkeep.owner.clone(), clock.clone());
    working.spawn(workers::log_ids::run(tidied, tidying, at, stopped.clone()));
    if config.retention.every_hours > 0 {
        let every = Duration::from_secs(config.retention.every_hours * 3600);
        let (store, clock) = (seal.sealing(&upkeep.retention), clock.clone());
        working.spawn(workers::retention::run(
            store,
            retention::policy(config),
            every,
            clock,
            stopped,
        ));
    }
    (stop, working)
}

/// The same with the keys of its log.
///
/// # Errors
/// That it cannot be reached, or that the keys are not here.
pub async fn seal_of_running(config: &Config) -> Result<LogSeal, AppError> {
    let store = store_of_running(config).await?;
    Ok(opening::open(store, seal::settings(config), Clock::System.now()).await?)
}

/// The store of a command, as who.
///
/// # Errors
/// That it cannot be reached.
async fn command_store(login: PgConnectOptions) -> Result<Store, AppError> {
    Ok(Store::open(login, COMMAND_CONNECTIONS, Percentages::default()).await?)
}

/// The store with which what is old enough is removed.
///
/// # Errors
/// That it cannot be reached, or that the keys are not here.
pub async fn retention_of_running(config: &Config) -> Result<Store, AppError> {
    let store = command_store(database::of_running(config)?.retention).await?;
    Ok(opening::open(store, seal::settings(config), Clock::System.now()).await?.store)
}

/// The store of the tables' owner.
///
/// # Errors
/// That it cannot be reached.
pub async fn owner_of_running(config: &Config) -> Result<Store, AppError> {
    command_store(database::of_running(config)?.owner).await
}

/// Makes the database's roles, as the tables' owner.
///
/// # Errors
/// That it cannot be reached, or may not.
pub async fn apply_roles(config: &Config) -> Result<(), AppError> {
    let logins = database::of_running(config)?;
    command_store(logins.owner.clone()).await?.close().await;
    Ok(roles::apply(&logins.owner).await?)
}

/// Whether the database's addresses can be used; connects to nobody.
///
/// # Errors
/// Why not.
pub fn check_database(config: &Config) -> Result<(), AppError> {
    Ok(database::Logins::named(config).map(|_| ())?)
}

/// The store that `serve` uses, without starting anything.
///
/// # Errors
/// That it cannot be reached.
pub async fn store_of_running(config: &Config) -> Result<Store, AppError> {
    command_store(database::of_running(config)?.server).await
}
