//! Every refusal that the contracts foresee, with the class of answer it gives.
//!
//! The spelling of the result codes differs between the domains and is in
//! `messages::result`.

use std::borrow::Cow;

/// The class of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// An input value is wrong.
    Validation,
    /// The named object does not exist.
    NotFound,
    /// The named object exists already, with other content.
    AlreadyExists,
    /// The object is in the wrong state.
    InvalidState,
    /// The caller lacks permission.
    AccessDenied,
    /// Another logical error.
    Error,
}

/// A refusal: nothing was done, and the text may be shown to a Swedish user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// What kind of refusal.
    pub class: Class,
    /// Why, in Swedish.
    pub text: Cow<'static, str>,
}

impl Rejection {
    /// A refusal of a class.
    pub fn new(class: Class, text: impl Into<Cow<'static, str>>) -> Self {
        Self { class, text: text.into() }
    }

    /// A wrong input value; the text names place and rule.
    pub fn validation(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Class::Validation, text)
    }
}
