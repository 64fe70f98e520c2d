//! `sigill import`: copies of assertions from local systems; the directory is in `directory.rs`.

use super::directory;
use super::error::CommandError;
use super::settings::{Settings, tenant_named};
use crate::app::store_of_running;
use crate::app::tenants::tenants;
use crate::clock::Clock;
use crate::config::file::Config;
use crate::domain::consent::import::AssertionCopy;
use crate::domain::identity::HsaId;
use crate::domain::rejection::Rejection;
use crate::messages::consent::copies::read_file;
use crate::peers::connection::{Peer, PeerSettings};
use crate::peers::contract_call::Remote;
use crate::peers::producer::Producer;
use crate::procedures::consent::import::{BATCH_ROWS, Counts, Import};
use crate::procedures::tenants::{Tenant, Tenants};
use crate::store::database::Store;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// Copies that may wait to be stored.
const WAITING_MAX: usize = 2 * BATCH_ROWS;
/// What is wrong is listed for so many copies of a file.
const LISTED_MAX: usize = 100;
/// Copies from one word about progress to the next.
const PROGRESS_ROWS: usize = 10_000;

/// Take up copies from local systems.
#[derive(Debug, clap::Subcommand)]
pub enum ImportCommand {
    /// Consents and emergency assertions: out of a file, or from another producer.
    Consents {
        #[command(flatten)]
        settings: Settings,
        /// An XML file with pdlAssertions elements (ExtendedPDLAssertionType).
        #[arg(required_unless_present = "from", conflicts_with = "from")]
        file: Option<PathBuf>,
        /// The system that they are copies from (HSA-id).
        #[arg(long)]
        source: String,
        /// The tenant's name.
        #[arg(long, default_value = "default")]
        tenant: String,
        #[command(flatten)]
        producer: OtherProducer,
    },
    /// The directory for the pages: units, employees, assignments and hours replace those that are there.
    Directory {
        #[command(flatten)]
        settings: Settings,
        /// A file in TOML; `docs/PAGES.md` shows one.
        file: PathBuf,
        /// The tenant's name.
        #[arg(long, default_value = "default")]
        tenant: String,
        /// Only read the file, and say what it holds.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Another producer, read over GetConsentsForCareProvider.
#[derive(Debug, clap::Args)]
pub struct OtherProducer {
    /// What stands before the contracts' paths there, for example <https://host/vp>.
    #[arg(long, requires_all = ["logical_address", "care_provider"])]
    from: Option<String>,
    /// Its logical address.
    #[arg(long)]
    logical_address: Option<String>,
    /// Whose assertions are read (HSA-id).
    #[arg(long)]
    care_provider: Option<String>,
    /// Whom to trust (PEM); needed for https.
    #[arg(long)]
    ca_file: Option<PathBuf>,
    /// Our certificate (PEM).
    #[arg(long, requires = "key_file")]
    certificate_file: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, requires = "certificate_file")]
    key_file: Option<PathBuf>,
    /// Seconds that a page may take.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout_seconds: u64,
}

impl ImportCommand {
    /// Takes copies up; `false` when one made no sense or could not be taken up, or when an ending
    /// was not taken over.
    ///
    /// # Errors
    /// What kept it from going on. What was taken up before stays, and it can be run again.
    pub async fn run(self) -> Result<bool, CommandError> {
        let (settings, file, source, tenant, producer) = match self {
            Self::Consents { settings, file, source, tenant, producer } => {
                (settings, file, source, tenant, producer)
            }
            Self::Directory { settings, file, tenant, dry_run } => {
                return directory::import(settings, &file, &tenant, dry_run).await;
            }
        };
        let config = settings.load()?;
        let source = id(&source, "the source's id is blank")?;
        match (producer.remote()?, file) {
            (Some((remote, provider)), _) => {
                from_producer(&config, &tenant, &source, &remote, &provider).await
            }
            (None, Some(file)) => from_file(&config, &tenant, &source, &file).await,
            (None, None) => Err(CommandError::Request("name a file or a producer")),
        }
    }
}

impl OtherProducer {
    fn remote(self) -> Result<Option<(Remote, HsaId)>, CommandError> {
        let Some(base) = self.from else { return Ok(None) };
        let peer = Peer::new(&PeerSettings {
            base,
            ca_file: self.ca_file,
            identity: self.certificate_file.zip(self.key_file),
            timeout: Duration::from_secs(self.timeout_seconds),
            consumer: None,
        })?;
        let provider =
            id(&self.care_provider.unwrap_or_default(), "the care provider's id is blank")?;
        Ok(Some((Remote::new(peer, self.logical_address.unwrap_or_default()), provider)))
    }
}

async fn tenant(store: &Store, config: &Config, name: &str) -> Result<Tenant, CommandError> {
    let unknown = CommandError::Request("there is no tenant of that name");
    let id = tenant_named(store, name).await?;
    match tenants(store, config, &Clock::System).await? {
        Tenants::One(tenant) if tenant.id == id => Ok(tenant),
        Tenants::ByAddress(all) => {
            let found = all.into_values().find(|tenant| tenant.id == id);
            found.ok_or(unknown)
        }
        Tenants::One(_) => Err(unknown),
    }
}

fn id(text: &str, what: &'static str) -> Result<HsaId, CommandError> {
    HsaId::new(text).ok_or(CommandError::Request(what))
}

/// Takes up a file.
async fn from_file(
    config: &Config,
    tenant_name: &str,
    source: &HsaId,
    path: &Path,
) -> Result<bool, CommandError> {
    let document =
        tokio::fs::read(path).await.map_err(|e| CommandError::File(path.to_owned(), e))?;
    let store = store_of_running(config).await?;
    let tenant = tenant(&store, config, tenant_name).await?;
    let (found, copies) = mpsc::channel::<Result<AssertionCopy, Rejection>>(WAITING_MAX);
    let reading = tokio::task::spawn_blocking(move || {
        read_file(&document, |copy| found.blocking_send(copy).is_ok())
    });
    let importing = Import { store: &store, tenant: &tenant, source };
    let taken = take_up(importing, copies).await?;
    store.close().await;
    report(&taken.counts, taken.unreadable);
    // What was read before the document broke has been taken up.
    match reading.await {
        // A file of something else, or of another version.
        Ok(Ok(())) if taken.read == 0 => {
            let what = "no pdlAssertions elements in it".into();
            Err(CommandError::Broken(path.to_owned(), what))
        }
        Ok(Ok(())) => Ok(taken.unreadable == 0 && taken.counts.is_whole()),
        Ok(Err(broken)) => Err(CommandError::Broken(path.to_owned(), broken)),
        Err(_) => Err(CommandError::Request("the reading was stopped")),
    }
}

/// What came of a file.
#[derive(Default)]
struct Taken {
    counts: Counts,
    read: usize,
    unreadable: usize,
}

/// Takes copies up as they are read, a batch at a time.
async fn take_up(
    importing: Import<'_>,
    mut copies: mpsc::Receiver<Result<AssertionCopy, Rejection>>,
) -> Result<Taken, CommandError> {
    let mut taken = Taken::default();
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    while let Some(next) = copies.recv().await {
        taken.read += 1;
        match next {
            Ok(copy) => batch.push(copy),
            Err(rejection) => {
                taken.unreadable += 1;
                if taken.unreadable <= LISTED_MAX {
                    eprintln!("copy {}: {}", taken.read, rejection.text);
                }
            }
        }
        if batch.len() == BATCH_ROWS {
            importing.take_up(&batch, Clock::System.now(), &mut taken.counts).await?;
            batch.clear();
        }
        if taken.read % PROGRESS_ROWS == 0 {
            println!("{} copies …", taken.read);
        }
    }
    importing.take_up(&batch, Clock::System.now(), &mut taken.counts).await?;
    Ok(taken)
}

/// Reads another producer from where the last reading ended.
async fn from_producer(
    config: &Config,
    tenant_name: &str,
    source: &HsaId,
    remote: &Remote,
    care_provider: &HsaId,
) -> Result<bool, CommandError> {
    let store = store_of_running(config).await?;
    let tenant = tenant(&store, config, tenant_name).await?;
    let producer = Producer { remote, care_provider, source };
    let importing = Import { store: &store, tenant: &tenant, source };
    let progress = |counts: &Counts| println!("{} copies …", counts.copies());
    let (counts, unreadable) = importing.read(&producer, &Clock::System, progress).await?;
    store.close().await;
    report(&counts, unreadable);
    Ok(unreadable == 0 && counts.is_whole())
}

fn report(counts: &Counts, unreadable: usize) {
    println!("new: {}", counts.new);
    println!("ended or annulled since: {}", counts.updated);
    println!("unchanged: {}", counts.unchanged);
    println!("originals and other systems' copies kept: {}", counts.kept);
    println!("other content than before, left alone: {}", counts.differing);
    println!("care provider of another tenant, left alone: {}", counts.elsewhere);
    println!("endings of assertions that are not here: {}", counts.unknown_endings);
    println!("not understood: {unreadable}");
    println!("ended there and still open here: {}", counts.left_open);
    for id in &counts.left_open_ids {
        println!("  {id}");
    }
}
