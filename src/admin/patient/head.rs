//! What stands at the top of every page about a patient.

use super::search::MATTERS;
use crate::admin::parts::{Cell, Link, PagePart, Tone, link};
use crate::admin::words::{Words, clock, filled, t};
use crate::domain::people::number;
use crate::domain::people::person::PersonState;
use crate::domain::time::local;
use crate::procedures::people::looking::{StoredLookup, Viewed};
use crate::procedures::people::persons::PersonShown;

/// The page's title: the number alone, so that no name stands in the list of a browser's tabs.
pub fn title(_lookup: &StoredLookup) -> Words {
    t("Patient")
}

/// Who it is, for what one is here, and that this is logged.
pub fn head(lookup: &StoredLookup, person: &PersonShown, viewed: &Viewed) -> Vec<PagePart> {
    let patient = &lookup.patient;
    let today = local(viewed.at).date();
    let mut facts: Vec<(Words, Cell)> = Vec::new();
    let (mut notices, mut links) = (Vec::new(), Vec::new());
    let name = |name: &Option<String>| Cell::from(name.clone().unwrap_or_default());
    match person {
        PersonShown::FromLog(found) => {
            if let Some(found) = found {
                facts.push((t("Namn (från loggen)"), Cell::from(found.clone())));
            }
        }
        PersonShown::FromService(PersonState::Open {
            name: found, dead, has_other_number, ..
        }) => {
            facts.push((t("Namn"), name(found)));
            if let Some(dead) = dead {
                let words = filled("Avliden {}", [dead.clone().into()]);
                facts.push((t("Levnad"), Cell::Chip(Tone::Quiet, words)));
            }
            if *has_other_number {
                notices.push((Tone::Note, t("Personen har ett annat huvudnummer.")));
            }
        }
        PersonShown::FromService(PersonState::Protected { .. }) => {
            facts.push((t("Namn"), Cell::Chip(Tone::Warning, t("Skyddade personuppgifter"))));
            let to = format!("/patient/{}/namn", lookup.id);
            links.push(link(to, t("Visa namn")));
        }
        PersonShown::FromService(PersonState::None) => {
            notices.push((Tone::Note, t("Personen finns inte i Personuppgiftstjänsten.")));
        }
        PersonShown::FromService(PersonState::Unknown) => {
            notices.push((Tone::Warning, t("Namn och skydd kunde inte hämtas.")));
        }
    }
    facts.push((t("Nummer"), Cell::from(number::shown(patient))));
    let born = match person {
        PersonShown::FromService(PersonState::Open { born, .. }) => *born,
        _ => None,
    };
    let age = number::age_of(patient, today).or_else(|| today.years_since(born?));
    if let Some(age) = age {
        facts.push((t("Ålder"), Cell::from(age.to_string())));
    }
    facts.push((t("Du är här för"), Cell::from(matter_of(lookup))));
    let seen = filled("Din visning är loggad {}.", [clock(viewed.at).into()]);
    facts.push((t("Åtkomstlogg"), Cell::Chip(Tone::Note, seen)));
    let mut parts = vec![PagePart::Facts(facts)];
    if !links.is_empty() {
        parts.push(PagePart::SeeAlso(links));
    }
    parts.extend(notices.into_iter().map(|(tone, words)| PagePart::Notice(tone, words, vec![])));
    parts
}

/// Back to the overview.
pub fn to_overview(lookup: &StoredLookup) -> Link {
    link(format!("/patient/{}", lookup.id), t("Patientens översikt"))
}

/// What a look-up is for, in the reader's language.
fn matter_of(lookup: &StoredLookup) -> Words {
    let named = MATTERS.into_iter().find(|(name, _)| *name == lookup.matter);
    let matter = named.map_or(t("Annat"), |(_, words)| words);
    match lookup.case_text.as_str() {
        "" => matter,
        case => filled("{}: {}", [matter, case.into()]),
    }
}
