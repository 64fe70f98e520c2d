//! Holds every page to its line in the table: who may see it, that a form comes from our own page, that no page about a
//! patient goes out whose log record is not durable.

use super::asked::{PageAnswer, PageCall, Refused, View, view};
use super::look;
use super::pages::{self, Logging, Page, Right};
use super::parts::{PagePart, Tone, link};
use super::request::{Fields, PageMethod, PageReply, PageRequest};
use super::site::Site;
use super::words::{Language, Words, filled, t};
use crate::domain::people::roles::Role;
use crate::procedures::people::on_duty::Person;

/// What a browser may do with our pages: nothing that does not come from here.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; base-uri 'none'";
/// How long public pages may be kept by who has asked.
const PUBLIC_SECONDS: u32 = 300;

/// Answers a request for a page.
pub async fn serve(site: &Site, request: PageRequest) -> PageReply {
    let reply = match pages::of_path(&request.path) {
        _ if request.path == "/stil.css" => asset("text/css; charset=utf-8", look::STYLE),
        _ if request.path == "/skript.js" => asset("text/javascript; charset=utf-8", look::SCRIPT),
        Some((page, path)) => for_page(site, page, path, request).await,
        None => {
            let language = language(&request);
            let person = person(site, &request).await.ok().flatten();
            look::drawn(site, &pages::NOWHERE, person.as_ref(), language, not_found())
        }
    };
    secured(reply)
}

fn asset(kind: &str, text: &'static str) -> PageReply {
    PageReply::of(200, kind, text).with("cache-control", "public, max-age=3600")
}

fn secured(mut reply: PageReply) -> PageReply {
    if reply.header("cache-control").is_none() {
        reply = reply.with("cache-control", "no-store");
    }
    reply
        .with("content-security-policy", POLICY)
        .with("x-content-type-options", "nosniff")
        .with("referrer-policy", "no-referrer")
        .with("cross-origin-opener-policy", "same-origin")
}

async fn for_page(
    site: &Site,
    page: &'static Page,
    path: Vec<(String, String)>,
    request: PageRequest,
) -> PageReply {
    let language = language(&request);
    if !is_called_so(site, request.host.as_deref()) {
        // As a name that somebody else has given this machine.
        return PageReply::of(421, "text/plain; charset=utf-8", "sidorna har en annan adress\n");
    }
    let person = if page.right == Right::Public {
        // Who reads what everybody may read is nobody's matter, and the database may be gone.
        match page.knows_person {
            true => person(site, &request).await.ok().flatten(),
            false => None,
        }
    } else {
        match person(site, &request).await {
            Ok(person) => person,
            Err(refused) => return look::drawn(site, page, None, language, refused_view(refused)),
        }
    };
    let drawn = |view: View| look::drawn(site, page, person.as_ref(), language, view);
    if let Some(instead) = stopped(page, person.as_ref(), &request) {
        if let (Err(Refused::Role(_)), Some(on_duty)) =
            (&instead, person.as_ref().and_then(Person::on_duty))
            && let Err(error) = site.people.did(&on_duty, ("refused", page.path, "")).await
        {
            tracing::error!(%error, "a refusal cannot be kept");
        }
        return match instead {
            Ok(to) => to_page(&to),
            Err(refused) => drawn(refused_view(refused)),
        };
    }
    if request.method == PageMethod::Post && !page.takes_posts() {
        return drawn(plain(
            405,
            t("Sidan tar inte emot något."),
            t("Gå tillbaka och försök igen."),
        ));
    }
    let query = Fields::of(request.query.as_bytes());
    let form = match request.method {
        PageMethod::Post => Fields::of(&request.body),
        PageMethod::Get => Some(Fields::default()),
    };
    let (Some(query), Some(form)) = (query, form) else {
        return drawn(plain(
            400,
            t("För mycket"),
            t("Formuläret har fler eller längre fält än sidan."),
        ));
    };
    if request.method == PageMethod::Post
        && let Err(why) = is_own(site, page, person.as_ref(), &form, &request)
    {
        tracing::info!(why, page = page.path, "a form is refused");
        return drawn(plain(
            403,
            t("Formuläret togs inte emot"),
            t(
                "Det kom inte från en aktuell sida här. Ladda om sidan och försök igen; inget har ändrats.",
            ),
        ));
    }
    operates(site, page, person.as_ref()).await;
    let (now, copy) = (site.people.clock.now(), person.clone());
    let (site, page_path) = (site.clone(), page.path);
    let asked = PageCall { site, page: page_path, person, path, query, form, request, now };
    let (site, answer) = (asked.site.clone(), (page.handler)(asked).await);
    finished(&site, page, copy.as_ref(), language, answer)
}

/// Keeps that an operator looks at the service itself. If it cannot be kept the page is shown all the same: it has no
/// patients, and may be what says why nothing can be kept.
async fn operates(site: &Site, page: &Page, person: Option<&Person>) {
    if let Right::Roles(&[Role::Operator]) = page.right
        && let Some(on_duty) = person.and_then(Person::on_duty)
        && let Err(error) = site.people.did(&on_duty, ("view", page.path, "")).await
    {
        tracing::error!(%error, "a look at the service itself cannot be kept");
    }
}

/// What a page has answered, held to how it is logged.
fn finished(
    site: &Site,
    page: &'static Page,
    person: Option<&Person>,
    language: Language,
    answer: Result<PageAnswer, Refused>,
) -> PageReply {
    let drawn = |view: View| look::drawn(site, page, person, language, view);
    let is_about_patients = page.log == Logging::Patients;
    match answer {
        Ok(PageAnswer::View(_) | PageAnswer::File(None, ..)) if is_about_patients => {
            tracing::error!(page = page.path, "a page about patients has no log record");
            drawn(not_logged())
        }
        Ok(PageAnswer::View(view) | PageAnswer::Patients(_, view)) => {
            let is_public = page.right == Right::Public && !page.knows_person && view.status == 200;
            let reply = drawn(view);
            match is_public {
                true => reply
                    .with("cache-control", format!("public, max-age={PUBLIC_SECONDS}"))
                    .with("vary", "cookie, accept-language"),
                false => reply,
            }
        }
        Ok(PageAnswer::To(to)) => to_page(&to),
        Ok(PageAnswer::ToWith(to, cookies)) => {
            cookies.into_iter().fold(to_page(&to), |reply, cookie| reply.with("set-cookie", cookie))
        }
        Ok(PageAnswer::File(_, name, kind, bytes)) => {
            let plain: String =
                name.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).collect();
            let reply = PageReply::of(200, kind, bytes)
                .with("content-disposition", format!("attachment; filename=\"{plain}\""));
            match page.right == Right::Public && !page.knows_person {
                true => reply.with("cache-control", format!("public, max-age={PUBLIC_SECONDS}")),
                false => reply,
            }
        }
        Err(refused) => drawn(refused_view(refused)),
    }
}

fn to_page(to: &str) -> PageReply {
    PageReply::of(303, "text/plain; charset=utf-8", "").with("location", to)
}

/// Where who asks must go first, or why it may not.
fn stopped(
    page: &'static Page,
    person: Option<&Person>,
    request: &PageRequest,
) -> Option<Result<String, Refused>> {
    let log_in = || {
        // A form is never sent again by itself.
        let back = if request.method == PageMethod::Get { request.path.as_str() } else { "/" };
        let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
        Some(Ok(format!("/logga-in?till={back}")))
    };
    match (page.right, person) {
        (Right::Public, _) | (Right::LoggedIn, Some(_)) => None,
        (_, None) => log_in(),
        (_, Some(person)) if person.on_duty().is_none() => Some(Ok("/uppdrag".to_owned())),
        (Right::OnDuty, Some(_)) => None,
        (Right::Roles(roles), Some(person)) => {
            let may = roles.iter().any(|role| person.is(*role));
            (!may).then_some(Err(Refused::Role(roles)))
        }
    }
}

/// Whether a form comes from our own page, and from this login's.
fn is_own(
    site: &Site,
    page: &Page,
    person: Option<&Person>,
    form: &Fields,
    request: &PageRequest,
) -> Result<(), &'static str> {
    let is_ours = match (request.fetch_site.as_deref(), request.origin.as_deref()) {
        (Some(from), _) => from == "same-origin",
        (None, Some(origin)) => {
            let own = request.host.as_deref().map(|host| {
                let scheme = if site.is_secure() { "https" } else { "http" };
                format!("{scheme}://{host}")
            });
            origin == site.base_address || own.as_deref() == Some(origin)
        }
        (None, None) => false,
    };
    if !is_ours {
        return Err("another page");
    }
    if page.right == Right::Public && person.is_none() {
        return Ok(());
    }
    let token =
        person.map(|person| super::request::hex(&person.session.form_token)).unwrap_or_default();
    match !token.is_empty() && same(token.as_bytes(), form.get("form_token").as_bytes()) {
        true => Ok(()),
        false => Err("no token"),
    }
}

/// Whether pages of this machine only are called by a name of it: a name from elsewhere that has been turned to it is none.
fn is_called_so(site: &Site, host: Option<&str>) -> bool {
    let Some(host) = host else { return false };
    let own = site.base_address.split_once("://").map_or("", |(_, rest)| rest);
    let name = |host: &str| {
        let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
        // The colons of an address of the sixth version stand in brackets.
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        (if is_port { name } else { host }).to_ascii_lowercase()
    };
    let is_here = |name: &str| ["127.0.0.1", "localhost", "[::1]"].contains(&name);
    let (own, called) = (name(own), name(host));
    !is_here(&own) || is_here(&called)
}

/// Whether two texts are the same, in a time that does not tell where they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

async fn person(site: &Site, request: &PageRequest) -> Result<Option<Person>, Refused> {
    let Some(token) = request.cookie(site.cookie()).and_then(super::request::of_hex) else {
        return Ok(None);
    };
    let person = site.people.person(&token, request.address).await?;
    // Who logged in by a card is there as long as the card is, and is let in.
    Ok(person.filter(|person| {
        person.session.method != "certificate"
            || request.certificate.as_ref() == Some(&person.session.employee)
    }))
}

fn language(request: &PageRequest) -> Language {
    let chosen = request.cookie(super::site::LANGUAGE).and_then(Language::of_code);
    let wanted = || {
        let first = request.languages.as_deref()?.split([',', ';', '-']).next()?;
        Language::of_code(first.trim())
    };
    chosen.or_else(wanted).unwrap_or_default()
}

fn plain(status: u16, title: Words, says: Words) -> View {
    View {
        status,
        ..view(title, vec![PagePart::Notice(Tone::Warning, says, vec![link("/", t("Till start"))])])
    }
}

fn not_found() -> View {
    plain(
        404,
        t("Sidan finns inte"),
        t("Den finns inte, eller så hör den till en annan inloggning."),
    )
}

fn not_logged() -> View {
    plain(503, t("Sidan visas inte"), t("Sidan visas inte, eftersom visningen inte kan loggas."))
}

/// What is shown instead of a page.
fn refused_view(refused: Refused) -> View {
    match refused {
        Refused::Role(roles) => {
            let names: Vec<String> = roles
                .iter()
                .map(|role| super::roles::role_name(*role).said(Language::Swedish))
                .collect();
            let says = filled("Sidan kräver någon av rollerna: {}.", [names.join(", ").into()]);
            plain(403, t("Du har inte behörighet"), says)
        }
        Refused::NotFound => not_found(),
        Refused::NotLogged(error) => {
            tracing::error!(%error, "looking cannot be logged: the page is not shown");
            not_logged()
        }
        Refused::Rule(rejection) => {
            plain(422, t("Det går inte"), Words::from(rejection.text.into_owned()))
        }
        Refused::Failed(error) => {
            tracing::error!(%error, "a page failed");
            plain(
                503,
                t("Något gick fel hos oss"),
                t(
                    "Sparade du något? Se efter om det blev gjort innan du försöker igen. Driftstatus visar om felet är känt.",
                ),
            )
        }
    }
}
