//! Many callers at once: unique ids, all or nothing, cursors that lose nothing.

use super::harness::{Service, request};
use super::logs::store_log;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_sent_by_many_at_once_is_stored_once() {
    let service = Service::start().await;
    for round in 0..10 {
        let mut calls = JoinSet::new();
        for caller in 0..16 {
            // Every call shares one id and has one of its own; some meet in one transaction.
            let (shared, own) = (format!("shared-{round}"), format!("own-{round}-{caller}"));
            let xml = store_log(&[(&own, "Läsa"), (&shared, "Läsa")]);
            let client = service.caller.clone();
            calls.spawn(async move { client.post(xml).await.code().to_owned() });
        }
        let codes = calls.join_all().await;
        let ok = codes.iter().filter(|c| *c == "OK").count();
        let refused = codes.iter().filter(|c| *c == "VALIDATION_ERROR").count();
        assert_eq!((ok, refused), (1, 15), "{codes:?}");
        let sql = format!(
            "select count(*) from log_entries where log_id = 'shared-{round}' or log_id like 'own-{round}-%'"
        );
        assert_eq!(service.database.count(&sql).await, 2, "the winner's two records");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn independent_calls_are_all_stored_once() {
    let service = Service::start().await;
    let mut calls = JoinSet::new();
    for n in 0..100 {
        let ids = [format!("{n}-a"), format!("{n}-b"), format!("{n}-c")];
        let xml = store_log(&[(&ids[0], "Läsa"), (&ids[1], "Läsa"), (&ids[2], "Läsa")]);
        let client = service.caller.clone();
        calls.spawn(async move { client.post(xml).await.code().to_owned() });
    }
    let codes = calls.join_all().await;
    assert!(codes.iter().all(|c| c == "OK"), "{codes:?}");
    for table in ["log_entries", "log_resources", "log_ids_1"] {
        let sql = format!("select count(distinct entry_number) from {table}");
        assert_eq!(service.database.count(&sql).await, 300, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_follows_the_cursor_sees_every_block() {
    let service = Service::start().await;
    let register = request("blocking/register_extended_block/valid");
    let get = request("blocking/get_blocks/without_filters_all_blocks_are_reported");
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let (client, register) = (service.caller.clone(), register.clone());
        writers.spawn(async move {
            for n in 0..25 {
                let id = format!("block-{writer}-{n}");
                let xml = register.replace("6a1f2c10-52f3-4a37-9d6e-0c7b7f0e0001", &id);
                assert_eq!(client.post(xml).await.code(), "OK");
            }
        });
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut cursor: Option<String> = None;
    let mut writing = true;
    let mut reads = 0;
    while writing {
        // Time goes on between reads: a change that took its time before a cursor was given
        // out and committed after it would be missed for good.
        reads += 2;
        service.set_clock(&format!("2026-11-22T12:{:02}:{:02}Z", reads / 60 % 60, reads % 60));
        writing = writers.try_join_next().is_none() || !writers.is_empty();
        let since = cursor.map_or(String::new(), |at| {
            format!("<urn1:createdOnOrAfter>{at}</urn1:createdOnOrAfter>")
        });
        let question = get.replace("    </urn1:GetBlocks>", &format!("{since}</urn1:GetBlocks>"));
        let reply = service.post(question).await;
        assert_eq!(reply.code(), "OK", "{}", reply.body);
        let ids = reply.body.split("<c:blockId>").skip(1).filter_map(|t| t.split('<').next());
        seen.extend(ids.map(str::to_owned));
        cursor = reply.text("nextCreatedOnOrAfter").map(str::to_owned);
    }
    assert_eq!(seen.len(), 100);
}
