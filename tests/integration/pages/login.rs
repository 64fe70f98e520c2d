//! Login by OpenID Connect at a provider of ours, each rule broken once; by certificate; and as a test person.

use super::{BASE, BLOCKS, LOG, Pages, Reader, text};
use crate::harness::{NOON, Wishes};
use openidconnect::core::{CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use openssl::rsa::Rsa;
use serde_json::{Value, json};
use sigill::admin::PageMethod;
use sigill::config::admin::Admin;
use sigill::domain::identity::HsaId;
use sigill::domain::time::Timestamp;
use sigill::peers::identities::{ClientProof, Identities, IdentitySettings, as_text};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zeroize::Zeroizing;

const LOA3: &str = "http://id.sambi.se/loa/loa3";

/// What the provider of identities says next.
struct Says {
    issuer: String,
    discovered_issuer: String,
    token_endpoint: String,
    claims: Value,
    head: Value,
    signed: bool,
    other_key: bool,
    access_token: Option<String>,
    /// What it was sent last.
    sent: String,
}

/// A provider of identities: discovery, keys, and a token for every code.
struct Provider {
    says: Arc<Mutex<Says>>,
    issuer: String,
}

fn key(id: &str) -> CoreRsaPrivateSigningKey {
    let rsa = Rsa::generate(2048).unwrap();
    let pem = String::from_utf8(rsa.private_key_to_pem().unwrap()).unwrap();
    CoreRsaPrivateSigningKey::from_pem(&pem, Some(JsonWebKeyId::new(id.to_owned()))).unwrap()
}

fn token(says: &Says, own: &CoreRsaPrivateSigningKey, other: &CoreRsaPrivateSigningKey) -> String {
    let encode = |value: &Value| as_text(value.to_string().as_bytes());
    let signed = format!("{}.{}", encode(&says.head), encode(&says.claims));
    if !says.signed {
        return format!("{signed}.");
    }
    let key = if says.other_key { other } else { own };
    let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    format!("{signed}.{}", as_text(&key.sign(&algorithm, signed.as_bytes()).unwrap()))
}

/// A request, whole.
async fn read(stream: &mut TcpStream) -> String {
    let mut read = vec![0; 64 * 1024];
    let mut length = 0;
    // Heads and forms are small: what comes is whole, or the body comes next.
    loop {
        let more = stream.read(&mut read[length..]).await.unwrap_or(0);
        length += more;
        let text = String::from_utf8_lossy(&read[..length]).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let announced = head
            .lines()
            .find_map(|line| {
                line.to_lowercase().strip_prefix("content-length: ").map(|n| n.parse().unwrap_or(0))
            })
            .unwrap_or(0);
        if more == 0 || body.len() >= announced {
            break;
        }
    }
    String::from_utf8_lossy(&read[..length]).into_owned()
}

impl Provider {
    async fn start() -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/oidc", tcp.local_addr().unwrap());
        let says = Arc::new(Mutex::new(Says {
            issuer: issuer.clone(),
            discovered_issuer: issuer.clone(),
            token_endpoint: format!("{issuer}/token"),
            claims: Value::Null,
            head: json!({"alg": "RS256", "kid": "k1", "typ": "JWT"}),
            signed: true,
            other_key: false,
            access_token: None,
            sent: String::new(),
        }));
        let (own, other) = (key("k1"), key("k1"));
        let shared = Arc::clone(&says);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let text = read(&mut stream).await;
                let path = text.split(' ').nth(1).unwrap_or("").to_owned();
                let body = {
                    let mut says = shared.lock().unwrap();
                    let base = says.issuer.clone();
                    match path.as_str() {
                        "/oidc/.well-known/openid-configuration" => json!({
                            "issuer": says.discovered_issuer, "authorization_endpoint": format!("{base}/authorize"),
                            "token_endpoint": says.token_endpoint, "jwks_uri": format!("{base}/jwks.json"),
                            "response_types_supported": ["code"], "subject_types_supported": ["transient"],
                            "id_token_signing_alg_values_supported": ["RS256"],
                        })
                        .to_string(),
                        "/oidc/jwks.json" => {
                            let public = serde_json::to_value(own.as_verification_key()).unwrap();
                            json!({ "keys": [public] }).to_string()
                        }
                        _ => {
                            text.split("\r\n\r\n").nth(1).unwrap_or("").clone_into(&mut says.sent);
                            json!({"token_type": "Bearer", "access_token": says.access_token.clone().unwrap_or("a".into()),
                                "id_token": token(&says, &own, &other)})
                            .to_string()
                        }
                    }
                };
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            }
        });
        Self { says, issuer }
    }

    fn identities(&self, proof: ClientProof) -> Identities {
        Identities::new(IdentitySettings {
            issuer: self.issuer.clone(),
            client_id: "sigill".into(),
            proof,
            ca_file: None,
            acr: vec![LOA3.into()],
            timeout: Duration::from_secs(5),
            redirect: format!("{BASE}/logga-in/svar"),
        })
        .unwrap()
    }
}

fn secret() -> ClientProof {
    ClientProof::Secret(Zeroizing::new("hemligt".to_owned()))
}

fn now() -> i64 {
    NOON.parse::<Timestamp>().unwrap().timestamp()
}

/// A field of an address.
fn field(address: &str, name: &str) -> String {
    let (_, query) = address.split_once('?').unwrap();
    let found = form_urlencoded::parse(query.as_bytes()).find(|(own, _)| own == name);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// What a token should say.
fn claims(provider: &Provider, nonce: &str) -> Value {
    json!({
        "iss": provider.issuer, "sub": "transient", "aud": ["sigill"], "exp": now() + 300, "iat": now(), "auth_time": now(),
        "nonce": nonce, "acr": LOA3, "employeeHsaId": BLOCKS, "given_name": "Eva", "family_name": "Sand",
        "systemRole": [{"systemId": "BIF", "role": "Spärradministratör"}],
        "allCommissions": [{"commissionHsaId": "C1", "commissionName": "Spärrar", "commissionPurpose": "Administration",
            "healthCareUnitHsaId": "SE2321000016-U001", "healthCareUnitName": "Akuten",
            "healthCareProviderHsaId": "SE2321000016-V01", "healthCareProviderName": "Region Norrvik"}],
    })
}

/// Goes to the provider; returns the address that the reader is sent to.
async fn sent_away(reader: &mut Reader) -> String {
    let reply = reader.get("/logga-in/oidc?till=/patient").await;
    assert_eq!(reply.status, 303, "{}", text(&reply));
    reply.header("location").unwrap().to_owned()
}

async fn back(reader: &mut Reader, away: &str, more: &str) -> super::PageReply {
    let state = field(away, "state");
    reader.get(&format!("/logga-in/svar?code=abc&state={state}{more}")).await
}

async fn pages(provider: &Provider) -> Pages {
    let identities = provider.identities(secret());
    Pages::with(Wishes::default(), Admin::default(), Some(identities)).await
}

#[tokio::test]
async fn a_person_logs_in_by_openid_connect() {
    let provider = Provider::start().await;
    let pages = pages(&provider).await;
    let mut reader = pages.reader();
    let away = sent_away(&mut reader).await;
    assert!(away.starts_with(&format!("{}/authorize?", provider.issuer)));
    assert_eq!(field(&away, "redirect_uri"), format!("{BASE}/logga-in/svar"));
    assert_eq!(field(&away, "code_challenge_method"), "S256");
    assert!(field(&away, "claims").contains("employeeHsaId"));
    provider.says.lock().unwrap().claims = claims(&provider, &field(&away, "nonce"));
    let reply = back(&mut reader, &away, "").await;
    assert_eq!(
        (reply.status, reply.header("location")),
        (303, Some("/patient")),
        "{}",
        text(&reply)
    );
    let start = text(&reader.get("/").await);
    assert!(
        start.contains("Eva Sand") && start.contains("Spärr- och samtyckesadministratör"),
        "{start}"
    );
    let sent = provider.says.lock().unwrap().sent.clone();
    assert!(sent.contains("client_secret=hemligt") && sent.contains("code_verifier="), "{sent}");
}

#[tokio::test]
async fn a_key_proves_who_we_are() {
    let provider = Provider::start().await;
    let rsa = Rsa::generate(2048).unwrap();
    let pem = String::from_utf8(rsa.private_key_to_pem().unwrap()).unwrap();
    let identities = provider.identities(ClientProof::Key(Zeroizing::new(pem)));
    let pages = Pages::with(Wishes::default(), Admin::default(), Some(identities)).await;
    let mut reader = pages.reader();
    let away = sent_away(&mut reader).await;
    provider.says.lock().unwrap().claims = claims(&provider, &field(&away, "nonce"));
    assert_eq!(back(&mut reader, &away, "").await.status, 303);
    let sent = provider.says.lock().unwrap().sent.clone();
    assert!(sent.contains("jwt-bearer") && sent.contains("client_assertion=ey"), "{sent}");
}

/// One rule broken: by what the provider says.
type Break = fn(&mut Says);

#[tokio::test]
async fn foreign_codes_and_tokens_are_refused() {
    let provider = Provider::start().await;
    let pages = pages(&provider).await;
    let broken: [(&str, Break); 16] = [
        ("O6", |says| says.claims["nonce"] = "x".into()),
        ("O9", |says| says.other_key = true),
        ("O9", |says| says.head["kid"] = "other".into()),
        ("O10", |says| says.claims["iss"] = "https://evil.example".into()),
        ("O10", |says| says.claims["aud"] = json!(["other"])),
        ("O10", |says| says.claims["aud"] = json!(["sigill", "other"])),
        ("O10", |says| says.claims["exp"] = (now() - 61).into()),
        ("O10", |says| says.claims["iat"] = (now() + 61).into()),
        ("O10", |says| says.claims["iat"] = (now() - 3_600).into()),
        ("O10", |says| says.claims["auth_time"] = (now() + 61).into()),
        ("O10", |says| says.claims["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA".into()),
        ("O11", |says| says.claims["acr"] = "http://id.sambi.se/loa/loa2".into()),
        ("O11", |says| drop(says.claims.as_object_mut().unwrap().remove("acr"))),
        ("O12", |says| drop(says.claims.as_object_mut().unwrap().remove("employeeHsaId"))),
        ("O12", |says| says.claims["employeeHsaId"] = " ".into()),
        ("O10", |says| drop(says.claims.as_object_mut().unwrap().remove("exp"))),
    ];
    for (rule, breaks) in broken {
        let mut reader = pages.reader();
        let away = sent_away(&mut reader).await;
        {
            let mut says = provider.says.lock().unwrap();
            says.claims = claims(&provider, &field(&away, "nonce"));
            breaks(&mut says);
        }
        let reply = back(&mut reader, &away, "").await;
        {
            let mut says = provider.says.lock().unwrap();
            (says.other_key, says.head) =
                (false, json!({"alg": "RS256", "kid": "k1", "typ": "JWT"}));
        }
        let is_told = text(&reply).contains(&format!("({rule})")) || rule == "O10";
        assert!(reply.status == 403 && is_told, "{rule}: {} {}", reply.status, text(&reply));
        assert!(!reader.cookies.contains_key("sigill_dev"), "{rule}");
        assert_eq!(reader.get("/").await.status, 303, "{rule}");
    }
}

#[tokio::test]
async fn none_and_hs256_are_refused() {
    let provider = Provider::start().await;
    let pages = pages(&provider).await;
    for (algorithm, signed) in [("none", false), ("HS256", true), ("RS512", true), ("RS256", false)]
    {
        let mut reader = pages.reader();
        let away = sent_away(&mut reader).await;
        {
            let mut says = provider.says.lock().unwrap();
            says.claims = claims(&provider, &field(&away, "nonce"));
            (says.head, says.signed) = (json!({"alg": algorithm, "kid": "k1"}), signed);
        }
        let reply = back(&mut reader, &away, "").await;
        assert!(
            reply.status == 403 && text(&reply).contains("(O9)"),
            "{algorithm}: {}",
            text(&reply)
        );
    }
}

#[tokio::test]
async fn a_reply_counts_once_in_its_own_browser_and_of_its_own_issuer() {
    let provider = Provider::start().await;
    let pages = pages(&provider).await;
    let mut reader = pages.reader();
    let away = sent_away(&mut reader).await;
    provider.says.lock().unwrap().claims = claims(&provider, &field(&away, "nonce"));
    // Another browser.
    let mut other = pages.reader();
    assert!(text(&back(&mut other, &away, "").await).contains("(O4)"));
    // Another issuer.
    let mut mixed = pages.reader();
    let mixed_away = sent_away(&mut mixed).await;
    let reply = back(&mut mixed, &mixed_away, "&iss=https%3A%2F%2Fevil.example").await;
    assert!(text(&reply).contains("(O7)"));
    // Its own, once.
    let cookies = reader.cookies.clone();
    let own = form_urlencoded::byte_serialize(provider.issuer.as_bytes()).collect::<String>();
    assert_eq!(back(&mut reader, &away, &format!("&iss={own}")).await.status, 303);
    reader.cookies = cookies;
    assert!(text(&back(&mut reader, &away, "").await).contains("(O4)"));
    // Too late.
    let mut late = pages.reader();
    let away = sent_away(&mut late).await;
    pages.service.set_clock("2026-11-22T12:10:01Z");
    assert!(text(&back(&mut late, &away, "").await).contains("(O4)"));
    // Without a code.
    let mut none = pages.reader();
    let away = sent_away(&mut none).await;
    let reply = none
        .get(&format!("/logga-in/svar?error=access_denied&state={}", field(&away, "state")))
        .await;
    assert_eq!(reply.status, 403);
}

#[tokio::test]
async fn discovery_that_names_another_issuer_or_host_is_not_used() {
    for (rule, breaks) in [
        (
            "O2",
            (|says: &mut Says| says.discovered_issuer = "http://127.0.0.1:1/oidc".into()) as Break,
        ),
        ("O3", |says| says.token_endpoint = "http://127.0.0.1:1/token".into()),
    ] {
        let provider = Provider::start().await;
        let pages = pages(&provider).await;
        breaks(&mut provider.says.lock().unwrap());
        let mut reader = pages.reader();
        let reply = reader.get("/logga-in/oidc").await;
        if rule == "O2" {
            assert_eq!(reply.status, 403);
            continue;
        }
        let away = reply.header("location").unwrap().to_owned();
        provider.says.lock().unwrap().claims = claims(&provider, &field(&away, "nonce"));
        assert!(text(&back(&mut reader, &away, "").await).contains("(O3)"));
    }
}

#[tokio::test]
async fn a_certificate_logs_in_whom_the_directory_knows() {
    let pages = Pages::start().await;
    let mut reader = pages.reader();
    assert_eq!(reader.get("/logga-in/sjalv").await.status, 403, "no certificate");
    for (id, status) in [("SE2321000016-X999", 403), (BLOCKS, 303)] {
        let with_card = |method| {
            let mut request = reader.request(method, "/logga-in/sjalv", "");
            request.certificate = HsaId::new(id);
            request
        };
        let (look, press) = (with_card(PageMethod::Get), with_card(PageMethod::Post));
        assert_eq!(reader.send(look).await.status, 200, "looking logs nobody in");
        assert_eq!(reader.send(press).await.status, status, "{id}");
    }
    for (id, status) in [(Some(BLOCKS), 200), (Some(LOG), 303), (None, 303)] {
        let mut request = reader.request(PageMethod::Get, "/", "");
        request.certificate = id.and_then(HsaId::new);
        assert_eq!(reader.send(request).await.status, status, "the login is the card's: {id:?}");
    }
}

#[tokio::test]
async fn nobody_is_anybody_where_that_is_not_for_tests() {
    let mut pages = Pages::start().await;
    pages.site.test_login = false;
    let mut reader = pages.reader();
    assert!(!text(&reader.get("/logga-in").await).contains(BLOCKS));
    assert_eq!(reader.post("/logga-in", &[("employee", BLOCKS)]).await.status, 404);
}
