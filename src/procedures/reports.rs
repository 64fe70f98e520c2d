//! Reports over the access log: answered in the call where that is possible, otherwise queued.

use super::batches::Batches;
use super::context::Context;
use super::failure::Failure;
use crate::domain::log::record::LogEntry;
use crate::domain::log::report::ReportQuestion;
use crate::domain::rejection::{Class, Rejection};
pub use crate::store::log::available_times::Available;
use crate::store::log::queued_reports::QueuedReport;
use crate::store::log::reading::ShownBy;
pub use crate::store::log::reports::{AccessingProvider, RecordPlaces};
use std::sync::Arc;
use tokio::time::timeout;
use uuid::Uuid;

/// Records that are held until all of a report are checked.
const HELD_RECORDS: usize = 2_000;
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
            Ok(Ok(Some(places))) => {
                context.services.trust.allows(store, (question.from, question.to)).await?;
                return Ok(Reported::Ready(places));
            }
            Ok(Ok(None)) => return Ok(Reported::TooMany),
            Ok(Err(error)) if !error.took_too_long() => return Err(error.into()),
            Ok(Err(_)) | Err(_) => queue(context, question).await?,
        }
    };
    let caller = &context.consumer();
    let reported = match store.queued_report(tenant, caller, question, id).await? {
        None => Reported::NotFound,
        Some(QueuedReport::Waiting { seconds }) => Reported::Waiting { id, seconds },
        Some(QueuedReport::Making { seconds }) => Reported::Making { id, seconds },
        Some(QueuedReport::Made(places)) => Reported::Ready(places),
        Some(QueuedReport::TooMany) => Reported::TooMany,
        Some(QueuedReport::Failed) => {
            let text = "rapporten kunde inte tas fram; beställ den igen";
            return Err(Rejection::new(Class::Error, text).into());
        }
    };
    if let Reported::Ready(_) = reported {
        context.services.trust.allows(store, (question.from, question.to)).await?;
    }
    Ok(reported)
}

async fn queue(context: &Context<'_>, question: &ReportQuestion) -> Result<Uuid, Failure> {
    let id = (context.services.reports.new_id)();
    queue_as(context, question, id).await?;
    Ok(id)
}

/// Queues a report under an id.
///
/// # Errors
/// That too many wait, or the store's.
pub async fn queue_as(
    context: &Context<'_>,
    question: &ReportQuestion,
    id: Uuid,
) -> Result<(), Failure> {
    context.services.may_store()?;
    let caller = &context.consumer();
    let ordered = (id, QUEUED_MAX);
    if context.store.queue_report(context.tenant.id, caller, question, ordered).await? {
        return Ok(());
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

/// Begins to read records; hands on what is `made` of them. Nothing is handed on before all are known to be as they were
/// sealed: few are held until then, and many are read twice.
///
/// # Errors
/// The store's; also that one is not as it was sealed.
pub async fn read_records<B: Send + 'static>(
    context: &Context<'_>,
    places: RecordPlaces,
    made: impl Fn(&[LogEntry<'_>]) -> B + Send + Sync + 'static,
) -> Result<Batches<B>, Failure> {
    let (store, check) = (context.store.clone(), context.services.trust.check());
    if places.len() > HELD_RECORDS {
        let checked = store.check_records(&places, &check).await?;
        let shown = ShownBy::Checked(Arc::new(checked));
        return Ok(Batches::of(
            |to| async move { store.read_records(places, shown, made, &to).await },
        ));
    }
    let mut reading = Batches::of(|to| async move {
        store.read_records(places, ShownBy::Check(check), made, &to).await
    });
    let mut held = Vec::new();
    while let Some(batch) = reading.next().await? {
        held.push(batch);
    }
    Ok(Batches::of(|to| async move {
        for batch in held {
            if to.send(batch).await.is_err() {
                break;
            }
        }
        Ok(())
    }))
}

/// The care providers whose staff made the records, in order of their ids.
///
/// # Errors
/// The store's; also that a record is not as it was sealed.
pub async fn accessing_providers(
    context: &Context<'_>,
    places: RecordPlaces,
) -> Result<Vec<AccessingProvider>, Failure> {
    context.store.check_records(&places, &context.services.trust.check()).await?;
    Ok(context.store.accessing_providers(places).await?)
}
