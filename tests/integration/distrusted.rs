//! What is not as it was sealed is not told to anybody, until somebody acknowledges it.

use super::harness::{NOON, Wishes, orders, request, with, without};
use super::reports::{FIRST, Record, patients_report, stored};
use super::sealed::{Sealed, at};
use sigill::procedures::orders::{MakingError, make};
use sigill::procedures::seal::trust::LogTrust;
use sigill::store::error::StoreError;
use uuid::Uuid;

async fn code(sealed: &Sealed, xml: String) -> String {
    sealed.service.post(xml).await.code().to_owned()
}

fn of_patient() -> String {
    patients_report("191212121212")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_reported_before_and_after_it_has_its_leaf() {
    let sealed = Sealed::start_with("fresh", Wishes::default()).await;
    assert_eq!(code(&sealed, stored(&[FIRST])).await, "OK");
    let fresh = sealed.service.post(of_patient()).await;
    assert_eq!((fresh.code(), fresh.body.matches("accessDate").count() > 0), ("OK", true));
    sealed.seal_at(NOON).await;
    assert_eq!(sealed.service.post(of_patient()).await.body, fresh.body);
    // Changed before it has a leaf.
    assert_eq!(code(&sealed, stored(&[Record { id: "r2", ..FIRST }])).await, "OK");
    sealed.sql("update log_entries set purpose = 'annat' where log_id = 'r2'").await;
    assert_eq!(code(&sealed, of_patient()).await, "VALIDATION_ERROR");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_record_stops_reports_until_somebody_acknowledges_it() {
    let sealed = Sealed::start_with("distrusted", Wishes::default()).await;
    let other = Record { id: "r2", resources: &[("vko", "191212121213", "SE-B")], ..FIRST };
    sealed.store(&[FIRST, other]).await;
    assert_eq!(code(&sealed, of_patient()).await, "OK");
    sealed.sql("update log_entries set user_id = 'SE-NOBODY' where log_id = 'r1'").await;
    assert_eq!(
        code(&sealed, patients_report("191212121213")).await,
        "OK",
        "nobody has seen it yet"
    );
    let refused = sealed.service.post(of_patient()).await;
    assert_eq!(refused.code(), "VALIDATION_ERROR");
    assert!(
        refused.body.contains("riktighet") && !refused.body.contains("SE-NOBODY"),
        "{}",
        refused.body
    );
    // From now on nothing of that time is told.
    for contract in ["get_logs", "get_info_logs", "get_access_logs_for_patient"] {
        let all = without(&request(&format!("log/{contract}/valid")), &["userId", "careUnitId"]);
        let asked = with(&with(&all, "extension", "191212121213"), "careProviderId", "SE-A");
        assert_eq!(code(&sealed, asked).await, "VALIDATION_ERROR", "{contract}");
    }
    let open = sealed.seal.store.open_findings(10).await.unwrap();
    assert_eq!(open.iter().map(|found| found.kind.as_str()).collect::<Vec<_>>(), ["changed"]);
    let number = open[0].finding_number;
    assert!(sealed.seal.store.acknowledge(number, "utrett", at(NOON)).await.unwrap());
    assert_eq!(code(&sealed, of_patient()).await, "OK");
    // Another change of the same is another finding.
    sealed.sql("update log_entries set user_id = 'SE-OTHER' where log_id = 'r1'").await;
    assert_eq!(code(&sealed, of_patient()).await, "VALIDATION_ERROR");
    sealed.seal_at(NOON).await;
    let told = "select count(*) from log_notices where kind = 6 and body like '%reason utrett%'";
    assert_eq!(sealed.service.database.count(told).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extract_with_a_changed_record_is_not_made() {
    let sealed = Sealed::start_with("extract", Wishes::default()).await;
    sealed.store(&[FIRST]).await;
    let names = ["careUnitId", "patientId", "root", "extension", "userId"];
    let all = without(&request("log/get_logs_by_order/valid"), &names);
    let reply = sealed.service.post(with(&all, "careProviderId", "SE-A")).await;
    let id: Uuid = reply.text("orderId").unwrap().parse().unwrap();
    sealed.sql("update log_entries set activity_args = 'x' where log_id = 'r1'").await;
    let mut settings = orders(&sealed.service.database);
    settings.trust = LogTrust { seal: Some(sealed.seal.clone()), ..settings.trust };
    let made = make(&sealed.seal.store, &settings, id).await;
    assert!(matches!(made, Err(MakingError::Store(StoreError::Distrusted))), "{made:?}");
    assert!(sealed.seal.store.order_failed(id, 5, true).await.unwrap(), "given up at once");
    let files = with(&request("log/get_files_for_order_id/valid"), "orderId", &id.to_string());
    assert_eq!(code(&sealed, files).await, "VALIDATION_ERROR");
}
