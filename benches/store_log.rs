//! StoreLog in large and in small calls.

use super::server::Server;
use super::{baseline, figure, load};
use std::fmt::Write as _;

const LARGE: usize = 500;
const SMALL: usize = 10;
const SECONDS: u64 = 10;

/// A StoreLog message with this many records; `name` makes their ids unique.
pub fn message(name: &str, records: usize) -> String {
    let valid = include_str!("../testdata/log/store_log/valid.request.xml");
    let start = valid.find("      <urn1:log>").unwrap();
    let end = valid.find("    </urn1:StoreLog>").unwrap();
    let (before, one, after) = (&valid[..start], &valid[start..end], &valid[end..]);
    let (head, tail) = one.split_once("6a1f2c10-52f3-4a37-9d6e-0c7b7f0e0004").unwrap();
    let mut text = String::with_capacity(before.len() + after.len() + records * (one.len() + 8));
    text.push_str(before);
    for record in 0..records {
        write!(text, "{head}{name}-{record}{tail}").unwrap();
    }
    text.push_str(after);
    text
}

/// 500 records a call, 4 connections, against COPY of the same rows.
pub async fn large_calls(server: &Server) {
    let done = load::run(server, 4, SECONDS, ">OK<", |connection, call| {
        message(&format!("l{connection}-{call}"), LARGE)
    })
    .await;
    let ours = (done.calls * LARGE) as f64 / done.seconds;
    let copy = baseline::copy_log(server).await;
    figure("StoreLog 500 x 4, records/s, over COPY", ours, copy, Some(0.5));
}

/// 10 records a call, 32 connections, against pgbench committing the same rows.
pub async fn small_calls(server: &Server) {
    let done = load::run(server, 32, SECONDS, ">OK<", |connection, call| {
        message(&format!("s{connection}-{call}"), SMALL)
    })
    .await;
    let tps = baseline::pgbench(server, &insert_script(), 32, SECONDS).await;
    figure("StoreLog 10 x 32, calls/s, over pgbench", done.per_second(), tps, Some(0.7));
    println!("  p50 {:.1} ms, p99 {:.1} ms", done.percentile(50), done.percentile(99));
}

/// The rows of one small call by three prepared inserts in one transaction.
fn insert_script() -> String {
    let numbers: Vec<String> = (0..SMALL).map(|n| format!("(:base::bigint + {n})")).collect();
    let rows = numbers.join(", ");
    format!(
        "\\set base random(1, 1000000000000) * 10
begin;
insert into log_ids select gen_random_uuid(), n, '2026-11-22T09:15:30.123Z' from (values {rows}) v (n);
insert into log_entries (entry_number, tenant_id, stored_at, activity_at, log_id, system_id, system_name, activity_type, purpose, user_id, user_name, person_root, person_extension, assignment, title, care_provider_id, care_provider_name, care_unit_id, care_unit_name)
 select n, 1, now(), '2026-11-22T09:15:30.123Z', 's10-1000-1', 'SE2321000016-S001', 'Journalsystemet', 'Läsa', 'Vård och behandling', 'SE2321000016-P001', 'Tolvan Läkare', '1.2.752.129.2.1.3.1', '191212121212', 'Vård och behandling', 'Läkare', 'SE2321000016-VG01', 'Region Exempel', 'SE2321000016-VE01', 'Mottagningen' from (values {rows}) v (n);
insert into log_resources (entry_number, ordinal, tenant_id, activity_at, resource_type, patient_key, patient_root, patient_extension, patient_name, care_provider_id, care_provider_name, care_unit_id, care_unit_name)
 select n, 1, 1, '2026-11-22T09:15:30.123Z', 'Vårdkontakt', '1.2.752.129.2.1.3.1^191212121212', '1.2.752.129.2.1.3.1', '191212121212', 'Tolvan Tolvansson', 'SE2321000016-VG01', 'Region Exempel', 'SE2321000016-VE01', 'Mottagningen' from (values {rows}) v (n);
commit;
"
    )
}
