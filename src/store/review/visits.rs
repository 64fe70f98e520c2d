//! Notices, draws, and the visits that are frozen after them.

use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use chrono::NaiveDate;
use sqlx::{FromRow, PgConnection};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A visit of a review.
#[derive(Debug, Clone, FromRow)]
pub struct StoredVisit {
    /// Which.
    pub visit_number: i64,
    /// Whose: id, ...
    pub employee_id: String,
    /// ... the form that equal ones share, ...
    pub employee_key: String,
    /// ... name, ...
    pub employee_name: String,
    /// ... title.
    pub title: String,
    /// The patient's series, ...
    pub patient_root: String,
    /// ... number, ...
    pub patient_extension: String,
    /// ... key, ...
    pub patient_key: String,
    /// ... and name, as the log has it.
    pub patient_name: Option<String>,
    /// The first post.
    pub first_at: Timestamp,
    /// The last.
    pub last_at: Timestamp,
    /// How many.
    pub posts: i32,
    /// The gravest class.
    pub class: String,
    /// What is told beside it.
    pub remarks: Vec<String>,
    /// Questions that the data raise.
    pub flags: Vec<String>,
    /// Numbers of those that they cannot answer.
    pub unanswered: Vec<i16>,
    /// The version of the rules.
    pub rules_version: i32,
    /// Who is to judge.
    pub given_to: String,
    /// Whether the patient is watched.
    pub is_watched: bool,
    /// Whether it came after the list was frozen.
    pub is_late: bool,
    /// `no_remark`, `remark`.
    pub judgement: Option<String>,
}

const COLUMNS: &str = "visit_number, employee_id, employee_key, employee_name, title, patient_root, patient_extension, patient_key,
    patient_name, first_at, last_at, posts, class, remarks, flags, unanswered, rules_version, given_to, is_watched, is_late, judgement";

/// A visit that is to be frozen, with its posts.
#[derive(Debug, Clone)]
pub struct NewVisit {
    /// As it is kept; its number is none yet.
    pub visit: StoredVisit,
    /// Running numbers and times of its posts.
    pub posted: BTreeMap<i64, Timestamp>,
}

/// What decided a draw, and what it gave.
#[derive(Debug, Clone, Default)]
pub struct StoredDraw {
    /// The deciding checkpoint and the one before it; none where nothing is sealed.
    pub checkpoints: (Option<String>, Option<String>),
    /// The notice's leaf.
    pub leaf: Option<i64>,
    /// What the draw follows from.
    pub seed: [u8; 32],
    /// The day.
    pub day: NaiveDate,
    /// Staff in the order in which they were drawn.
    pub staff: Vec<String>,
}

/// A drawn employee, with whether visits of that day are reviewed.
#[derive(Debug, Clone, FromRow)]
pub struct DrawnRow {
    /// The employee's key.
    pub employee_key: String,
    /// `None`: was not needed.
    pub is_reviewed: Option<bool>,
}

impl Store {
    /// Keeps what is to be sealed before the draw, once: a notice that is there already stays.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_notice(
        &self,
        review: i64,
        (notice, salt, log_id): (&str, &[u8], Uuid),
        frame: &[String],
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "/* keep_notice */ update reviews set notice = $2, notice_salt = $3, notice_log_id = $4, frame = $5
             where review_number = $1 and state = 'planned' and notice is null",
        );
        let done = done.bind(review).bind(notice).bind(salt).bind(log_id).bind(frame);
        Ok(done.execute(&self.pool).await?.rows_affected() == 1)
    }

    /// Notices are in the log.
    ///
    /// # Errors
    /// The store's.
    pub async fn notices_are_sealed(
        &self,
        reviews: &[i64],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* notices_are_sealed */ update reviews set state = 'announced', announced_at = $2
             where review_number = any($1) and state = 'planned'",
        )
        .bind(reviews)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// There was nothing to draw from: concluded as empty, and to be sealed under these ids.
    ///
    /// # Errors
    /// The store's.
    pub async fn nothing_to_review(
        &self,
        reviews: &[(i64, Uuid)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (reviews, log_ids): (Vec<i64>, Vec<Uuid>) = reviews.iter().copied().unzip();
        sqlx::query(
            "/* nothing_to_review */ update reviews r set state = 'concluded', result = 'empty', concluded_at = $3,
                conclusion_log_id = e.log_id
             from unnest($1::bigint[], $2::uuid[]) as e (review_number, log_id)
             where r.review_number = e.review_number and state = 'planned'",
        )
        .bind(reviews)
        .bind(log_ids)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps a draw, once; whether it was the first.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_draw(
        &self,
        review: i64,
        draw: &StoredDraw,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query(
            "/* keep_draw */ update reviews set state = 'drawn', drawn_at = $2, checkpoint = $3, checkpoint_before = $4,
                decided_by = case when $3::text is null then 'random' else 'checkpoint' end, notice_leaf = $5, seed = $6, day = $7
             where review_number = $1 and state = 'announced'",
        )
        .bind(review)
        .bind(now)
        .bind(&draw.checkpoints.0)
        .bind(&draw.checkpoints.1)
        .bind(draw.leaf)
        .bind(draw.seed.as_slice())
        .bind(draw.day)
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        sqlx::query(
            "/* keep_drawn */ insert into review_staff (review_number, drawn_order, employee_key)
             select $1, ordinality, employee from unnest($2::text[]) with ordinality as d (employee, ordinality)",
        )
        .bind(review)
        .bind(&draw.staff)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Staff of a sample in the order in which they were drawn.
    ///
    /// # Errors
    /// The store's.
    pub async fn drawn_staff(&self, review: i64) -> Result<Vec<DrawnRow>, StoreError> {
        let found = sqlx::query_as(
            "/* drawn_staff */ select employee_key, is_reviewed from review_staff where review_number = $1 order by drawn_order",
        );
        Ok(found.bind(review).fetch_all(&self.pool).await?)
    }

    /// Freezes the visits of a review that has none yet, once: `sampled` says of drawn staff, in their order, whether their
    /// visits are among them. Whether it was the first.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_review(
        &self,
        review: i64,
        visits: &[NewVisit],
        sampled: &[bool],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let done = sqlx::query(
            "/* list_review */ update reviews set state = 'listed', listed_at = $2
             where review_number = $1 and state in ('drawn', 'opened')",
        );
        let done = done.bind(review).bind(now).execute(&mut *transaction).await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        keep_visits(&mut transaction, review, visits, now).await?;
        sqlx::query(
            "/* sampled */ update review_staff s set is_reviewed = d.is_reviewed
             from unnest($2::boolean[]) with ordinality as d (is_reviewed, ordinality)
             where s.review_number = $1 and s.drawn_order = d.ordinality",
        )
        .bind(review)
        .bind(sampled)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Appends visits that came after the list was frozen, unless it is concluded by now; how many are new (R7).
    ///
    /// # Errors
    /// The store's.
    pub async fn append_visits(
        &self,
        review: i64,
        visits: &[NewVisit],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut transaction = self.begin().await?;
        let goes_on: Option<String> = sqlx::query_scalar(
            "/* append_visits */ select state from reviews where review_number = $1 and state in ('listed', 'under_review') for update",
        )
        .bind(review)
        .fetch_optional(&mut *transaction)
        .await?;
        if goes_on.is_none() {
            return Ok(0);
        }
        // Somebody else may have appended them meanwhile.
        let there: Vec<i64> = sqlx::query_scalar(
            "/* posts_there */ select entry_number from review_visits join review_visit_posts using (visit_number)
             where review_number = $1",
        )
        .bind(review)
        .fetch_all(&mut *transaction)
        .await?;
        let there: BTreeSet<i64> = there.into_iter().collect();
        let is_new = |new: &&NewVisit| new.posted.keys().any(|number| !there.contains(number));
        let visits: Vec<NewVisit> = visits.iter().filter(is_new).cloned().collect();
        keep_visits(&mut transaction, review, &visits, now).await?;
        transaction.commit().await?;
        Ok(visits.len())
    }

    /// A review's visits, by who made them and when.
    ///
    /// # Errors
    /// The store's.
    pub async fn visits_of_review(
        &self,
        review: i64,
        (skip, most): (i64, i64),
        only: &str,
    ) -> Result<Vec<StoredVisit>, StoreError> {
        let sql = format!(
            "/* visits_of_review */ select {COLUMNS} from review_visits where review_number = $1
               and case $4 when 'left' then judgement is null when 'flagged' then flags <> '{{}}'
                    when 'judged' then judgement is not null
                    when 'default' then judgement is null or flags <> '{{}}' else true end
             order by employee_name, employee_key, first_at, visit_number offset $2 limit $3"
        );
        let found = sqlx::query_as(&sql).bind(review).bind(skip).bind(most).bind(only);
        Ok(found.fetch_all(&self.pool).await?)
    }

    /// A visit of a review.
    ///
    /// # Errors
    /// The store's.
    pub async fn visit(&self, review: i64, visit: i64) -> Result<Option<StoredVisit>, StoreError> {
        let sql = format!(
            "/* visit */ select {COLUMNS} from review_visits where review_number = $1 and visit_number = $2"
        );
        Ok(sqlx::query_as(&sql).bind(review).bind(visit).fetch_optional(&self.pool).await?)
    }
}

async fn keep_visits(
    connection: &mut PgConnection,
    review: i64,
    visits: &[NewVisit],
    now: Timestamp,
) -> Result<(), StoreError> {
    for NewVisit { visit, posted } in visits {
        let number: i64 = sqlx::query_scalar(
            "/* keep_visit */ insert into review_visits (review_number, employee_id, employee_key, employee_name, title, patient_root,
                patient_extension, patient_key, patient_name, first_at, last_at, posts, class, remarks, flags, unanswered,
                rules_version, given_to, is_watched, is_late, listed_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
             returning visit_number",
        )
        .bind(review)
        .bind(&visit.employee_id)
        .bind(&visit.employee_key)
        .bind(&visit.employee_name)
        .bind(&visit.title)
        .bind(&visit.patient_root)
        .bind(&visit.patient_extension)
        .bind(&visit.patient_key)
        .bind(&visit.patient_name)
        .bind(visit.first_at)
        .bind(visit.last_at)
        .bind(visit.posts)
        .bind(&visit.class)
        .bind(&visit.remarks)
        .bind(&visit.flags)
        .bind(&visit.unanswered)
        .bind(visit.rules_version)
        .bind(&visit.given_to)
        .bind(visit.is_watched)
        .bind(visit.is_late)
        .bind(now)
        .fetch_one(&mut *connection)
        .await?;
        let (numbers, times): (Vec<i64>, Vec<Timestamp>) = posted.iter().unzip();
        sqlx::query(
            "/* keep_posts */ insert into review_visit_posts (visit_number, entry_number, activity_at)
             select $1, * from unnest($2::bigint[], $3::timestamptz[]) on conflict do nothing",
        )
        .bind(number)
        .bind(numbers)
        .bind(times)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
