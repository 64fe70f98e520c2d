//! What the proof report counts.

use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::FromRow;

/// A review as it was when its month ended.
#[derive(Debug, Clone, FromRow)]
pub struct ProvedReview {
    /// The care provider's name then.
    pub provider_name: String,
    /// The unit's HSA-id.
    pub unit_id: String,
    /// Its name.
    pub unit_name: String,
    /// Why there is one.
    pub kind: String,
    /// When the draw was sealed, or it was opened.
    pub begun_at: Option<Timestamp>,
    /// When it was drawn.
    pub drawn_at: Option<Timestamp>,
    /// The day on which it was due.
    pub due_on: NaiveDate,
    /// When it was concluded.
    pub concluded_at: Option<Timestamp>,
    /// With what.
    pub result: Option<String>,
    /// Visits of the list then.
    pub visits: i64,
    /// Those that had a judgement.
    pub judged: i64,
    /// Those whose last judgement was a remark.
    pub remarks: i64,
}

impl Store {
    /// The reviews of a care provider's month, as they were at a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn proved_reviews(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        (month, end): (NaiveDate, Timestamp),
    ) -> Result<Vec<ProvedReview>, StoreError> {
        let found = sqlx::query_as(
            "/* proved_reviews */ select r.provider_name, r.unit_id, r.unit_name, r.kind, case r.kind when 'systematic' then r.announced_at else r.opened_at end
                as begun_at, r.drawn_at, r.due_on, r.concluded_at, r.result, coalesce(v.visits, 0) as visits,
                coalesce(v.judged, 0) as judged, coalesce(v.remarks, 0) as remarks
             from reviews r left join lateral (
                select count(*) as visits, count(j.judgement) as judged, count(*) filter (where j.judgement = 'remark') as remarks
                from review_visits v left join lateral (select judgement from review_judgements j
                    where j.visit_number = v.visit_number and j.at < $4 order by judgement_number desc limit 1) j on true
                where v.review_number = r.review_number and v.listed_at < $4) v on true
             where r.tenant_id = $1 and r.provider_key = $2 and r.month = $3
             order by r.unit_key, r.review_number",
        );
        let found = found.bind(tenant.0).bind(provider.key()).bind(month).bind(end);
        Ok(found.fetch_all(&self.pool).await?)
    }

    /// How many cases were opened in a time, by unit.
    ///
    /// # Errors
    /// The store's.
    pub async fn opened_cases(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let found = sqlx::query_as(
            "/* opened_cases */ select min(unit_id), count(*) from cases
             where tenant_id = $1 and provider_key = $2 and opened_at >= $3 and opened_at < $4 group by unit_key",
        );
        let found = found.bind(tenant.0).bind(provider.key()).bind(from).bind(to);
        Ok(found.fetch_all(&self.pool).await?)
    }
}
