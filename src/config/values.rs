//! Values as they are read: numbers within bounds, identifiers that say something.

use crate::domain::identity::HsaId;
use serde::de::{Deserialize, Deserializer, Error};
use sigill_seal::names::VerifyingName;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

/// A number from `MIN` to `MAX`.
pub(super) fn bounded<'de, T, const MIN: u64, const MAX: u64, D>(from: D) -> Result<T, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    let value = i64::deserialize(from)?;
    let within = u64::try_from(value).ok().filter(|n| (MIN..=MAX).contains(n));
    let number = within.and_then(|n| T::try_from(n).ok());
    number.ok_or_else(|| D::Error::custom(format!("must be {MIN} to {MAX}, not {value}")))
}

/// The same, where it may be absent.
pub(super) fn optional_bounded<'de, T, const MIN: u64, const MAX: u64, D>(
    from: D,
) -> Result<Option<T>, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    bounded::<T, MIN, MAX, D>(from).map(Some)
}

/// An HSA-id of an organisation or a system, which may be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfiguredId(HsaId);

impl ConfiguredId {
    /// Of a text; `None`: it is blank.
    pub fn new(text: &str) -> Option<Self> {
        HsaId::new(text).map(Self)
    }
}

impl Deref for ConfiguredId {
    type Target = HsaId;

    fn deref(&self) -> &HsaId {
        &self.0
    }
}

impl fmt::Debug for ConfiguredId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0.as_str(), f)
    }
}

impl<'de> Deserialize<'de> for ConfiguredId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        HsaId::new(&text).map(Self).ok_or_else(|| D::Error::custom("an HSA-id must not be blank"))
    }
}

/// The beginning of addresses, without a slash at its end.
pub(super) fn base_address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_graphic() && !"<>\"'?#&".contains(c);
    match rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(plain)) {
        true => Ok(Some(text.trim_end_matches('/').to_owned())),
        false => Err(D::Error::custom("must be http:// or https:// and a host")),
    }
}

/// Texts none of which is blank.
pub(super) fn filled<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    match texts.iter().any(|text| text.trim().is_empty()) {
        true => Err(D::Error::custom("must not be blank")),
        false => Ok(texts),
    }
}

/// A table by care provider (HSA-id), each once.
pub(super) fn by_provider<'de, T, D>(from: D) -> Result<Vec<(ConfiguredId, T)>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let table = BTreeMap::<String, T>::deserialize(from)?;
    let mut found: Vec<(ConfiguredId, T)> = Vec::new();
    for (text, value) in table {
        let id = HsaId::new(&text).map(ConfiguredId);
        let id = id.ok_or_else(|| D::Error::custom("an HSA-id must not be blank"))?;
        if found.iter().any(|(known, _)| *known == id) {
            return Err(D::Error::custom(format!("{text} stands there twice")));
        }
        found.push((id, value));
    }
    Ok(found)
}

/// A name with the key that verifies its signatures (NAME+ID+KEY).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredKey(pub VerifyingName);

impl<'de> Deserialize<'de> for ConfiguredKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let name = VerifyingName::of_vkey(&text);
        name.map(Self).ok_or_else(|| D::Error::custom(format!("{text}: no key (NAME+ID+KEY)")))
    }
}
