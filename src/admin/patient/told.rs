//! Blocks and consents in words.

use crate::admin::parts::{Cell, Tone, link};
use crate::admin::words::{Words, day, filled, minute, t};
use crate::domain::blocking::block::{Block, BlockContent, Guards, InformationType};
use crate::domain::blocking::history::{BlockHistory, BlockRemoval, RevokeHistory, RevokeReason};
use crate::domain::consent::assertion::AssertionType;
use crate::domain::consent::lifecycle::{AssertionHistory, AssertionRemoval};
use crate::domain::identity::Action;
use crate::domain::people::matrix::Reach;
use crate::domain::period::Period;
use crate::domain::time::{Moment, Timestamp, local};
use crate::procedures::people::facts::Names;

/// Which source a block guards.
pub fn guarded(guards: &Guards, names: &Names) -> Words {
    match guards {
        Guards::Unit { unit, .. } => filled("Inre spärr: {}", [names.of(unit).into()]),
        Guards::Provider(provider) => filled("Yttre spärr: {}", [names.of(provider).into()]),
    }
}

/// From which time's information a block closes.
pub fn span(period: &Period) -> Words {
    let on = |at: Timestamp| Words::from(day(local(at).date()));
    match (period.start, period.end) {
        (None, None) => t("All tid"),
        (Some(start), None) => filled("Uppgifter från {}", [on(start)]),
        (None, Some(end)) => filled("Uppgifter till {}", [on(end)]),
        (Some(start), Some(end)) => filled("Uppgifter {} – {}", [on(start), on(end)]),
    }
}

/// What a block leaves open.
pub fn exempted(content: &BlockContent) -> Words {
    let name = |kind: &InformationType| match kind {
        InformationType::Lak => "läkemedel",
        InformationType::Upp => "uppmärksamhetsinformation",
    };
    let names: Vec<&str> = content.exempted.iter().map(name).collect();
    match names.is_empty() {
        true => t("Inga undantag"),
        false => filled("Undantag: {}", [names.join(", ").into()]),
    }
}

/// Who registered something, and when.
pub fn by(action: &Action, names: &Names) -> Words {
    let who = names.of(&action.registered_by.employee);
    filled("{} av {}", [minute(action.registered_at).into(), who.into()])
}

/// How a block stands.
pub fn block_state(history: &BlockHistory, revokes: &[RevokeHistory], now: Timestamp) -> Cell {
    match history.block.lifetime.removal() {
        None if revokes.iter().any(|revoke| revoke.is_in_force(now)) => {
            Cell::Chip(Tone::Warning, t("I kraft, tillfälligt hävd"))
        }
        None => Cell::Chip(Tone::Bad, t("I kraft")),
        Some(BlockRemoval::Revoked(_)) => Cell::Chip(Tone::Quiet, t("Hävd")),
        Some(BlockRemoval::Deleted { .. }) => Cell::Chip(Tone::Quiet, t("Makulerad")),
        Some(BlockRemoval::Unregistered) => Cell::Chip(Tone::Quiet, t("Avregistrerad")),
    }
}

/// What has happened to a block, the first first.
pub fn block_story(
    (history, revokes): (&BlockHistory, &[RevokeHistory]),
    names: &Names,
) -> Vec<Cell> {
    let mut story = Vec::new();
    match &history.action {
        Some(action) => story.push(filled("Registrerad {}", [by(action, names)])),
        None => story.push(t("Kopia: ändras i sin egen tjänst")),
    }
    for revoke in revokes {
        let lift = &revoke.revoke.lift;
        let whom = match &lift.employee {
            Some(employee) => names.of(employee),
            None => names.of(&lift.care_unit),
        };
        let ground = match revoke.details.as_ref().map(|details| details.reason) {
            Some(RevokeReason::Emergency) => t("nödsituation"),
            Some(RevokeReason::PatientsConsent) => t("samtycke"),
            None => t("okänd grund"),
        };
        let until = Words::from(minute(lift.end));
        story.push(filled("Hävd för {} till {} ({})", [whom.into(), until, ground]));
        if let Some(Some(removal)) = revoke.revoke.lifetime.removal() {
            story.push(filled("Hävningen återkallad {}", [by(&removal.action, names)]));
        }
    }
    match history.block.lifetime.removal() {
        Some(BlockRemoval::Revoked(removal)) => {
            story.push(filled("Hävd {}", [by(&removal.action, names)]));
        }
        Some(BlockRemoval::Deleted { removal, revoked }) => {
            if let Some(revoked) = revoked {
                story.push(filled("Hävd {}", [by(&revoked.action, names)]));
            }
            story.push(filled("Makulerad {}", [by(&removal.action, names)]));
        }
        Some(BlockRemoval::Unregistered) | None => {}
    }
    story.into_iter().map(Cell::from).collect()
}

/// For whom an assertion opens.
pub fn opened_for(history: &AssertionHistory, names: &Names) -> Words {
    let content = &history.assertion.content;
    match &content.employee {
        Some(employee) => {
            let unit = Words::from(names.short(&content.care_unit));
            filled("{} vid {}", [names.of(employee).into(), unit])
        }
        None => Words::from(names.of(&content.care_unit)),
    }
}

/// What kind of assertion it is.
pub fn kind_of(kind: AssertionType) -> Words {
    match kind {
        AssertionType::Consent => t("Samtycke"),
        AssertionType::Emergency => t("Nödsituation"),
    }
}

/// From when until when an assertion opens.
pub fn validity(history: &AssertionHistory, now: Timestamp) -> Words {
    let from = Words::from(minute(history.assertion.starts_at()));
    match history.assertion.ends_at(Moment::Now(now)) {
        Some(end) => filled("{} till {}", [from, minute(end).into()]),
        None => filled("{} tills vidare", [from]),
    }
}

/// How an assertion stands.
pub fn assertion_state(history: &AssertionHistory, now: Timestamp) -> Cell {
    let assertion = &history.assertion;
    match assertion.lifetime.removal() {
        Some(AssertionRemoval::Cancelled(_)) => Cell::Chip(Tone::Quiet, t("Avslutat")),
        Some(AssertionRemoval::Deleted { .. }) => Cell::Chip(Tone::Quiet, t("Makulerat")),
        None if assertion.has_passed(Moment::Now(now)) => {
            let by_patient = !assertion.patient_ends.is_empty();
            let words = if by_patient { t("Avslutat av patienten") } else { t("Utgånget") };
            Cell::Chip(Tone::Quiet, words)
        }
        None if assertion.starts_at() > now => Cell::Chip(Tone::Note, t("Börjar senare")),
        None if assertion.content.assertion_type == AssertionType::Emergency => {
            Cell::Chip(Tone::Warning, t("Gäller (nöd)"))
        }
        None => Cell::Chip(Tone::Good, t("Gäller")),
    }
}

/// How much somebody gets at.
pub fn reach(reach: Reach) -> Cell {
    match reach {
        Reach::Open => Cell::Chip(Tone::Good, t("Öppet")),
        Reach::ByConsent => Cell::Chip(Tone::Good, t("Öppet med samtycke")),
        Reach::ByEmergency => Cell::Chip(Tone::Warning, t("Öppet i nödsituation")),
        Reach::NeedsConsent => Cell::Chip(Tone::Note, t("Kräver samtycke")),
        Reach::PartlyClosed => Cell::Chip(Tone::Warning, t("Delvis stängt")),
        Reach::Closed => Cell::Chip(Tone::Bad, t("Stängt")),
    }
}

/// A block in a line, for a question about it.
pub fn block_line(block: &Block, names: &Names) -> Words {
    let content = &block.content;
    filled(
        "{}. {}. {}.",
        [guarded(&content.guards, names), span(&content.period), exempted(content)],
    )
}

/// What may be done to a block, as links; nothing to a copy.
pub fn block_actions(
    history: &BlockHistory,
    revokes: &[RevokeHistory],
    (base, is_admin, is_care): (&str, bool, bool),
    (names, now): (&Names, Timestamp),
) -> Vec<Cell> {
    if history.action.is_none() {
        return Vec::new();
    }
    let id = history.block.id.as_str();
    let base = format!("{base}/{}", id.bytes().map(|b| format!("{b:02x}")).collect::<String>());
    let about = guarded(&history.block.content.guards, names);
    let to = |action: &str, words: Words| {
        Cell::Link(link(format!("{base}/{action}"), words).about(about.clone()))
    };
    let stands = history.block.lifetime.stands();
    let is_revoked = matches!(history.block.lifetime.removal(), Some(BlockRemoval::Revoked(_)));
    let mut actions = Vec::new();
    if stands && (is_admin || is_care) {
        actions.push(to("hav-tillfalligt", t("Häv tillfälligt…")));
    }
    if stands && is_admin {
        actions.push(to("hav", t("Häv…")));
    }
    if (stands || is_revoked) && is_admin {
        actions.push(to("makulera", t("Makulera…")));
    }
    for revoke in revokes.iter().filter(|revoke| {
        (is_admin || is_care) && revoke.is_in_force(now) && revoke.details.is_some()
    }) {
        let id = revoke.revoke.id.as_str();
        let id: String = id.bytes().map(|b| format!("{b:02x}")).collect();
        let words = t("Återkalla hävningen…");
        actions.push(to(&format!("hav-tillfalligt/{id}/aterkalla"), words));
    }
    actions
}
