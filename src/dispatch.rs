//! From a message to its answer: opens the envelope, finds the contract, calls its handler.
//!
//! Everything wrong inside a known request element is an answer; a fault means a broken
//! envelope or our own failure, whose cause goes back beside it, for the log.

use crate::contracts::answer::Answer;
use crate::contracts::blocking::answers;
use crate::contracts::context::{Context, Services};
use crate::contracts::generated::{Interaction, Request, ns};
use crate::contracts::{blocking, consent, log, monitoring};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::soap::envelope::{Envelope, Vocabulary};
use crate::soap::fault::Fault;
use crate::soap::xml::{self, Charset, ReadError};
use crate::store::StoreError;

const VOCABULARY: Vocabulary = Vocabulary { of_uri: ns::of_uri, registry: ns::REGISTRY_1 };

/// A message as it came.
#[derive(Debug)]
pub struct Message<'m> {
    /// The bytes.
    pub body: &'m [u8],
    /// The encoding that its Content-Type names.
    pub charset: Charset,
    /// The system that began the chain of calls, if it is known.
    pub caller: Option<String>,
    /// Whether it comes from this machine.
    pub on_this_machine: bool,
    /// The time of the call.
    pub now: Timestamp,
}

/// What became of a message, for its sender and for the log line.
#[derive(Debug)]
pub struct Dispatched {
    /// The contract, once it is known.
    pub interaction: Option<Interaction>,
    /// The logical address, once it is known.
    pub logical_address: Option<String>,
    /// The answer, or the fault.
    pub outcome: Result<Answer, Fault>,
    /// Why we failed, where we did; for the log only.
    pub cause: Option<StoreError>,
}

/// Answers a message.
pub async fn dispatch(services: &Services, message: Message<'_>) -> Dispatched {
    let mut dispatched = Dispatched::refused(Fault::server(""));
    dispatched.outcome = answer(services, message, &mut dispatched).await;
    dispatched
}

impl Dispatched {
    /// A message refused before anything in it was known.
    pub fn refused(fault: Fault) -> Self {
        Self { interaction: None, logical_address: None, outcome: Err(fault), cause: None }
    }
}

async fn answer(
    services: &Services,
    message: Message<'_>,
    told: &mut Dispatched,
) -> Result<Answer, Fault> {
    let document = xml::decode(message.body, message.charset)?;
    let Envelope { logical_address, body, mut reader } = Envelope::open(&document, VOCABULARY)?;
    let tenant = services.tenants.of(&logical_address);
    told.logical_address = Some(logical_address);
    let tenant = tenant
        .ok_or_else(|| Fault::client("den logiska adressen finns inte i den här tjänsten"))?;
    let interaction = Interaction::of_body(body.0, body.1).ok_or_else(|| {
        Fault::client("okänt anrop: Body innehåller inget element som tjänsten känner")
    })?;
    told.interaction = Some(interaction);
    if !tenant.offers(interaction) {
        let text = "den logiska adressen tillhandahåller inte det här kontraktet";
        return Err(Fault::client(text));
    }
    let request = Request::read(interaction, &mut reader);
    let more = request.is_ok() && reader.at_start();
    reader.finish()?;
    if more {
        return Err(Fault::client("kuvertets Body innehåller mer än ett element"));
    }
    let Message { caller, on_this_machine, now, .. } = message;
    let context = Context { services, tenant, caller, on_this_machine, now };
    match request {
        Ok(request) => handle(&context, interaction, request, &mut told.cause).await,
        Err(ReadError::Invalid(violation)) => {
            refuse(interaction, &Rejection::validation(violation.to_string()))
        }
        Err(ReadError::Malformed(malformed)) => Err(malformed.into()),
    }
}

async fn handle(
    context: &Context<'_>,
    interaction: Interaction,
    request: Request<'_>,
    cause: &mut Option<StoreError>,
) -> Result<Answer, Fault> {
    let outcome = match request {
        Request::CheckBlocks(r) => blocking::check::check_blocks(context, r).await,
        Request::GetBlocks(r) => blocking::query::get_blocks(context, r).await,
        Request::RegisterExtendedBlock(r) => {
            blocking::administration::register_extended_block(context, r).await
        }
        Request::GetExtendedBlocksForPatient(r) => {
            blocking::history::get_extended_blocks_for_patient(context, r).await
        }
        Request::GetPatientIds(r) => blocking::history::get_patient_ids(context, r).await,
        Request::RevokeExtendedBlock(r) => {
            blocking::administration::revoke_extended_block(context, r).await
        }
        Request::DeleteExtendedBlock(r) => {
            blocking::administration::delete_extended_block(context, r).await
        }
        Request::RegisterTemporaryExtendedRevoke(r) => {
            blocking::administration::register_temporary_extended_revoke(context, r).await
        }
        Request::CancelTemporaryExtendedRevoke(r) => {
            blocking::administration::cancel_temporary_extended_revoke(context, r).await
        }
        Request::RegisterBlock(r) => blocking::synchronization::register_block(context, r).await,
        Request::UnregisterBlock(r) => {
            blocking::synchronization::unregister_block(context, r).await
        }
        Request::RegisterTemporaryRevoke(r) => {
            blocking::synchronization::register_temporary_revoke(context, r).await
        }
        Request::UnregisterTemporaryRevoke(r) => {
            blocking::synchronization::unregister_temporary_revoke(context, r).await
        }
        Request::CheckConsent(r) => consent::check::check_consent(context, r).await,
        Request::RegisterExtendedConsent(r) => {
            consent::administration::register_extended_consent(context, r).await
        }
        Request::StoreLog(r) => log::store::store_log(context, r).await,
        Request::PingForConfiguration(_) => Ok(monitoring::ping::ping_for_configuration(context)),
        Request::CancelExtendedConsent(r) => {
            consent::administration::cancel_extended_consent(context, r).await
        }
        Request::DeleteExtendedConsent(r) => {
            consent::administration::delete_extended_consent(context, r).await
        }
        Request::EndConsentByPatient(r) => {
            consent::patient::end_consent_by_patient(context, r).await
        }
        Request::GetAllExtendedConsentsForPatient(r) => {
            consent::history::get_all_extended_consents_for_patient(context, r).await
        }
        Request::GetConsentsForCareProvider(r) => {
            consent::query::get_consents_for_care_provider(context, r).await
        }
        Request::GetConsentsForPatient(r) => {
            consent::query::get_consents_for_patient(context, r).await
        }
        Request::GetExtendedConsentsForPatient(r) => {
            consent::history::get_extended_consents_for_patient(context, r).await
        }
        Request::GetAccessLogsForPatient(_)
        | Request::GetFilesForOrderId(_)
        | Request::GetInfoLogs(_)
        | Request::GetLogs(_)
        | Request::GetLogsByOrder(_) => return Err(not_served(interaction)),
    };
    outcome.map_err(|error| failed(error, cause))
}

/// Trouble of our own: the caller may try again.
fn failed(error: StoreError, cause: &mut Option<StoreError>) -> Fault {
    *cause = Some(error);
    Fault::server("tjänsten kunde inte behandla anropet; försök igen senare")
}

/// The answer to a request that breaks a rule of its schema.
fn refuse(interaction: Interaction, rejection: &Rejection) -> Result<Answer, Fault> {
    Ok(match interaction {
        Interaction::CheckBlocks => blocking::check::refused(rejection),
        Interaction::GetPatientIds => blocking::history::patient_ids_refused(rejection),
        Interaction::GetExtendedBlocksForPatient => blocking::history::histories_refused(rejection),
        Interaction::RegisterBlock => answers::register_block(Err(rejection)),
        Interaction::UnregisterBlock => answers::unregister_block(Err(rejection)),
        Interaction::RegisterTemporaryRevoke => answers::register_temporary_revoke(Err(rejection)),
        Interaction::UnregisterTemporaryRevoke => {
            answers::unregister_temporary_revoke(Err(rejection))
        }
        Interaction::RegisterExtendedBlock => answers::register_extended_block(Err(rejection)),
        Interaction::RevokeExtendedBlock => answers::revoke_extended_block(Err(rejection)),
        Interaction::DeleteExtendedBlock => answers::delete_extended_block(Err(rejection)),
        Interaction::RegisterTemporaryExtendedRevoke => {
            answers::register_temporary_extended_revoke(Err(rejection))
        }
        Interaction::CancelTemporaryExtendedRevoke => {
            answers::cancel_temporary_extended_revoke(Err(rejection))
        }
        Interaction::CheckConsent => consent::check::refused(rejection),
        Interaction::RegisterExtendedConsent => consent::administration::registered(Err(rejection)),
        Interaction::CancelExtendedConsent => consent::administration::cancelled(Err(rejection)),
        Interaction::DeleteExtendedConsent => consent::administration::deleted(Err(rejection)),
        Interaction::EndConsentByPatient => consent::patient::refused(rejection),
        Interaction::GetConsentsForPatient => consent::query::patient_refused(rejection),
        Interaction::GetExtendedConsentsForPatient => consent::history::refused(rejection),
        Interaction::GetAllExtendedConsentsForPatient => consent::history::all_refused(rejection),
        Interaction::StoreLog => log::store::refused(rejection),
        // GetBlocks and GetConsentsForCareProvider keep what is wrong beside what could be read, PingForConfiguration has no
        // result to refuse with, and the others are not served.
        Interaction::PingForConfiguration => return Err(Fault::client(rejection.text.clone())),
        _ => return Err(not_served(interaction)),
    })
}

fn not_served(interaction: Interaction) -> Fault {
    Fault::server(format!(
        "{} {}.0 tillhandahålls inte ännu",
        interaction.name(),
        interaction.major()
    ))
}
