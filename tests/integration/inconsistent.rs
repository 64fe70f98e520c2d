//! A stored row that makes no sense opens nothing and hides nothing: the call fails as ours.

use super::harness::{Service, request, with};

/// A service with a block, a temporary revoke of it, and a consent.
async fn service() -> Service {
    let service = Service::start().await;
    for path in [
        "blocking/register_extended_block/valid",
        "blocking/register_temporary_extended_revoke/valid",
        "consent/register_extended_consent/valid",
    ] {
        assert_eq!(service.post(request(path)).await.code(), "OK", "{path}");
    }
    service
}

#[tokio::test]
async fn what_cannot_be_read_opens_nothing_and_hides_nothing() {
    let check_blocks = "blocking/check_blocks/inner_block_stops_another_unit";
    let blocks = "blocking/get_blocks/without_filters_all_blocks_are_reported";
    let extended = "blocking/get_extended_blocks_for_patient/valid";
    let revoke = "blocking/revoke_extended_block/valid";
    let (check, list) = ("consent/check_consent/valid", "consent/get_consents_for_patient/valid");
    let assertions = "consent/get_extended_consents_for_patient/valid";
    let page = "consent/get_consents_for_care_provider/valid";
    let lifts = "blocking/cancel_temporary_extended_revoke/valid";
    for (harm, refused) in [
        (
            "blocks set information_care_unit_id = null",
            [check_blocks, blocks, extended, revoke].as_slice(),
        ),
        ("blocks set information_care_unit_id = ' '", &[check_blocks, blocks, extended, revoke]),
        ("blocks set block_type = 'Middle'", &[check_blocks, blocks, extended, revoke]),
        ("temporary_revokes set employee_id = ' '", &[check_blocks, blocks, extended, lifts]),
        ("temporary_revokes set care_unit_id = ''", &[check_blocks, blocks, extended, lifts]),
        ("block_actions set kind = 'renamed'", &[extended, revoke]),
        ("blocks set first_removed_at = now()", &[extended, revoke]),
        ("assertions set employee_id = ' '", &[check, list, assertions, page]),
        ("assertions set care_unit_id = ''", &[check, list, assertions, page]),
        ("assertions set assertion_type = 'Wish'", &[check, list, assertions, page]),
        ("assertion_actions set kind = 'renamed'", &[assertions]),
        ("assertions set first_removed_at = now()", &[assertions]),
    ] {
        let sound = service().await;
        for path in refused {
            let reply = sound.post(request(path)).await;
            assert_eq!(reply.status, 200, "{path} before {harm}: {}", reply.body);
        }
        let harmed = service().await;
        let pool = harmed.database.pool().await;
        // Constraints stand guard too; a row from elsewhere has got past them.
        let guards: Vec<(String, String)> = sqlx::query_as(
            "select conrelid::regclass::text, conname::text from pg_constraint
             where contype = 'c' and coninhcount = 0 and connamespace = 'public'::regnamespace",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        for (table, name) in guards {
            let sql = format!("alter table {table} drop constraint {name}");
            sqlx::query(&sql).execute(&pool).await.unwrap();
        }
        sqlx::query(&format!("update {harm}")).execute(&pool).await.unwrap();
        for path in refused {
            let reply = harmed.post(request(path)).await;
            assert_eq!(reply.status, 500, "{path} after {harm}: {}", reply.body);
            assert!(reply.body.contains("<faultcode>soap:Server</faultcode>"), "{}", reply.body);
            assert!(!reply.body.contains("inconsistent"), "the cause stays in the log");
        }
        // Other patients' rows are no concern of theirs.
        let other = with(&request(check), "extension", "191212121213");
        assert_eq!(harmed.post(other).await.status, 200);
    }
}

#[tokio::test]
async fn what_was_taken_away_and_has_no_time_for_it_does_not_stand() {
    let taken = [
        (
            "blocking/cancel_temporary_extended_revoke/valid",
            "temporary_revokes set cancelled_at = null",
        ),
        (
            "blocking/revoke_extended_block/valid",
            "blocks set removed_at = null, first_removed_at = null",
        ),
        (
            "consent/cancel_extended_consent/valid",
            "assertions set removed_at = null, first_removed_at = null",
        ),
    ];
    for (removal, harm) in taken {
        let service = service().await;
        assert_eq!(service.post(request(removal)).await.code(), "OK", "{removal}");
        assert_eq!(service.post(request(removal)).await.code(), "OK", "repeated: {removal}");
        let pool = service.database.pool().await;
        sqlx::query(&format!("update {harm}")).execute(&pool).await.unwrap();
        let reply = service.post(request(removal)).await;
        assert_eq!(reply.status, 500, "{harm}: {}", reply.body);
        assert!(reply.body.contains("<faultcode>soap:Server</faultcode>"), "{}", reply.body);
    }
}
