//! Reviews, from their plan or opening to their conclusion.

use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::FromRow;
use uuid::Uuid;

/// A review.
#[derive(Debug, Clone, FromRow)]
pub struct StoredReview {
    /// Which.
    pub review_number: i64,
    /// The care provider.
    pub provider_id: String,
    /// Its name.
    pub provider_name: String,
    /// The unit whose staff it is about.
    pub unit_id: String,
    /// The form that equal units share.
    pub unit_key: String,
    /// Its name.
    pub unit_name: String,
    /// Why there is one (`ReviewKind`).
    pub kind: String,
    /// How far it has come (`ReviewState`).
    pub state: String,
    /// The first of the month in which it is to be done.
    pub month: NaiveDate,
    /// `all`, `sample`.
    pub mode: String,
    /// Of how many per cent of the staff.
    pub share_percent: i32,
    /// Who reviews.
    pub reviewer_id: Option<String>,
    /// Who stands in.
    pub deputy_id: Option<String>,
    /// The drawn day.
    pub day: Option<NaiveDate>,
    /// A targeted one's time.
    pub from_at: Option<Timestamp>,
    /// Until when.
    pub to_at: Option<Timestamp>,
    /// Whom it is about.
    pub subject_employee: Option<String>,
    /// Which patient: series, ...
    pub patient_root: Option<String>,
    /// ... number ...
    pub patient_extension: Option<String>,
    /// ... and the form that equal ones share.
    pub patient_key: Option<String>,
    /// Why.
    pub reason: String,
    /// The day on which it is due.
    pub due_on: NaiveDate,
    /// Who has opened it; nobody a systematic one.
    pub opened_by: Option<String>,
    /// When.
    pub opened_at: Timestamp,
    /// Keys of the units to whose staff it is bound.
    pub units: Option<Vec<String>>,
    /// When its list could not be made.
    pub list_failed_at: Option<Timestamp>,
    /// What was sealed before the draw.
    pub notice: Option<String>,
    /// The salt of its hash over the staff.
    pub notice_salt: Option<Vec<u8>>,
    /// Keys of the staff who can be drawn.
    pub frame: Option<Vec<String>>,
    /// The log record that holds the notice.
    pub notice_log_id: Option<Uuid>,
    /// The leaf of that record.
    pub notice_leaf: Option<i64>,
    /// Since when it is sealed.
    pub announced_at: Option<Timestamp>,
    /// The checkpoint that decided.
    pub checkpoint: Option<String>,
    /// The one before it.
    pub checkpoint_before: Option<String>,
    /// `checkpoint`, `random`.
    pub decided_by: Option<String>,
    /// What the draw follows from.
    pub seed: Option<Vec<u8>>,
    /// When it was drawn.
    pub drawn_at: Option<Timestamp>,
    /// When its visits were frozen.
    pub listed_at: Option<Timestamp>,
    /// Since when it has lapsed.
    pub lapsed_at: Option<Timestamp>,
    /// What it came to (`ReviewResult`).
    pub result: Option<String>,
    /// What was written at the end.
    pub conclusion: String,
    /// Who has concluded it.
    pub concluded_by: Option<String>,
    /// When.
    pub concluded_at: Option<Timestamp>,
    /// Visits.
    pub visits: i64,
    /// Those that are judged.
    pub judged: i64,
    /// Those with a remark.
    pub remarks: i64,
}

const COLUMNS: &str = "r.review_number, r.provider_id, r.provider_name, r.unit_id, r.unit_key, r.unit_name, r.kind, r.state, r.month, r.mode,
    r.share_percent, r.reviewer_id, r.deputy_id, r.day, r.from_at, r.to_at, r.subject_employee, r.patient_root,
    r.patient_extension, r.patient_key, r.reason, r.due_on, r.opened_by, r.opened_at, r.units, r.list_failed_at, r.notice, r.notice_salt, r.frame,
    r.notice_log_id, r.notice_leaf, r.announced_at, r.checkpoint, r.checkpoint_before, r.decided_by, r.seed, r.drawn_at,
    r.listed_at, r.lapsed_at, r.result, r.conclusion, r.concluded_by, r.concluded_at,
    coalesce(v.visits, 0) as visits, coalesce(v.judged, 0) as judged, coalesce(v.remarks, 0) as remarks";
const FROM: &str = "reviews r left join lateral (select count(*) as visits, count(judgement) as judged,
    count(*) filter (where judgement = 'remark') as remarks from review_visits v where v.review_number = r.review_number) v on true";

/// Which of a provider's reviews are asked for.
#[derive(Debug, Clone, Default)]
pub struct AskedReviews {
    /// Only those of this reviewer or deputy, by key.
    pub reviewer: Option<String>,
    /// Who asks, by key: reviews about this person do not exist.
    pub asker: String,
    /// `open`, `done`, `lapsed`; else all.
    pub which: String,
    /// Only of this unit, by key.
    pub unit: Option<String>,
    /// Those of a number or before.
    pub before: Option<i64>,
}

impl Store {
    /// Owes every unit with a plan its review of some months, each with the day on which it is due; how many are new.
    ///
    /// # Errors
    /// The store's.
    pub async fn owe_reviews(
        &self,
        tenant: TenantId,
        months: &[(NaiveDate, NaiveDate)],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let (months, due): (Vec<NaiveDate>, Vec<NaiveDate>) = months.iter().copied().unzip();
        let done = sqlx::query(
            "/* owe_reviews */ insert into reviews (tenant_id, provider_id, provider_key, provider_name, unit_id, unit_key, unit_name,
                kind, state, plan_number, month, mode, share_percent, reviewer_id, deputy_id, due_on, opened_at)
             select tenant_id, provider_id, provider_key, provider_name, unit_id, unit_key, unit_name, 'systematic', 'planned',
                plan_number, m.month, mode, share_percent, reviewer_id, deputy_id, m.due_on, $4
             from review_plans cross join unnest($2::date[], $3::date[]) as m (month, due_on)
             where tenant_id = $1 and ended_at is null and m.month >= active_from
               and not exists (select from reviews r where r.tenant_id = $1 and r.unit_key = review_plans.unit_key
                    and r.month = m.month and r.kind = 'systematic')
             on conflict (tenant_id, unit_key, month) where kind = 'systematic' do nothing",
        );
        let done = done.bind(tenant.0).bind(months).bind(due).bind(now).execute(&self.pool).await?;
        Ok(done.rows_affected())
    }

    /// The list of a review could not be made.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_failed(&self, review: i64, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "/* list_failed */ update reviews set list_failed_at = $2 where review_number = $1",
        )
        .bind(review)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A tenant's reviews in a state, the oldest first; without those whose list has failed within the hour.
    ///
    /// # Errors
    /// The store's.
    pub async fn reviews_in_state(
        &self,
        tenant: TenantId,
        state: &str,
        most: i64,
        now: Timestamp,
    ) -> Result<Vec<StoredReview>, StoreError> {
        let sql = format!(
            "/* reviews_in_state */ select {COLUMNS} from {FROM} where r.tenant_id = $1 and r.state = $2
               and coalesce(r.list_failed_at < $4 - interval '1 hour', true)
             order by r.month, r.review_number limit $3"
        );
        let found = sqlx::query_as(&sql).bind(tenant.0).bind(state).bind(most).bind(now);
        Ok(found.fetch_all(&self.pool).await?)
    }

    /// A review of a care provider, if whoever asks, by key, may know of it (R18).
    ///
    /// # Errors
    /// The store's.
    pub async fn review(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        number: i64,
        asker: &str,
    ) -> Result<Option<StoredReview>, StoreError> {
        let sql = format!(
            "/* review */ select {COLUMNS} from {FROM}
             where r.tenant_id = $1 and r.provider_key = $2 and r.review_number = $3 and {}",
            known_to("$4")
        );
        let found =
            sqlx::query_as(&sql).bind(tenant.0).bind(provider.key()).bind(number).bind(asker);
        Ok(found.fetch_optional(&self.pool).await?)
    }

    /// A care provider's reviews, the latest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn reviews(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        asked: &AskedReviews,
        most: i64,
    ) -> Result<Vec<StoredReview>, StoreError> {
        let sql = format!(
            "/* reviews */ select {COLUMNS} from {FROM}
             where r.tenant_id = $1 and r.provider_key = $2
               and ($3::text is null or lower(btrim(r.reviewer_id)) = $3 or lower(btrim(r.deputy_id)) = $3)
               and {}
               and case $5 when 'open' then r.state <> 'concluded' and r.lapsed_at is null
                    when 'done' then r.state = 'concluded' when 'lapsed' then r.lapsed_at is not null else true end
               and ($6::text is null or r.unit_key = $6) and ($7::bigint is null or r.review_number <= $7)
             order by r.review_number desc limit $8",
            known_to("$4")
        );
        let found = sqlx::query_as(&sql).bind(tenant.0).bind(provider.key());
        let found = found.bind(&asked.reviewer).bind(&asked.asker).bind(&asked.which);
        Ok(found.bind(&asked.unit).bind(asked.before).bind(most).fetch_all(&self.pool).await?)
    }

    /// A provider's systematic reviews since a month, for the calendar of units.
    ///
    /// # Errors
    /// The store's.
    pub async fn reviews_since(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        reviewer: Option<&str>,
        since: NaiveDate,
    ) -> Result<Vec<StoredReview>, StoreError> {
        let sql = format!(
            "/* reviews_since */ select {COLUMNS} from {FROM}
             where r.tenant_id = $1 and r.provider_key = $2 and r.kind = 'systematic' and r.month >= $3
               and ($4::text is null or lower(btrim(r.reviewer_id)) = $4 or lower(btrim(r.deputy_id)) = $4)
             order by r.unit_name, r.unit_key, r.month limit 20000"
        );
        let found = sqlx::query_as(&sql).bind(tenant.0).bind(provider.key()).bind(since);
        Ok(found.bind(reviewer).fetch_all(&self.pool).await?)
    }

    /// How many reviews wait for a reviewer or deputy, by key; without those about the person.
    ///
    /// # Errors
    /// The store's.
    pub async fn waiting_reviews(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        reviewer: Option<&str>,
        asker: &str,
    ) -> Result<(i64, i64), StoreError> {
        let sql = format!(
            "/* waiting_reviews */ select count(*), count(*) filter (where lapsed_at is not null) from reviews r
             where tenant_id = $1 and provider_key = $2 and state in ('listed', 'under_review')
               and ($3::text is null or lower(btrim(reviewer_id)) = $3 or lower(btrim(deputy_id)) = $3) and {}",
            known_to("$4")
        );
        let found = sqlx::query_as(&sql);
        let found = found.bind(tenant.0).bind(provider.key()).bind(reviewer).bind(asker);
        Ok(found.fetch_one(&self.pool).await?)
    }

    /// Systematic reviews of earlier months that are not concluded have lapsed, from the end of their month on; how many are new.
    ///
    /// # Errors
    /// The store's.
    pub async fn lapse_reviews(
        &self,
        tenant: TenantId,
        this: NaiveDate,
    ) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "/* lapse_reviews */ update reviews set lapsed_at = (month + interval '1 month') at time zone 'Europe/Stockholm'
             where tenant_id = $1 and month < $2 and state <> 'concluded' and lapsed_at is null and kind = 'systematic'",
        );
        Ok(done.bind(tenant.0).bind(this).execute(&self.pool).await?.rows_affected())
    }
}

/// Whether somebody may know of a review, by key (R18): not whom it is about, though only its patient was named; who has opened
/// it may.
fn known_to(asker: &str) -> String {
    format!(
        "(lower(btrim(coalesce(r.subject_employee, ''))) <> {asker} and (r.kind <> 'suspicion' or lower(btrim(r.opened_by)) = {asker}
            or (not exists (select from review_visits o where o.review_number = r.review_number and o.employee_key = {asker})
                and not exists (select from directory_staff s where s.tenant_id = r.tenant_id and s.employee_key = {asker}
                    and s.person_key = r.patient_key))))"
    )
}
