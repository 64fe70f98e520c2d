//! The table of pages: for each its path, who may see it, and how that is logged. A page that is not here does not exist.

use super::asked::{Handled, PageCall};
use super::{log, login, open, operation, patient, review, start, unit};
use crate::domain::people::roles::Role;
use std::pin::Pin;
use std::sync::LazyLock;

/// Who may see a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Everybody.
    Public,
    /// Whoever has logged in, also without an assignment.
    LoggedIn,
    /// Whoever has an assignment.
    OnDuty,
    /// Whoever has one of these roles.
    Roles(&'static [Role]),
}

/// How looking at a page is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logging {
    /// It shows no patient.
    None,
    /// It is about patients: it goes out when its log record is durable, and not otherwise.
    Patients,
    /// What is done on it is kept as an event without patients.
    Events,
}

type Handler = fn(PageCall) -> Pin<Box<dyn Future<Output = Handled> + Send>>;

/// A page.
pub struct Page {
    /// Its path, with names in braces for what changes.
    pub path: &'static str,
    /// Who may see it.
    pub right: Right,
    /// How that is logged.
    pub log: Logging,
    /// Whether something may be sent to it.
    posts: bool,
    /// Whether a public page says who has logged in.
    pub knows_person: bool,
    pub(super) handler: Handler,
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.path)
    }
}

impl Page {
    /// Whether something may be sent to it.
    pub fn takes_posts(&self) -> bool {
        self.posts
    }
}

const CARE: Right = Right::Roles(&[Role::Care, Role::BlockAdmin]);
const SEARCH: Right = Right::Roles(&[Role::Care, Role::BlockAdmin, Role::LogAdmin]);
const FIND: Right = Right::Roles(&[Role::Care, Role::BlockAdmin, Role::LogAdmin, Role::Security]);
const BLOCK_ADMIN: Right = Right::Roles(&[Role::BlockAdmin]);
const LOG_ADMIN: Right = Right::Roles(&[Role::LogAdmin]);
const SECURITY: Right = Right::Roles(&[Role::Security, Role::LogAdmin]);
const REVIEW: Right = Right::Roles(&[Role::Reviewer, Role::LogAdmin]);
const CASES: Right = Right::Roles(&[Role::Reviewer, Role::LogAdmin, Role::Security]);
const WATCH: Right = Right::Roles(&[Role::Security]);
const DRAWS: Right = Right::Roles(&[Role::Reviewer, Role::LogAdmin, Role::Auditor]);
const PROOF: Right = Right::Roles(&[Role::LogAdmin, Role::Auditor]);
const OPERATOR: Right = Right::Roles(&[Role::Operator]);

macro_rules! page {
    ($path:literal, $right:expr, $log:ident, $handler:path) => {
        page!(@ $path, $right, $log, $handler, false, true)
    };
    ($path:literal, $right:expr, $log:ident, posts $handler:path) => {
        page!(@ $path, $right, $log, $handler, true, true)
    };
    ($path:literal, $right:expr, $log:ident, for_all $handler:path) => {
        page!(@ $path, $right, $log, $handler, false, false)
    };
    (@ $path:literal, $right:expr, $log:ident, $handler:path, $posts:literal, $knows:literal) => {
        Page {
            path: $path,
            right: $right,
            log: Logging::$log,
            posts: $posts,
            knows_person: $knows,
            handler: |asked| Box::pin($handler(asked)),
        }
    };
}

/// Every page.
pub static PAGES: &[Page] = &[
    page!("/", Right::OnDuty, None, start::start),
    page!("/logga-in", Right::Public, Events, posts login::choose::log_in),
    page!("/logga-in/oidc", Right::Public, Events, login::choose::to_identities),
    page!("/logga-in/svar", Right::Public, Events, login::choose::from_identities),
    page!("/logga-in/sjalv", Right::Public, Events, posts login::choose::by_certificate),
    page!("/uppdrag", Right::LoggedIn, Events, posts login::assignment::choose),
    page!("/logga-ut", Right::LoggedIn, Events, posts login::choose::log_out),
    page!("/sprak", Right::Public, None, start::language),
    page!("/mitt", Right::OnDuty, None, start::own_views),
    page!("/patient", FIND, None, posts patient::search::search),
    page!("/patient/{u}", SEARCH, Patients, posts patient::overview::overview),
    page!("/patient/{u}/namn", SEARCH, Patients, posts patient::show_name::show),
    page!("/patient/{u}/sparrar", SEARCH, Patients, patient::blocks::blocks),
    page!("/patient/{u}/sparrar/fil/{form}", SEARCH, Patients, patient::files::blocks),
    page!("/patient/{u}/sparrar/ny", CARE, Patients, posts patient::register_block::register),
    page!("/patient/{u}/sparrar/{b}/hav", BLOCK_ADMIN, Patients, posts patient::end_block::revoke),
    page!("/patient/{u}/sparrar/{b}/makulera", BLOCK_ADMIN, Patients, posts patient::end_block::annul),
    page!("/patient/{u}/sparrar/{b}/hav-tillfalligt", CARE, Patients, posts patient::lift_block::lift),
    page!("/patient/{u}/sparrar/{b}/hav-tillfalligt/{r}/aterkalla", CARE, Patients, posts patient::lift_block::take_back),
    page!("/patient/{u}/annan-vardgivare", Right::Roles(&[Role::Care]), Patients, posts patient::reveal::reveal),
    page!("/patient/{u}/samtycken", SEARCH, Patients, patient::consents::consents),
    page!("/patient/{u}/samtycken/nytt", CARE, Patients, posts patient::register_consent::register),
    page!("/patient/{u}/samtycken/{a}/avsluta", CARE, Patients, posts patient::end_consent::end),
    page!("/patient/{u}/samtycken/{a}/makulera", BLOCK_ADMIN, Patients, posts patient::end_consent::annul),
    page!("/patient/{u}/prova", BLOCK_ADMIN, Patients, patient::try_access::try_access),
    page!("/patient/{u}/utdrag", LOG_ADMIN, Patients, posts patient::request_extract::request),
    page!("/patient/{u}/lasningar", SECURITY, Patients, patient::readers::readers),
    page!("/patient/{u}/embargo", SECURITY, Patients, posts patient::embargo::ask),
    page!("/enhet/sparrar", BLOCK_ADMIN, Patients, unit::lists::blocks),
    page!("/enhet/samtycken", BLOCK_ADMIN, Patients, unit::lists::consents),
    page!("/enhet/sparrar/kopiera", BLOCK_ADMIN, Patients, posts unit::copy::copy),
    page!("/loggrapporter", LOG_ADMIN, Patients, posts log::reports::reports),
    page!("/loggrapporter/{r}", LOG_ADMIN, Patients, log::reports::report),
    page!("/loggrapporter/{r}/fil/{form}", LOG_ADMIN, Patients, log::report_files::file),
    page!("/utdrag", LOG_ADMIN, Patients, log::extracts::extracts),
    page!("/utdrag/{x}", LOG_ADMIN, Patients, posts log::extracts::extract),
    page!("/utdrag/{x}/fil/{form}", LOG_ADMIN, Patients, log::extract_files::file),
    page!("/embargo", SECURITY, Patients, posts log::embargoes::embargoes),
    page!("/granskning", REVIEW, None, review::overview::overview),
    page!("/granskning/ny", REVIEW, Patients, posts review::control::control),
    page!("/granskning/plan", LOG_ADMIN, None, review::plan::plans),
    page!("/granskning/plan/{p}", LOG_ADMIN, Events, posts review::plan::plan),
    page!("/granskning/{n}", REVIEW, Patients, posts review::list::list),
    page!("/granskning/{n}/tillfalle/{i}", REVIEW, Patients, posts review::visit::visit),
    page!("/granskning/{n}/dragning", DRAWS, None, review::draw::draw),
    page!("/granskning/{n}/dragning/fil", DRAWS, None, review::draw::file),
    page!("/arenden", CASES, Patients, review::cases::cases),
    page!("/arenden/{c}", CASES, Patients, posts review::cases::case),
    page!("/bevakning", WATCH, Patients, posts review::watch::watch),
    page!("/logg", SECURITY, Patients, posts review::search::search),
    page!("/logg/{s}", SECURITY, Patients, review::search::found),
    page!("/uppfoljning", PROOF, None, review::proof::proof),
    page!("/uppfoljning/{month}/fil/{form}", PROOF, None, review::proof::file),
    page!("/drift", OPERATOR, None, operation::overview::overview),
    page!("/drift/replikering", OPERATOR, Events, posts operation::queues::replication),
    page!("/drift/jobb", OPERATOR, None, operation::queues::jobs),
    page!("/drift/import", OPERATOR, None, operation::queues::imports),
    page!("/drift/gallring", OPERATOR, None, operation::overview::retention),
    page!("/drift/logg", OPERATOR, None, operation::overview::seal),
    page!("/drift/behorighet", OPERATOR, None, operation::overview::grants),
    page!("/drift/status", OPERATOR, Events, posts operation::status::edit),
    page!("/statistik", Right::Public, None, for_all open::statistics::statistics),
    page!("/statistik.csv", Right::Public, None, for_all open::statistics::csv),
    page!("/statistik.xlsx", Right::Public, None, for_all open::statistics::xlsx),
    page!("/statistik.json", Right::Public, None, for_all open::statistics::json),
    page!("/driftstatus", Right::Public, None, for_all open::status::status),
    page!("/driftstatus.json", Right::Public, None, for_all open::status::json),
    page!("/hjalp", Right::Public, None, for_all open::help::help),
    page!("/tillganglighet", Right::Public, None, for_all open::help::accessibility),
    page!("/personuppgifter", Right::Public, None, for_all open::help::personal_data),
    page!("/demo", Right::Public, None, for_all open::demo::stories),
];

/// What is shown where there is no page.
pub static NOWHERE: Page = page!("", Right::Public, None, start::language);

static BY_PATH: LazyLock<matchit::Router<&'static Page>> = LazyLock::new(|| {
    let mut router = matchit::Router::new();
    for page in PAGES {
        if let Err(error) = router.insert(page.path, page) {
            // Two pages of one path: a test walks over all of them.
            tracing::error!(%error, page = page.path, "a page has no path of its own");
        }
    }
    router
});

/// Whether a path is a page's.
pub fn is_page(path: &str) -> bool {
    of_path(path).is_some()
}

/// The page of a path, with what changes in it by name.
pub fn of_path(path: &str) -> Option<(&'static Page, Vec<(String, String)>)> {
    let found = BY_PATH.at(path).ok()?;
    let parts = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Some((found.value, parts.collect()))
}
