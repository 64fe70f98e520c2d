//! Reports over the access log: answered in the call where that is possible, otherwise queued.

use super::batches::Batches;
use super::context::Context;
use super::failure::Failure;
use crate::domain::log::record::LogEntry;
use crate::domain::log::report::ReportQuestion;
use crate::domain::rejection::{Class, Rejection};
pub use crate::store::log::available_times::Available;
use crate::store::log::queued_reports::QueuedReport;
pub use crate::store::log::reports::{AccessingProvider, RecordPlaces};
use tokio::time::timeout;
use uuid::Uuid;

/// Reports of one caller that may wait to be made.
const QUEUED_MAX: i64 = 100;

/// What a call for a report comes to.
#[derive(Debug)]
pub enum Reported {
    /// It is ready: about these records.
    Ready(RecordPlaces),
    /// It waits to be made.
    Waiting {
        /// Under which it is asked for again.
        id: Uuid,
        /// Expected seconds until it is made.
        seconds: i32,
    },
    /// It is being made.
    Making {
        /// The same.
        id: Uuid,
        /// The same.
        seconds: i32,
    },
    /// The caller has none under this id and with this question.
    NotFound,
    /// It would be about more records than a report may have.
    TooMany,
}

/// A report, or what has become of the one that was queued under an id.
///
/// # Errors
/// That too many wait, that it could not be made, or the store's.
pub async fn report(
    context: &Context<'_>,
    question: &ReportQuestion,
    queued: Option<&str>,
) -> Result<Reported, Failure> {
    context.services.may_answer_at_length()?;
    let (store, tenant) = (&context.store, context.tenant.id);
    let settings = &context.services.reports;
    let id = if let Some(queued) = queued {
        let Ok(id) = Uuid::parse_str(queued.trim()) else { return Ok(Reported::NotFound) };
        id
    } else {
        let finding = store.find_records(tenant, question, settings.records_max);
        match timeout(settings.wait, finding).await {
            Ok(Ok(Some(places))) => return Ok(Reported::Ready(places)),
            Ok(Ok(None)) => return Ok(Reported::TooMany),
            Ok(Err(error)) if !error.took_too_long() => return Err(error.into()),
            Ok(Err(_)) | Err(_) => queue(context, question).await?,
        }
    };
    let caller = context.caller.as_deref().unwrap_or_default();
    Ok(match store.queued_report(tenant, caller, question, id).await? {
        None => Reported::NotFound,
        Some(QueuedReport::Waiting { seconds }) => Reported::Waiting { id, seconds },
        Some(QueuedReport::Making { seconds }) => Reported::Making { id, seconds },
        Some(QueuedReport::Made(places)) => Reported::Ready(places),
        Some(QueuedReport::TooMany) => Reported::TooMany,
        Some(QueuedReport::Failed) => {
            let text = "rapporten kunde inte tas fram; beställ den igen";
            return Err(Rejection::new(Class::Error, text).into());
        }
    })
}

async fn queue(context: &Context<'_>, question: &ReportQuestion) -> Result<Uuid, Failure> {
    context.services.may_store()?;
    let id = (context.services.reports.new_id)();
    let caller = context.caller.as_deref().unwrap_or_default();
    let ordered = (id, QUEUED_MAX);
    if context.store.queue_report(context.tenant.id, caller, question, ordered).await? {
        return Ok(id);
    }
    let text = format!("systemet har redan {QUEUED_MAX} rapporter i kö");
    Err(Rejection::new(Class::Error, text).into())
}

/// Of which time there are records, those of a report among them. Who has to wait for a report does not wait
/// for this too.
///
/// # Errors
/// The store's.
pub async fn available(context: &Context<'_>, reported: &Reported) -> Result<Available, Failure> {
    let (store, tenant) = (&context.store, context.tenant.id);
    if let Reported::Ready(places) = reported {
        return Ok(store.available_records(tenant).await?.with(places.interval()));
    }
    match store.last_available_records(tenant).await {
        Err(error) if error.took_too_long() => Ok(Available::default()),
        available => Ok(available?),
    }
}

/// Begins to read records; hands on what is `made` of them.
pub fn read_records<B: Send + 'static>(
    context: &Context<'_>,
    places: RecordPlaces,
    made: impl Fn(&[LogEntry<'_>]) -> B + Send + Sync + 'static,
) -> Batches<B> {
    let store = context.store.clone();
    Batches::of(|to| async move { store.read_records(places, made, &to).await })
}

/// The care providers whose staff made the records, in order of their ids.
///
/// # Errors
/// The store's.
pub async fn accessing_providers(
    context: &Context<'_>,
    places: RecordPlaces,
) -> Result<Vec<AccessingProvider>, Failure> {
    Ok(context.store.accessing_providers(places).await?)
}
