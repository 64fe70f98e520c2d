//! Copies of assertions from local systems: out of a file, or from another producer.

use super::convert;
use crate::contracts::convert::{instant, owned};
use crate::contracts::generated::consent::v2 as wire;
use crate::contracts::generated::ns;
use crate::contracts::tenants::Tenant;
use crate::domain::consent_import::{Since, Step, earlier_end, take};
use crate::domain::consent_lifecycle::{AssertionHistory, PatientWish};
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Timestamp};
use crate::soap::xml::{self, Charset, ReadError, Reader};
use crate::store::assertion_history::StoredAssertion;
use crate::store::{Change, ChangeDomain, Store, StoreError};

/// Elements in a file; a file is bounded by memory.
const ELEMENTS_MAX: usize = 500_000_000;
/// Copies taken up in one transaction.
pub const BATCH_ROWS: usize = 200;

/// A copy, as its system tells it.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The assertion, and what has happened to it.
    pub history: AssertionHistory,
    /// The system that registered it there.
    pub owner_id: Option<String>,
}

/// What became of the copies of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
}

/// Reads every `pdlAssertions` element of a document, of the type `ExtendedPDLAssertionType`,
/// wherever it stands: an answer of GetExtendedConsentsForPatient or
/// GetAllExtendedConsentsForPatient, or any document around them. `take` is handed copies, or
/// what is wrong with one; it says whether to go on.
///
/// # Errors
/// Only when the document is not XML.
pub fn read(
    document: &[u8],
    mut take: impl FnMut(Result<Copy, Rejection>) -> bool,
) -> Result<(), String> {
    let text = xml::decode(document, Charset::Unstated).map_err(|e| e.to_string())?;
    let broken = |error: ReadError| match error {
        ReadError::Malformed(malformed) => malformed.to_string(),
        ReadError::Invalid(violation) => violation.to_string(),
    };
    let mut reader = Reader::new(&text, ns::of_uri).map_err(broken)?;
    reader.limit_elements(ELEMENTS_MAX);
    let found = reader.scan(
        ns::CONSENT_2,
        "pdlAssertions",
        |r| Ok(convert::copy(&wire::ExtendedPDLAssertion::read(r)?)),
        |copy| {
            take(copy.unwrap_or_else(|violation| {
                Err(Rejection::validation(format!("pdlAssertions/{violation}")))
            }))
        },
    );
    found.map_err(broken)
}

/// Takes copies up, all or none.
///
/// # Errors
/// The store's.
pub async fn take_up(
    store: &Store,
    tenant: &Tenant,
    source: &HsaId,
    copies: &[Copy],
    now: Timestamp,
    counts: &mut Counts,
) -> Result<(), StoreError> {
    let mut done = *counts;
    let mut change = store.change(tenant.id, ChangeDomain::Consent, now).await?;
    for copy in copies {
        let assertion = &copy.history.registration.assertion;
        if tenant.may_hold(&assertion.care_provider).is_err() {
            done.elsewhere += 1;
            continue;
        }
        let stored = change.assertion(&assertion.id).await?;
        let known = stored.as_ref().map(|s| (&s.history, s.source.as_deref()));
        let step = take(known, &copy.history, source.as_str());
        match (step, stored) {
            (Step::Insert, _) => {
                insert(&mut change, copy, source).await?;
                done.new += 1;
            }
            (Step::Update(since), Some(stored)) => {
                let Since { cancel, delete, end } = *since;
                if let Some(action) = cancel {
                    change.cancel_assertion(stored.number, &action).await?;
                }
                if let Some(action) = delete {
                    change.delete_assertion(stored.number, &action).await?;
                }
                if let Some(end) = end {
                    set_end(&mut change, &stored, end, source).await?;
                }
                done.updated += 1;
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

async fn insert(change: &mut Change, copy: &Copy, source: &HsaId) -> Result<(), StoreError> {
    let (history, owner) = (&copy.history, copy.owner_id.as_deref());
    let number =
        change.insert_assertion(&history.registration, owner, Some(source.as_str())).await?;
    if let Some(action) = &history.cancelled {
        change.cancel_assertion(number, action).await?;
    }
    if let Some(action) = &history.deleted {
        change.delete_assertion(number, action).await?;
    }
    Ok(())
}

/// An earlier end: whoever set it there, it is told here like one that the patient has set.
async fn set_end(
    change: &mut Change,
    stored: &StoredAssertion,
    end: Timestamp,
    source: &HsaId,
) -> Result<(), StoreError> {
    let wish = PatientWish { end: Some(end), represented_by: None };
    change.end_assertion_by_patient(stored.number, end, &wish, Some(source.as_str())).await
}

/// Takes up that assertions were ended or annulled at their source, which says no more than when.
///
/// # Errors
/// The store's.
pub async fn take_up_endings(
    store: &Store,
    tenant: &Tenant,
    source: &HsaId,
    ended: &[(RecordId, Timestamp)],
    now: Timestamp,
    counts: &mut Counts,
) -> Result<(), StoreError> {
    let mut done = *counts;
    let mut change = store.change(tenant.id, ChangeDomain::Consent, now).await?;
    for (id, at) in ended {
        let Some(stored) = change.assertion(id).await? else { continue };
        if stored.source.as_deref() != Some(source.as_str()) {
            done.kept += 1;
            continue;
        }
        match earlier_end(&stored.history.registration.assertion, Some(*at)) {
            Some(end) => {
                set_end(&mut change, &stored, end, source).await?;
                done.updated += 1;
            }
            None => done.unchanged += 1,
        }
    }
    change.commit().await?;
    *counts = done;
    Ok(())
}

/// A valid assertion in the basic format, which does not tell who registered it: the source
/// stands for whom it does not name.
///
/// # Errors
/// The first value that makes no sense.
pub(super) fn basic_copy(
    assertion: &wire::PDLAssertion<'_>,
    source: &HsaId,
    now: Timestamp,
) -> Result<Copy, Rejection> {
    let action = convert::action_of_system(source, now);
    Ok(Copy {
        history: convert::history_of(assertion, None, action, now)?,
        owner_id: owned(assertion.owner_id.as_ref()),
    })
}

/// When an ended assertion stopped being valid.
pub(super) fn ending(ended: &wire::CancelledAssertion<'_>) -> Option<(RecordId, Timestamp)> {
    let id = RecordId::new(&ended.assertion_id)?;
    Some((id, instant(ended.cancellation_date, Ambiguous::Earlier)))
}
