//! How a page looks: the frame around its parts, the menu, the style sheet and the script.

use super::asked::View;
use super::filters;
use super::pages::{Page, Right};
use super::parts::{Link, link};
use super::request::PageReply;
use super::request::hex;
use super::site::Site;
use super::words::{Language, Words, t};
use crate::procedures::people::on_duty::Person;
use askama::Template;
use chrono::TimeDelta;

/// The style sheet.
pub const STYLE: &str = include_str!("frame/style.css");
/// The script.
pub const SCRIPT: &str = include_str!("frame/script.js");

impl askama::Value for Language {
    fn ref_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
}

/// A group of the menu: its name, and its links with whether one is there.
type MenuGroup = (Words, Vec<(Link, bool)>);

#[derive(Template)]
#[template(path = "frame/page.html")]
struct Frame<'a> {
    language: Language,
    view: &'a View,
    is_demo: bool,
    person: Option<ShownPerson>,
    token: String,
    menu: Vec<MenuGroup>,
    seconds_left: Option<i64>,
}

struct ShownPerson {
    name: String,
    assignment: Option<String>,
}

/// A page as it is sent.
pub fn drawn(
    site: &Site,
    page: &'static Page,
    person: Option<&Person>,
    language: Language,
    mut view: View,
) -> PageReply {
    let token = person.map(|person| hex(&person.session.form_token)).unwrap_or_default();
    for part in &mut view.parts {
        part.with_token(&token);
    }
    let shown = person.map(|person| ShownPerson {
        name: person.session.name.clone(),
        assignment: person.session.assignment.as_ref().map(|a| a.unit_name.clone()),
    });
    let left = person.map(|person| {
        let now = site.people.clock.now();
        let ends = site.people.times.ends(now, person.session.ends_at);
        (ends - now).max(TimeDelta::zero()).num_seconds()
    });
    let frame = Frame {
        language,
        view: &view,
        is_demo: !site.stories.is_empty(),
        person: shown,
        token,
        menu: person.map(|person| menu(page, person)).unwrap_or_default(),
        seconds_left: left,
    };
    match frame.render_with_values(&("language", language)) {
        Ok(html) => PageReply::of(view.status, "text/html; charset=utf-8", html),
        Err(error) => {
            tracing::error!(%error, "a page cannot be drawn");
            PageReply::of(500, "text/plain; charset=utf-8", "Sidan kan inte visas.")
        }
    }
}

/// The pages of the menu that a person may see.
fn menu(here: &Page, person: &Person) -> Vec<MenuGroup> {
    let groups: [(Words, &[(&str, Words)]); 4] = [
        (t("Patient"), &[("/patient", t("Sök patient")), ("/utdrag", t("Loggutdrag"))]),
        (
            t("Logg"),
            &[
                ("/granskning", t("Granskning")),
                ("/arenden", t("Ärenden")),
                ("/logg", t("Sök i loggen")),
                ("/bevakning", t("Bevakning")),
                ("/granskning/plan", t("Granskningsplan")),
                ("/uppfoljning", t("Uppföljning")),
                ("/loggrapporter", t("Loggrapporter")),
                ("/embargo", t("Embargo")),
            ],
        ),
        (
            t("Enheten"),
            &[
                ("/enhet/sparrar", t("Enhetens spärrar")),
                ("/enhet/samtycken", t("Enhetens samtycken")),
                ("/mitt", t("Mina visningar")),
                ("/uppdrag", t("Byt uppdrag")),
            ],
        ),
        (
            t("Tjänsten"),
            &[
                ("/drift", t("Drift")),
                ("/drift/replikering", t("Replikering")),
                ("/drift/jobb", t("Jobb")),
                ("/drift/import", t("Import")),
                ("/drift/gallring", t("Gallring")),
                ("/drift/logg", t("Loggens försegling")),
                ("/drift/behorighet", t("Behörigheter")),
                ("/drift/status", t("Meddelanden och avbrott")),
            ],
        ),
    ];
    let may = |path: &str| {
        super::pages::of_path(path).is_some_and(|(page, _)| match page.right {
            Right::Public | Right::LoggedIn => true,
            Right::OnDuty => person.on_duty().is_some(),
            Right::Roles(roles) => {
                person.on_duty().is_some() && roles.iter().any(|role| person.is(*role))
            }
        })
    };
    let mut menu = Vec::new();
    for (name, links) in groups {
        let links: Vec<(Link, bool)> = links
            .iter()
            .filter(|(path, _)| may(path))
            .map(|(path, words)| (link(*path, words.clone()), here.path == *path))
            .collect();
        if !links.is_empty() {
            menu.push((name, links));
        }
    }
    menu
}
