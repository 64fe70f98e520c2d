//! Another producer's assertions, read page by page over GetConsentsForCareProvider.

use super::import::{BATCH_ROWS, Copy, Counts, basic_copy, ending, take_up, take_up_endings};
use crate::contracts::convert::{instant, wire_time};
use crate::contracts::generated::Interaction;
use crate::contracts::generated::consent::v2 as wire;
use crate::contracts::remote::{Remote, RemoteError};
use crate::contracts::result::consent_outcome;
use crate::contracts::tenants::Tenant;
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::time::{Ambiguous, Clock, Timestamp};
use crate::soap::xml::{DateTime, Writer};
use crate::store::{Store, StoreError};

/// One page; the contract leaves its size to the producer.
const PAGE_BYTES_MAX: usize = 512 * 1024 * 1024;

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

/// A page as it came.
struct Page {
    copies: Vec<Copy>,
    /// Values that make no sense.
    refused: usize,
    ended: Vec<(RecordId, Timestamp)>,
    next: DateTime,
    more: bool,
}

/// What is read, and for whom.
#[derive(Debug)]
pub struct Reading<'r> {
    /// Where the copies go.
    pub store: &'r Store,
    /// Whose they become.
    pub tenant: &'r Tenant,
    /// The other producer.
    pub producer: &'r Remote,
    /// Whose assertions.
    pub care_provider: &'r HsaId,
    /// The system that they are copies from.
    pub source: &'r HsaId,
    /// The time.
    pub clock: &'r Clock,
}

impl Reading<'_> {
    /// Reads from where the last reading ended, to the end; after each page `progress` is told
    /// the counts so far and how many values made no sense.
    ///
    /// # Errors
    /// What kept it from reading on; the next reading goes on where this one ended.
    pub async fn run(
        &self,
        mut progress: impl FnMut(&Counts, usize),
    ) -> Result<(Counts, usize), ProducerError> {
        let (mut counts, mut refused) = (Counts::default(), 0);
        let (store, tenant, source) = (self.store, self.tenant, self.source);
        let mut cursor = store.import_cursor(tenant.id, source, self.care_provider).await?;
        loop {
            let now = self.clock.now();
            let page = self.page(cursor.as_deref(), now).await?;
            for batch in page.copies.chunks(BATCH_ROWS) {
                take_up(store, tenant, source, batch, now, &mut counts).await?;
            }
            for batch in page.ended.chunks(BATCH_ROWS) {
                take_up_endings(store, tenant, source, batch, now, &mut counts).await?;
            }
            refused += page.refused;
            progress(&counts, refused);
            let next = text(page.next);
            if page.more && cursor.as_ref() == Some(&next) {
                return Err(ProducerError::Stuck(next));
            }
            store.keep_import_cursor(tenant.id, source, self.care_provider, &next).await?;
            cursor = Some(next);
            if !page.more {
                return Ok((counts, refused));
            }
        }
    }

    async fn page(&self, cursor: Option<&str>, now: Timestamp) -> Result<Page, RemoteError> {
        let write = |out: &mut Writer| {
            out.raw(wire::GetConsentsForCareProvider::OPEN);
            out.text("<r:careProviderId>", self.care_provider.as_str(), "</r:careProviderId>");
            if let Some(cursor) = cursor {
                out.text("<r:createdOnOrAfter>", cursor, "</r:createdOnOrAfter>");
            }
            out.raw("<r:getCancelledFlag>true</r:getCancelledFlag>");
            out.raw(wire::GetConsentsForCareProvider::CLOSE);
        };
        let interaction = Interaction::GetConsentsForCareProvider;
        let answer = self.producer.call(interaction, PAGE_BYTES_MAX, write, |reader| {
            let result = wire::GetConsentsForCareProviderResponse::read(reader)?;
            let result = result.get_all_assertions_result;
            let (mut copies, mut refused) = (Vec::new(), 0);
            for assertion in &result.assertions {
                match basic_copy(assertion, self.source, now) {
                    Ok(copy) => copies.push(copy),
                    Err(_) => refused += 1,
                }
            }
            let ended = result.cancelled_assertions.iter().filter_map(ending).collect();
            let (next, more) = (result.more_on_or_after, result.has_more);
            Ok((result.result.result_code, Page { copies, refused, ended, next, more }))
        });
        let (code, page) = answer.await?;
        consent_outcome(code).map_err(RemoteError::Refused)?;
        Ok(page)
    }
}

/// The cursor as it is sent back.
fn text(cursor: DateTime) -> String {
    let mut out = Writer::with_capacity(32);
    out.date_time("", &wire_time(instant(cursor, Ambiguous::Earlier)), false, "");
    out.take()
}
