//! The pages, as configured.

use super::asked_services;
use super::error::AppError;
use super::retention::policy;
use super::trust;
use crate::admin::{self, Site};
use crate::clock::Clock;
use crate::config::admin::{Admin, Oidc};
use crate::config::file::Config;
use crate::config::review::Review;
use crate::demo::region::{self, Region, Size};
use crate::demo::stories;
use crate::domain::people::roles::RoleRule;
use crate::domain::time::Timestamp;
use crate::keys;
use crate::peers::connection::{Peer, PeerSettings};
use crate::peers::identities::{ClientProof, Identities, IdentitySettings};
use crate::peers::notice::NoticeService;
use crate::procedures::context::Services;
use crate::procedures::people::known_status::KnownStatus;
use crate::procedures::people::on_duty::{People, SharedPeople};
use crate::procedures::review::settings::ReviewSettings;
use crate::wire::tls::snapshot::Tls;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

/// How long a system may take to be told of a reminder.
const WEBHOOK_TIME: Duration = Duration::from_secs(10);

/// What people do through the pages, also where there are none: how the service does is probed all the same.
///
/// # Errors
/// A setting that cannot be used.
pub fn people(
    config: &Config,
    services: &Services,
    base_address: &str,
    clock: &Clock,
) -> Result<SharedPeople, AppError> {
    let admin = &config.admin;
    let identities = admin.oidc.as_ref().map(|oidc| identities(oidc, base_address)).transpose()?;
    let own = admin.care_provider.iter().map(|(id, _)| ((**id).clone(), admin.names(id)));
    Ok(Arc::new(People {
        services: services.clone(),
        rules: rules(config),
        times: admin.times(),
        system: ((*admin.system_id).clone(), admin.system_name.clone()),
        names: admin.extract_names.into(),
        own_names: own.collect(),
        retention: policy(config),
        review: review(config)?,
        status: KnownStatus::default(),
        persons: asked_services::population(config)?,
        directory: asked_services::directory(config)?,
        identities: identities.map(Arc::new),
        clock: clock.clone(),
        new_id: Uuid::new_v4,
    }))
}

/// How the log is reviewed.
fn review(config: &Config) -> Result<ReviewSettings, AppError> {
    let Review { sensitive, initials, webhook, command } = &config.review;
    let peer = webhook.as_ref().map(|hook| {
        Peer::new(&PeerSettings {
            base: hook.url.clone(),
            ca_file: hook.ca_file.clone(),
            identity: hook.certificate_file.clone().zip(hook.key_file.clone()),
            timeout: WEBHOOK_TIME,
            consumer: None,
        })
    });
    let peer = peer.transpose().map_err(super::tenants::TenantsError::from)?;
    Ok(ReviewSettings {
        sensitive: sensitive.clone(),
        notices: peer.map(|peer| Arc::new(NoticeService::new(peer))),
        command: command.clone(),
        initials: *initials,
    })
}

/// What gives which role; a demonstration has somebody in each.
fn rules(config: &Config) -> Vec<RoleRule> {
    let mut rules = config.admin.rules();
    if config.demo {
        rules.extend(region::rules());
    }
    rules
}

/// Where people log in.
fn identities(oidc: &Oidc, base_address: &str) -> Result<Identities, AppError> {
    let text = |path: &std::path::Path| -> Result<Zeroizing<String>, AppError> {
        let bytes = keys::secret(path)?;
        Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).trim().to_owned()))
    };
    let proof = match (&oidc.client_secret_file, &oidc.private_key_file) {
        (Some(file), _) => ClientProof::Secret(text(file)?),
        // Settings with neither have been refused.
        (None, file) => ClientProof::Key(text(&file.clone().unwrap_or_default())?),
    };
    let settings = IdentitySettings {
        issuer: oidc.issuer.clone(),
        client_id: oidc.client_id.clone(),
        proof,
        ca_file: oidc.ca_file.clone(),
        acr: oidc.acr.clone(),
        timeout: Duration::from_secs(oidc.timeout_seconds),
        redirect: format!("{base_address}/logga-in/svar"),
    };
    Ok(Identities::new(settings).map_err(super::tenants::TenantsError::from)?)
}

/// The site that is served to them.
pub fn site(config: &Config, people: SharedPeople, base_address: String) -> Site {
    let Admin { test_login, client_ca_file, contact, .. } = &config.admin;
    Site {
        people,
        test_login: *test_login,
        stories: if config.demo { stories() } else { Vec::new() },
        certificates: client_ca_file.is_some(),
        base_address,
        is_page: admin::pages::is_page,
        contact: contact.clone(),
    }
}

/// What is planted in the demonstration.
fn stories() -> Vec<(String, String, String)> {
    let region = Region::new(region::SEED, Size::SMALL);
    let told = |story: &stories::Story| {
        let patient = &region.patients[stories::patient(&region, story.patient)];
        let number = format!("{}-{}", &patient.number[..8], &patient.number[8..]);
        (story.title.to_owned(), number, story.told.to_owned())
    };
    stories::STORIES.iter().map(told).collect()
}

/// What the pages' TLS is made of.
///
/// # Errors
/// A file that cannot be used.
pub fn tls(config: &Config, now: Timestamp) -> Result<Option<Arc<Tls>>, AppError> {
    Ok(trust::people_tls(config, now)?)
}
