//! Services that the pages ask, as configured; a demonstration asks stubs of its own.

use super::error::AppError;
use crate::config::file::Config;
use crate::config::peers::{DirectoryPeer, PersonPeer};
use crate::peers::connection::PeerSettings;
use crate::peers::directory::{DirectoryService, DirectorySettings};
use crate::peers::person::{PersonService, PersonSettings};
use crate::stubs::directory::DirectoryStub;
use crate::stubs::persons::PersonsStub;
use crate::stubs::serving::{Served, Stub};
use crate::wire::stub::ListeningStub;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Who tells who patients are.
pub(super) fn population(config: &Config) -> Result<Option<Arc<PersonService>>, AppError> {
    if let Some(peer) = &config.peers.person {
        return persons(peer).map(Some);
    }
    let stub = config.demo.then(PersonsStub::of_demo).and_then(Result::ok);
    stub.map(|stub| persons(&PersonPeer::at(served(stub)?))).transpose()
}

/// Who tells assignments and units.
pub(super) fn directory(config: &Config) -> Result<Option<Arc<DirectoryService>>, AppError> {
    if let Some(peer) = &config.peers.directory {
        return national_directory(peer).map(Some);
    }
    let stub = config.demo.then(DirectoryStub::of_demo);
    stub.map(|stub| national_directory(&DirectoryPeer::at(served(stub)?))).transpose()
}

/// Serves a stub on a port of this machine, for as long as the process lives; tells where.
fn served(stub: impl Stub) -> Result<String, AppError> {
    let listening = ListeningStub::at(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = format!("http://{}", listening.address());
    tokio::spawn(listening.serve(Served { stub, new_id: Uuid::new_v4 }, None)?);
    Ok(address)
}

/// Who patients are.
fn persons(configured: &PersonPeer) -> Result<Arc<PersonService>, AppError> {
    let settings = PersonSettings {
        peer: PeerSettings {
            base: configured.url.clone(),
            ca_file: configured.ca_file.clone(),
            identity: configured.certificate_file.clone().zip(configured.key_file.clone()),
            timeout: Duration::from_millis(configured.timeout_milliseconds),
            consumer: configured.consumer_id.clone(),
        },
        logical_address: configured.logical_address.trim().to_owned(),
        roots: configured.roots.clone(),
        batch: configured.batch,
        kept: Duration::from_secs(configured.cache_seconds),
        test_persons: configured.test_persons.into(),
    };
    Ok(Arc::new(PersonService::new(settings).map_err(super::tenants::TenantsError::from)?))
}

fn national_directory(configured: &DirectoryPeer) -> Result<Arc<DirectoryService>, AppError> {
    let settings = DirectorySettings {
        peer: PeerSettings {
            base: configured.url.clone(),
            ca_file: configured.ca_file.clone(),
            identity: configured.certificate_file.clone().zip(configured.key_file.clone()),
            timeout: Duration::from_millis(configured.timeout_milliseconds),
            consumer: configured.consumer_id.clone(),
        },
        logical_address: configured.logical_address.trim().to_owned(),
        kept: Duration::from_secs(configured.cache_seconds),
    };
    Ok(Arc::new(DirectoryService::new(settings).map_err(super::tenants::TenantsError::from)?))
}
