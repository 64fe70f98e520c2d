//! What a page is asked, and what it answers.

use super::parts::{Link, PagePart};
use super::request::{Fields, PageMethod, PageRequest};
use super::site::Site;
use super::words::Words;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::people::roles::Role;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::Timestamp;
use crate::procedures::failure::{Failure, StoreError};
use crate::procedures::people::looking::{Activity, StoredLookup, Viewed, Viewing};
use crate::procedures::people::on_duty::{OnDuty, People, Person};
use uuid::Uuid;

/// What a page is asked.
pub struct PageCall {
    /// What pages are served with.
    pub site: Site,
    /// The path of the page, with names in braces for what changes.
    pub page: &'static str,
    /// Who asks.
    pub person: Option<Person>,
    /// What changes in the path, by name.
    pub path: Vec<(String, String)>,
    /// What stands behind the question mark.
    pub query: Fields,
    /// What is sent.
    pub form: Fields,
    /// The request itself.
    pub request: PageRequest,
    /// When.
    pub now: Timestamp,
}

/// A page as it is shown.
#[derive(Debug, Clone)]
pub struct View {
    /// Its title and heading.
    pub title: Words,
    /// What it holds.
    pub parts: Vec<PagePart>,
    /// Where one comes from.
    pub back: Option<Link>,
    /// After how many seconds it is asked for again.
    pub reloads: Option<u32>,
    /// HTTP's status.
    pub status: u16,
}

/// A page with a title.
pub fn view(title: impl Into<Words>, parts: Vec<PagePart>) -> View {
    View { title: title.into(), parts, back: None, reloads: None, status: 200 }
}

impl View {
    /// Where one comes from.
    pub fn back(self, link: Link) -> Self {
        Self { back: Some(link), ..self }
    }

    /// Something is wrong with what was sent, and nothing was done.
    pub fn refused(self) -> Self {
        Self { status: 422, ..self }
    }
}

/// What a page answers.
pub enum PageAnswer {
    /// A page on which no patient is.
    View(View),
    /// A page about patients, which is logged.
    Patients(#[expect(dead_code, reason = "it proves that the look is logged")] Viewed, View),
    /// Go there.
    To(String),
    /// Go there, with cookies.
    ToWith(String, Vec<String>),
    /// A file: name, kind, bytes. About patients it is logged.
    File(Option<Viewed>, String, &'static str, Vec<u8>),
}

/// Why a page is not shown.
#[derive(Debug)]
pub enum Refused {
    /// It needs one of these roles.
    Role(&'static [Role]),
    /// There is no such page, or not for this person.
    NotFound,
    /// Looking cannot be logged.
    NotLogged(StoreError),
    /// What was asked for is refused, in Swedish.
    Rule(Rejection),
    /// Something of ours failed.
    Failed(StoreError),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(rejection) => Self::Rule(rejection),
            Failure::Store(error) => Self::Failed(error),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self::Rule(rejection)
    }
}

/// What comes of asking.
pub type Handled = Result<PageAnswer, Refused>;

impl PageCall {
    /// What people do.
    pub fn people(&self) -> &People {
        &self.site.people
    }

    /// Whether something is to be done.
    pub fn is_post(&self) -> bool {
        self.request.method == PageMethod::Post
    }

    /// Who asks; the guard has seen to it that somebody does.
    ///
    /// # Errors
    /// That nobody does.
    pub fn on_duty(&self) -> Result<OnDuty<'_>, Refused> {
        self.person.as_ref().and_then(Person::on_duty).ok_or(Refused::NotFound)
    }

    /// Whether who asks has a role.
    pub fn is(&self, role: Role) -> bool {
        self.person.as_ref().is_some_and(|person| person.is(role))
    }

    /// The units that who asks handles for: staff in care their own, administrators all of their care provider.
    ///
    /// # Errors
    /// The store's.
    pub async fn handled_units(&self) -> Result<Vec<(HsaId, String)>, Refused> {
        let person = self.on_duty()?;
        match self.is(Role::BlockAdmin) {
            true => Ok(self.people().own_units(&person).await?),
            false => {
                Ok(vec![(person.assignment.unit.clone(), person.assignment.unit_name.clone())])
            }
        }
    }

    /// Refuses staff in care what another unit handles.
    ///
    /// # Errors
    /// The role that is needed.
    pub fn must_handle(&self, unit: &HsaId) -> Result<(), Refused> {
        let person = self.on_duty()?;
        match self.is(Role::BlockAdmin) || person.assignment.unit == *unit {
            true => Ok(()),
            false => Err(Refused::Role(&[Role::BlockAdmin])),
        }
    }

    /// What stands in the path.
    pub fn part(&self, name: &str) -> &str {
        let of_name = self.path.iter().find(|(own, _)| own == name);
        of_name.map_or("", |(_, value)| value.as_str())
    }

    /// An id in the path.
    ///
    /// # Errors
    /// That it is none.
    pub fn id(&self, name: &str) -> Result<Uuid, Refused> {
        Uuid::parse_str(self.part(name)).map_err(|_| Refused::NotFound)
    }

    /// The look-up that the path names: of this login, or there is none.
    ///
    /// # Errors
    /// The store's, or that there is none.
    pub async fn lookup(&self) -> Result<StoredLookup, Refused> {
        let person = self.on_duty()?;
        let found = self.people().lookup(&person, self.id("u")?).await?;
        found.ok_or(Refused::NotFound)
    }

    /// Logs a look at a patient, for good; before that nothing may be shown.
    ///
    /// # Errors
    /// That it cannot be logged.
    pub async fn viewed(
        &self,
        lookup: &StoredLookup,
        (activity, level): (Activity, Option<&str>),
        kinds: &[&str],
    ) -> Result<Viewed, Refused> {
        let matter = matter_words(&lookup.matter, &lookup.case_text);
        self.viewed_several(&matter, (activity, level), kinds, &[&lookup.patient]).await
    }

    /// The same at several patients, or at the care provider's whole log.
    ///
    /// # Errors
    /// That it cannot be logged.
    pub async fn viewed_several(
        &self,
        matter: &str,
        (activity, level): (Activity, Option<&str>),
        kinds: &[&str],
        patients: &[&PatientId],
    ) -> Result<Viewed, Refused> {
        let page = self.page;
        let viewing = Viewing { activity, level, page, matter, kinds, patients };
        let viewed = self.people().viewed(&self.on_duty()?, &viewing).await;
        viewed.map_err(|failure| match failure {
            Failure::Refused(rejection) => Refused::Rule(rejection),
            Failure::Store(error) => Refused::NotLogged(error),
        })
    }
}

/// What a look-up is for, in the words of the log.
pub fn matter_words(matter: &str, case_text: &str) -> String {
    let words = match matter {
        "present" => "Patienten är här",
        "request" => "Begäran",
        "correction" => "Rättelse",
        _ => "Annat",
    };
    match case_text.is_empty() {
        true => words.to_owned(),
        false => format!("{words}: {case_text}"),
    }
}

/// What a form is refused for: the domain's own words.
pub fn refusal_of<T>(done: Result<T, Failure>) -> Result<Result<T, Rejection>, Refused> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(Failure::Refused(rejection)) if rejection.class != Class::AccessDenied => {
            Ok(Err(rejection))
        }
        Err(failure) => Err(failure.into()),
    }
}
