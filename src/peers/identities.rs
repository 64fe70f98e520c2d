//! A provider of identities (OpenID Connect), as a client: code flow with PKCE, and what an ID token must be.
//!
//! # Rules
//! - **O1** There is one issuer, compared as a text.
//! - **O2** The discovery document names the same issuer.
//! - **O3** Its endpoints are at the issuer's host, over https; on loopback, for tests, as the issuer's own address is.
//! - **O4** `state` has 256 random bits, is bound to a cookie of before the login, and counts once, for ten minutes.
//! - **O5** PKCE with S256.
//! - **O6** The token carries our `nonce`.
//! - **O7** `iss` of the reply, where it is sent, is the issuer.
//! - **O8** The address to come back to is exactly the one that was sent.
//! - **O9** The token is signed by RS256, PS256 or ES256 with a key of the issuer's set, which is read again at most once a
//!   minute; never `none`, never HS*.
//! - **O10** `iss`, `aud` (we, and nobody else unless `azp` is us), `exp`, `iat`, `auth_time` within 60 seconds of our clock, and
//!   `at_hash` where it stands.
//! - **O11** The level of assurance (`acr`) is one that suffices.
//! - **O12** It names an employee (`employeeHsaId`).

use super::connection::{CallError, Peer, PeerSettings, PeerSettingsError};
use crate::domain::time::Timestamp;
use chrono::TimeDelta;
use openidconnect::core::{
    CoreGenderClaim, CoreJsonWebKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRsaPrivateSigningKey,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AsyncHttpClient, ClientId, HttpRequest,
    HttpResponse, IdToken, IdTokenVerifier, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    PrivateSigningKey,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How far the provider's clock may be from ours (O10).
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// How old a token may be.
const TOKEN_AGE: TimeDelta = TimeDelta::minutes(10);
/// How long what discovery said is used, and how soon it may be asked for again.
const KNOWN_FOR: Duration = Duration::from_mins(10);
const ASKED_AGAIN: Duration = Duration::from_mins(1);
/// The longest reply that is read.
const REPLY_BYTES_MAX: usize = 512 * 1024;

/// Where people log in, and as whom we are known there.
#[derive(Debug, Clone)]
pub struct IdentitySettings {
    /// The provider.
    pub issuer: String,
    /// As whom.
    pub client_id: String,
    /// How we prove that.
    pub proof: ClientProof,
    /// Whom to trust (PEM).
    pub ca_file: Option<PathBuf>,
    /// Levels that suffice.
    pub acr: Vec<String>,
    /// How long a call may take.
    pub timeout: Duration,
    /// Where people come back to.
    pub redirect: String,
}

/// How we prove to the provider who we are.
#[derive(Clone)]
pub enum ClientProof {
    /// By a secret that both have.
    Secret(Zeroizing<String>),
    /// By our RSA key (PEM).
    Key(Zeroizing<String>),
}

impl std::fmt::Debug for ClientProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientProof(…)")
    }
}

/// Why nobody is logged in. It holds nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefused {
    /// The provider does not answer, or not as it should.
    #[error("the provider of identities does not answer")]
    Unreachable,
    /// A rule is broken.
    #[error("rule {0} is broken: {1}")]
    Rule(&'static str, &'static str),
}

impl LoginRefused {
    /// Which rule, for who reports it.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Unreachable => "ingen kontakt",
            Self::Rule(rule, _) => rule,
        }
    }
}

impl From<CallError> for LoginRefused {
    fn from(_: CallError) -> Self {
        Self::Unreachable
    }
}

/// What a token says of an employee, as the federation names it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EmployeeClaims {
    /// The employee.
    pub employee_hsa_id: Option<String>,
    /// The chosen assignment.
    pub commission_hsa_id: Option<String>,
    /// Its name.
    pub commission_name: Option<String>,
    /// Its purpose.
    pub commission_purpose: Option<String>,
    /// Its care provider.
    pub health_care_provider_hsa_id: Option<String>,
    /// The name of that.
    pub health_care_provider_name: Option<String>,
    /// Its unit.
    pub health_care_unit_hsa_id: Option<String>,
    /// The name of that.
    pub health_care_unit_name: Option<String>,
    /// All assignments: a list, or a list written as a text.
    pub all_commissions: serde_json::Value,
    /// System roles: texts, objects, or either written as a text.
    pub system_role: serde_json::Value,
    /// The name, where it stands so.
    pub given_name: Option<String>,
    /// The same.
    pub family_name: Option<String>,
    /// The title, where it stands.
    pub title: Option<String>,
    /// When the token was made, and the person proved who it is.
    pub iat: Option<i64>,
    /// The same.
    #[serde(rename = "auth_time")]
    pub auth_time: Option<i64>,
}

impl AdditionalClaims for EmployeeClaims {}

/// Who has logged in.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// What the token says.
    pub claims: EmployeeClaims,
    /// Given and family name.
    pub name: String,
    /// The level of assurance.
    pub acr: String,
}

type Token = IdToken<
    EmployeeClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// The provider of identities.
#[derive(Debug)]
pub struct Identities {
    settings: IdentitySettings,
    peer: Peer,
    origin: String,
    known: Mutex<Option<(Arc<CoreProviderMetadata>, Instant)>>,
}

/// What is asked for beside the standard claims.
const WANTED: [&str; 12] = [
    "employeeHsaId",
    "given_name",
    "family_name",
    "title",
    "systemRole",
    "allCommissions",
    "commissionHsaId",
    "commissionName",
    "commissionPurpose",
    "healthCareProviderHsaId",
    "healthCareUnitHsaId",
    "healthCareUnitName",
];

/// Scheme, host and port of an address.
fn origin_of(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split('/').next().filter(|host| !host.is_empty() && !host.contains('@'))?;
    Some(&address[..scheme.len() + 3 + host.len()])
}

/// The same without a port that goes without saying.
fn same_origin(one: &str, other: &str) -> bool {
    let plain = |origin: &str| match origin.strip_prefix("https://") {
        Some(rest) => format!("https://{}", rest.strip_suffix(":443").unwrap_or(rest)),
        None => origin.to_owned(),
    };
    plain(one).eq_ignore_ascii_case(&plain(other))
}

impl Identities {
    /// Prepares logins; asks nobody yet.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub fn new(settings: IdentitySettings) -> Result<Self, PeerSettingsError> {
        let origin = origin_of(&settings.issuer).ok_or_else(|| {
            PeerSettingsError::Address(settings.issuer.clone(), "is not an address")
        })?;
        let peer = Peer::new(&PeerSettings {
            base: origin.to_owned(),
            ca_file: settings.ca_file.clone(),
            identity: None,
            timeout: settings.timeout,
            consumer: None,
        })?;
        let origin = origin.to_owned();
        Ok(Self { settings, peer, origin, known: Mutex::default() })
    }

    /// The address that a reader is sent to, and the verifier to be kept.
    ///
    /// # Errors
    /// That the provider does not answer as it should.
    pub async fn begin(
        &self,
        state: &str,
        nonce: &str,
        verifier: &str,
    ) -> Result<String, LoginRefused> {
        let metadata = self.metadata(KNOWN_FOR).await?;
        let endpoint = metadata.authorization_endpoint().as_str();
        self.checked(endpoint)?;
        let verifier = PkceCodeVerifier::new(verifier.to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let wanted: serde_json::Map<String, serde_json::Value> =
            WANTED.iter().map(|claim| ((*claim).to_owned(), serde_json::Value::Null)).collect();
        let claims = serde_json::json!({ "id_token": wanted }).to_string();
        let acr = self.settings.acr.join(" ");
        let fields = [
            ("response_type", "code"),
            ("scope", "openid"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &self.settings.redirect),
            ("state", state),
            ("nonce", nonce),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("acr_values", &acr),
            ("claims", &claims),
        ];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let sign = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{sign}{query}"))
    }

    /// Whether the issuer that a reply names is the issuer (O7).
    ///
    /// # Errors
    /// That it is another.
    pub fn check_reply(&self, issuer: Option<&str>) -> Result<(), LoginRefused> {
        match issuer.is_none_or(|issuer| issuer == self.settings.issuer) {
            true => Ok(()),
            false => Err(LoginRefused::Rule("O7", "the reply names another issuer")),
        }
    }

    /// Exchanges a code, and checks the token that comes back.
    ///
    /// # Errors
    /// Which rule is broken.
    pub async fn finish(
        &self,
        code: &str,
        (nonce, verifier): (&str, &str),
        (now, token_id): (Timestamp, &str),
    ) -> Result<LoggedIn, LoginRefused> {
        let metadata = self.metadata(KNOWN_FOR).await?;
        let endpoint = metadata
            .token_endpoint()
            .ok_or(LoginRefused::Rule("O3", "there is no token endpoint"))?;
        self.checked(endpoint.as_str())?;
        let proof = self.proof(endpoint.as_str(), (now, token_id))?;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.settings.redirect),
            ("client_id", &self.settings.client_id),
            ("code_verifier", verifier),
        ];
        match &self.settings.proof {
            ClientProof::Secret(_) => fields.push(("client_secret", &proof)),
            ClientProof::Key(_) => fields.extend([
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", proof.as_str()),
            ]),
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let path = endpoint.as_str().strip_prefix(&self.origin);
        let path = path.ok_or(LoginRefused::Rule("O3", "an endpoint is elsewhere"))?;
        let kind = "application/x-www-form-urlencoded";
        let (status, reply) = self.peer.send_form(path, kind, body, REPLY_BYTES_MAX).await?;
        if !status.is_success() {
            return Err(LoginRefused::Rule("O8", "the code is not taken"));
        }
        let reply: serde_json::Value =
            serde_json::from_slice(&reply).map_err(|_| LoginRefused::Unreachable)?;
        let text = |name: &str| reply.get(name).and_then(serde_json::Value::as_str);
        let token = text("id_token").ok_or(LoginRefused::Rule("O9", "there is no token"))?;
        match self.checked_token(&metadata, token, nonce, text("access_token"), now) {
            // The keys may have been changed meanwhile.
            Err(LoginRefused::Rule("O9", _)) => {
                let again = self.metadata(ASKED_AGAIN).await?;
                self.checked_token(&again, token, nonce, text("access_token"), now)
            }
            done => done,
        }
    }

    /// A token that is as it must be (O6, O9 to O12).
    fn checked_token(
        &self,
        metadata: &CoreProviderMetadata,
        token: &str,
        nonce: &str,
        access_token: Option<&str>,
        now: Timestamp,
    ) -> Result<LoggedIn, LoginRefused> {
        let broken = LoginRefused::Rule;
        let header = algorithm_of(token).ok_or(broken("O9", "the token cannot be read"))?;
        if !["RS256", "PS256", "ES256"].contains(&header.as_str()) {
            return Err(broken("O9", "the token's algorithm is not one of ours"));
        }
        let token = Token::from_str(token).map_err(|_| broken("O9", "the token cannot be read"))?;
        let issuer = IssuerUrl::new(self.settings.issuer.clone());
        let issuer = issuer.map_err(|_| broken("O1", "the issuer is no address"))?;
        let client = ClientId::new(self.settings.client_id.clone());
        let keys: CoreJsonWebKeySet = metadata.jwks().clone();
        let allowed = self.settings.acr.clone();
        let verifier: IdTokenVerifier<'_, CoreJsonWebKey> =
            IdTokenVerifier::new_public_client(client, issuer, keys)
                .set_allowed_algs([
                    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
                    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
                    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
                ])
                .set_time_fn(move || now - SKEW)
                .set_issue_time_verifier_fn(|_| Ok(()))
                .set_other_audience_verifier_fn(|_| false)
                .set_auth_context_verifier_fn(move |acr| {
                    let suffices = acr.is_some_and(|acr| allowed.iter().any(|own| *own == **acr));
                    if suffices { Ok(()) } else { Err("acr".to_owned()) }
                });
        let claims = token
            .claims(&verifier, &Nonce::new(nonce.to_owned()))
            .map_err(|error| rule_of(&error))?;
        let issued = claims.issue_time();
        if issued > now + SKEW || issued < now - TOKEN_AGE {
            return Err(broken("O10", "the token is not of now"));
        }
        if claims.auth_time().is_some_and(|at| at > now + SKEW) {
            return Err(broken("O10", "the person has proved who it is in the future"));
        }
        if let (Some(hash), Some(access)) = (claims.access_token_hash(), access_token) {
            let (Ok(algorithm), Ok(key)) = (token.signing_alg(), token.signing_key(&verifier))
            else {
                return Err(broken("O9", "no key"));
            };
            let access = AccessToken::new(access.to_owned());
            let own = AccessTokenHash::from_token(&access, algorithm, key);
            if own.ok().as_ref() != Some(hash) {
                return Err(broken("O10", "at_hash is another token's"));
            }
        }
        let more = claims.additional_claims().clone();
        if more.employee_hsa_id.as_deref().is_none_or(|id| id.trim().is_empty()) {
            return Err(broken("O12", "the token names no employee"));
        }
        let first = |name: Option<&str>| name.unwrap_or_default().to_owned();
        let given = claims.given_name().and_then(|n| n.get(None)).map(|n| n.as_str());
        let family = claims.family_name().and_then(|n| n.get(None)).map(|n| n.as_str());
        let name = format!("{} {}", first(given), first(family)).trim().to_owned();
        let acr = claims.auth_context_ref().map(|acr| (**acr).clone()).unwrap_or_default();
        Ok(LoggedIn { claims: more, name, acr })
    }

    /// What discovery says, not older than `age`.
    async fn metadata(&self, age: Duration) -> Result<Arc<CoreProviderMetadata>, LoginRefused> {
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, at)) = &*lock()
            && at.elapsed() < age
        {
            return Ok(Arc::clone(known));
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone())
            .map_err(|_| LoginRefused::Rule("O1", "the issuer is no address"))?;
        let found = CoreProviderMetadata::discover_async(issuer, self).await;
        let found = found.map_err(|error| match error {
            openidconnect::DiscoveryError::Validation(_) => {
                LoginRefused::Rule("O2", "the discovery document names another issuer")
            }
            _ => LoginRefused::Unreachable,
        })?;
        let found = Arc::new(found);
        *lock() = Some((Arc::clone(&found), Instant::now()));
        Ok(found)
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, LoginRefused> {
        let address = request.uri().to_string();
        self.checked(&address)?;
        let path = address.strip_prefix(&self.origin).unwrap_or(request.uri().path()).to_owned();
        let (status, body) = self.peer.get(&path, REPLY_BYTES_MAX).await?;
        let mut reply = HttpResponse::new(body.to_vec());
        *reply.status_mut() = status;
        Ok(reply)
    }

    /// Whether an endpoint is where it may be (O3).
    fn checked(&self, endpoint: &str) -> Result<(), LoginRefused> {
        let is_there = origin_of(endpoint).is_some_and(|own| same_origin(own, &self.origin));
        match is_there {
            true => Ok(()),
            false => Err(LoginRefused::Rule("O3", "an endpoint is elsewhere")),
        }
    }

    /// What proves who we are.
    fn proof(
        &self,
        audience: &str,
        (now, token_id): (Timestamp, &str),
    ) -> Result<Zeroizing<String>, LoginRefused> {
        let pem = match &self.settings.proof {
            ClientProof::Secret(secret) => return Ok(secret.clone()),
            ClientProof::Key(pem) => pem,
        };
        let unusable = |_| LoginRefused::Rule("O8", "our key cannot be used");
        let key = CoreRsaPrivateSigningKey::from_pem(pem, None).map_err(unusable)?;
        let claims = serde_json::json!({
            "iss": self.settings.client_id, "sub": self.settings.client_id, "aud": audience,
            "jti": token_id, "iat": now.timestamp(), "exp": now.timestamp() + 60,
        });
        let encode = |text: &str| base64url(text.as_bytes());
        let signed = format!(
            "{}.{}",
            encode("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"),
            encode(&claims.to_string())
        );
        let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
        let signature = key
            .sign(&algorithm, signed.as_bytes())
            .map_err(|_| LoginRefused::Rule("O8", "our key cannot be used"))?;
        Ok(Zeroizing::new(format!("{signed}.{}", base64url(&signature))))
    }
}

impl<'c> AsyncHttpClient<'c> for Identities {
    type Error = LoginRefused;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, LoginRefused>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

/// Which rule the library says is broken.
fn rule_of(error: &openidconnect::ClaimsVerificationError) -> LoginRefused {
    use openidconnect::ClaimsVerificationError as Broken;
    let (rule, what) = match error {
        Broken::SignatureVerification(_) | Broken::Unsupported(_) => {
            ("O9", "the signature does not verify")
        }
        Broken::InvalidNonce(_) => ("O6", "the nonce is another login's"),
        Broken::InvalidAuthContext(_) => ("O11", "the level of assurance does not suffice"),
        Broken::InvalidIssuer(_) => ("O10", "the token is another issuer's"),
        Broken::InvalidAudience(_) => ("O10", "the token is for somebody else"),
        _ => ("O10", "the token is not in force"),
    };
    LoginRefused::Rule(rule, what)
}

/// The algorithm that a token's head names.
fn algorithm_of(token: &str) -> Option<String> {
    use base64::Engine;
    let head = token.split('.').next()?;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let head: serde_json::Value = serde_json::from_slice(&engine.decode(head).ok()?).ok()?;
    head.get("alg")?.as_str().map(str::to_owned)
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Random bits as a text that stands in an address.
pub fn as_text(bytes: &[u8]) -> String {
    base64url(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o3_origins_are_compared_with_their_port() {
        assert!(same_origin("https://idp.example", "https://IDP.example:443"));
        assert!(!same_origin("https://idp.example", "http://idp.example"));
        assert!(!same_origin("https://idp.example", "https://idp.example:444"));
        assert_eq!(origin_of("https://a.example/x/y"), Some("https://a.example"));
        assert_eq!(origin_of("https://b@a.example/x"), None);
    }
}
