//! Copies from local systems: out of a file, and from another producer.

use super::consents::{at, register};
use super::harness::{Database, Service, Wishes, request, testdata, with};
use super::program::{Folder, command, settings};

const SOURCE: &str = "SE2321000016-LOCAL";
const PROVIDER: &str = "SE2321000016-VG01";

/// Everything about assertions but numbers, when they were stored, and whose copies they are.
async fn told(service: &Service) -> String {
    service.post(request("consent/get_extended_consents_for_patient/valid")).await.body
}

/// Runs `sigill import consents` on a database; returns whether it went well, and what it said.
async fn import(database: &Database, arguments: &[&str]) -> (bool, String) {
    import_as(SOURCE, database, arguments).await
}

async fn import_as(source: &str, database: &Database, arguments: &[&str]) -> (bool, String) {
    let folder = Folder::new(&format!("import-{}", database.name));
    let file = settings(database, &folder, "");
    let all = [&["import", "consents", "--config", &file, "--source", source], arguments].concat();
    let output = command(&all).stdout(std::process::Stdio::piped()).output().await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

async fn at_source() -> Service {
    let service = Service::start_with(Wishes { page_rows: Some(2), ..Wishes::default() }).await;
    for (second, xml) in [
        register("valid"),
        register("ended"),
        at("cancel_extended_consent", "ended"),
        register("annulled"),
        at("delete_extended_consent", "annulled"),
        register("patient"),
        at("end_consent_by_patient", "patient"),
    ]
    .into_iter()
    .enumerate()
    {
        service.set_clock(&format!("2026-11-22T12:00:{second:02}Z"));
        assert_eq!(service.post(xml).await.code(), "OK");
    }
    service.set_clock("2026-11-22T12:01:00Z");
    service
}

#[tokio::test]
async fn a_file_brings_copies_with_their_history_and_can_come_again() {
    let (source, here) = (at_source().await, Service::start().await);
    let folder = Folder::new("import-file");
    let path = folder.path().join("consents.xml");
    let path = path.to_str().unwrap();
    std::fs::write(path, told(&source).await).unwrap();
    let (done, said) = import(&here.database, &[path]).await;
    assert!(done && said.contains("new: 4\n") && said.contains("not understood: 0"), "{said}");
    assert_eq!(told(&here).await, told(&source).await);
    let marked = format!("select count(*) from assertions where source = '{SOURCE}'");
    assert_eq!(here.database.count(&marked).await, 4);
    let (done, said) = import(&here.database, &[path]).await;
    assert!(done && said.contains("new: 0\n") && said.contains("unchanged: 4\n"), "{said}");
    // What has happened since comes along; what was ended here is not revived.
    assert_eq!(source.post(at("cancel_extended_consent", "valid")).await.code(), "OK");
    std::fs::write(path, told(&source).await).unwrap();
    let (done, said) = import(&here.database, &[path]).await;
    assert!(done && said.contains("ended or annulled since: 1\n"), "{said}");
    assert_eq!(told(&here).await, told(&source).await);
}

#[tokio::test]
async fn originals_win_and_bad_copies_are_named_and_left_out() {
    let (source, here) = (at_source().await, Service::start().await);
    let original = with(&register("valid"), "careUnitId", "SE2321000016-VE09");
    assert_eq!(here.post(original).await.code(), "OK");
    let folder = Folder::new("import-bad");
    let path = folder.path().join("consents.xml");
    let path = path.to_str().unwrap();
    let good = told(&source).await;
    let bad = good.replacen("<c:assertionId>ended<", "<c:assertionId> <", 1);
    std::fs::write(path, bad.replacen("<c:scope>", "<c:scopes/><c:scope>", 1)).unwrap();
    let (done, said) = import(&here.database, &[path]).await;
    assert!(!done, "{said}");
    for expected in ["copy 1: ", "copy 2: ", "new: 2\n", "kept: 0\n", "not understood: 2\n"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!said.contains("191212121212"), "{said}");
    std::fs::write(path, &good).unwrap();
    let (done, said) = import(&here.database, &[path]).await;
    assert!(done && said.contains("new: 1\n") && said.contains("copies kept: 1\n"), "{said}");
    assert!(told(&here).await.contains("SE2321000016-VE09"), "the original is as it was");
    // Another system's copies are not this one's to change.
    std::fs::write(path, good.replace("<c:pDLAssertion>", "<c:pDLAssertion >")).unwrap();
    let (done, said) = import_as("SE2321000016-OTHER", &here.database, &[path]).await;
    assert!(done && said.contains("new: 0\n") && said.contains("copies kept: 4\n"), "{said}");
    // A file that breaks off: what stands before is taken up, and the break is told.
    let half = &good[..good.len() / 2];
    std::fs::write(path, half).unwrap();
    let fresh = Service::start().await;
    let (done, said) = import(&fresh.database, &[path]).await;
    assert!(!done && said.contains("new: 1\n"), "{said}");
    for other in ["", "<a/>", &good.replace("consent:2", "consent:3")] {
        std::fs::write(path, other).unwrap();
        let (done, said) = import(&fresh.database, &[path]).await;
        assert!(!done && said.contains("no pdlAssertions elements"), "{said}");
    }
    let missing = testdata("no-such-file.xml");
    let (done, said) = import(&fresh.database, &[missing.to_str().unwrap()]).await;
    assert!(!done && said.contains("cannot read"), "{said}");
}

#[tokio::test]
async fn an_ending_that_is_not_taken_over_is_named() {
    let (source, here) = (at_source().await, Service::start().await);
    let folder = Folder::new("import-open");
    let path = folder.path().join("consents.xml");
    let path = path.to_str().unwrap();
    // Here they are originals, and stand.
    for id in ["ended", "annulled", "patient"] {
        assert_eq!(here.post(register(id)).await.code(), "OK");
    }
    std::fs::write(path, told(&source).await).unwrap();
    let (done, said) = import(&here.database, &[path]).await;
    assert!(!done, "{said}");
    let expected = "ended there and still open here: 3\n  ended\n  annulled\n  patient\n";
    assert!(said.contains(expected), "{said}");
    // The same source in other letters, with another producer's invisible character.
    let (done, said) = import_as("se2321000016-\u{200b}local", &here.database, &[path]).await;
    assert!(!done && said.contains("new: 0\n") && said.contains("unchanged: 1\n"), "{said}");
    let cancel = at("cancel_extended_consent", "valid");
    assert_eq!(source.post(cancel).await.code(), "OK");
    std::fs::write(path, told(&source).await).unwrap();
    let (_, said) = import_as("se2321000016-local", &here.database, &[path]).await;
    assert!(said.contains("ended or annulled since: 1\n"), "{said}");
}

#[tokio::test]
async fn another_producer_is_read_page_by_page_and_from_where_it_was_left() {
    let (source, here) = (at_source().await, Service::start().await);
    let live = [
        "--from",
        source.caller.base(),
        "--logical-address",
        PROVIDER,
        "--care-provider",
        PROVIDER,
    ];
    let (done, said) = import(&here.database, &live).await;
    // Those that had ended before they could be read never were ours to know.
    assert!(done && said.contains("new: 1\n"), "{said}");
    let check = with(&request("consent/check_consent/valid"), "employeeId", "SE2321000016-P001");
    here.set_clock("2100-01-01T00:00:00Z");
    assert_eq!(here.post(check.clone()).await.text("hasConsent"), Some("true"));
    source.set_clock("2026-11-23T12:00:00Z");
    for xml in [register("later"), at("cancel_extended_consent", "valid")] {
        assert_eq!(source.post(xml).await.code(), "OK");
    }
    let (done, said) = import(&here.database, &live).await;
    assert!(done && said.contains("new: 1\n"), "{said}");
    assert!(said.contains("ended or annulled since: 1\n"), "{said}");
    let (done, said) = import(&here.database, &live).await;
    assert!(done && said.contains("new: 0\n") && said.contains("since: 0\n"), "{said}");
    let list = with(&request("consent/get_consents_for_patient/valid"), "careProviderId", PROVIDER);
    let list = here.post(list).await.body;
    assert!(list.contains(">later<") && !list.contains(">valid<"), "{list}");
    assert_eq!(here.post(at("cancel_extended_consent", "later")).await.code(), "OK");
    assert_eq!(here.post(check).await.text("hasConsent"), Some("false"));
    let unreachable =
        ["--from", "http://127.0.0.1:1", "--logical-address", "A", "--care-provider", "B"];
    let (done, said) = import(&here.database, &unreachable).await;
    assert!(!done && said.contains("no connection"), "{said}");
}
