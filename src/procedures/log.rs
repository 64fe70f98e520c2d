//! Keeps log records, all of a call or none.

use super::context::Context;
use super::failure::{Failure, StoreError};
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::log::record::{
    FutureActivity, IdHash, LogEntry, Repetition, is_from_the_future, judge_repetitions,
};
use crate::domain::rejection::Rejection;
use crate::domain::review::visit::{is_of_draw, is_of_review};
use crate::domain::trust::caller::HowKnown;
use crate::store::log::copy_rows::EncodedLog;
use crate::store::log::seal::record_entry::Sealing;
use crate::store::log::writer::Stored;
use sigill_seal::record::Salt;
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
/// That a record's owner belongs elsewhere, or its activity to the future; that there are no random bytes.
pub fn encoded(context: &Context<'_>, entries: &[LogEntry<'_>]) -> Result<EncodedLog, Failure> {
    let (tenant, now) = (context.tenant, context.now);
    look_ahead(context, entries)?;
    refuse_our_own(context, entries)?;
    let mut random = vec![0; entries.len() * size_of::<Salt>()];
    (context.services.fill_random)(&mut random).map_err(StoreError::NoRandomness)?;
    let (salts, _) = random.as_chunks();
    let mut encoded = EncodedLog::with_capacity(entries.len());
    let mut seen: HashMap<IdHash, usize> = HashMap::with_capacity(entries.len());
    for ((index, entry), salt) in entries.iter().enumerate().zip(salts) {
        // Blank ids have been refused where the message was read.
        let named = HsaId::new(entry.care_provider.id).zip(RecordId::new(entry.id));
        let Some((owner, id)) = named else { continue };
        context.about(&owner)?;
        tenant.may_hold(&owner)?;
        let first = *seen.entry(IdHash::of(&id)).or_insert(index);
        if first == index {
            let sealing = Sealing {
                tenant: tenant.id.0,
                tenant_name: &tenant.name,
                stored_at: now,
                salt: *salt,
            };
            encoded.push(&sealing, &id, entry);
        } else {
            let identical = entries.get(first) == Some(entry);
            encoded.repeated_within.push(Repetition { id: entry.id.to_owned(), identical });
        }
    }
    Ok(encoded)
}

/// Refuses what says that our own review has logged it, and it has not: no review would have it, or a draw would seem to have
/// been announced twice.
fn refuse_our_own(context: &Context<'_>, entries: &[LogEntry<'_>]) -> Result<(), Rejection> {
    let is_ours = |entry: &LogEntry<'_>| {
        is_of_review(entry, &context.services.own_system) || is_of_draw(entry)
    };
    if context.caller.how_known == HowKnown::Person {
        return Ok(());
    }
    let Some(first) = entries.iter().position(is_ours) else { return Ok(()) };
    Err(Rejection::validation(format!(
        "StoreLog/log[{}]/activity/activityLevel: är förbehållen tjänstens egen granskning",
        first + 1
    )))
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
