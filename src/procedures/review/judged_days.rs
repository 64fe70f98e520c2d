//! Verdicts of whole days, kept: every night yesterday's, and what no night has judged.

use crate::domain::identity::{HsaId, PatientId};
use crate::domain::review::calendar::{begins, day_bounds};
use crate::domain::review::lawfulness::RULES;
use crate::domain::review::verdict::{AccessVerdict, Remark, VerdictClass};
use crate::domain::time::{Timestamp, local};
use crate::procedures::failure::StoreError;
use crate::procedures::judging::{JudgedPeriod, complete_from, judge};
use crate::procedures::people::on_duty::People;
use crate::procedures::tenants::Tenant;
use crate::store::log::accesses::AccessRow;
use crate::store::review::verdicts::{JudgedDay, KeptVerdict};
use chrono::{Days, Months, NaiveDate, TimeDelta, Timelike};
use std::collections::{BTreeSet, HashMap, HashSet};

/// How many days back there are verdicts.
const DAYS_BACK: u64 = 400;
/// Days on which yesterday is judged again, because records reach the log late.
const AGAIN_AFTER: u64 = 7;
/// What was stored so long ago can be read, if it ever can.
const SETTLED: TimeDelta = TimeDelta::minutes(1);
/// From this hour on yesterday is over for most systems.
const NIGHT: u32 = 2;

/// What is collected of a day.
#[derive(Default)]
struct Collected {
    posts: HashMap<i64, KeptVerdict>,
    patients: HashMap<String, HashSet<u64>>,
    own_system: String,
}

impl Collected {
    fn add(&mut self, row: &AccessRow, patient: &PatientId, verdict: &AccessVerdict) {
        let user = HsaId::new(&row.user_id).map(|id| id.key()).unwrap_or_default();
        if !row.is_of_review(&self.own_system) {
            self.patients.entry(user).or_default().insert(hash_of(patient.key()));
        }
        if verdict.class == VerdictClass::Own && verdict.remarks.is_empty() {
            return;
        }
        let kept = KeptVerdict {
            entry_number: row.entry_number,
            activity_at: row.activity_at,
            class: verdict.class.name().to_owned(),
            remarks: verdict.remarks.iter().map(Remark::to_string).collect(),
        };
        let gravest = self.posts.entry(row.entry_number).or_insert_with(|| kept.clone());
        if VerdictClass::named(&gravest.class).is_some_and(|class| verdict.class < class) {
            *gravest = kept;
        }
    }

    fn day(self, posts: u64) -> JudgedDay {
        let count = |patients: HashSet<u64>| i32::try_from(patients.len()).unwrap_or(i32::MAX);
        JudgedDay {
            posts,
            verdicts: self.posts.into_values().collect(),
            users: self.patients.into_iter().map(|(user, of)| (user, count(of))).collect(),
        }
    }
}

/// Patients are only told apart here.
fn hash_of(patient: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    patient.hash(&mut hasher);
    hasher.finish()
}

impl People {
    /// Judges the latest day of a tenant that is over and not judged, or was judged before all of it had come; `false`: there is
    /// none.
    ///
    /// # Errors
    /// The store's.
    pub async fn judge_next_day(
        &self,
        tenant: &Tenant,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let store = &self.services.store;
        let here = local(now);
        let mut last = here.date() - Days::new(1);
        if here.hour() < NIGHT {
            last = last - Days::new(1);
        }
        let since = last - Days::new(DAYS_BACK);
        let Some(first) = store.available_records(tenant.id).await?.first_at else {
            return Ok(false);
        };
        let first = local(first).date().max(since);
        let judged: BTreeSet<NaiveDate> = store
            .judged_days(tenant.id, RULES, since, (AGAIN_AFTER, now))
            .await?
            .into_iter()
            .collect();
        let open =
            first.iter_days().take_while(|day| *day <= last).filter(|day| !judged.contains(day));
        let Some(day) = open.last() else { return Ok(false) };
        self.judge_day(tenant, day, now).await?;
        Ok(true)
    }

    /// Judges a day, and keeps that.
    ///
    /// # Errors
    /// The store's.
    pub async fn judge_day(
        &self,
        tenant: &Tenant,
        day: NaiveDate,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let store = &self.services.store;
        let years = self.retention.blocks.years.min(self.retention.assertions.years);
        let holds = |provider: &HsaId| tenant.may_hold(provider).is_ok();
        let period = JudgedPeriod {
            tenant: tenant.id,
            interval: day_bounds(day),
            complete_from: complete_from(store, tenant.id, years, now).await?,
            holds_blocks_of: &holds,
        };
        let own_system = self.system.0.key();
        let mut collected = Collected { own_system, ..Collected::default() };
        let counts =
            judge(store, &period, |row, of, verdict| collected.add(row, of, verdict), |_| {})
                .await?;
        let judged = collected.day(counts.posts.values().sum());
        store.keep_judged_day(tenant.id, (day, period.interval), &judged, (RULES, now)).await
    }

    /// What is done once a day beside: posts that came late reach lists, and let their days be judged again; what retention has
    /// removed leaves what was made of it (R25).
    ///
    /// # Errors
    /// The store's.
    pub async fn tidy_reviews(&self, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
        let store = &self.services.store;
        let years = self.retention.log_records.years;
        let before = now.checked_sub_months(Months::new(12 * years)).unwrap_or(now);
        store.forget_removed_posts(tenant.id, before).await?;
        store.forget_old_verdicts(tenant.id, (local(before).date(), before)).await?;
        let facts = self.tenant_facts(tenant, now).await?;
        for state in ["listed", "under_review"] {
            for review in store.reviews_in_state(tenant.id, state, 20_000, now).await? {
                if let Err(error) = self.append_late(tenant, &review, &facts, now).await {
                    tracing::error!(review = review.review_number, %error, "late posts are not in their list");
                }
            }
        }
        let since = local(now).date() - Days::new(DAYS_BACK);
        store.reopen_judged_days(tenant.id, (since, now - SETTLED)).await?;
        Ok(())
    }

    /// Counts the surnames of the year's patients (Q2).
    ///
    /// # Errors
    /// The store's.
    pub async fn count_surnames(&self, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
        let year_ago = begins(local(now).date() - Days::new(365));
        self.services.store.count_surnames(tenant.id, (year_ago, now)).await
    }
}
