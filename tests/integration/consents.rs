//! Consent stories: time passes.

use super::harness::{Service, request};

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
