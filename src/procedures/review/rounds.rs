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
        let (mut goes_on, mut failed) = (false, None);
        for tenant in self.services.tenants.all() {
            // What fails in one step of one tenant keeps nobody else's from being done.
            let done = [
                self.owe_reviews(tenant, now).await.map(|_| false),
                self.announce_reviews(tenant, now).await.map(|count| count > 0),
                self.draw_reviews(tenant, |_| now).await.map(|count| count > 0),
                self.review_watched(tenant, now).await.map(|()| false),
                self.review_emergencies(tenant, now).await.map(|()| false),
                self.review_requests(tenant, now).await.map(|()| false),
                self.list_due(tenant, |_| now).await,
                self.lapse(tenant, now).await.map(|()| false),
                self.remind(tenant, now).await.map(|()| false),
                self.seal_conclusions(tenant, now).await.map(|()| false),
                self.mend_holds(tenant, now).await.map(|()| false),
                self.tell_reminders(tenant, now).await.map(|()| false),
            ];
            for step in done {
                match step {
                    Ok(more) => goes_on |= more,
                    Err(error) => {
                        tracing::error!(%error, tenant = &*tenant.name, "a step of the review failed");
                        failed = failed.or(Some(error));
                    }
                }
            }
        }
        failed.map_or(Ok(goes_on), Err)
    }

    async fn lapse(&self, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
        let this = ReviewMonth::at(now).first();
        self.services.store.lapse_reviews(tenant.id, this).await.map(|_| ())
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
            if !store
                .reviews_in_state(tenant.id, state.name(), 1, self.clock.now())
                .await?
                .is_empty()
            {
                let facts = self.tenant_facts(tenant, self.clock.now()).await?;
                listed += self.list_step(tenant, state.name(), &facts, &when).await?;
            }
        }
        Ok(listed > 0)
    }
}
