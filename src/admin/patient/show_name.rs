//! *Visa namn*: the name and the death of somebody with a protected identity, asked for afresh, on this page only.

use super::head::{head, to_overview};
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, view};
use crate::admin::parts::{Cell, PagePart, Tone, form};
use crate::admin::words::{filled, t};
use crate::domain::people::person::PersonState;
use crate::procedures::people::looking::Activity;
use crate::procedures::people::persons::PersonShown;

/// The name, once that it is shown is logged. It is gone when the page is loaded again: only a form brings it.
pub async fn show(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let level = Some(if asked.is_post() { "visa namn" } else { "översikt" });
    let viewed = asked.viewed(&lookup, (Activity::Read, level), &["Personuppgift"]).await?;
    let shown = asked.people().shown(&viewed, &lookup.patient).await;
    let mut parts = head(&lookup, &shown, &viewed);
    let PersonShown::FromService(PersonState::Protected { .. }) = shown else {
        // Of who is not protected the page itself tells the name.
        return Err(Refused::NotFound);
    };
    if asked.is_post() {
        match asked.people().shown_afresh(&viewed, &lookup.patient).await {
            PersonShown::FromService(PersonState::Protected { name, dead }) => {
                let name = name.map_or_else(|| Cell::Words(t("Namn saknas")), Cell::from);
                parts.push(PagePart::Facts(vec![(t("Namn"), name)]));
                if let Some(day) = dead {
                    let says = filled("Avliden {}", [day.into()]);
                    parts.push(PagePart::Facts(vec![(t("Levnad"), Cell::Chip(Tone::Quiet, says))]));
                }
                parts.push(PagePart::Notice(
                    Tone::Warning,
                    t("Namnet visas bara här och är borta när sidan laddas om. Lämna det inte vidare utan prövning."),
                    vec![],
                ));
            }
            _ => parts.push(PagePart::Notice(
                Tone::Warning,
                t("Namn och skydd kunde inte hämtas."),
                vec![],
            )),
        }
    } else {
        let to = format!("/patient/{}/namn", lookup.id);
        parts.push(PagePart::Text(t(
            "Personen har skyddade personuppgifter. Att namnet visas loggas.",
        )));
        parts.push(PagePart::form(form(to, vec![], t("Visa namn"))));
    }
    Ok(PageAnswer::Patients(viewed, view(t("Visa namn"), parts).back(to_overview(&lookup))))
}
