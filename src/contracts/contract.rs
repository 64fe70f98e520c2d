//! The one shape of a contract, and the one way from an interaction to its contract.

use super::answer::Answer;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::Timestamp;
use crate::messages::place::Place;
use crate::procedures::context::Context;
use crate::procedures::failure::{Failure, StoreError};
use crate::procedures::tenants::Realised;
use crate::soap::xml::{Malformed, ReadError, Reader};

/// A service contract: what it answers, and how it refuses. Implemented for its request.
pub trait Contract: Sized + Send {
    /// At which level it is realised.
    const REALISED: Realised;

    /// The answer to a request that could be read.
    ///
    /// # Errors
    /// Why it is refused, or our own failure.
    fn answer(self, context: &Context<'_>) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// The answer to one that breaks a rule, of its schema or of ours; `None` where the contract
    /// has no room for a refusal.
    fn refused(rejection: &Rejection, now: Timestamp) -> Option<Answer>;
}

/// Why a call has no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// The document is broken.
    Malformed(Malformed),
    /// There is more in the body than the request.
    MoreInBody,
    /// The addressed tenant is of another level.
    NotOffered,
    /// The contract has no room for a refusal.
    Refused(Rejection),
    /// The caller may not, and is told by the HTTP status.
    Forbidden(Rejection),
    /// Our own failure.
    Failed(StoreError),
}

/// A call of a contract that is known.
pub struct Called<'c, 'd> {
    /// Who asks whom.
    pub context: &'c Context<'c>,
    /// The request element's name.
    pub name: &'static str,
    /// Stands at the request element.
    pub reader: Reader<'d>,
    /// The caller may not call it.
    pub refused: Option<Rejection>,
}

impl<'d> Called<'_, 'd> {
    /// Reads the request, and answers it or refuses it.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn run<C: Contract>(
        mut self,
        read: impl FnOnce(&mut Reader<'d>) -> Result<C, ReadError>,
    ) -> Result<Answer, Unanswered> {
        let context = self.context;
        if let Some(rejection) = self.refused {
            return refused::<C>(rejection, context);
        }
        if !context.tenant.level.offers(C::REALISED) {
            return Err(Unanswered::NotOffered);
        }
        let processor = context.processor().await;
        let request = self.reader.under(self.name, read);
        let more = request.is_ok() && self.reader.at_start();
        self.reader.finish().map_err(Unanswered::Malformed)?;
        drop(processor);
        if more {
            return Err(Unanswered::MoreInBody);
        }
        let rejection = match request {
            Ok(request) => match request.answer(context).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Store(error)) => return Err(Unanswered::Failed(error)),
                Err(Failure::Refused(rejection)) => rejection,
            },
            Err(ReadError::Malformed(malformed)) => return Err(Unanswered::Malformed(malformed)),
            Err(ReadError::Invalid(violation)) => Rejection::validation(violation.to_string()),
        };
        refused::<C>(rejection, context)
    }
}

/// A refusal as the contract has it, or as the settings do for who may not call.
fn refused<C: Contract>(rejection: Rejection, context: &Context<'_>) -> Result<Answer, Unanswered> {
    if rejection.class == Class::AccessDenied && context.services.forbids_by_status {
        return Err(Unanswered::Forbidden(rejection));
    }
    C::refused(&rejection, context.now).ok_or(Unanswered::Refused(rejection))
}

/// The domain's refusal of what stands at a place: wrong values get the place they stand in.
pub fn at(place: Place<'_>, failure: Failure) -> Failure {
    match failure {
        Failure::Refused(rejection) if rejection.class == Class::Validation => {
            Failure::Refused(place.under(&rejection))
        }
        other => other,
    }
}

/// From the contracts of a domain, as the generator lists them, to the two functions that choose
/// among them. A contract that is not implemented does not compile.
macro_rules! choose_contract {
    ($domain:ident; $($name:ident => $module:ident::$version:ident::$request:ident,)+) => {
        use crate::contracts::answer::Answer;
        use crate::contracts::contract::{Called, Unanswered};
        use crate::messages::generated::{self, $domain};

        /// Answers a call of one of the domain's contracts.
        ///
        /// # Errors
        /// Why there is no answer.
        pub async fn call(
            interaction: $domain,
            called: Called<'_, '_>,
        ) -> Result<Answer, Unanswered> {
            match interaction {
                $($domain::$name => called.run(generated::$module::$version::$request::read).await,)+
            }
        }
    };
}
pub(crate) use choose_contract;
