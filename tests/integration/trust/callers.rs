//! Who is believed about what.

use super::pki::{Connected, Identity, Pki, Wanted, authority, everything, identity};
use crate::harness::{Reply, request, with};
use crate::program::Program;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::Request;

const CONSUMER: &str = "x-rivta-original-serviceconsumer-hsaid";

fn check() -> String {
    request("blocking/check_blocks/valid")
}

/// The last `caller` that the log tells of a request.
async fn caller_told(program: Program) -> String {
    program.signal(nix::sys::signal::Signal::SIGTERM);
    let (_, lines) = program.ended().await;
    let last = lines.iter().rev().find(|line| line.contains("\"message\":\"request\"")).unwrap();
    let after = last.split("\"caller\":\"").nth(1).unwrap();
    after.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn only_platforms_name_the_consumer() {
    let pki = Pki::new("platforms").await;
    let grant = everything("SE-A") + "via = [\"SE-VP\"]\n";
    for (system, named, code, told) in [
        ("SE-VP", Some("SE-A"), "OK", "SE-A"),
        ("se-vp", Some("se-a"), "OK", "se-a"),
        // Whom it does not name it is itself.
        ("SE-VP", None, "ACCESSDENIED", "SE-VP"),
        // A system is itself, whatever it says.
        ("SE-A", Some("SE-OTHER"), "OK", "SE-A"),
        ("SE-A", None, "OK", "SE-A"),
        ("SE-B", Some("SE-A"), "ACCESSDENIED", "SE-B"),
    ] {
        let program = pki.program(&format!("platforms = [\"SE-VP\"]\n{grant}")).await;
        let mut connected = Connected::to(&program, &pki, Some(&pki.system(system))).await.unwrap();
        let headers: Vec<(&str, &str)> = named.iter().map(|named| (CONSUMER, *named)).collect();
        let reply = connected.post(&headers, check()).await;
        assert_eq!(reply.code(), code, "{system} {named:?}");
        drop(connected);
        assert_eq!(caller_told(program).await, told, "{system} {named:?}");
    }
}

#[tokio::test]
async fn what_is_registered_belongs_to_who_is_known() {
    let pki = Pki::new("owner").await;
    let program = pki.program(&everything("SE-A")).await;
    let mut connected = Connected::to(&program, &pki, Some(&pki.system("SE-A"))).await.unwrap();
    let register = request("blocking/register_extended_block/valid");
    let reply = connected.post(&[(CONSUMER, "SE-OTHER")], register).await;
    assert_eq!(reply.code(), "OK");
    let owned = "select count(*) from blocks where owner_id = 'SE-A'";
    assert_eq!(pki.database.count(owned).await, 1);
}

#[tokio::test]
async fn a_platform_alone_grants_nothing() {
    let pki = Pki::new("platform-alone").await;
    let named = [(CONSUMER, "SE-A")];
    for (more, code) in [
        (String::new(), "ACCESSDENIED"),
        // A grant for calling with its own certificate.
        (everything("SE-A"), "ACCESSDENIED"),
        (everything("SE-A") + "via = [\"SE-VP2\"]\n", "ACCESSDENIED"),
        (everything("SE-A") + "via = [\"*\"]\n", "OK"),
        // The platform's own grant is its own.
        (everything("SE-VP"), "ACCESSDENIED"),
        ("trust_tak = [\"SE-VP\"]\n".to_owned(), "OK"),
    ] {
        let listed = "platforms = [\"SE-VP\", \"SE-VP2\"]\n";
        let program = pki.program(&format!("{listed}{more}")).await;
        let vp = pki.system("SE-VP");
        let mut connected = Connected::to(&program, &pki, Some(&vp)).await.unwrap();
        assert_eq!(connected.post(&named, check()).await.code(), code, "{more}");
    }
    // Of who is no platform a grant through it is none.
    let program = pki.program(&(everything("SE-A") + "via = [\"*\"]\n")).await;
    let mut connected = Connected::to(&program, &pki, Some(&pki.system("SE-VP"))).await.unwrap();
    assert_eq!(connected.post(&named, check()).await.code(), "ACCESSDENIED");
}

#[tokio::test]
async fn two_values_of_an_identity_header_are_refused() {
    let pki = Pki::new("two-values").await;
    let more = "platforms = [\"SE-VP\"]\n".to_owned() + &everything("SE-A") + "via = [\"*\"]\n";
    let program = pki.program(&more).await;
    let mut connected = Connected::to(&program, &pki, Some(&pki.system("SE-VP"))).await.unwrap();
    let long = "x".repeat(513);
    for headers in [
        &[(CONSUMER, "SE-A"), (CONSUMER, "SE-A")][..],
        &[(CONSUMER, "SE-A"), ("X-RIVTA-Original-ServiceConsumer-HSAid", "SE-B")],
        &[(CONSUMER, "SE A")],
        &[(CONSUMER, "SE-\u{e5}")],
        &[(CONSUMER, &long)],
        &[(CONSUMER, "SE-A"), ("x-rivta-acting-on-behalf-of-hsaid", &long[..65])],
    ] {
        let reply = connected.post(headers, check()).await;
        assert_eq!(reply.status, 400, "{headers:?}");
        assert!(reply.body.contains("<faultcode>soap:Client"), "{}", reply.body);
    }
    // A name that only looks like it is another header.
    let alike = [("x_rivta_original_serviceconsumer_hsaid", "SE-A")];
    assert_eq!(connected.post(&alike, check()).await.code(), "ACCESSDENIED");
}

#[tokio::test]
async fn a_correlation_id_forges_no_line() {
    let pki = Pki::new("correlation").await;
    let program = pki.program(&everything("SE-A")).await;
    let mut connected = Connected::to(&program, &pki, Some(&pki.system("SE-A"))).await.unwrap();
    let name = "x-skltp-correlation-id";
    for (id, is_kept) in [
        ("a-1_B.2", true),
        ("x\",\"result\":\"OK", false),
        ("two words", false),
        ("", false),
        (&"x".repeat(65), false),
    ] {
        let reply = connected.post(&[(name, id)], check()).await;
        let told = reply.headers[name].to_str().unwrap();
        assert_eq!(told == id, is_kept, "{id}");
        assert!(is_kept || uuid::Uuid::parse_str(told).is_ok(), "{told}");
    }
}

async fn plain(program: &Program, headers: &[(&str, &str)], xml: String) -> Reply {
    let mut request = Request::post(format!("{}/", program.caller.base()))
        .header("content-type", "text/xml; charset=UTF-8");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    program.caller.try_send(request.body(Full::new(xml.into())).unwrap()).await.unwrap()
}

#[tokio::test]
async fn plain_http_is_for_listed_peers() {
    let pki = Pki::new("plain").await;
    let program = pki.program(&everything("SE-A")).await;
    let reply = plain(&program, &[(CONSUMER, "SE-A")], check()).await;
    assert_eq!(reply.status, 403);
    assert!(reply.body.contains("<faultcode>soap:Client"), "{}", reply.body);
    let path = "/informationsecurity/authorization/blocking/CheckBlocks/4/rivtabp21?wsdl";
    for (path, status) in
        [("/live", 200), ("/ready", 200), ("/metrics", 403), ("/status", 403), (path, 403)]
    {
        assert_eq!(program.caller.get(path).await.status, status, "{path}");
    }
    // Who reads how the server is calls no contract, and no proxy stands there.
    let program =
        pki.program(&format!("operator_addresses = [\"127.0.0.1\"]\n{}", everything("SE-A"))).await;
    assert_eq!(program.caller.get("/metrics").await.status, 200);
    assert_eq!(plain(&program, &[(CONSUMER, "SE-A")], check()).await.status, 403);
    // A system may be an operator too.
    let program = pki.program("operators = [\"SE-MON\"]\n").await;
    let (monitor, other) = (pki.system("se-mon"), pki.system("SE-A"));
    let mut connected = Connected::to(&program, &pki, Some(&monitor)).await.unwrap();
    assert_eq!(connected.get("/metrics").await.status, 200);
    let mut connected = Connected::to(&program, &pki, Some(&other)).await.unwrap();
    assert_eq!(connected.get("/metrics").await.status, 404);
}

#[tokio::test]
async fn behind_a_proxy_on_the_same_machine_nobody_is_local() {
    let pki = Pki::new("behind").await;
    let folder = crate::program::Folder::new("behind-bench");
    let program = Program::on(&pki.database, &folder).await;
    let end = request("consent/end_consent_by_patient/valid");
    assert_eq!(plain(&program, &[], end.clone()).await.code(), "NOTFOUND");
    for header in [
        "X-Forwarded-For",
        "Forwarded",
        "Via",
        "X-Real-IP",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Port",
        "X-Forwarded-Tls-Client-Cert",
        "CF-Connecting-IP",
        "True-Client-IP",
    ] {
        let reply = plain(&program, &[(header, "198.51.100.1")], end.clone()).await;
        assert_eq!(reply.status, 403, "{header}");
        let metrics = Request::get(format!("{}/metrics", program.caller.base()));
        let reply = program.caller.send(metrics.header(header, "198.51.100.1")).await;
        assert_eq!(reply.status, 403, "{header}");
    }
}

/// The certificate alone, as base64 of its DER.
pub fn handed_over(identity: &Identity) -> String {
    let end = "-----END CERTIFICATE-----";
    let (first, _) = identity.certificate.split_once(end).unwrap();
    first.lines().filter(|line| !line.starts_with('-')).map(str::trim).collect()
}

const HEADER: &str = "x-forwarded-tls-client-cert";

#[tokio::test]
async fn a_certificate_header_is_verified_again() {
    let pki = Pki::new("handed-on").await;
    let listed = format!("certificate_header = \"{HEADER}\"\nplatforms = [\"SE-VP\"]\n");
    let grants = everything("SE-A") + "via = [\"*\"]\n";
    let over_http = format!("{listed}proxy_addresses = [\"127.0.0.1\"]\n{grants}");
    pki.write("crl/one.crl", &super::pki::list(&pki.systems, 2, (-2, 30), &[7]));
    let program = pki.program(&over_http).await;
    let (own, vp) = (handed_over(&pki.system("SE-A")), handed_over(&pki.system("SE-VP")));
    let of = |wanted| handed_over(&identity(&pki.systems, "SE-A", wanted));
    let stranger = handed_over(&identity(&authority("Systems"), "SE-A", Wanted::default()));
    let person = handed_over(&identity(&pki.people, "SE-A", Wanted::default()));
    let revoked = of(Wanted { serial: 7, ..Wanted::default() });
    let expired = of(Wanted { ends: -2, ..Wanted::default() });
    let root = STANDARD.encode(pki.systems.der());
    let chain = format!("{own},{root}");
    assert_eq!(plain(&program, &[(HEADER, &own)], check()).await.code(), "OK");
    assert_eq!(plain(&program, &[(HEADER, &chain)], check()).await.code(), "OK");
    assert_eq!(plain(&program, &[(HEADER, &vp), (CONSUMER, "SE-A")], check()).await.code(), "OK");
    for (what, headers, status) in [
        ("no header", &[][..], 403),
        ("a stranger's", &[(HEADER, &*stranger)], 403),
        ("a person's", &[(HEADER, &*person)], 403),
        ("revoked", &[(HEADER, &*revoked)], 403),
        ("expired", &[(HEADER, &*expired)], 403),
        ("the issuer's first", &[(HEADER, &*format!("{root},{own}"))], 403),
        ("twice", &[(HEADER, &*own), (HEADER, &*own)], 400),
        ("nonsense", &[(HEADER, "MII")], 400),
        ("PEM", &[(HEADER, "-----BEGIN CERTIFICATE----- x")], 400),
        // Of a proxy the header counts and nothing else.
        ("a name alone", &[(CONSUMER, "SE-A")], 403),
    ] {
        assert_eq!(plain(&program, headers, check()).await.status, status, "{what}");
    }
    // A system is no platform because a proxy hands it on.
    let other = handed_over(&pki.system("SE-B"));
    let reply = plain(&program, &[(HEADER, &other), (CONSUMER, "SE-A")], check()).await;
    assert_eq!(reply.code(), "ACCESSDENIED");
    // By its certificate, a proxy must be listed; others' header is nothing.
    let program = pki.program(&format!("{listed}proxies = [\"SE-LB\"]\n{grants}")).await;
    let mut proxy = Connected::to(&program, &pki, Some(&pki.system("SE-LB"))).await.unwrap();
    assert_eq!(proxy.post(&[(HEADER, &own)], check()).await.code(), "OK");
    assert_eq!(proxy.post(&[], check()).await.status, 403);
    let mut other = Connected::to(&program, &pki, Some(&pki.system("SE-B"))).await.unwrap();
    assert_eq!(other.post(&[(HEADER, &own)], check()).await.code(), "ACCESSDENIED");
    assert_eq!(plain(&program, &[(HEADER, &own)], check()).await.status, 403);
}

#[tokio::test]
async fn grants_follow_the_body() {
    let pki = Pki::new("body").await;
    let grant = "[[grant]]\nconsumer = \"SE-A\"\ncontracts = [\"blocking.check\"]\ntenant = \"default\"\n\
         care_providers = [\"*\"]\n";
    let program = pki.program(grant).await;
    let mut connected = Connected::to(&program, &pki, Some(&pki.system("SE-A"))).await.unwrap();
    let action =
        "urn:riv:informationsecurity:authorization:blocking:CheckBlocksResponder:4:CheckBlocks";
    assert_eq!(connected.post(&[], check()).await.code(), "OK");
    let register = request("blocking/register_extended_block/valid");
    let reply = connected.post(&[("soapaction", action)], register).await;
    assert_eq!(reply.code(), "ACCESSDENIED");
    assert_eq!(pki.database.count("select count(*) from blocks").await, 0);
}

#[tokio::test]
async fn hostile_ids_stay_text() {
    let pki = Pki::new("hostile").await;
    let hostile = "');drop table blocks;--&lt;/a&gt;${x}";
    let program = pki.program(&everything("SE-A")).await;
    let mut connected = Connected::to(&program, &pki, Some(&pki.system("SE-A"))).await.unwrap();
    let register = request("blocking/register_extended_block/valid");
    let register = with(&register, "blockId", hostile);
    let reply = connected.post(&[], register).await;
    assert_eq!(reply.code(), "OK", "{}", reply.body);
    let histories = request("blocking/get_extended_blocks_for_patient/valid");
    let reply = connected.post(&[], histories).await;
    assert!(reply.body.contains(hostile), "{}", reply.body);
    assert_eq!(pki.database.count("select count(*) from blocks").await, 1);
}
