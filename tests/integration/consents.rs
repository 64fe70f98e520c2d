//! Consent stories: time passes.

use super::harness::{Service, request, with, without};

/// A consent of this id, from now on and for ever.
pub fn register(id: &str) -> String {
    let xml = request("consent/register_extended_consent/valid");
    with(&without(&xml, &["startDate", "endDate"]), "assertionId", id)
}

/// A contract's request about the assertion of this id; the patient's ending is at once.
pub fn at(contract: &str, id: &str) -> String {
    let xml = request(&format!("consent/{contract}/valid"));
    with(&without(&xml, &["endDateTime"]), "assertionId", id)
}

#[tokio::test]
async fn a_consent_opens_from_its_start_through_its_end() {
    let service = Service::start().await;
    // From 2026-11-22T10:15:30 through 2026-11-29T12:00:00, Swedish time.
    service.post(request("consent/register_extended_consent/valid")).await;
    for (now, opens) in [
        ("2026-11-22T09:15:29.999Z", "false"),
        ("2026-11-22T09:15:30Z", "true"),
        ("2026-11-29T11:00:00Z", "true"),
        ("2026-11-29T11:00:00.001Z", "false"),
    ] {
        service.set_clock(now);
        let reply = service.post(request("consent/check_consent/valid")).await;
        assert_eq!(reply.text("hasConsent"), Some(opens), "{now}");
    }
}

fn end_by_patient(end: Option<&str>) -> String {
    let xml = request("consent/end_consent_by_patient/valid");
    match end {
        Some(end) => with(&xml, "endDateTime", end),
        None => without(&xml, &["endDateTime"]),
    }
}

#[tokio::test]
async fn the_patient_ends_a_consent_and_staff_see_only_its_end() {
    let service = Service::start().await;
    let check = request("consent/check_consent/valid");
    assert_eq!(service.post(request("consent/register_extended_consent/valid")).await.code(), "OK");
    let later = end_by_patient(Some("2026-11-22T14:00:00"));
    assert_eq!(service.post(later).await.code(), "OK");
    service.set_clock("2026-11-22T13:00:00Z");
    assert_eq!(service.post(check.clone()).await.text("hasConsent"), Some("true"), "through it");
    service.set_clock("2026-11-22T13:00:01Z");
    assert_eq!(service.post(check.clone()).await.text("hasConsent"), Some("false"));
    let history = request("consent/get_extended_consents_for_patient/valid");
    let history = service.post(history).await.body;
    assert!(history.contains("<c:endDate>2026-11-22T14:00:00</c:endDate>"), "{history}");
    assert!(!history.contains("cancellationInfo"), "{history}");
    // The registration, repeated, would not be in force; what the patient did stays kept for audit.
    let again = service.post(request("consent/register_extended_consent/valid")).await;
    assert_eq!(again.code(), "INVALIDSTATE");
    assert_eq!(service.post(check).await.text("hasConsent"), Some("false"));
    let kept = "select count(*) from patient_ends
        where previous_end_at = '2026-11-29T11:00:00Z' and end_at = '2026-11-22T13:00:00Z'";
    assert_eq!(service.database.count(kept).await, 1);
}
