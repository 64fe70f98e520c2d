//! Judgements of visits, why full logs are opened, and conclusions.

use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use sqlx::FromRow;

/// A judgement.
#[derive(Debug, Clone, FromRow)]
pub struct StoredJudgement {
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

impl Store {
    /// Keeps a judgement of a visit of a review that is not concluded; whether it was kept.
    ///
    /// # Errors
    /// The store's.
    pub async fn judge_visits(
        &self,
        review: i64,
        visits: &[i64],
        new: &StoredJudgement,
        by: JudgedBy<'_>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let goes_on = sqlx::query(
            "/* under_review */ update reviews set state = 'under_review'
             where review_number = $1 and state in ('listed', 'under_review')",
        );
        let goes_on = goes_on.bind(review).execute(&mut *transaction).await?;
        if goes_on.rows_affected() != 1 {
            return Ok(false);
        }
        let done = sqlx::query(
            "/* judge_visits */ update review_visits set judgement = $3 where review_number = $1 and visit_number = any($2)",
        );
        let done =
            done.bind(review).bind(visits).bind(&new.judgement).execute(&mut *transaction).await?;
        if done.rows_affected() != visits.len() as u64 {
            return Ok(false);
        }
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
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// A visit's judgements, the latest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn judgements(&self, visit: i64) -> Result<Vec<StoredJudgement>, StoreError> {
        let found = sqlx::query_as(
            "/* judgements */ select judgement, text, yes, declined, control, case_number, by_name, at from review_judgements
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
        (result, text): (&str, &str),
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
            "/* conclude_review */ update reviews set state = 'concluded', result = $2, conclusion = $3, concluded_by = $4, concluded_at = $5
             where review_number = $1 and not exists (select from review_visits v
                where v.review_number = $1 and v.judgement is null)
               and $2 = case when exists (select from review_visits v where v.review_number = $1 and v.judgement = 'remark') then 'remark'
                    when exists (select from review_visits v where v.review_number = $1) then 'no_remark' else 'empty' end",
        );
        let done = done.bind(review).bind(result).bind(text).bind(by.as_str()).bind(now);
        let done = done.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
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
