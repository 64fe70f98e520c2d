//! StoreLog in large and in small calls.

use super::data::{Chance, PATIENT_SQL, PROVIDER_SQL};
use super::server::Server;
use super::{ROUNDS, Rounds, baseline, load};
use std::fmt::Write as _;

const LARGE: usize = 500;
const SMALL: usize = 10;
const SECONDS: u64 = 5;

/// A StoreLog message with this many records, all of one patient, provider and instant; `name` makes
/// their ids unique.
pub fn message(name: &str, records: usize) -> String {
    let valid = include_str!("../testdata/log/store_log/valid.request.xml");
    let start = valid.find("      <urn1:log>").unwrap();
    let end = valid.find("    </urn1:StoreLog>").unwrap();
    let (before, one, after) = (&valid[..start], &valid[start..end], &valid[end..]);
    let (head, tail) = one.split_once("6a1f2c10-52f3-4a37-9d6e-0c7b7f0e0004").unwrap();
    let mut text = String::with_capacity(before.len() + after.len() + records * (one.len() + 8));
    text.push_str(before);
    for record in 0..records {
        write!(text, "{head}{name}-{record}{tail}").unwrap();
    }
    text.push_str(after);
    text
}

/// A StoreLog message of a region's records: one to three resources each.
pub fn realistic(name: &str, records: usize, chance: &mut Chance) -> String {
    let now = chrono::Utc::now();
    let mut text = String::with_capacity(records * 2_500);
    text.push_str(OPEN);
    for record in 0..records {
        let (patient, provider) = (chance.patient(), chance.provider());
        let at = (now - chrono::TimeDelta::seconds(chance.seconds_ago()))
            .format("%Y-%m-%dT%H:%M:%S%.3fZ");
        write!(
            text,
            "<a:log><c:logId>{name}-{record}</c:logId><c:system><c:systemId>SE2321000016-S{provider}</c:systemId>\
             <c:systemName>Journalsystemet</c:systemName></c:system><c:activity><c:activityType>Läsa</c:activityType>\
             <c:startDate>{at}</c:startDate><c:purpose>Vård och behandling</c:purpose></c:activity><c:user>\
             <c:userId>SE2321000016-P{}</c:userId><c:name>Tolvan Läkare</c:name><c:assignment>Vård och behandling</c:assignment>\
             <c:title>Läkare</c:title><c:careProvider><c:careProviderId>SE2321000016-VG{provider}</c:careProviderId>\
             <c:careProviderName>Region Exempel</c:careProviderName></c:careProvider><c:careUnit>\
             <c:careUnitId>SE2321000016-VE{provider}</c:careUnitId><c:careUnitName>Mottagningen</c:careUnitName>\
             </c:careUnit></c:user><c:resources>",
            patient % 20_000
        )
        .unwrap();
        let resources = match chance.part() {
            ..0.7 => 1,
            ..0.9 => 2,
            _ => 3,
        };
        for _ in 0..resources {
            let holder = chance.provider();
            write!(
                text,
                "<c:resource><c:resourceType>Vårdkontakt</c:resourceType><c:patient><c:patientId>\
                 <c:root>1.2.752.129.2.1.3.1</c:root><c:extension>{patient}</c:extension></c:patientId>\
                 <c:patientName>Tolvan Tolvansson</c:patientName></c:patient><c:careProvider>\
                 <c:careProviderId>SE2321000016-VG{holder}</c:careProviderId></c:careProvider></c:resource>"
            )
            .unwrap();
        }
        text.push_str("</c:resources></a:log>");
    }
    text + CLOSE
}

const OPEN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:i=\"urn:riv:itintegration:registry:1\"><e:Header><i:LogicalAddress>SE2321000016-VG01</i:LogicalAddress></e:Header><e:Body><a:StoreLog xmlns:a=\"urn:riv:informationsecurity:auditing:log:StoreLogResponder:2\" xmlns:c=\"urn:riv:informationsecurity:auditing:log:2\">";
const CLOSE: &str = "</a:StoreLog></e:Body></e:Envelope>";

/// 500 records a call, 4 connections, against COPY of the same rows: all alike into empty tables,
/// then a region's into tables that hold a million.
pub async fn large_calls(server: &Server) {
    let mut rounds = Rounds::default();
    for round in 0..ROUNDS {
        let done = load::run(server, 4, SECONDS, ">OK<", move |connection, call| {
            message(&format!("l{round}-{connection}-{call}"), LARGE)
        })
        .await;
        rounds.add(&done, LARGE, baseline::copy_log_again(server).await);
    }
    rounds.print("StoreLog 500 x 4, all alike, rec/s, over COPY", Some(0.65));
    baseline::fill_log(server, &fill_script()).await;
    let mut rounds = Rounds::default();
    for round in 0..ROUNDS {
        let mark = baseline::last_entry(server).await;
        let done = load::run(server, 4, SECONDS, ">OK<", move |connection, call| {
            let mut chance = Chance::new(connection + 4 * round, call);
            realistic(&format!("r{round}-{connection}-{call}"), LARGE, &mut chance)
        })
        .await;
        rounds.add(&done, LARGE, baseline::copy_log_beside(server, mark).await);
    }
    rounds.print("StoreLog 500 x 4, records/s, over COPY", None);
}

/// 10 records a call, 32 connections, against pgbench committing the same kind of rows.
pub async fn small_calls(server: &Server) {
    baseline::fill_log(server, &fill_script()).await;
    let mut rounds = Rounds::default();
    for round in 0..ROUNDS {
        let done = load::run(server, 32, SECONDS, ">OK<", move |connection, call| {
            let mut chance = Chance::new(connection + 32 * round, call);
            realistic(&format!("s{round}-{connection}-{call}"), SMALL, &mut chance)
        })
        .await;
        let tps = baseline::pgbench(server, &insert_script(), 32, SECONDS).await;
        rounds.add(&done, 1, tps);
    }
    rounds.print("StoreLog 10 x 32, calls/s, over pgbench", Some(0.7));
}

/// The columns of a region's records, made of `patient`, `provider` and `at`.
const ENTRY: &str = "(entry_number, tenant_id, stored_at, activity_at, log_id, system_id, system_name, activity_type, purpose, user_id, user_name, assignment, title, care_provider_id, care_provider_name, care_unit_id, care_unit_name, owner_hash, resources, resource_type, patient_hash, patient_root, patient_extension, patient_name, holder_id)
 select n, 1, now(), at, 'f' || n, 'SE2321000016-S' || provider, 'Journalsystemet', 'Läsa', 'Vård och behandling', 'SE2321000016-P' || patient % 20000, 'Tolvan Läkare', 'Vård och behandling', 'Läkare', 'SE2321000016-VG' || provider, 'Region Exempel', 'SE2321000016-VE' || provider, 'Mottagningen', log_hash(1, 'se2321000016-vg' || provider), 1 + abs(n) % 10 / 7, 'Vårdkontakt', log_hash(1, '1.2.752.129.2.1.3.1^' || patient), '1.2.752.129.2.1.3.1', patient::text, 'Tolvan Tolvansson', 'SE2321000016-VG' || provider";
const FURTHER: &str = "(entry_number, ordinal, tenant_id, activity_at, resource_type, patient_hash, patient_root, patient_extension, patient_name, holder_id)
 select n, 2, 1, at, 'Vårdkontakt', log_hash(1, '1.2.752.129.2.1.3.1^' || patient), '1.2.752.129.2.1.3.1', patient::text, 'Tolvan Tolvansson', 'SE2321000016-VG' || provider";

/// A million records, of the last days.
fn fill_script() -> String {
    format!(
        "create temporary table region as select -n as n, {PATIENT_SQL} as patient, {PROVIDER_SQL} as provider,
            date_trunc('milliseconds', now() - random() * interval '20 days') as at from generate_series(1, 1000000) n;
         insert into log_ids_1 select gen_random_uuid(), n from region;
         insert into log_entries {ENTRY} from region;
         insert into log_further_resources {FURTHER} from region where abs(n) % 10 / 7 > 0;
         drop table region"
    )
}

/// The rows of one small call by three prepared inserts in one transaction.
fn insert_script() -> String {
    let numbers: Vec<String> = (0..SMALL)
        .map(|n| format!("(:base::bigint + {n}, {PATIENT_SQL}, {PROVIDER_SQL}, now() - {n} * interval '1 second')"))
        .collect();
    let rows = numbers.join(", ");
    format!(
        "\\set base random(1, 1000000000000) * 10
begin;
insert into log_ids_1 select gen_random_uuid(), n from (values {rows}) v (n, patient, provider, at);
insert into log_entries {ENTRY} from (values {rows}) v (n, patient, provider, at);
insert into log_further_resources {FURTHER} from (values {rows}) v (n, patient, provider, at) where abs(n) % 10 / 7 > 0;
commit;
"
    )
}
