//! Ending a consent on the patient's wish, and annulling one that was registered by mistake.

use super::end_block::id_of_hex;
use super::head::{head, to_overview};
use super::told;
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, View, refusal_of, view};
use crate::admin::parts::{Control, PagePart, Tone, field, form};
use crate::admin::words::{Words, t};
use crate::domain::identity::RecordId;
use crate::procedures::consent::change;
use crate::procedures::people::looking::Activity;

/// *Avsluta*.
pub async fn end(asked: PageCall) -> Handled {
    take_away(asked, false).await
}

/// *Makulera*.
pub async fn annul(asked: PageCall) -> Handled {
    take_away(asked, true).await
}

async fn take_away(asked: PageCall, is_annulment: bool) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let activity = if asked.is_post() { Activity::Write } else { Activity::Read };
    let viewed = asked.viewed(&lookup, (activity, None), &["Samtycke"]).await?;
    let facts = asked.people().patient_facts(&person, &lookup, &viewed).await?;
    let id =
        id_of_hex(asked.part("a")).and_then(|id| RecordId::new(&id)).ok_or(Refused::NotFound)?;
    let history = facts.assertions.iter().find(|history| history.assertion.id == id);
    let history = history.ok_or(Refused::NotFound)?;
    asked.must_handle(&history.assertion.content.care_unit)?;
    let mut parts = head(&lookup, &facts.person, &viewed);
    parts.push(PagePart::Facts(vec![
        (t("Samtycke"), told::kind_of(history.assertion.content.assertion_type).into()),
        (t("För"), told::opened_for(history, &facts.names).into()),
        (t("Gäller"), told::validity(history, asked.now).into()),
        (t("Läge"), told::assertion_state(history, asked.now)),
    ]));
    let reason = asked.form.get("reason").to_owned();
    let missing = (asked.is_post() && reason.is_empty()).then(|| t("Skriv varför."));
    let mut status = if missing.is_some() { 422 } else { 200 };
    if asked.is_post() && missing.is_none() {
        let context = asked.people().context(&person, "pages");
        let by = person.action(asked.now, Some(reason.clone()), asked.now);
        let done = match is_annulment {
            true => change::delete(&context, &id, &by).await,
            false => change::cancel(&context, &id, &by).await,
        };
        match refusal_of(done)? {
            Ok(()) => return Ok(PageAnswer::To(format!("/patient/{}", lookup.id))),
            Err(refusal) => {
                parts.push(PagePart::Notice(
                    Tone::Bad,
                    Words::from(refusal.text.into_owned()),
                    vec![],
                ));
                status = 422;
            }
        }
    }
    let (page_title, says, button) = match is_annulment {
        true => (
            t("Makulera samtycke"),
            t("Makulera bara det som aldrig skulle ha registrerats. Det går inte att ångra."),
            t("Makulera"),
        ),
        false => (
            t("Avsluta samtycke"),
            t("Samtycket slutar gälla direkt. Ska det gälla igen registreras ett nytt."),
            t("Avsluta"),
        ),
    };
    parts.push(PagePart::Notice(Tone::Warning, says, vec![]));
    let reason = field("reason", t("Grund och vem som begär"), Control::Line("text", reason))
        .hint(t("Till exempel: patienten begär det, legitimerad på plats."))
        .error(missing);
    let to = asked.request.path.clone();
    parts.push(PagePart::form(form(to, vec![reason], button).dangerous()));
    let page = view(page_title, parts).back(to_overview(&lookup));
    Ok(PageAnswer::Patients(viewed, View { status, ..page }))
}
