//! Copies of assertions from local systems: out of a file, or from another producer.

use crate::clock::Clock;
use crate::domain::consent::assertion::PatientEnd;
use crate::domain::consent::import::{
    AssertionCopy, Since, Step, earlier_end, is_left_open, start_of, take,
};
use crate::domain::consent::lifecycle::{AssertionRemoval, PatientWish};
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::time::Timestamp;
use crate::peers::contract_call::RemoteError;
use crate::peers::producer::Producer;
use crate::procedures::tenants::Tenant;
use crate::store::change::{Change, ChangeDomain};
use crate::store::consent::assertions::AssertionNumber;
use crate::store::database::Store;
use crate::store::error::StoreError;

/// Copies taken up in one transaction.
pub const BATCH_ROWS: usize = 200;
/// Endings that were not taken over are named up to this many.
const NAMED_MAX: usize = 100;

/// What became of the copies of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Stored.
    pub new: usize,
    /// Known, and ended or annulled since.
    pub updated: usize,
    /// Known, with nothing new.
    pub unchanged: usize,
    /// Left alone: an original or another system's copy has the id.
    pub kept: usize,
    /// Left alone: they say something else than before.
    pub differing: usize,
    /// Left alone: their care provider belongs elsewhere.
    pub elsewhere: usize,
    /// Ended at the source, and by what was left alone still open here.
    pub left_open: usize,
    /// The ids of the first of them.
    pub left_open_ids: Vec<String>,
    /// Endings of assertions that are not here: there is nothing to end.
    pub unknown_endings: usize,
}

impl Counts {
    fn leave_open(&mut self, id: &RecordId) {
        self.left_open += 1;
        if self.left_open_ids.len() < NAMED_MAX {
            self.left_open_ids.push(id.as_str().to_owned());
        }
    }

    /// Copies in all.
    pub fn copies(&self) -> usize {
        self.new + self.updated + self.unchanged + self.kept + self.differing + self.elsewhere
    }

    /// Whether everything was taken up that should be; originals that say the same are no fault.
    pub fn is_whole(&self) -> bool {
        self.differing + self.elsewhere + self.left_open == 0
    }
}

/// Where copies go, and whose they are.
#[derive(Debug, Clone, Copy)]
pub struct Import<'r> {
    /// The store.
    pub store: &'r Store,
    /// Whose they become.
    pub tenant: &'r Tenant,
    /// The system that they are copies from.
    pub source: &'r HsaId,
}

impl Import<'_> {
    /// Takes copies up, all or none.
    ///
    /// # Errors
    /// The store's.
    pub async fn take_up(
        &self,
        copies: &[AssertionCopy],
        now: Timestamp,
        counts: &mut Counts,
    ) -> Result<(), StoreError> {
        let mut done = counts.clone();
        let mut change =
            self.store.change(self.tenant.id, None, ChangeDomain::Consent, now).await?;
        for copy in copies {
            let new = &copy.registration;
            let elsewhere = self.tenant.may_hold(&new.content.care_provider).is_err();
            let (number, stored) = change.find_assertion(&new.id).await?.unzip();
            let step = take(stored.as_ref(), copy, self.source);
            if (elsewhere || matches!(step, Step::Kept | Step::Differs))
                && stored.as_ref().is_some_and(|stored| is_left_open(stored, copy, now))
            {
                done.leave_open(&new.id);
            }
            if elsewhere {
                done.elsewhere += 1;
                continue;
            }
            match (step, number) {
                (Step::Update(since), Some(number)) => {
                    self.update(&mut change, number, *since).await?;
                    done.updated += 1;
                }
                (Step::Insert, _) => {
                    self.insert(&mut change, copy).await?;
                    done.new += 1;
                }
                (Step::Kept, _) => done.kept += 1,
                (Step::Differs, _) => done.differing += 1,
                (Step::Nothing | Step::Update(_), _) => done.unchanged += 1,
            }
        }
        change.commit().await?;
        *counts = done;
        Ok(())
    }

    async fn insert(&self, change: &mut Change, copy: &AssertionCopy) -> Result<(), StoreError> {
        let start = start_of(copy);
        let number = change.insert_assertion(&copy.registration, start, Some(self.source)).await?;
        match &copy.removal {
            None => Ok(()),
            Some(AssertionRemoval::Cancelled(action)) => {
                change.cancel_assertion(number, action).await
            }
            Some(AssertionRemoval::Deleted { action, cancelled }) => {
                if let Some(cancelled) = cancelled {
                    change.cancel_assertion(number, cancelled).await?;
                }
                change.delete_assertion(number, action).await
            }
        }
    }

    async fn update(
        &self,
        change: &mut Change,
        number: AssertionNumber,
        since: Since,
    ) -> Result<(), StoreError> {
        if let Some(action) = since.cancel {
            change.cancel_assertion(number, &action).await?;
        }
        if let Some(action) = since.delete {
            change.delete_assertion(number, &action).await?;
        }
        match since.end {
            Some(end) => self.set_end(change, number, end).await,
            None => Ok(()),
        }
    }

    /// An earlier end: whoever set it there, it is told here like one that the patient has set.
    async fn set_end(
        &self,
        change: &mut Change,
        number: AssertionNumber,
        end: Timestamp,
    ) -> Result<(), StoreError> {
        let wish = PatientWish { end: Some(end), represented_by: None };
        let set = PatientEnd { stored_at: change.stored_at(), end, at_once: false };
        change.end_assertion_by_patient(number, set, &wish, Some(self.source.as_str())).await
    }

    /// Takes up that assertions were ended or annulled at their source, which says no more than
    /// when.
    ///
    /// # Errors
    /// The store's.
    async fn take_up_endings(
        &self,
        ended: &[(RecordId, Timestamp)],
        now: Timestamp,
        counts: &mut Counts,
    ) -> Result<(), StoreError> {
        let mut done = counts.clone();
        let mut change =
            self.store.change(self.tenant.id, None, ChangeDomain::Consent, now).await?;
        for (id, at) in ended {
            let Some((number, stored)) = change.find_assertion(id).await? else {
                done.unknown_endings += 1;
                continue;
            };
            if stored.assertion.source.as_ref() != Some(self.source) {
                done.kept += 1;
                if stored.assertion.is_valid(now) {
                    done.leave_open(id);
                }
                continue;
            }
            match earlier_end(&stored, Some(*at)) {
                Some(end) => {
                    self.set_end(&mut change, number, end).await?;
                    done.updated += 1;
                }
                None => done.unchanged += 1,
            }
        }
        change.commit().await?;
        *counts = done;
        Ok(())
    }

    /// Reads another producer from where the last reading ended, to the end; after each page
    /// `progress` is told the counts so far. Returns them, and how many entries made no sense.
    ///
    /// # Errors
    /// What kept it from reading on; the next reading goes on where this one ended.
    pub async fn read(
        &self,
        producer: &Producer<'_>,
        clock: &Clock,
        mut progress: impl FnMut(&Counts),
    ) -> Result<(Counts, usize), ProducerError> {
        let (mut counts, mut unreadable) = (Counts::default(), 0);
        let (store, tenant, provider) = (self.store, self.tenant.id, producer.care_provider);
        let mut cursor = store.find_import_cursor(tenant, self.source, provider).await?;
        loop {
            let now = clock.now();
            let page = producer.page(cursor.as_deref(), now).await?;
            for batch in page.copies.chunks(BATCH_ROWS) {
                self.take_up(batch, now, &mut counts).await?;
            }
            for batch in page.ended.chunks(BATCH_ROWS) {
                self.take_up_endings(batch, now, &mut counts).await?;
            }
            unreadable += page.unreadable;
            progress(&counts);
            if page.more && cursor.as_ref() == Some(&page.next) {
                return Err(ProducerError::Stuck(page.next));
            }
            store.keep_import_cursor(tenant, self.source, provider, &page.next).await?;
            cursor = Some(page.next);
            if !page.more {
                return Ok((counts, unreadable));
            }
        }
    }
}

/// Why a producer could not be read to the end. What was read before is kept.
#[derive(Debug, thiserror::Error)]
pub enum ProducerError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No answer.
    #[error("the producer: {0}")]
    Remote(#[from] RemoteError),
    /// It says that there is more, and gives the same page again.
    #[error("the producer does not get past {0}")]
    Stuck(String),
}
