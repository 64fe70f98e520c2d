//! Two servers on one database whose clocks differ, and a clock that goes back.

use super::consents::{at, register};
use super::harness::{Database, Service, Wishes, request, with};
use super::pair::{lift, register as register_block};
use super::program::{Folder, Program, command, settings};

/// Eight seconds before and after the time of every held clock.
const BEHIND: &str = "2026-11-22T11:59:52Z";
const AHEAD: &str = "2026-11-22T12:00:08Z";

/// Two servers on one database; the first one's clock is behind the second one's.
async fn behind_and_ahead() -> (Service, Service) {
    let behind = Service::start().await;
    let database = Some(behind.database.clone());
    let ahead = Service::start_with(Wishes { database, ..Wishes::default() }).await;
    behind.set_clock(BEHIND);
    ahead.set_clock(AHEAD);
    (behind, ahead)
}

async fn has_consent(service: &Service) -> bool {
    let reply = service.post(request("consent/check_consent/valid")).await;
    assert_eq!(reply.code(), "OK");
    reply.text("hasConsent") == Some("true")
}

#[tokio::test]
async fn at_once_holds_by_either_servers_clock() {
    let (behind, ahead) = behind_and_ahead().await;
    for (order, here, there) in [(1, &behind, &ahead), (2, &ahead, &behind)] {
        for end in ["end_consent_by_patient", "cancel_extended_consent", "delete_extended_consent"]
        {
            let id = format!("{end} {order}");
            assert_eq!(here.post(register(&id)).await.code(), "OK");
            assert!(has_consent(here).await && has_consent(there).await, "opened at once: {end}");
            assert_eq!(there.post(at(end, &id)).await.code(), "OK", "{end}");
            assert!(!has_consent(there).await && !has_consent(here).await, "closed at once: {end}");
            assert_eq!(here.post(at(end, &id)).await.code(), "OK", "and again by the other: {end}");
        }
    }
}

#[tokio::test]
async fn at_once_holds_by_a_clock_that_goes_back() {
    let service = Service::start().await;
    assert_eq!(service.post(register("a")).await.code(), "OK");
    service.set_clock("2026-11-22T11:00:00Z");
    assert!(has_consent(&service).await, "it was stored at noon, which is to come again");
    assert_eq!(service.post(at("end_consent_by_patient", "a")).await.code(), "OK");
    assert!(!has_consent(&service).await);
    service.set_clock("2026-11-22T10:00:00Z");
    assert!(!has_consent(&service).await);
    assert_eq!(service.post(register("b")).await.code(), "OK");
    assert!(has_consent(&service).await);
}

#[tokio::test]
async fn a_start_that_the_consumers_clock_gives_is_now_up_to_a_minute_ahead() {
    let service = Service::start().await;
    let starting = |id: &str, start: &str| {
        let xml = with(&request("consent/register_extended_consent/valid"), "startDate", start);
        with(&xml, "assertionId", id)
    };
    assert_eq!(service.post(starting("later", "2026-11-22T13:01:01")).await.code(), "OK");
    assert!(!has_consent(&service).await);
    assert_eq!(service.post(starting("now", "2026-11-22T13:01:00")).await.code(), "OK");
    assert!(has_consent(&service).await);
}

#[tokio::test]
async fn a_start_that_was_past_when_it_was_stored_holds_by_every_clock() {
    let (behind, ahead) = behind_and_ahead().await;
    // Now by the clock that is right; to come by the one that is behind.
    let xml = with(
        &request("consent/register_extended_consent/valid"),
        "startDate",
        "2026-11-22T13:00:00",
    );
    assert_eq!(ahead.post(xml).await.code(), "OK");
    assert!(has_consent(&ahead).await && has_consent(&behind).await);
}

#[tokio::test]
async fn a_block_bites_by_either_servers_clock() {
    let (behind, ahead) = behind_and_ahead().await;
    let check = request("blocking/check_blocks/inner_block_stops_another_unit");
    let check =
        with(&with(&check, "employeeId", "SE2321000016-P002"), "careUnitId", "SE2321000016-VE02");
    assert_eq!(ahead.post(register_block("b", 0)).await.code(), "OK");
    for service in [&behind, &ahead] {
        assert_eq!(service.post(check.clone()).await.text("status"), Some("BLOCKED"));
    }
    let lift = with(&lift("b", "r", 0), "endDate", "2026-11-22T13:10:00");
    assert_eq!(ahead.post(lift).await.code(), "OK");
    for service in [&behind, &ahead] {
        assert_eq!(service.post(check.clone()).await.text("status"), Some("OK"));
    }
}

/// What the program says.
async fn said(folder: &Folder, database: &Database, arguments: &[&str]) -> (bool, String) {
    let file = settings(database, folder, "");
    let output = command(&[arguments, &["--config", &file]].concat()).output().await.unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn the_time_of_storing_is_the_databases() {
    let (database, folder) = (Database::new().await, Folder::new("storing"));
    let program = Program::on(&database, &folder).await;
    let block = request("blocking/register_extended_block/valid");
    assert_eq!(program.caller.post(block).await.code(), "OK");
    let apart = "select count(*) from blocks where abs(extract(epoch from clock_timestamp() - stored_at)) > 60";
    assert_eq!(database.count(apart).await, 0);
}

#[tokio::test]
async fn a_change_clock_that_ran_ahead_is_told_and_repaired_with_what_it_stored() {
    let service = Service::start().await;
    let folder = Folder::new("ahead");
    let block = request("blocking/register_extended_block/valid");
    let revoke = request("blocking/revoke_extended_block/valid");
    let other = block.replace("0e0001", "0e0011");
    let consent = with(&register("once"), "startDate", "2020-01-01T00:00:00");
    assert!(said(&folder, &service.database, &["clock", "status"]).await.0);
    // A clock of years ahead stores a block and takes it away, one that stays, and a consent.
    service.set_clock("2040-01-01T00:00:00Z");
    for xml in [block, revoke, other, consent] {
        assert_eq!(service.post(xml).await.code(), "OK");
    }
    let (whole, told) = said(&folder, &service.database, &["clock", "status"]).await;
    assert!(!whole && told.matches(" s ahead").count() == 2, "{told}");
    let (whole, told) = said(&folder, &service.database, &["clock", "repair"]).await;
    assert!(whole && told.matches("must begin anew").count() == 2, "{told}");
    let ahead = "select (select count(*) from blocks where greatest(stored_at, changed_at, removed_at,
            first_removed_at, removal_told_at) > clock_timestamp())
        + (select count(*) from assertions where stored_at > clock_timestamp())
        + (select count(*) from change_clocks where greatest(latest_at, latest_removal_told_at) > clock_timestamp())";
    assert_eq!(service.database.count(ahead).await, 0);
    assert_eq!(
        service.database.count("select count(*) from blocks where removed_at is null").await,
        1
    );
    assert!(said(&folder, &service.database, &["clock", "status"]).await.0);
    // What is stored from now on lies in the present, and follows in order.
    let program = Program::on(&service.database, &folder).await;
    let next = request("blocking/register_extended_block/valid").replace("0e0001", "0e0021");
    assert_eq!(program.caller.post(next).await.code(), "OK");
    let late = "select count(*) from blocks where stored_at > clock_timestamp()";
    assert_eq!(service.database.count(late).await, 0);
    let check = request("blocking/check_blocks/inner_block_stops_another_unit");
    assert_eq!(program.caller.post(check).await.text("status"), Some("BLOCKED"));
}
