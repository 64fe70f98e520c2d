//! Extracts of the log to order: taken in, made beside the calls, handed out as files.

use super::context::{Context, OrderSettings, Services};
use super::failure::Failure;
use crate::domain::identity::HsaId;
use crate::domain::log::order::LogOrder;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::Timestamp;
use crate::domain::trust::caller::Caller;
use crate::domain::trust::grants::NotGranted;
use crate::fairness::threads::beside;
use crate::order_folder::{FileBeingMade, OrderFolder};
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::order_making::{BegunOrder, MadeFile, PlaceInOrder};
pub use crate::store::log::orders::{AddressedFile, OrderState, OrderedFile, UnfinishedOrder};
use crate::store::log::reading::ShownBy;
use crate::store::log::reports::RecordPlaces;
use std::fs::File;
use std::io;
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

/// Orders of one caller that may wait to be made.
const WAITING_MAX: i64 = 100;

/// Under which path files are fetched.
pub const FILES_PATH: &str = "/log/files/";

/// The address of a file, under ours.
pub fn address(base: &str, token: Uuid) -> String {
    format!("{base}{FILES_PATH}{}", token.simple())
}

/// Takes an order in; returns its id.
///
/// # Errors
/// That the caller has too many that wait, or the store's.
pub async fn take(context: &Context<'_>, order: &LogOrder) -> Result<Uuid, Failure> {
    context.services.may_store()?;
    let id = (context.services.orders.new_id)();
    let (tenant, caller) = (context.tenant.id, &context.consumer());
    if context.store.take_order(tenant, caller, order, (id, WAITING_MAX)).await? {
        return Ok(id);
    }
    let text = format!("systemet har redan {WAITING_MAX} beställningar i kö");
    Err(Rejection::new(Class::Error, text).into())
}

/// What has become of an order of the caller's; `None` when it has none under this id, or its files are
/// gone.
///
/// # Errors
/// The store's.
pub async fn state(context: &Context<'_>, id: &str) -> Result<Option<OrderState>, Failure> {
    let Ok(id) = Uuid::parse_str(id.trim()) else { return Ok(None) };
    let (tenant, caller) = (context.tenant.id, &context.consumer());
    let Some((owner, state)) = context.store.order_state(tenant, caller, id).await? else {
        return Ok(None);
    };
    let is_covered = HsaId::new(&owner).is_some_and(|owner| context.about(&owner).is_ok());
    Ok(is_covered.then_some(state))
}

/// The orders that are not made yet, in the order in which they are made.
///
/// # Errors
/// The store's.
pub async fn unfinished(services: &Services) -> Result<Vec<UnfinishedOrder>, StoreError> {
    services.store.unfinished_orders().await
}

/// The file with an address, for the caller that ordered it, as long as it may fetch such files.
///
/// # Errors
/// The store's.
pub async fn addressed(
    services: &Services,
    caller: &Caller,
    token: Uuid,
    now: Timestamp,
) -> Result<Option<AddressedFile>, StoreError> {
    let key = caller.key();
    let found = services.store.addressed_file(&key, token).await?;
    match found.filter(|file| may_fetch(services, caller, file, now)) {
        Some(file) if services.orders.on_their_way.settled(file.file_id).await => {
            services.store.addressed_file(&key, token).await
        }
        found => Ok(found),
    }
}

fn may_fetch(services: &Services, caller: &Caller, file: &AddressedFile, now: Timestamp) -> bool {
    const CONTRACT: &str = "GetFilesForOrderId";
    let tenant = services.tenants.named(file.tenant_id).map_or("", |tenant| &tenant.name);
    let permit = services.authorisation.permit(caller, CONTRACT, (tenant, None), now);
    let covered = permit.and_then(|permit| {
        let is_covered = HsaId::new(&file.owner_key).is_some_and(|owner| permit.covers(&owner));
        is_covered.then_some(()).ok_or(NotGranted::CareProvider)
    });
    covered.map_err(|refusal| services.authorisation.refused(caller, CONTRACT, refusal)).is_ok()
}

/// Opens a file that is there.
///
/// # Errors
/// That it cannot be read here.
pub async fn open(services: &Services, file: &AddressedFile) -> io::Result<File> {
    let (folder, order, ordinal) = (services.orders.folder.clone(), file.order_id, file.ordinal);
    beside(move || folder.open(order, ordinal)).await.map_err(io::Error::other)?
}

/// The bytes of a file from `from` to `to` have been sent. When all have been, the file goes.
///
/// # Errors
/// The store's, or the system's; the file goes later then.
pub async fn sent(
    services: &Services,
    file: &AddressedFile,
    (from, to): (i64, i64),
) -> Result<(), MakingError> {
    if !services.store.file_sent(file.file_id, (from, to)).await? {
        return Ok(());
    }
    let (folder, order, ordinal) = (services.orders.folder.clone(), file.order_id, file.ordinal);
    on_disk(move || folder.remove(order, ordinal)).await
}

/// Removes from disk what is not to be kept of these orders.
///
/// # Errors
/// The store's, or the system's.
pub async fn tidy_folder(
    store: &Store,
    folder: &OrderFolder,
    orders: &[Uuid],
) -> Result<(), MakingError> {
    let kept = store.kept_files(orders).await?;
    let (folder, orders) = (folder.clone(), orders.to_vec());
    on_disk(move || {
        for order in orders {
            let of_order = kept.iter().filter(|(kept, _)| *kept == order);
            let ordinals: Option<Vec<i32>> = of_order.map(|(_, ordinal)| *ordinal).collect();
            // What is being made is left alone.
            if let Some(ordinals) = ordinals {
                folder.keep_only(order, &ordinals)?;
            }
        }
        Ok(())
    })
    .await
}

/// Files of an order.
const FILES_MAX: i32 = 10_000;

/// Why an extract could not be made, or its files not be kept.
#[derive(Debug, thiserror::Error)]
pub enum MakingError {
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system's.
    #[error("files of orders: {0}")]
    Disk(#[from] io::Error),
    /// It is larger than one caller's files together may be.
    #[error("an order needs more than half of log.order_bytes_max")]
    TooLarge,
    /// It has more files than an order may have.
    #[error("an order has more than {FILES_MAX} files")]
    TooMany,
}

/// How the making of an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Making {
    /// It is made, or needs no making.
    Done,
    /// There is no room for its files now.
    NoRoom,
    /// It is others' turn.
    Paused,
}

/// Makes an order, from where it was left. Whatever ends it, the files that it has are whole.
///
/// # Errors
/// The store's, the system's, or that it is too large.
pub async fn make(
    store: &Store,
    settings: &OrderSettings,
    id: Uuid,
) -> Result<Making, MakingError> {
    let Some(order) = store.begin_order(id).await? else { return Ok(Making::Done) };
    settings.trust.allows(store, order.interval()).await?;
    let (folder, order_id) = (settings.folder.clone(), order.order_id);
    on_disk(move || folder.tidy(order_id)).await?;
    let mut extract = Extract {
        store,
        settings,
        after: order.after(),
        read: order.after(),
        passed: None,
        waiting: Vec::new(),
        ended: false,
        order: &order,
        begun: Instant::now(),
        others_turn: false,
    };
    let mut files = i32::try_from(order.files).unwrap_or(i32::MAX);
    loop {
        extract.look_for(1).await?;
        if extract.waiting.is_empty() && !extract.ended {
            // Whoever goes on need not look at the same again.
            store.order_has_looked(order.order_number, extract.read.as_ref()).await?;
            return Ok(Making::Paused);
        }
        if extract.waiting.is_empty() && files > 0 {
            store.end_order(order.order_number).await?;
            return Ok(Making::Done);
        }
        if files >= FILES_MAX {
            return Err(MakingError::TooMany);
        }
        let room = room(store, settings, &order).await?;
        if room == Room::None {
            store.order_has_looked(order.order_number, extract.passed.as_ref()).await?;
        }
        if room != Room::Enough {
            store.order_waits(order.order_number).await?;
            return Ok(Making::NoRoom);
        }
        files += 1;
        extract.make_file(files).await?;
        let is_last = extract.ended && extract.waiting.is_empty();
        if !is_last && extract.is_others_turn().await? {
            return Ok(Making::Paused);
        }
    }
}

/// Whether there is room for one more file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Enough,
    None,
    /// There is none, and the order has given its files up.
    GivenUp,
}

/// Of all bytes a caller may have half. An order for which there will be no room is given up; one that has
/// others before it gives its files up, so that no two wait for each other.
async fn room(
    store: &Store,
    settings: &OrderSettings,
    order: &BegunOrder,
) -> Result<Room, MakingError> {
    let kept = store.files_kept(order.order_number).await?;
    let share = settings.bytes_max / 2;
    if kept.all_bytes < settings.bytes_max && kept.callers_bytes < share {
        return Ok(Room::Enough);
    }
    if kept.own_bytes >= share {
        return Err(MakingError::TooLarge);
    }
    if kept.waits && kept.own_bytes > 0 {
        store.restart_order(order.order_number).await?;
        let (folder, order_id) = (settings.folder.clone(), order.order_id);
        on_disk(move || folder.keep_only(order_id, &[])).await?;
        return Ok(Room::GivenUp);
    }
    Ok(Room::None)
}

/// An extract that is being made.
struct Extract<'e> {
    store: &'e Store,
    settings: &'e OrderSettings,
    order: &'e BegunOrder,
    /// The last record in a file.
    after: Option<PlaceInOrder>,
    /// The last record that has been looked at.
    read: Option<PlaceInOrder>,
    /// Up to where it has been looked at and nothing waits.
    passed: Option<PlaceInOrder>,
    /// Records that have been found and are in no file.
    waiting: Vec<PlaceInOrder>,
    /// All have been looked at.
    ended: bool,
    /// When its turn began.
    begun: Instant,
    /// It has had its turn.
    others_turn: bool,
}

impl Extract<'_> {
    /// Whether it has had its turn, and another order waits for one.
    async fn is_others_turn(&mut self) -> Result<bool, StoreError> {
        if !self.others_turn && self.begun.elapsed() >= self.settings.slice {
            self.begun = Instant::now();
            self.others_turn = self.store.others_wait(self.order.order_number).await?;
        }
        Ok(self.others_turn)
    }

    /// Looks for records until so many wait, there are no more, or it is others' turn.
    async fn look_for(&mut self, count: usize) -> Result<(), StoreError> {
        while self.waiting.len() < count && !self.ended {
            if self.waiting.is_empty() {
                self.passed.clone_from(&self.read);
            }
            let page = self.store.extract_page(self.order, self.read.as_ref()).await?;
            self.waiting.extend(page.places);
            self.ended = page.looked_at.is_none();
            self.read = page.looked_at.or(self.read.take());
            if self.is_others_turn().await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Makes the next file of what waits; a smaller one when it is others' turn.
    async fn make_file(&mut self, ordinal: i32) -> Result<(), MakingError> {
        let most = usize::try_from(self.order.records_per_file).unwrap_or(1);
        self.look_for(most).await?;
        let rest = self.waiting.split_off(most.min(self.waiting.len()));
        let places = std::mem::replace(&mut self.waiting, rest);
        let (new_id, document) = (self.settings.new_id, self.settings.document);
        let (folder, order, made_by) =
            (self.settings.folder.clone(), self.order.order_id, new_id());
        let mut file = on_disk(move || {
            let mut file = folder.begin(order, ordinal, made_by)?;
            file.write(document.open)?;
            Ok(file)
        })
        .await?;
        file = self.write_records(file, RecordPlaces::of_extract(&places)).await?;
        let (bytes, disk_bytes) = on_disk(move || {
            file.write(document.close)?;
            file.finish()
        })
        .await?;
        let made = MadeFile {
            id: new_id(),
            token: (self.settings.new_token)()?,
            ordinal,
            records: i32::try_from(places.len()).unwrap_or(i32::MAX),
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            disk_bytes: i64::try_from(disk_bytes).unwrap_or(i64::MAX),
        };
        self.after = places.last().cloned().or(self.after.take());
        self.store.add_file(self.order.order_number, &made, self.after.as_ref()).await?;
        Ok(())
    }

    /// Writes records as they are read.
    async fn write_records(
        &self,
        mut file: FileBeingMade,
        places: RecordPlaces,
    ) -> Result<FileBeingMade, MakingError> {
        let (to, mut pages) = mpsc::channel(1);
        let (store, write) = (self.store.clone(), self.settings.document.records);
        let shown = ShownBy::Check(self.settings.trust.check());
        let reading =
            tokio::spawn(async move { store.read_records(places, shown, write, &to).await });
        while let Some(page) = pages.recv().await {
            file = on_disk(move || {
                file.write(&page)?;
                Ok(file)
            })
            .await?;
        }
        reading.await.map_err(|_| StoreError::Stopped)??;
        Ok(file)
    }
}

async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, MakingError> {
    let done = beside(work).await.map_err(|_| StoreError::Stopped)?;
    Ok(done?)
}
