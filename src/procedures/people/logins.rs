//! Logging in to the pages, choosing an assignment, and logging out.
//!
//! A login is known by 256 random bits in its cookie, of which the store has the hash; it gets new ones when an
//! assignment is chosen, because that gives rights.

use super::on_duty::{OnDuty, People, Person};
use crate::domain::identity::HsaId;
use crate::domain::people::roles::{Assignment, Role, roles, with_plan};
use crate::domain::text::is_writable;
use crate::fairness::address::Address;
use crate::procedures::failure::StoreError;
use crate::procedures::tenants::Tenant;
use crate::store::people::directory::DirectoryEmployee;
pub use crate::store::people::sessions::PendingLogin;
use crate::store::people::sessions::{NewSession, StoredSession};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How long a login may take at a provider of identities (O4).
const LOGIN_TIME: TimeDelta = TimeDelta::minutes(10);
/// Assignments that one may choose among.
const OFFERED_MAX: usize = 100;
/// How exactly it is kept when a login was last used: not every page writes.
const SEEN_EXACTLY: TimeDelta = TimeDelta::seconds(30);

/// An assignment that somebody may choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its purpose.
    pub purpose: String,
    /// The care unit and ...
    pub unit: String,
    /// ... its name.
    pub unit_name: String,
    /// The care provider and ...
    pub provider: String,
    /// ... its name.
    pub provider_name: String,
    /// The person's system roles.
    pub system_roles: Vec<String>,
}

/// Who has proved who it is.
#[derive(Debug, Clone)]
pub struct ProvedPerson {
    /// HSA-id.
    pub employee: HsaId,
    /// Name.
    pub name: String,
    /// Title.
    pub title: Option<String>,
    /// How: `oidc`, `certificate`, `test`.
    pub method: &'static str,
    /// Level of assurance.
    pub level: String,
    /// What may be chosen.
    pub offered: Vec<Offered>,
}

/// A token of a cookie, and its hash.
pub fn hash(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

impl Offered {
    /// As the rest of the house knows it.
    fn assignment(&self) -> Option<Assignment> {
        let writable = |text: &str| text.chars().filter(|c| is_writable(*c)).collect::<String>();
        Some(Assignment {
            id: self.id.as_deref().and_then(HsaId::new),
            name: writable(&self.name),
            purpose: self.purpose.clone(),
            unit: HsaId::new(&self.unit)?,
            unit_name: writable(&self.unit_name),
            provider: HsaId::new(&self.provider)?,
            provider_name: writable(&self.provider_name),
        })
    }
}

impl People {
    /// Begins a login; returns the token of its cookie.
    ///
    /// # Errors
    /// The store's.
    pub async fn log_in(&self, person: &ProvedPerson) -> Result<[u8; 32], StoreError> {
        let (token, form_token, now) = (self.random()?, self.random()?, self.clock.now());
        // Names go into log records, and so to contracts.
        let writable = |text: &str| text.chars().filter(|c| is_writable(*c)).collect::<String>();
        let (name, title) = (writable(&person.name), person.title.as_deref().map(writable));
        let offered = person.offered.iter().take(OFFERED_MAX).collect::<Vec<_>>();
        let offered = serde_json::to_string(&offered).unwrap_or_else(|_| "[]".to_owned());
        let new = NewSession {
            token_hash: hash(&token),
            form_token,
            employee: &person.employee,
            name: &name,
            title: title.as_deref(),
            method: person.method,
            level: &person.level,
            offered: &offered,
            now,
            ends_at: now + self.times.longest,
        };
        self.services.store.begin_session(&new).await?;
        self.event(None, &person.employee, ("login", person.method, &person.level)).await?;
        Ok(token)
    }

    /// The login of a token, if it has not ended (SE1).
    ///
    /// # Errors
    /// The store's.
    pub async fn person(
        &self,
        token: &[u8],
        address: Address,
    ) -> Result<Option<Person>, StoreError> {
        let store = &self.services.store;
        let (Some(session), now) = (store.session(&hash(token)).await?, self.clock.now()) else {
            return Ok(None);
        };
        if now >= self.times.ends(session.seen_at, session.ends_at) {
            store.end_session(session.number).await?;
            return Ok(None);
        }
        if now - session.seen_at > SEEN_EXACTLY {
            store.session_seen(session.number, now).await?;
        }
        let tenant = session.tenant.and_then(|id| self.services.tenants.named(id.0)).cloned();
        Ok(Some(Person { session, tenant, address }))
    }

    /// What a login may choose among.
    pub fn offered(&self, session: &StoredSession) -> Vec<Offered> {
        serde_json::from_str(&session.offered).unwrap_or_default()
    }

    /// The roles that an offered assignment gives (PR1).
    pub fn roles_by(&self, session: &StoredSession, offered: &Offered) -> Vec<Role> {
        let assignment = offered.assignment();
        let given = |assignment: &Assignment| {
            roles(&self.rules, &session.employee, &offered.system_roles, assignment)
        };
        assignment.as_ref().map(given).unwrap_or_default().into_iter().collect()
    }

    /// Chooses one of the offered assignments; returns the login's new token, or `None` if there is none such.
    ///
    /// # Errors
    /// The store's.
    pub async fn choose(
        &self,
        session: &StoredSession,
        which: usize,
    ) -> Result<Option<[u8; 32]>, StoreError> {
        let offered = self.offered(session);
        let Some(offered) = offered.get(which) else { return Ok(None) };
        let Some(assignment) = offered.assignment() else { return Ok(None) };
        let Some(tenant) = self.services.tenants.holding(&assignment.provider) else {
            return Ok(None);
        };
        let given = roles(&self.rules, &session.employee, &offered.system_roles, &assignment);
        let store = &self.services.store;
        let (provider, own) = (&assignment.provider, &session.employee);
        let given = with_plan(given, store.is_named_by_plan(tenant.id, provider, own).await?);
        let (token, form_token) = (self.random()?, self.random()?);
        let chosen = (tenant.id, &assignment, &given);
        let tokens = (&hash(&token), &form_token);
        self.services.store.choose_assignment(session, chosen, tokens).await?;
        let names: Vec<&str> = given.iter().map(|role| role.name()).collect();
        let detail = names.join(" ");
        let about = ("assignment", assignment.unit.as_str(), detail.as_str());
        self.did(&OnDuty::chosen(session, &assignment, tenant), about).await?;
        Ok(Some(token))
    }

    /// Ends a login.
    ///
    /// # Errors
    /// The store's.
    pub async fn log_out(&self, person: &Person) -> Result<(), StoreError> {
        self.services.store.end_session(person.session.number).await?;
        let about = ("logout", "", "");
        match person.on_duty() {
            Some(on_duty) => self.did(&on_duty, about).await,
            None => self.event(None, &person.session.employee, about).await,
        }
    }

    /// Keeps that a login was refused, and by which rule; who it was is not known.
    ///
    /// # Errors
    /// The store's.
    pub async fn login_refused(&self, rule: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.services.store.keep_event(None, None, ("refused login", "", rule), now).await
    }

    /// Keeps what a person did with the service itself.
    ///
    /// # Errors
    /// The store's.
    pub async fn event(
        &self,
        tenant: Option<&Tenant>,
        employee: &HsaId,
        (kind, object, detail): (&str, &str, &str),
    ) -> Result<(), StoreError> {
        let (tenant, now) = (tenant.map(|tenant| tenant.id), self.clock.now());
        self.services.store.keep_event(tenant, Some(employee), (kind, object, detail), now).await
    }

    /// Keeps a login that is sent to a provider of identities.
    ///
    /// # Errors
    /// The store's.
    pub async fn send_login(&self, state: &str, login: &PendingLogin) -> Result<(), StoreError> {
        let now = self.clock.now();
        let times = (now, now - LOGIN_TIME);
        self.services.store.send_login(&hash(state.as_bytes()), login, times).await
    }

    /// Takes up a login that comes back: once, and within ten minutes.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_login(&self, state: &str) -> Result<Option<PendingLogin>, StoreError> {
        let oldest = self.clock.now() - LOGIN_TIME;
        self.services.store.take_login(&hash(state.as_bytes()), oldest).await
    }

    /// Who has proved who it is and brings no assignments: those of the national directory where that is asked, and of the
    /// imported one else. `None`: it is not known there, or the directory does not answer.
    ///
    /// # Errors
    /// The store's.
    pub async fn of_any_directory(
        &self,
        employee: &HsaId,
        method: &'static str,
        level: &str,
    ) -> Result<Option<ProvedPerson>, StoreError> {
        let Some(directory) = &self.directory else {
            return self.of_directory(employee, method, level).await;
        };
        let Ok(Some(found)) = directory.person(employee, self.clock.now()).await else {
            return Ok(None);
        };
        let offered = found.commissions.into_iter().map(|commission| Offered {
            id: commission.id,
            name: commission.name,
            purpose: commission.purpose,
            unit: commission.unit,
            unit_name: commission.unit_name,
            provider: commission.provider,
            provider_name: commission.provider_name,
            system_roles: found.system_roles.clone(),
        });
        Ok(Some(ProvedPerson {
            employee: employee.clone(),
            name: found.name,
            title: None,
            method,
            level: level.to_owned(),
            offered: offered.collect(),
        }))
    }

    /// Somebody of the imported directory.
    ///
    /// # Errors
    /// The store's.
    pub async fn of_directory(
        &self,
        employee: &HsaId,
        method: &'static str,
        level: &str,
    ) -> Result<Option<ProvedPerson>, StoreError> {
        let store = &self.services.store;
        let mut offered = Vec::new();
        let mut known: Option<DirectoryEmployee> = None;
        for (tenant, found) in store.directory_employee(employee).await? {
            for assignment in store.assignments_in_directory(tenant, employee).await? {
                offered.push(Offered {
                    id: assignment.id.as_ref().map(|id| id.as_str().to_owned()),
                    name: assignment.name,
                    purpose: assignment.purpose,
                    unit: assignment.unit.as_str().to_owned(),
                    unit_name: assignment.unit_name,
                    provider: assignment.provider.as_str().to_owned(),
                    provider_name: assignment.provider_name,
                    system_roles: found.system_roles.clone(),
                });
            }
            known = known.or(Some(found));
        }
        Ok(known.and_then(|known| {
            Some(ProvedPerson {
                employee: HsaId::new(&known.employee_id)?,
                name: known.employee_name,
                title: known.title,
                method,
                level: level.to_owned(),
                offered,
            })
        }))
    }

    /// Those who can be logged in as for a test.
    ///
    /// # Errors
    /// The store's.
    pub async fn test_persons(&self) -> Result<Vec<DirectoryEmployee>, StoreError> {
        let mut all = Vec::new();
        for tenant in self.services.tenants.all() {
            all.extend(self.services.store.test_persons(tenant.id, TEST_PERSONS).await?);
        }
        Ok(all)
    }
}

/// Of whom a test may choose.
const TEST_PERSONS: i64 = 40;
