//! From a message to its answer: opens the envelope, finds the contract, lets it answer.
//!
//! Everything wrong inside a known request element is an answer; a fault means a broken
//! envelope or our own failure, whose cause goes back beside it, for the log.

use crate::contracts::answer::Answer;
use crate::contracts::contract::{Called, Unanswered};
use crate::contracts::{blocking, consent, log, monitoring};
use crate::domain::time::Timestamp;
use crate::domain::trust::caller::Caller;
use crate::domain::trust::grants::Permit;
use crate::fairness::address::Address;
use crate::messages::generated::{Interaction, ns};
use crate::procedures::context::{Context, Services};
use crate::procedures::failure::StoreError;
use crate::procedures::processors::CallSize;
use crate::soap::envelope::{Envelope, Vocabulary};
use crate::soap::fault::Fault;
use crate::soap::xml::{self, Charset};

const VOCABULARY: Vocabulary = Vocabulary { of_uri: ns::of_uri, registry: ns::REGISTRY_1 };

/// A message as it came.
#[derive(Debug)]
pub struct Message<'m> {
    /// The bytes.
    pub body: &'m [u8],
    /// The encoding that its Content-Type names.
    pub charset: Charset,
    /// Who calls.
    pub caller: Caller,
    /// Where it comes from.
    pub address: Address,
    /// Under which address it came.
    pub base_address: String,
    /// How much work it may be.
    pub size: CallSize,
    /// The time of the call.
    pub now: Timestamp,
}

/// What became of a message, for its sender and for the log line.
pub struct Dispatched {
    /// The contract, once it is known.
    pub interaction: Option<Interaction>,
    /// The logical address, once it is known.
    pub logical_address: Option<String>,
    /// The answer, or the fault.
    pub answer: Result<Answer, Fault>,
    /// The caller may not, and is told by the HTTP status.
    pub is_forbidden: bool,
    /// Why we failed, where we did; for the log only.
    pub cause: Option<StoreError>,
}

impl Dispatched {
    /// A message refused before anything in it was known.
    pub fn refused(fault: Fault) -> Self {
        Self {
            interaction: None,
            logical_address: None,
            answer: Err(fault),
            is_forbidden: false,
            cause: None,
        }
    }
}

/// Answers a message.
pub async fn dispatch(services: &Services, message: Message<'_>) -> Dispatched {
    let mut dispatched = Dispatched::refused(Fault::server(""));
    dispatched.answer = answer(services, message, &mut dispatched).await;
    dispatched
}

async fn answer(
    services: &Services,
    message: Message<'_>,
    told: &mut Dispatched,
) -> Result<Answer, Fault> {
    let document = xml::decode(message.body, message.charset)?;
    let Envelope { logical_address, body, mut reader } = Envelope::open(&document, VOCABULARY)?;
    reader.limit_rows(services.check_blocks_rows_max);
    let tenant = services.tenants.of(&logical_address);
    told.logical_address = Some(logical_address.clone());
    let tenant = tenant
        .ok_or_else(|| Fault::client("den logiska adressen finns inte i den här tjänsten"))?;
    let interaction = Interaction::of_body(body.0, body.1).ok_or_else(|| {
        Fault::client("okänt anrop: Body innehåller inget element som tjänsten känner")
    })?;
    told.interaction = Some(interaction);
    let Message { caller, address, base_address, size, now, .. } = message;
    let contract = interaction.name();
    let at = (&*tenant.name, Some(&*logical_address));
    // Before anything of the request is read: who may not call costs no more.
    let permit = services.authorisation.permit(&caller, contract, at, now);
    let (permit, refused) = match permit {
        Ok(permit) => (permit, None),
        Err(refusal) => {
            let rejection = services.authorisation.refused(&caller, contract, refusal);
            (Permit::nothing(), Some(rejection))
        }
    };
    let context = Context {
        services,
        tenant,
        caller,
        contract,
        permit,
        store: services.store.asked_by(address),
        address,
        base_address,
        size,
        now,
    };
    let called = Called { context: &context, name: contract, reader, refused };
    let answer = match interaction {
        Interaction::Blocking(contract) => blocking::call::call(contract, called).await,
        Interaction::Consent(contract) => consent::call::call(contract, called).await,
        Interaction::Log(contract) => log::call::call(contract, called).await,
        Interaction::Monitoring(contract) => monitoring::call::call(contract, called).await,
    };
    told.is_forbidden = matches!(answer, Err(Unanswered::Forbidden(_)));
    answer.map_err(|unanswered| fault(unanswered, &mut told.cause))
}

fn fault(unanswered: Unanswered, cause: &mut Option<StoreError>) -> Fault {
    match unanswered {
        Unanswered::Malformed(malformed) => malformed.into(),
        Unanswered::MoreInBody => Fault::client("kuvertets Body innehåller mer än ett element"),
        Unanswered::NotOffered => {
            Fault::client("den logiska adressen tillhandahåller inte det här kontraktet")
        }
        Unanswered::Refused(rejection) | Unanswered::Forbidden(rejection) => {
            Fault::client(rejection.text)
        }
        // Trouble of our own: the caller may try again.
        Unanswered::Failed(error) => {
            *cause = Some(error);
            Fault::server("tjänsten kunde inte behandla anropet; försök igen senare")
        }
    }
}
