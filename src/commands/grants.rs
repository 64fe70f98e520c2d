//! `sigill grants`: what callers may do, beside what the file of settings grants.

use super::error::CommandError;
use super::settings::Settings;
use crate::app::process::user_name;
use crate::app::trust::authorisation;
use crate::app::{owner_of_running, store_of_running};
use crate::clock::Clock;
use crate::config::file::Config;
use crate::config::tenant::Tenant;
use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::domain::trust::caller::{Caller, HowKnown};
use crate::domain::trust::grant::GrantTerms;
use crate::domain::trust::grants::{Grants, NotGranted};
use crate::domain::trust::group::GROUPS;
use crate::store::grants::{KeptGrant, Note};
use serde_json::json;

/// What callers may do, beside what the file of settings grants.
#[derive(Debug, clap::Subcommand)]
pub enum GrantsCommand {
    /// List grants: those of the file of settings, and those that were added here.
    List {
        #[command(flatten)]
        settings: Settings,
        /// Those that were ended, too.
        #[arg(long)]
        ended: bool,
        /// As JSON, an object a line.
        #[arg(long)]
        json: bool,
    },
    /// Add a grant; it takes effect within five seconds.
    Add(Box<AddGrant>),
    /// End a grant; it stops within five seconds.
    End {
        #[command(flatten)]
        settings: Settings,
        /// Its number.
        number: i64,
        /// Why; without personal data.
        #[arg(long)]
        reason: String,
        /// Who ends it; default: the user of the system.
        #[arg(long)]
        by: Option<String>,
    },
    /// Say whether something is granted, and by which rule it is not.
    Check(Box<CheckGrant>),
}

/// Add a grant.
#[derive(Debug, clap::Args)]
pub struct AddGrant {
    #[command(flatten)]
    settings: Settings,
    /// The system's HSA-id.
    #[arg(long)]
    consumer: String,
    /// Contracts, groups of contracts, or *.
    #[arg(long, value_delimiter = ',', required = true)]
    contract: Vec<String>,
    /// At all logical addresses of a tenant ...
    #[arg(long)]
    tenant: Option<String>,
    /// ... or at some.
    #[arg(long, value_delimiter = ',')]
    address: Vec<String>,
    /// About which care providers, or *.
    #[arg(long, value_delimiter = ',', required = true)]
    care_provider: Vec<String>,
    /// Through which platforms, or *.
    #[arg(long, value_delimiter = ',')]
    via: Vec<String>,
    /// From when on (2027-01-01T00:00:00+01:00).
    #[arg(long)]
    from: Option<Timestamp>,
    /// Up to and with when.
    #[arg(long)]
    until: Option<Timestamp>,
    /// Why; without personal data.
    #[arg(long)]
    reason: String,
    /// Who adds it; default: the user of the system.
    #[arg(long)]
    by: Option<String>,
}

/// Say whether something is granted.
#[derive(Debug, clap::Args)]
pub struct CheckGrant {
    #[command(flatten)]
    settings: Settings,
    /// The system's HSA-id.
    #[arg(long)]
    consumer: String,
    /// The contract.
    #[arg(long)]
    contract: String,
    /// The logical address.
    #[arg(long)]
    address: String,
    /// What the call is about.
    #[arg(long)]
    care_provider: Option<String>,
    /// The platform through which it comes.
    #[arg(long)]
    via: Option<String>,
    /// For whom it says to act.
    #[arg(long)]
    on_behalf_of: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl GrantsCommand {
    /// Lists, adds, ends or checks; `false`: there is none of the number in force, or it is not granted.
    ///
    /// # Errors
    /// It names what is nothing, or the store's.
    pub async fn run(self) -> Result<bool, CommandError> {
        match self {
            Self::List { settings, ended, json } => list(&settings.load()?, ended, json).await,
            Self::Add(add) => add.run().await,
            Self::End { settings, number, reason, by } => {
                let note = note(reason, by)?;
                let store = owner_of_running(&settings.load()?).await?;
                let ended = store.end_grant(number, &note).await?;
                store.close().await;
                if !ended {
                    println!("there is no grant {number} in force");
                }
                Ok(ended)
            }
            Self::Check(check) => check.run().await,
        }
    }
}

fn note(reason: String, by: Option<String>) -> Result<Note, CommandError> {
    let by = by.unwrap_or_else(user_name);
    let is_line = |text: &str| !text.trim().is_empty() && !text.contains(char::is_control);
    match is_line(&reason) && is_line(&by) {
        true => Ok(Note { reason, by, at: Clock::System.now() }),
        false => {
            Err(CommandError::Request("reason and by: must not be blank, or more than one line"))
        }
    }
}

impl AddGrant {
    async fn run(self) -> Result<bool, CommandError> {
        let Self { settings, reason, by, .. } = self;
        let terms = GrantTerms {
            consumer: self.consumer,
            contracts: self.contract,
            tenant: self.tenant,
            logical_addresses: self.address,
            care_providers: self.care_provider,
            via: self.via,
            from: self.from,
            until: self.until,
        };
        Grants::default().add(&terms).map_err(CommandError::Grant)?;
        let config = settings.load()?;
        if terms.tenant.as_ref().is_some_and(|name| !config.may_have_tenant(name)) {
            return Err(CommandError::Request("there is no tenant of that name"));
        }
        let is_ours = |address: &&String| {
            let address = address.trim();
            config.tenant.is_empty()
                || config.tenant.iter().any(|tenant| {
                    tenant.logical_addresses.iter().any(|own| own.eq_ignore_ascii_case(address))
                })
        };
        if !terms.logical_addresses.iter().all(|address| is_ours(&address)) {
            return Err(CommandError::Request("no tenant has that logical address"));
        }
        let note = note(reason, by)?;
        let store = owner_of_running(&config).await?;
        println!("grant {}", store.add_grant(&terms, &note).await?);
        store.close().await;
        Ok(true)
    }
}

async fn list(config: &Config, with_ended: bool, as_json: bool) -> Result<bool, CommandError> {
    let store = store_of_running(config).await?;
    for terms in config.grants() {
        say(None, &terms, None, as_json);
    }
    let kept = store.all_grants().await?;
    for grant in kept.iter().filter(|grant| with_ended || grant.ended.is_none()) {
        say(Some(grant.number), &grant.terms, Some(grant), as_json);
    }
    store.close().await;
    Ok(true)
}

fn say(number: Option<i64>, terms: &GrantTerms, kept: Option<&KeptGrant>, as_json: bool) {
    let written =
        |note: &Note| json!({ "by": note.by, "at": note.at.to_rfc3339(), "reason": note.reason });
    if as_json {
        println!(
            "{}",
            json!({
                "number": number,
                "in_file": kept.is_none(),
                "consumer": terms.consumer,
                "contracts": terms.contracts,
                "tenant": terms.tenant,
                "logical_addresses": terms.logical_addresses,
                "care_providers": terms.care_providers,
                "via": terms.via,
                "from": terms.from.map(|at| at.to_rfc3339()),
                "until": terms.until.map(|at| at.to_rfc3339()),
                "added": kept.map(|kept| written(&kept.added)),
                "ended": kept.and_then(|kept| kept.ended.as_ref()).map(written),
            })
        );
        return;
    }
    let number = number.map_or("file".into(), |number| number.to_string());
    let at = match &terms.tenant {
        Some(tenant) => format!("tenant {tenant}"),
        None => terms.logical_addresses.join(", "),
    };
    let mut line = format!(
        "{number}: {} may {} at {at} about {}",
        terms.consumer,
        terms.contracts.join(", "),
        terms.care_providers.join(", ")
    );
    if !terms.via.is_empty() {
        line += &format!(", via {}", terms.via.join(", "));
    }
    for (word, at) in [("from", terms.from), ("until", terms.until)] {
        if let Some(at) = at {
            line += &format!(", {word} {}", at.to_rfc3339());
        }
    }
    if let Some(kept) = kept {
        let note = |word: &str, note: &Note| {
            format!("; {word} {} by {}: {}", note.at.format("%Y-%m-%d"), note.by, note.reason)
        };
        line += &note("added", &kept.added);
        line += &kept.ended.as_ref().map_or(String::new(), |ended| note("ended", ended));
    }
    println!("{line}");
}

impl CheckGrant {
    async fn run(self) -> Result<bool, CommandError> {
        let config = self.settings.load()?;
        let id = |text: &str| HsaId::new(text).ok_or(CommandError::Request("an HSA-id is blank"));
        let mut contracts = GROUPS.iter().flat_map(|group| group.contracts);
        let contract = contracts.find(|contract| **contract == self.contract);
        let contract =
            contract.ok_or(CommandError::Request("there is no contract of that name"))?;
        let is_addressed = |of: &&Tenant| {
            of.logical_addresses.iter().any(|own| own.eq_ignore_ascii_case(&self.address))
        };
        let tenant = if config.tenant.is_empty() {
            Some(config.only_tenant())
        } else {
            config.tenant.iter().find(is_addressed).map(|tenant| tenant.name.as_str())
        };
        let tenant = tenant.ok_or(CommandError::Request("no tenant has that logical address"))?;
        let via = self.via.as_deref().map(id).transpose()?;
        let how_known = via.as_ref().map_or(HowKnown::Certificate, |_| HowKnown::Platform);
        let consumer = id(&self.consumer)?;
        let caller = Caller {
            peer: via.or_else(|| Some(consumer.clone())),
            consumer: Some(consumer),
            how_known,
            on_behalf_of: self.on_behalf_of.as_deref().map(id).transpose()?,
        };
        let about = self.care_provider.as_deref().map(id).transpose()?;
        let store = store_of_running(&config).await?;
        let authorisation = authorisation(&config);
        authorisation.read(&store).await?;
        store.close().await;
        let now = Clock::System.now();
        let is_listed =
            |platform: &HsaId| config.trust.platforms.iter().any(|listed| **listed == *platform);
        let decided = match caller.platform().is_some_and(|platform| !is_listed(platform)) {
            true => Err(NotGranted::Platform),
            false => authorisation
                .permit(&caller, contract, (tenant, Some(&self.address)), now)
                .and_then(|permit| match about.as_ref().is_none_or(|about| permit.covers(about)) {
                    true => Ok(()),
                    false => Err(NotGranted::CareProvider),
                }),
        };
        match (self.json, decided) {
            (true, _) => println!(
                "{}",
                json!({ "granted": decided.is_ok(), "refused_by": decided.err().map(NotGranted::name) })
            ),
            (false, Ok(())) => println!("granted"),
            (false, Err(refusal)) => println!("refused: {}", refusal.name()),
        }
        Ok(decided.is_ok())
    }
}
