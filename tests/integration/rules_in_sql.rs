//! Rules that run as SQL, row by row against the rule.

use super::consents::{at, register};
use super::harness::{Service, intake, request, with};
use sigill::domain::consent::lifecycle::Listed;
use sigill::domain::identity::{HsaId, PatientId};
use sigill::domain::retention::{Cutoffs, Hold};
use sigill::domain::time::Timestamp;
use sigill::fairness::shares::Percentages;
use sigill::store::consent::pages::{Entry, ListQuestion};
use sigill::store::database::Store;
use sigill::store::retention::ASSERTIONS;
use std::collections::BTreeMap;

const PROVIDER: &str = "SE2321000016-VG01";

fn consent(id: &str, end: &str) -> String {
    with(
        &with(&request("consent/register_extended_consent/valid"), "assertionId", id),
        "endDate",
        end,
    )
}

fn end_by_patient(id: &str, end: &str) -> String {
    let xml = request("consent/end_consent_by_patient/valid");
    with(&with(&xml, "assertionId", id), "endDateTime", end)
}

#[tokio::test]
async fn cl9_the_list_tells_every_assertion_as_the_rule_says() {
    let service = Service::start().await;
    let short = "2026-11-22T13:00:10";
    for (second, xml) in [
        (0, register("open")),
        (1, consent("short", short)),
        (2, consent("cancelled", short)),
        (3, at("cancel_extended_consent", "cancelled")),
        (4, register("cancelled open")),
        (5, at("delete_extended_consent", "cancelled open")),
        (6, consent("cut", "2026-11-22T13:00:20")),
        (7, end_by_patient("cut", "2026-11-22T13:00:09")),
        (7, register("cut open")),
        (7, end_by_patient("cut open", "2026-11-22T13:00:14")),
        (8, at("cancel_extended_consent", "cut open")),
        (8, consent("at once", "2026-11-22T13:00:20")),
        (9, at("end_consent_by_patient", "at once")),
        (9, consent("to come", "2026-12-22T13:00:00")),
    ] {
        service.set_clock(&format!("2026-11-22T12:00:{second:02}Z"));
        assert_eq!(service.post(xml.clone()).await.code(), "OK", "{xml}");
    }
    let store = Store::open(service.database.options(), 4, Percentages::default())
        .await
        .unwrap()
        .with_intake(intake());
    let tenant = store.tenant("default").await.unwrap();
    let provider = HsaId::new(PROVIDER).unwrap();
    let patient = PatientId::new("1.2.752.129.2.1.3.1", "191212121212").unwrap();
    let histories = store.assertion_histories(tenant, &patient, Some(&provider)).await.unwrap().it;
    assert_eq!(histories.len(), 8);
    let mut seen = BTreeMap::new();
    for half in 18..50 {
        let noon: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let now = noon + chrono::Duration::milliseconds(half * 500);
        let question = ListQuestion {
            care_provider: provider.clone(),
            since: None,
            with_ended: true,
            now,
            rows_max: 100,
        };
        let page = store.assertion_page(tenant, question).await.unwrap().it;
        let told = page.entries.into_iter().map(|entry| match entry {
            Entry::Valid(assertion) => (assertion.id.as_str().to_owned(), Listed::Valid),
            Entry::Ended(id, _) => (id, Listed::Ended),
        });
        let told: BTreeMap<String, Listed> = told.collect();
        for history in &histories {
            let id = history.assertion.id.as_str();
            let rule = history.assertion.listed(now);
            let listed = told.get(id).copied().unwrap_or(Listed::Nowhere);
            assert_eq!(listed, rule, "{id} at {now}");
            *seen.entry(format!("{rule:?}")).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.len(), 3, "every answer of the rule has been met: {seen:?}");
}

#[tokio::test]
async fn rt3_a_hold_keeps_what_the_rule_says_that_it_names() {
    let patients = ["191212121212", "191212121213"];
    let providers = [PROVIDER, "SE2321000016-VG02"];
    let root = "1.2.752.129.2.1.3.1";
    let key = |number: &str| PatientId::new(root, number).unwrap().key().to_owned();
    let some = |patient: Option<usize>, provider: Option<usize>| Hold {
        patient: patient.map(|n| key(patients[n])),
        care_provider: provider.map(|n| HsaId::new(providers[n]).unwrap().key()),
    };
    for hold in
        [some(Some(0), None), some(None, Some(1)), some(Some(1), Some(0)), some(Some(1), Some(1))]
    {
        let service = Service::start().await;
        let mut stored = Vec::new();
        for patient in patients {
            for provider in providers {
                let id = format!("{patient} {provider}");
                let xml = with(&register(&id), "careProviderId", provider);
                assert_eq!(service.post(with(&xml, "extension", patient)).await.code(), "OK");
                let cancel = with(&at("cancel_extended_consent", &id), "extension", patient);
                assert_eq!(service.post(cancel).await.code(), "OK");
                stored.push((id, key(patient), HsaId::new(provider).unwrap().key()));
            }
        }
        let store = Store::open(service.database.options(), 4, Percentages::default())
            .await
            .unwrap()
            .with_intake(intake());
        let tenant = store.tenant("default").await.unwrap();
        let now: Timestamp = "2050-01-01T00:00:00Z".parse().unwrap();
        store.place_hold(tenant, &hold, "mål 1", now).await.unwrap();
        let mut change = store.change(tenant, None, ASSERTIONS.domain, now).await.unwrap();
        let cutoffs = Cutoffs { general: now, own: Vec::new() };
        let removed = change.remove_due(&ASSERTIONS, now, &cutoffs, 100).await.unwrap();
        change.commit().await.unwrap();
        let named = stored.iter().filter(|(_, patient, provider)| hold.names(patient, provider));
        let mut named: Vec<&String> = named.map(|(id, ..)| id).collect();
        named.sort();
        assert_eq!(removed, stored.len() - named.len(), "{hold:?}");
        let pool = service.database.pool().await;
        let sql = "select assertion_id from assertions order by assertion_id";
        let left: Vec<String> = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
        assert_eq!(left.iter().collect::<Vec<_>>(), named, "{hold:?}");
    }
}
