//! Looking at what is a patient's: not before a log record of it is durable.
//!
//! A page about a patient needs a `Viewed`, and there is none but by this.

use super::on_duty::{OnDuty, People};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::log::record::{Identity, LogEntry, LoggedPatient, Organisation, Resource, User};
use crate::domain::people::number::{self, WrittenNumber};
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::procedures::failure::Failure;
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
}

impl Activity {
    /// As the log has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "Läsa",
            Self::Write => "Skriva",
            Self::Emergency => "Nödöppning",
            Self::Print => "Utskrift",
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
        let context = self.context(person, "pages");
        let (session, assignment) = (person.session, person.assignment);
        let provider = Organisation {
            id: assignment.provider.as_str(),
            name: Some(&assignment.provider_name),
        };
        let unit = Organisation { id: assignment.unit.as_str(), name: Some(&assignment.unit_name) };
        let resource = |kind, patient: Option<&'_ PatientId>| Resource {
            resource_type: kind,
            patient: patient.map(|patient| LoggedPatient {
                identity: Identity { root: "", extension: None },
                key: patient.key().to_owned(),
                name: None,
            }),
            care_provider: provider,
            care_unit: None,
        };
        let mut resources = Vec::new();
        for kind in viewing.kinds {
            if viewing.patients.is_empty() {
                resources.push(resource(*kind, None));
            }
            for patient in viewing.patients {
                let mut of_patient = resource(*kind, Some(patient));
                if let Some(logged) = &mut of_patient.patient {
                    logged.identity =
                        Identity { root: patient.root(), extension: Some(patient.extension()) };
                }
                resources.push(of_patient);
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
        let matter = (viewing.page, viewing.matter);
        let (tenant, employee) = (person.tenant.id, &session.employee);
        self.services.store.keep_view(tenant, employee, matter, context.now).await?;
        Ok(Viewed { at: context.now, _made: Durable })
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
