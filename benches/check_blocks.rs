//! CheckBlocks among many stored blocks.

use super::data::{Chance, PATIENT_PGBENCH, PATIENT_SQL, PROVIDER_SQL};
use super::server::Server;
use super::{ROUNDS, Rounds, baseline, load};

const BLOCKS: usize = 1_500_000;
const CONNECTIONS: usize = 16;
/// Entities in a call of the common kind.
const ENTITIES: usize = 10;
/// Entities in a call that asks about a whole journal.
const MANY_ENTITIES: usize = 500;
const SECONDS: u64 = 5;

/// Calls with few entities and with many, each against pgbench's prepared select of the same
/// patient's rows.
pub async fn run(server: &Server) {
    fill(server).await;
    calls(server, ENTITIES, Some(0.55)).await;
    // No share is set for these: most of the work is reading and writing XML.
    calls(server, MANY_ENTITIES, None).await;
}

async fn calls(server: &Server, entities: usize, goal: Option<f64>) {
    let (before, after) = template(entities);
    let mut rounds = Rounds::default();
    for round in 0..ROUNDS {
        let (before, after) = (before.clone(), after.clone());
        let done =
            load::run(server, CONNECTIONS, SECONDS, "resultCode>OK<", move |connection, call| {
                let patient = Chance::new(connection + round * CONNECTIONS, call).patient();
                format!("{before}{patient}{after}")
            })
            .await;
        let tps = baseline::pgbench(server, &select_script(), CONNECTIONS, SECONDS).await;
        rounds.add(&done, 1, tps);
    }
    rounds.print(&format!("CheckBlocks {entities} x {CONNECTIONS}, calls/s, over pgbench"), goal);
}

async fn fill(server: &Server) {
    let sql = format!(
        "insert into blocks (tenant_id, block_key, block_id, block_type, patient_key, patient_root,
            patient_extension, information_care_unit_id, information_care_provider_id, provider_key,
            exempts_lak, exempts_upp, extended, stored_at, changed_at)
         select 1, 'b' || n, 'b' || n, 'Inner', '1.2.752.129.2.1.3.1^' || patient,
            '1.2.752.129.2.1.3.1', patient::text, 'SE2321000016-VE' || provider, 'SE2321000016-VG' || provider,
            'se2321000016-vg' || provider, false, false, false,
            timestamptz '2020-01-01' + n * interval '2 minutes', timestamptz '2020-01-01' + n * interval '2 minutes'
         from (select n, {PATIENT_SQL} as patient, {PROVIDER_SQL} as provider
            from generate_series(0, {BLOCKS} - 1) n) region"
    );
    let mut connection = server.pool.acquire().await.unwrap();
    sqlx::query("set statement_timeout = 0").execute(&mut *connection).await.unwrap();
    sqlx::query(&sql).execute(&mut *connection).await.unwrap();
    sqlx::query("vacuum analyze blocks").execute(&mut *connection).await.unwrap();
    sqlx::query("checkpoint").execute(&mut *connection).await.unwrap();
}

/// A message around the patient's number: what comes before it and what comes after. Its rows are of
/// several units.
fn template(entities: usize) -> (String, String) {
    let valid = include_str!(
        "../testdata/blocking/check_blocks/inner_block_stops_another_unit.request.xml"
    );
    let start = valid.find("      <urn1:informationEntities>").unwrap();
    let end = valid.find("    </urn1:CheckBlocks>").unwrap();
    let rows: String = (0..entities)
        .map(|row| {
            let one = valid[start..end].replace("rowNumber>0<", &format!("rowNumber>{row}<"));
            one.replace("-VE01", &format!("-VE{}", row % 7))
                .replace("-VG01", &format!("-VG{}", row % 7))
        })
        .collect();
    let message = format!("{}{rows}{}", &valid[..start], &valid[end..]);
    let (before, after) = message.split_once("191212121212").unwrap();
    (before.to_owned(), after.to_owned())
}

fn select_script() -> String {
    format!(
        "{PATIENT_PGBENCH}select b.block_number, b.block_id, b.block_type, b.patient_root, b.patient_extension,
    b.information_start_at, b.information_end_at, b.information_care_unit_id,
    b.information_care_provider_id, b.exempts_lak, b.exempts_upp, b.owner_id, false,
    r.revoke_id, r.end_at, r.care_unit_id, r.employee_id, r.owner_id
from blocks b
left join temporary_revokes r on r.block_number = b.block_number and r.cancelled_at is null
where b.tenant_id = 1 and b.patient_key = '1.2.752.129.2.1.3.1^' || :patient
    and b.removed_at is null
order by b.block_number;
"
    )
}
