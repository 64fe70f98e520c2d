//! What the review itself puts into the log: notices of draws, conclusions. The service makes them in its own name.

use crate::domain::identity::HsaId;
use crate::domain::log::record::{LogEntry, Organisation, Resource, User};
use crate::domain::review::visit::OWN_ACTIVITY;
use crate::domain::time::Timestamp;
use crate::domain::trust::caller::{Caller, HowKnown};
use crate::domain::trust::grants::Permit;
use crate::fairness::address::Address;
use crate::procedures::context::Context;
use crate::procedures::failure::{Failure, StoreError};
use crate::procedures::log;
use crate::procedures::people::on_duty::People;
use crate::procedures::processors::CallSize;
use crate::procedures::tenants::Tenant;
use uuid::Uuid;

/// Why reviews are logged.
const PURPOSE: &str = "Administration";

/// A record of the service's own.
#[derive(Debug, Clone)]
pub struct OwnRecord {
    /// Its id, so that it can be stored again.
    pub id: Uuid,
    /// The unit: id and name.
    pub unit: (String, String),
    /// What it is.
    pub level: &'static str,
    /// What it says; nobody is named in it.
    pub text: String,
}

/// A failure of what nobody has asked for: it is ours.
pub fn of_ours(failure: Failure) -> StoreError {
    match failure {
        Failure::Store(error) => error,
        refused @ Failure::Refused(_) => {
            tracing::error!(error = %refused, "what the review does by itself is refused");
            StoreError::Refused
        }
    }
}

impl People {
    /// A call of the service's own, about one care provider.
    pub fn own_context<'s>(
        &'s self,
        tenant: &'s Tenant,
        provider: &HsaId,
        now: Timestamp,
    ) -> Context<'s> {
        let caller = Caller {
            consumer: Some(self.system.0.clone()),
            peer: None,
            how_known: HowKnown::Person,
            on_behalf_of: Some(provider.clone()),
        };
        Context {
            services: &self.services,
            tenant,
            caller,
            contract: "reviews",
            permit: Permit::of_provider(provider),
            store: self.services.store.clone(),
            address: Address::OWN,
            base_address: String::new(),
            size: CallSize::Large,
            now,
        }
    }

    /// Puts records of the service's own into a care provider's log, at most 500.
    ///
    /// # Errors
    /// The store's; they may be stored again with the same ids.
    pub async fn log_own(
        &self,
        tenant: &Tenant,
        (provider, provider_name): (&HsaId, &str),
        records: &[OwnRecord],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let context = self.own_context(tenant, provider, now);
        let care_provider = Organisation { id: provider.as_str(), name: Some(provider_name) };
        let ids: Vec<String> = records.iter().map(|record| record.id.to_string()).collect();
        let mut entries = Vec::with_capacity(records.len());
        for (record, id) in records.iter().zip(&ids) {
            entries.push(LogEntry {
                id,
                system: Organisation { id: self.system.0.as_str(), name: Some(&self.system.1) },
                activity_type: OWN_ACTIVITY,
                activity_level: Some(record.level),
                activity_args: Some(&record.text),
                activity_at: now,
                purpose: PURPOSE,
                user: User { id: self.system.0.as_str(), name: Some(&self.system.1) },
                person: None,
                assignment: None,
                title: None,
                care_provider,
                care_unit: Organisation { id: &record.unit.0, name: Some(&record.unit.1) },
                first: Resource {
                    resource_type: "Logg",
                    patient: None,
                    care_provider,
                    care_unit: None,
                },
                further: Vec::new(),
            });
        }
        let encoded = log::encoded(&context, &entries).map_err(of_ours)?;
        log::store(&context, encoded).await.map_err(of_ours)
    }
}
