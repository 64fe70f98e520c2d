//! A consumer that decides by itself: it adds the assertions that it is told, removes those that
//! it is told as ended, and holds them against its clock. It opens exactly when the service does.

use super::consents::{at, register};
use super::harness::{Service, request, with, without};
use super::pair;
use sigill::domain::access::{Access, may_read};
use sigill::domain::blocking::block::{Block, BlockContent, Guards, Information};
use sigill::domain::consent::assertion::{Assertion, AssertionContent, AssertionType, Start};
use sigill::domain::identity::{AccessingActor, HsaId, PatientId, RecordId};
use sigill::domain::lifetime::Lifetime;
use sigill::domain::period::Period;
use sigill::domain::time::{Ambiguous, Moment, Timestamp, instant};
use std::collections::BTreeMap;

fn hsa(id: &str) -> HsaId {
    HsaId::new(id).unwrap()
}

fn patient() -> PatientId {
    PatientId::new("1.2.752.129.2.1.3.1", "191212121212").unwrap()
}

/// The employee of the requests in `testdata/`.
fn actor() -> AccessingActor {
    AccessingActor {
        employee: hsa("SE2321000016-P001"),
        care_provider: hsa("SE2321000016-VG01"),
        care_unit: hsa("SE2321000016-VE01"),
    }
}

/// Another provider's.
fn information() -> Information {
    Information {
        period: Period::default(),
        care_unit: hsa("SE2321000016-VE21"),
        care_provider: hsa("SE2321000016-VG02"),
        information_type: None,
    }
}

fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    xml.split(&format!("<c:{name}>")).nth(1)?.split("</").next()
}

/// What the consumer has been told.
#[derive(Default)]
struct Consumer {
    assertions: BTreeMap<String, Assertion>,
    blocks: Vec<Block>,
    cursor: Option<String>,
}

impl Consumer {
    async fn ask(&mut self, service: &Service) {
        let list = request("consent/get_consents_for_care_provider/valid");
        let list = match &self.cursor {
            Some(cursor) => with(&list, "createdOnOrAfter", cursor),
            None => without(&list, &["createdOnOrAfter"]),
        };
        let reply = service.post(list).await;
        assert_eq!((reply.code(), reply.text("hasMore")), ("OK", Some("false")));
        self.cursor = reply.text("moreOnOrAfter").map(str::to_owned);
        let entries = |name: &str| -> Vec<String> {
            let (open, close) = (format!("<c:{name}>"), format!("</c:{name}>"));
            let pieces = reply.body.split(&open).skip(1);
            pieces.map(|piece| piece.split(&close).next().unwrap().to_owned()).collect()
        };
        let (added, removed) = (entries("assertions"), entries("cancelledAssertions"));
        let id = |entry: &String| element(entry, "assertionId").unwrap().to_owned();
        let both = added.iter().map(id).filter(|added| removed.iter().map(id).any(|r| r == *added));
        assert_eq!(both.collect::<Vec<_>>(), Vec::<String>::new(), "told in both lists");
        self.assertions.extend(added.iter().map(|entry| (id(entry), assertion(entry))));
        for ended in &removed {
            self.assertions.remove(&id(ended));
        }
        let get = without(&request("blocking/get_blocks/valid"), &["createdOnOrAfter"]);
        let reply = service.post(with(&get, "careProviderIds", "SE2321000016-VG02")).await;
        assert_eq!(reply.code(), "OK", "{}", reply.body);
        let rows = reply.body.split("<c:blocks>").skip(1);
        self.blocks = rows.map(block).collect();
    }

    fn decides(&self, now: Timestamp) -> Access {
        let assertions: Vec<Assertion> = self.assertions.values().cloned().collect();
        // What it has been told is in the past: it holds everything against its own clock.
        may_read(&patient(), &information(), &actor(), &self.blocks, &assertions, Moment::Then(now))
    }
}

fn time(entry: &str, name: &str, ambiguous: Ambiguous) -> Option<Timestamp> {
    element(entry, name).map(|text| instant(text.parse().unwrap(), ambiguous))
}

fn assertion(entry: &str) -> Assertion {
    let start = time(entry, "startDate", Ambiguous::Earlier).unwrap();
    Assertion {
        id: RecordId::new(element(entry, "assertionId").unwrap()).unwrap(),
        content: AssertionContent {
            assertion_type: AssertionType::Consent,
            patient: patient(),
            care_provider: hsa(element(entry, "careProviderId").unwrap()),
            care_unit: hsa(element(entry, "careUnitId").unwrap()),
            employee: element(entry, "employeeId").map(hsa),
            start: Some(start),
            end: time(entry, "endDate", Ambiguous::Later),
            represented_by: None,
        },
        start: Start::At(start),
        patient_ends: Vec::new(),
        lifetime: Lifetime::from(start),
        source: None,
        owner_id: None,
    }
}

fn block(row: &str) -> Block {
    let guards = Guards::Unit {
        provider: hsa(element(row, "informationCareProviderId").unwrap()),
        unit: hsa(element(row, "informationCareUnitId").unwrap()),
    };
    Block {
        id: RecordId::new(element(row, "blockId").unwrap()).unwrap(),
        content: BlockContent {
            patient: patient(),
            guards,
            period: Period::default(),
            exempted: Vec::new(),
        },
        lifetime: Lifetime::from(Timestamp::UNIX_EPOCH),
        revokes: Vec::new(),
        owner_id: None,
    }
}

/// What the service says by its two contracts.
async fn service_decides(service: &Service) -> Access {
    let check = request("blocking/check_blocks/inner_block_stops_another_unit");
    let check = with(&check, "careUnitId", "SE2321000016-VE01");
    let check = with(&check, "informationCareUnitId", "SE2321000016-VE21");
    let check = with(&check, "informationCareProviderId", "SE2321000016-VG02");
    if service.post(check).await.text("status") != Some("OK") {
        return Access::Blocked;
    }
    let reply = service.post(request("consent/check_consent/valid")).await;
    match reply.text("hasConsent").unwrap() {
        "true" => Access::Opened(AssertionType::Consent),
        _ => Access::NoConsent,
    }
}

/// A consent for these Swedish times of the day.
fn consent(id: &str, start: &str, end: &str) -> String {
    let xml = request("consent/register_extended_consent/valid");
    let xml = with(&xml, "startDate", &format!("2026-11-22T{start}"));
    with(&with(&xml, "endDate", &format!("2026-11-22T{end}")), "assertionId", id)
}

fn end_by_patient(id: &str, end: &str) -> String {
    let xml = with(&request("consent/end_consent_by_patient/valid"), "assertionId", id);
    with(&xml, "endDateTime", &format!("2026-11-22T{end}"))
}

fn block_of_other_provider() -> String {
    let xml = pair::register("b", 0);
    let xml = with(&xml, "informationCareUnitId", "SE2321000016-VE21");
    with(&xml, "informationCareProviderId", "SE2321000016-VG02")
}

#[tokio::test]
async fn a_consumer_that_adds_and_removes_opens_exactly_when_the_service_does() {
    let service = Service::start().await;
    let mut consumer = Consumer::default();
    let mut changes: BTreeMap<i64, String> = BTreeMap::from([
        (2, register("open")),
        (4, at("end_consent_by_patient", "open")),
        (6, consent("short", "13:00:00", "13:00:10")),
        (12, consent("cut", "13:00:00", "13:00:40")),
        // An end to come: it is told as valid until then, and as ended from then on.
        (14, end_by_patient("cut", "13:00:18")),
        // Ended while the end to come is still to come.
        (22, consent("twice", "13:00:00", "13:01:30")),
        (24, end_by_patient("twice", "13:00:40")),
        (26, at("cancel_extended_consent", "twice")),
        (30, consent("annulled", "13:00:00", "13:01:30")),
        (32, block_of_other_provider()),
        (36, pair::revoke("b", 0)),
        (40, at("delete_extended_consent", "annulled")),
        // Ended by the patient, and never valid.
        (42, consent("to come", "13:01:50", "13:02:30")),
        (44, end_by_patient("to come", "13:00:50")),
        (52, consent("last", "13:00:00", "13:01:02")),
        (54, at("cancel_extended_consent", "last")),
    ]);
    let mut seen = Vec::new();
    for second in 0..70 {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let now = now + chrono::Duration::seconds(second);
        service.set_clock(&now.to_rfc3339());
        if let Some(change) = changes.remove(&second) {
            assert_eq!(service.post(change).await.code(), "OK", "{second}");
        }
        consumer.ask(&service).await;
        let (own, expected) = (consumer.decides(now), service_decides(&service).await);
        assert_eq!(own, expected, "{second} s");
        if seen.last() != Some(&own) {
            seen.push(own);
        }
    }
    assert!(changes.is_empty());
    let (opened, closed) = (Access::Opened(AssertionType::Consent), Access::NoConsent);
    let before = [closed, opened, closed, opened, closed, opened, closed, opened, closed];
    let after = [opened, Access::Blocked, opened, closed, opened, closed];
    assert_eq!(seen, [&before[..], &after[..]].concat());
}
