//! `sigill replication`: how replication stands, and putting the two services right.

use super::error::CommandError;
use super::settings::Settings;
use crate::app::store_of_running;
use crate::app::tenants::tenants;
use crate::clock::Clock;
use crate::config::file::Config;
use crate::domain::blocking::difference::Difference;
use crate::domain::blocking::registration::ReplicationWait;
use crate::domain::identity::RecordId;
use crate::domain::time::Timestamp;
use crate::procedures::blocking::resync;
use crate::procedures::tenants::{Tenant, Tenants, Upstream};
use crate::store::database::Store;
use std::collections::BTreeMap;

/// Changes listed by `status`.
const LISTED_MAX: usize = 20;

/// Replication of blocks to a national service elsewhere.
#[derive(Debug, clap::Subcommand)]
pub enum ReplicationCommand {
    /// Say what the national service has not confirmed.
    Status {
        #[command(flatten)]
        settings: Settings,
        /// One block: whether it is replicated.
        #[arg(long)]
        block: Option<String>,
    },
    /// Compare every block with the national service, and send it what it lacks.
    Resync {
        #[command(flatten)]
        settings: Settings,
        /// Only compare.
        #[arg(long)]
        dry_run: bool,
    },
}

impl ReplicationCommand {
    /// Says how replication stands, or puts it right; `false` when the two differ in the end.
    ///
    /// # Errors
    /// The store's, settings that cannot be used, or a national service that does not answer.
    pub async fn run(self) -> Result<bool, CommandError> {
        match self {
            Self::Status { settings, block } => {
                status(&settings.load()?, block.as_deref()).await?;
                Ok(true)
            }
            Self::Resync { settings, dry_run } => resync(&settings.load()?, dry_run).await,
        }
    }
}

/// The local tenants that have a national service above them, by name.
async fn replicating(
    store: &Store,
    config: &Config,
) -> Result<Vec<(String, Tenant)>, CommandError> {
    let Tenants::ByAddress(by_address) = tenants(store, config, &Clock::System).await? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for settings in config.tenant.iter().filter(|settings| settings.replication.is_some()) {
        let address = settings.logical_addresses.first().map(|a| a.trim().to_ascii_lowercase());
        let tenant = address.and_then(|address| by_address.get(&address));
        found.extend(tenant.map(|tenant| (settings.name.clone(), tenant.clone())));
    }
    Ok(found)
}

/// Says what the national service has not confirmed, of one block or of all.
async fn status(config: &Config, block: Option<&str>) -> Result<(), CommandError> {
    let (store, now) = (store_of_running(config).await?, Clock::System.now());
    let block = block.and_then(RecordId::new);
    let replicating = replicating(&store, config).await?;
    if replicating.is_empty() {
        println!("no tenant replicates");
    }
    for (name, tenant) in &replicating {
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
async fn resync(config: &Config, dry: bool) -> Result<bool, CommandError> {
    let store = store_of_running(config).await?;
    let mut agree = true;
    for (name, tenant) in replicating(&store, config).await? {
        let (mut left, mut unreadable) = compare(&store, &tenant).await?;
        println!("{name}: {} differences", left.values().map(Vec::len).sum::<usize>());
        if !dry && !left.is_empty() {
            agree &= repair(&store, &name, &tenant, &left).await?;
            (left, unreadable) = compare(&store, &tenant).await?;
        }
        if unreadable > 0 {
            println!("  {unreadable} blocks of the national service cannot be read");
        }
        for (id, differences) in &left {
            for difference in differences {
                println!("  {id}: {}", said(difference));
            }
        }
        agree &= left.is_empty() && unreadable == 0;
    }
    store.close().await;
    Ok(agree)
}

type Differences = BTreeMap<String, Vec<Difference>>;

async fn compare(store: &Store, tenant: &Tenant) -> Result<(Differences, usize), CommandError> {
    let mut by_block = Differences::new();
    let found = resync::compare(store, tenant, Clock::System.now()).await?;
    for (id, difference) in found.differences {
        by_block.entry(id.as_str().to_owned()).or_default().push(difference);
    }
    Ok((by_block, found.unreadable))
}

/// Returns whether every block could be; one that cannot keeps no other from it.
async fn repair(
    store: &Store,
    name: &str,
    tenant: &Tenant,
    found: &Differences,
) -> Result<bool, CommandError> {
    let mut whole = true;
    let (mut changes, mut waiting) = (0, Vec::new());
    for (id, differences) in found {
        let Some(id) = RecordId::new(id) else { continue };
        let now = Clock::System.now();
        match resync::repair(store, tenant, &id, differences, now).await {
            Ok(repair) => {
                changes += repair.changes;
                waiting.extend(repair.waiting);
            }
            Err(error) => {
                whole = false;
                println!("  {}: not put right: {error}", id.as_str());
            }
        }
    }
    println!("{name}: {changes} changes");
    let Upstream::Elsewhere(replicator) = &tenant.upstream else { return Ok(whole) };
    // A server that runs sends them too; leases keep us apart. What is refused is left to it.
    for place in waiting {
        replicator.deliver(place, ReplicationWait::UntilDone).await?;
        if !replicator.answers() {
            break;
        }
    }
    Ok(whole)
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
        Difference::Content => "other content there".into(),
    }
}
