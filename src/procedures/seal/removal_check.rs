//! Whether removals were lawful, and holds are what was sealed.

use super::identity::SealIdentity;
use super::log_seal::SealError;
use super::verification::{Verification, Verifier, signed};
use crate::procedures::retention::LEAST_YEARS;
use crate::store::log::seal::findings::NewFinding;
use crate::store::log::seal::notices::StoredNotice;
use crate::store::log::seal::removed::{RemovalRow, hash_of};
use chrono::{DateTime, Months};
use sigill_seal::entry::Kind;
use sigill_seal::leaf_set;
use std::collections::{BTreeMap, HashMap};

const YEARS: u32 = LEAST_YEARS;

/// Each removal took leaves that were signed five years before it was sealed, and those that its notice says.
pub(super) async fn removals(
    verifier: &Verifier,
    removals: &[RemovalRow],
    identities: &[SealIdentity],
    found: &mut Verification,
) -> Result<(), SealError> {
    let notices = verifier.store.notices(&[Kind::Removal]).await?;
    let sets: HashMap<i64, &RemovalRow> =
        removals.iter().map(|removal| (removal.entry_number, removal)).collect();
    for notice in &notices {
        let number = notice.entry_number;
        let hash = notice.values("leaves").next();
        let set = sets.get(&number).filter(|set| Some(hash_of(&set.leaves).as_str()) == hash);
        let Some(ranges) = set.and_then(|set| leaf_set::read(&set.leaves)) else {
            let detail = format!(
                "removal {number}: the leaves that are said to be removed are not those that were sealed: the set was changed"
            );
            found.find([about(number, "removal differs", detail)]);
            continue;
        };
        if let Some(end) = ranges.last().map(|range| range.end)
            && !is_lawful(verifier, identities, notice, end).await?
        {
            let detail = format!(
                "removal {number}: it took records that no checkpoint shows to have been there {YEARS} years before it was \
                 sealed: they were removed too early"
            );
            found.find([about(number, "unlawful removal", detail)]);
        }
    }
    for removal in removals {
        if !notices.iter().any(|notice| notice.entry_number == removal.entry_number) {
            let number = removal.entry_number;
            let detail =
                format!("removal {number}: there is no notice of it: it was made by somebody else");
            found.find([about(number, "removal differs", detail)]);
        }
    }
    Ok(())
}

/// Whether leaves up to this one were signed five years before the notice was.
async fn is_lawful(
    verifier: &Verifier,
    identities: &[SealIdentity],
    notice: &StoredNotice,
    end: u64,
) -> Result<bool, SealError> {
    // Until it is signed the time of storing stands for it.
    let sealed = match verifier.store.first_checkpoint_with(notice.entry_number).await? {
        Some(note) => signed(identities, &note).and_then(|(_, time)| time),
        None => u64::try_from(notice.stored_at.timestamp()).ok(),
    };
    let before = sealed
        .and_then(|sealed| DateTime::from_timestamp(i64::try_from(sealed).ok()?, 0))
        .and_then(|sealed| sealed.checked_sub_months(Months::new(12 * YEARS)));
    let Some(before) = before else { return Ok(false) };
    let Some(note) = verifier.store.first_checkpoint_from(end).await? else { return Ok(false) };
    let time = signed(identities, &note).and_then(|(_, time)| time);
    Ok(time.is_some_and(|time| i64::try_from(time).is_ok_and(|time| time <= before.timestamp())))
}

/// The holds in force are those that notices say.
pub(super) async fn holds(verifier: &Verifier, found: &mut Verification) -> Result<(), SealError> {
    let mut sealed: BTreeMap<i64, String> = BTreeMap::new();
    for notice in verifier.store.notices(&[Kind::Hold]).await? {
        let Some(number) = notice.values("number").next().and_then(|number| number.parse().ok())
        else {
            continue;
        };
        match notice.body.starts_with("hold lifted\n") {
            true => _ = sealed.remove(&number),
            false => _ = sealed.insert(number, notice.body),
        }
    }
    for hold in verifier.store.holds().await? {
        if sealed.remove(&hold.number).as_deref() != Some(hold.notice().as_str()) {
            let detail = format!(
                "hold {}: it is not the one that was sealed: it was changed, or added",
                hold.number
            );
            found.find([about(hold.number, "hold differs", detail)]);
        }
    }
    found.find(sealed.into_keys().map(|number| {
        let detail = format!("hold {number}: it was sealed, and is not in force: it was lifted or deleted in the database");
        about(number, "hold differs", detail)
    }));
    Ok(())
}

fn about(number: i64, kind: &'static str, detail: String) -> NewFinding {
    NewFinding { kind, entry_number: Some(number), detail, ..NewFinding::default() }
}
