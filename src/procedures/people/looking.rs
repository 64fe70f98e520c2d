//! Looking at what is a patient's: not before a log record of it is durable.
//!
//! A page about a patient needs a `Viewed`, and there is none but by this.

use super::on_duty::{OnDuty, People};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::log::record::{Identity, LogEntry, LoggedPatient, Organisation, Resource, User};
use crate::domain::people::number::{self, WrittenNumber};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::procedures::failure::{Failure, StoreError};
use crate::procedures::log;
pub use crate::store::people::lookups::StoredLookup;
use uuid::Uuid;

/// Why looking at pages is logged as done.
const PURPOSE: &str = "Administration";

/// What is done with a patient's information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Reading.
    Read,
    /// Registering or changing.
    Write,
    /// Reading or opening in an emergency.
    Emergency,
    /// Taking out on paper or as a file.
    Print,
    /// Doing something with the service itself.
    Administer,
}

impl Activity {
    /// As the log has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "Läsa",
            Self::Write => "Skriva",
            Self::Emergency => "Nödöppning",
            Self::Print => "Utskrift",
            Self::Administer => "Administration",
        }
    }
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Viewing<'a> {
    /// What is done.
    pub activity: Activity,
    /// At which level, such as `översikt`.
    pub level: Option<&'a str>,
    /// The page's path, with names for what changes in it.
    pub page: &'static str,
    /// What for, in the words of whoever looks.
    pub matter: &'a str,
    /// Kinds of information: `Spärr`, `Samtycke`, `Logg`.
    pub kinds: &'a [&'a str],
    /// Whose; none where it is about the care provider's whole log.
    pub patients: &'a [&'a PatientId],
}

/// That a look is logged for good.
#[derive(Debug, Clone, Copy)]
pub struct Viewed {
    /// When.
    pub at: Timestamp,
    /// Nobody else makes one.
    _made: Durable,
}

#[derive(Debug, Clone, Copy)]
struct Durable;

impl People {
    /// Logs a look, for good.
    ///
    /// # Errors
    /// That it cannot be logged: then nothing may be shown.
    pub async fn viewed(
        &self,
        person: &OnDuty<'_>,
        viewing: &Viewing<'_>,
    ) -> Result<Viewed, Failure> {
        let at = self.logged(person, viewing).await?;
        let matter = (viewing.page, viewing.matter);
        let (tenant, employee) = (person.tenant.id, &person.session.employee);
        self.services.store.keep_view(tenant, employee, matter, at).await?;
        Ok(Viewed { at, _made: Durable })
    }

    /// Keeps what somebody did with the service itself, as a row and as a sealed log record without a patient.
    ///
    /// # Errors
    /// The store's.
    pub async fn did(
        &self,
        person: &OnDuty<'_>,
        (kind, object, detail): (&str, &str, &str),
    ) -> Result<(), StoreError> {
        let what = format!("{object} {detail}");
        let viewing = Viewing {
            activity: Activity::Administer,
            level: Some(kind),
            page: "",
            matter: what.trim(),
            kinds: &["Tjänsten"],
            patients: &[],
        };
        if let Err(failure) = self.logged(person, &viewing).await {
            return Err(match failure {
                Failure::Store(error) => error,
                refused @ Failure::Refused(_) => {
                    tracing::error!(error = %refused, "an event is no log record");
                    StoreError::Unavailable
                }
            });
        }
        let employee = &person.session.employee;
        self.event(Some(person.tenant), employee, (kind, object, detail)).await
    }

    /// Stores a log record of what somebody does.
    async fn logged(
        &self,
        person: &OnDuty<'_>,
        viewing: &Viewing<'_>,
    ) -> Result<Timestamp, Failure> {
        let context = self.context(person, "pages");
        let (session, assignment) = (person.session, person.assignment);
        let provider = Organisation {
            id: assignment.provider.as_str(),
            name: Some(&assignment.provider_name),
        };
        let unit = Organisation { id: assignment.unit.as_str(), name: Some(&assignment.unit_name) };
        let mut resources = Vec::new();
        for kind in viewing.kinds {
            let resource = |patient| Resource {
                resource_type: kind,
                patient,
                care_provider: provider,
                care_unit: None,
            };
            match viewing.patients {
                [] => resources.push(resource(None)),
                some => {
                    resources.extend(some.iter().map(|one| resource(Some(logged_patient(one)))));
                }
            }
        }
        let mut resources = resources.into_iter();
        let Some(first) = resources.next() else {
            return Err(Rejection::validation("Visningen har inget att logga.").into());
        };
        let id = (self.new_id)().to_string();
        let entry = LogEntry {
            id: &id,
            system: Organisation { id: self.system.0.as_str(), name: Some(&self.system.1) },
            activity_type: viewing.activity.word(),
            activity_level: viewing.level,
            activity_args: Some(viewing.matter).filter(|matter| !matter.is_empty()),
            activity_at: context.now,
            purpose: PURPOSE,
            user: User { id: session.employee.as_str(), name: Some(&session.name) },
            person: None,
            assignment: assignment.id.as_ref().map(HsaId::as_str),
            title: session.title.as_deref(),
            care_provider: provider,
            care_unit: unit,
            first,
            further: resources.collect(),
        };
        let encoded = log::encoded(&context, &[entry])?;
        log::store(&context, encoded).await?;
        Ok(context.now)
    }

    /// Looks a patient up by a number as people write it; what `anyway` says is not asked again.
    ///
    /// # Errors
    /// The store's.
    pub async fn look_up(
        &self,
        person: &OnDuty<'_>,
        WrittenNumber { patient, .. }: WrittenNumber,
        (matter, case_text): (&str, &str),
    ) -> Result<StoredLookup, Failure> {
        let lookup = StoredLookup {
            id: (self.new_id)(),
            patient,
            matter: matter.to_owned(),
            case_text: case_text.to_owned(),
            named_until: None,
        };
        let (session, now) = (person.session.number, self.clock.now());
        self.services.store.keep_lookup(session, &lookup, now).await?;
        Ok(lookup)
    }

    /// A look-up of this login.
    ///
    /// # Errors
    /// The store's.
    pub async fn lookup(
        &self,
        person: &OnDuty<'_>,
        id: Uuid,
    ) -> Result<Option<StoredLookup>, Failure> {
        Ok(self.services.store.lookup(person.session.number, id).await?)
    }

    /// Reads a number as people write it.
    ///
    /// # Errors
    /// What to write instead.
    pub fn read_number(&self, text: &str) -> Result<WrittenNumber, &'static str> {
        number::read(text, crate::domain::time::local(self.clock.now()).date())
    }
}

fn logged_patient(patient: &PatientId) -> LoggedPatient<'_> {
    LoggedPatient {
        identity: Identity { root: patient.root(), extension: Some(patient.extension()) },
        key: patient.key().to_owned(),
        name: None,
    }
}
