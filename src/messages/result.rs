//! Results as each domain spells their codes.
//!
//! Blocking writes `VALIDATIONERROR`, consent and log `VALIDATION_ERROR`, and log has no code
//! for what does not exist or exists already.

use super::generated::{blocking::v4 as blocking, consent::v2 as consent, log::v2 as log};
use crate::domain::rejection::{Class, Rejection};

macro_rules! results {
    ($name:ident, $types:ident, $($class:ident => $code:ident),+) => {
        /// A result in this domain's spelling: done, or refused with a text.
        pub fn $name(decided: Result<(), &Rejection>) -> $types::ResultType<'_> {
            match decided {
                Ok(()) => $types::ResultType {
                    result_code: $types::ResultCode::Ok,
                    result_text: None,
                },
                Err(rejection) => $types::ResultType {
                    result_code: match rejection.class {
                        $(Class::$class => $types::ResultCode::$code),+
                    },
                    result_text: Some(rejection.text.as_ref().into()),
                },
            }
        }
    };
}

results!(blocking_result, blocking,
    Validation => ValidationError, NotFound => NotFound, AlreadyExists => AlreadyExists,
    InvalidState => InvalidState, AccessDenied => AccessDenied, Error => Error);
results!(consent_result, consent,
    Validation => ValidationError, NotFound => NotFound, AlreadyExists => AlreadyExists,
    InvalidState => InvalidState, AccessDenied => AccessDenied, Error => Error);
results!(log_result, log,
    Validation => ValidationError, NotFound => Error, AlreadyExists => Error,
    InvalidState => Error, AccessDenied => AccessDenied, Error => Error);

macro_rules! classes {
    ($name:ident, $types:ident) => {
        /// What a result code of another service's means.
        ///
        /// # Errors
        /// The class of its refusal.
        pub fn $name(code: $types::ResultCode) -> Result<(), Class> {
            use $types::ResultCode as Code;
            Err(match code {
                Code::Ok | Code::Info => return Ok(()),
                Code::Error => Class::Error,
                Code::ValidationError => Class::Validation,
                Code::AccessDenied => Class::AccessDenied,
                Code::NotFound => Class::NotFound,
                Code::AlreadyExists => Class::AlreadyExists,
                Code::InvalidState => Class::InvalidState,
            })
        }
    };
}

classes!(blocking_class, blocking);
classes!(consent_class, consent);
