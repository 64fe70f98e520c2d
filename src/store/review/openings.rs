//! Opening targeted reviews, once.

use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

/// A targeted review that is to be opened.
#[derive(Debug, Clone, Default)]
pub struct NewReview {
    /// The care provider: id and name.
    pub provider: (String, String),
    /// The unit: id and name.
    pub unit: (String, String),
    /// Why there is one (`ReviewKind`).
    pub kind: &'static str,
    /// Who reviews, and who stands in.
    pub reviewers: (Option<String>, Option<String>),
    /// Whose.
    pub employee: Option<String>,
    /// Which patient: series, number, key.
    pub patient: Option<(String, String, String)>,
    /// Of which time.
    pub period: Option<(Timestamp, Timestamp)>,
    /// Why.
    pub reason: String,
    /// Who opens it.
    pub opened_by: Option<String>,
    /// The form or request that opens it: asked again, it opens nothing more.
    pub opening: Option<Uuid>,
    /// Keys of the units to whose staff it is bound.
    pub units: Option<Vec<String>>,
}

impl Store {
    /// Opens targeted reviews, all or none, once: those of an opening or emergency that are there stay as they are. Returns the
    /// numbers of the new ones.
    ///
    /// # Errors
    /// The store's.
    pub async fn open_reviews(
        &self,
        tenant: TenantId,
        new: &[NewReview],
        due: (NaiveDate, NaiveDate),
        now: Timestamp,
    ) -> Result<Vec<i64>, StoreError> {
        let mut transaction = self.begin().await?;
        let mut opened = Vec::new();
        for one in new {
            opened.extend(insert_review(&mut transaction, tenant, one, due, now).await?);
        }
        transaction.commit().await?;
        Ok(opened)
    }

    /// The review of an opening.
    ///
    /// # Errors
    /// The store's.
    pub async fn review_of_opening(&self, opening: Uuid) -> Result<Option<i64>, StoreError> {
        let found = sqlx::query_scalar(
            "/* review_of_opening */ select min(review_number) from reviews where opening = $1",
        );
        Ok(found.bind(opening).fetch_one(&self.pool).await?)
    }
}

/// Puts a targeted review in; `None`: it is there.
pub(super) async fn insert_review(
    connection: &mut PgConnection,
    tenant: TenantId,
    new: &NewReview,
    (month, due_on): (NaiveDate, NaiveDate),
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let patient = |part: fn(&(String, String, String)) -> &String| new.patient.as_ref().map(part);
    let number = sqlx::query_scalar(
        "/* open_review */ insert into reviews (tenant_id, provider_id, provider_key, provider_name, unit_id, unit_key, unit_name,
            kind, state, month, reviewer_id, deputy_id, from_at, to_at, subject_employee, patient_root, patient_extension,
            patient_key, reason, due_on, opened_by, opened_at, opening, units)
         values ($1, $2, lower(btrim($2)), $3, $4, lower(btrim($4)), $5, $6, 'opened', $7, $8, $9, $10, $11, $12, $13, $14,
            $15, $16, $17, $18, $19, $20, $21) on conflict do nothing returning review_number",
    )
    .bind(tenant.0)
    .bind(&new.provider.0)
    .bind(&new.provider.1)
    .bind(&new.unit.0)
    .bind(&new.unit.1)
    .bind(new.kind)
    .bind(month)
    .bind(&new.reviewers.0)
    .bind(&new.reviewers.1)
    .bind(new.period.map(|period| period.0))
    .bind(new.period.map(|period| period.1))
    .bind(&new.employee)
    .bind(patient(|of| &of.0))
    .bind(patient(|of| &of.1))
    .bind(patient(|of| &of.2))
    .bind(&new.reason)
    .bind(due_on)
    .bind(&new.opened_by)
    .bind(now)
    .bind(new.opening)
    .bind(&new.units)
    .fetch_optional(&mut *connection)
    .await?;
    Ok(number)
}
