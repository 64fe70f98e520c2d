//! Another producer's assertions, a page at a time over GetConsentsForCareProvider.

use super::contract_call::{Remote, RemoteError};
use crate::domain::consent::import::AssertionCopy;
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::time::{Ambiguous, Timestamp};
use crate::messages::consent::copies::{basic_copy, ending};
use crate::messages::generated::consent::v2 as wire;
use crate::messages::generated::{ConsentInteraction, Interaction};
use crate::messages::result::consent_class;
use crate::messages::time::{instant, wire_time};
use crate::soap::xml::{DateTime, Writer};

/// One page; the contract leaves its size to the producer.
const PAGE_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Another producer, and whose assertions it is asked for.
#[derive(Debug)]
pub struct Producer<'r> {
    /// How it is called.
    pub remote: &'r Remote,
    /// Whose assertions.
    pub care_provider: &'r HsaId,
    /// The system that they are copies from.
    pub source: &'r HsaId,
}

/// A page as it came.
#[derive(Debug)]
pub struct ReadPage {
    /// Valid assertions.
    pub copies: Vec<AssertionCopy>,
    /// Those that have ended, and when.
    pub ended: Vec<(RecordId, Timestamp)>,
    /// Entries that make no sense.
    pub unreadable: usize,
    /// The cursor of the next page, as it is sent back.
    pub next: String,
    /// Whether there is one.
    pub more: bool,
}

impl Producer<'_> {
    /// Reads the page at a cursor, or the first one.
    ///
    /// # Errors
    /// That there is no answer, or that it cannot be understood.
    pub async fn page(
        &self,
        cursor: Option<&str>,
        now: Timestamp,
    ) -> Result<ReadPage, RemoteError> {
        let write = |out: &mut Writer| {
            out.raw(wire::GetConsentsForCareProvider::OPEN);
            out.text("<r:careProviderId>", self.care_provider.as_str(), "</r:careProviderId>");
            if let Some(cursor) = cursor {
                out.text("<r:createdOnOrAfter>", cursor, "</r:createdOnOrAfter>");
            }
            out.raw("<r:getCancelledFlag>true</r:getCancelledFlag>");
            out.raw(wire::GetConsentsForCareProvider::CLOSE);
        };
        let interaction = Interaction::Consent(ConsentInteraction::GetConsentsForCareProvider);
        let answer = self.remote.call(interaction, PAGE_BYTES_MAX, write, |reader| {
            let result = wire::GetConsentsForCareProviderResponse::read(reader)?;
            let result = result.get_all_assertions_result;
            let (mut copies, mut ended, mut unreadable) = (Vec::new(), Vec::new(), 0);
            for assertion in &result.assertions {
                match basic_copy(assertion, self.source, now) {
                    Ok(copy) => copies.push(copy),
                    Err(_) => unreadable += 1,
                }
            }
            for entry in &result.cancelled_assertions {
                match ending(entry) {
                    Ok(ending) => ended.push(ending),
                    Err(_) => unreadable += 1,
                }
            }
            let (next, more) = (cursor_text(result.more_on_or_after), result.has_more);
            let page = ReadPage { copies, ended, unreadable, next, more };
            Ok((result.result.result_code, page))
        });
        let (code, page) = answer.await?;
        consent_class(code).map_err(RemoteError::Refused)?;
        Ok(page)
    }
}

/// The cursor as it is sent back.
fn cursor_text(cursor: DateTime) -> String {
    let mut out = Writer::with_capacity(32);
    out.date_time("", &wire_time(instant(cursor, Ambiguous::Earlier)), false, "");
    out.take()
}
