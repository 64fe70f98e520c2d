//! Files of trust that are replaced while the server runs.

use super::pki::{
    Connected, Pki, Wanted, authority, client, everything, identity, list, shake, tls_address,
};
use crate::harness::{Reply, request};
use crate::program::Program;
use nix::sys::signal::Signal;
use std::time::Duration;
use tokio::time::Instant;

fn check() -> String {
    request("blocking/check_blocks/valid")
}

/// Tries until it is so; a reading every few seconds finds what was written.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "never: {what}");
    }
}

async fn metric(program: &Program, name: &str) -> String {
    let text = program.caller.get("/metrics").await.body;
    let line = text.lines().find(|line| line.starts_with(name));
    line.unwrap_or_default().rsplit(' ').next().unwrap_or_default().to_owned()
}

fn watched(more: &str) -> String {
    format!("operator_addresses = [\"127.0.0.1\"]\n{more}")
}

#[tokio::test]
async fn revocation_reaches_open_connections() {
    let pki = Pki::new("open-connections").await;
    let program = pki.program(&watched(&everything("SE-A"))).await;
    let revoked = identity(&pki.systems, "SE-A", Wanted { serial: 7, ..Wanted::default() });
    let mut open = Connected::to(&program, &pki, Some(&revoked)).await.unwrap();
    let mut other = Connected::to(&program, &pki, Some(&pki.system("SE-A"))).await.unwrap();
    assert_eq!(open.post(&[], check()).await.code(), "OK");
    pki.write("crl/two.crl", &list(&pki.systems, 2, (-1, 30), &[7]));
    let mut last: Option<Reply> = None;
    until("refused", async || {
        let reply = open.post(&[], check()).await;
        let is_refused = reply.status == 403;
        last = Some(reply);
        is_refused
    })
    .await;
    let last = last.unwrap();
    assert!(last.body.contains("<faultcode>soap:Client"), "{}", last.body);
    assert_eq!(last.headers["connection"], "close");
    assert!(open.try_post(&[], check()).await.is_err(), "the connection has ended");
    assert_eq!(other.post(&[], check()).await.code(), "OK", "others have theirs");
    // An older list does not let it in again.
    pki.write("crl/two.crl", &list(&pki.systems, 1, (-2, 30), &[]));
    program.signal(Signal::SIGHUP);
    let address = tls_address(&program);
    for _ in 0..5 {
        let shaken = Connected::with(&address, client(&pki.systems, Some(&revoked))).await;
        let refused = match shaken {
            Err(_) => true,
            Ok(mut connected) => connected.try_post(&[], check()).await.is_err(),
        };
        assert!(refused);
    }
}

#[tokio::test]
async fn a_bad_reload_keeps_the_old_identity() {
    let pki = Pki::new("bad-reload").await;
    let program = pki.program(&watched(&everything("SE-A"))).await;
    let known = pki.system("SE-A");
    assert_eq!(metric(&program, "sigill_tls_reload_failed").await, "0");
    // Half of what belongs together.
    let next = pki.system("SE-SERVER2");
    pki.write("server.key", &next.key);
    program.signal(Signal::SIGHUP);
    until("told", async || metric(&program, "sigill_tls_reload_failed").await == "1").await;
    let mut connected = Connected::to(&program, &pki, Some(&known)).await.unwrap();
    assert_eq!(connected.post(&[], check()).await.code(), "OK");
    pki.write("server.pem", &next.certificate);
    until("mended", async || metric(&program, "sigill_tls_reload_failed").await == "0").await;
    let stream = shake(&tls_address(&program), client(&pki.systems, Some(&known))).await.unwrap();
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    let subject = sigill::wire::tls::certificate::subject(&shown).unwrap();
    assert_eq!(subject.hsa_id.as_str(), "SE-SERVER2");
    assert_eq!(connected.post(&[], check()).await.code(), "OK", "open connections go on");
    // One that has ended does not take the place of one that has not.
    let ended = identity(&pki.systems, "SE-SERVER3", Wanted { ends: -2, ..Wanted::default() });
    pki.server(&ended);
    until("told", async || metric(&program, "sigill_tls_reload_failed").await == "1").await;
    let stream = shake(&tls_address(&program), client(&pki.systems, Some(&known))).await.unwrap();
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    let subject = sigill::wire::tls::certificate::subject(&shown).unwrap();
    assert_eq!(subject.hsa_id.as_str(), "SE-SERVER2");
}

#[tokio::test]
async fn certificate_issuers_lists_and_grants_are_replaced_under_load_without_a_failed_call() {
    let pki = Pki::new("under-load").await;
    let program = pki.program(&watched(&everything("SE-A"))).await;
    let (known, address) = (pki.system("SE-A"), tls_address(&program));
    let client = client(&pki.systems, Some(&known));
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let load = (0..4).map(|one| {
        let (client, address, stop) = (client.clone(), address.clone(), stop.clone());
        tokio::spawn(async move {
            let mut calls = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                // Some keep their connection, others come anew for each call.
                let mut connected = Connected::with(&address, client.clone()).await.unwrap();
                for _ in 0..if one % 2 == 0 { 50 } else { 1 } {
                    assert_eq!(connected.post(&[], check()).await.code(), "OK");
                    calls += 1;
                }
            }
            calls
        })
    });
    let load: Vec<_> = load.collect();
    let next = authority("Next systems");
    let folder = pki.folder.path().display().to_string();
    assert!(!folder.is_empty());
    pki.write("crl/two.crl", &list(&pki.systems, 2, (-1, 30), &[7]));
    pki.server(&pki.system("SE-SERVER2"));
    pki.write("crl/next.crl", &list(&next, 1, (-1, 30), &[]));
    pki.write("function-ca.pem", &(pki.systems.pem() + &next.pem()));
    pki.settings(&watched(&(everything("SE-A") + &everything("SE-NEXT"))));
    let new = identity(&next, "SE-NEXT", Wanted::default());
    until("the next issuer's systems are let in and granted", async || {
        let mut new = super::pki::client(&pki.systems, Some(&new));
        new.alpn_protocols = vec![b"http/1.1".to_vec()];
        let Ok(mut connected) = Connected::with(&address, new).await else { return false };
        match connected.try_post(&[], check()).await {
            Ok(reply) => reply.code() == "OK",
            Err(_) => false,
        }
    })
    .await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut calls = 0;
    for one in load {
        calls += one.await.unwrap();
    }
    assert!(calls > 50, "{calls}");
}

#[tokio::test]
async fn a_file_of_settings_that_cannot_be_read_keeps_its_older_grants() {
    let pki = Pki::new("settings-again").await;
    let program = pki.program(&everything("SE-A")).await;
    let mut connected = Connected::to(&program, &pki, Some(&pki.system("SE-A"))).await.unwrap();
    let mut other = Connected::to(&program, &pki, Some(&pki.system("SE-B"))).await.unwrap();
    let file = pki.settings("");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[[grant]]\nconsumer = \"SE-B\"\n")).unwrap();
    program.signal(Signal::SIGHUP);
    for _ in 0..20 {
        assert_eq!(connected.post(&[], check()).await.code(), "OK");
        assert_eq!(other.post(&[], check()).await.code(), "ACCESSDENIED");
    }
    pki.settings(&everything("SE-B"));
    until("read", async || other.post(&[], check()).await.code() == "OK").await;
    assert_eq!(connected.post(&[], check()).await.code(), "ACCESSDENIED");
}
