//! What the review does by itself: rounds, one process at a time. Each step goes on where the last one ended.

use crate::domain::review::calendar::ReviewMonth;
use crate::domain::review::lifecycle::ReviewState;
use crate::domain::time::Timestamp;
use crate::procedures::failure::StoreError;
use crate::procedures::people::on_duty::People;
use crate::procedures::tenants::Tenant;
use crate::store::review::reviews::StoredReview;
use chrono::SubsecRound;

impl People {
    /// A round over every tenant; whether something may follow at once.
    ///
    /// # Errors
    /// The store's: the rest is done by the next round.
    pub async fn review_round(&self, now: Timestamp) -> Result<bool, StoreError> {
        // Stored times have fewer digits than clocks.
        let now = now.trunc_subsecs(3);
        let mut goes_on = false;
        for tenant in self.services.tenants.all() {
            self.owe_reviews(tenant, now).await?;
            goes_on |= self.announce_reviews(tenant, now).await? > 0;
            goes_on |= self.draw_reviews(tenant, |_| now).await? > 0;
            self.review_watched(tenant, now).await?;
            self.review_emergencies(tenant, now).await?;
            goes_on |= self.list_due(tenant, |_| now).await?;
            self.services.store.lapse_reviews(tenant.id, ReviewMonth::at(now).first()).await?;
            self.remind(tenant, now).await?;
            self.tell_reminders(tenant, now).await?;
        }
        Ok(goes_on)
    }

    /// Lists everything that is drawn or opened; whether it was any. `when` says when that is.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_due(
        &self,
        tenant: &Tenant,
        when: impl Fn(&StoredReview) -> Timestamp,
    ) -> Result<bool, StoreError> {
        let store = &self.services.store;
        let mut listed = 0;
        for state in [ReviewState::Drawn, ReviewState::Opened] {
            if !store.reviews_in_state(tenant.id, state.name(), 1).await?.is_empty() {
                let facts = self.tenant_facts(tenant, self.clock.now()).await?;
                listed += self.list_step(tenant, state.name(), &facts, &when).await?;
            }
        }
        Ok(listed > 0)
    }
}
