//! Reports over the log that people have asked for: what they are about stands here, what they found in `log_reports`.

use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use sqlx::FromRow;
use uuid::Uuid;

/// A report that somebody has asked for.
#[derive(Debug, Clone, FromRow)]
pub struct ReportOrder {
    /// As which it is queued.
    pub report_id: Uuid,
    /// What whoever asked calls it.
    pub name: String,
    /// `patient`, `user`, `unit`, `information`, `provider`.
    pub kind: String,
    /// The care provider of whoever asked.
    pub owner_id: String,
    /// The patient's series and ...
    pub patient_root: Option<String>,
    /// ... number, where it is about one.
    pub patient_extension: Option<String>,
    /// The employee, where it is about one.
    pub user_id: Option<String>,
    /// The unit, where it is about one.
    pub unit_id: Option<String>,
    /// From when.
    pub from_at: Timestamp,
    /// Until when.
    pub to_at: Timestamp,
    /// What for.
    pub matter: String,
    /// When it was asked for.
    pub ordered_at: Timestamp,
}

impl Store {
    /// Keeps a report that is queued, and forgets the orders of those that are gone.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_report_order(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        employee: &HsaId,
        order: &ReportOrder,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* sweep_report_orders */ delete from log_report_orders o where o.tenant_id = $1 and o.employee_key = $2
               and not exists (select from log_reports r where r.report_id = o.report_id)",
        )
        .bind(tenant.0)
        .bind(employee.key())
        .execute(&self.pool)
        .await?;
        sqlx::query(
            "/* keep_report_order */ insert into log_report_orders (report_id, tenant_id, provider_key, employee_id,
                employee_key, name, kind, owner_id, patient_root, patient_extension, user_id, unit_id, from_at, to_at,
                matter, ordered_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(order.report_id)
        .bind(tenant.0)
        .bind(provider.key())
        .bind(employee.as_str())
        .bind(employee.key())
        .bind(&order.name)
        .bind(&order.kind)
        .bind(&order.owner_id)
        .bind(&order.patient_root)
        .bind(&order.patient_extension)
        .bind(&order.user_id)
        .bind(&order.unit_id)
        .bind(order.from_at)
        .bind(order.to_at)
        .bind(&order.matter)
        .bind(order.ordered_at)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// An employee's reports at a provider that are still there, the latest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn report_orders(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        employee: &HsaId,
    ) -> Result<Vec<ReportOrder>, StoreError> {
        let found = sqlx::query_as(
            "/* report_orders */ select o.report_id, o.name, o.kind, o.owner_id, o.patient_root, o.patient_extension, o.user_id, o.unit_id,
                o.from_at, o.to_at, o.matter, o.ordered_at
             from log_report_orders o join log_reports r using (report_id)
             where o.tenant_id = $1 and o.provider_key = $2 and o.employee_key = $3 order by o.ordered_at desc limit 200",
        );
        let found = found.bind(tenant.0).bind(provider.key()).bind(employee.key());
        Ok(found.fetch_all(&self.pool).await?)
    }
}
