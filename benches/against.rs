//! The log's figures of this build and of another one, in pairs: `make bench AGAINST=path`.
//!
//! Each has a database of its own in the same PostgreSQL; they take turns.

use super::data::Chance;
use super::load::{self, Done};
use super::server::Server;
use super::{median, store_log};
use sqlx::postgres::PgPool;

/// Pairs of which a figure is the median.
const PAIRS: usize = 7;
const SECONDS: u64 = 5;
/// What the report has.
const RECORDS: usize = 1_000;

/// Measures both.
pub async fn run(other: &str) {
    let ours = Server::start().await;
    let url = std::env::var("SIGILL_TEST_DATABASE").expect("run this with `make bench`");
    let pool = PgPool::connect(&url).await.unwrap();
    sqlx::query("create database other").execute(&pool).await.unwrap();
    let url = url.replacen("/postgres?", "/other?", 1);
    let other = Server::of(other, "other", &url, "").await;
    let both = (&ours, &other);
    // `make bench AGAINST=path ONLY=report`: the report alone.
    let only_report = std::env::var("ONLY").is_ok_and(|only| only == "report");
    let storing = [("StoreLog 500 x 4", 500, 4), ("StoreLog 10 x 32", 10, 32)];
    for (name, records, connections) in storing.into_iter().filter(|_| !only_report) {
        pairs(&format!("{name}, calls/s, over the other's"), both, 0.9, async |server, pair| {
            load::run(server, connections, SECONDS, ">OK<", move |connection, call| {
                let mut chance = Chance::new(connection + connections * pair, call);
                store_log::realistic(
                    &format!("{records}-{pair}-{connection}-{call}"),
                    records,
                    &mut chance,
                )
            })
            .await
        })
        .await;
    }
    let report = report_of(both).await;
    pairs("a report of 1 000 records, calls/s, the same", both, 0.5, async |server, _| {
        let report = report.clone();
        load::run(server, 1, SECONDS, "resultCode>OK<", move |_, _| report.clone()).await
    })
    .await;
    other.stop().await;
    ours.stop().await;
}

/// Takes turns, beginning with the one and the other, and prints the medians.
async fn pairs<F>(name: &str, (ours, other): (&Server, &Server), goal: f64, measure: F)
where
    F: AsyncFn(&Server, usize) -> Done,
{
    let (mut rates, mut others, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut cpu = [const { Vec::new() }; 4];
    for pair in 0..PAIRS {
        let (our, their) = if pair % 2 == 0 {
            let our = measure(ours, pair).await;
            (our, measure(other, pair).await)
        } else {
            let their = measure(other, pair).await;
            (measure(ours, pair).await, their)
        };
        rates.push(our.per_second());
        others.push(their.per_second());
        ratios.push(our.per_second() / their.per_second());
        for (at, done) in [&our, &their].into_iter().enumerate() {
            cpu[2 * at].push(done.server_cpu_us / done.calls as f64);
            cpu[2 * at + 1].push(done.database_cpu_us / done.calls as f64);
        }
    }
    let [server, database, other_server, other_database] = cpu.map(median);
    println!(
        "{name:<46} {:>10.0} {:>10.0} {:>6.2} {goal:>5}  CPU us a call {server:.0} + {database:.0}, the other's \
         {other_server:.0} + {other_database:.0}",
        median(rates),
        median(others),
        median(ratios),
    );
}

/// Stores the same records of one care provider in both, and makes the request for them.
async fn report_of((ours, other): (&Server, &Server)) -> String {
    let provider = "SE2321000016-R1";
    let mut chance = Chance::new(9_000, 0);
    for half in 0..2 {
        let records = store_log::realistic(&format!("report{half}"), RECORDS / 2, &mut chance);
        // Of one care provider, whoever it was.
        let of_one = |(at, part): (usize, &str)| match (at, part.find("</c:careProviderId>")) {
            (1.., Some(end)) => format!("<c:careProviderId>{provider}{}", &part[end..]),
            _ => part.to_owned(),
        };
        let records: String = records.split("<c:careProviderId>").enumerate().map(of_one).collect();
        for server in [ours, other] {
            let answer = load::whole_answer(server, &records).await;
            assert!(memchr::memmem::find(&answer, b">OK<").is_some());
        }
    }
    let valid = include_str!("../testdata/log/get_logs/valid.request.xml");
    let head = valid.split_once("      <urn1:careProviderId>").unwrap().0;
    let (from, to) = (chrono::Utc::now() - chrono::TimeDelta::days(60), chrono::Utc::now());
    let [from, to] = [from, to].map(|time| time.format("%Y-%m-%dT%H:%M:%S.000").to_string());
    format!(
        "{head}<urn1:careProviderId>{provider}</urn1:careProviderId><urn1:fromDate>{from}</urn1:fromDate>
         <urn1:toDate>{to}</urn1:toDate></urn1:GetLogs></soapenv:Body></soapenv:Envelope>"
    )
}
