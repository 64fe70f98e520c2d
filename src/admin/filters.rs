//! How templates say words.
#![expect(clippy::inline_always, clippy::unused_self, reason = "as the library makes filters")]

use super::words::{Language, Words};

/// Words in the reader's language.
#[askama::filter_fn]
pub fn say(words: &Words, values: &dyn askama::Values) -> askama::Result<String> {
    Ok(words.said(*askama::get_value::<Language>(values, "language")?))
}

/// Words of ours in the reader's language.
#[askama::filter_fn]
pub fn t(words: &'static str, values: &dyn askama::Values) -> askama::Result<String> {
    Ok(Words::Ours(words).said(*askama::get_value::<Language>(values, "language")?))
}
