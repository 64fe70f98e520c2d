//! The parts and settings that pages use, and who uses them.

use super::known_status::KnownStatus;
use crate::clock::Clock;
use crate::domain::identity::{Action, Actor, HsaId};
use crate::domain::people::extract::NamesPolicy;
use crate::domain::people::roles::{Assignment, Role, RoleRule};
use crate::domain::people::session::SessionTimes;
use crate::domain::time::Timestamp;
use crate::domain::trust::caller::{Caller, HowKnown};
use crate::domain::trust::grants::Permit;
use crate::fairness::address::Address;
use crate::peers::directory::DirectoryService;
use crate::peers::identities::Identities;
use crate::peers::person::PersonService;
use crate::procedures::context::{Context, Services};
use crate::procedures::failure::StoreError;
use crate::procedures::processors::CallSize;
use crate::procedures::retention::Retention;
use crate::procedures::review::settings::ReviewSettings;
use crate::procedures::tenants::Tenant;
use crate::store::people::sessions::StoredSession;
use std::sync::Arc;
use uuid::Uuid;

/// The parts and settings of the pages.
#[derive(Debug, Clone)]
pub struct People {
    /// Those of every procedure.
    pub services: Services,
    /// What gives which role.
    pub rules: Vec<RoleRule>,
    /// How long logins last.
    pub times: SessionTimes,
    /// As which system looking is logged: HSA-id and name.
    pub system: (HsaId, String),
    /// Whether extracts name staff.
    pub names: NamesPolicy,
    /// The same of care providers that decide otherwise.
    pub own_names: Vec<(HsaId, NamesPolicy)>,
    /// What is removed after how long.
    pub retention: Retention,
    /// How the log is reviewed.
    pub review: ReviewSettings,
    /// How the service was the last time that somebody looked.
    pub status: KnownStatus,
    /// Who patients are, where somebody is asked.
    pub persons: Option<Arc<PersonService>>,
    /// Who tells assignments and units, where somebody is asked.
    pub directory: Option<Arc<DirectoryService>>,
    /// Where people log in.
    pub identities: Option<Arc<Identities>>,
    /// The time.
    pub clock: Clock,
    /// Ids of what people register.
    pub new_id: fn() -> Uuid,
}

/// Somebody who has logged in.
#[derive(Debug, Clone)]
pub struct Person {
    /// The login.
    pub session: StoredSession,
    /// Whose data it sees, once an assignment is chosen.
    pub tenant: Option<Tenant>,
    /// From where it comes, as far as shares go.
    pub address: Address,
}

/// Somebody who has logged in and chosen an assignment.
#[derive(Debug, Clone, Copy)]
pub struct OnDuty<'p> {
    /// The login.
    pub session: &'p StoredSession,
    /// The assignment.
    pub assignment: &'p Assignment,
    /// Whose data it sees.
    pub tenant: &'p Tenant,
    address: Address,
}

impl Person {
    /// What it may do now.
    pub fn is(&self, role: Role) -> bool {
        self.session.roles.contains(&role)
    }

    /// The same, with what a chosen assignment gives.
    pub fn on_duty(&self) -> Option<OnDuty<'_>> {
        Some(OnDuty {
            session: &self.session,
            assignment: self.session.assignment.as_ref()?,
            tenant: self.tenant.as_ref()?,
            address: self.address,
        })
    }
}

impl<'p> OnDuty<'p> {
    /// Somebody who has just chosen an assignment.
    pub fn chosen(
        session: &'p StoredSession,
        assignment: &'p Assignment,
        tenant: &'p Tenant,
    ) -> Self {
        Self { session, assignment, tenant, address: Address::OWN }
    }
}

impl OnDuty<'_> {
    /// The person as who asks for or registers something.
    pub fn actor(&self) -> Actor {
        Actor {
            employee: self.session.employee.clone(),
            assignment: self.assignment.id.clone(),
            assignment_name: Some(self.assignment.name.clone()).filter(|name| !name.is_empty()),
        }
    }

    /// Who asked for something, at the person's word, and that the person registers it now.
    pub fn action(
        &self,
        requested_at: Timestamp,
        reason: Option<String>,
        now: Timestamp,
    ) -> Action {
        Action {
            requested_at,
            requested_by: self.actor(),
            registered_at: now,
            registered_by: self.actor(),
            reason,
        }
    }
}

impl People {
    /// A call of a person's: about the care provider of the assignment, and no other.
    pub fn context<'s>(&'s self, person: &'s OnDuty<'_>, what: &'static str) -> Context<'s> {
        let caller = Caller {
            // What is queued for one is not another's.
            consumer: HsaId::new(&format!(
                "{}/{}",
                self.system.0.as_str(),
                person.session.employee.as_str()
            )),
            peer: None,
            how_known: HowKnown::Person,
            on_behalf_of: Some(person.assignment.provider.clone()),
        };
        Context {
            services: &self.services,
            tenant: person.tenant,
            caller,
            contract: what,
            permit: Permit::of_provider(&person.assignment.provider),
            store: self.services.store.asked_by(person.address),
            address: person.address,
            base_address: String::new(),
            size: CallSize::Small,
            now: self.clock.now(),
        }
    }

    /// Whether extracts of a care provider name staff.
    pub fn names_of(&self, provider: &HsaId) -> NamesPolicy {
        let own = self.own_names.iter().find(|(id, _)| id == provider);
        own.map_or(self.names, |(_, own)| *own)
    }

    /// Bytes that nobody can guess.
    ///
    /// # Errors
    /// That there are none.
    pub fn random(&self) -> Result<[u8; 32], StoreError> {
        let mut bytes = [0; 32];
        (self.services.fill_random)(&mut bytes).map_err(StoreError::NoRandomness)?;
        Ok(bytes)
    }
}

/// What pages are served with.
pub type SharedPeople = Arc<People>;
