//! Revoking a block for good, and annulling one that was registered by mistake.

use super::head::{head, to_overview};
use super::{times, told};
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, refusal_of, view};
use crate::admin::parts::{Control, FormField, PagePart, Tone, field, form};
use crate::admin::words::{Words, filled, minute, t};
use crate::domain::blocking::history::{BlockHistory, BlockRemoval, Removal, RevokeHistory};
use crate::domain::blocking::registration::ReplicationWait;
use crate::domain::identity::RecordId;
use crate::procedures::blocking::change;
use crate::procedures::people::facts::{Names, PatientFacts};
use crate::procedures::people::looking::Activity;

/// An id that stands in a path as hexadecimal digits.
pub fn id_of_hex(text: &str) -> Option<String> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) || text.len() > 1_000 {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok())
        .collect();
    String::from_utf8(bytes?).ok()
}

/// The block that a path names, among the patient's own ones here.
///
/// # Errors
/// That there is none.
pub fn block_of<'f>(
    asked: &PageCall,
    facts: &'f PatientFacts,
) -> Result<&'f (BlockHistory, Vec<RevokeHistory>), Refused> {
    let id = id_of_hex(asked.part("b")).and_then(|id| RecordId::new(&id));
    let id = id.ok_or(Refused::NotFound)?;
    facts.histories.iter().find(|(history, _)| history.block.id == id).ok_or(Refused::NotFound)
}

/// *Häv*.
pub async fn revoke(asked: PageCall) -> Handled {
    end(asked, false).await
}

/// *Makulera*.
pub async fn annul(asked: PageCall) -> Handled {
    end(asked, true).await
}

async fn end(asked: PageCall, is_annulment: bool) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let activity = if asked.is_post() { Activity::Write } else { Activity::Read };
    let viewed = asked.viewed(&lookup, (activity, None), &["Spärr"]).await?;
    let facts = asked.people().patient_facts(&person, &lookup, &viewed).await?;
    let (history, revokes) = block_of(&asked, &facts)?;
    let (page_title, action) = match is_annulment {
        true => (t("Makulera spärr"), "makulera"),
        false => (t("Häv spärr"), "hav"),
    };
    let page = |parts: Vec<PagePart>| {
        let mut all = head(&lookup, &facts.person, &viewed);
        let names = &facts.names;
        all.push(PagePart::Facts(vec![
            (t("Spärr"), told::guarded(&history.block.content.guards, names).into()),
            (t("Tid"), told::span(&history.block.content.period).into()),
            (t("Läge"), told::block_state(history, revokes, asked.now)),
        ]));
        all.extend(parts);
        view(page_title.clone(), all).back(to_overview(&lookup))
    };
    let to = format!("/patient/{}/sparrar/{}/{action}", lookup.id, asked.part("b"));
    let form_with = |reason: Option<Words>, on: Option<Words>| {
        let fields = fields(&asked, is_annulment, (reason, on));
        let button = if is_annulment { t("Makulera") } else { t("Häv för gott") };
        PagePart::form(form(to.clone(), fields, button).dangerous())
    };
    if let Some(says) = was_before(history, is_annulment, &facts.names) {
        let parts = vec![PagePart::Notice(Tone::Warning, says, vec![to_overview(&lookup)])];
        let page = page(parts);
        let page = if asked.is_post() { page.refused() } else { page };
        return Ok(PageAnswer::Patients(viewed, page));
    }
    if !asked.is_post() {
        let says = warning(is_annulment);
        let parts = vec![PagePart::Notice(Tone::Warning, says, vec![]), form_with(None, None)];
        return Ok(PageAnswer::Patients(viewed, page(parts)));
    }
    let reason = asked.form.get("reason").to_owned();
    let missing = reason.is_empty().then(|| t("Skriv varför."));
    let requested_at = match (times::requested(&asked), missing) {
        (Ok(at), None) => at,
        (requested, missing) => {
            let parts = vec![form_with(missing, requested.err())];
            return Ok(PageAnswer::Patients(viewed, page(parts).refused()));
        }
    };
    let context = asked.people().context(&person, "pages");
    let by = Removal {
        action: person.action(requested_at, None, asked.now),
        reason: Some(reason).filter(|reason| !reason.is_empty()),
    };
    let (id, wait) = (&history.block.id, ReplicationWait::No);
    let done = match is_annulment {
        true => change::delete(&context, id, &by, wait).await,
        false => change::revoke(&context, id, &by, wait).await,
    };
    match refusal_of(done)? {
        Ok(()) => Ok(PageAnswer::To(format!("/patient/{}", lookup.id))),
        Err(refusal) => {
            // Somebody else may have been before: the page shows how the block stands now.
            let says = Words::from(refusal.text.into_owned());
            let parts = vec![PagePart::Notice(Tone::Bad, says, vec![to_overview(&lookup)])];
            Ok(PageAnswer::Patients(viewed, page(parts).refused()))
        }
    }
}

fn warning(is_annulment: bool) -> Words {
    match is_annulment {
        true => {
            t("Makulera bara en spärr som aldrig skulle ha registrerats. Det går inte att ångra.")
        }
        false => {
            t("Spärren slutar gälla direkt och för gott. Ska den gälla igen registreras en ny.")
        }
    }
}

/// What somebody has done before: then there is nothing left to do.
fn was_before(history: &BlockHistory, is_annulment: bool, names: &Names) -> Option<Words> {
    let when_and_who = |removal: &Removal| {
        let by = &removal.action.registered_by.employee;
        [Words::from(minute(removal.action.registered_at)), names.of(by).into()]
    };
    match history.block.lifetime.removal()? {
        BlockRemoval::Deleted { removal, .. } => {
            Some(filled("Spärren makulerades {} av {}.", when_and_who(removal)))
        }
        BlockRemoval::Revoked(removal) if !is_annulment => {
            Some(filled("Spärren hävdes {} av {}.", when_and_who(removal)))
        }
        BlockRemoval::Revoked(_) | BlockRemoval::Unregistered => None,
    }
}

fn fields(
    asked: &PageCall,
    is_annulment: bool,
    wrong: (Option<Words>, Option<Words>),
) -> Vec<FormField> {
    let line = |name: &str, kind| Control::Line(kind, asked.form.get(name).to_owned());
    let (reason, on) = wrong;
    let label = if is_annulment {
        t("Varför är den felregistrerad")
    } else {
        t("Grund och vem som begär")
    };
    vec![
        field("reason", label, line("reason", "text"))
            .hint(t("Till exempel: patienten begär det, legitimerad på plats."))
            .error(reason),
        field("requested_on", t("När begärdes det"), line("requested_on", "date"))
            .hint(t("Lämna tomt för i dag."))
            .error(on),
    ]
}
