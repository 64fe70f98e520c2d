//! A running service on a fresh database, in this process with a held clock, or the real
//! program; and a plain HTTP client.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sigill::clock::Clock;
use sigill::config::http::Http;
use sigill::config::limits::Limits;
use sigill::config::trust::{Profile, Trust};
use sigill::domain::blocking::lift_policy::LiftPolicies;
use sigill::domain::identity::HsaId;
use sigill::domain::log::record::{FutureActivity, RepeatedLogId};
use sigill::domain::time::Timestamp;
use sigill::domain::trust::grant::GrantTerms;
use sigill::fairness::shares::Percentages;
use sigill::health::Health;
use sigill::messages::log::extract;
use sigill::order_folder::OrderFolder;
use sigill::procedures::authorisation::Authorisation;
use sigill::procedures::context::{ExtractDocument, OrderSettings, ReportSettings, Services};
use sigill::procedures::on_their_way::OnTheirWay;
use sigill::procedures::processors::Processors;
use sigill::procedures::seal::log_seal::LogSeal;
use sigill::procedures::seal::published::Publishing;
use sigill::procedures::seal::trust::LogTrust;
use sigill::procedures::seal::witness::Witness;
use sigill::procedures::tenants::{Tenant, Tenants};
use sigill::store::database::{Store, StoringTime};
use sigill::store::log::seal::checked::CheckDepth;
use sigill::store::log::seal::intake::Intake;
use sigill::store::log::writer::LogWriters;
use sigill::wire::caller::Callers;
use sigill::wire::endpoint::Endpoint;
use sigill::wire::listener::{self, Serving};
use sigill::wire::tls::snapshot::Tls;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OnceCell, oneshot};
use uuid::Uuid;

/// The time of every held clock: 2026-11-22T13:00:00 in Sweden.
pub const NOON: &str = "2026-11-22T12:00:00Z";

const TEMPLATE: &str = "sigill_template";
static TEMPLATE_MADE: OnceCell<()> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

fn server() -> PgConnectOptions {
    let url = std::env::var("SIGILL_TEST_DATABASE")
        .expect("run the tests with `make test`, which starts a PostgreSQL for them");
    PgConnectOptions::from_str(&url).unwrap()
}

async fn administer(sql: &str) {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(server()).await.unwrap();
    sqlx::query(sql).execute(&pool).await.unwrap();
    pool.close().await;
}

/// A database of its own for one test.
#[derive(Debug, Clone)]
pub struct Database {
    pub name: String,
}

impl Database {
    /// With every migration applied.
    pub async fn new() -> Self {
        TEMPLATE_MADE
            .get_or_init(|| async {
                administer(&format!("drop database if exists {TEMPLATE}")).await;
                administer(&format!("create database {TEMPLATE}")).await;
                let store = Store::open(server().database(TEMPLATE), 4, Percentages::default())
                    .await
                    .unwrap();
                store.close().await;
            })
            .await;
        Self::copy_of(&format!("template {TEMPLATE}")).await
    }

    /// Without any table.
    pub async fn empty() -> Self {
        Self::copy_of("").await
    }

    async fn copy_of(template: &str) -> Self {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("sigill_{}_{number}", std::process::id());
        administer(&format!("create database {name} {template}")).await;
        Self { name }
    }

    pub fn options(&self) -> PgConnectOptions {
        server().database(&self.name)
    }

    /// As `database.url` names it.
    pub fn url(&self) -> String {
        let url = std::env::var("SIGILL_TEST_DATABASE").unwrap();
        url.replace("/postgres?", &format!("/{}?", self.name))
    }

    pub async fn pool(&self) -> PgPool {
        PgPoolOptions::new().max_connections(2).connect_with(self.options()).await.unwrap()
    }

    pub async fn count(&self, sql: &str) -> i64 {
        let pool = self.pool().await;
        let count = sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap();
        pool.close().await;
        count
    }
}

/// A reply, with its body as text.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: hyper::HeaderMap,
    pub body: String,
}

impl Reply {
    /// The text of the first element with this name, whatever its prefix.
    pub fn text(&self, element: &str) -> Option<&str> {
        let after = self.body.split(&format!(":{element}>")).nth(1)?;
        after.split("</").next()
    }

    pub fn code(&self) -> &str {
        self.text("resultCode").unwrap_or_else(|| panic!("no result code in {}", self.body))
    }
}

/// A client with a pool of connections.
#[derive(Clone)]
pub struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

impl Caller {
    pub fn new(base: impl Into<String>) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), base: base.into() }
    }

    /// Sends a message the usual way; an error is one of transport.
    pub async fn try_post(&self, xml: impl Into<Bytes>) -> Result<Reply, String> {
        let request = Request::post(format!("{}/", self.base))
            .header("content-type", "text/xml; charset=UTF-8")
            .header("x-rivta-original-serviceconsumer-hsaid", "SE2321000016-TEST");
        self.try_send(request.body(Full::new(xml.into())).unwrap()).await
    }

    pub async fn post(&self, xml: impl Into<Bytes>) -> Reply {
        self.try_post(xml).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(format!("{}{path}", self.base))).await
    }

    pub async fn send(&self, request: hyper::http::request::Builder) -> Reply {
        self.try_send(request.body(Full::default()).unwrap()).await.unwrap()
    }

    pub async fn try_send(&self, request: Request<Full<Bytes>>) -> Result<Reply, String> {
        let response = self.client.request(request).await.map_err(|e| format!("{e:?}"))?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|e| e.to_string())?.to_bytes();
        let body = String::from_utf8(bytes.to_vec()).map_err(|e| e.to_string())?;
        Ok(Reply { status: parts.status, headers: parts.headers, body })
    }

    /// A reply whose body is no text.
    pub async fn fetch(
        &self,
        request: hyper::http::request::Builder,
    ) -> (StatusCode, hyper::HeaderMap, Bytes) {
        let request = request.body(Full::default()).unwrap();
        let (parts, body) = self.client.request(request).await.unwrap().into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
    }

    pub fn base(&self) -> &str {
        &self.base
    }
}

/// The key with which everything in a test's database goes to the tree, unless a program has made another.
pub fn intake() -> Intake {
    Intake::new([7; 32], None, Uuid::new_v4)
}

/// Records are checked against what is on its way to the tree.
pub fn trust() -> LogTrust {
    let clock = Clock::Held(Arc::new(Mutex::new(NOON.parse().unwrap())));
    LogTrust { seal: None, depth: CheckDepth::Tree, clock }
}

/// Orders whose files are in a folder of the database's own.
pub fn orders(database: &Database) -> OrderSettings {
    OrderSettings {
        trust: trust(),
        on_their_way: OnTheirWay::default(),
        folder: OrderFolder::at(std::env::temp_dir().join(format!("{}-orders", database.name))),
        document: ExtractDocument {
            open: extract::OPEN,
            records: extract::records,
            close: extract::CLOSE,
        },
        bytes_max: i64::MAX,
        slice: Duration::MAX,
        new_id: Uuid::new_v4,
        new_token: || Ok(Uuid::new_v4()),
    }
}

/// The service in this process, with a clock that the test holds.
pub struct Service {
    pub caller: Caller,
    pub database: Database,
    pub services: Services,
    clock: Arc<Mutex<Timestamp>>,
    _stop: oneshot::Sender<()>,
}

/// What a test wants otherwise than usual.
#[derive(Default)]
pub struct Wishes {
    pub limits: Option<Limits>,
    pub http: Http,
    pub repeated_log_id: RepeatedLogId,
    pub future_activity: FutureActivity,
    pub lift_policies: LiftPolicies,
    pub page_rows: Option<usize>,
    /// How long a call waits for its report; nothing is to queue it at once.
    pub queues_reports: bool,
    pub report_records_max: Option<usize>,
    /// Who is believed about what; nobody is the test bench.
    pub trust: Option<(Profile, Trust, Option<Arc<Tls>>)>,
    /// What callers may do.
    pub grants: Vec<GrantTerms>,
    pub forbids_by_status: bool,
    pub publishing: Option<Publishing>,
    pub witness: Option<Witness>,
    /// The seal of the database's log, for one whose records get leaves.
    pub seal: Option<LogSeal>,
    /// Another service's database, for several that share one.
    pub database: Option<Database>,
    /// Tenants as (logical address, care provider); none is one that answers every address.
    pub tenants: Vec<(&'static str, &'static str)>,
}

async fn tenants(store: &Store, wished: &[(&str, &str)]) -> Tenants {
    let mut by_address = HashMap::new();
    for (address, provider) in wished {
        let id = store.tenant(address).await.unwrap();
        let care_providers = vec![HsaId::new(provider).unwrap()];
        by_address.insert(
            address.to_lowercase(),
            Tenant { care_providers, ..Tenant::whole(id, address) },
        );
    }
    if by_address.is_empty() {
        let id = store.tenant("default").await.unwrap();
        return Tenants::One(Tenant::whole(id, "default"));
    }
    Tenants::ByAddress(by_address)
}

impl Service {
    pub async fn start() -> Self {
        Self::start_with(Wishes::default()).await
    }

    pub async fn start_with(wishes: Wishes) -> Self {
        let database = match wishes.database {
            Some(shared) => shared,
            None => Database::new().await,
        };
        let limits = wishes.limits.unwrap_or_default();
        let store = Store::open(database.options(), 8, Percentages::default()).await.unwrap();
        let store = store.with_storing_time(StoringTime::Caller);
        store.make_log_partitions(NOON.parse().unwrap()).await.unwrap();
        let store = match &wishes.seal {
            Some(seal) => seal.store.clone(),
            None => store.with_intake(intake()),
        };
        let authorisation = Authorisation::new(wishes.grants, Vec::new(), Vec::new());
        authorisation.read(&store).await.unwrap();
        let (log_writers, mut writing) = LogWriters::start(&store, 2).unwrap();
        writing.detach_all();
        let services = Services {
            health: Health::default(),
            processors: Processors::new(limits.percentages()),
            log_writers,
            repeated_log_id: wishes.repeated_log_id,
            own_system: HsaId::new("SIGILL").unwrap(),
            future_activity: wishes.future_activity,
            lift_policies: wishes.lift_policies,
            consent_page_rows: wishes.page_rows.unwrap_or(10_000),
            check_blocks_rows_max: limits.check_blocks_rows_max,
            profile: "bench",
            authorisation,
            forbids_by_status: wishes.forbids_by_status,
            reports: ReportSettings {
                wait: Duration::from_secs(if wishes.queues_reports { 0 } else { 10 }),
                records_max: wishes.report_records_max.unwrap_or(10_000),
                new_id: Uuid::new_v4,
            },
            fill_random: |bytes| getrandom::fill(bytes).map_err(std::io::Error::other),
            orders: orders(&database),
            publishing: wishes.publishing,
            witness: wishes.witness,
            trust: LogTrust { seal: wishes.seal, ..trust() },
            tenants: tenants(&store, &wishes.tenants).await,
            store,
        };
        let clock = Arc::new(Mutex::new(NOON.parse().unwrap()));
        let held = Clock::Held(Arc::clone(&clock));
        let nobody = || (Profile::Bench, Trust::default(), None);
        let (profile, believed, tls) = wishes.trust.unwrap_or_else(nobody);
        let callers = Arc::new(Callers::new(&believed, profile, tls).unwrap());
        let endpoint =
            Endpoint::new(services.clone(), callers, &limits, &wishes.http, held).unwrap();
        let serving = Serving::new(Arc::new(endpoint), &limits).unwrap();
        let tcp = listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let caller = Caller::new(format!("http://{}", tcp.local_addr().unwrap()));
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let until = async {
                _ = stopped.await;
            };
            serving.accept(tcp, None, until).await;
            serving.finish().await;
        });
        Self { caller, database, services, clock, _stop: stop }
    }

    pub async fn post(&self, xml: impl Into<Bytes>) -> Reply {
        self.caller.post(xml).await
    }

    /// The clock that the test holds.
    pub fn clock(&self) -> Clock {
        Clock::Held(Arc::clone(&self.clock))
    }

    pub fn set_clock(&self, to: &str) {
        *self.clock.lock().unwrap() = to.parse().unwrap();
    }
}

pub fn testdata(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(path)
}

pub fn request(path: &str) -> String {
    let path = testdata(&format!("{path}.request.xml"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The document without the elements of these names, whatever their prefix.
pub fn without(xml: &str, elements: &[&str]) -> String {
    let other = |line: &&str| !elements.iter().any(|e| line.contains(&format!(":{e}>")));
    xml.lines().filter(other).collect::<Vec<_>>().join("\n")
}

/// The document with another text in the elements of this name, whatever their prefix.
pub fn with(xml: &str, element: &str, text: &str) -> String {
    let mut out = String::new();
    for line in xml.lines() {
        match line.split_once(&format!(":{element}>")) {
            Some((before, rest)) if rest.contains("</") => {
                let (_, after) = rest.split_once('<').unwrap();
                out += &format!("{before}:{element}>{text}<{after}\n");
            }
            _ => out += &format!("{line}\n"),
        }
    }
    out
}
