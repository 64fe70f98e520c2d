//! The listener with certificates: who is let in, and who is not.

use super::pki::{
    Connected, ExtendedKeyUsagePurposes, Pki, Wanted, authority, client, everything, identity,
    list, shake, tls_address,
};
use crate::harness::request;
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion};
use rustls::HandshakeKind;
use std::process::Command;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn ping() -> String {
    request("monitoring/ping_for_configuration/valid")
}

/// Whether a call gets as far as an answer.
async fn is_let_in(connected: Result<Connected, String>) -> bool {
    let Ok(mut connected) = connected else { return false };
    // Of TLS 1.3 the client has done its part before the server has looked at its certificate.
    connected.try_post(&[], ping()).await.is_ok()
}

#[tokio::test]
async fn without_a_trusted_certificate_there_is_no_http() {
    let pki = Pki::new("no-http").await;
    let program = pki.program(&everything("SE-A")).await;
    let known = pki.system("SE-A");
    assert!(is_let_in(Connected::to(&program, &pki, Some(&known)).await).await);
    let stranger = identity(&authority("Systems"), "SE-A", Wanted::default());
    let of = |wanted| identity(&pki.systems, "SE-A", wanted);
    let expired = of(Wanted { ends: -2, ..Wanted::default() });
    let server = of(Wanted { usage: Some(ExtendedKeyUsagePurposes::Server), ..Wanted::default() });
    for (what, identity) in [
        ("none", None),
        ("of an issuer with the same name", Some(&stranger)),
        ("expired", Some(&expired)),
        ("a server's", Some(&server)),
        ("without an id", Some(&identity(&pki.systems, "", Wanted::default()))),
        ("with an id of two words", Some(&identity(&pki.systems, "SE A", Wanted::default()))),
    ] {
        assert!(!is_let_in(Connected::to(&program, &pki, identity).await).await, "{what}");
    }
    let client_only =
        of(Wanted { usage: Some(ExtendedKeyUsagePurposes::Client), ..Wanted::default() });
    assert!(is_let_in(Connected::to(&program, &pki, Some(&client_only)).await).await);
}

#[tokio::test]
async fn a_persons_card_is_no_system() {
    let pki = Pki::new("person").await;
    let program = pki.program(&everything("191212121212")).await;
    let card = identity(&pki.people, "191212121212", Wanted::default());
    assert!(!is_let_in(Connected::to(&program, &pki, Some(&card)).await).await);
}

#[tokio::test]
async fn tls_below_1_2_is_refused() {
    let pki = Pki::new("old-tls").await;
    let program = pki.program(&everything("SE-A")).await;
    let (address, known) = (tls_address(&program), pki.system("SE-A"));
    let connect = |version: SslVersion| {
        let (address, known) = (address.clone(), known.clone());
        let connected = tokio::task::spawn_blocking(move || {
            let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
            builder.set_verify(SslVerifyMode::NONE);
            // What this machine's settings forbid must not be what refuses it.
            builder.set_security_level(0);
            builder.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
            builder.set_min_proto_version(Some(version)).unwrap();
            builder.set_max_proto_version(Some(version)).unwrap();
            let certificate = openssl::x509::X509::from_pem(known.certificate.as_bytes()).unwrap();
            let key = openssl::pkey::PKey::private_key_from_pem(known.key.as_bytes()).unwrap();
            builder.set_certificate(&certificate).unwrap();
            builder.set_private_key(&key).unwrap();
            let tcp = std::net::TcpStream::connect(address).unwrap();
            builder.build().connect("localhost", tcp).is_ok()
        });
        async move { connected.await.unwrap() }
    };
    assert!(connect(SslVersion::TLS1_3).await);
    assert!(connect(SslVersion::TLS1_2).await);
    assert!(!connect(SslVersion::TLS1_1).await);
    assert!(!connect(SslVersion::TLS1).await);
}

#[tokio::test]
async fn sessions_are_not_resumed() {
    let pki = Pki::new("resumed").await;
    let program = pki.program(&everything("SE-A")).await;
    // One configuration has one memory of sessions.
    let client = client(&pki.systems, Some(&pki.system("SE-A")));
    for _ in 0..3 {
        let mut stream = shake(&tls_address(&program), client.clone()).await.unwrap();
        // What the server might send to resume by comes before its answer.
        stream.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = [0; 64];
        assert!(stream.read(&mut answer).await.unwrap() > 0);
        assert!(answer.starts_with(b"HTTP/1.1 200"));
        let kind = stream.get_ref().1.handshake_kind();
        assert_eq!(kind, Some(HandshakeKind::Full));
    }
}

#[tokio::test]
async fn only_http_1_1_is_spoken() {
    let pki = Pki::new("alpn").await;
    let program = pki.program(&everything("SE-A")).await;
    for (protocols, spoken) in [(&["h2"][..], false), (&["h2", "http/1.1"], true), (&[], true)] {
        let mut client = client(&pki.systems, Some(&pki.system("SE-A")));
        client.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
        let connected = Connected::with(&tls_address(&program), client).await;
        assert_eq!(is_let_in(connected).await, spoken, "{protocols:?}");
    }
}

#[tokio::test]
async fn the_newest_signed_crl_counts() {
    let pki = Pki::new("newest").await;
    let revoked = identity(&pki.systems, "SE-A", Wanted { serial: 7, ..Wanted::default() });
    let other = pki.system("SE-A");
    let foreign = authority("Systems");
    // Whatever stands first in the folder: the newer one revokes, the older one and foreign ones do not count.
    for (older, newer) in [("a.crl", "b.crl"), ("b.crl", "a.crl")] {
        pki.write(&format!("crl/{older}"), &list(&pki.systems, 4, (-3, 30), &[]));
        pki.write(&format!("crl/{newer}"), &list(&pki.systems, 5, (-2, 30), &[7]));
        pki.write("crl/0-foreign.crl", &list(&foreign, 9, (-1, 30), &[100]));
        pki.write("crl/9-future.crl", &list(&pki.systems, 10, (2, 30), &[100]));
        pki.write("crl/broken.crl", "no list");
        let program = pki.program(&everything("SE-A")).await;
        assert!(!is_let_in(Connected::to(&program, &pki, Some(&revoked)).await).await);
        assert!(is_let_in(Connected::to(&program, &pki, Some(&other)).await).await);
        let passed_over = program.start.iter().filter(|line| line.contains("passed over"));
        assert_eq!(passed_over.count(), 3, "{:?}", program.start);
    }
}

#[tokio::test]
async fn an_expired_crl_refuses_after_grace() {
    let pki = Pki::new("grace").await;
    let known = pki.system("SE-A");
    for (until, more, let_in) in [
        (0, "", true),
        (-3, "", false),
        (-3, "crl_grace_hours = 720\n", true),
        (-3, "crl_expired = \"alarm\"\n", true),
    ] {
        pki.write("crl/one.crl", &list(&pki.systems, 2, (-5, until), &[]));
        let program = pki.program(&format!("{more}{}", everything("SE-A"))).await;
        let connected = Connected::to(&program, &pki, Some(&known)).await;
        assert_eq!(is_let_in(connected).await, let_in, "{until} {more}");
    }
}

#[tokio::test]
async fn what_cannot_be_trusted_is_not_started_with() {
    let pki = Pki::new("not-started").await;
    let refused = |more: &str| {
        let arguments = ["serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--config"];
        let file = pki.settings(more);
        let told = Command::new(env!("CARGO_BIN_EXE_sigill")).args(arguments).arg(&file).output();
        let told = told.unwrap();
        assert!(!told.status.success());
        let checked =
            Command::new(env!("CARGO_BIN_EXE_sigill")).args(["check-config", &file]).output();
        assert!(!checked.unwrap().status.success());
        String::from_utf8(told.stderr).unwrap()
    };
    pki.write("crl/one.crl", "nothing");
    let said = refused("");
    assert!(said.contains("no list of revoked certificates of CN=Systems"), "{said}");
    pki.write("crl/one.crl", &list(&pki.systems, 2, (-5, 30), &[]));
    pki.write("server.key", &pki.system("SE-OTHER").key);
    assert!(refused("").contains("certificate"));
    let server = pki.system("SE-SERVER");
    pki.server(&server);
    std::fs::set_permissions(
        pki.path("server.key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    assert!(refused("").contains("chmod 600"));
    pki.server(&server);
    // Issuers of tests beside others, in a profile that is not for tests.
    let test = authority("TEST SITHS e-id Function CA v1");
    pki.write("function-ca.pem", &(pki.systems.pem() + &test.pem()));
    pki.write("crl/two.crl", &list(&test, 2, (-5, 30), &[]));
    let production = pki.settings("").clone();
    let text = std::fs::read_to_string(&production).unwrap();
    std::fs::write(&production, text.replace("\"test\"", "\"production\"")).unwrap();
    let told =
        Command::new(env!("CARGO_BIN_EXE_sigill")).args(["check-config", &production]).output();
    let said = String::from_utf8(told.unwrap().stderr).unwrap();
    assert!(said.contains("issuers of tests and others"), "{said}");
}

#[tokio::test]
async fn keys_may_be_in_one_pkcs12_file() {
    let pki = Pki::new("pkcs12").await;
    let server = pki.system("SE-SERVER");
    let key = openssl::pkey::PKey::private_key_from_pem(server.key.as_bytes()).unwrap();
    let own = openssl::x509::X509::from_pem(server.certificate.as_bytes()).unwrap();
    let file = openssl::pkcs12::Pkcs12::builder().pkey(&key).cert(&own).build2("hemligt").unwrap();
    std::fs::write(pki.path("server.p12"), file.to_der().unwrap()).unwrap();
    std::fs::set_permissions(
        pki.path("server.p12"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    pki.write("password", "hemligt\n");
    let settings = pki.settings(&everything("SE-A"));
    let text = std::fs::read_to_string(&settings).unwrap();
    let folder = pki.folder.path().display();
    let other: String = text
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some(("certificate_file", _)) => format!("pkcs12_file = \"{folder}/server.p12\"\n"),
            Some(("key_file", _)) if line.contains("server.key") => {
                format!("pkcs12_password_file = \"{folder}/password\"\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    std::fs::write(&settings, other).unwrap();
    let arguments = ["--https", "127.0.0.1:0", "--config", &settings];
    let program = crate::program::Program::start(&arguments).await;
    let known = pki.system("SE-A");
    assert!(is_let_in(Connected::to(&program, &pki, Some(&known)).await).await);
}

#[tokio::test]
async fn a_connection_ends_with_an_answer_after_its_time() {
    let pki = Pki::new("age").await;
    let more = format!("{}[limits]\nconnection_age_seconds = 1\n", everything("SE-A"));
    let program = pki.program(&more).await;
    let known = pki.system("SE-A");
    let mut connected = Connected::to(&program, &pki, Some(&known)).await.unwrap();
    let (begun, mut calls) = (tokio::time::Instant::now(), 0);
    loop {
        let reply = connected.post(&[], ping()).await;
        assert_eq!(reply.status, 200);
        calls += 1;
        if reply.headers.get("connection").is_some_and(|value| value == "close") {
            break;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    }
    assert!(calls > 1 && begun.elapsed() >= std::time::Duration::from_secs(1), "{calls}");
    assert!(connected.try_post(&[], ping()).await.is_err());
}
