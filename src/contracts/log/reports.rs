//! The report contracts: GetLogs, GetAccessLogsForPatient and GetInfoLogs 2.0.
//!
//! They work alike: ready, with its rows, or queued, with the id under which it is asked for again.

use crate::contracts::answer::{Answer, EncodedRows};
use crate::contracts::contract::Contract;
use crate::domain::identity::PatientId;
use crate::domain::log::record::Organisation;
use crate::domain::log::report::{ReportQuestion, ReportSubject};
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Timestamp};
use crate::messages::generated::log::v2 as wire;
use crate::messages::identity::{hsa_id, optional_hsa_id, patient};
use crate::messages::log::report::{wire_accesses, wire_care_provider, wire_record};
use crate::messages::place::Place;
use crate::messages::result::log_result;
use crate::messages::time::{instant, wire_time};
use crate::procedures::context::Context;
use crate::procedures::failure::Failure;
use crate::procedures::reports::{self, Available, Reported};
use crate::procedures::tenants::Realised;
use crate::soap::xml::{DateTime, Text};

/// All access by a care provider's own staff.
impl Contract for wire::GetLogs<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("GetLogs");
        let subject = ReportSubject::Staff {
            owner: hsa_id(root.child("careProviderId"), &self.care_provider_id)?,
            patient: optional_patient(root.child("patientId"), self.patient_id.as_ref())?,
            user: optional_hsa_id(root.child("userId"), self.user_id.as_ref())?,
            unit: optional_hsa_id(root.child("careUnitId"), self.care_unit_id.as_ref())?,
        };
        may_ask(context, &subject)?;
        let question = question(root, subject, self.from_date, self.to_date)?;
        let (reported, available) = report(context, &question, self.queued_report_id).await?;
        let places = match reported {
            Reported::Ready(places) => places,
            other => return Ok(logs_without_rows(not_ready(&other, available))),
        };
        let head = wire::LogsResultHead { report_result: ready(available) };
        let rows = reports::read_records(context, places, |records| {
            EncodedRows::of(records, |record, out| {
                wire::GetLogsResponse::write_row(&wire_record(record), out);
            })
        })
        .await?;
        Answer::streamed(
            "OK",
            |out| wire::GetLogsResponse::write_head(&head, out),
            rows,
            |out| wire::GetLogsResponse::write_tail(&wire::LogsResultTail {}, out),
        )
        .await
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(logs_without_rows(refusal(rejection)))
    }
}

/// All access to information about a patient.
impl Contract for wire::GetAccessLogsForPatient<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("GetAccessLogsForPatient");
        let id = &self.patient_id;
        let patient = patient(root.child("patientId"), &id.root, id.extension.as_ref())?;
        let key = patient.key().to_owned();
        let subject = ReportSubject::Patient(patient);
        may_ask(context, &subject)?;
        let question = question(root, subject, self.from_date, self.to_date)?;
        let (reported, available) = report(context, &question, self.queued_report_id).await?;
        let places = match reported {
            Reported::Ready(places) => places,
            other => return Ok(accesses_without_rows(not_ready(&other, available))),
        };
        let head = wire::AccessLogsResultHead { report_result: ready(available) };
        let rows = reports::read_records(context, places, move |records| {
            let accesses: Vec<_> = records.iter().flat_map(|r| wire_accesses(r, &key)).collect();
            EncodedRows::of(&accesses, |access, out| {
                wire::GetAccessLogsForPatientResponse::write_row(access, out);
            })
        })
        .await?;
        Answer::streamed(
            "OK",
            |out| wire::GetAccessLogsForPatientResponse::write_head(&head, out),
            rows,
            |out| {
                let tail = wire::AccessLogsResultTail {};
                wire::GetAccessLogsForPatientResponse::write_tail(&tail, out);
            },
        )
        .await
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(accesses_without_rows(refusal(rejection)))
    }
}

/// The care providers that had access to information that another holds.
impl Contract for wire::GetInfoLogs<'_> {
    const REALISED: Realised = Realised::Everywhere;

    async fn answer(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let root = Place::root("GetInfoLogs");
        let subject = ReportSubject::Information {
            owner: hsa_id(root.child("careProviderId"), &self.care_provider_id)?,
            patient: optional_patient(root.child("patientId"), self.patient_id.as_ref())?,
        };
        may_ask(context, &subject)?;
        let question = question(root, subject, self.from_date, self.to_date)?;
        let (reported, available) = report(context, &question, self.queued_report_id).await?;
        let places = match reported {
            Reported::Ready(places) => places,
            other => return Ok(providers(not_ready(&other, available), None)),
        };
        let found = reports::accessing_providers(context, places).await?;
        let care_provider = found.iter().map(|provider| {
            let (id, name) = (&provider.care_provider_id, provider.care_provider_name.as_deref());
            wire_care_provider(Organisation { id, name })
        });
        let found = wire::CareProviders { care_provider: care_provider.collect() };
        Ok(providers(ready(available), Some(found)))
    }

    fn refused(rejection: &Rejection, _now: Timestamp) -> Option<Answer> {
        Some(providers(refusal(rejection), None))
    }
}

/// Whether the report is one that the caller may have.
fn may_ask(context: &Context<'_>, subject: &ReportSubject) -> Result<(), Rejection> {
    match subject {
        ReportSubject::Staff { owner, .. } | ReportSubject::Information { owner, .. } => {
            context.about(owner)
        }
        ReportSubject::Patient(_) => Ok(()),
    }
}

/// The report, or what has become of it, and of which time there are records.
async fn report(
    context: &Context<'_>,
    question: &ReportQuestion,
    queued: Option<Text<'_>>,
) -> Result<(Reported, Available), Failure> {
    let reported = reports::report(context, question, queued.as_deref()).await?;
    let available = reports::available(context, &reported).await?;
    Ok((reported, available))
}

fn optional_patient(
    place: Place<'_>,
    id: Option<&wire::II<'_>>,
) -> Result<Option<PatientId>, Rejection> {
    id.map(|id| patient(place, &id.root, id.extension.as_ref())).transpose()
}

/// Bounds reach as far as their texts can mean.
fn question(
    root: Place<'_>,
    subject: ReportSubject,
    from: DateTime,
    to: DateTime,
) -> Result<ReportQuestion, Rejection> {
    let (from, to) = (instant(from, Ambiguous::Earlier), instant(to, Ambiguous::Later));
    root.decided(ReportQuestion::new(subject, from, to))
}

fn ready(available: Available) -> wire::ReportResult<'static> {
    report_result(log_result(Ok(())), available)
}

fn refusal(rejection: &Rejection) -> wire::ReportResult<'_> {
    report_result(log_result(Err(rejection)), Available { first_at: None, last_at: None })
}

/// A result with the time of which there are records.
fn report_result(result: wire::ResultType<'_>, available: Available) -> wire::ReportResult<'_> {
    wire::ReportResult {
        result,
        start_interval: available.first_at.map(wire_time),
        end_interval: available.last_at.map(wire_time),
        queued_report_id: None,
        queue_time: None,
    }
}

fn not_ready(reported: &Reported, available: Available) -> wire::ReportResult<'static> {
    let told = |code, text: &'static str| {
        let result = wire::ResultType { result_code: code, result_text: Some(text.into()) };
        report_result(result, available)
    };
    let queued = |code, text, id: &uuid::Uuid, seconds| wire::ReportResult {
        queued_report_id: Some(id.to_string().into()),
        queue_time: Some(seconds),
        ..told(code, text)
    };
    match reported {
        Reported::Waiting { id, seconds } => queued(
            wire::ResultCode::ReportOnQueue,
            "Rapporten väntar på att tas fram.",
            id,
            *seconds,
        ),
        Reported::Making { id, seconds } => {
            queued(wire::ResultCode::ReportInProcess, "Rapporten tas fram.", id, *seconds)
        }
        Reported::TooMany => told(
            wire::ResultCode::MaxQueryResultExceeded,
            "Frågan gäller fler loggposter än en rapport får ha; begränsa den.",
        ),
        Reported::NotFound | Reported::Ready(_) => told(
            wire::ResultCode::ReportNotFound,
            "Det finns ingen rapport med detta id för systemet och dessa uppgifter.",
        ),
    }
}

fn logs_without_rows(report_result: wire::ReportResult<'_>) -> Answer {
    let code = report_result.result.result_code.as_str();
    let logs_result = wire::LogsResult { report_result, logs: None };
    Answer::whole(code, 0, |out| wire::GetLogsResponse { logs_result }.write_root(out))
}

fn accesses_without_rows(report_result: wire::ReportResult<'_>) -> Answer {
    let code = report_result.result.result_code.as_str();
    let access_logs_result = wire::AccessLogsResult { report_result, access_logs: None };
    let response = wire::GetAccessLogsForPatientResponse { access_logs_result };
    Answer::whole(code, 0, |out| response.write_root(out))
}

fn providers(
    report_result: wire::ReportResult<'_>,
    care_providers: Option<wire::CareProviders<'_>>,
) -> Answer {
    let code = report_result.result.result_code.as_str();
    let rows = care_providers.as_ref().map_or(0, |found| found.care_provider.len());
    let info_logs_result = wire::InfoLogsResult { report_result, care_providers };
    Answer::whole(code, rows, |out| wire::GetInfoLogsResponse { info_logs_result }.write_root(out))
}
