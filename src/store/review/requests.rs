//! Requests of patients for their extracts, each of which has reviews.

use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::people::extracts::{COLUMNS, StoredExtract};
use crate::store::tenants::TenantId;
use uuid::Uuid;

impl Store {
    /// Requests of before a time, and of the ten days before it, whose reviews have not been opened; a supplement asks for none.
    ///
    /// # Errors
    /// The store's.
    pub async fn unreviewed_extracts(
        &self,
        tenant: TenantId,
        before: Timestamp,
    ) -> Result<Vec<StoredExtract>, StoreError> {
        let sql = format!(
            "/* unreviewed_extracts */ select {COLUMNS} from extracts
             where tenant_id = $1 and reviews_opened_at is null and requested_at < $2 and requested_at > $2 - interval '10 days'
               and supplement_of is null
             order by requested_at limit 100"
        );
        Ok(sqlx::query_as(&sql).bind(tenant.0).bind(before).fetch_all(&self.pool).await?)
    }

    /// The reviews that a request asks for are opened.
    ///
    /// # Errors
    /// The store's.
    pub async fn reviews_are_opened(&self, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "/* reviews_are_opened */ update extracts set reviews_opened_at = $2 where extract_id = $1",
        )
        .bind(id)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
