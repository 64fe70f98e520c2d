//! How the database finds a report's records: by an index of each partition in the interval, and of no
//! other.

use super::harness::Service;
use sigill::domain::time::Timestamp;
use sigill::store::log::reports::STATEMENTS;
use sqlx::PgPool;

/// Records of three months, of many patients and care providers.
async fn filled() -> (Service, PgPool) {
    let service = Service::start().await;
    let pool = service.database.pool().await;
    for sql in [
        "insert into log_entries (entry_number, tenant_id, stored_at, activity_at, log_id, system_id,
            activity_type, purpose, user_id, care_provider_id, care_unit_id, owner_hash, resources, resource_type,
            patient_hash, patient_root, patient_extension, holder_id, foreign_hash)
         select n, 1, now(), '2026-10-01T00:00:00Z'::timestamptz + n * interval '260 s', 'id' || n, 'S',
            'Läsa', 'Administration', 'SE-P' || n % 500, 'SE-' || n % 97, 'SE-E' || n % 300,
            log_hash(1, 'se-' || n % 97), 1 + n % 2, 'vko', log_hash(1, '1.2.3^' || n % 5000), '1.2.3',
            (n % 5000)::text, 'SE-' || n % 89, log_hash(1, 'se-' || n % 89)
         from generate_series(1, 30000) n",
        "insert into log_further_resources (entry_number, ordinal, tenant_id, activity_at, resource_type,
            patient_hash, patient_root, patient_extension, holder_id, foreign_hash)
         select entry_number, 2, 1, activity_at, 'vko', patient_hash, patient_root, patient_extension, holder_id,
            foreign_hash from log_entries where resources > 1",
        "analyze log_entries",
        "analyze log_further_resources",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    (service, pool)
}

async fn plan(
    pool: &PgPool,
    sql: &str,
    (owner, patient): (Option<&str>, Option<&str>),
    (from, to): (&str, &str),
) -> String {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let lines: Vec<String> = sqlx::query_scalar(&format!("explain {sql}"))
        .bind(1)
        .bind(at(from))
        .bind(at(to))
        .bind(owner)
        .bind(patient)
        .bind(None::<&str>)
        .bind(None::<&str>)
        .bind(10_001_i64)
        .fetch_all(pool)
        .await
        .unwrap();
    lines.join("\n")
}

#[tokio::test]
async fn every_report_goes_by_an_index_and_looks_at_no_other_month() {
    let (_service, pool) = filled().await;
    let (owner, patient) = (Some("se-7"), Some("1.2.3^7"));
    let interval = ("2026-11-03T00:00:00Z", "2026-11-20T00:00:00Z");
    for (kind, sql) in STATEMENTS {
        let asked = match kind {
            "staff" => vec![(owner, None)],
            "staff about a patient" => vec![(owner, patient)],
            "information" => vec![(owner, None), (owner, patient)],
            _ => vec![(None, patient)],
        };
        for asked in asked {
            let plan = plan(&pool, sql, asked, interval).await;
            assert!(!plan.contains("Seq Scan"), "{kind}: {plan}");
            assert!(plan.contains("_y2026m11"), "{kind}: {plan}");
            assert!(!plan.contains("_y2026m10") && !plan.contains("_y2026m12"), "{kind}: {plan}");
        }
    }
}

#[tokio::test]
async fn a_patients_report_goes_by_the_patient_also_where_one_has_nearly_all_records() {
    let (_service, pool) = filled().await;
    for sql in [
        "update log_entries set patient_hash = log_hash(1, '1.2.3^1') where patient_hash is not null",
        "analyze log_entries",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    let about = STATEMENTS.iter().find(|(kind, _)| *kind == "patient").unwrap().1;
    let mut connection = pool.acquire().await.unwrap();
    for sql in [
        "set plan_cache_mode = force_generic_plan".to_owned(),
        format!(
            "prepare about (int, timestamptz, timestamptz, text, text, text, text, bigint) as {about}"
        ),
    ] {
        sqlx::raw_sql(&sql).execute(&mut *connection).await.unwrap();
    }
    let lines: Vec<String> = sqlx::query_scalar(
        "explain execute about (1, '2026-11-03', '2026-11-20', null, '1.2.3^7', null, null, 10001)",
    )
    .persistent(false)
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let plan = lines.join("\n");
    assert!(plan.contains("log_entries_y2026m11_patient_hash_idx"), "{plan}");
    assert!(!plan.contains("owner_hash"), "{plan}");
}
