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

use super::connection::{Peer, PeerSettings, PeerSettingsError};
use super::identity_token::checked_token;
pub use super::identity_token::{
    ClientProof, EmployeeClaims, IdentitySettings, LoggedIn, LoginRefused,
};
use crate::domain::time::Timestamp;
use openidconnect::core::{
    CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRsaPrivateSigningKey,
};
use openidconnect::{
    AsyncHttpClient, HttpRequest, HttpResponse, IssuerUrl, PkceCodeChallenge, PkceCodeVerifier,
    PrivateSigningKey,
};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How long what discovery said is used, and how soon it may be asked for again.
const KNOWN_FOR: Duration = Duration::from_mins(10);
const ASKED_AGAIN: Duration = Duration::from_mins(1);
/// The longest reply that is read.
const REPLY_BYTES_MAX: usize = 512 * 1024;

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
        // It has been held to our host; a port that goes without saying may stand there or not.
        let path = endpoint.url().path();
        let kind = "application/x-www-form-urlencoded";
        let (status, reply) = self.peer.send_form(path, kind, body, REPLY_BYTES_MAX).await?;
        if !status.is_success() {
            return Err(LoginRefused::Rule("O8", "the code is not taken"));
        }
        let reply: serde_json::Value =
            serde_json::from_slice(&reply).map_err(|_| LoginRefused::Unreachable)?;
        let text = |name: &str| reply.get(name).and_then(serde_json::Value::as_str);
        let token = text("id_token").ok_or(LoginRefused::Rule("O9", "there is no token"))?;
        let token = (token, nonce, text("access_token"));
        match checked_token(&self.settings, metadata.jwks(), token, now) {
            // The keys may have been changed meanwhile.
            Err(LoginRefused::Rule("O9", _)) => {
                let again = self.metadata(ASKED_AGAIN).await?;
                checked_token(&self.settings, again.jwks(), token, now)
            }
            done => done,
        }
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
