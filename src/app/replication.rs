//! `sigill replication`: how replication stands, and putting the two services right.

use super::{AppError, tenants};
use crate::config::Config;
use crate::contracts::blocking::replicator::{Attempt, Replicator};
use crate::contracts::blocking::resync::{self, Remedy};
use crate::contracts::tenants::{Tenants, Upstream};
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::replication::Difference;
use crate::domain::time::{Clock, Timestamp};
use crate::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Changes listed by `status`.
const LISTED_MAX: usize = 20;

/// A tenant that replicates to a service elsewhere.
struct Replicating {
    name: String,
    tenant: crate::contracts::tenants::Tenant,
    replicator: Arc<Replicator>,
}

async fn replicating(store: &Store, config: &Config) -> Result<Vec<Replicating>, AppError> {
    let Tenants::ByAddress(by_address) = tenants::tenants(store, config).await? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for settings in &config.tenant {
        let address = settings.logical_addresses.first().map(|a| a.trim().to_ascii_lowercase());
        let tenant = address.and_then(|address| by_address.get(&address)).cloned();
        if let Some(tenant) = tenant
            && let Upstream::Elsewhere(replicator) = &tenant.upstream
        {
            let replicator = Arc::clone(replicator);
            found.push(Replicating { name: settings.name.clone(), tenant, replicator });
        }
    }
    Ok(found)
}

/// Says what the national service has not confirmed, of one block or of all.
///
/// # Errors
/// The store's, or settings that cannot be used.
pub async fn status(config: &Config, block: Option<&str>) -> Result<(), AppError> {
    let (store, now) = (super::store_of_running(config).await?, Clock::System.now());
    let block = block.and_then(RecordId::new);
    let replicating = replicating(&store, config).await?;
    if replicating.is_empty() {
        println!("no tenant replicates to a national service elsewhere");
    }
    for Replicating { name, tenant, .. } in &replicating {
        let waiting = store.waiting_replications(tenant.id, block.as_ref(), LISTED_MAX).await?;
        if let Some(block) = &block {
            let known = store.has_block(tenant.id, block).await?;
            println!(
                "{name}: {}",
                match (known, waiting.is_empty()) {
                    (false, _) => "no such block",
                    (true, true) => "replicated",
                    (true, false) => "not replicated",
                }
            );
        } else {
            let all = store.replication_status(&[tenant.id]).await?;
            for status in all.iter().filter(|s| s.tenant == *name) {
                println!(
                    "{name}: {} waiting in {} blocks, {} failing, oldest {}",
                    status.waiting,
                    status.blocks,
                    status.failing,
                    status.oldest_at.map_or("-".into(), |at| age(at, now)),
                );
            }
        }
        for change in waiting {
            println!(
                "  {} {}: {} old, {} attempts, {}",
                change.kind,
                change.block_id,
                age(change.queued_at, now),
                change.attempts,
                change.failure.as_deref().unwrap_or("not tried"),
            );
        }
    }
    store.close().await;
    Ok(())
}

fn age(at: Timestamp, now: Timestamp) -> String {
    format!("{} s", (now - at).num_seconds().max(0))
}

/// Compares every block with the national service, queues what it lacks, sends it, and compares
/// again. `dry` only compares. Returns whether both agree.
///
/// # Errors
/// The store's, settings that cannot be used, or a national service that does not answer.
pub async fn resync(config: &Config, dry: bool) -> Result<bool, AppError> {
    let store = super::store_of_running(config).await?;
    let mut agree = true;
    for (replicating, settings) in replicating(&store, config).await?.iter().zip(
        config.tenant.iter().filter(|t| t.replication.as_ref().is_some_and(|r| r.url.is_some())),
    ) {
        let lasting: Vec<HsaId> =
            settings.care_providers.iter().filter_map(|id| HsaId::new(id)).collect();
        let mut left = compare(&store, replicating, &lasting).await?;
        println!(
            "{}: {} differences",
            replicating.name,
            left.values().map(Vec::len).sum::<usize>()
        );
        if !dry && !left.is_empty() {
            repair(&store, replicating, &left).await?;
            left = compare(&store, replicating, &lasting).await?;
        }
        for (id, differences) in &left {
            for difference in differences {
                println!("  {id}: {}", said(difference));
            }
        }
        agree &= left.is_empty();
    }
    store.close().await;
    Ok(agree)
}

type Differences = BTreeMap<String, Vec<Difference>>;

async fn compare(
    store: &Store,
    of: &Replicating,
    lasting: &[HsaId],
) -> Result<Differences, AppError> {
    let (tenant, national) = (of.tenant.id, of.replicator.national());
    let found = resync::compare(store, tenant, national, lasting, Clock::System.now()).await?;
    let mut by_block = Differences::new();
    for (id, difference) in found {
        by_block.entry(id.as_str().to_owned()).or_default().push(difference);
    }
    Ok(by_block)
}

async fn repair(store: &Store, of: &Replicating, found: &Differences) -> Result<(), AppError> {
    let mut queued = 0;
    for (id, differences) in found {
        let Some(id) = RecordId::new(id) else { continue };
        let now = Clock::System.now();
        let remedies = resync::repair(store, of.tenant.id, &id, differences, now).await?;
        queued += remedies.iter().filter(|r| **r == Remedy::Queued).count();
    }
    // A server that runs sends them too; leases keep us apart.
    let mut confirmed = 0;
    'sending: loop {
        let leased = of.replicator.lease(1).await?;
        if leased.is_empty() {
            break;
        }
        for one in &leased {
            match of.replicator.attempt(one).await? {
                Attempt::Confirmed => confirmed += 1,
                Attempt::Refused => {}
                Attempt::Unanswered => break 'sending,
            }
        }
    }
    println!("{}: {queued} differences queued, {confirmed} changes confirmed", of.name);
    Ok(())
}

fn said(difference: &Difference) -> String {
    match difference {
        Difference::Missing => "the national service does not have it".into(),
        Difference::Surplus => "only the national service has it".into(),
        Difference::MissingRevoke(id) => {
            format!("the national service lacks temporary revoke {}", id.as_str())
        }
        Difference::SurplusRevoke(id) => {
            format!("only the national service has temporary revoke {}", id.as_str())
        }
        Difference::Content => "other content there: to be put right by hand".into(),
    }
}
