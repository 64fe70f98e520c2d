//! How to log in: at a provider of identities, by a certificate, or as anybody of the directory where that is for tests.

use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, View, view};
use crate::admin::parts::{Cell, PageForm, PagePart, Tone, form, link};
use crate::admin::request;
use crate::admin::words::{Words, filled, t};
use crate::domain::identity::HsaId;
use crate::procedures::people::logins::ProvedPerson;

/// A path of ours that one may go back to: nothing else is one.
pub fn own_path(text: &str, is_page: fn(&str) -> bool) -> &str {
    let is_own = text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'"');
    let is_login = text.starts_with("/logga-");
    if is_own && !is_login && is_page(text) { text } else { "/" }
}

/// The ways to log in; the form logs a test person in.
pub async fn log_in(asked: PageCall) -> Handled {
    let back = own_path(asked.query.get("till"), asked.site.is_page);
    if asked.is_post() {
        return as_test_person(asked).await;
    }
    let mut parts = Vec::new();
    let mut links = Vec::new();
    let encoded: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
    if asked.people().identities.is_some() {
        links.push(link(
            format!("/logga-in/oidc?till={encoded}"),
            t("Logga in med e-tjänstekort eller e-legitimation"),
        ));
    }
    if asked.site.certificates {
        links.push(link("/logga-in/sjalv", t("Logga in med SITHS-kort i webbläsaren")));
    }
    if links.is_empty() && !asked.site.test_login {
        let says = t(
            "Ingen inloggning är inställd. Den som driver tjänsten ställer in admin.oidc eller admin.client_ca_file.",
        );
        parts.push(PagePart::Notice(Tone::Warning, says, vec![]));
    }
    if !links.is_empty() {
        parts.push(PagePart::Links(links));
    }
    if asked.site.test_login {
        parts.push(PagePart::Notice(
            Tone::Warning,
            t("Testinloggning: här kan vem som helst vara vem som helst. Alla personer är påhittade."),
            vec![],
        ));
        parts.extend(test_persons(&asked, back).await?);
    }
    Ok(PageAnswer::View(view(t("Logga in"), parts)))
}

async fn test_persons(asked: &PageCall, back: &str) -> Result<Vec<PagePart>, Refused> {
    let persons = asked.people().test_persons().await?;
    if persons.is_empty() {
        return Ok(vec![PagePart::Text(t(
            "Katalogen är tom. Fyll den med sigill import directory, eller starta med DEMO=1.",
        ))]);
    }
    let mut parts = Vec::new();
    for person in persons {
        let roles: Vec<&str> = person
            .system_roles
            .iter()
            .map(|role| role.split(';').next_back().unwrap_or(role))
            .collect();
        let what = match roles.is_empty() {
            true => Words::from(person.title.clone().unwrap_or_default()),
            false => Words::from(roles.join(", ")),
        };
        let log_in: PageForm = form("/logga-in", Vec::new(), person.employee_name.as_str())
            .carrying("employee", person.employee_id.clone())
            .carrying("till", back);
        parts.push(PagePart::Card(
            what,
            vec![
                PagePart::Facts(vec![(t("HSA-id"), Cell::from(person.employee_id))]),
                PagePart::form(log_in),
            ],
        ));
    }
    Ok(parts)
}

async fn as_test_person(asked: PageCall) -> Handled {
    if !asked.site.test_login {
        return Err(Refused::NotFound);
    }
    let employee = HsaId::new(asked.form.get("employee")).ok_or(Refused::NotFound)?;
    let proved = asked.people().of_directory(&employee, "test", "test").await?;
    let back = own_path(asked.form.get("till"), asked.site.is_page);
    logged_in(&asked, proved, back).await
}

/// Begins the login; who has one assignment only need not choose.
async fn logged_in(asked: &PageCall, proved: Option<ProvedPerson>, back: &str) -> Handled {
    let Some(proved) = proved else {
        asked.people().login_refused("directory").await?;
        return Ok(PageAnswer::View(refused(t(
            "Katalogen känner dig inte, eller svarar inte just nu, så det finns inget uppdrag att välja.",
        ))));
    };
    // Whoever is logged in here already is logged out first: a login is never taken over.
    if let Some(before) = &asked.person {
        asked.people().log_out(before).await?;
    }
    let token = asked.people().log_in(&proved).await?;
    let seconds = asked.people().times.longest.num_seconds();
    let cookie =
        |token: &[u8]| asked.site.set_cookie(asked.site.cookie(), &request::hex(token), seconds);
    if proved.offered.len() == 1
        && let Some(person) = asked.people().person(&token, asked.request.address).await?
        && let Some(token) = asked.people().choose(&person.session, 0).await?
    {
        return Ok(PageAnswer::ToWith(back.to_owned(), vec![cookie(&token)]));
    }
    Ok(PageAnswer::ToWith("/uppdrag".to_owned(), vec![cookie(&token)]))
}

fn refused(says: Words) -> View {
    let parts = vec![PagePart::Notice(Tone::Bad, says, vec![link("/logga-in", t("Försök igen"))])];
    View { status: 403, ..view(t("Inloggningen gick inte"), parts) }
}

/// Sends the reader to the provider of identities.
pub async fn to_identities(asked: PageCall) -> Handled {
    let back = own_path(asked.query.get("till"), asked.site.is_page).to_owned();
    match asked.people().begin_oidc(&back).await {
        Ok((address, state)) => {
            let cookie = asked.site.set_cookie(state_cookie(&asked), &state, 600);
            Ok(PageAnswer::ToWith(address, vec![cookie]))
        }
        Err(why) => {
            tracing::warn!(why = %why, "no login at the provider of identities");
            Ok(PageAnswer::View(refused(t(
                "Inloggningstjänsten svarar inte. Försök igen om en stund.",
            ))))
        }
    }
}

fn state_cookie(asked: &PageCall) -> &'static str {
    if asked.site.is_secure() { "__Host-sigill-login" } else { "sigill_dev_login" }
}

/// Takes the reader back from there.
pub async fn from_identities(asked: PageCall) -> Handled {
    let cookie = asked.request.cookie(state_cookie(&asked)).unwrap_or("");
    let forget = asked.site.set_cookie(state_cookie(&asked), "", 0);
    let query = &asked.query;
    let reply = crate::procedures::people::oidc::LoginReply {
        state: query.get("state").to_owned(),
        code: query.get("code").to_owned(),
        issuer: query.sent("iss").map(str::to_owned),
        error: query.sent("error").map(str::to_owned),
        cookie: cookie.to_owned(),
    };
    match asked.people().finish_oidc(reply).await {
        Ok((proved, back)) => {
            let back = own_path(&back, asked.site.is_page).to_owned();
            match logged_in(&asked, Some(proved), &back).await? {
                PageAnswer::ToWith(to, mut cookies) => {
                    cookies.push(forget);
                    Ok(PageAnswer::ToWith(to, cookies))
                }
                other => Ok(other),
            }
        }
        Err(why) => {
            tracing::warn!(why = %why, "a login is refused");
            asked.people().login_refused(why.rule()).await?;
            let says =
                filled("Inloggningen godtogs inte ({}). Inget har ändrats.", [why.rule().into()]);
            Ok(PageAnswer::View(refused(says)))
        }
    }
}

/// By the certificate of the connection.
pub async fn by_certificate(asked: PageCall) -> Handled {
    if !asked.site.certificates {
        return Err(Refused::NotFound);
    }
    let Some(employee) = asked.request.certificate.clone() else {
        return Ok(PageAnswer::View(refused(t(
            "Webbläsaren visade inget certifikat. Sätt i kortet, stäng webbläsaren och försök igen.",
        ))));
    };
    if !asked.is_post() {
        let parts = vec![
            PagePart::Facts(vec![(t("HSA-id"), Cell::from(employee.as_str()))]),
            PagePart::form(form("/logga-in/sjalv", Vec::new(), t("Logga in")).main()),
        ];
        return Ok(PageAnswer::View(view(t("Logga in"), parts)));
    }
    let proved = asked.people().of_any_directory(&employee, "certificate", "loa3").await?;
    logged_in(&asked, proved, "/").await
}

/// Logs the reader out.
pub async fn log_out(asked: PageCall) -> Handled {
    if asked.is_post()
        && let Some(person) = &asked.person
    {
        asked.people().log_out(person).await?;
        let forget = asked.site.set_cookie(asked.site.cookie(), "", 0);
        return Ok(PageAnswer::ToWith("/logga-in".to_owned(), vec![forget]));
    }
    let parts = vec![PagePart::form(form("/logga-ut", Vec::new(), t("Logga ut")))];
    Ok(PageAnswer::View(view(t("Logga ut"), parts)))
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn login_returns_to_own_pages_only() {
        for (text, path) in [
            ("/patient", "/patient"),
            ("/enhet/sparrar", "/enhet/sparrar"),
            ("//evil.example", "/"),
            ("https://evil.example/patient", "/"),
            ("/\\evil.example", "/"),
            ("/logga-ut", "/"),
            ("/finns-inte", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_path(text, crate::admin::pages::is_page), path, "{text}");
        }
    }
}
