//! Which log records the visits of a review are.
//!
//! # Rules
//! - **R25** Posts removed by retention leave the review; its counts and judgements stay. A legal hold keeps the posts of patients
//!   of open cases.

use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use sqlx::FromRow;
use std::collections::BTreeSet;

/// A patient of a visit, with one of its posts.
#[derive(FromRow)]
struct ReviewedRow {
    patient_key: String,
    entry_number: Option<i64>,
}

impl Store {
    /// The running numbers of all posts of a review.
    ///
    /// # Errors
    /// The store's.
    pub async fn posts_of_review(&self, review: i64) -> Result<BTreeSet<i64>, StoreError> {
        let found: Vec<i64> = sqlx::query_scalar(
            "/* posts_of_review */ select entry_number from review_visits join review_visit_posts using (visit_number)
             where review_number = $1",
        )
        .bind(review)
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().collect())
    }

    /// What other reviews of the same kind, unit, patient and time have, where a day of emergencies or of a watched patient is
    /// reviewed again: posts, and patients by keys.
    ///
    /// # Errors
    /// The store's.
    pub async fn reviewed_before(
        &self,
        review: i64,
    ) -> Result<(BTreeSet<i64>, BTreeSet<String>), StoreError> {
        let found: Vec<ReviewedRow> = sqlx::query_as(
            "/* reviewed_before */ select v.patient_key, p.entry_number from reviews r join reviews o on o.tenant_id = r.tenant_id
                and o.kind = r.kind and o.provider_key = r.provider_key and o.unit_key = r.unit_key
                and o.patient_key is not distinct from r.patient_key and o.kind in ('emergency', 'watch')
                and o.from_at between r.from_at - interval '11 days' and r.to_at and o.to_at >= r.from_at
                and o.review_number <> r.review_number
             join review_visits v on v.review_number = o.review_number left join review_visit_posts p using (visit_number)
             where r.review_number = $1 and r.kind in ('emergency', 'watch')",
        )
        .bind(review)
        .fetch_all(&self.pool)
        .await?;
        let posts = found.iter().filter_map(|row| row.entry_number).collect();
        Ok((posts, found.into_iter().map(|row| row.patient_key).collect()))
    }

    /// The running numbers of a visit's posts.
    ///
    /// # Errors
    /// The store's.
    pub async fn posts_of_visit(&self, visit: i64) -> Result<BTreeSet<i64>, StoreError> {
        let found: Vec<i64> = sqlx::query_scalar(
            "/* posts_of_visit */ select entry_number from review_visit_posts where visit_number = $1",
        )
        .bind(visit)
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().collect())
    }

    /// Posts that retention has removed leave their reviews; counts and judgements stay (R25). How many left.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget_removed_posts(
        &self,
        tenant: TenantId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "/* forget_removed_posts */ delete from review_visit_posts p using review_visits v, reviews r
             where v.visit_number = p.visit_number and r.review_number = v.review_number and r.tenant_id = $1
               and p.activity_at < $2 and not exists (select from log_entries e
                    where e.entry_number = p.entry_number and e.activity_at = p.activity_at)",
        );
        Ok(done.bind(tenant.0).bind(before).execute(&self.pool).await?.rows_affected())
    }
}
