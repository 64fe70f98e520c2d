//! Whether a call is granted. Who calls is decided before, what a call is about after.
//!
//! - **G1** Nobody may do anything without a grant.
//! - **G2** A grant is one consumer's, whatever the letter case of its HSA-id.
//! - **G3** It names contracts, or groups of them.
//! - **G4** It holds at a tenant, or at some logical addresses.
//! - **G5** It has a first and perhaps a last moment.
//! - **G6** It is about some care providers, or about all, which is written.
//! - **G7** Who says to act for a care provider or an organisation narrows what is granted, and never widens it.
//! - **G8** Through a platform the consumer's grant must name the platform, which must itself be listed.
//! - **G9** One grant must satisfy every rule; which of them failed is for the log, not for who asks.

use super::grant::{Grant, GrantTerms, Several};
use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The longest HSA-id.
const ID_CHARS_MAX: usize = 64;

/// All grants there are.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    by_consumer: HashMap<String, Vec<Grant>>,
    /// An organisation's care providers, by its id.
    organisations: BTreeMap<String, BTreeSet<String>>,
}

/// Who asks for what.
#[derive(Debug, Clone, Copy)]
pub struct AskedGrant<'a> {
    /// The system that began the chain of calls.
    pub consumer: &'a HsaId,
    /// The platform through which it calls, if it does not call itself.
    pub platform: Option<&'a HsaId>,
    /// The care provider or organisation on whose behalf it says to call.
    pub on_behalf_of: Option<&'a HsaId>,
    /// The contract's name.
    pub contract: &'a str,
    /// The addressed tenant's name.
    pub tenant: &'a str,
    /// The logical address; of what was asked for at one before, none.
    pub logical_address: Option<&'a str>,
    /// When.
    pub now: Timestamp,
}

/// Why something is refused: for the log of the operator, never for who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotGranted {
    /// Nobody knows who calls.
    Unknown,
    /// There is no grant for the consumer (G1, G2).
    NoGrant,
    /// None for the contract (G3).
    Contract,
    /// None for the address (G4).
    Address,
    /// None at this time (G5).
    Period,
    /// None for the care provider that the call is about (G6).
    CareProvider,
    /// None for whom it says to act for (G7).
    OnBehalfOf,
    /// None through this platform (G8).
    Platform,
}

impl NotGranted {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::NoGrant,
        Self::Contract,
        Self::Address,
        Self::Period,
        Self::CareProvider,
        Self::OnBehalfOf,
        Self::Platform,
    ];

    /// As the log and a metric name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown-caller",
            Self::NoGrant => "no-grant",
            Self::Contract => "contract",
            Self::Address => "address",
            Self::Period => "period",
            Self::CareProvider => "care-provider",
            Self::OnBehalfOf => "on-behalf-of",
            Self::Platform => "platform",
        }
    }
}

/// What a call may be about.
#[derive(Debug, Clone)]
pub struct Permit {
    /// Any of these.
    of: Vec<Several>,
    /// And no others than these.
    narrowed: Option<BTreeSet<String>>,
}

impl Permit {
    /// Everything: on a test bench, and for a platform whose own rules are believed.
    pub fn everything() -> Self {
        Self { of: vec![Several::All], narrowed: None }
    }

    /// Nothing at all.
    pub fn nothing() -> Self {
        Self { of: Vec::new(), narrowed: None }
    }

    /// One care provider: of a person who has logged in to our own pages.
    pub fn of_provider(provider: &HsaId) -> Self {
        Self { of: vec![Several::All], narrowed: Some(BTreeSet::from([provider.key()])) }
    }

    /// Whether it may be about every care provider.
    pub fn is_everything(&self) -> bool {
        self.narrowed.is_none() && self.of.iter().any(|of| matches!(of, Several::All))
    }

    /// Whether it may be about a care provider (G6).
    pub fn covers(&self, provider: &HsaId) -> bool {
        self.of.iter().any(|of| of.has(provider))
            && self.narrowed.as_ref().is_none_or(|only| only.contains(&provider.key()))
    }
}

impl Grants {
    /// With what organisations have which care providers.
    pub fn new(organisations: impl IntoIterator<Item = (HsaId, Vec<HsaId>)>) -> Self {
        let keys = |(id, of): (HsaId, Vec<HsaId>)| (id.key(), of.iter().map(HsaId::key).collect());
        Self {
            by_consumer: HashMap::new(),
            organisations: organisations.into_iter().map(keys).collect(),
        }
    }

    /// Adds one.
    ///
    /// # Errors
    /// What is wrong with it, for who wrote it.
    pub fn add(&mut self, terms: &GrantTerms) -> Result<(), String> {
        let is_id = |id: &String| {
            (1..=ID_CHARS_MAX).contains(&id.trim().len())
                && id.trim().bytes().all(|b| b.is_ascii_graphic())
        };
        let consumer = HsaId::new(&terms.consumer)
            .filter(|_| is_id(&terms.consumer) && !terms.consumer.contains('*'))
            .ok_or("consumer: must be one HSA-id, of 1 to 64 visible characters")?;
        let grant = Grant::new(terms)?;
        self.by_consumer.entry(consumer.key()).or_default().push(grant);
        Ok(())
    }

    /// Whether something is granted, and for which care providers: each rule narrows what is left.
    ///
    /// # Errors
    /// The first rule that leaves nothing.
    pub fn permit(&self, asked: &AskedGrant<'_>) -> Result<Permit, NotGranted> {
        let own = self.by_consumer.get(&asked.consumer.key()).ok_or(NotGranted::NoGrant)?;
        let all: Vec<&Grant> = own.iter().collect();
        let left = still(all, NotGranted::Contract, |grant| grant.names(asked.contract))?;
        let left = still(left, NotGranted::Address, |grant| {
            grant.holds_at(asked.tenant, asked.logical_address)
        })?;
        let left = still(left, NotGranted::Period, |grant| grant.holds_when(asked.now))?;
        let left = still(left, NotGranted::Platform, |grant| {
            // Who shows a certificate of its own needs nobody to speak for it.
            asked.platform.is_none_or(|platform| grant.via.has(platform))
        })?;
        let of = left.iter().map(|grant| grant.care_providers.clone()).collect();
        self.narrowed(Permit { of, narrowed: None }, asked.on_behalf_of)
    }

    /// A permit for whom a caller says to act for: a care provider, or those of an organisation (G7).
    ///
    /// # Errors
    /// That it has none of them.
    pub fn narrowed(
        &self,
        whole: Permit,
        on_behalf_of: Option<&HsaId>,
    ) -> Result<Permit, NotGranted> {
        let Some(on_behalf_of) = on_behalf_of else { return Ok(whole) };
        let only: BTreeSet<String> = match self.organisations.get(&on_behalf_of.key()) {
            Some(providers) => providers.clone(),
            None => BTreeSet::from([on_behalf_of.key()]),
        };
        let granted = |id: &String| HsaId::new(id).is_some_and(|id| whole.covers(&id));
        let only: BTreeSet<String> = only.into_iter().filter(granted).collect();
        match only.is_empty() {
            true => Err(NotGranted::OnBehalfOf),
            false => Ok(Permit { narrowed: Some(only), ..whole }),
        }
    }
}

fn still(
    mut grants: Vec<&Grant>,
    refusal: NotGranted,
    holds: impl Fn(&Grant) -> bool,
) -> Result<Vec<&Grant>, NotGranted> {
    grants.retain(|grant| holds(grant));
    if grants.is_empty() { Err(refusal) } else { Ok(grants) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn id(text: &str) -> HsaId {
        HsaId::new(text).unwrap()
    }

    fn at(day: u32) -> Timestamp {
        chrono::Utc.with_ymd_and_hms(2026, 11, day, 12, 0, 0).unwrap()
    }

    fn texts(of: &[&str]) -> Vec<String> {
        of.iter().map(ToString::to_string).collect()
    }

    fn terms() -> GrantTerms {
        GrantTerms {
            consumer: "SE1-SYSTEM".into(),
            contracts: texts(&["log.store", "CheckBlocks"]),
            tenant: Some("region".into()),
            care_providers: texts(&["SE1-VG1", "SE1-VG2"]),
            ..GrantTerms::default()
        }
    }

    fn grants(all: &[GrantTerms]) -> Grants {
        let mut grants = Grants::new([(id("SE1-ORG"), vec![id("SE1-VG2"), id("SE1-VG3")])]);
        for terms in all {
            grants.add(terms).unwrap();
        }
        grants
    }

    struct Call {
        consumer: HsaId,
        platform: Option<HsaId>,
        on_behalf_of: Option<HsaId>,
        contract: &'static str,
        tenant: &'static str,
        address: &'static str,
        now: Timestamp,
    }

    fn call() -> Call {
        Call {
            consumer: id("se1-system"),
            platform: None,
            on_behalf_of: None,
            contract: "StoreLog",
            tenant: "region",
            address: "SE1-A",
            now: at(10),
        }
    }

    impl Call {
        fn with(&self, grants: &Grants) -> Result<Permit, NotGranted> {
            grants.permit(&AskedGrant {
                consumer: &self.consumer,
                platform: self.platform.as_ref(),
                on_behalf_of: self.on_behalf_of.as_ref(),
                contract: self.contract,
                tenant: self.tenant,
                logical_address: Some(self.address),
                now: self.now,
            })
        }
    }

    #[test]
    fn g1_without_a_grant_nobody_may_do_anything() {
        assert_eq!(call().with(&grants(&[])).unwrap_err(), NotGranted::NoGrant);
    }

    #[test]
    fn g2_a_grant_is_its_consumers_in_any_letter_case() {
        let grants = grants(&[terms()]);
        assert!(call().with(&grants).is_ok());
        let other = Call { consumer: id("SE1-SYSTEM2"), ..call() };
        assert_eq!(other.with(&grants).unwrap_err(), NotGranted::NoGrant);
    }

    #[test]
    fn g3_a_grant_names_contracts_or_groups() {
        let grants = grants(&[terms()]);
        for (contract, granted) in [
            ("StoreLog", true),
            ("CheckBlocks", true),
            ("GetBlocks", false),
            ("GetLogs", false),
            ("PingForConfiguration", false),
        ] {
            assert_eq!(Call { contract, ..call() }.with(&grants).is_ok(), granted, "{contract}");
        }
        let nothing = GrantTerms { contracts: vec![], ..terms() };
        let unknown = GrantTerms { contracts: texts(&["log"]), ..terms() };
        for wrong in [nothing, unknown] {
            assert!(Grants::default().add(&wrong).unwrap_err().starts_with("contracts:"));
        }
    }

    #[test]
    fn g4_a_grant_holds_at_a_tenant_or_at_some_addresses() {
        let of_tenant = grants(&[terms()]);
        let elsewhere = Call { tenant: "other", ..call() };
        assert_eq!(elsewhere.with(&of_tenant).unwrap_err(), NotGranted::Address);
        let some = GrantTerms { tenant: None, logical_addresses: texts(&["se1-a "]), ..terms() };
        let of_addresses = grants(std::slice::from_ref(&some));
        assert!(call().with(&of_addresses).is_ok());
        let elsewhere = Call { address: "SE1-B", ..call() };
        assert_eq!(elsewhere.with(&of_addresses).unwrap_err(), NotGranted::Address);
        let both = GrantTerms { tenant: Some("region".into()), ..some };
        let neither = GrantTerms { tenant: None, ..terms() };
        for wrong in [both, neither] {
            assert!(Grants::default().add(&wrong).unwrap_err().starts_with("tenant or"));
        }
    }

    #[test]
    fn g5_a_grant_has_a_first_and_perhaps_a_last_moment() {
        let grants = grants(&[GrantTerms { from: Some(at(5)), until: Some(at(10)), ..terms() }]);
        for (day, granted) in [(4, false), (5, true), (10, true), (11, false)] {
            let permit = Call { now: at(day), ..call() }.with(&grants);
            assert_eq!(permit.err(), (!granted).then_some(NotGranted::Period), "{day}");
        }
        let reversed = GrantTerms { from: Some(at(5)), until: Some(at(4)), ..terms() };
        assert!(Grants::default().add(&reversed).is_err());
    }

    #[test]
    fn g6_a_grant_is_about_some_care_providers_or_all_which_is_written() {
        let permit = call().with(&grants(&[terms()])).unwrap();
        assert!(permit.covers(&id("se1-vg1")) && !permit.covers(&id("SE1-VG3")));
        let more = GrantTerms { care_providers: texts(&["SE1-VG3"]), ..terms() };
        let permit = call().with(&grants(&[terms(), more])).unwrap();
        assert!(permit.covers(&id("SE1-VG1")) && permit.covers(&id("SE1-VG3")));
        let all = GrantTerms { care_providers: texts(&["*"]), ..terms() };
        assert!(call().with(&grants(&[all])).unwrap().covers(&id("SE9")));
        for wrong in [&[][..], &["*", "SE1"], &[" "]] {
            let terms = GrantTerms { care_providers: texts(wrong), ..terms() };
            assert!(Grants::default().add(&terms).unwrap_err().starts_with("care_providers:"));
        }
    }

    #[test]
    fn g7_acting_on_behalf_of_somebody_only_narrows() {
        let grants = grants(&[terms()]);
        let for_one = Call { on_behalf_of: Some(id("SE1-VG1")), ..call() };
        let permit = for_one.with(&grants).unwrap();
        assert!(permit.covers(&id("SE1-VG1")) && !permit.covers(&id("SE1-VG2")));
        // Of an organisation's care providers those that are granted.
        let for_organisation = Call { on_behalf_of: Some(id("se1-org")), ..call() };
        let permit = for_organisation.with(&grants).unwrap();
        assert!(permit.covers(&id("SE1-VG2")));
        assert!(!permit.covers(&id("SE1-VG1")) && !permit.covers(&id("SE1-VG3")));
        for unknown in ["SE1-VG3", "SE9"] {
            let call = Call { on_behalf_of: Some(id(unknown)), ..call() };
            assert_eq!(call.with(&grants).unwrap_err(), NotGranted::OnBehalfOf);
        }
    }

    #[test]
    fn g8_through_a_platform_the_grant_must_name_it() {
        let through = Call { platform: Some(id("SE-VP")), ..call() };
        for (via, granted) in
            [(&[][..], false), (&["SE-VP2"], false), (&["se-vp"], true), (&["*"], true)]
        {
            let grants = grants(&[GrantTerms { via: texts(via), ..terms() }]);
            assert_eq!(through.with(&grants).err(), (!granted).then_some(NotGranted::Platform));
            assert!(call().with(&grants).is_ok(), "with a certificate of its own");
        }
    }

    #[test]
    fn g9_one_grant_must_satisfy_every_rule() {
        // Neither of the two holds for this call, and together they do not either.
        let other_contract = GrantTerms { contracts: texts(&["GetLogs"]), ..terms() };
        let other_tenant = GrantTerms { tenant: Some("other".into()), ..terms() };
        let call = Call { tenant: "other", contract: "GetLogs", ..call() };
        assert!(call.with(&grants(&[other_contract, other_tenant])).is_err());
        let names: BTreeSet<&str> = NotGranted::ALL.into_iter().map(NotGranted::name).collect();
        assert_eq!(names.len(), NotGranted::ALL.len());
    }
}
