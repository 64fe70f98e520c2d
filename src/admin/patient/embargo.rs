//! *Begär embargo*: an investigation for which an employee's posts are left out of the patient's extracts for a time.

use super::head::{head, to_overview};
use super::times;
use crate::admin::asked::{Handled, PageAnswer, PageCall, refusal_of, view};
use crate::admin::parts::{Control, PagePart, Tone, field, form};
use crate::admin::words::{Words, t};
use crate::procedures::people::looking::Activity;

/// The form and the request.
pub async fn ask(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let activity = if asked.is_post() { Activity::Write } else { Activity::Read };
    let viewed = asked.viewed(&lookup, (activity, None), &["Logg"]).await?;
    let shown = asked.people().shown(&viewed, &lookup.patient).await;
    let mut parts = head(&lookup, &shown, &viewed);
    let sent = &asked.form;
    let until = times::day(sent.get("until"));
    let mut is_refused = until.is_err();
    if let (true, Ok(until)) = (asked.is_post(), &until) {
        let new = (sent.get("employee"), sent.get("reason"), sent.says_yes("told"));
        match refusal_of(asked.people().ask_embargo(&person, &lookup.patient, new, *until).await)? {
            Ok(()) => return Ok(PageAnswer::To("/embargo".to_owned())),
            Err(refusal) => {
                parts.push(PagePart::Notice(
                    Tone::Bad,
                    Words::from(refusal.text.into_owned()),
                    vec![],
                ));
                is_refused = true;
            }
        }
    }
    let line = |name: &str, kind| Control::Line(kind, sent.get(name).to_owned());
    let fields = vec![
        field("employee", t("Medarbetare (HSA-id)"), line("employee", "text"))
            .hint(t("Vars loggposter utelämnas.")),
        field("reason", t("Varför"), Control::Area(sent.get("reason").to_owned())),
        field("until", t("Till och med"), line("until", "date"))
            .hint(t("Högst sex månader. Lämna tomt för sex månader."))
            .error(until.err()),
        field(
            "told",
            t("Utdraget säger att fler uppgifter kan komma senare"),
            Control::Check(sent.says_yes("told")),
        ),
    ];
    parts.push(PagePart::Text(t("Ett embargo gäller när en annan person har godkänt det. När det tar slut ska ett kompletterande utdrag lämnas.")));
    let to = format!("/patient/{}/embargo", lookup.id);
    parts.push(PagePart::form(form(to, fields, t("Begär embargo"))));
    let page = view(t("Begär embargo"), parts).back(to_overview(&lookup));
    Ok(PageAnswer::Patients(viewed, if is_refused { page.refused() } else { page }))
}
