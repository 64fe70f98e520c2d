//! What people have done with the service, and which pages about patients they have been shown.

use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use sqlx::FromRow;

/// What nobody known has done that is kept in a minute.
const OF_NOBODY_MAX: i64 = 100;

/// A page that somebody has been shown.
#[derive(Debug, Clone, FromRow)]
pub struct ShownPage {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub page: String,
    /// What for.
    pub matter: String,
}

impl Store {
    /// Keeps that a person did something with the service itself; `None`: who is not known, and then no more than
    /// some in a minute are kept, because anybody can cause them.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_event(
        &self,
        tenant: Option<TenantId>,
        employee: Option<&HsaId>,
        (kind, object, detail): (&str, &str, &str),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* keep_event */ insert into admin_events (tenant_id, at, employee_id, kind, object, detail)
             select $1, $2, $3, $4, $5, $6 where $7 or (select count(*) from (
                select kind, at from admin_events order by event_number desc limit $8) latest
                where latest.kind = $4 and latest.at > $2 - interval '1 minute') < $8",
        )
        .bind(tenant.map(|tenant| tenant.0))
        .bind(now)
        .bind(employee.map_or("", HsaId::as_str))
        .bind(kind)
        .bind(object)
        .bind(detail)
        .bind(employee.is_some())
        .bind(OF_NOBODY_MAX)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps that an employee is shown a page about a patient; the patient stands in the log only.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_view(
        &self,
        tenant: TenantId,
        employee: &HsaId,
        (page, matter): (&str, &str),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* keep_view */ insert into admin_views (tenant_id, employee_key, at, page, matter)
             values ($1, $2, $3, $4, $5)",
        )
        .bind(tenant.0)
        .bind(employee.key())
        .bind(now)
        .bind(page)
        .bind(matter)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What an employee has been shown since a time, the latest first, from before `before` on.
    ///
    /// # Errors
    /// The store's.
    pub async fn views(
        &self,
        tenant: TenantId,
        employee: &HsaId,
        (since, before): (Timestamp, Timestamp),
        (skip, most): (i64, i64),
    ) -> Result<Vec<ShownPage>, StoreError> {
        let found = sqlx::query_as(
            "/* views */ select at, page, matter from admin_views
             where tenant_id = $1 and employee_key = $2 and at >= $3 and at <= $4 order by at desc, view_number desc limit $5 offset $6",
        );
        let found = found.bind(tenant.0).bind(employee.key()).bind(since).bind(before);
        let found = found.bind(most).bind(skip);
        Ok(found.fetch_all(&self.pool).await?)
    }
}
