//! What a process has for sealing: keys, the anchor, and whether the database can be trusted.

use super::identity::SealIdentity;
use crate::checkpoint_cms::{CmsError, CmsSigner};
use crate::domain::time::Timestamp;
use crate::fairness::threads::beside;
use crate::seal_folder::{KeyFileError, SealFolder};
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::seal::intake::Intake;
use sigill_seal::keys::LogKeys;
use sigill_seal::note::SignedCheckpoint;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// How the log is sealed.
#[derive(Debug, Clone)]
pub struct SealSettings {
    /// Where keys and anchors are.
    pub folder: SealFolder,
    /// The log's name, for when it is opened; none is one that is made then.
    pub origin: Option<String>,
    /// How long a size of the tree is committed before it is signed.
    pub sign_after: Duration,
    /// The operator's own key, with which a checkpoint an hour is signed too.
    pub cms: Option<CmsSigner>,
    /// Names of senders.
    pub new_name: fn() -> Uuid,
    /// Fills with bytes that nobody can guess.
    pub fill_random: fn(&mut [u8]) -> io::Result<()>,
}

/// Keys are not told.
impl fmt::Debug for LogSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogSeal")
    }
}

/// What a process has for sealing.
#[derive(Clone)]
pub struct LogSeal {
    /// The store, with the intake key.
    pub store: Store,
    /// The store of the tables' owner.
    pub owner: Store,
    /// How the log is sealed.
    pub settings: SealSettings,
    pub(super) intake: Intake,
    state: Arc<Mutex<SealState>>,
}

#[derive(Default)]
pub(super) struct SealState {
    pub keys: Option<ProcessKeys>,
    /// As whom the log has signed, as far as was read.
    pub identities: Vec<SealIdentity>,
    /// Nothing from before sealing is left.
    pub adopted: bool,
    /// When the keys were rotated last, if no log was opened since.
    pub rotated_at: Option<Timestamp>,
    /// The last checkpoint that was checked here.
    pub anchor: Option<SignedCheckpoint>,
    /// Why the database is not to be trusted.
    pub distrusted: Option<String>,
    /// The same by a witness, which nothing here takes back but another name of the log.
    pub witness_says: Option<String>,
}

/// Keys of a process, and whence.
#[derive(Clone)]
pub(super) struct ProcessKeys {
    pub current: LogKeys,
    pub previous: Option<LogKeys>,
    pub version: Option<(u64, SystemTime)>,
}

/// Why the log cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Keys.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The anchor, or random bytes.
    #[error("{0}")]
    System(#[from] io::Error),
    /// The log is sealed with keys that are not here.
    #[error(
        "the log of this database is sealed as {origin}, and {file} has not its keys ({why}): copy the file there from \
         the server that has them, or name it as log.key_file"
    )]
    OtherKeys {
        /// The log.
        origin: String,
        /// Where keys were looked for.
        file: String,
        /// What was found instead.
        why: &'static str,
    },
    /// It cannot be opened without signing keys.
    #[error(
        "the log has not been opened yet, and {0} has no signing keys: start a server that has them first"
    )]
    StoringOnly(String),
    /// The operator's own key.
    #[error(transparent)]
    Cms(#[from] CmsError),
    /// A file has no key of a witness.
    #[error("{0}: no key of a witness")]
    WitnessKey(PathBuf),
    /// The log has not been opened.
    #[error("the log has not been opened yet: start a server first")]
    NotOpen,
    /// Nothing says that the log cannot go on as it is.
    #[error(
        "no finding says that the database was rolled back or goes two ways (sigill log findings): the log needs no other name; --force if it does"
    )]
    NothingToContinue,
    /// Servers may still send with the keys before these.
    #[error(
        "the keys were rotated less than five minutes ago, or batches are on their way with those before them: once every server \
         has the key file, try again"
    )]
    RotatedLately,
    /// Nothing has been signed.
    #[error("no checkpoint of the log is signed yet: try again in some seconds")]
    NotSigned,
    /// It is no name of a log.
    #[error(
        "log.origin: {0:?} is no name of a log: letters, digits, and ./-_: up to 200 characters"
    )]
    Origin(String),
}

impl LogSeal {
    pub(super) fn new(store: Store, settings: SealSettings, keys: ProcessKeys) -> Self {
        let previous = keys.previous.as_ref().map(|keys| keys.intake);
        let intake = Intake::new(keys.current.intake, previous, settings.new_name);
        let store = store.with_intake(intake.clone());
        let state = SealState { keys: Some(keys), ..SealState::default() };
        let owner = store.clone();
        Self { store, owner, settings, intake, state: Arc::new(Mutex::new(state)) }
    }

    /// The same, whose old checkpoints are thinned by the tables' owner.
    pub fn kept_by(&self, owner: &Store) -> Self {
        Self { owner: owner.clone(), ..self.clone() }
    }

    /// Another store of the same database, with the intake key.
    pub fn sealing(&self, store: &Store) -> Store {
        store.clone().with_intake(self.intake.clone())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, SealState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last checkpoint that was checked here.
    pub fn anchor(&self) -> Option<SignedCheckpoint> {
        self.state().anchor.clone()
    }

    /// Why the database is not to be trusted, as far as this process has seen.
    pub fn distrusted(&self) -> Option<String> {
        let state = self.state();
        state.witness_says.clone().or_else(|| state.distrusted.clone())
    }

    /// Whether this process has signing keys.
    pub fn signs(&self) -> bool {
        self.state().keys.as_ref().is_some_and(|keys| keys.current.signing.is_some())
    }

    /// The keys in use; their previous ones.
    pub(super) fn keys(&self) -> Option<(LogKeys, Option<LogKeys>)> {
        self.state().keys.as_ref().map(|keys| (keys.current.clone(), keys.previous.clone()))
    }

    /// Does something with files.
    pub(super) async fn on_disk<T: Send + 'static, E: From<io::Error> + Send + 'static>(
        &self,
        work: impl FnOnce(&SealFolder) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let folder = self.settings.folder.clone();
        on_disk(folder, work).await
    }
}

/// Does something with files, on a thread of its own.
pub(super) async fn on_disk<T: Send + 'static, E: From<io::Error> + Send + 'static>(
    folder: SealFolder,
    work: impl FnOnce(&SealFolder) -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    beside(move || work(&folder)).await.map_err(io::Error::other)?
}
