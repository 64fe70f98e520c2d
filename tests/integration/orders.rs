//! Orders of extracts: from the order to the file, and what becomes of both.

use super::golden::{assert_valid, body_element};
use super::harness::{Caller, Database, Reply, request, testdata, with, without};
use super::program::{Folder, Program};
use super::reports::{FIRST, Record, stored, texts};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, StatusCode};
use nix::sys::signal::Signal;
use std::io::{Cursor, Read as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const OWNER: &str = "SE-A";

fn settings(folder: &Folder) -> String {
    format!("[log]\norder_folder = \"{}\"\n", folder.path().join("orders").display())
}

/// An order of everything that the owner has, in files of so many records.
fn order(records_per_file: usize) -> String {
    let names = ["careUnitId", "patientId", "root", "extension", "userId"];
    let all =
        with(&without(&request("log/get_logs_by_order/valid"), &names), "careProviderId", OWNER);
    with(&all, "maxResultsPerFile", &records_per_file.to_string())
}

fn files_of(id: &str) -> String {
    with(&request("log/get_files_for_order_id/valid"), "orderId", id)
}

async fn ordered(caller: &Caller, xml: String) -> String {
    let reply = caller.post(xml).await;
    assert_eq!(reply.code(), "OK", "{}", reply.body);
    reply.text("orderId").unwrap().to_owned()
}

/// Asks until the order is ready.
async fn ready(caller: &Caller, id: &str) -> Reply {
    let asking = async {
        loop {
            let reply = caller.post(files_of(id)).await;
            match reply.code() {
                "REPORT_ON_QUEUE" | "REPORT_IN_PROCESS" => {
                    assert!(!reply.body.contains("multimedia"), "{}", reply.body);
                }
                "OK" => return reply,
                other => panic!("{other}: {}", reply.body),
            }
        }
    };
    timeout(Duration::from_mins(1), asking).await.expect("the order is made")
}

/// The paths of an order's files.
fn paths(reply: &Reply) -> Vec<String> {
    let references = texts(reply, "reference").into_iter();
    references.map(|r| format!("/{}", r.splitn(4, '/').nth(3).unwrap())).collect()
}

struct Fetched {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Bytes,
}

async fn fetch(caller: &Caller, path: &str, headers: &[(&str, &str)]) -> Fetched {
    let mut request = Request::get(format!("{}{path}", caller.base()))
        .header("x-rivta-original-serviceconsumer-hsaid", "SE2321000016-TEST");
    for (name, value) in headers {
        request.headers_mut().unwrap().remove(*name);
        request = request.header(*name, *value);
    }
    let (status, headers, bytes) = caller.fetch(request).await;
    Fetched { status, headers, bytes }
}

/// The one document in a ZIP: its name and its text.
fn unzipped(bytes: &[u8]) -> (String, String) {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    assert_eq!(zip.len(), 1);
    let mut entry = zip.by_index(0).unwrap();
    let mut text = String::new();
    entry.read_to_string(&mut text).unwrap();
    (entry.name().unwrap().into_owned(), text)
}

fn log_ids(document: &str) -> Vec<String> {
    let parts = document.split(":logId>").skip(1).step_by(2);
    parts.map(|text| text.split('<').next().unwrap().to_owned()).collect()
}

/// Holds a document to the core schema, which has the type of its root and not the element.
fn validate(document: &str, folder: &Folder) {
    let schema = folder.path().join("logs.xsd");
    let core = testdata("../schemas/log/2.0/informationsecurity_auditing_log_2.0.xsd");
    let own = std::fs::read_to_string(core).unwrap();
    let (before, after) = own.rsplit_once("</xs:schema>").unwrap();
    let root = r#"<xs:element name="logs" type="tns:LogsType"/>"#;
    std::fs::write(&schema, format!("{before}{root}</xs:schema>{after}")).unwrap();
    validate_by(&schema, document, folder);
}

fn validate_by(schema: &Path, document: &str, folder: &Folder) {
    let file = folder.path().join("document.xml");
    std::fs::write(&file, document).unwrap();
    assert_valid(schema, &[file]);
}

/// The file is gone soon.
async fn is_gone(caller: &Caller, path: &str) {
    let first = [("range", "bytes=0-0")];
    let gone = async { while fetch(caller, path, &first).await.status != StatusCode::GONE {} };
    timeout(Duration::from_secs(20), gone).await.expect("a file is fetched once");
}

fn files_on_disk(folder: &Folder) -> Vec<PathBuf> {
    // What is being removed meanwhile is not there.
    let within = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten();
    let installations = within(folder.path().join("orders"));
    let orders = installations.flat_map(|installation| within(installation.path()));
    orders.flat_map(|order| within(order.path())).map(|file| file.path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_becomes_a_file_that_its_caller_fetches_once() {
    let (database, folder) = (Database::new().await, Folder::new("order"));
    let program = Program::with(&database, &folder, &settings(&folder)).await;
    let caller = &program.caller;
    let two = Record {
        resources: &[("dia", "191212121212", "SE-B"), ("und", "191212121213", "SE-C")],
        ..FIRST
    };
    let later = Record { id: "r2", at: "2026-11-21T10:00:00", ..FIRST };
    let other = Record { id: "r3", owner: "SE-C", ..FIRST };
    assert_eq!(caller.post(stored(&[later, two, other])).await.code(), "OK");
    let id = ordered(caller, order(10)).await;
    assert_eq!(id.len(), 36);
    let reply = ready(caller, &id).await;
    let (paths, media) = (paths(&reply), texts(&reply, "mediaType"));
    assert_eq!((paths.len(), media), (1, vec!["application/zip".to_owned()]));
    assert!(reply.text("reference").unwrap().starts_with(&format!("{}/log/files/", caller.base())));
    let schema = testdata("../schemas/log/1.0/GetFilesForOrderIdResponder_1.0.xsd");
    validate_by(&schema, body_element(&reply.body), &folder);
    let on_disk = files_on_disk(&folder);
    assert_eq!(on_disk.len(), 1);
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&on_disk[0]), mode(on_disk[0].parent().unwrap())), (0o600, 0o700));
    // To everybody else neither the order nor the file exists.
    let another = ("x-rivta-original-serviceconsumer-hsaid", "SE2321000016-ANOTHER");
    assert_eq!(fetch(caller, &paths[0], &[another]).await.status, StatusCode::NOT_FOUND);
    let asked = Request::post(format!("{}/", caller.base()))
        .header("content-type", "text/xml; charset=UTF-8")
        .header(another.0, another.1);
    let asked = caller.try_send(asked.body(files_of(&id).into()).unwrap()).await.unwrap();
    assert_eq!(asked.code(), "REPORT_NOT_FOUND");
    let unknown = format!("/log/files/{}", "0".repeat(32));
    for path in [unknown.as_str(), "/log/files/", "/log/files/x"] {
        assert_eq!(fetch(caller, path, &[]).await.status, StatusCode::NOT_FOUND);
    }
    // A part, and how it is, do not count.
    let head = Request::head(format!("{}{}", caller.base(), paths[0]))
        .header("x-rivta-original-serviceconsumer-hsaid", "SE2321000016-TEST");
    let (status, headers, _) = caller.fetch(head).await;
    let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
    assert_eq!(
        (status, &headers["accept-ranges"]),
        (StatusCode::OK, &"bytes".parse::<hyper::header::HeaderValue>().unwrap())
    );
    let last = fetch(caller, &paths[0], &[("range", "bytes=-1")]).await;
    assert_eq!((last.status, last.bytes.len()), (StatusCode::PARTIAL_CONTENT, 1));
    let beyond = fetch(caller, &paths[0], &[("range", &format!("bytes={length}-"))]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    let whole = fetch(caller, &paths[0], &[]).await;
    assert_eq!((whole.status, whole.bytes.len()), (StatusCode::OK, length));
    assert_eq!(whole.headers["content-type"], "application/zip");
    let (name, document) = unzipped(&whole.bytes);
    assert_eq!(name, format!("{id}-1.xml"));
    assert!(document.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
    validate(&document, &folder);
    // The same as the report has it, rows and all.
    let question = with(
        &without(&request("log/get_logs/valid"), &["userId", "careUnitId"]),
        "careProviderId",
        OWNER,
    );
    let report = caller.post(without(&question, &["root", "extension", "patientId"])).await;
    let rows = report.body.split_once("<c:logs>").unwrap().1.split_once("</c:logs>").unwrap().0;
    assert_eq!(
        document.split_once('>').map(|(_, rest)| rest.split_once('>').unwrap().1.replace('\n', "")),
        Some(format!("{rows}</c:logs>"))
    );
    // It has been fetched.
    is_gone(caller, &paths[0]).await;
    assert_eq!(caller.post(files_of(&id)).await.code(), "REPORT_NOT_FOUND");
    let removed = async { while !files_on_disk(&folder).is_empty() {} };
    timeout(Duration::from_secs(20), removed).await.expect("what was fetched is removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_transfer_goes_on_and_then_the_file_is_gone() {
    let (database, folder) = (Database::new().await, Folder::new("order-range"));
    let program = Program::with(&database, &folder, &settings(&folder)).await;
    let caller = &program.caller;
    assert_eq!(caller.post(stored(&[FIRST])).await.code(), "OK");
    let id = ordered(caller, order(10)).await;
    let path = paths(&ready(caller, &id).await).remove(0);
    let first = fetch(caller, &path, &[("range", "bytes=0-99")]).await;
    assert_eq!((first.status, first.bytes.len()), (StatusCode::PARTIAL_CONTENT, 100));
    let range = first.headers["content-range"].to_str().unwrap();
    let length: usize = range.rsplit_once('/').unwrap().1.parse().unwrap();
    assert_eq!(range, format!("bytes 0-99/{length}"));
    let etag = first.headers["etag"].to_str().unwrap();
    // What has been sent is kept soon after it has been.
    let kept = "select count(*) from log_order_files where sent_bytes = 100";
    timeout(Duration::from_secs(20), async { while database.count(kept).await == 0 {} })
        .await
        .unwrap();
    let more = [("range", "bytes=100-"), ("if-range", etag), ("connection", "close")];
    let rest = fetch(caller, &path, &more).await;
    assert_eq!((rest.status, rest.bytes.len()), (StatusCode::PARTIAL_CONTENT, length - 100));
    let whole = [first.bytes.as_ref(), rest.bytes.as_ref()].concat();
    assert_eq!(log_ids(&unzipped(&whole).1), ["r1"]);
    is_gone(caller, &path).await;
}

/// Asks for a file by hand, reads so much of the answer (all is 0), and leaves.
async fn read_some(caller: &Caller, path: &str, connection: &str, bytes: usize) {
    let mut stream =
        TcpStream::connect(caller.base().strip_prefix("http://").unwrap()).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: {connection}\r\n\
         x-rivta-original-serviceconsumer-hsaid: SE2321000016-TEST\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut some = vec![0; bytes];
    match bytes {
        0 => stream.read_to_end(&mut some).await.map(|_| ()).unwrap(),
        _ => stream.read_exact(&mut some).await.map(|_| ()).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_arrive_was_not_fetched() {
    let (database, folder) = (Database::new().await, Folder::new("order-broken"));
    let program = Program::with(&database, &folder, &settings(&folder)).await;
    let caller = &program.caller;
    let ids: Vec<String> = (0..400).map(|n| format!("r{n:03}")).collect();
    let records: Vec<Record<'_>> = ids.iter().map(|id| Record { id, ..FIRST }).collect();
    assert_eq!(caller.post(stored(&records)).await.code(), "OK");
    let id = ordered(caller, order(10_000)).await;
    let path = paths(&ready(caller, &id).await).remove(0);
    for connection in ["keep-alive", "close"] {
        // All of it has left the server; what is not read is refused by the caller's system.
        read_some(caller, &path, connection, 300).await;
        let log = "select count(*) from log_order_files where sent_bytes = bytes - 1";
        let told = async { while database.count(log).await == 0 {} };
        timeout(Duration::from_secs(20), told).await.expect("it is known how far it came");
        let first = fetch(caller, &path, &[("range", "bytes=0-0")]).await;
        assert_eq!(first.status, StatusCode::PARTIAL_CONTENT, "{connection}");
    }
    read_some(caller, &path, "close", 0).await;
    is_gone(caller, &path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_have_at_most_what_was_asked_for_and_criteria_narrow() {
    let (database, folder) = (Database::new().await, Folder::new("order-split"));
    let program = Program::with(&database, &folder, &settings(&folder)).await;
    let caller = &program.caller;
    let at = |n: usize| format!("2026-11-{:02}T10:00:00", n + 1);
    let (ids, times): (Vec<String>, Vec<String>) = (0..5).map(|n| (format!("r{n}"), at(n))).unzip();
    let records = (0..5).map(|n| Record {
        id: &ids[n],
        at: &times[n],
        user: if n % 2 == 0 { "SE-P1" } else { "SE-P2" },
        unit: if n < 3 { "SE-A1" } else { "SE-A2" },
        resources: if n == 2 { &[("vko", "191212121213", "SE-B")] } else { FIRST.resources },
        ..FIRST
    });
    assert_eq!(caller.post(stored(&records.collect::<Vec<_>>())).await.code(), "OK");
    let fetched = async |xml: String| {
        let id = ordered(caller, xml).await;
        let mut files = Vec::new();
        for path in paths(&ready(caller, &id).await) {
            let document = unzipped(&fetch(caller, &path, &[]).await.bytes).1;
            validate(&document, &folder);
            files.push(log_ids(&document));
        }
        files
    };
    assert_eq!(fetched(order(2)).await, [vec!["r0", "r1"], vec!["r2", "r3"], vec!["r4"]]);
    assert_eq!(fetched(order(5)).await, [vec!["r0", "r1", "r2", "r3", "r4"]]);
    let narrowed = |elements: &str| {
        let xml = order(10);
        let at = xml.find("      <urn1:fromDate>").unwrap();
        format!("{}{elements}{}", &xml[..at], &xml[at..])
    };
    let unit = |id: &str| format!("<urn1:careUnitId>{id}</urn1:careUnitId>");
    let user = |id: &str| format!("<urn1:userId>{id}</urn1:userId>");
    let patient = "<urn1:patientId><urn2:root>1.2.752.129.2.1.3.1</urn2:root><urn2:extension>191212121213</urn2:extension></urn1:patientId>";
    assert_eq!(fetched(narrowed(&unit(" se-a1 "))).await, [vec!["r0", "r1", "r2"]]);
    assert_eq!(fetched(narrowed(&(unit("SE-A1") + &unit("SE-A2")))).await[0].len(), 5);
    assert_eq!(fetched(narrowed(&(unit("SE-A1") + &user("SE-P1")))).await, [vec!["r0", "r2"]]);
    assert_eq!(fetched(narrowed(patient)).await, [vec!["r2"]]);
    // What matches nothing is ready too: one file without records.
    assert_eq!(
        fetched(narrowed(&(patient.to_owned() + &user("SE-P2")))).await,
        [Vec::<String>::new()]
    );
    let refused = caller.post(order(0)).await;
    assert_eq!(refused.code(), "VALIDATION_ERROR");
    assert_eq!(
        refused.text("resultText"),
        Some("GetLogsByOrder/maxResultsPerFile: inte 1 till 10000")
    );
    assert_eq!(refused.text("orderId"), None);
    let refused = caller.post(narrowed(&user("SE-P1").repeat(501))).await;
    assert_eq!(refused.text("resultText"), Some("GetLogsByOrder/userId: fler än 500"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_leaves_whole_files_and_another_makes_the_rest() {
    let (database, folder) = (Database::new().await, Folder::new("order-kill"));
    let more = settings(&folder);
    let mut program = Program::with(&database, &folder, &more).await;
    let ids: Vec<String> = (0..400).map(|n| format!("r{n:03}")).collect();
    let records: Vec<Record<'_>> = ids.iter().map(|id| Record { id, ..FIRST }).collect();
    assert_eq!(program.caller.post(stored(&records)).await.code(), "OK");
    let id = ordered(&program.caller, order(1)).await;
    let made = "select count(*) from log_order_files";
    let mut files = 0;
    for _ in 0..3 {
        let more_files = async { while database.count(made).await <= files {} };
        timeout(Duration::from_mins(1), more_files).await.expect("it goes on");
        program.signal(Signal::SIGKILL);
        program.ended().await;
        files = database.count(made).await;
        assert!(files < 400, "the process was killed too late");
        // The lease of who is dead ends by itself.
        let pool = database.pool().await;
        sqlx::query("update jobs set leased_until = now()").execute(&pool).await.unwrap();
        pool.close().await;
        program = Program::with(&database, &folder, &more).await;
    }
    let reply = ready(&program.caller, &id).await;
    let mut seen = Vec::new();
    for path in paths(&reply) {
        let document = unzipped(&fetch(&program.caller, &path, &[]).await.bytes).1;
        seen.extend(log_ids(&document));
    }
    assert_eq!(seen, ids);
    let unfinished =
        files_on_disk(&folder).into_iter().filter(|f| f.extension().is_some_and(|e| e == "part"));
    assert_eq!(unfinished.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_after_their_time_and_are_known_to_be_gone() {
    let (database, folder) = (Database::new().await, Folder::new("order-old"));
    let program = Program::with(&database, &folder, &settings(&folder)).await;
    let caller = &program.caller;
    let id = ordered(caller, order(1)).await;
    let path = paths(&ready(caller, &id).await).remove(0);
    let pool = database.pool().await;
    let age = async |hours: &str| {
        let sql = format!("update log_orders set ended_at = ended_at - interval '{hours} h'");
        sqlx::query(&sql).execute(&pool).await.unwrap();
    };
    age("23").await;
    assert_eq!(caller.post(files_of(&id)).await.code(), "OK");
    age("1").await;
    let gone = async { while caller.post(files_of(&id)).await.code() != "REPORT_NOT_FOUND" {} };
    timeout(Duration::from_secs(20), gone).await.expect("its time is over");
    assert_eq!(fetch(caller, &path, &[]).await.status, StatusCode::GONE);
    timeout(Duration::from_secs(20), async { while !files_on_disk(&folder).is_empty() {} })
        .await
        .unwrap();
    age("720").await;
    let forgotten =
        async { while fetch(caller, &path, &[]).await.status != StatusCode::NOT_FOUND {} };
    timeout(Duration::from_secs(20), forgotten).await.expect("it is forgotten");
}
