//! The national directory (HSA), as a consumer: assignments of who logs in, and names of units. Only pages wait for it, and
//! for a bounded time.

use super::call_health::CallHealth;
use super::connection::{Peer, PeerSettings, PeerSettingsError};
use super::contract_call::{CalledContract, Remote, RemoteError};
use super::directory_answer::{DirectoryPerson, person_of, unit_name_of};
use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::messages::called::authorizationmanagement::v2::GetCredentialsForPersonIncludingProtectedPerson;
use crate::messages::called::organization::v2::GetHealthCareUnit;
use crate::messages::called::{
    AuthorizationmanagementInteraction, Interaction, OrganizationInteraction,
};
use crate::soap::xml::{ReadError, Reader, Writer};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// Calls at one time.
const CALLS_MAX: usize = 4;
/// Units that one page asks for.
const UNITS_MAX: usize = 20;
const REPLY_BYTES_MAX: usize = 2 * 1024 * 1024;
const KEPT_MAX: usize = 20_000;

/// Where the directory is, and how it is asked.
#[derive(Debug, Clone)]
pub struct DirectorySettings {
    /// What stands before the contracts' paths, and how to be known there; its time is that of all that one page asks.
    pub peer: PeerSettings,
    /// The HSA-id of who operates the directory.
    pub logical_address: String,
    /// How long names of units are kept.
    pub kept: Duration,
}

/// The directory.
#[derive(Debug)]
pub struct DirectoryService {
    caller: Arc<DirectoryCaller>,
    settings: DirectorySettings,
    names: Mutex<HashMap<String, (Option<String>, Instant)>>,
}

/// The directory does not answer; why is in our log.
#[derive(Debug, thiserror::Error)]
#[error("the directory does not answer")]
pub struct NoDirectory;

/// What makes calls.
#[derive(Debug)]
struct DirectoryCaller {
    remote: Remote,
    calls: Semaphore,
    health: CallHealth,
}

impl DirectoryCaller {
    async fn call<T>(
        &self,
        contract: Interaction,
        deadline: Instant,
        write: impl FnOnce(&mut Writer),
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, ReadError>,
    ) -> Result<T, NoDirectory> {
        let begun = Instant::now();
        if self.health.is_paused(begun) {
            return Err(NoDirectory);
        }
        let call = async {
            // It is never closed.
            let _turn = self.calls.acquire().await;
            let contract = CalledContract::from(contract);
            self.remote.call(contract, REPLY_BYTES_MAX, write, read).await
        };
        let class = match timeout_at(deadline, call).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(RemoteError::Fault { is_ours: true, .. })) => "client",
            Ok(Err(RemoteError::Fault { .. })) => "server",
            Ok(Err(RemoteError::Call(_))) => "connection",
            Ok(Err(RemoteError::Unreadable | RemoteError::Refused(_))) => "unreadable",
            Err(_) => "timeout",
        };
        self.health.failed(Instant::now());
        let milliseconds = begun.elapsed().as_millis();
        tracing::warn!(peer = "directory", class, milliseconds, "the directory cannot be asked");
        Err(NoDirectory)
    }
}

impl DirectoryService {
    /// Prepares calls; connects to nobody yet.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub fn new(settings: DirectorySettings) -> Result<Self, PeerSettingsError> {
        let peer = Peer::new(&settings.peer)?;
        let caller = DirectoryCaller {
            remote: Remote::new(peer, settings.logical_address.clone()),
            calls: Semaphore::new(CALLS_MAX),
            health: CallHealth::default(),
        };
        Ok(Self { caller: Arc::new(caller), settings, names: Mutex::default() })
    }

    /// An employee with the assignments that are in force; `None`: the directory does not know it.
    ///
    /// # Errors
    /// That there is no answer.
    pub async fn person(
        &self,
        employee: &HsaId,
        now: Timestamp,
    ) -> Result<Option<DirectoryPerson>, NoDirectory> {
        let request = GetCredentialsForPersonIncludingProtectedPerson {
            person_hsa_id: Some(employee.as_str().into()),
            personal_identity_number: None,
            search_base: None,
            include_feigned_object: Some(false),
        };
        let contract = Interaction::Authorizationmanagement(
            AuthorizationmanagementInteraction::GetCredentialsForPersonIncludingProtectedPerson,
        );
        let deadline = Instant::now() + self.settings.peer.timeout;
        let write = |out: &mut Writer| request.write_root(out);
        self.caller.call(contract, deadline, write, |reader| person_of(reader, employee, now)).await
    }

    /// Names of units, as far as the directory tells them in time.
    pub async fn unit_names(&self, units: &[HsaId]) -> Vec<(HsaId, String)> {
        let now = Instant::now();
        let deadline = now + self.settings.peer.timeout;
        let (mut found, mut calls) = (Vec::new(), JoinSet::new());
        for unit in units {
            match self.kept(unit, now) {
                Some(Some(name)) => found.push((unit.clone(), name)),
                None if calls.len() < UNITS_MAX => {
                    let (caller, unit) = (Arc::clone(&self.caller), unit.clone());
                    calls.spawn(async move {
                        let name = unit_name(&caller, &unit, deadline).await;
                        (unit, name)
                    });
                }
                Some(None) | None => {}
            }
        }
        while let Some(done) = calls.join_next().await {
            let Ok((unit, Ok(name))) = done else { continue };
            self.keep(&unit, name.clone(), now);
            found.extend(name.map(|name| (unit, name)));
        }
        found
    }

    /// What is kept of a unit: that it has a name or none.
    #[expect(clippy::option_option, reason = "what is kept may be that there is none")]
    fn kept(&self, unit: &HsaId, now: Instant) -> Option<Option<String>> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(&unit.key()).filter(|(_, until)| now < *until).map(|(name, _)| name.clone())
    }

    fn keep(&self, unit: &HsaId, name: Option<String>, now: Instant) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= KEPT_MAX {
            names.clear();
        }
        names.insert(unit.key(), (name, now + self.settings.kept));
    }
}

async fn unit_name(
    caller: &DirectoryCaller,
    unit: &HsaId,
    deadline: Instant,
) -> Result<Option<String>, NoDirectory> {
    let request = GetHealthCareUnit { health_care_unit_member_hsa_id: unit.as_str().into() };
    let contract = Interaction::Organization(OrganizationInteraction::GetHealthCareUnit);
    let write = |out: &mut Writer| request.write_root(out);
    caller.call(contract, deadline, write, |reader| unit_name_of(reader, unit)).await
}
