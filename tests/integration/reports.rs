//! Reports over the access log: what is told, to whom, and when it has to queue.

use super::harness::{Caller, Reply, Service, Wishes, request, with, without};
use hyper::Request;
use sigill::fairness::shares::Percentages;
use sigill::store::database::Store;
use sigill::workers::reports::{Kept, run};
use std::fmt::Write as _;
use std::time::Duration;
use tokio::sync::watch;

/// A record as these tests vary it.
#[derive(Clone, Copy)]
pub struct Record<'r> {
    pub id: &'r str,
    pub at: &'r str,
    pub owner: &'r str,
    pub unit: &'r str,
    pub user: &'r str,
    /// Type, patient and information owner of each resource.
    pub resources: &'r [(&'r str, &'r str, &'r str)],
}

pub const FIRST: Record<'_> = Record {
    id: "r1",
    at: "2026-11-20T10:00:00.001",
    owner: "SE-A",
    unit: "SE-A1",
    user: "SE-P1",
    resources: &[("vko", "191212121212", "SE-B")],
};

pub fn stored(records: &[Record<'_>]) -> String {
    let valid = request("log/store_log/valid");
    let (start, end) =
        (valid.find("      <urn1:log>").unwrap(), valid.find("    </urn1:StoreLog>").unwrap());
    let mut out = valid[..start].to_owned();
    for record in records {
        let one = &valid[start..end];
        let (first, last) =
            (one.find("<urn2:resource>").unwrap(), one.find("</urn2:resources>").unwrap());
        let (head, resource) = (&one[..first], &one[first..last]);
        let head = with(head, "logId", record.id);
        let head = with(&with(&head, "startDate", record.at), "userId", record.user);
        let head = with(&with(&head, "careProviderId", record.owner), "careUnitId", record.unit);
        out += &head;
        for (kind, patient, owner) in record.resources {
            let resource = with(&with(resource, "resourceType", kind), "extension", patient);
            out += &with(&resource, "careProviderId", owner);
        }
        out += &one[last..];
    }
    out + &valid[end..]
}

/// The report of a patient's records.
pub fn patients_report(patient: &str) -> String {
    with(&request("log/get_access_logs_for_patient/valid"), "extension", patient)
}

fn without_filters(contract: &str) -> String {
    let xml = request(&format!("log/{contract}/valid"));
    without(&xml, &["userId", "careUnitId"])
}

/// The request without its patient.
fn of_all(xml: &str) -> String {
    without(xml, &["root", "extension", "patientId"])
}

/// The texts of all elements of a name, in their order.
pub fn texts(reply: &Reply, element: &str) -> Vec<String> {
    let mark = format!(":{element}>");
    let parts = reply.body.split(&mark).skip(1).step_by(2);
    parts.map(|text| text.split('<').next().unwrap().to_owned()).collect()
}

async fn service_with(records: &[Record<'_>]) -> Service {
    let service = Service::start().await;
    assert_eq!(service.post(stored(records)).await.code(), "OK");
    service
}

#[tokio::test]
async fn a_care_provider_gets_its_own_records_whole_and_in_order() {
    let other = Record { id: "r0", owner: "SE-C", ..FIRST };
    let same_time = Record {
        id: "a9",
        resources: &[("und", "191212121213", "SE-B"), ("dia", "191212121212", "SE-C")],
        ..FIRST
    };
    let later =
        Record { id: "r2", at: "2026-11-21T10:00:00", user: "SE-P2", unit: "SE-A2", ..FIRST };
    let service = service_with(&[later, other, FIRST, same_time]).await;
    let question = with(&without_filters("get_logs"), "careProviderId", "se-a");
    let reply = service.post(of_all(&question)).await;
    assert_eq!(reply.code(), "OK", "{}", reply.body);
    assert_eq!(texts(&reply, "logId"), ["a9", "r1", "r2"]);
    assert_eq!(texts(&reply, "resourceType"), ["und", "dia", "vko", "vko"]);
    assert_eq!(reply.text("startDate"), Some("2026-11-20T10:00:00.001"));
    assert_eq!(reply.text("startInterval"), Some("2026-11-20T10:00:00.001"));
    assert_eq!(reply.text("endInterval"), Some("2026-11-21T10:00:00.000"));
    for (element, value, found) in [
        ("userId", "SE-P2", vec!["r2"]),
        ("careUnitId", "SE-A1", vec!["a9", "r1"]),
        ("userId", "SE-P3", vec![]),
    ] {
        let asked = of_all(&with(&request("log/get_logs/valid"), "careProviderId", "SE-A"));
        let kept = if element == "userId" { "careUnitId" } else { "userId" };
        let asked = with(&without(&asked, &[kept]), element, value);
        let reply = service.post(asked).await;
        assert_eq!(
            (reply.code(), texts(&reply, "logId")),
            ("OK", found.iter().map(ToString::to_string).collect())
        );
        assert!(reply.body.contains("logs>"), "the container is there: {}", reply.body);
    }
    // Whole records, of which one resource is about the patient.
    let reply = service.post(with(&question, "extension", "191212121213")).await;
    assert_eq!(texts(&reply, "logId"), ["a9"]);
    assert_eq!(texts(&reply, "resourceType"), ["und", "dia"]);
    let narrow = with(
        &with(&of_all(&question), "fromDate", "2026-11-20T10:00:00.002"),
        "toDate",
        "2026-11-21T10:00:00",
    );
    assert_eq!(texts(&service.post(narrow).await, "logId"), ["r2"], "bounds are inclusive");
    let reversed = with(&of_all(&question), "toDate", "2025-12-31T00:00:00");
    let reply = service.post(reversed).await;
    assert_eq!(reply.code(), "VALIDATION_ERROR");
    assert_eq!(reply.text("resultText"), Some("GetLogs/toDate: före fromDate"));
    assert!(!reply.body.contains(":logs>"));
}

#[tokio::test]
async fn a_patient_gets_a_row_for_each_record_and_type() {
    let two = Record {
        resources: &[
            ("dia", "191212121212", "SE-B"),
            ("vko", "191212121213", "SE-B"),
            ("und", "191212121212", "SE-C"),
            ("dia", "191212121212", "SE-B"),
        ],
        ..FIRST
    };
    let elsewhere = Record { id: "r3", owner: "SE-D", at: "2026-11-19T08:00:00", ..FIRST };
    let service = service_with(&[two, elsewhere]).await;
    let question = request("log/get_access_logs_for_patient/valid");
    let reply = service.post(question.clone()).await;
    assert_eq!(reply.code(), "OK", "{}", reply.body);
    assert!(reply.body.contains("accesssLogs>"));
    assert_eq!(texts(&reply, "resourceType"), ["vko", "dia", "und"]);
    assert_eq!(texts(&reply, "careProviderId"), ["SE-D", "SE-A", "SE-A"]);
    assert_eq!(texts(&reply, "accessDate")[0], "2026-11-19T08:00:00.000");
    let nobody = service.post(with(&question, "extension", "191212121299")).await;
    assert_eq!((nobody.code(), texts(&nobody, "accessDate").len()), ("OK", 0));
}

#[tokio::test]
async fn an_information_owner_gets_the_others_each_once() {
    let own = Record { id: "r2", owner: "SE-B", ..FIRST };
    let again = Record { id: "r3", owner: "se-a", at: "2026-11-21T10:00:00", ..FIRST };
    let of_c =
        Record { id: "r4", owner: "SE-C", resources: &[("vko", "191212121213", "SE-B")], ..FIRST };
    let not_theirs =
        Record { id: "r5", owner: "SE-D", resources: &[("vko", "191212121212", "SE-E")], ..FIRST };
    // The patient is in another resource than theirs.
    let mixed = Record {
        id: "r6",
        owner: "SE-F",
        resources: &[("vko", "191212121214", "SE-B"), ("vko", "191212121212", "SE-E")],
        ..FIRST
    };
    let service = service_with(&[own, again, of_c, not_theirs, mixed, FIRST]).await;
    let question = with(&request("log/get_info_logs/valid"), "careProviderId", "SE-B");
    let reply = service.post(of_all(&question)).await;
    assert_eq!(reply.code(), "OK", "{}", reply.body);
    assert_eq!(texts(&reply, "careProviderId"), ["se-a", "SE-C", "SE-F"]);
    let reply = service.post(question).await;
    assert_eq!(texts(&reply, "careProviderId"), ["se-a"]);
}

#[tokio::test]
async fn more_records_than_a_report_has_are_told_and_none_where_nothing_is_stored() {
    let wishes = Wishes { report_records_max: Some(2), ..Wishes::default() };
    let service = Service::start_with(wishes).await;
    let question = request("log/get_access_logs_for_patient/valid");
    let reply = service.post(question.clone()).await;
    assert_eq!(reply.code(), "OK");
    assert!(!reply.body.contains("Interval>"), "nothing is available: {}", reply.body);
    let ids = ["r1", "r2", "r3"];
    let records = ids.map(|id| Record { id, ..FIRST });
    assert_eq!(service.post(stored(&records[..2])).await.code(), "OK");
    let reply = service.post(question.clone()).await;
    assert_eq!((reply.code(), texts(&reply, "accessDate").len()), ("OK", 2));
    assert_eq!(service.post(stored(&records[2..])).await.code(), "OK");
    for contract in ["get_access_logs_for_patient", "get_logs", "get_info_logs"] {
        let xml = without_filters(contract);
        let owner = if contract == "get_logs" { "SE-A" } else { "SE-B" };
        let xml =
            if xml.contains("careProviderId") { with(&xml, "careProviderId", owner) } else { xml };
        let reply = service.post(xml).await;
        assert_eq!(reply.code(), "MAX_QUERY_RESULT_EXCEEDED", "{contract}");
        assert_eq!(texts(&reply, "careProviderId").len(), 0);
    }
}

async fn post_as(caller: &Caller, name: &str, xml: String) -> Reply {
    let request = Request::post(format!("{}/", caller.base()))
        .header("content-type", "text/xml; charset=UTF-8")
        .header("x-rivta-original-serviceconsumer-hsaid", name);
    caller.try_send(request.body(xml.into()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_report_that_queues_is_its_callers_and_its_questions() {
    let wishes = Wishes { queues_reports: true, ..Wishes::default() };
    let service = Service::start_with(wishes).await;
    assert_eq!(service.post(stored(&[FIRST])).await.code(), "OK");
    let question = request("log/get_access_logs_for_patient/valid");
    let reply = service.post(question.clone()).await;
    assert_eq!(reply.code(), "REPORT_ON_QUEUE", "{}", reply.body);
    let id = reply.text("queuedReportId").unwrap().to_owned();
    assert!(reply.text("queueTime").unwrap().parse::<i32>().unwrap() >= 1);
    let end = question.find("</urn1:toDate>").unwrap() + "</urn1:toDate>".len();
    let under = |xml: &str, id: &str| {
        let mut out = xml[..end].to_owned();
        write!(out, "<urn1:queuedReportId>{id}</urn1:queuedReportId>{}", &xml[end..]).unwrap();
        out
    };
    assert_eq!(service.post(under(&question, &id)).await.code(), "REPORT_ON_QUEUE");
    let store = Store::open(service.database.options(), 4, Percentages::default()).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let making = tokio::spawn(run(store, Kept { records_max: 10_000, hours: 24 }, stopped));
    let ready = async { while service.post(under(&question, &id)).await.code() != "OK" {} };
    tokio::time::timeout(Duration::from_secs(30), ready).await.expect("the report is made");
    for _ in 0..2 {
        let reply = service.post(under(&question, &id)).await;
        assert_eq!((reply.code(), texts(&reply, "resourceType").len()), ("OK", 1));
    }
    // A record that is stored later is not in it.
    assert_eq!(service.post(stored(&[Record { id: "r2", ..FIRST }])).await.code(), "OK");
    assert_eq!(texts(&service.post(under(&question, &id)).await, "resourceType").len(), 1);
    let other_question = with(&question, "fromDate", "2026-01-01T00:00:00.001");
    let strange = "6a1f2c10-52f3-4a37-9d6e-0c7b7f0e0099";
    for reply in [
        post_as(&service.caller, "SE2321000016-ANOTHER", under(&question, &id)).await,
        service.post(under(&other_question, &id)).await,
        service.post(under(&question, strange)).await,
        service.post(under(&question, "not an id")).await,
    ] {
        assert_eq!(reply.code(), "REPORT_NOT_FOUND", "{}", reply.body);
        assert_eq!(reply.text("queuedReportId"), None);
        assert!(!reply.body.contains("accesssLogs"));
    }
    stop.send(true).unwrap();
    making.await.unwrap();
    let jobs = service.database.count("select count(*) from jobs where kind = 'log-report'").await;
    assert_eq!(jobs, 0);
}

#[tokio::test]
async fn what_one_process_began_another_makes() {
    let wishes = Wishes { queues_reports: true, ..Wishes::default() };
    let service = Service::start_with(wishes).await;
    let question = request("log/get_access_logs_for_patient/valid");
    assert_eq!(service.post(question).await.code(), "REPORT_ON_QUEUE");
    // Somebody took it up and was not heard of again.
    let pool = service.database.pool().await;
    sqlx::query("update jobs set attempts = 1, leased_until = now() - interval '1 s'")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("update log_reports set begun_at = now()").execute(&pool).await.unwrap();
    let store = Store::open(service.database.options(), 4, Percentages::default()).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let making = tokio::spawn(run(store, Kept { records_max: 10, hours: 24 }, stopped));
    let made = "select count(*) from log_reports where outcome = 'made'";
    let ready = async { while service.database.count(made).await == 0 {} };
    tokio::time::timeout(Duration::from_secs(30), ready).await.expect("the report is made");
    // Kept for its time, and no longer.
    sqlx::query("update log_reports set ended_at = ended_at - interval '23 h'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(service.database.count("select count(*) from log_reports").await, 1);
    sqlx::query("update log_reports set ended_at = ended_at - interval '1 h'")
        .execute(&pool)
        .await
        .unwrap();
    let gone =
        async { while service.database.count("select count(*) from log_reports").await > 0 {} };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("it goes");
    stop.send(true).unwrap();
    making.await.unwrap();
}
