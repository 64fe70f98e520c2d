//! Before the draw: what is owed, and notices of what is drawn from, sealed in the log.
//!
//! | Step | If the process dies right after it |
//! | --- | --- |
//! | the month's reviews are owed | they are there |
//! | a notice is kept with its salt and the id of its record | the record is stored by the next round, under that id |
//! | the records are stored in the log | they are found there by their ids |
//! | the reviews are announced | a checkpoint decides |

use super::own_records::OwnRecord;
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::review::calendar::ReviewMonth;
use crate::domain::review::draw::{DrawMode, DrawNotice, frame_hash};
use crate::domain::review::frame::{DrawFrame, PlannedUnit, frames};
use crate::domain::review::lifecycle::{ReviewState, ReviewStep, owed};
use crate::domain::review::visit::NOTICE_LEVEL;
use crate::domain::time::Timestamp;
use crate::procedures::failure::{EachAlone, StoreError};
use crate::procedures::people::on_duty::People;
use crate::procedures::tenants::Tenant;
use crate::store::review::reviews::StoredReview;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// Reviews of one step.
pub(super) const STEP_REVIEWS: i64 = 2_000;
/// How many months back is owed what nobody could owe then.
const MONTHS_BACK: usize = 12;
/// Records of one call.
const RECORDS: usize = 500;

/// A step is possible in the state that a review is in.
pub(super) fn may(review: &StoredReview, step: ReviewStep) -> bool {
    ReviewState::named(&review.state).is_some_and(|state| state.step(step).is_ok())
}

impl People {
    /// Owes every unit with a plan its reviews, as far as their draws are due (R1, R2).
    ///
    /// # Errors
    /// The store's.
    pub async fn owe_reviews(&self, tenant: &Tenant, now: Timestamp) -> Result<u64, StoreError> {
        let store = &self.services.store;
        let plans = store.review_plans(tenant.id, None).await?;
        let Some(first) = plans.iter().map(|plan| plan.active_from).min() else { return Ok(0) };
        let months = owed(ReviewMonth::of(first), now);
        let skipped = months.len().saturating_sub(MONTHS_BACK + 1);
        let months: Vec<(NaiveDate, NaiveDate)> =
            months.into_iter().skip(skipped).map(|month| (month.first(), month.due_on())).collect();
        store.owe_reviews(tenant.id, &months, now).await
    }

    /// Seals what is drawn from, of every planned review (D1); those that have nothing to draw from are concluded (R3). How
    /// many there were.
    ///
    /// # Errors
    /// The store's.
    pub async fn announce_reviews(
        &self,
        tenant: &Tenant,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let store = &self.services.store;
        let planned = store
            .reviews_in_state(tenant.id, ReviewState::Planned.name(), STEP_REVIEWS, now)
            .await?;
        let count = planned.len();
        let mut together: BTreeMap<(String, NaiveDate), Vec<StoredReview>> = BTreeMap::new();
        for review in planned {
            together.entry((review.provider_id.clone(), review.month)).or_default().push(review);
        }
        let mut each = EachAlone::default();
        for ((provider, month), reviews) in together {
            let Some(provider) = HsaId::new(&provider) else { continue };
            let month = ReviewMonth::of(month);
            let done = self.announce_month(tenant, &provider, month, reviews, now).await;
            if !each.goes_on(done) {
                break;
            }
        }
        each.done().map(|()| count)
    }

    /// The same of a care provider's month.
    async fn announce_month(
        &self,
        tenant: &Tenant,
        provider: &HsaId,
        month: ReviewMonth,
        reviews: Vec<StoredReview>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let store = &self.services.store;
        let (kept, new): (Vec<_>, Vec<_>) =
            reviews.into_iter().partition(|review| review.notice.is_some());
        let mut to_store: Vec<StoredReview> = Vec::new();
        // Kept by a process that died: they may lie in the log.
        for review in kept {
            let id = review.notice_log_id.and_then(|id| RecordId::new(&id.to_string()));
            let is_stored = match &id {
                Some(id) => store.number_of_id(id).await?.is_some(),
                None => false,
            };
            match is_stored {
                true => store.notices_are_sealed(&[review.review_number], now).await?,
                false => to_store.push(review),
            }
        }
        if !new.is_empty() {
            let size = store.tree_since(None).await?.0.size();
            let frames = self.frames_of(tenant, provider, month, &new).await?;
            let mut empty = Vec::new();
            for (mut review, frame) in new.into_iter().zip(frames) {
                let step = match frame.is_empty() {
                    true => ReviewStep::NothingToReview,
                    false => ReviewStep::NoticeSealed,
                };
                if !may(&review, step) {
                    continue;
                }
                if frame.is_empty() {
                    empty.push((review.review_number, (self.new_id)()));
                    continue;
                }
                let salt = self.random()?;
                let staff: Vec<String> = frame.staff.into_iter().collect();
                let notice = DrawNotice {
                    tenant: tenant.name.to_string(),
                    unit: review.unit_id.clone(),
                    month,
                    mode: mode_of(&review),
                    days: frame.days.into_iter().collect(),
                    frame: (staff.len(), frame_hash(&salt, &staff)),
                    log_size: size,
                };
                let (text, id) = (notice.text(), (self.new_id)());
                let kept =
                    store.keep_notice(review.review_number, (&text, &salt, id), &staff).await?;
                if kept {
                    (review.notice, review.notice_log_id) = (Some(text), Some(id));
                    to_store.push(review);
                }
            }
            store.nothing_to_review(&empty, now).await?;
        }
        for some in to_store.chunks(RECORDS) {
            let name = some.first().map_or("", |review| review.provider_name.as_str());
            let record = |review: &StoredReview| {
                Some(OwnRecord {
                    id: review.notice_log_id?,
                    unit: (review.unit_id.clone(), review.unit_name.clone()),
                    level: NOTICE_LEVEL,
                    text: review.notice.clone()?,
                })
            };
            let records: Vec<OwnRecord> = some.iter().filter_map(record).collect();
            self.log_own(tenant, (provider, name), &records, now).await?;
            let numbers: Vec<i64> = some.iter().map(|review| review.review_number).collect();
            store.notices_are_sealed(&numbers, now).await?;
        }
        Ok(())
    }

    /// What each review of a care provider's month draws from (R3, R5).
    async fn frames_of(
        &self,
        tenant: &Tenant,
        provider: &HsaId,
        month: ReviewMonth,
        reviews: &[StoredReview],
    ) -> Result<Vec<DrawFrame>, StoreError> {
        let store = &self.services.store;
        let (plans, managers) = tokio::try_join!(
            store.review_plans(tenant.id, Some(provider)),
            store.managers(tenant.id, None)
        )?;
        let period = month.before().bounds();
        let days = store.staff_days(tenant.id, provider, period, &self.system.0).await?;
        let reviewers: Vec<(String, String)> = reviews
            .iter()
            .map(|review| {
                let reviewer = review.reviewer_id.as_deref().and_then(HsaId::new);
                (review.unit_key.clone(), reviewer.map(|id| id.key()).unwrap_or_default())
            })
            .collect();
        // Units whose plan was made later count too: their reviewers' staff are theirs.
        let others: Vec<(String, String)> = plans
            .iter()
            .filter(|plan| !reviews.iter().any(|review| review.unit_key == plan.unit_key))
            .map(|plan| {
                let reviewer = HsaId::new(&plan.reviewer_id).map(|id| id.key());
                (plan.unit_key.clone(), reviewer.unwrap_or_default())
            })
            .collect();
        let units = reviewers.iter().chain(&others);
        let units: Vec<PlannedUnit<'_>> =
            units.map(|(unit, reviewer)| PlannedUnit { unit, reviewer }).collect();
        let mut found = frames(&units, &days, &managers.into_iter().collect());
        found.truncate(reviews.len());
        Ok(found)
    }
}

/// What is reviewed of the drawn day.
pub(super) fn mode_of(review: &StoredReview) -> DrawMode {
    match review.mode.as_str() {
        "sample" => DrawMode::Sample(u8::try_from(review.share_percent).unwrap_or(100)),
        _ => DrawMode::All,
    }
}
