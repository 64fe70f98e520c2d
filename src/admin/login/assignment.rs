//! *Välj uppdrag*: under which assignment the reader works, and what that gives.

use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, view};
use crate::admin::parts::{Cell, PagePart, form};
use crate::admin::request::hex;
use crate::admin::roles::role_name;
use crate::admin::words::t;

/// The choice, and what is chosen.
pub async fn choose(asked: PageCall) -> Handled {
    let session = asked.person.as_ref().map(|person| &person.session).ok_or(Refused::NotFound)?;
    let offered = asked.people().offered(session);
    if asked.is_post() {
        let which: usize = asked.form.get("which").parse().map_err(|_| Refused::NotFound)?;
        let token = asked.people().choose(session, which).await?.ok_or(Refused::NotFound)?;
        let seconds = asked.people().times.longest.num_seconds();
        let cookie = asked.site.set_cookie(asked.site.cookie(), &hex(&token), seconds);
        return Ok(PageAnswer::ToWith("/".to_owned(), vec![cookie]));
    }
    let mut parts = vec![PagePart::Text(t(
        "Uppdraget avgör vilken vårdgivare du arbetar för och vad du får göra.",
    ))];
    for (which, assignment) in offered.iter().enumerate() {
        let roles = asked.people().roles_by(session, assignment);
        let roles: Vec<Cell> = match roles.is_empty() {
            true => vec![Cell::from(t("Uppdraget ger ingen roll här."))],
            false => roles.into_iter().map(|role| Cell::from(role_name(role))).collect(),
        };
        let button = form("/uppdrag", Vec::new(), t("Välj"))
            .carrying("which", which.to_string())
            .about(assignment.name.as_str());
        parts.push(PagePart::Card(
            assignment.name.as_str().into(),
            vec![
                PagePart::Facts(vec![
                    (t("Enhet"), Cell::from(assignment.unit_name.clone())),
                    (t("Vårdgivare"), Cell::from(assignment.provider_name.clone())),
                    (t("Syfte"), Cell::from(assignment.purpose.clone())),
                    (t("Roller"), Cell::Several(roles)),
                ]),
                PagePart::form(button),
            ],
        ));
    }
    if offered.is_empty() {
        parts = vec![PagePart::Text(t(
            "Du har inget uppdrag att välja. Den som sköter katalogen kan ge dig ett.",
        ))];
    }
    Ok(PageAnswer::View(view(t("Välj uppdrag"), parts)))
}
