//! An ID token, and what it must be (O6, O9 to O12).

use super::connection::CallError;
use crate::domain::time::Timestamp;
use chrono::TimeDelta;
use openidconnect::core::{
    CoreGenderClaim, CoreJsonWebKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, ClientId, IdToken, IdTokenVerifier, IssuerUrl,
    Nonce,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use zeroize::Zeroizing;

/// How far the provider's clock may be from ours (O10).
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// How old a token may be.
const TOKEN_AGE: TimeDelta = TimeDelta::minutes(10);

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

/// A token that is as it must be (O6, O9 to O12).
///
/// # Errors
/// The rule that it breaks.
pub(super) fn checked_token(
    settings: &IdentitySettings,
    keys: &CoreJsonWebKeySet,
    (token, nonce, access_token): (&str, &str, Option<&str>),
    now: Timestamp,
) -> Result<LoggedIn, LoginRefused> {
    let broken = LoginRefused::Rule;
    let header = algorithm_of(token).ok_or(broken("O9", "the token cannot be read"))?;
    if !["RS256", "PS256", "ES256"].contains(&header.as_str()) {
        return Err(broken("O9", "the token's algorithm is not one of ours"));
    }
    let token = Token::from_str(token).map_err(|_| broken("O9", "the token cannot be read"))?;
    let issuer = IssuerUrl::new(settings.issuer.clone());
    let issuer = issuer.map_err(|_| broken("O1", "the issuer is no address"))?;
    let client = ClientId::new(settings.client_id.clone());
    let allowed = settings.acr.clone();
    let verifier: IdTokenVerifier<'_, CoreJsonWebKey> =
        IdTokenVerifier::new_public_client(client, issuer, keys.clone())
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
    let claims =
        token.claims(&verifier, &Nonce::new(nonce.to_owned())).map_err(|error| rule_of(&error))?;
    let issued = claims.issue_time();
    if issued > now + SKEW || issued < now - TOKEN_AGE {
        return Err(broken("O10", "the token is not of now"));
    }
    if claims.auth_time().is_some_and(|at| at > now + SKEW) {
        return Err(broken("O10", "the person has proved who it is in the future"));
    }
    if let (Some(hash), Some(access)) = (claims.access_token_hash(), access_token) {
        let (Ok(algorithm), Ok(key)) = (token.signing_alg(), token.signing_key(&verifier)) else {
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
