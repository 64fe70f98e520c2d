//! Whose data there is.

use super::database::Store;
use super::error::StoreError;
use sqlx::PgConnection;
use std::collections::HashMap;

/// Whose data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TenantId(pub i32);

/// Names of tenants by number.
pub(super) type TenantNames = HashMap<i32, String>;

/// A row of `tenants`.
#[derive(sqlx::FromRow)]
struct TenantRow {
    tenant_id: i32,
    name: String,
}

/// The names of all tenants.
pub(super) async fn names(connection: &mut PgConnection) -> Result<TenantNames, StoreError> {
    let rows: Vec<TenantRow> =
        sqlx::query_as("/* tenant_names */ select tenant_id, name from tenants")
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.name)).collect())
}

impl Store {
    /// The tenant of a name, made when it is new.
    ///
    /// # Errors
    /// The store's.
    pub async fn tenant(&self, name: &str) -> Result<TenantId, StoreError> {
        let insert = "/* tenant */ insert into tenants (name) values ($1) on conflict do nothing";
        sqlx::query(insert).bind(name).execute(&self.pool).await?;
        let id = sqlx::query_scalar("/* tenant */ select tenant_id from tenants where name = $1")
            .bind(name)
            .fetch_one(&self.pool)
            .await?;
        Ok(TenantId(id))
    }

    /// Whether a tenant has neither blocks nor consents nor a directory.
    ///
    /// # Errors
    /// The store's.
    pub async fn is_empty_tenant(&self, tenant: TenantId) -> Result<bool, StoreError> {
        let sql =
            "/* is_empty_tenant */ select not exists (select from blocks where tenant_id = $1)
            and not exists (select from assertions where tenant_id = $1)
            and not exists (select from directory_units where tenant_id = $1)";
        Ok(sqlx::query_scalar(sql).bind(tenant.0).fetch_one(&self.pool).await?)
    }

    /// Every tenant, by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn tenants(&self) -> Result<Vec<(TenantId, String)>, StoreError> {
        let rows: Vec<TenantRow> =
            sqlx::query_as("/* tenants */ select tenant_id, name from tenants order by name")
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), row.name)).collect())
    }
}
