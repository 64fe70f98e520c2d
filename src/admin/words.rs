//! What pages say, in Swedish and English. Swedish stands in the code and is the key of `english.toml`; a test demands
//! every entry in both directions.

use crate::domain::time::{Timestamp, local};
use chrono::NaiveDate;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// The first.
    #[default]
    Swedish,
    /// The second.
    English,
}

impl Language {
    /// As HTML names it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Swedish => "sv",
            Self::English => "en",
        }
    }

    /// The language of a code.
    pub fn of_code(code: &str) -> Option<Self> {
        [Self::Swedish, Self::English].into_iter().find(|language| language.code() == code)
    }
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// Ours: said in the reader's language.
    Ours(&'static str),
    /// Ours, with `{}` for what is filled in.
    Filled(&'static str, Vec<Words>),
    /// What somebody else has written, or a number.
    Data(String),
}

/// Words of ours.
pub const fn t(swedish: &'static str) -> Words {
    Words::Ours(swedish)
}

/// Words of ours with something filled in.
pub fn filled<const N: usize>(swedish: &'static str, with: [Words; N]) -> Words {
    Words::Filled(swedish, with.into())
}

/// Words of ours about one, or about so many, which are filled in.
pub fn counted(count: u64, one: &'static str, many: &'static str) -> Words {
    match count {
        1 => t(one),
        count => filled(many, [number(count).into()]),
    }
}

impl From<String> for Words {
    fn from(data: String) -> Self {
        Self::Data(data)
    }
}

impl From<&str> for Words {
    fn from(data: &str) -> Self {
        Self::Data(data.to_owned())
    }
}

impl Words {
    /// Nothing.
    pub fn none() -> Self {
        Self::Data(String::new())
    }

    /// Whether nothing is said.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Data(text) if text.is_empty())
    }

    /// In a language.
    pub fn said(&self, language: Language) -> String {
        match self {
            Self::Ours(swedish) => in_language(swedish, language).to_owned(),
            Self::Filled(swedish, with) => {
                let mut parts = in_language(swedish, language).split("{}");
                let mut text = parts.next().unwrap_or_default().to_owned();
                for (words, part) in with.iter().zip(parts) {
                    text.push_str(&words.said(language));
                    text.push_str(part);
                }
                text
            }
            Self::Data(text) => text.clone(),
        }
    }
}

/// The English of what is said in Swedish.
pub const ENGLISH: &str = include_str!("english.toml");
static ENGLISH_OF: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| toml::from_str(ENGLISH).unwrap_or_default());

fn in_language(swedish: &'static str, language: Language) -> &'static str {
    match language {
        Language::Swedish => swedish,
        Language::English => ENGLISH_OF.get(swedish).map_or(swedish, String::as_str),
    }
}

/// A minute in Swedish time: `2026-11-24 14.32`.
pub fn minute(at: Timestamp) -> String {
    local(at).format("%Y-%m-%d %H.%M").to_string()
}

/// A second in Swedish time: `2026-11-24 14.32.10`.
pub fn second(at: Timestamp) -> String {
    local(at).format("%Y-%m-%d %H.%M.%S").to_string()
}

/// The time of day in Swedish time: `14.32`.
pub fn clock(at: Timestamp) -> String {
    local(at).format("%H.%M").to_string()
}

/// A day.
pub fn day(on: NaiveDate) -> String {
    on.format("%Y-%m-%d").to_string()
}

/// A number with thin spaces: `12 345`.
pub fn number(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or_default().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_in_and_data_stays() {
        let words = filled("{} av {}", ["3".into(), "7".into()]);
        assert_eq!(words.said(Language::Swedish), "3 av 7");
        assert_eq!(words.said(Language::English), "3 by 7");
        assert_eq!(Words::from("Spärrar").said(Language::English), "Spärrar");
    }

    #[test]
    fn numbers_and_times_are_swedish() {
        assert_eq!((number(12_345_u32), number(7_i64)), ("12\u{2009}345".into(), "7".into()));
        let at: Timestamp = "2026-11-24T13:32:10Z".parse().unwrap();
        assert_eq!((minute(at), clock(at)), ("2026-11-24 14.32".into(), "14.32".into()));
    }
}
