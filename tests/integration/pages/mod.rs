//! The pages as their readers see them: a small region in a service of this process, and a reader with cookies.

mod access;
mod attacked;
mod blocks;
mod extracts;
mod login;
mod open;
mod persons;
mod readers;
mod review;
mod review_after;
mod review_draw;
mod review_late;
mod review_together;
mod structure;
mod stub;

use super::harness::{NOON, Service, Wishes};
use sigill::admin::{self, PageMethod, PageReply, PageRequest, Site};
use sigill::config::admin::Admin;
use sigill::demo::fill::Filled;
use sigill::demo::region::{self, Region, Size};
use sigill::domain::retention::Policy;
use sigill::fairness::address::Address;
use sigill::peers::directory::DirectoryService;
use sigill::peers::identities::Identities;
use sigill::peers::person::PersonService;
use sigill::procedures::people::known_status::KnownStatus;
use sigill::procedures::people::on_duty::People;
use sigill::procedures::retention::Retention;
use sigill::procedures::review::settings::ReviewSettings;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Where readers think the pages are.
pub const BASE: &str = "http://127.0.0.1:8081";
/// Those who administer at the first care provider of the region.
pub const BLOCKS: &str = "SE2321000016-A01";
pub const LOG: &str = "SE2321000016-A02";
pub const REVIEWER: &str = "SE2321000016-A04";
pub const OPERATOR: &str = "SE2321000016-A03";
pub const SECURITY: &str = "SE2321000016-A05";
pub const AUDITOR: &str = "SE2321000016-A06";
/// Care staff at the first unit.
pub const CARE: &str = "SE2321000016-P0001";

/// A service with a region in it, and its pages.
pub struct Pages {
    pub service: Service,
    pub site: Site,
    pub region: Region,
}

impl Pages {
    pub async fn start() -> Self {
        Self::with(Wishes::default(), Admin::default(), None).await
    }

    pub async fn with(wishes: Wishes, admin: Admin, identities: Option<Identities>) -> Self {
        Self::of_size(Size::TINY, wishes, admin, identities).await
    }

    pub async fn of_size(
        size: Size,
        wishes: Wishes,
        admin: Admin,
        identities: Option<Identities>,
    ) -> Self {
        let service = Service::start_with(wishes).await;
        let store = &service.services.store;
        let tenant = store.tenant("default").await.unwrap();
        let filled = Filled {
            store,
            owner: store,
            writers: &service.services.log_writers,
            tenant,
            name: "default",
        };
        let now = NOON.parse().unwrap();
        assert!(filled.fill(7, size, now).await.unwrap());
        let mut rules = admin.rules();
        rules.extend(region::rules());
        let people = People {
            services: service.services.clone(),
            rules,
            times: admin.times(),
            system: ((*admin.system_id).clone(), admin.system_name.clone()),
            names: admin.extract_names.into(),
            own_names: Vec::new(),
            retention: Retention {
                assertions: ten_years(),
                blocks: ten_years(),
                log_records: ten_years(),
                batch_rows: 100,
            },
            review: ReviewSettings::default(),
            status: KnownStatus::default(),
            persons: None,
            directory: None,
            identities: identities.map(Arc::new),
            clock: service.clock(),
            new_id: Uuid::new_v4,
        };
        let site = Site {
            people: Arc::new(people),
            test_login: true,
            stories: Vec::new(),
            certificates: true,
            base_address: BASE.to_owned(),
            is_page: admin::pages::is_page,
            contact: "kontakt@example.org".to_owned(),
        };
        Self { service, site, region: Region::new(7, size) }
    }

    /// Asks a population service who patients are.
    pub fn ask(&mut self, persons: PersonService) {
        Arc::get_mut(&mut self.site.people).unwrap().persons = Some(Arc::new(persons));
    }

    /// Asks a national directory for assignments and units.
    pub fn ask_directory(&mut self, directory: DirectoryService) {
        Arc::get_mut(&mut self.site.people).unwrap().directory = Some(Arc::new(directory));
    }

    pub fn reader(&self) -> Reader {
        Reader { site: self.site.clone(), cookies: BTreeMap::new(), token: String::new() }
    }

    /// Somebody who has logged in.
    pub async fn logged_in(&self, employee: &str) -> Reader {
        let mut reader = self.reader();
        reader.post("/logga-in", &[("employee", employee)]).await;
        let start = reader.get("/").await;
        assert_eq!(start.status, 200, "{}", text(&start));
        reader
    }

    /// The number of a patient who has a story.
    pub fn story(&self, story: usize) -> String {
        let at = sigill::demo::stories::patient(&self.region, story);
        self.region.patients[at].number.clone()
    }

    /// Log records that the pages have made.
    pub async fn views(&self) -> i64 {
        let sql = "select count(*) from log_entries where system_id = 'SIGILL' and activity_type <> 'Administration'";
        self.service.database.count(sql).await
    }
}

/// A reader with its cookies and the token of the last form that it saw.
pub struct Reader {
    site: Site,
    pub cookies: BTreeMap<String, String>,
    pub token: String,
}

impl Reader {
    pub fn request(&self, method: PageMethod, address: &str, body: &str) -> PageRequest {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        PageRequest {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            cookies: (!cookies.is_empty()).then(|| cookies.join("; ")),
            fetch_site: Some("same-origin".to_owned()),
            origin: None,
            host: Some("127.0.0.1:8081".to_owned()),
            languages: None,
            body: body.as_bytes().to_vec(),
            address: Address::OWN,
            certificate: None,
            is_encrypted: false,
        }
    }

    pub async fn send(&mut self, request: PageRequest) -> PageReply {
        let reply = admin::serve(&self.site, request).await;
        for (name, value) in &reply.headers {
            if *name == "set-cookie" {
                let (own, rest) = value.split_once('=').unwrap();
                let value = rest.split(';').next().unwrap();
                self.cookies.insert(own.to_owned(), value.to_owned());
            }
        }
        let sign = "name=\"form_token\" value=\"";
        if let Some((_, rest)) = text(&reply).split_once(sign) {
            rest[..64].clone_into(&mut self.token);
        }
        reply
    }

    pub async fn get(&mut self, address: &str) -> PageReply {
        let request = self.request(PageMethod::Get, address, "");
        self.send(request).await
    }

    pub async fn post(&mut self, address: &str, fields: &[(&str, &str)]) -> PageReply {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("form_token", &self.token).extend_pairs(fields);
        let request = self.request(PageMethod::Post, address, &body.finish());
        self.send(request).await
    }

    /// Looks a patient up; returns the page's path.
    pub async fn look_up(&mut self, number: &str) -> String {
        self.get("/patient").await;
        let fields = [("number", number), ("matter", "present"), ("anyway", "yes")];
        let reply = self.post("/patient", &fields).await;
        reply.header("location").unwrap_or_else(|| panic!("{}", text(&reply))).to_owned()
    }
}

fn ten_years() -> Policy {
    Policy { years: 10, own: Vec::new() }
}

pub fn text(reply: &PageReply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

/// The value of the first hidden field of a name.
pub fn hidden(reply: &PageReply, name: &str) -> String {
    let sign = format!("name=\"{name}\" value=\"");
    let text = text(reply);
    let (_, rest) = text.split_once(&sign).unwrap_or_else(|| panic!("no {name} in {text}"));
    rest.split('"').next().unwrap().to_owned()
}

/// The first link that begins and ends so.
pub fn link(reply: &PageReply, begins: &str, ends: &str) -> Option<String> {
    let text = text(reply);
    let links = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    links.map(str::to_owned).find(|to| to.starts_with(begins) && to.ends_with(ends))
}
