//! Data of one tenant does not exist for a call addressed to another.

use super::golden::without_new_ids;
use super::harness::{Service, Wishes, request, testdata};

/// Of the requests in `testdata/`.
const HERE: &str = "SE2321000016-VG01";
const THERE: &str = "SE2321000016-VG02";

async fn two_tenants() -> Service {
    // Both may hold the same care provider's data: nothing but the address tells them apart.
    let tenants = vec![(HERE, HERE), (THERE, HERE)];
    Service::start_with(Wishes { tenants, ..Wishes::default() }).await
}

fn to(address: &str, xml: &str) -> String {
    let (before, rest) = xml.split_once("LogicalAddress>").unwrap();
    let (_, after) = rest.split_once('<').unwrap();
    format!("{before}LogicalAddress>{address}<{after}")
}

/// The valid request of every contract.
fn every_request() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for domain in ["blocking", "consent", "log", "monitoring"] {
        for entry in std::fs::read_dir(testdata(domain)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = format!("{domain}/{name}/valid");
            found.push((path.clone(), request(&path)));
        }
    }
    found.sort();
    assert_eq!(found.len(), 29);
    found
}

/// Everything that the store holds of a tenant, as one text.
async fn contents(service: &Service, address: &str) -> String {
    let pool = service.database.pool().await;
    let mut all = String::new();
    for table in ["blocks", "temporary_revokes", "assertions", "log_entries", "log_resources"] {
        let sql = format!(
            "select coalesce(string_agg(to_jsonb(t)::text, ' ' order by to_jsonb(t)::text), '') from {table} t
             where tenant_id = (select tenant_id from tenants where name = '{address}')"
        );
        let text: String = sqlx::query_scalar(&sql).fetch_one(&pool).await.unwrap();
        all += &text;
    }
    all
}

#[tokio::test]
async fn no_contract_sees_or_changes_what_another_tenant_has() {
    let (full, empty) = (two_tenants().await, two_tenants().await);
    for path in [
        "blocking/register_extended_block/valid",
        "blocking/register_temporary_extended_revoke/valid",
        "consent/register_extended_consent/valid",
    ] {
        let reply = full.post(to(HERE, &request(path))).await;
        assert_eq!(reply.code(), "OK", "{path}");
    }
    let before = contents(&full, HERE).await;
    assert!(before.contains("191212121212"));
    for (path, xml) in every_request() {
        let (seen, expected) =
            (full.post(to(THERE, &xml)).await, empty.post(to(THERE, &xml)).await);
        let (seen, expected) = (without_new_ids(&seen.body), without_new_ids(&expected.body));
        assert_eq!(seen, expected, "{path}");
    }
    assert_eq!(contents(&full, HERE).await, before);
}

#[tokio::test]
async fn the_address_is_found_in_any_letter_case_and_others_are_faults() {
    let service = two_tenants().await;
    let ping = request("monitoring/ping_for_configuration/valid");
    assert_eq!(service.post(to("se2321000016-vg01", &ping)).await.status, 200);
    let reply = service.post(to("SE2321000016-VG09", &ping)).await;
    assert_eq!(reply.status, 500);
    assert!(reply.body.contains("<faultcode>soap:Client</faultcode>"), "{}", reply.body);
}

#[tokio::test]
async fn data_of_a_care_provider_that_belongs_elsewhere_are_not_kept() {
    let tenants = vec![(HERE, THERE)];
    let service = Service::start_with(Wishes { tenants, ..Wishes::default() }).await;
    for path in [
        "blocking/register_extended_block/valid",
        "blocking/register_block/valid",
        "consent/register_extended_consent/valid",
        "log/store_log/valid",
    ] {
        assert_eq!(service.post(to(HERE, &request(path))).await.code(), "ACCESSDENIED", "{path}");
    }
    assert_eq!(contents(&service, HERE).await, "");
}
