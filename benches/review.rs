//! What the review of the log costs: `make bench ONLY=review`. A million posts of a month at a thousand units are judged by the
//! program, and drawn from: notices sealed, draws made, lists frozen by a server that does nothing else.

use super::server::Server;
use super::{ROUNDS, growth, median, server};
use sqlx::PgPool;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

const POSTS: i64 = 1_000_000;
const LOT: i64 = 100_000;
const UNITS: i64 = 1_000;
/// How often the server is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Fills, judges, draws.
pub async fn run() {
    let pool = server::migrated().await;
    growth::months(&pool).await;
    for lot in 0..POSTS / LOT {
        sqlx::raw_sql(&month(lot * LOT)).execute(&pool).await.unwrap();
    }
    let sql = "update log_adoption set next_number = 0, last_number = (select max(entry_number) from log_entries)";
    sqlx::query(sql).execute(&pool).await.unwrap();
    let server = Server::start().await;
    super::seal::adopted(&server).await;
    judged(&server).await;
    draws(&server).await;
    server.stop().await;
}

/// Posts of the month before this one, in the working hours of its days: ten employees a unit, each with patients of the unit,
/// in visits of four posts.
fn month(first: i64) -> String {
    format!(
        "set synchronous_commit = off; begin;
         create temporary table began on commit drop as
            select min(b) as number from (select nextval('log_entry_numbers') b from generate_series(1, {blocks})) b;
         insert into log_entries (entry_number, tenant_id, stored_at, activity_at, log_id, system_id, system_name,
            activity_type, purpose, user_id, user_name, assignment, title, care_provider_id, care_provider_name,
            care_unit_id, care_unit_name, owner_hash, resources, resource_type, patient_root, patient_extension, patient_name,
            holder_id, holder_unit_id, patient_hash)
         select number + i - 1, 1, now(), at, gen_random_uuid()::text, 'SE2321000016-S1', 'Journalsystemet', 'Läsa',
            'Vård och behandling', 'SE2321000016-P' || unit * 10 + visit % 10, 'Tolvan Läkare', 'Vård', 'Läkare',
            'SE2321000016-VG1', 'Region Exempel', 'SE2321000016-VE' || unit, 'Mottagning ' || unit,
            log_hash(1, 'se2321000016-vg1'), 1, 'Vårdkontakt', '1.2.752.129.2.1.3.1', patient, 'Tolvan Tolvansson',
            'SE2321000016-VG1', 'SE2321000016-VE' || unit, log_hash(1, '1.2.752.129.2.1.3.1^' || patient)
         from (select i, unit, visit, (190000000000 + unit * 200 + visit * 7 % 200)::text as patient,
                date_trunc('month', now() at time zone 'Europe/Stockholm') at time zone 'Europe/Stockholm' - interval '1 month'
                    + (visit * 17 % 30) * interval '1 day' + interval '7 hours' + (visit * 13 % 540) * interval '1 minute'
                    + (({first} + i) % 4) * interval '90 s' as at
            from (select i, (({first} + i) / 4) % {UNITS} as unit, ({first} + i) / 4 / {UNITS} as visit
                from generate_series(1, {LOT}) i) v) p, began;
         commit",
        blocks = LOT / 1000,
    )
}

/// `sigill log judge` over the month.
async fn judged(server: &Server) {
    let today = sigill::domain::time::local(chrono::Utc::now()).date();
    let this = chrono::Datelike::with_day(&today, 1).expect("every month has a first");
    let (last, first) = (this - chrono::Days::new(1), this - chrono::Months::new(1));
    let (mut times, mut posts) = (Vec::new(), String::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let done = Command::new(env!("CARGO_BIN_EXE_sigill"))
            .args(["log", "judge", "--config"])
            .arg(&server.config)
            .args(["--from", &first.to_string(), "--to", &last.to_string()])
            .stderr(Stdio::null())
            .output()
            .await
            .unwrap();
        times.push(begun.elapsed().as_secs_f64());
        assert!(done.status.success());
        let said = String::from_utf8(done.stdout).unwrap();
        said.split(' ').next().unwrap_or_default().clone_into(&mut posts);
    }
    let seconds = median(times);
    let name = format!("{posts} posts judged, s");
    println!("{name:<46} {seconds:>10.1} {:>10} {:>6} {:>5}", "", "", "≤60");
}

/// A month's reviews of a thousand units, from nothing to their lists.
async fn draws(server: &Server) {
    let plans = "insert into review_plans (tenant_id, provider_id, provider_key, provider_name, unit_id, unit_key, unit_name, mode,
            share_percent, reviewer_id, active_from, set_by, set_at)
         select 1, 'SE2321000016-VG1', 'se2321000016-vg1', 'Region Exempel', 'SE2321000016-VE' || u, 'se2321000016-ve' || u,
            'Mottagning ' || u, case u % 4 when 0 then 'sample' else 'all' end, case u % 4 when 0 then 10 else 100 end,
            'SE2321000016-R' || u, date_trunc('month', now())::date, 'bench', now()
         from generate_series(0, $1 - 1) u";
    let (mut drawn, mut listed, mut visits) = (Vec::new(), Vec::new(), 0);
    for round in 0..ROUNDS {
        if round == 0 {
            sqlx::query(plans).bind(UNITS).execute(&server.pool).await.unwrap();
        } else {
            sqlx::query("truncate reviews cascade").execute(&server.pool).await.unwrap();
        }
        until(&server.pool, "select count(*) > 0 from reviews").await;
        let begun = Instant::now();
        until(&server.pool, "select count(*) = 0 from reviews where state = 'planned'").await;
        let announced = begun.elapsed().as_secs_f64();
        // The next round comes within a minute; the log signs meanwhile.
        until(&server.pool, "select count(*) > 0 from reviews where drawn_at is not null").await;
        let begun = Instant::now();
        until(&server.pool, "select count(*) = 0 from reviews where drawn_at is null").await;
        drawn.push(announced + begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        until(&server.pool, "select count(*) = 0 from reviews where listed_at is null").await;
        listed.push(begun.elapsed().as_secs_f64());
        let sql = "select count(*) from review_visits";
        visits = sqlx::query_scalar(sql).fetch_one(&server.pool).await.unwrap();
    }
    let (drawn, listed): (f64, f64) = (median(drawn), median(listed));
    let name = format!("a month's draws for {UNITS} units, s");
    println!("{name:<46} {drawn:>10.1} {:>10} {:>6} {:>5}", "", "", "≤10");
    let name = format!("their lists, {visits} visits, s");
    println!("{name:<46} {listed:>10.1} {:>10} {:>6} {:>5}", "", "", "");
    let visits: i64 = visits;
    assert!(visits > UNITS, "lists have visits");
}

async fn until(pool: &PgPool, sql: &str) {
    while !sqlx::query_scalar::<_, bool>(sql).fetch_one(pool).await.unwrap() {
        tokio::time::sleep(LOOK).await;
    }
}
