//! The pages: `make bench ONLY=pages`, on a demonstration in a database whose log has a million records beside
//! (`RECORDS=10000000` for ten). One reader, one page at a time.

use super::server::Server;
use super::{ROUNDS, growth, median, server};
use sigill::demo::region::{Region, SEED, Size};
use std::collections::BTreeMap;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Patients whose page is looked at, and how often in a round.
const PATIENTS: usize = 20;
const TIMES: usize = 10;
/// Looks at a review's list in a round.
const LISTS: usize = 60;
/// Looks at one patient before an extract: each is two of its rows.
const LOOKS: usize = 245;

/// Fills, starts a demonstration, and looks at it.
pub async fn run() {
    let records = std::env::var("RECORDS").ok().filter(|wish| !wish.is_empty());
    let records = records.map_or(1_000_000, |wish| wish.parse().expect("a number of records"));
    growth::filled(&server::migrated().await, records).await;
    let url = std::env::var("SIGILL_TEST_DATABASE").expect("run this with `make bench`");
    let begun = Instant::now();
    let (server, address) = Server::demonstration(&url).await;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{:<46} {seconds:>10.1} {:>10} {:>6} {:>5}", "demonstration filled, s", "", "", "≤60");
    let at = format!("{:.1} M", records as f64 / 1e6);
    // What is sealed meanwhile would be counted as the page's.
    super::seal::adopted(&server).await;
    patient_page(&server, &address, &at).await;
    extract(&server, &address, &at).await;
    review_list(&server, &address, &at).await;
    let mut reader = Reader::new(&address);
    let assets =
        reader.get("/stil.css").await.body.len() + reader.get("/skript.js").await.body.len();
    let kilobytes = assets as f64 / 1e3;
    println!("{:<46} {kilobytes:>10.1} {:>10} {:>6} {:>5}", "style and script, kB", "", "", "≤30");
    let memory = "resident memory with pages, MB";
    println!("{memory:<46} {:>10.1} {:>10} {:>6} {:>5}", server.resident(), "", "", "≤150");
    server.stop().await;
}

async fn patient_page(server: &Server, address: &str, at: &str) {
    let mut reader = Reader::logged_in(address, "SE2321000016-A01").await;
    let region = Region::new(SEED, Size::SMALL);
    let mut pages = Vec::new();
    for patient in region.patients.iter().take(PATIENTS) {
        pages.push(reader.look_up(&patient.number).await);
    }
    let looks: Vec<&String> = pages.iter().cycle().take(PATIENTS * TIMES).collect();
    looked_at(server, &mut reader, &looks, &format!("patient page, p95 ms, {at} records"), 50)
        .await;
}

/// Prints how long the pages at the addresses take, one after another: the medians of rounds.
async fn looked_at(server: &Server, reader: &mut Reader, looks: &[&String], name: &str, goal: u32) {
    let (mut p50, mut p95, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (before, mut times) = (server.cpu_us() + server.database_cpu_us(), Vec::new());
        for look in looks {
            let begun = Instant::now();
            let reply = reader.get(look).await;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            assert_eq!(reply.status, 200);
        }
        times.sort_by(f64::total_cmp);
        p50.push(times[times.len() / 2]);
        p95.push(times[times.len() * 95 / 100]);
        let used = server.cpu_us() + server.database_cpu_us() - before;
        cpu.push(used / times.len() as f64 / 1000.0);
    }
    let (p50, p95, cpu, goal) = (median(p50), median(p95), median(cpu), format!("≤{goal}"));
    println!(
        "{name:<46} {p95:>10.1} {:>10} {:>6} {goal:>5}  CPU {cpu:.1} ms a page, p50 {p50:.1} ms",
        "", ""
    );
}

async fn extract(server: &Server, address: &str, at: &str) {
    let mut reader = Reader::logged_in(address, "SE2321000016-A02").await;
    let region = Region::new(SEED, Size::SMALL);
    let lookup = reader.look_up(&region.patients[PATIENTS + 1].number).await;
    for _ in 0..LOOKS {
        assert_eq!(reader.get(&lookup).await.status, 200);
    }
    super::seal::adopted(server).await;
    let today = sigill::domain::time::local(chrono::Utc::now()).date();
    let from = (today - chrono::Days::new(300)).to_string();
    let (mut times, mut rows) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let form = format!("{lookup}/utdrag");
        let id = reader.get(&form).await.hidden("id");
        let sent = reader
            .post(
                &form,
                &[
                    ("id", &id),
                    ("requester", "patient"),
                    ("identity_check", "id-kort"),
                    ("from", &from),
                    ("to", &today.to_string()),
                    ("names", "no"),
                    ("names_reason", "prov"),
                ],
            )
            .await;
        let page = sent.location.expect("the request is taken");
        reader.get(&page).await;
        let begun = Instant::now();
        assert_eq!(reader.post(&page, &[("step", "make")]).await.status, 303);
        let pdf = reader.get(&format!("{page}/fil/pdf")).await;
        times.push(begun.elapsed().as_secs_f64());
        assert!(pdf.body.starts_with(b"%PDF"));
        let csv = reader.get(&format!("{page}/fil/csv")).await;
        rows = memchr::memchr_iter(b'\n', &csv.body).count();
    }
    let seconds = median(times);
    let name = format!("extract of {rows} rows made, with its PDF, s, {at}");
    println!("{name:<46} {seconds:>10.2} {:>10} {:>6} {:>5}", "", "", "≤0.5");
}

/// The minimised list of a review of 200 visits, which logs a look at every patient on it before it is sent.
async fn review_list(server: &Server, address: &str, at: &str) {
    let mut reader = Reader::logged_in(address, "SE2321000016-A02").await;
    reader.get("/granskning/ny").await;
    let today = sigill::domain::time::local(chrono::Utc::now()).date();
    let (from, to) = ((today - chrono::Days::new(390)).to_string(), today.to_string());
    let fields =
        [("employee", "SE2321000016-P0004"), ("from", &*from), ("to", &*to), ("reason", "prov")];
    let list = reader.post("/granskning/ny", &fields).await.location.expect("it is opened");
    let page = reader.get(&list).await;
    let visits = memchr::memmem::find_iter(&page.body, b"<tr id=\"v").count();
    let name = format!("list of {visits} visits, p95 ms, {at} records");
    looked_at(server, &mut reader, &[&list; LISTS], &name, 100).await;
}

/// What comes back.
struct Page {
    status: u16,
    location: Option<String>,
    body: Vec<u8>,
}

impl Page {
    /// The value of a hidden field.
    fn hidden(&self, name: &str) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let sign = format!("name=\"{name}\" value=\"");
        let (_, rest) = text.split_once(&sign).expect("the form has it");
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

/// A browser, as far as the pages need one.
struct Reader {
    address: String,
    cookies: BTreeMap<String, String>,
    token: String,
}

impl Reader {
    fn new(address: &str) -> Self {
        Self { address: address.to_owned(), cookies: BTreeMap::new(), token: String::new() }
    }

    async fn logged_in(address: &str, employee: &str) -> Self {
        let mut reader = Self::new(address);
        reader.get("/logga-in").await;
        reader.post("/logga-in", &[("employee", employee)]).await;
        assert_eq!(reader.get("/").await.status, 200);
        reader
    }

    async fn look_up(&mut self, number: &str) -> String {
        self.get("/patient").await;
        let fields = [("number", number), ("matter", "present"), ("anyway", "yes")];
        self.post("/patient", &fields).await.location.expect("the patient is found")
    }

    async fn get(&mut self, path: &str) -> Page {
        self.send("GET", path, String::new()).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("form_token", &self.token).extend_pairs(fields);
        self.send("POST", path, body.finish()).await
    }

    async fn send(&mut self, method: &str, path: &str, body: String) -> Page {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let message = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            cookies.join("; "),
            body.len()
        );
        let mut stream = TcpStream::connect(&self.address).await.expect("the pages are there");
        stream.write_all(message.as_bytes()).await.expect("the request is taken");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.expect("a reply");
        let end = memchr::memmem::find(&reply, b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&reply[..end]).into_owned();
        let body = reply[end + 4..].to_vec();
        let mut location = None;
        for line in head.lines() {
            let Some((name, value)) = line.split_once(": ") else { continue };
            match name.to_ascii_lowercase().as_str() {
                "location" => location = Some(value.to_owned()),
                "set-cookie" => {
                    let (own, rest) = value.split_once('=').expect("a cookie has a value");
                    let value = rest.split(';').next().unwrap_or_default();
                    self.cookies.insert(own.to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
        let text = String::from_utf8_lossy(&body);
        if let Some((_, rest)) = text.split_once("name=\"form_token\" value=\"") {
            rest.get(..64).unwrap_or_default().clone_into(&mut self.token);
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Page { status: status.expect("a status"), location, body }
    }
}
