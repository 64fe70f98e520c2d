//! Keeps log records, all of a call or none.

use super::context::Context;
use super::failure::Failure;
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::log::record::{
    FutureActivity, IdHash, LogEntry, Repetition, is_from_the_future, judge_repetitions,
};
use crate::domain::rejection::Rejection;
use crate::store::log::copy_rows::EncodedLog;
use crate::store::log::writer::Stored;
use std::collections::HashMap;

/// Stores the records of a call; done means durable.
///
/// # Errors
/// Why they are refused, or the store's; the caller may send the same again.
pub async fn store(context: &Context<'_>, log: EncodedLog) -> Result<(), Failure> {
    let services = context.services;
    services.may_store()?;
    let policy = services.repeated_log_id;
    let stored = services.log_writers.store(context.address, log, policy).await;
    match &stored {
        Err(error) if error.concerns_everybody() => services.health.storing(false),
        Err(_) => {}
        Ok(_) => services.health.storing(true),
    }
    match stored? {
        Stored::Done => Ok(()),
        Stored::Refused(repetitions) => Ok(judge_repetitions(&repetitions, policy)?),
    }
}

/// The records as they will be stored: they need not borrow from their request any more.
///
/// # Errors
/// That a record's owner belongs elsewhere, or its activity to the future.
pub fn encoded(context: &Context<'_>, entries: &[LogEntry<'_>]) -> Result<EncodedLog, Rejection> {
    let (tenant, now) = (context.tenant, context.now);
    look_ahead(context, entries)?;
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

/// Refuses records from the future, or counts them.
fn look_ahead(context: &Context<'_>, entries: &[LogEntry<'_>]) -> Result<(), Rejection> {
    let future = |entry: &&LogEntry<'_>| is_from_the_future(entry, context.now);
    let Some(first) = entries.iter().position(|entry| future(&entry)) else { return Ok(()) };
    match context.services.future_activity {
        FutureActivity::Refuse => Err(Rejection::validation(format!(
            "StoreLog/log[{}]/activity/startDate: ligger mer än ett dygn framåt i tiden",
            first + 1
        ))),
        FutureActivity::Accept => {
            let count = entries.iter().filter(future).count();
            tracing::warn!(count, "log records with an activity in the future");
            context.services.health.stored_from_the_future(count as u64);
            Ok(())
        }
    }
}
