//! Tenants as configured: their places in the store, and where their changes go on to.

use super::seal::chance;
use crate::clock::Clock;
use crate::config::file::Config;
use crate::config::tenant::{self as settings, BlockLevel};
use crate::domain::blocking::replication::Backoff;
use crate::peers::connection::{Peer, PeerSettings, PeerSettingsError};
use crate::peers::contract_call::Remote;
use crate::peers::national::National;
use crate::procedures::blocking::replicator::{Replicator, Sending};
use crate::procedures::tenants::{Level, Tenant, Tenants, Upstream};
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::workers::replication::LEASED_PER_SENDER;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// A lease outlasts the calls that it covers by this.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// Why tenants cannot be as configured.
#[derive(Debug, thiserror::Error)]
pub enum TenantsError {
    /// The store.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The national service of a tenant cannot be called as configured.
    #[error("{0}")]
    Peer(#[from] PeerSettingsError),
}

/// Every tenant that is configured.
///
/// # Errors
/// The store's, or a national service that cannot be called as configured.
pub async fn tenants(
    store: &Store,
    config: &Config,
    clock: &Clock,
) -> Result<Tenants, TenantsError> {
    if config.tenant.is_empty() {
        let name = config.only_tenant();
        let id = store.tenant(name).await?;
        return Ok(Tenants::One(Tenant::whole(id, name)));
    }
    let mut by_address = HashMap::new();
    for settings in &config.tenant {
        let mut tenant = bare(store, settings).await?;
        if let Some(replication) = &settings.replication {
            tenant.upstream = if let Some(national) = national_of(replication, config) {
                Upstream::Here(Arc::new(bare(store, national).await?))
            } else {
                let replicator = replicator(store, &tenant, replication, config, clock.clone())?;
                Upstream::Elsewhere(Arc::new(replicator))
            };
        }
        for address in &settings.logical_addresses {
            by_address.insert(address.trim().to_ascii_lowercase(), tenant.clone());
        }
    }
    Ok(Tenants::ByAddress(by_address))
}

/// The tenant here that a local one replicates to.
fn national_of<'c>(
    replication: &settings::Replication,
    config: &'c Config,
) -> Option<&'c settings::Tenant> {
    let name = replication.tenant.as_ref()?;
    config.tenant.iter().find(|tenant| tenant.name == *name)
}

async fn bare(store: &Store, configured: &settings::Tenant) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: store.tenant(&configured.name).await?,
        name: configured.name.as_str().into(),
        care_providers: configured.care_providers.iter().map(|id| (**id).clone()).collect(),
        level: match configured.blocks {
            BlockLevel::LocalAndNational => Level::Both,
            BlockLevel::Local => Level::Local,
            BlockLevel::National => Level::National,
        },
        upstream: Upstream::None,
    })
}

fn replicator(
    store: &Store,
    tenant: &Tenant,
    replication: &settings::Replication,
    config: &Config,
    clock: Clock,
) -> Result<Replicator, TenantsError> {
    let timeout = Duration::from_secs(replication.timeout_seconds);
    let files = (replication.certificate_file.clone(), replication.key_file.clone());
    let peer = Peer::new(&PeerSettings {
        base: replication.url.clone().unwrap_or_default(),
        ca_file: replication.ca_file.clone(),
        identity: files.0.zip(files.1),
        timeout,
        consumer: replication.consumer_id.clone(),
    })?;
    let calls = u32::try_from(LEASED_PER_SENDER + 1).unwrap_or(u32::MAX);
    let sending = Sending {
        lease: timeout * calls + LEASE_MARGIN,
        backoff: Backoff {
            first: Duration::from_millis(replication.retry_first_milliseconds),
            longest: Duration::from_millis(replication.retry_longest_milliseconds),
        },
        wait_max: config.limits.answer_timeout().mul_f64(0.9),
        senders: replication.senders,
    };
    let remote = Remote::new(peer, replication.logical_address.trim().to_owned());
    Ok(Replicator::new(store.clone(), tenant.id, National(remote), sending, clock, chance))
}
