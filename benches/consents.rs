//! CheckConsent among many stored assertions, and a care provider's assertions page by page.

use super::data::{Chance, PATIENT_PGBENCH, PATIENT_SQL, PROVIDER_SQL};
use super::server::Server;
use super::{ROUNDS, Rounds, baseline, load};
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ASSERTIONS: usize = 1_000_000;
const CONNECTIONS: usize = 16;
const SECONDS: u64 = 5;
/// The largest care provider.
const PROVIDER: &str = "SE2321000016-VG0";
/// Assertions stored within one second, as when a region's systems register all day.
const PER_SECOND: usize = 20;

/// CheckConsent against pgbench's prepared select of the same patient's rows; then every page.
pub async fn run(server: &Server) {
    fill(server).await;
    let valid = include_str!("../testdata/consent/check_consent/valid.request.xml");
    let (before, after) = valid.split_once("191212121212").unwrap();
    let before = before.replace("SE2321000016-VG01", PROVIDER);
    let mut rounds = Rounds::default();
    for round in 0..ROUNDS {
        let before = before.clone();
        let done =
            load::run(server, CONNECTIONS, SECONDS, "resultCode>OK<", move |connection, call| {
                let patient = Chance::new(connection + round * CONNECTIONS, call).patient();
                format!("{before}{patient}{after}")
            })
            .await;
        let tps = baseline::pgbench(server, &select_script(), CONNECTIONS, SECONDS).await;
        rounds.add(&done, 1, tps);
    }
    rounds.print(&format!("CheckConsent x {CONNECTIONS}, calls/s, over pgbench"), Some(0.5));
    server.memory("after CheckConsent");
    pages(server).await;
    server.memory("after the paged read");
}

async fn fill(server: &Server) {
    let sql = format!(
        "insert into assertions (tenant_id, assertion_key, assertion_id, assertion_type, patient_key,
            patient_root, patient_extension, care_provider_id, provider_key, care_unit_id, start_at,
            start_given, stored_at)
         select 1, 'a' || n, 'a' || n, 'Consent', '1.2.752.129.2.1.3.1^' || patient, '1.2.752.129.2.1.3.1',
            patient::text, 'SE2321000016-VG' || provider, 'se2321000016-vg' || provider, 'SE2321000016-VE01',
            '2026-01-01', true, timestamptz '2026-01-01' + (n / {PER_SECOND}) * interval '1 second'
         from (select n, {PATIENT_SQL} as patient, {PROVIDER_SQL} as provider
            from generate_series(0, {ASSERTIONS} - 1) n) region"
    );
    let mut connection = server.pool.acquire().await.unwrap();
    sqlx::query("set statement_timeout = 0").execute(&mut *connection).await.unwrap();
    sqlx::query(&sql).execute(&mut *connection).await.unwrap();
    sqlx::query("vacuum analyze assertions").execute(&mut *connection).await.unwrap();
    sqlx::query("checkpoint").execute(&mut *connection).await.unwrap();
}

/// Follows the cursors over one connection, to the end.
async fn pages(server: &Server) {
    let valid =
        include_str!("../testdata/consent/get_consents_for_care_provider/valid.request.xml");
    let valid = valid.replace("SE2321000016-VG01", PROVIDER);
    let (before, rest) = valid.split_once("2026-01-01T00:00:00").unwrap();
    let mut stream = TcpStream::connect(&server.called.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (begun, mut cursor) = (Instant::now(), "2025-12-31T00:00:00".to_owned());
    let (mut pages, mut found, mut bytes) = (0, 0, 0);
    loop {
        let body = page(&mut stream, &format!("{before}{cursor}{rest}")).await;
        pages += 1;
        bytes += body.len();
        found += memchr::memmem::find_iter(body.as_bytes(), "<c:assertions>").count();
        let text = |name: &str| {
            let after = body.split_once(&format!("<c:{name}>")).unwrap().1;
            after.split_once('<').unwrap().0.to_owned()
        };
        cursor = text("moreOnOrAfter");
        if text("hasMore") == "false" {
            break;
        }
    }
    let own = "select count(*) from assertions where provider_key = 'se2321000016-vg0'";
    let own: i64 = sqlx::query_scalar(own).fetch_one(&server.pool).await.unwrap();
    assert_eq!(found as u64, own.cast_unsigned(), "each once: no second is split");
    let (seconds, megabytes) = (begun.elapsed().as_secs_f64(), bytes as f64 / 1e6);
    let name = "GetConsentsForCareProvider, all pages, MB/s";
    println!("{name:<46} {:>10.1}", megabytes / seconds);
    println!("  {found} assertions in {pages} pages, {megabytes:.0} MB, {seconds:.1} s");
}

async fn page(stream: &mut TcpStream, message: &str) -> String {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
        message.len()
    );
    stream.write_all(&[head.as_bytes(), message.as_bytes()].concat()).await.unwrap();
    let mut reply = Vec::new();
    let (mut head_end, mut length) = (0, usize::MAX);
    while head_end == 0 || reply.len() < head_end + length {
        assert!(stream.read_buf(&mut reply).await.unwrap() > 0, "the server closed");
        if head_end == 0
            && let Some(end) = memchr::memmem::find(&reply, b"\r\n\r\n")
        {
            let head = std::str::from_utf8(&reply[..end]).unwrap().to_lowercase();
            let (_, after) = head.split_once("content-length: ").unwrap();
            length = after.split("\r\n").next().unwrap().parse().unwrap();
            head_end = end + 4;
        }
    }
    String::from_utf8(reply.split_off(head_end)).unwrap()
}

fn select_script() -> String {
    format!(
        "{PATIENT_PGBENCH}select assertion_id, assertion_type, patient_root, patient_extension, care_provider_id,
    care_unit_id, employee_id, start_at, start_given, end_at, stored_at, removed_at is not null
from assertions
where tenant_id = 1 and patient_key = '1.2.752.129.2.1.3.1^' || :patient
    and provider_key = 'se2321000016-vg0' and removed_at is null
order by assertion_number;
"
    )
}
