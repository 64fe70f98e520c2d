//! How the figures of the log change as it grows: `make bench LOAD=10000000`.
//!
//! The log is filled by the database itself, with a region's records: four of five in the last 26 days in the order in which they
//! were stored, the others in the 57 months before; seven of ten have one resource, two have two, one has three.

use super::data::{Chance, PATIENT_PGBENCH, PATIENT_SQL, PROVIDER_SQL};
use super::seal;
use super::server::Server;
use super::{ROUNDS, Rounds, baseline, load, median, store_log};
use sqlx::{PgConnection, PgPool};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LOT: i64 = 100_000;
/// Sessions that fill.
const SESSIONS: i64 = 2;
const SECONDS: u64 = 5;
/// More calls than a connection makes in that time.
const CALLS: usize = 250;
/// The care provider with the most records: its key, of some 15 of 100 records.
const LARGEST: &str = "se2321000016-vg0";

/// Fills the log as if it were from before sealing: a server that starts afterwards gives everything its leaf.
pub async fn filled(pool: &PgPool, records: i64) {
    months(pool).await;
    let begun = Instant::now();
    fill(pool, records).await;
    println!(
        "filled to {records}, {:.0} records/s",
        records as f64 / begun.elapsed().as_secs_f64()
    );
    let sql = "update log_adoption set next_number = 0, last_number = (select max(entry_number) from log_entries)";
    sqlx::query(sql).execute(pool).await.unwrap();
}

/// The figures with so many records.
pub async fn run(server: &Server, records: i64) {
    let at = format!("{:.1} M", records as f64 / 1e6);
    seal::adopted(server).await;
    settled(server).await;
    bytes(server, &at).await;
    patients_report(server, &at).await;
    long_report(server, &at).await;
    let ((), behind) = seal::with_lag(server, storing(server, &at)).await;
    println!("checkpoints behind what is stored, while storing, p99 {behind:.1} s (goal ≤ 10)");
    order(server, &at).await;
    seal::verified(server, &at).await;
    seal::exported(server, &at).await;
}

/// A partition a month for five years.
pub async fn months(pool: &PgPool) {
    let sql = "do $$
        declare
            month timestamptz; name text;
        begin
            for back in -3..60 loop
                month := date_trunc('month', now(), 'UTC') - back * interval '1 month';
                foreach name in array array['log_entries', 'log_further_resources'] loop
                    execute format('create table %s_y%sm%s partition of %1$s for values from (%4$L) to (%5$L)', name,
                        to_char(month, 'YYYY'), to_char(month, 'MM'), month, month + interval '1 month');
                end loop;
            end loop;
        end $$";
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

async fn fill(pool: &PgPool, all: i64) {
    let sessions = (0..SESSIONS).map(async |session| {
        let mut connection = pool.acquire().await.unwrap();
        for lot in (0..all / LOT).filter(|lot| lot % SESSIONS == session) {
            fill_lot(&mut connection, lot * LOT, all).await;
        }
    });
    futures_util::future::join_all(sessions).await;
}

async fn fill_lot(connection: &mut PgConnection, first: i64, all: i64) {
    loop {
        let open = "select table_number from log_id_tables where closed_at is null";
        let open: i32 = sqlx::query_scalar(open).fetch_one(&mut *connection).await.unwrap();
        let done = sqlx::raw_sql(&lot(open, first, all)).execute(&mut *connection).await;
        let Err(error) = done else { return };
        // The table of ids has been closed meanwhile.
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        assert!(matches!(code.as_deref(), Some("23514" | "42P01")), "{error}");
        sqlx::raw_sql("rollback").execute(&mut *connection).await.unwrap();
    }
}

/// The statements that store some records, with ids in the open table.
fn lot(open: i32, first: i64, all: i64) -> String {
    let owner = "'SE2321000016-VG' || provider";
    let patient = "'1.2.752.129.2.1.3.1^' || patient";
    // What others hold is looked at by one of five.
    let holder = |n: u32| {
        format!(
            "case when other[{n}] < 0.2 then 'SE2321000016-VG' || floor(other[{n}] * 1500)::int else {owner} end"
        )
    };
    let resource = |n: u32| {
        format!(
            "'Vårdkontakt', '1.2.752.129.2.1.3.1', patient::text, 'Tolvan Tolvansson', {0},
             log_hash(1, {patient}), case when lower({0}) <> lower({owner}) then log_hash(1, lower({0})) end",
            holder(n)
        )
    };
    let columns = "resource_type, patient_root, patient_extension, patient_name, holder_id, patient_hash, foreign_hash";
    let further = |n: u32| {
        format!(
            "insert into log_further_resources (entry_number, ordinal, tenant_id, activity_at, {columns})
             select n, {n}, 1, at, {} from region where resources >= {n}",
            resource(n)
        )
    };
    format!(
        "set statement_timeout = 0; set synchronous_commit = off; begin;
         select pg_advisory_lock(1);
         create temporary table began on commit drop as
            select min(b) as number from (select nextval('log_entry_numbers') b from generate_series(1, {blocks})) b;
         select pg_advisory_unlock(1);
         create temporary table region on commit drop as
            select n, 1 + (part > 0.7)::int + (part > 0.9)::int as resources, other, patient, provider, stored,
                date_trunc('milliseconds', case when random() < 0.8 then stored - random() * interval '60 s'
                    else stored - interval '3 months' - random() * interval '54 months' end) as at,
                gen_random_uuid()::text as id
            from (select (select number from began) + i - 1 as n,
                random() as part, array[random(), random(), random()] as other, {PATIENT_SQL} as patient,
                {PROVIDER_SQL} as provider, now() - interval '26 days' * ({all} - {first} - i) / {all}::float as stored
                from generate_series(1, {LOT}) i) r;
         insert into log_ids_{open} select encode(substr(sha256(convert_to(id, 'UTF8')), 1, 16), 'hex')::uuid, n from region;
         insert into log_entries (entry_number, tenant_id, stored_at, activity_at, log_id, system_id, system_name,
            activity_type, purpose, user_id, user_name, assignment, title, care_provider_id, care_provider_name,
            care_unit_id, care_unit_name, owner_hash, resources, {columns})
         select n, 1, stored, at, id, 'SE2321000016-S' || provider, 'Journalsystemet', 'Läsa', 'Vård och behandling',
            'SE2321000016-P' || patient % 20000, 'Tolvan Läkare', 'Vård och behandling', 'Läkare', {owner},
            'Region Exempel', 'SE2321000016-VE' || provider, 'Mottagningen', log_hash(1, lower({owner})), resources, {}
         from region;
         {}; {}; commit",
        resource(1),
        further(2),
        further(3),
        blocks = LOT / 1000,
    )
}

/// Waits until ids are packed, and lets the database do what it does in quiet hours.
async fn settled(server: &Server) {
    let sql = "select (select count(*) from log_id_tables where not packed) = 1
        and (select count(*) from log_id_runs where not made) = 0";
    let full = "select coalesce(max(pg_relation_size(format('log_ids_%s', table_number)::regclass)), 0)::bigint
        from log_id_tables where closed_at is null";
    loop {
        let packed: bool = sqlx::query_scalar(sql).fetch_one(&server.pool).await.unwrap();
        let bytes: i64 = sqlx::query_scalar(full).fetch_one(&server.pool).await.unwrap();
        if packed && bytes / 8192 * 157 < 4_000_000 {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let mut connection = server.pool.acquire().await.unwrap();
    for sql in ["set statement_timeout = 0", "vacuum analyze"] {
        sqlx::query(sql).execute(&mut *connection).await.unwrap();
    }
}

/// What a record takes of the disk, rows and indexes.
async fn bytes(server: &Server, at: &str) {
    let sql = "select (select count(*) from log_entries)::float8,
        (select sum(pg_total_relation_size(c.oid)) from pg_class c where c.relkind = 'r'
            and (c.relname like 'log\\_entries%' or c.relname like 'log\\_further%'))::float8,
        (select sum(pg_total_relation_size(c.oid)) from pg_class c where c.relkind = 'r'
            and c.relname ~ '^log_id(s|_pages|_filters|_runs)')::float8,
        (select coalesce(sum(ids), 0) from log_id_runs where made)::float8,
        (select coalesce(sum(pg_total_relation_size(c.oid)), 0) from pg_class c where c.relkind = 'r'
            and c.relname ~ '^log_id_(pages|filters|runs)')::float8";
    let (records, rows, ids, packed, runs): (f64, f64, f64, f64, f64) =
        sqlx::query_as(sql).fetch_one(&server.pool).await.unwrap();
    println!(
        "{:<46} {:>10.0}  rows {:.0}, ids {:.0}; {packed:.0} ids are packed, in {:.1} bytes each",
        format!("bytes a record at {at}"),
        (rows + ids) / records,
        rows / records,
        ids / records,
        runs / packed.max(1.0),
    );
}

/// 500 records a call, as `large_calls` has them; the messages are made before: callers have processors of their own.
async fn storing(server: &Server, at: &str) {
    let mut rounds = Rounds::default();
    for round in 0..ROUNDS {
        let message = |connection, call| {
            let mut chance = Chance::new(connection + 4 * round, call);
            store_log::realistic(&format!("{at}-{round}-{connection}-{call}"), 500, &mut chance)
        };
        let of_connection =
            |connection| (0..CALLS).map(|call| message(connection, call)).collect::<Vec<String>>();
        let messages: Arc<Vec<Vec<String>>> = Arc::new((0..4).map(of_connection).collect());
        let made = move |connection: usize, call: usize| messages[connection][call].clone();
        let done = load::run(server, 4, SECONDS, ">OK<", made).await;
        rounds.add(&done, 500, 0.0);
    }
    rounds.print(&format!("StoreLog 500 x 4, records/s, at {at}"), None);
}

/// What a patient gets of five years, over one connection; against pgbench reading what it is made of by the same indexes,
/// with a statement prepared once.
async fn patients_report(server: &Server, at: &str) {
    let valid = include_str!("../testdata/log/get_access_logs_for_patient/valid.request.xml");
    let valid = valid.replace("2026-01-01T", "2022-01-01T").replace("2026-12-31T", "2027-12-31T");
    let (before, after) = valid.split_once("191212121212").unwrap();
    let script = format!(
        "{PATIENT_PGBENCH}select r.* from log_resources r
         where r.patient_hash = log_hash(1, '1.2.752.129.2.1.3.1^' || :patient)
           and r.activity_at between '2022-01-01' and '2027-12-31' order by r.activity_at;\n"
    );
    let mut rounds = Rounds::default();
    for round in 0..ROUNDS {
        let (before, after) = (before.to_owned(), after.to_owned());
        let done = load::run(server, 1, SECONDS, "resultCode>OK<", move |_, call| {
            let patient = Chance::new(1000 + round, call).patient();
            format!("{before}{patient}{after}")
        })
        .await;
        rounds.add(&done, 1, baseline::pgbench(server, &script, 1, SECONDS).await);
    }
    rounds.print(&format!("a patient's report at {at}, calls/s, over pgbench"), None);
}

/// GetLogs of not quite 10 000 records: some are of the same instant as the first.
async fn long_report(server: &Server, at: &str) {
    let (from, to) = newest(server, 9_900).await;
    let valid = include_str!("../testdata/log/get_logs/valid.request.xml");
    let head = valid.split_once("      <urn1:careProviderId>").unwrap().0;
    let message = format!(
        "{head}<urn1:careProviderId>{LARGEST}</urn1:careProviderId><urn1:fromDate>{from}</urn1:fromDate>
         <urn1:toDate>{to}</urn1:toDate></urn1:GetLogs></soapenv:Body></soapenv:Envelope>"
    );
    let (mut rates, mut records) = (Vec::new(), 0);
    server.forget_peak_memory();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let answer = load::whole_answer(server, &message).await;
        let beginning = String::from_utf8_lossy(&answer[..answer.len().min(1000)]).into_owned();
        assert!(beginning.contains("resultCode>OK<"), "{beginning}");
        rates.push(answer.len() as f64 / 1e6 / begun.elapsed().as_secs_f64());
        records = memchr::memmem::find_iter(&answer, ":logId>").count() / 2;
    }
    println!(
        "{:<46} {:>10.1}  {records} records, peak memory {:.0} MB",
        format!("GetLogs at {at}, MB/s"),
        median(rates),
        server.peak_memory()
    );
}

/// From when to when the largest provider's newest records are, as a request has it.
async fn newest(server: &Server, records: i64) -> (String, String) {
    let sql =
        "select to_char(min(at) at time zone 'Europe/Stockholm', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS'),
            to_char(max(at) at time zone 'Europe/Stockholm', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS')
        from (select activity_at as at from log_entries where owner_hash = log_hash(1, $1)
            order by activity_at desc limit $2) n";
    sqlx::query_as(sql).bind(LARGEST).bind(records).fetch_one(&server.pool).await.unwrap()
}

/// An order of a million records, or as many as the largest care provider has.
async fn order(server: &Server, at: &str) {
    let (from, to) = newest(server, 1_000_000).await;
    let valid = include_str!("../testdata/log/get_logs_by_order/valid.request.xml");
    let head = valid.split_once("      <urn1:careProviderId>").unwrap().0;
    let message = format!(
        "{head}<urn1:careProviderId>{LARGEST}</urn1:careProviderId><urn1:fromDate>{from}</urn1:fromDate>
         <urn1:toDate>{to}</urn1:toDate><urn1:maxResultsPerFile>10000</urn1:maxResultsPerFile>
         </urn1:GetLogsByOrder></soapenv:Body></soapenv:Envelope>"
    );
    server.forget_peak_memory();
    let (server_before, database_before) = (server.cpu_us(), server.database_cpu_us());
    let begun = Instant::now();
    let answer = load::whole_answer(server, &message).await;
    assert!(memchr::memmem::find(&answer, b"orderId>").is_some());
    let outcome = "select outcome from log_orders order by order_number desc limit 1";
    let outcome = loop {
        let outcome: Option<String> =
            sqlx::query_scalar(outcome).fetch_one(&server.pool).await.unwrap();
        match outcome {
            Some(outcome) => break outcome,
            None => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    };
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(outcome, "made");
    let sql =
        "select sum(records)::float8, count(*)::float8, sum(bytes)::float8 from log_order_files";
    let (records, files, bytes): (f64, f64, f64) =
        sqlx::query_as(sql).fetch_one(&server.pool).await.unwrap();
    println!(
        "{:<46} {:>10.0}  {records:.0} records in {files:.0} files, {:.0} MB; CPU {:.0} + {:.0} us a record; peak memory {:.0} MB (goal 150)",
        format!("order at {at}, records/s"),
        records / seconds,
        bytes / 1e6,
        (server.cpu_us() - server_before) / records,
        (server.database_cpu_us() - database_before) / records,
        server.peak_memory(),
    );
}
