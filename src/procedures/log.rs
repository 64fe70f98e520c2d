//! Keeps log records, all of a call or none.

use super::context::Context;
use super::failure::Failure;
use super::tenants::Tenant;
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::log::record::{IdHash, LogEntry, Repetition, judge_repetitions};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::store::log::copy_rows::EncodedLog;
use crate::store::log::writer::Stored;
use std::collections::HashMap;

/// Stores the records of a call; done means durable.
///
/// # Errors
/// Why they are refused, or the store's; the caller may send the same again.
pub async fn store(context: &Context<'_>, log: EncodedLog) -> Result<(), Failure> {
    let policy = context.services.repeated_log_id;
    match context.services.log_writers.store(log, policy).await? {
        Stored::Done => Ok(()),
        Stored::Refused(repetitions) => Ok(judge_repetitions(&repetitions, policy)?),
    }
}

/// The records as they will be stored: they need not borrow from their request any more.
///
/// # Errors
/// That a record's owner belongs elsewhere.
pub fn encoded(
    tenant: &Tenant,
    entries: &[LogEntry<'_>],
    now: Timestamp,
) -> Result<EncodedLog, Rejection> {
    let mut encoded = EncodedLog::with_capacity(entries.len());
    let mut seen: HashMap<IdHash, usize> = HashMap::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        // Blank ids have been refused where the message was read.
        let named = HsaId::new(entry.care_provider.id).zip(RecordId::new(entry.id));
        let Some((owner, id)) = named else { continue };
        tenant.may_hold(&owner)?;
        let first = *seen.entry(IdHash::of(&id)).or_insert(index);
        if first == index {
            encoded.push(tenant.id.0, &id, entry, now);
        } else {
            let identical = entries.get(first) == Some(entry);
            encoded.repeated_within.push(Repetition { id: entry.id.to_owned(), identical });
        }
    }
    Ok(encoded)
}
