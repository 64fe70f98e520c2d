//! What callers may do: asked once before a request is read, and once about what it is about.

use crate::domain::identity::HsaId;
use crate::domain::rejection::{Class, Rejection};
use crate::domain::time::Timestamp;
use crate::domain::trust::caller::{Caller, HowKnown};
use crate::domain::trust::grant::GrantTerms;
use crate::domain::trust::grants::{AskedGrant, Grants, NotGranted, Permit};
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::grants::KeptGrant;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;

/// So long grants count on that cannot be read any more.
const STALE: Duration = Duration::from_mins(5);

/// An organisation and its care providers.
pub type OrganisationProviders = (HsaId, Vec<HsaId>);

/// All that is granted, by the file of settings and by the store, as it was read last.
#[derive(Debug, Clone)]
pub struct Authorisation(Arc<AllGranted>);

#[derive(Debug)]
struct AllGranted {
    organisations: Vec<OrganisationProviders>,
    /// Platforms whose own rules are believed.
    trusted_platforms: Vec<HsaId>,
    of_file: RwLock<Vec<GrantTerms>>,
    /// What the store had when it was read last.
    kept: RwLock<Vec<KeptGrant>>,
    in_force: RwLock<Option<InForce>>,
    refused: Mutex<RefusedCalls>,
}

/// How often something was refused: by reason and contract.
pub type RefusedCalls = BTreeMap<(&'static str, &'static str), u64>;

#[derive(Debug, Clone)]
struct InForce {
    grants: Arc<Grants>,
    read_at: Instant,
}

impl Authorisation {
    /// With what the file of settings says; nothing is granted before the store has been read.
    pub fn new(
        of_file: Vec<GrantTerms>,
        organisations: Vec<OrganisationProviders>,
        trusted_platforms: Vec<HsaId>,
    ) -> Self {
        Self(Arc::new(AllGranted {
            organisations,
            trusted_platforms,
            of_file: RwLock::new(of_file),
            kept: RwLock::default(),
            in_force: RwLock::default(),
            refused: Mutex::default(),
        }))
    }

    /// The file of settings grants something else now.
    pub fn file_grants(&self, terms: Vec<GrantTerms>) {
        *self.0.of_file.write().unwrap_or_else(PoisonError::into_inner) = terms;
        let mut in_force = self.0.in_force.write().unwrap_or_else(PoisonError::into_inner);
        // The store's are as old as they were.
        if let Some(in_force) = &mut *in_force {
            in_force.grants = self.all();
        }
    }

    /// Reads what the store grants. One that cannot be read grants nothing, and the others count all the same.
    ///
    /// # Errors
    /// The store's: what was in force stays for some minutes.
    pub async fn read(&self, store: &Store) -> Result<(), StoreError> {
        self.take(store.grants_in_force().await?);
        Ok(())
    }

    /// These of the store, beside those of the file, count from now on.
    fn take(&self, kept: Vec<KeptGrant>) {
        *self.0.kept.write().unwrap_or_else(PoisonError::into_inner) = kept;
        let mut in_force = self.0.in_force.write().unwrap_or_else(PoisonError::into_inner);
        *in_force = Some(InForce { grants: self.all(), read_at: Instant::now() });
    }

    /// All grants of the file and of the store.
    fn all(&self) -> Arc<Grants> {
        let mut grants = Grants::new(self.0.organisations.iter().cloned());
        let of_file = self.0.of_file.read().unwrap_or_else(PoisonError::into_inner).clone();
        for terms in &of_file {
            if let Err(wrong) = grants.add(terms) {
                tracing::error!(wrong, "a grant in the file of settings cannot be read");
            }
        }
        let kept = self.0.kept.read().unwrap_or_else(PoisonError::into_inner);
        for grant in kept.iter() {
            if let Err(wrong) = grants.add(&grant.terms) {
                tracing::error!(number = grant.number, wrong, "a grant cannot be read");
            }
        }
        Arc::new(grants)
    }

    /// Whether a caller may call a contract at an address, and about which care providers.
    ///
    /// # Errors
    /// Why not.
    pub fn permit(
        &self,
        caller: &Caller,
        contract: &'static str,
        (tenant, logical_address): (&str, Option<&str>),
        now: Timestamp,
    ) -> Result<Permit, NotGranted> {
        if caller.how_known == HowKnown::Bench {
            return Ok(Permit::everything());
        }
        let consumer = caller.consumer.as_ref().ok_or(NotGranted::Unknown)?;
        let believed =
            caller.platform().is_some_and(|platform| self.0.trusted_platforms.contains(platform));
        if believed && caller.on_behalf_of.is_none() {
            return Ok(Permit::everything());
        }
        let in_force = self.0.in_force.read().unwrap_or_else(PoisonError::into_inner).clone();
        let grants = in_force
            .filter(|read| read.read_at.elapsed() <= STALE)
            .ok_or(NotGranted::NoGrant)?
            .grants;
        let asked = AskedGrant {
            consumer,
            platform: caller.platform(),
            on_behalf_of: caller.on_behalf_of.as_ref(),
            contract,
            tenant,
            logical_address,
            now,
        };
        match believed {
            true => grants.narrowed(Permit::everything(), asked.on_behalf_of),
            false => grants.permit(&asked),
        }
    }

    /// Counts what was refused, and tells the log: who asks is not told which rule it was (G9).
    pub fn refused(
        &self,
        caller: &Caller,
        contract: &'static str,
        refusal: NotGranted,
    ) -> Rejection {
        let mut refused = self.0.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry((refusal.name(), contract)).or_default() += 1;
        drop(refused);
        tracing::info!(
            reason = refusal.name(),
            interaction = contract,
            caller = caller.name(),
            platform = caller.platform().map(HsaId::as_str),
            on_behalf_of = caller.on_behalf_of.as_ref().map(HsaId::as_str),
            "refused"
        );
        Rejection::new(Class::AccessDenied, "Anropande system har inte behörighet till detta.")
    }

    /// How often something was refused so far.
    pub fn all_refused(&self) -> RefusedCalls {
        self.0.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn grants_that_cannot_be_read_count_for_five_minutes() {
        let of_file = GrantTerms {
            consumer: "SE1".into(),
            contracts: vec!["*".into()],
            tenant: Some("default".into()),
            care_providers: vec!["*".into()],
            ..GrantTerms::default()
        };
        let authorisation = Authorisation::new(vec![of_file], Vec::new(), Vec::new());
        let caller = Caller {
            consumer: HsaId::new("SE1"),
            peer: HsaId::new("SE1"),
            how_known: HowKnown::Certificate,
            on_behalf_of: None,
        };
        let now = Timestamp::UNIX_EPOCH;
        let permit =
            || authorisation.permit(&caller, "StoreLog", ("default", Some("SE1")), now).map(|_| ());
        assert_eq!(permit(), Err(NotGranted::NoGrant), "nothing has been read");
        authorisation.take(Vec::new());
        assert_eq!(permit(), Ok(()));
        tokio::time::advance(STALE).await;
        assert_eq!(permit(), Ok(()));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(permit(), Err(NotGranted::NoGrant));
        authorisation.file_grants(Vec::new());
        authorisation.take(Vec::new());
        assert_eq!(permit(), Err(NotGranted::NoGrant), "the file does not grant it any more");
    }
}
