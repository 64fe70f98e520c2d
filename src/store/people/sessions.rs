//! Logins to the pages, by the hash of their token.

use crate::domain::identity::HsaId;
use crate::domain::people::roles::{Assignment, Role};
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;
use sqlx::FromRow;
use std::collections::BTreeSet;

/// A login that is kept.
#[derive(Debug, Clone)]
pub struct StoredSession {
    /// Which.
    pub number: i64,
    /// Whose data it sees, once an assignment is chosen.
    pub tenant: Option<TenantId>,
    /// What its forms carry.
    pub form_token: Vec<u8>,
    /// Who has logged in.
    pub employee: HsaId,
    /// The name.
    pub name: String,
    /// The title.
    pub title: Option<String>,
    /// How: `oidc`, `certificate`, `test`.
    pub method: String,
    /// Level of assurance.
    pub level: String,
    /// What may be chosen, as the login wrote it.
    pub offered: String,
    /// What has been chosen.
    pub assignment: Option<Assignment>,
    /// What the chosen assignment gives.
    pub roles: BTreeSet<Role>,
    /// When it was last used.
    pub seen_at: Timestamp,
    /// The latest end.
    pub ends_at: Timestamp,
}

/// A login to be kept.
#[derive(Debug, Clone)]
pub struct NewSession<'a> {
    /// SHA-256 of the cookie's token.
    pub token_hash: [u8; 32],
    /// What its forms carry.
    pub form_token: [u8; 32],
    /// Who.
    pub employee: &'a HsaId,
    /// The name.
    pub name: &'a str,
    /// The title.
    pub title: Option<&'a str>,
    /// How.
    pub method: &'static str,
    /// Level of assurance.
    pub level: &'a str,
    /// What may be chosen.
    pub offered: &'a str,
    /// Now.
    pub now: Timestamp,
    /// The latest end.
    pub ends_at: Timestamp,
}

#[derive(FromRow)]
struct SessionRow {
    session_number: i64,
    tenant_id: Option<i32>,
    form_token: Vec<u8>,
    employee_id: String,
    employee_name: String,
    title: Option<String>,
    method: String,
    level: String,
    offered: String,
    assignment_id: Option<String>,
    assignment_name: Option<String>,
    purpose: Option<String>,
    unit_id: Option<String>,
    unit_name: Option<String>,
    provider_id: Option<String>,
    provider_name: Option<String>,
    roles: Vec<String>,
    seen_at: Timestamp,
    ends_at: Timestamp,
}

impl SessionRow {
    fn session(self) -> Result<StoredSession, StoreError> {
        let at = Origin { table: "admin_sessions", row: self.session_number };
        let assignment = match (self.unit_id, self.provider_id) {
            (Some(unit), Some(provider)) => Some(Assignment {
                id: at.optional_hsa_id(self.assignment_id.as_deref())?,
                name: self.assignment_name.unwrap_or_default(),
                purpose: self.purpose.unwrap_or_default(),
                unit_name: self.unit_name.unwrap_or_else(|| unit.clone()),
                unit: at.hsa_id(&unit)?,
                provider_name: self.provider_name.unwrap_or_else(|| provider.clone()),
                provider: at.hsa_id(&provider)?,
            }),
            _ => None,
        };
        let named =
            |name: &String| Role::named(name).ok_or_else(|| at.inconsistent("unknown role"));
        Ok(StoredSession {
            number: self.session_number,
            tenant: self.tenant_id.map(TenantId),
            form_token: self.form_token,
            employee: at.hsa_id(&self.employee_id)?,
            name: self.employee_name,
            title: self.title,
            method: self.method,
            level: self.level,
            offered: self.offered,
            assignment,
            roles: self.roles.iter().map(named).collect::<Result<_, _>>()?,
            seen_at: self.seen_at,
            ends_at: self.ends_at,
        })
    }
}

impl Store {
    /// Keeps a login, and forgets those that have ended: a few at a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin_session(&self, new: &NewSession<'_>) -> Result<(), StoreError> {
        sqlx::query(
            "/* sweep_sessions */ delete from admin_sessions where session_number in (
                select session_number from admin_sessions where ends_at < $1 limit 100)",
        )
        .bind(new.now)
        .execute(&self.pool)
        .await?;
        sqlx::query(
            "/* begin_session */ insert into admin_sessions (token_hash, form_token, employee_id, employee_name,
                title, method, level, offered, roles, created_at, seen_at, ends_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, '{}', $9, $9, $10)",
        )
        .bind(new.token_hash.as_slice())
        .bind(new.form_token.as_slice())
        .bind(new.employee.as_str())
        .bind(new.name)
        .bind(new.title)
        .bind(new.method)
        .bind(new.level)
        .bind(new.offered)
        .bind(new.now)
        .bind(new.ends_at)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The login of a token.
    ///
    /// # Errors
    /// The store's.
    pub async fn session(
        &self,
        token_hash: &[u8; 32],
    ) -> Result<Option<StoredSession>, StoreError> {
        let row: Option<SessionRow> = sqlx::query_as(
            "/* session */ select session_number, tenant_id, form_token, employee_id, employee_name, title, method,
                level, offered, assignment_id, assignment_name, purpose, unit_id, unit_name, provider_id,
                provider_name, roles, seen_at, ends_at from admin_sessions where token_hash = $1",
        )
        .bind(token_hash.as_slice())
        .fetch_optional(&self.pool)
        .await?;
        row.map(SessionRow::session).transpose()
    }

    /// A login has been used.
    ///
    /// # Errors
    /// The store's.
    pub async fn session_seen(&self, number: i64, now: Timestamp) -> Result<(), StoreError> {
        let sql =
            "/* session_seen */ update admin_sessions set seen_at = $2 where session_number = $1";
        sqlx::query(sql).bind(number).bind(now).execute(&self.pool).await?;
        Ok(())
    }

    /// An assignment is chosen: the login goes on under another token, without what it had looked up.
    ///
    /// # Errors
    /// The store's.
    pub async fn choose_assignment(
        &self,
        session: &StoredSession,
        (tenant, assignment, roles): (TenantId, &Assignment, &BTreeSet<Role>),
        (token_hash, form_token): (&[u8; 32], &[u8; 32]),
    ) -> Result<(), StoreError> {
        let roles: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        let mut transaction = self.begin().await?;
        sqlx::query("/* forget_lookups */ delete from admin_lookups where session_number = $1")
            .bind(session.number)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "/* choose_assignment */ update admin_sessions set tenant_id = $2, assignment_id = $3, assignment_name = $4,
                purpose = $5, unit_id = $6, unit_name = $7, provider_id = $8, provider_name = $9, roles = $10,
                token_hash = $11, form_token = $12 where session_number = $1",
        )
        .bind(session.number)
        .bind(tenant.0)
        .bind(assignment.id.as_ref().map(HsaId::as_str))
        .bind(&assignment.name)
        .bind(&assignment.purpose)
        .bind(assignment.unit.as_str())
        .bind(&assignment.unit_name)
        .bind(assignment.provider.as_str())
        .bind(&assignment.provider_name)
        .bind(&roles)
        .bind(token_hash.as_slice())
        .bind(form_token.as_slice())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Ends a login, and with it what it had looked up.
    ///
    /// # Errors
    /// The store's.
    pub async fn end_session(&self, number: i64) -> Result<(), StoreError> {
        sqlx::query("/* end_session */ delete from admin_sessions where session_number = $1")
            .bind(number)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

/// A login under way at a provider of identities.
#[derive(Debug, Clone, FromRow)]
pub struct PendingLogin {
    /// What its token must carry.
    pub nonce: String,
    /// What the code is exchanged with.
    pub verifier: String,
    /// The page to go back to.
    pub return_to: String,
}

impl Store {
    /// Keeps a login that has been sent to a provider of identities; those that never came back go.
    ///
    /// # Errors
    /// The store's.
    pub async fn send_login(
        &self,
        state_hash: &[u8; 32],
        login: &PendingLogin,
        (now, oldest): (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* sweep_logins */ delete from admin_logins where state_hash in (
                select state_hash from admin_logins where made_at < $1 limit 100)",
        )
        .bind(oldest)
        .execute(&self.pool)
        .await?;
        sqlx::query(
            "/* send_login */ insert into admin_logins (state_hash, nonce, verifier, return_to, made_at)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(state_hash.as_slice())
        .bind(&login.nonce)
        .bind(&login.verifier)
        .bind(&login.return_to)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Takes up a login that comes back: once, and within its time.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_login(
        &self,
        state_hash: &[u8; 32],
        oldest: Timestamp,
    ) -> Result<Option<PendingLogin>, StoreError> {
        let taken = sqlx::query_as(
            "/* take_login */ with taken as (delete from admin_logins where state_hash = $1 returning *)
             select nonce, verifier, return_to from taken where made_at >= $2",
        );
        Ok(taken.bind(state_hash.as_slice()).bind(oldest).fetch_optional(&self.pool).await?)
    }
}
