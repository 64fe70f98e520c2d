//! Where the readings of other producers go on.

use crate::domain::identity::HsaId;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;

impl Store {
    /// Where the next reading of a care provider's assertions at a source begins.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_import_cursor(
        &self,
        tenant: TenantId,
        source: &HsaId,
        care_provider: &HsaId,
    ) -> Result<Option<String>, StoreError> {
        let sql = "/* find_import_cursor */ select cursor_text from import_cursors
            where tenant_id = $1 and source = $2 and provider_key = $3";
        let query = sqlx::query_scalar(sql).bind(tenant.0).bind(source.key());
        Ok(query.bind(care_provider.key()).fetch_optional(&self.pool).await?)
    }

    /// Keeps where the next reading begins.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_import_cursor(
        &self,
        tenant: TenantId,
        source: &HsaId,
        care_provider: &HsaId,
        cursor: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* keep_import_cursor */ insert into import_cursors (tenant_id, source, provider_key, cursor_text)
             values ($1, $2, $3, $4)
             on conflict (tenant_id, source, provider_key) do update set cursor_text = excluded.cursor_text",
        )
        .bind(tenant.0)
        .bind(source.key())
        .bind(care_provider.key())
        .bind(cursor)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
