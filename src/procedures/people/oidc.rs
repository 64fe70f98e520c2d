//! Logging in at a provider of identities: there and back (O1 to O12), and which assignments the token offers.

use super::logins::{Offered, PendingLogin, ProvedPerson};
use super::on_duty::People;
use crate::domain::identity::HsaId;
pub use crate::peers::identities::LoginRefused;
use crate::peers::identities::{EmployeeClaims, LoggedIn, as_text};
use crate::procedures::failure::StoreError;
use serde_json::Value;

/// What comes back from the provider of identities.
#[derive(Debug, Clone)]
pub struct LoginReply {
    /// Which login it belongs to.
    pub state: String,
    /// What is exchanged for the token.
    pub code: String,
    /// Who says that it is the issuer.
    pub issuer: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// The cookie of the login that was begun.
    pub cookie: String,
}

/// Why nobody is logged in.
#[derive(Debug, thiserror::Error)]
pub enum NoLogin {
    /// A rule is broken, or the provider does not answer.
    #[error("{0}")]
    Refused(#[from] LoginRefused),
    /// The store's.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl NoLogin {
    /// Which rule, for who reports it.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.rule(),
            Self::Store(_) => "databasen",
        }
    }
}

impl People {
    /// The address that a reader is sent to, and the state that its cookie keeps.
    ///
    /// # Errors
    /// That the provider does not answer, or the store's.
    pub async fn begin_oidc(&self, return_to: &str) -> Result<(String, String), NoLogin> {
        let identities = self.identities.as_ref().ok_or(LoginRefused::Unreachable)?;
        let (state, nonce, verifier) =
            (as_text(&self.random()?), as_text(&self.random()?), as_text(&self.random()?));
        let address = identities.begin(&state, &nonce, &verifier).await?;
        let login = PendingLogin { nonce, verifier, return_to: return_to.to_owned() };
        self.send_login(&state, &login).await?;
        Ok((address, state))
    }

    /// Who has come back, and the page to go back to.
    ///
    /// # Errors
    /// Which rule is broken, or the store's.
    pub async fn finish_oidc(&self, back: LoginReply) -> Result<(ProvedPerson, String), NoLogin> {
        let identities = self.identities.as_ref().ok_or(LoginRefused::Unreachable)?;
        let broken = |rule, what| NoLogin::from(LoginRefused::Rule(rule, what));
        if back.state.is_empty() || back.state != back.cookie {
            return Err(broken("O4", "the reply is another browser's"));
        }
        let login = self.take_login(&back.state).await?;
        let login = login.ok_or_else(|| broken("O4", "the login is not known, or over"))?;
        identities.check_reply(back.issuer.as_deref())?;
        if back.error.is_some() || back.code.is_empty() {
            return Err(broken("O8", "there is no code"));
        }
        let token_id = as_text(&self.random()?);
        let asked = (login.nonce.as_str(), login.verifier.as_str());
        let told = (self.clock.now(), token_id.as_str());
        let found = identities.finish(&back.code, asked, told).await?;
        let proved = self.proved(&found).await?;
        let proved = proved.ok_or_else(|| broken("O12", "the token names no employee"))?;
        Ok((proved, login.return_to))
    }

    /// Who the token names; the directory is asked for assignments only where the token offers none.
    async fn proved(&self, found: &LoggedIn) -> Result<Option<ProvedPerson>, StoreError> {
        let claims = &found.claims;
        let Some(employee) = claims.employee_hsa_id.as_deref().and_then(HsaId::new) else {
            return Ok(None);
        };
        let mut offered = offered(claims);
        let known = match offered.is_empty() {
            true => self.of_any_directory(&employee, "oidc", &found.acr).await?,
            false => self.of_directory(&employee, "oidc", &found.acr).await?,
        };
        if let (true, Some(known)) = (offered.is_empty(), &known) {
            offered.clone_from(&known.offered);
        }
        let name = match found.name.is_empty() {
            false => found.name.clone(),
            true => known.as_ref().map_or(employee.as_str().to_owned(), |known| known.name.clone()),
        };
        let title = claims.title.clone().or_else(|| known.and_then(|known| known.title));
        let level = found.acr.clone();
        Ok(Some(ProvedPerson { employee, name, title, method: "oidc", level, offered }))
    }
}

/// A value that may be written as a text.
fn unfolded(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        value => value.clone(),
    }
}

/// System roles in any of the forms that are in use, as `system;role`.
fn system_roles(value: &Value) -> Vec<String> {
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    match unfolded(value) {
        Value::Array(all) => all.iter().flat_map(system_roles).collect(),
        Value::String(role) => vec![role],
        object @ Value::Object(_) => text(&object, "systemId")
            .zip(text(&object, "role"))
            .map(|(system, role)| format!("{system};{role}"))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// The assignments that a token offers: all of them, or the one that was chosen there.
fn offered(claims: &EmployeeClaims) -> Vec<Offered> {
    let roles = system_roles(&claims.system_role);
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let of_list = |value: &Value| -> Option<Offered> {
        let own = text(value, "employeeHsaId");
        let is_own = own.is_none_or(|own| {
            HsaId::new(&own) == claims.employee_hsa_id.as_deref().and_then(HsaId::new)
        });
        let (unit, provider) =
            (text(value, "healthCareUnitHsaId"), text(value, "healthCareProviderHsaId")?);
        let unit = unit.unwrap_or_else(|| provider.clone());
        is_own.then(|| Offered {
            id: text(value, "commissionHsaId"),
            name: text(value, "commissionName").unwrap_or_default(),
            purpose: text(value, "commissionPurpose").unwrap_or_default(),
            unit_name: text(value, "healthCareUnitName").unwrap_or_else(|| unit.clone()),
            unit,
            provider_name: text(value, "healthCareProviderName")
                .unwrap_or_else(|| provider.clone()),
            provider,
            system_roles: roles.clone(),
        })
    };
    if let Value::Array(all) = unfolded(&claims.all_commissions) {
        return all.iter().filter_map(of_list).collect();
    }
    let Some(provider) = claims.health_care_provider_hsa_id.clone() else { return Vec::new() };
    let unit = claims.health_care_unit_hsa_id.clone().unwrap_or_else(|| provider.clone());
    vec![Offered {
        id: claims.commission_hsa_id.clone(),
        name: claims.commission_name.clone().unwrap_or_default(),
        purpose: claims.commission_purpose.clone().unwrap_or_default(),
        unit_name: claims.health_care_unit_name.clone().unwrap_or_else(|| unit.clone()),
        unit,
        provider_name: claims.health_care_provider_name.clone().unwrap_or_else(|| provider.clone()),
        provider,
        system_roles: roles,
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn roles_and_assignments_are_read_in_every_form() {
        for roles in [
            json!(["BIF;Spärradministratör"]),
            json!("BIF;Spärradministratör"),
            json!([{"systemId": "BIF", "role": "Spärradministratör"}]),
            json!("[{\"systemId\":\"BIF\",\"role\":\"Spärradministratör\"}]"),
        ] {
            assert_eq!(system_roles(&roles), ["BIF;Spärradministratör"], "{roles}");
        }
        let commission = json!({"commissionHsaId": "C", "commissionName": "n", "commissionPurpose": "p",
            "healthCareUnitHsaId": "U", "healthCareProviderHsaId": "V"});
        for all in [json!([commission]), json!(json!([commission]).to_string())] {
            let claims = EmployeeClaims {
                employee_hsa_id: Some("P".into()),
                all_commissions: all,
                ..EmployeeClaims::default()
            };
            let offered = offered(&claims);
            assert_eq!((offered[0].unit.as_str(), offered[0].provider.as_str()), ("U", "V"));
        }
    }

    #[test]
    fn anothers_assignments_are_not_offered() {
        let all = json!([{"employeeHsaId": "Q", "healthCareProviderHsaId": "V"}]);
        let claims = EmployeeClaims {
            employee_hsa_id: Some("P".into()),
            all_commissions: all,
            ..EmployeeClaims::default()
        };
        assert!(offered(&claims).is_empty());
    }
}
