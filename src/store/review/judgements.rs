//! Judgements of visits, why full logs are opened, and conclusions.

use super::cases::{NewCase, NewCaseEvent, insert_case, insert_event};
use super::openings::{NewReview, insert_review};
use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// A judgement.
#[derive(Debug, Clone, FromRow)]
pub struct StoredJudgement {
    /// Which; 0 of one that is not kept yet.
    pub judgement_number: i64,
    /// `no_remark`, `remark`.
    pub judgement: String,
    /// What the remark is.
    pub text: String,
    /// Control questions answered with yes.
    pub yes: Vec<i16>,
    /// Why no targeted control was opened for them.
    pub declined: String,
    /// The targeted control that was.
    pub control: Option<i64>,
    /// The remark's case.
    pub case_number: Option<i64>,
    /// By whom.
    pub by_name: String,
    /// When.
    pub at: Timestamp,
}

/// Who judges.
#[derive(Debug, Clone, Copy)]
pub struct JudgedBy<'j> {
    /// The employee.
    pub employee: &'j HsaId,
    /// The name.
    pub name: &'j str,
    /// When.
    pub at: Timestamp,
}

/// The case of a remark.
#[derive(Debug, Clone)]
pub enum CaseOfRemark<'c> {
    /// It has none: there is no remark.
    None,
    /// One that is open, by its number.
    Open(i64),
    /// A new one.
    New(NewCase<'c>),
}

/// A judgement that is to be kept, with what goes with it.
#[derive(Debug, Clone)]
pub struct NewJudgement<'n> {
    /// The review.
    pub review: i64,
    /// The visit.
    pub visit: i64,
    /// The number of the visit's last judgement when this one was made; 0: it had none.
    pub seen: i64,
    /// What it is; its case and control follow from what is below.
    pub judgement: StoredJudgement,
    /// The patient's key.
    pub patient: &'n str,
    /// The case of a remark.
    pub case: CaseOfRemark<'n>,
    /// The targeted control that it opens, with its month and due day.
    pub control: Option<(NewReview, (NaiveDate, NaiveDate))>,
}

impl Store {
    /// Keeps a judgement with its case and control, all or nothing. `false`: the review is concluded, the visit was judged
    /// otherwise meanwhile, or the case is not open.
    ///
    /// # Errors
    /// The store's.
    pub async fn judge_visit(
        &self,
        tenant: TenantId,
        new: &NewJudgement<'_>,
        by: JudgedBy<'_>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        if !goes_on(&mut transaction, new.review).await? {
            return Ok(false);
        }
        let done = sqlx::query(
            "/* judge_visit */ update review_visits set judgement = $3
             where review_number = $1 and visit_number = $2
               and $4 = (select coalesce(max(judgement_number), 0) from review_judgements where visit_number = $2)",
        );
        let done =
            done.bind(new.review).bind(new.visit).bind(&new.judgement.judgement).bind(new.seen);
        if done.execute(&mut *transaction).await?.rows_affected() != 1 {
            return Ok(false);
        }
        let mut kept = new.judgement.clone();
        kept.case_number = match &new.case {
            CaseOfRemark::None => None,
            CaseOfRemark::New(case) => {
                Some(insert_case(&mut transaction, tenant, case, by.employee, by.at).await?)
            }
            CaseOfRemark::Open(number) => {
                let open = "/* open_case_of */ select case_number from cases where case_number = $1 and state <> 'closed' for update";
                let open: Option<i64> =
                    sqlx::query_scalar(open).bind(number).fetch_optional(&mut *transaction).await?;
                if open.is_none() {
                    return Ok(false);
                }
                open
            }
        };
        if let Some(number) = kept.case_number {
            let text = kept.text.as_str();
            let event = NewCaseEvent {
                kind: "remark",
                text,
                visit: Some(new.visit),
                ..NewCaseEvent::default()
            };
            insert_event(&mut transaction, number, &event, (by.employee, by.name), by.at).await?;
            sqlx::query(
                "/* hold_of_case */ insert into case_holds (case_number, patient_key) values ($1, $2) on conflict do nothing",
            )
            .bind(number)
            .bind(new.patient)
            .execute(&mut *transaction)
            .await?;
        }
        if let Some((control, due)) = &new.control {
            kept.control = insert_review(&mut transaction, tenant, control, *due, by.at).await?;
        }
        insert_judgements(&mut transaction, &[new.visit], &kept, by).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Judges visits of a review without remark, those of them that nobody has judged meanwhile; how many it was, and `None`
    /// where the review is concluded.
    ///
    /// # Errors
    /// The store's.
    pub async fn judge_together(
        &self,
        review: i64,
        visits: &[i64],
        judgement: &StoredJudgement,
        by: JudgedBy<'_>,
    ) -> Result<Option<usize>, StoreError> {
        let mut transaction = self.begin().await?;
        if !goes_on(&mut transaction, review).await? {
            return Ok(None);
        }
        let judged: Vec<i64> = sqlx::query_scalar(
            "/* judge_together */ update review_visits set judgement = $3
             where review_number = $1 and visit_number = any($2) and judgement is null returning visit_number",
        )
        .bind(review)
        .bind(visits)
        .bind(&judgement.judgement)
        .fetch_all(&mut *transaction)
        .await?;
        insert_judgements(&mut transaction, &judged, judgement, by).await?;
        transaction.commit().await?;
        Ok(Some(judged.len()))
    }

    /// A visit's judgements, the latest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn judgements(&self, visit: i64) -> Result<Vec<StoredJudgement>, StoreError> {
        let found = sqlx::query_as(
            "/* judgements */ select judgement_number, judgement, text, yes, declined, control, case_number, by_name, at from review_judgements
             where visit_number = $1 order by judgement_number desc limit 100",
        );
        Ok(found.bind(visit).fetch_all(&self.pool).await?)
    }

    /// Concludes a review all of whose visits are judged; `None`: another one, or it has visits left.
    ///
    /// # Errors
    /// The store's.
    pub async fn conclude_review(
        &self,
        review: i64,
        (result, text, log_id): (&str, &str, Uuid),
        by: &HsaId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        // Nobody judges or appends meanwhile.
        let locked: Option<i64> = sqlx::query_scalar(
            "/* lock_review */ select review_number from reviews
             where review_number = $1 and state in ('listed', 'under_review') for update",
        )
        .bind(review)
        .fetch_optional(&mut *transaction)
        .await?;
        if locked.is_none() {
            return Ok(false);
        }
        let done = sqlx::query(
            "/* conclude_review */ update reviews set state = 'concluded', result = $2, conclusion = $3, concluded_by = $4, concluded_at = $5,
                conclusion_log_id = $6
             where review_number = $1 and not exists (select from review_visits v
                where v.review_number = $1 and v.judgement is null)
               and $2 = case when exists (select from review_visits v where v.review_number = $1 and v.judgement = 'remark') then 'remark'
                    when exists (select from review_visits v where v.review_number = $1) then 'no_remark' else 'empty' end",
        );
        let done =
            done.bind(review).bind(result).bind(text).bind(by.as_str()).bind(now).bind(log_id);
        let done = done.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Conclusions of a tenant that are not known to be sealed.
    ///
    /// # Errors
    /// The store's.
    pub async fn unsealed_conclusions(
        &self,
        tenant: TenantId,
    ) -> Result<Vec<UnsealedConclusion>, StoreError> {
        let found = sqlx::query_as(
            "/* unsealed_conclusions */ select r.review_number, r.provider_id, r.provider_name, r.unit_id, r.unit_name, r.result,
                r.concluded_at, r.conclusion_log_id, count(v.visit_number) as visits,
                count(v.visit_number) filter (where v.judgement = 'remark') as remarks
             from reviews r left join review_visits v using (review_number)
             where r.tenant_id = $1 and r.conclusion_log_id is not null and r.conclusion_sealed_at is null
             group by r.review_number order by r.review_number limit 500",
        );
        Ok(found.bind(tenant.0).fetch_all(&self.pool).await?)
    }

    /// A conclusion is sealed.
    ///
    /// # Errors
    /// The store's.
    pub async fn conclusion_is_sealed(
        &self,
        review: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* conclusion_is_sealed */ update reviews set conclusion_sealed_at = $2 where review_number = $1",
        )
        .bind(review)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps why somebody opens the full log of a visit.
    ///
    /// # Errors
    /// The store's.
    pub async fn disclose(
        &self,
        visit: i64,
        (reason, text): (&str, &str),
        by: &HsaId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* disclose */ insert into review_disclosures (visit_number, reason, text, by_employee, at) values ($1, $2, $3, $4, $5)",
        )
        .bind(visit)
        .bind(reason)
        .bind(text)
        .bind(by.as_str())
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Why somebody has opened the full log of a visit since a time, the last reason of several.
    ///
    /// # Errors
    /// The store's.
    pub async fn disclosed(
        &self,
        visit: i64,
        by: &HsaId,
        since: Timestamp,
    ) -> Result<Option<(String, String)>, StoreError> {
        let found = sqlx::query_as(
            "/* disclosed */ select reason, text from review_disclosures
             where visit_number = $1 and lower(btrim(by_employee)) = $2 and at >= $3 order by disclosure_number desc limit 1",
        );
        Ok(found.bind(visit).bind(by.key()).bind(since).fetch_optional(&self.pool).await?)
    }
}

/// A conclusion that is not known to be sealed.
#[derive(Debug, Clone, FromRow)]
pub struct UnsealedConclusion {
    /// The review.
    pub review_number: i64,
    /// Its care provider.
    pub provider_id: String,
    /// The name of that.
    pub provider_name: String,
    /// Its unit.
    pub unit_id: String,
    /// The name of that.
    pub unit_name: String,
    /// With what it was concluded.
    pub result: String,
    /// When.
    pub concluded_at: Timestamp,
    /// The record that seals it.
    pub conclusion_log_id: Uuid,
    /// Visits.
    pub visits: i64,
    /// Those with a remark.
    pub remarks: i64,
}

/// Whether a review is still judged; whoever concludes it waits.
async fn goes_on(connection: &mut PgConnection, review: i64) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "/* under_review */ update reviews set state = 'under_review'
         where review_number = $1 and state in ('listed', 'under_review')",
    );
    Ok(done.bind(review).execute(connection).await?.rows_affected() == 1)
}

async fn insert_judgements(
    connection: &mut PgConnection,
    visits: &[i64],
    new: &StoredJudgement,
    by: JudgedBy<'_>,
) -> Result<(), StoreError> {
    sqlx::query(
        "/* keep_judgements */ insert into review_judgements (visit_number, judgement, text, yes, declined, control, case_number,
            by_employee, by_name, at)
         select visit, $2, $3, $4, $5, $6, $7, $8, $9, $10 from unnest($1::bigint[]) as visit",
    )
    .bind(visits)
    .bind(&new.judgement)
    .bind(&new.text)
    .bind(&new.yes)
    .bind(&new.declined)
    .bind(new.control)
    .bind(new.case_number)
    .bind(by.employee.as_str())
    .bind(by.name)
    .bind(by.at)
    .execute(connection)
    .await?;
    Ok(())
}
