//! What TLS and grants cost: handshakes, calls over kept connections with and without, looking a grant up.

use super::client::{Called, Client};
use super::load::run as load;
use super::server::Server;
use super::{ROUNDS, median};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use sigill::clock::Clock;
use sigill::dev_pki::DevPki;
use sigill::domain::identity::HsaId;
use sigill::domain::trust::grant::GrantTerms;
use sigill::domain::trust::grants::{AskedGrant, Grants};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const SECONDS: u64 = 5;
const CONNECTIONS: usize = 16;

/// Handshakes with certificates of each kind, and calls of a kind with and without TLS in turns.
pub async fn run() {
    let url = std::env::var("SIGILL_TEST_DATABASE").expect("run this with `make bench`");
    let folder = std::env::temp_dir().join(format!("sigill-bench-pki-{}", std::process::id()));
    let pki = DevPki::at(&folder);
    pki.make(Clock::System.now()).unwrap();
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    for (kind, server_name, system, host) in [
        ("ECDSA P-256", "server", "consumer", "localhost"),
        ("RSA 4096", "consumer-rsa", "consumer-rsa", "rsa.example"),
    ] {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = |name: &str| pki.file(name).display().to_string();
        let settings = format!(
            "[http]\nhttps_listen = \"127.0.0.1:{port}\"\n[trust]\nprofile = \"bench\"\ncertificate_file = \"{}\"\n\
             key_file = \"{}\"\nclient_ca_file = \"{}\"\ncrl_dir = \"{}\"\n[[grant]]\nconsumer = \"TSTSIGILL-CONSUMER\"\n\
             contracts = [\"*\"]\ntenant = \"default\"\ncare_providers = [\"*\"]\n",
            path(&format!("{server_name}.pem")),
            path(&format!("{server_name}.key")),
            path("function-ca.pem"),
            path("crl"),
        );
        // Each has a log of its own, with keys of its own.
        let database = format!("tls_{}", system.replace('-', "_"));
        sqlx::query(&format!("create database {database}")).execute(&pool).await.unwrap();
        let url = url.replacen("/postgres?", &format!("/{database}?"), 1);
        let mut server = Server::of(env!("CARGO_BIN_EXE_sigill"), "tls", &url, &settings).await;
        let client = Arc::new(client(&pki, system));
        let through = Called { address: format!("127.0.0.1:{port}"), tls: Some((client, host)) };
        handshakes(&server, &through, kind).await;
        if system == "consumer" {
            calls(&mut server, through).await;
        }
        server.stop().await;
    }
    std::fs::remove_dir_all(folder).unwrap();
}

fn client(pki: &DevPki, system: &str) -> ClientConfig {
    let read = |name: &str| std::fs::read(pki.file(name)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&read("root-ca.pem")).unwrap()).unwrap();
    let chain = read(&format!("{system}.pem"));
    let chain = CertificateDer::pem_slice_iter(&chain).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(&read(&format!("{system}.key"))).unwrap();
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap()
}

async fn handshakes(server: &Server, through: &Called, kind: &str) {
    let (mut rates, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (begun, before) = (Instant::now(), server.cpu_us());
        let until = begun + Duration::from_secs(SECONDS);
        let mut shaking = JoinSet::new();
        for _ in 0..8 {
            let through = through.clone();
            shaking.spawn(async move {
                let mut shaken = 0;
                while Instant::now() < until {
                    drop(Client::connect(&through).await);
                    shaken += 1;
                }
                shaken
            });
        }
        let shaken = f64::from(shaking.join_all().await.into_iter().sum::<i32>());
        rates.push(shaken / begun.elapsed().as_secs_f64());
        cpu.push((server.cpu_us() - before) / shaken);
    }
    println!(
        "{:<46} {:>10.0}  CPU us of the server each {:.0}",
        format!("full handshakes/s, {kind} on both sides"),
        median(rates),
        median(cpu)
    );
}

async fn calls(server: &mut Server, through: Called) {
    let check = include_str!("../testdata/blocking/check_blocks/valid.request.xml");
    let store = super::store_log::realistic;
    let plainly = server.called.clone();
    let (mut ratios, mut with, mut without) =
        ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut cpu = [Vec::new(), Vec::new()];
    for round in 0..2 * ROUNDS {
        for (at, kind) in ["c", "s"].into_iter().enumerate() {
            let message = move |way: usize| {
                move |connection: usize, call: usize| {
                    if kind == "c" {
                        return check.to_owned();
                    }
                    let mut chance = super::data::Chance::new(connection, call);
                    store(&format!("t{way}-{round}-{connection}-{call}"), 10, &mut chance)
                }
            };
            let mut rates = [0.0; 2];
            // In turns: first one, then the other.
            for way in [round % 2, 1 - round % 2] {
                server.called = if way == 0 { plainly.clone() } else { through.clone() };
                let done = load(server, CONNECTIONS, SECONDS, ">OK<", message(way)).await;
                rates[way] = done.per_second();
                if way == 1 {
                    cpu[at].push(done.server_cpu_us / done.calls as f64);
                }
            }
            without[at].push(rates[0]);
            with[at].push(rates[1]);
            ratios[at].push(rates[1] / rates[0]);
        }
    }
    server.called = plainly;
    let cells = ratios.into_iter().zip(with).zip(without).zip(cpu);
    for (name, (((ratio, with), without), cpu)) in ["CheckBlocks", "StoreLog 10"].iter().zip(cells)
    {
        println!(
            "{:<46} {:>10.0} {:>10.0} {:>6.2} {:>5}  {:>17.0}",
            format!("{name} x {CONNECTIONS} over TLS, calls/s, over without"),
            median(with),
            median(without),
            median(ratio),
            "0.90",
            median(cpu)
        );
    }
}

/// How long it takes to look up what a caller may, among the grants of a region.
pub fn grants() {
    let mut grants = Grants::default();
    for number in 0..2_000 {
        let terms = GrantTerms {
            consumer: format!("SE2321000016-S{}", number % 500),
            contracts: vec![
                ["blocking.check", "log.store", "consent.check", "consent.read"][number / 500]
                    .into(),
            ],
            tenant: Some("default".into()),
            care_providers: (0..20).map(|of| format!("SE2321000016-VG{}", number + of)).collect(),
            via: vec!["SE165565594230-1000".into()],
            ..GrantTerms::default()
        };
        grants.add(&terms).unwrap();
    }
    let consumers: Vec<HsaId> =
        (0..500).filter_map(|number| HsaId::new(&format!("SE2321000016-S{number}"))).collect();
    let platform = HsaId::new("SE165565594230-1000").unwrap();
    let (mut microseconds, now) = (Vec::new(), Clock::System.now());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for number in 0..100_000 {
            let asked = AskedGrant {
                consumer: &consumers[number % 500],
                platform: Some(&platform),
                on_behalf_of: None,
                contract: "StoreLog",
                tenant: "default",
                logical_address: Some("SE2321000016-VG01"),
                now,
            };
            assert!(black_box(grants.permit(black_box(&asked))).is_ok());
        }
        microseconds.push(begun.elapsed().as_secs_f64() * 10.0);
    }
    println!("{:<46} {:>10.2}", "a grant looked up among 2 000, us", median(microseconds));
}
