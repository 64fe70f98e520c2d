//! GetConsentsForCareProvider, page by page: whoever follows the cursors sees everything.

use super::consents::{at, register};
use super::harness::{Reply, Service, Wishes, request, with, without};
use proptest::prelude::*;
use std::collections::BTreeSet;

const CASES: u32 = 25;

fn list(since: Option<&str>) -> String {
    let xml = request("consent/get_consents_for_care_provider/valid");
    match since {
        Some(since) => with(&xml, "createdOnOrAfter", since),
        None => without(&xml, &["createdOnOrAfter"]),
    }
}

/// Ids of the valid ones, and of the ended ones, in a page.
fn ids(reply: &Reply) -> (Vec<String>, Vec<String>) {
    let under = |parent: &str| {
        let opening = format!("<c:{parent}><c:assertionId>");
        let pieces = reply.body.split(&opening).skip(1);
        pieces.map(|p| p.split('<').next().unwrap().to_owned()).collect()
    };
    (under("assertions"), under("cancelledAssertions"))
}

/// What goes on while somebody pages.
#[derive(Debug, Clone)]
enum Event {
    /// So many are registered within one second.
    Register(usize),
    /// One of those that there are is ended by staff.
    Cancel(usize),
    /// … or by the patient.
    EndByPatient(usize),
}

fn events() -> impl Strategy<Value = Vec<(Event, i64)>> {
    let event = prop_oneof![
        4 => (1..4_usize).prop_map(Event::Register),
        1 => any::<usize>().prop_map(Event::Cancel),
        1 => any::<usize>().prop_map(Event::EndByPatient),
    ];
    // Milliseconds until it happens: within a second, or some minutes of the night.
    let pause = prop_oneof![0..900_i64, 60_000..900_000_i64];
    proptest::collection::vec((event, pause), 1..16)
}

/// What is stored, what has ended, and the clock.
struct World {
    service: Service,
    now: chrono::DateTime<chrono::Utc>,
    open: Vec<String>,
    ended: BTreeSet<String>,
    made: usize,
}

impl World {
    async fn happen(&mut self, (event, pause): &(Event, i64)) {
        self.now += chrono::Duration::milliseconds(*pause);
        self.service.set_clock(&self.now.to_rfc3339());
        let changes: Vec<String> = match event {
            Event::Register(count) => {
                let new: Vec<String> = (0..*count).map(|n| format!("a{}", self.made + n)).collect();
                self.made += count;
                self.open.extend(new.clone());
                new.iter().map(|id| register(id)).collect()
            }
            Event::Cancel(n) | Event::EndByPatient(n) if !self.open.is_empty() => {
                let id = self.open.remove(n % self.open.len());
                self.ended.insert(id.clone());
                match event {
                    Event::Cancel(_) => vec![at("cancel_extended_consent", &id)],
                    _ => vec![at("end_consent_by_patient", &id)],
                }
            }
            _ => Vec::new(),
        };
        for change in changes {
            assert_eq!(self.service.post(change).await.code(), "OK");
        }
    }
}

async fn follow(before: Vec<(Event, i64)>, meanwhile: Vec<(Event, i64)>, page_rows: usize) {
    let wishes = Wishes { page_rows: Some(page_rows), ..Wishes::default() };
    let mut world = World {
        service: Service::start_with(wishes).await,
        // The hour from two to three is repeated in this night.
        now: "2026-10-24T23:50:00Z".parse().unwrap(),
        open: Vec::new(),
        ended: BTreeSet::new(),
        made: 0,
    };
    for event in &before {
        world.happen(event).await;
    }
    let (mut known, mut gone) = (BTreeSet::new(), BTreeSet::new());
    let mut cursor: Option<String> = None;
    let mut meanwhile = meanwhile.iter();
    for page in 0.. {
        assert!(page < 1000, "the consumer asks for ever");
        let reply = world.service.post(list(cursor.as_deref())).await;
        assert_eq!(reply.code(), "OK", "{}", reply.body);
        let (valid, ended) = ids(&reply);
        known.extend(valid);
        gone.extend(ended);
        cursor = Some(reply.text("moreOnOrAfter").unwrap().to_owned());
        match meanwhile.next() {
            Some(event) => world.happen(event).await,
            None if reply.text("hasMore") == Some("false") => break,
            None => {}
        }
    }
    // One more reading for what happened after the last page.
    let reply = world.service.post(list(cursor.as_deref())).await;
    let (valid, ended) = ids(&reply);
    known.extend(valid);
    gone.extend(ended);
    assert!(world.open.iter().all(|id| known.contains(id)), "a valid one was never told");
    assert_eq!(gone, world.ended, "every ended one is told as ended, and no other");
}

#[test]
fn pages_lose_nothing_whatever_happens_meanwhile() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    });
    runner
        .run(&(events(), events(), 1..6_usize), |(before, meanwhile, page_rows)| {
            runtime.block_on(follow(before, meanwhile, page_rows));
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn writers_at_work_lose_nothing_to_who_pages() {
    // A real clock's microseconds, one page after the other while four callers register.
    let service = Service::start_with(Wishes { page_rows: Some(7), ..Wishes::default() }).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let caller = service.caller.clone();
        writers.spawn(async move {
            for n in 0..50 {
                let id = format!("w{writer}-{n}");
                assert_eq!(caller.post(register(&id)).await.code(), "OK");
            }
        });
    }
    let (mut known, mut cursor): (BTreeSet<String>, Option<String>) = (BTreeSet::new(), None);
    let mut second = 0;
    loop {
        let done = writers.is_empty();
        second += 1;
        service.set_clock(&format!(
            "2026-11-22T{:02}:{:02}:00.{:03}Z",
            12 + second / 600,
            second / 10 % 60,
            second % 10 * 100
        ));
        let reply = service.post(list(cursor.as_deref())).await;
        known.extend(ids(&reply).0);
        cursor = Some(reply.text("moreOnOrAfter").unwrap().to_owned());
        while writers.try_join_next().is_some() {}
        if done && reply.text("hasMore") == Some("false") {
            break;
        }
    }
    assert_eq!(known.len(), 200);
}

#[tokio::test]
async fn a_second_is_sent_whole_however_many_it_holds() {
    let service = Service::start_with(Wishes { page_rows: Some(3), ..Wishes::default() }).await;
    for n in 0..8 {
        assert_eq!(service.post(register(&format!("a{n}"))).await.code(), "OK");
    }
    service.set_clock("2026-11-22T12:00:02Z");
    assert_eq!(service.post(register("later")).await.code(), "OK");
    let page = service.post(list(None)).await;
    assert_eq!((ids(&page).0.len(), page.text("hasMore")), (8, Some("true")));
    assert_eq!(page.text("moreOnOrAfter"), Some("2026-11-22T13:00:01"));
    let page = service.post(list(Some("2026-11-22T13:00:01"))).await;
    assert_eq!((ids(&page).0, page.text("hasMore")), (vec!["later".into()], Some("false")));
}

#[tokio::test]
async fn who_follows_learns_of_an_end_that_the_patient_has_set() {
    let service = Service::start().await;
    assert_eq!(service.post(register("a")).await.code(), "OK");
    service.set_clock("2026-11-22T12:00:10Z");
    let without_ended = |xml: String| with(&xml, "getCancelledFlag", "false");
    let cursor = service.post(without_ended(list(None))).await;
    let cursor = cursor.text("moreOnOrAfter").unwrap().to_owned();
    let next = without_ended(list(Some(&cursor)));
    assert_eq!(ids(&service.post(next.clone()).await).0, Vec::<String>::new());
    let end = with(&request("consent/end_consent_by_patient/valid"), "assertionId", "a");
    let end = with(&end, "endDateTime", "2026-11-25T12:00:00");
    assert_eq!(service.post(end).await.code(), "OK");
    let reply = service.post(next).await;
    assert_eq!(ids(&reply).0, ["a"]);
    assert_eq!(reply.text("endDate"), Some("2026-11-25T12:00:00"));
}
