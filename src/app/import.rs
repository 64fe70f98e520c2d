//! `sigill import consents`: copies of assertions from local systems.

use super::{AppError, tenants};
use crate::config::Config;
use crate::contracts::consent::import::{self, BATCH_ROWS, Copy, Counts};
use crate::contracts::consent::producer::Reading;
use crate::contracts::remote::Remote;
use crate::contracts::tenants::{Tenant, Tenants};
use crate::domain::identity::HsaId;
use crate::domain::rejection::Rejection;
use crate::domain::time::Clock;
use crate::peer::{Peer, PeerSettings};
use crate::store::Store;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// Copies that may wait to be stored.
const WAITING_MAX: usize = 2 * BATCH_ROWS;
/// What is wrong is listed for so many copies of a file.
const LISTED_MAX: usize = 100;
/// Copies from one word about progress to the next.
const PROGRESS_ROWS: usize = 10_000;

/// Whose copies, and for whom.
#[derive(Debug)]
pub struct Import {
    /// The tenant's name.
    pub tenant: String,
    /// The system that they are copies from (HSA-id).
    pub source: String,
}

/// Another producer.
#[derive(Debug)]
pub struct OtherProducer {
    /// How it is reached.
    pub peer: PeerSettings,
    /// Its logical address.
    pub logical_address: String,
    /// Whose assertions are read.
    pub care_provider: String,
}

async fn tenant(store: &Store, config: &Config, name: &str) -> Result<Tenant, AppError> {
    let unknown = AppError::Request("there is no tenant of that name");
    let id = super::retention::tenant_named(&store.tenants().await?, name)?;
    match tenants::tenants(store, config).await? {
        Tenants::One(tenant) if tenant.id == id => Ok(tenant),
        Tenants::ByAddress(all) => {
            let found = all.into_values().find(|tenant| tenant.id == id);
            found.ok_or(unknown)
        }
        Tenants::One(_) => Err(unknown),
    }
}

fn id(text: &str, what: &'static str) -> Result<HsaId, AppError> {
    HsaId::new(text).ok_or(AppError::Request(what))
}

/// Takes up a file. Returns whether every copy in it made sense and was taken up.
///
/// # Errors
/// A file that cannot be read or is not XML, or the store's; what was taken up before stays,
/// and the file can be taken up again.
pub async fn file(config: &Config, wanted: &Import, path: &Path) -> Result<bool, AppError> {
    let source = id(&wanted.source, "the source's id is blank")?;
    let document = tokio::fs::read(path).await.map_err(|e| AppError::File(path.to_owned(), e))?;
    let store = super::store_of_running(config).await?;
    let tenant = tenant(&store, config, &wanted.tenant).await?;
    let (found, mut copies) = mpsc::channel::<Result<Copy, Rejection>>(WAITING_MAX);
    let reading = tokio::task::spawn_blocking(move || {
        import::read(&document, |copy| found.blocking_send(copy).is_ok())
    });
    let (mut counts, mut batch) = (Counts::default(), Vec::with_capacity(BATCH_ROWS));
    let (mut read, mut refused) = (0, 0);
    loop {
        let next = copies.recv().await;
        let ended = next.is_none();
        match next {
            Some(Ok(copy)) => batch.push(copy),
            Some(Err(rejection)) => {
                refused += 1;
                if refused <= LISTED_MAX {
                    eprintln!("copy {}: {}", read + 1, rejection.text);
                }
            }
            None => {}
        }
        if batch.len() == BATCH_ROWS || (ended && !batch.is_empty()) {
            let now = Clock::System.now();
            import::take_up(&store, &tenant, &source, &batch, now, &mut counts).await?;
            batch.clear();
        }
        if ended {
            break;
        }
        read += 1;
        if read % PROGRESS_ROWS == 0 {
            println!("{read} copies …");
        }
    }
    store.close().await;
    report(&counts, refused);
    // What was read before the document broke has been taken up.
    match reading.await {
        // A file of something else, or of another version.
        Ok(Ok(())) if read == 0 => {
            Err(AppError::Broken(path.to_owned(), "no pdlAssertions elements in it".into()))
        }
        Ok(Ok(())) => Ok(refused == 0 && untouched(&counts) == 0),
        Ok(Err(broken)) => Err(AppError::Broken(path.to_owned(), broken)),
        Err(_) => Err(AppError::Request("the reading was stopped")),
    }
}

/// Reads another producer from where the last reading ended. Returns whether every copy made
/// sense and was taken up.
///
/// # Errors
/// The store's or the producer's; the next reading goes on where this one ended.
pub async fn producer(
    config: &Config,
    wanted: &Import,
    from: &OtherProducer,
) -> Result<bool, AppError> {
    let source = id(&wanted.source, "the source's id is blank")?;
    let care_provider = id(&from.care_provider, "the care provider's id is blank")?;
    let remote = Remote::new(Peer::new(&from.peer)?, from.logical_address.clone());
    let store = super::store_of_running(config).await?;
    let tenant = tenant(&store, config, &wanted.tenant).await?;
    let reading = Reading {
        store: &store,
        tenant: &tenant,
        producer: &remote,
        care_provider: &care_provider,
        source: &source,
        clock: &Clock::System,
    };
    let progress = |counts: &Counts, refused: usize| {
        println!("{} copies …", total(counts) + refused);
    };
    let (counts, refused) = reading.run(progress).await?;
    store.close().await;
    report(&counts, refused);
    Ok(refused == 0 && untouched(&counts) == 0)
}

fn total(counts: &Counts) -> usize {
    counts.new + counts.updated + counts.unchanged + untouched(counts)
}

/// Copies that should have been taken up and were not; originals are no fault of theirs.
fn untouched(counts: &Counts) -> usize {
    counts.differing + counts.elsewhere
}

fn report(counts: &Counts, refused: usize) {
    let Counts { new, updated, unchanged, kept, differing, elsewhere } = counts;
    println!("new: {new}");
    println!("ended or annulled since: {updated}");
    println!("unchanged: {unchanged}");
    println!("originals and other systems' copies kept: {kept}");
    println!("other content than before, left alone: {differing}");
    println!("care provider of another tenant, left alone: {elsewhere}");
    println!("not understood: {refused}");
}

/// Files of a certificate and its key, both or none.
///
/// # Errors
/// That one is missing.
pub fn identity(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, AppError> {
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        _ => Err(AppError::Request("certificate and key go together")),
    }
}
