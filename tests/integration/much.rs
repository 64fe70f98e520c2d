//! Patients and blocks with more rows than most have.

use super::harness::{Service, request, with, without};

#[tokio::test]
async fn a_patient_with_more_than_a_look_up_finds_is_read_at_length() {
    let service = Service::start().await;
    let pool = service.database.pool().await;
    // The block that bites and the consent that opens are neither the first nor the last of many.
    sqlx::query(
        "with new as (insert into blocks (tenant_id, block_key, block_id, block_type, patient_key,
            patient_root, patient_extension, information_care_unit_id, information_care_provider_id,
            provider_key, exempts_lak, exempts_upp, extended, stored_at, changed_at)
         select 1, 'b' || n, 'b' || n, 'Inner', '1.2.752.129.2.1.3.1^191212121212',
            '1.2.752.129.2.1.3.1', '191212121212', 'SE2321000016-VE' || n, 'SE2321000016-VG01',
            'se2321000016-vg01', false, false, false, now(), now()
         from generate_series(1000, 1119) n returning block_number, block_id)
         insert into temporary_revokes (tenant_id, revoke_key, revoke_id, block_number, end_at,
            care_unit_id, extended, stored_at)
         select 1, 'r' || block_id || m, 'r' || block_id || m, block_number, '2099-01-01',
            'SE2321000016-VE' || m, false, now()
         from new, generate_series(1, 8) m where block_id <> 'b1060'",
    )
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query(
        "insert into assertions (tenant_id, assertion_key, assertion_id, assertion_type,
            patient_key, patient_root, patient_extension, care_provider_id, provider_key,
            care_unit_id, start_at, start_given, stored_at)
         select 1, 'a' || n, 'a' || n, 'Consent', '1.2.752.129.2.1.3.1^191212121212',
            '1.2.752.129.2.1.3.1', '191212121212', 'SE2321000016-VG01', 'se2321000016-vg01',
            'SE2321000016-VE' || n, '2026-01-01', false, '2026-01-01'
         from generate_series(1000, 1700) n",
    )
    .execute(&pool)
    .await
    .unwrap();
    let check = request("blocking/check_blocks/inner_block_stops_another_unit");
    let at_unit = |unit: usize, actor: &str| {
        let xml = check.replace(">SE2321000016-VE01<", &format!(">SE2321000016-VE{unit}<"));
        xml.replace(">SE2321000016-VE09<", actor)
    };
    for (unit, actor, expected) in [
        (1060, ">SE2321000016-VE3<", "BLOCKED"),
        (1061, ">SE2321000016-VE3<", "OK"),
        (1061, ">SE2321000016-VE9<", "BLOCKED"),
        (1120, ">SE2321000016-VE9<", "OK"),
    ] {
        let reply = service.post(at_unit(unit, actor)).await;
        assert_eq!(reply.text("status"), Some(expected), "{unit} {actor}: {}", reply.body);
    }
    let check = request("consent/check_consent/valid");
    for (unit, opens) in [(1350, "true"), (1701, "false")] {
        let xml = with(&check, "careUnitId", &format!("SE2321000016-VE{unit}"));
        assert_eq!(service.post(xml).await.text("hasConsent"), Some(opens), "{unit}");
    }
}

#[tokio::test]
async fn a_block_with_more_revokes_than_a_page_has_rows_is_told_whole() {
    let service = Service::start().await;
    let pool = service.database.pool().await;
    sqlx::query(
        "with new as (insert into blocks (tenant_id, block_key, block_id, block_type, patient_key,
            patient_root, patient_extension, information_care_provider_id, provider_key, exempts_lak,
            exempts_upp, extended, stored_at, changed_at)
         select 1, 'b' || n, 'b' || n, 'Outer', '1.2.3^1', '1.2.3', '1', 'SE1', 'se1', true, true,
            false, '2026-01-01', '2026-01-01'
         from generate_series(1, 9) n returning block_number, block_id)
         insert into temporary_revokes (tenant_id, revoke_key, revoke_id, block_number, end_at,
            care_unit_id, extended, stored_at)
         select 1, block_id || '-' || m, block_id || '-' || m, block_number, '2099-01-01', 'SE2', false,
            '2026-01-01'
         from new, generate_series(1, 3000) m
         where m <= case block_id when 'b1' then 250 when 'b5' then 3000 when 'b9' then 101 else 60 end",
    )
    .execute(&pool)
    .await
    .unwrap();
    let all = without(
        &request("blocking/get_blocks/valid"),
        &["createdOnOrAfter", "careProviderIds", "root", "extension", "patientId"],
    );
    let reply = service.post(all).await;
    let told = |element: &str| -> Vec<String> {
        let mark = format!("c:{element}>");
        let texts = reply.body.split(&mark).skip(1).step_by(2);
        texts.map(|text| text.split('<').next().unwrap().to_owned()).collect()
    };
    let revokes: Vec<String> = (1..=9)
        .flat_map(|block| {
            let count = [250, 60, 60, 60, 3000, 60, 60, 60, 101][block - 1];
            (1..=count).map(move |revoke| format!("b{block}-{revoke}"))
        })
        .collect();
    assert_eq!(told("temporaryRevokeId"), revokes);
}
