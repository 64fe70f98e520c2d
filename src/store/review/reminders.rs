//! Reminders of reviews.

use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::FromRow;

/// A reminder that has not been told outside the pages.
#[derive(Debug, Clone, FromRow)]
pub struct ReminderRow {
    /// The review.
    pub review_number: i64,
    /// Which step (`ReminderStep`).
    pub step: String,
    /// The unit's HSA-id.
    pub unit_id: String,
    /// The month.
    pub month: NaiveDate,
    /// The day on which it is due.
    pub due_on: NaiveDate,
    /// Why there is a review (`ReviewKind`).
    pub kind: String,
    /// Whether the webhook has taken it.
    pub is_webhook_told: bool,
}

/// What becomes of a reminder outside the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReminderBecame {
    /// Everybody has taken it.
    Told,
    /// The webhook has, and a program is to.
    TakenByWebhook,
    /// It is told again after a while.
    Refused,
}

impl Store {
    /// The days on which reviews with a list are due.
    ///
    /// # Errors
    /// The store's.
    pub async fn due_days(&self, tenant: TenantId) -> Result<Vec<NaiveDate>, StoreError> {
        let found = sqlx::query_scalar(
            "/* due_days */ select distinct due_on from reviews where tenant_id = $1 and state in ('listed', 'under_review')",
        );
        Ok(found.bind(tenant.0).fetch_all(&self.pool).await?)
    }

    /// Keeps that the reviews with a list that are due on a day are to be reminded of, once a step.
    ///
    /// # Errors
    /// The store's.
    pub async fn remind(
        &self,
        tenant: TenantId,
        (due_on, step): (NaiveDate, &str),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* remind */ insert into review_reminders (review_number, step, due_at)
             select review_number, $3, $4 from reviews
             where tenant_id = $1 and state in ('listed', 'under_review') and due_on = $2 on conflict do nothing",
        )
        .bind(tenant.0)
        .bind(due_on)
        .bind(step)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Reminders that are still to be told, of reviews that go on, the oldest first, behind them what was refused, and not within the hour.
    /// A suspicion is told to nobody outside: its subjects may be whom the unit's reminders reach (R18).
    ///
    /// # Errors
    /// The store's.
    pub async fn untold_reminders(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Vec<ReminderRow>, StoreError> {
        let found = sqlx::query_as(
            "/* untold_reminders */ select review_number, step, unit_id, month, due_on, kind, webhook_told_at is not null as is_webhook_told
             from review_reminders
             join reviews using (review_number) where tenant_id = $1 and told_at is null and state <> 'concluded' and kind <> 'suspicion'
               and coalesce(tried_at < $2 - interval '1 hour', true)
             order by tried_at nulls first, due_at, review_number limit 20",
        );
        Ok(found.bind(tenant.0).bind(now).fetch_all(&self.pool).await?)
    }

    /// What has become of a reminder.
    ///
    /// # Errors
    /// The store's.
    pub async fn reminder_became(
        &self,
        (review, step): (i64, &str),
        what: ReminderBecame,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = match what {
            ReminderBecame::Told => {
                "/* reminder_is_told */ update review_reminders set told_at = $3 where review_number = $1 and step = $2"
            }
            ReminderBecame::TakenByWebhook => {
                "/* webhook_took */ update review_reminders set webhook_told_at = $3 where review_number = $1 and step = $2"
            }
            ReminderBecame::Refused => {
                "/* reminder_is_refused */ update review_reminders set tried_at = $3 where review_number = $1 and step = $2"
            }
        };
        sqlx::query(sql).bind(review).bind(step).bind(now).execute(&self.pool).await?;
        Ok(())
    }
}
