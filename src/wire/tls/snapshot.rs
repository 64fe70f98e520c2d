//! What the files of trust say at a time: our own identity, whom we let in, who is revoked.

use super::certificate::{NoSubject, Subject, subject};
use super::crls::{self, FoundCrls, KnownCrl};
use super::issuers::{IssuerNames, check_names, name};
use super::verifier::{CallerVerifier, CrlGrace};
use crate::domain::time::Timestamp;
use crate::keys::{self, FileVersion, IdentityFiles, KeyError, file_version};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Where trust is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Our certificate and key; `None` where only certificates of a proxy's header are verified.
    pub identity: Option<IdentityFiles>,
    /// Who shows a certificate.
    pub clients: Clients,
    /// Which names issuers may have.
    pub issuers: IssuerNames,
    /// Who is revoked.
    pub revocation: Revocation,
}

/// Who shows a certificate of an issuer (PEM file): no others open anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clients {
    /// Everybody: systems.
    All(PathBuf),
    /// Whoever wants to be known by it: people.
    Some(PathBuf),
    /// Nobody.
    None,
}

impl Clients {
    fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::All(file) | Self::Some(file) => Some(file),
            Self::None => None,
        }
    }
}

/// How it is known who is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// It is not.
    None,
    /// By the lists of a folder, one for each issuer at least.
    Lists {
        /// The folder.
        folder: PathBuf,
        /// How long a list counts that should have been replaced.
        grace: CrlGrace,
    },
}

/// Why there is no new snapshot.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of keys or certificates.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// Certificate and key do not go together, or are of a kind that is not supported.
    #[error("certificate: {0}")]
    Identity(rustls::Error),
    /// An issuer cannot be one.
    #[error("{0}: an issuer cannot be used: {1}")]
    Issuer(PathBuf, rustls::Error),
    /// An issuer must not be trusted in this profile.
    #[error("{0}: {1}")]
    Name(PathBuf, &'static str),
    /// The folder of lists.
    #[error("{0}: {1}")]
    Folder(PathBuf, std::io::Error),
    /// An issuer has no list.
    #[error("{0}: no list of revoked certificates of {1} (or trust.revocation = \"none\"){2}")]
    NoList(PathBuf, String, String),
    /// Our own certificate is over.
    #[error("our own certificate has ended ({0})")]
    Ended(Timestamp),
    /// The lists cannot be used.
    #[error("lists of revoked certificates: {0}")]
    Lists(String),
}

/// What the files said when they were read.
#[derive(Debug)]
pub struct Snapshot {
    /// Counts on with each.
    pub generation: u64,
    /// What new connections are accepted with.
    pub server: Option<Arc<ServerConfig>>,
    /// `None`: nobody shows a certificate.
    verifier: Option<Arc<CallerVerifier>>,
    /// Until when our own certificate is valid.
    pub certificate_ends: Option<Timestamp>,
    /// The lists in force.
    pub crls: Vec<KnownCrl>,
    /// Lists that were passed over, and why; and whether they could be right another time.
    pub passed_over: Vec<String>,
    may_mend: bool,
}

/// Whom a certificate makes known.
#[derive(Debug, Clone)]
pub struct LetIn {
    /// Whose it is.
    pub subject: Subject,
    /// Until when it need not be asked again: it ends then, or the list by which it is not revoked.
    pub until: Timestamp,
}

impl Snapshot {
    /// Whom a chain of certificates makes known now, the system's own first.
    ///
    /// # Errors
    /// Why nobody.
    pub fn known(
        &self,
        chain: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<LetIn, rustls::Error> {
        let (own, above) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let verifier = self.verifier.as_ref().ok_or(rustls::Error::NoCertificatesPresented)?;
        verifier.verify_client_cert(own, above, now)?;
        self.let_in(own)
            .map_err(|_: NoSubject| rustls::CertificateError::ApplicationVerificationFailure.into())
    }

    /// Whom a certificate makes known that has been verified.
    ///
    /// # Errors
    /// That nobody is known by it.
    pub fn let_in(&self, own: &CertificateDer<'_>) -> Result<LetIn, NoSubject> {
        let subject = subject(own)?;
        let list = self.verifier.as_ref().and_then(|verifier| verifier.list_ends(own));
        let list = list.unwrap_or(Timestamp::MAX_UTC);
        let until = subject.ends_at.min(list);
        Ok(LetIn { subject, until })
    }
}

/// The snapshot in force.
#[derive(Debug)]
pub struct Tls {
    settings: TlsSettings,
    current: RwLock<Arc<Snapshot>>,
    /// The files as they were when they were read last.
    seen: Mutex<Versions>,
    /// Why the last reading failed, if it did.
    failure: Mutex<Option<String>>,
}

impl Tls {
    /// Reads everything.
    ///
    /// # Errors
    /// What is wrong.
    pub fn load(settings: TlsSettings, now: Timestamp) -> Result<Self, TlsError> {
        // Before they are read: what changes meanwhile is read once more.
        let seen = Mutex::new(versions(&settings));
        let first = snapshot(&settings, &[], 1, now)?;
        if let Some(ended) = first.certificate_ends.filter(|ends| *ends < now) {
            tracing::error!(%ended, "ALARM: our own certificate has ended");
        }
        for why in &first.passed_over {
            tracing::warn!(why, "a list of revoked certificates is passed over");
        }
        let current = RwLock::new(Arc::new(first));
        Ok(Self { settings, current, seen, failure: Mutex::default() })
    }

    /// The snapshot in force.
    pub fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the last reading failed, so that an older snapshot is in force.
    pub fn has_failed(&self) -> bool {
        lock(&self.failure).is_some()
    }

    /// Reads everything again when a file has changed, when it is asked for, or when the last reading was not whole: it
    /// takes effect whole or not at all.
    pub fn look(&self, is_asked: bool, now: Timestamp) {
        let (found, before) = (versions(&self.settings), self.current());
        let has_changed = std::mem::replace(&mut *lock(&self.seen), found.clone()) != found;
        let had_failed = self.has_failed();
        if !(has_changed || is_asked || had_failed || before.may_mend) {
            return;
        }
        let next =
            snapshot(&self.settings, &before.crls, before.generation + 1, now).and_then(|next| {
                match next.certificate_ends {
                    Some(ended) if ended < now => Err(TlsError::Ended(ended)),
                    _ => Ok(next),
                }
            });
        let failure = next.as_ref().err().map(ToString::to_string);
        match next {
            // What was wrong is told once.
            Err(_) if *lock(&self.failure) == failure => {}
            Err(error) => tracing::error!(
                %error,
                "ALARM: keys, certificates and lists cannot be read: older ones are in force"
            ),
            // Only what was passed over was looked at again, and it is as it was.
            Ok(next) if !(has_changed || is_asked || had_failed) && next.is_like(&before) => {}
            Ok(next) => {
                for why in next.passed_over.iter().filter(|why| !before.passed_over.contains(why)) {
                    tracing::warn!(why, "a list of revoked certificates is passed over");
                }
                tracing::info!(
                    generation = next.generation,
                    "keys, certificates and lists read again"
                );
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
            }
        }
        // What is mended is said when it is in force.
        *lock(&self.failure) = failure;
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Snapshot {
    /// Whether nothing of its lists is another.
    fn is_like(&self, other: &Self) -> bool {
        self.crls == other.crls && self.passed_over == other.passed_over
    }
}

/// What tells whether a file has changed.
fn versions(settings: &TlsSettings) -> Versions {
    let mut paths: Vec<PathBuf> = settings.clients.file().into_iter().cloned().collect();
    paths.extend(settings.identity.iter().flat_map(IdentityFiles::paths));
    if let Revocation::Lists { folder, .. } = &settings.revocation {
        paths.extend(crls::files(folder).unwrap_or_default());
        paths.push(folder.clone());
    }
    paths.into_iter().map(|path| (file_version(&path), path)).map(|(v, path)| (path, v)).collect()
}

/// Of each file what tells whether it has changed; `None`: it is not there.
pub type Versions = BTreeMap<PathBuf, Option<FileVersion>>;

fn snapshot(
    settings: &TlsSettings,
    before: &[KnownCrl],
    generation: u64,
    now: Timestamp,
) -> Result<Snapshot, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let (verifier, found) = match settings.clients.file() {
        Some(path) => {
            let (verifier, found) = verifier(settings, path, (before, now), &provider)?;
            (Some(verifier), found)
        }
        None => (None, FoundCrls::default()),
    };
    let FoundCrls { newest: crls, passed_over, may_mend } = found;
    let server = settings.identity.as_ref().map(|files| server(files, verifier.as_ref(), provider));
    let (server, certificate_ends) = server.transpose()?.unzip();
    Ok(Snapshot {
        generation,
        server,
        verifier,
        certificate_ends: certificate_ends.flatten(),
        crls,
        passed_over,
        may_mend,
    })
}

/// Verifies who shows a certificate of an issuer of a file.
fn verifier(
    settings: &TlsSettings,
    path: &std::path::Path,
    (before, now): (&[KnownCrl], Timestamp),
    provider: &Arc<CryptoProvider>,
) -> Result<(Arc<CallerVerifier>, FoundCrls), TlsError> {
    let issuers = keys::certificates(path)?;
    check_names(settings.issuers, &issuers)
        .map_err(|wrong| TlsError::Name(path.to_owned(), wrong))?;
    let names: BTreeSet<Vec<u8>> = issuers.iter().map(|issuer| name(issuer).1).collect();
    if names.len() < issuers.len() {
        // Lists are told apart by their issuers' names.
        return Err(TlsError::Name(
            path.to_owned(),
            "two issuers in it have one name, or one stands there twice",
        ));
    }
    let mut anchors = RootCertStore::empty();
    for issuer in &issuers {
        anchors.add(issuer.clone()).map_err(|error| TlsError::Issuer(path.to_owned(), error))?;
    }
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), Arc::clone(provider));
    let (builder, found, grace) = match &settings.revocation {
        Revocation::None => (builder, FoundCrls::default(), CrlGrace::Alarm),
        Revocation::Lists { folder, grace } => {
            let found = lists(folder, &issuers, before, now)?;
            let ders = found.newest.iter().map(|crl| crl.der.clone());
            (builder.with_crls(ders), found, *grace)
        }
    };
    let builder = match settings.clients {
        Clients::Some(_) => builder.allow_unauthenticated(),
        Clients::All(_) | Clients::None => builder,
    };
    let inner = builder.build().map_err(|error| TlsError::Lists(error.to_string()))?;
    let verifier = Arc::new(CallerVerifier::new(inner, &found.newest, grace));
    Ok((verifier, found))
}

fn server(
    files: &IdentityFiles,
    verifier: Option<&Arc<CallerVerifier>>,
    provider: Arc<CryptoProvider>,
) -> Result<(Arc<ServerConfig>, Option<Timestamp>), TlsError> {
    let identity = files.load()?;
    let ends = identity.chain.first().and_then(|own| {
        let (_, own) = X509Certificate::from_der(own).ok()?;
        Timestamp::from_timestamp(own.validity().not_after.timestamp(), 0)
    });
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Identity)?;
    let server = match verifier {
        Some(verifier) => server.with_client_cert_verifier(Arc::<CallerVerifier>::clone(verifier)),
        None => server.with_no_client_auth(),
    };
    let mut server =
        server.with_single_cert(identity.chain, identity.key).map_err(TlsError::Identity)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Of a session that is taken up again the certificate is not verified: it could have been revoked.
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok((Arc::new(server), ends))
}

/// The lists in force; each issuer has one.
fn lists(
    folder: &std::path::Path,
    issuers: &[CertificateDer<'_>],
    before: &[KnownCrl],
    now: Timestamp,
) -> Result<FoundCrls, TlsError> {
    let found = crls::load(folder, issuers, before, now)
        .map_err(|error| TlsError::Folder(folder.to_owned(), error))?;
    for issuer in issuers {
        let (text, raw) = name(issuer);
        if !found.newest.iter().any(|crl| crl.issuer == raw) {
            let why = found.passed_over.iter().fold(String::new(), |all, why| all + "; " + why);
            return Err(TlsError::NoList(folder.to_owned(), text, why));
        }
    }
    Ok(found)
}
