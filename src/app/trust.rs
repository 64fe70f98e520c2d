//! Who is believed and what is granted, as configured.

use crate::config::file::Config;
use crate::config::trust::{CrlExpired, Profile, RevocationBy, Trust};
use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::domain::trust::grant::GrantTerms;
use crate::keys::IdentityFiles;
use crate::procedures::authorisation::Authorisation;
use crate::wire::tls::issuers::IssuerNames;
use crate::wire::tls::snapshot::{Clients, Revocation, Tls, TlsError, TlsSettings};
use crate::wire::tls::verifier::CrlGrace;
use chrono::TimeDelta;
use std::path::Path;
use std::sync::Arc;

/// What is granted, as the file of settings says; the store is read later.
pub fn authorisation(config: &Config) -> Authorisation {
    let id = |id: &crate::config::values::ConfiguredId| -> HsaId { (**id).clone() };
    let organisations =
        config.trust.organisation.iter().map(|(of, own)| (id(of), own.iter().map(id).collect()));
    let trusted = config.trust.trust_tak.iter().map(id).collect();
    Authorisation::new(config.grants(), organisations.collect(), trusted)
}

/// What is trusted over TLS; `None`: there is nothing of it.
///
/// # Errors
/// A file that cannot be used.
pub fn tls(config: &Config, now: Timestamp) -> Result<Option<Arc<Tls>>, TlsError> {
    let Trust { client_ca_file, crl_dir, .. } = &config.trust;
    let Some(client_ca_file) = client_ca_file.clone() else { return Ok(None) };
    let revocation = match (config.trust.revocation, crl_dir) {
        (RevocationBy::Lists, Some(folder)) => {
            let grace = TimeDelta::hours(i64::from(config.trust.crl_grace_hours));
            let grace = match config.trust.crl_expired {
                CrlExpired::Refuse => CrlGrace::For(grace),
                CrlExpired::Alarm => CrlGrace::Alarm,
            };
            Revocation::Lists { folder: folder.clone(), grace }
        }
        // Settings without a folder have been refused.
        (RevocationBy::Lists | RevocationBy::None, _) => Revocation::None,
    };
    let settings = TlsSettings {
        identity: identity(&config.trust),
        clients: Clients::All(client_ca_file),
        issuers: issuers(config.profile()),
        revocation,
    };
    Tls::load(settings, now).map(|tls| Some(Arc::new(tls)))
}

/// Issuers of tests are not trusted beside others in production.
fn issuers(profile: Profile) -> IssuerNames {
    match profile {
        Profile::Production => IssuerNames::OneKind,
        Profile::Test | Profile::Bench => IssuerNames::Any,
    }
}

/// What the pages' TLS is made of; `None`: they are plain HTTP, on loopback.
///
/// # Errors
/// A file that cannot be used.
pub fn people_tls(config: &Config, now: Timestamp) -> Result<Option<Arc<Tls>>, TlsError> {
    let admin = &config.admin;
    let files = admin.certificate_file.clone().zip(admin.key_file.clone());
    let Some((certificate, key)) = files else { return Ok(None) };
    let revocation = match &admin.crl_dir {
        Some(folder) => Revocation::Lists {
            folder: folder.clone(),
            grace: CrlGrace::For(TimeDelta::hours(i64::from(config.trust.crl_grace_hours))),
        },
        None => Revocation::None,
    };
    let settings = TlsSettings {
        identity: Some(IdentityFiles::Pem { certificate, key }),
        clients: admin.client_ca_file.clone().map_or(Clients::None, Clients::Some),
        issuers: issuers(config.profile()),
        revocation,
    };
    Tls::load(settings, now).map(|tls| Some(Arc::new(tls)))
}

fn identity(trust: &Trust) -> Option<IdentityFiles> {
    let pem = trust.certificate_file.clone().zip(trust.key_file.clone());
    let pem = pem.map(|(certificate, key)| IdentityFiles::Pem { certificate, key });
    let password = trust.pkcs12_password_file.clone();
    pem.or_else(|| Some(IdentityFiles::Pkcs12 { file: trust.pkcs12_file.clone()?, password }))
}

/// The grants of a file of settings that has been changed; whatever else has changed counts at the next start.
///
/// # Errors
/// That it cannot be read now.
pub fn grants_again(
    path: &Path,
    bench_grants: &[GrantTerms],
    authorisation: &Authorisation,
) -> Result<(), String> {
    let config = Config::load(Some(path)).map_err(|error| error.to_string())?;
    let of_file = config.grants().into_iter().chain(bench_grants.iter().cloned());
    authorisation.file_grants(of_file.collect());
    Ok(())
}
