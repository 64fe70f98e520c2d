//! Every contract, called by whom it must not be called: by a system without a grant, about another care provider, at
//! another tenant's address. A contract that is not in the table below fails here.

use super::callers::handed_over;
use super::pki::Pki;
use crate::harness::{Reply, Service, Wishes, request, testdata, with};
use http_body_util::Full;
use hyper::Request;
use sigill::app::trust::tls;
use sigill::config::file::Config;
use sigill::config::trust::Profile;
use sigill::domain::trust::grant::GrantTerms;
use sigill::messages::generated::Interaction;

/// What a contract is about, as grants see it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// Nobody's data, or everybody's.
    Nobody,
    /// The care provider that its message names.
    Named,
    /// That of what is stored under the id that its message names.
    Stored,
}

fn about(contract: &str) -> About {
    match contract {
        "GetBlocks"
        | "EndConsentByPatient"
        | "GetAllExtendedConsentsForPatient"
        | "GetAccessLogsForPatient"
        | "PingForConfiguration" => About::Nobody,
        "CheckBlocks"
        | "RegisterExtendedBlock"
        | "GetExtendedBlocksForPatient"
        | "GetPatientIds"
        | "RegisterBlock"
        | "CheckConsent"
        | "GetConsentsForPatient"
        | "GetConsentsForCareProvider"
        | "GetExtendedConsentsForPatient"
        | "RegisterExtendedConsent"
        | "StoreLog"
        | "GetLogs"
        | "GetInfoLogs"
        | "GetLogsByOrder" => About::Named,
        "RevokeExtendedBlock"
        | "DeleteExtendedBlock"
        | "RegisterTemporaryExtendedRevoke"
        | "CancelTemporaryExtendedRevoke"
        | "UnregisterBlock"
        | "RegisterTemporaryRevoke"
        | "UnregisterTemporaryRevoke"
        | "CancelExtendedConsent"
        | "DeleteExtendedConsent"
        | "GetFilesForOrderId" => About::Stored,
        other => panic!("{other}: it is not known whose data it is about"),
    }
}

/// All contracts, each with a message that is right.
pub fn contracts() -> Vec<(&'static str, String)> {
    let all: Vec<_> = Interaction::ALL.into_iter().map(|i| (i.name(), valid(i.name()))).collect();
    assert_eq!(all.len(), 29);
    all
}

fn valid(contract: &str) -> String {
    let mut folder = String::new();
    for c in contract.chars() {
        if c.is_uppercase() && !folder.is_empty() {
            folder.push('_');
        }
        folder.push(c.to_ascii_lowercase());
    }
    let domains = ["blocking", "consent", "log", "monitoring"];
    let is_there = |domain: &&&str| testdata(domain).join(&folder).is_dir();
    let domain = domains.iter().find(is_there).unwrap_or_else(|| panic!("{contract}"));
    // Of all in the same service.
    with(&request(&format!("{domain}/{folder}/valid")), "LogicalAddress", ADDRESS)
}

const ADDRESS: &str = "SE2321000016-VG01";
const OTHER_ADDRESS: &str = "SE2321000016-VG02";

fn grant(consumer: &str, tenant: &str, provider: &str) -> GrantTerms {
    GrantTerms {
        consumer: consumer.into(),
        contracts: vec!["*".into()],
        tenant: Some(tenant.into()),
        care_providers: vec![provider.into()],
        ..GrantTerms::default()
    }
}

/// A service behind a proxy, and systems that call through it.
struct Boundary {
    pki: Pki,
    service: Service,
}

const HEADER: &str = "x-client-cert";

impl Boundary {
    async fn new(name: &str, grants: Vec<GrantTerms>, wishes: Wishes) -> Self {
        let pki = Pki::new(name).await;
        let more =
            format!("certificate_header = \"{HEADER}\"\nproxy_addresses = [\"127.0.0.1\"]\n");
        let config = Config::load(Some(pki.settings(&more).as_ref())).unwrap();
        let trusted = tls(&config, sigill::clock::Clock::System.now()).unwrap();
        let trust = Some((Profile::Test, config.trust, trusted));
        let service = Service::start_with(Wishes { trust, grants, ..wishes }).await;
        Self { pki, service }
    }

    async fn post(&self, system: &str, xml: String) -> Reply {
        let certificate = handed_over(&self.pki.system(system));
        let request = Request::post(format!("{}/", self.service.caller.base()))
            .header("content-type", "text/xml; charset=UTF-8")
            .header(HEADER, certificate);
        self.service.caller.try_send(request.body(Full::new(xml.into())).unwrap()).await.unwrap()
    }

    /// The result code, or that it is a fault.
    async fn code(&self, system: &str, xml: &str) -> String {
        let reply = self.post(system, xml.to_owned()).await;
        reply.text("resultCode").unwrap_or("fault").to_owned()
    }

    async fn stored(&self) -> i64 {
        let sql = "select (select count(*) from blocks) + (select count(*) from assertions)
            + (select count(*) from log_entries) + (select count(*) from log_orders)";
        self.service.database.count(sql).await
    }

    /// Blocks, their temporary revokes and assertions that have been removed or changed.
    async fn removed(&self) -> i64 {
        let sql = "select (select count(*) from blocks where removed_at is not null)
            + (select count(*) from temporary_revokes where cancelled_at is not null)
            + (select count(*) from assertions where removed_at is not null)";
        self.service.database.count(sql).await
    }
}

#[tokio::test]
async fn every_contract_refuses_an_unlisted_caller() {
    let listed = grant("SE-A", "default", "*");
    let boundary = Boundary::new("unlisted", vec![listed.clone()], Wishes::default()).await;
    for (contract, message) in contracts() {
        let reply = boundary.post("SE-B", message.clone()).await;
        if contract == "PingForConfiguration" {
            assert!(reply.body.contains("<faultcode>soap:Client"), "{}", reply.body);
        } else {
            assert_eq!(reply.code(), "ACCESSDENIED", "{contract}");
        }
        // It is told no more of a message that cannot be read.
        let broken = message.replacen("</soapenv:Body>", "<more/></soapenv:Body>", 1);
        let same = boundary.post("SE-B", broken).await;
        assert_eq!(same.text("resultCode"), reply.text("resultCode"), "{contract}");
    }
    assert_eq!(boundary.stored().await, 0);
    let by_status = Wishes { forbids_by_status: true, ..Wishes::default() };
    let narrow = grant("SE-OTHER", "default", "SE2321000016-VG02");
    let boundary = Boundary::new("unlisted-403", vec![listed, narrow], by_status).await;
    for (contract, message) in contracts() {
        let reply = boundary.post("SE-B", message.clone()).await;
        assert_eq!(reply.status, 403, "{contract}");
        assert!(reply.body.contains("<faultcode>soap:Client"), "{}", reply.body);
        let other = boundary.post("SE-OTHER", message).await;
        assert_eq!(other.status == 403, about(contract) == About::Named, "{contract}");
    }
}

#[tokio::test]
async fn a_grant_ends_at_its_care_providers() {
    let grants = vec![
        grant("SE-ALL", "default", "*"),
        grant("SE-OTHER", "default", "SE2321000016-VG02"),
        grant("SE-OWN", "default", "se2321000016-vg01"),
    ];
    let boundary = Boundary::new("providers", grants.clone(), Wishes::default()).await;
    // What is answered of what does not exist.
    let mut nothing = Vec::new();
    for (contract, message) in contracts() {
        if about(contract) == About::Stored {
            nothing.push((contract, boundary.code("SE-ALL", &message).await));
        }
    }
    assert_eq!(boundary.stored().await, 0);
    for seeds in [
        &["RegisterExtendedBlock", "RegisterTemporaryExtendedRevoke", "RegisterExtendedConsent"][..],
        &["RegisterBlock", "RegisterTemporaryRevoke"],
    ] {
        let boundary = Boundary::new("providers-seeded", grants.clone(), Wishes::default()).await;
        for seed in seeds {
            assert_eq!(boundary.code("SE-ALL", &valid(seed)).await, "OK", "{seed}");
        }
        let before = boundary.stored().await;
        for (contract, message) in contracts() {
            let code = boundary.code("SE-OTHER", &message).await;
            match about(contract) {
                About::Nobody => assert_ne!(code, "ACCESSDENIED", "{contract}"),
                About::Named => assert_eq!(code, "ACCESSDENIED", "{contract}"),
                About::Stored => {
                    let expected = nothing.iter().find(|(name, _)| *name == contract).unwrap();
                    assert_eq!(code, expected.1, "{contract}");
                }
            }
        }
        assert_eq!(boundary.stored().await, before, "{seeds:?}");
        assert_eq!(boundary.removed().await, 0, "{seeds:?}");
        // And the one that has them reaches them.
        for (contract, message) in contracts() {
            let code = boundary.code("SE-OWN", &message).await;
            assert_ne!(code, "ACCESSDENIED", "{contract}");
        }
    }
}

#[tokio::test]
async fn one_record_of_another_care_provider_refuses_the_call() {
    let grants = vec![grant("SE-OWN", "default", "SE2321000016-VG01")];
    let boundary = Boundary::new("one-record", grants, Wishes::default()).await;
    let message = valid("StoreLog");
    let (start, end) =
        (message.find("<urn1:log>").unwrap(), message.find("</urn1:StoreLog>").unwrap());
    let record = &message[start..end];
    let other = record.replacen("SE2321000016-VG01", "SE2321000016-VG02", 1);
    let other = other.replace("6a1f2c10", "7a1f2c10");
    let both = message.replace(record, &format!("{record}{other}"));
    assert_eq!(boundary.code("SE-OWN", &both).await, "ACCESSDENIED");
    assert_eq!(boundary.stored().await, 0);
    assert_eq!(boundary.code("SE-OWN", &message).await, "OK");
}

#[tokio::test]
async fn another_tenants_data_do_not_exist() {
    let tenants = || Wishes {
        tenants: vec![(ADDRESS, "SE2321000016-VG01"), (OTHER_ADDRESS, "SE2321000016-VG01")],
        ..Wishes::default()
    };
    let grants = vec![
        grant("SE-ALL", ADDRESS, "*"),
        grant("SE-ALL", OTHER_ADDRESS, "*"),
        grant("SE-ONE", OTHER_ADDRESS, "*"),
    ];
    let boundary = Boundary::new("other-tenant", grants, tenants()).await;
    for (contract, message) in contracts() {
        let reply = boundary.post("SE-ONE", message).await;
        if contract == "PingForConfiguration" {
            assert!(reply.body.contains("<faultcode>soap:Client"), "{}", reply.body);
        } else {
            assert_eq!(reply.code(), "ACCESSDENIED", "{contract}");
        }
    }
    assert_eq!(boundary.stored().await, 0);
    let elsewhere = |contract| with(&valid(contract), "LogicalAddress", OTHER_ADDRESS);
    let mut nothing = Vec::new();
    for (contract, _) in contracts() {
        if about(contract) == About::Stored {
            nothing.push((contract, boundary.code("SE-ALL", &elsewhere(contract)).await));
        }
    }
    for seed in
        ["RegisterExtendedBlock", "RegisterTemporaryExtendedRevoke", "RegisterExtendedConsent"]
    {
        assert_eq!(boundary.code("SE-ALL", &valid(seed)).await, "OK", "{seed}");
    }
    for (contract, expected) in nothing {
        assert_eq!(boundary.code("SE-ALL", &elsewhere(contract)).await, expected, "{contract}");
    }
    assert_eq!(boundary.removed().await, 0);
    let blocks = boundary.post("SE-ALL", elsewhere("GetExtendedBlocksForPatient")).await;
    assert_eq!(blocks.code(), "OK");
    assert!(!blocks.body.contains("blockId"), "{}", blocks.body);
}

#[tokio::test]
async fn on_behalf_of_never_widens() {
    let grants = vec![grant("SE-A", "default", "SE2321000016-VG01")];
    let boundary = Boundary::new("on-behalf", grants, Wishes::default()).await;
    let call = async |on_behalf_of: &str, provider: &str| {
        let message = valid("GetPatientIds")
            .replace("SE2321000016-VG01</urn1:care", &format!("{provider}</urn1:care"));
        let request = Request::post(format!("{}/", boundary.service.caller.base()))
            .header("content-type", "text/xml; charset=UTF-8")
            .header("x-rivta-acting-on-behalf-of-hsaid", on_behalf_of)
            .header(HEADER, handed_over(&boundary.pki.system("SE-A")));
        let request = request.body(Full::new(message.into())).unwrap();
        boundary.service.caller.try_send(request).await.unwrap().code().to_owned()
    };
    assert_eq!(call("SE2321000016-VG01", "SE2321000016-VG01").await, "OK");
    assert_eq!(call("SE2321000016-VG02", "SE2321000016-VG01").await, "ACCESSDENIED");
    assert_eq!(call("SE2321000016-VG02", "SE2321000016-VG02").await, "ACCESSDENIED");
    assert_eq!(call("SE2321000016-VG01", "SE2321000016-VG02").await, "ACCESSDENIED");
}
