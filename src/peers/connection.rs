//! Calls to another service: the message out, the reply in, over HTTP or mutual TLS.
//!
//! Reads no XML and tries once; what a reply means, and when to try again, is the caller's.

use crate::keys::{FileVersion, IdentityFiles, KeyError, KeyIdentity, certificates, file_version};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio::time::timeout;

/// Connections kept open between calls.
const IDLE_CONNECTIONS_MAX: usize = 16;
/// Service platforms close idle connections after some minutes; ours end before.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How often it is looked whether certificates or the key have changed.
const LOOKED_AT: Duration = Duration::from_secs(10);

/// Where another service is, and how to be known there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerSettings {
    /// What stands before the path of a contract, for example `https://host/vp`.
    pub base: String,
    /// Whom to trust (PEM); needed for `https`.
    pub ca_file: Option<PathBuf>,
    /// Our certificate and what leads to its root (PEM), and its key (PEM).
    pub identity: Option<(PathBuf, PathBuf)>,
    /// How long a call may take.
    pub timeout: Duration,
    /// The header `x-rivta-original-serviceconsumer-hsaid`, where the other side wants it.
    pub consumer: Option<String>,
}

/// Why no calls can be made.
#[derive(Debug, thiserror::Error)]
pub enum PeerSettingsError {
    /// A certificate or key.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// Certificate and key do not go together, or are of a kind that is not supported.
    #[error("certificate: {0}")]
    Tls(#[from] rustls::Error),
    /// The address is none, or needs what was not given.
    #[error("replication.url {0}: {1}")]
    Address(String, &'static str),
    /// The consumer's id cannot stand in a header.
    #[error("replication.consumer_id cannot stand in a header")]
    Consumer,
}

/// Why a call has no reply. The texts hold nothing of the message.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody took the message: it has certainly not been carried out.
    #[error("no connection")]
    Unreachable,
    /// It took too long; it may have been carried out.
    #[error("no reply in time")]
    Timeout,
    /// The connection broke; it may have been carried out.
    #[error("connection broken")]
    Broken,
    /// A status that no SOAP reply has.
    #[error("HTTP status {}", .0.as_u16())]
    Status(StatusCode),
    /// More than may be read.
    #[error("reply too large")]
    TooLarge,
}

/// Another service.
#[derive(Debug, Clone)]
pub struct Peer {
    made: Arc<Mutex<Made>>,
    settings: PeerSettings,
    base: String,
    timeout: Duration,
    consumer: Option<HeaderValue>,
}

type PeerClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// What makes calls, and of which files.
#[derive(Debug)]
struct Made {
    client: PeerClient,
    versions: Vec<Option<FileVersion>>,
    seen_at: Instant,
    failed: bool,
}

impl Peer {
    /// Reads certificates and prepares calls; connects to nobody yet.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub fn new(settings: &PeerSettings) -> Result<Self, PeerSettingsError> {
        let base = settings.base.trim_end_matches('/').to_owned();
        let wrong = |what| PeerSettingsError::Address(base.clone(), what);
        let address: Uri = base.parse().map_err(|_| wrong("is not an address"))?;
        match (address.scheme_str(), &settings.ca_file) {
            (Some("http"), _) | (Some("https"), Some(_)) => {}
            (Some("https"), None) => return Err(wrong("needs ca_file")),
            _ => return Err(wrong("must begin with http:// or https://")),
        }
        let consumer = settings.consumer.as_deref().map(HeaderValue::from_str).transpose();
        let consumer = consumer.map_err(|_| PeerSettingsError::Consumer)?;
        // Before they are read: what changes meanwhile is read once more.
        let versions = versions(settings);
        let made =
            Made { client: client(settings)?, versions, seen_at: Instant::now(), failed: false };
        let (made, settings) = (Arc::new(Mutex::new(made)), settings.clone());
        Ok(Self { made, base, timeout: settings.timeout, settings, consumer })
    }

    /// Makes calls, with the certificates and the key as they are now.
    fn client(&self) -> PeerClient {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.seen_at.elapsed() >= LOOKED_AT {
            made.seen_at = Instant::now();
            let now = versions(&self.settings);
            if now != made.versions || made.failed {
                let client = client(&self.settings);
                made.failed = client.is_err();
                match client {
                    Ok(client) => made.client = client,
                    Err(error) => tracing::error!(
                        %error,
                        "ALARM: certificates or key for calls to another service cannot be read: the older ones are used"
                    ),
                }
                made.versions = now;
            }
        }
        made.client.clone()
    }

    /// Sends a message and returns the reply: an answer or a fault.
    ///
    /// # Errors
    /// That there is none.
    pub async fn call(
        &self,
        path: &str,
        soap_action: &str,
        message: String,
        reply_bytes_max: usize,
    ) -> Result<Bytes, CallError> {
        let mut request = Request::post(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, "text/xml; charset=UTF-8")
            .header("SOAPAction", format!("\"{soap_action}\""));
        if let Some(consumer) = &self.consumer {
            let name = HeaderName::from_static("x-rivta-original-serviceconsumer-hsaid");
            request = request.header(name, consumer);
        }
        let request = request.body(Full::from(message)).map_err(|_| CallError::Unreachable)?;
        let (status, reply) = self.send(request, reply_bytes_max).await?;
        match status.is_success() || status == StatusCode::INTERNAL_SERVER_ERROR {
            true => Ok(reply),
            false => Err(CallError::Status(status)),
        }
    }

    /// Sends a text and returns what comes back, whatever its status.
    ///
    /// # Errors
    /// That nothing does.
    pub async fn post(
        &self,
        path: &str,
        text: String,
        reply_bytes_max: usize,
    ) -> Result<(StatusCode, Bytes), CallError> {
        let request = Request::post(format!("{}{path}", self.base));
        let request = request.header(CONTENT_TYPE, "text/plain; charset=utf-8");
        let request = request.body(Full::from(text)).map_err(|_| CallError::Unreachable)?;
        self.send(request, reply_bytes_max).await
    }

    /// Sends a form and returns what comes back, whatever its status.
    ///
    /// # Errors
    /// That nothing does.
    pub async fn send_form(
        &self,
        path: &str,
        kind: &'static str,
        body: String,
        reply_bytes_max: usize,
    ) -> Result<(StatusCode, Bytes), CallError> {
        let request = Request::post(format!("{}{path}", self.base)).header(CONTENT_TYPE, kind);
        let request = request.header("accept", "application/json");
        let request = request.body(Full::from(body)).map_err(|_| CallError::Unreachable)?;
        self.send(request, reply_bytes_max).await
    }

    /// Asks for what is at a path, whatever its status.
    ///
    /// # Errors
    /// That nothing comes back.
    pub async fn get(
        &self,
        path: &str,
        reply_bytes_max: usize,
    ) -> Result<(StatusCode, Bytes), CallError> {
        let request = Request::get(format!("{}{path}", self.base));
        let request = request.header("accept", "application/json");
        let request = request.body(Full::default()).map_err(|_| CallError::Unreachable)?;
        self.send(request, reply_bytes_max).await
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
        reply_bytes_max: usize,
    ) -> Result<(StatusCode, Bytes), CallError> {
        let reply = async {
            let reply = self.client().request(request).await.map_err(|error| {
                if error.is_connect() { CallError::Unreachable } else { CallError::Broken }
            })?;
            let status = reply.status();
            let body = Limited::new(reply.into_body(), reply_bytes_max).collect().await;
            let body = body.map(http_body_util::Collected::to_bytes).map_err(|error| {
                match error.is::<http_body_util::LengthLimitError>() {
                    true => CallError::TooLarge,
                    false => CallError::Broken,
                }
            });
            Ok((status, body?))
        };
        timeout(self.timeout, reply).await.unwrap_or(Err(CallError::Timeout))
    }
}

fn tls(settings: &PeerSettings) -> Result<ClientConfig, PeerSettingsError> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = &settings.ca_file {
        for certificate in certificates(file)? {
            roots.add(certificate)?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    Ok(match identity(settings) {
        None => config.with_no_client_auth(),
        Some(files) => {
            let KeyIdentity { chain, key } = files.load()?;
            config.with_client_auth_cert(chain, key)?
        }
    })
}

fn identity(settings: &PeerSettings) -> Option<IdentityFiles> {
    let (certificate, key) = settings.identity.clone()?;
    Some(IdentityFiles::Pem { certificate, key })
}

fn client(settings: &PeerSettings) -> Result<PeerClient, PeerSettingsError> {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    http.enforce_http(false);
    // Whoever cannot be connected to in half of the time has certainly carried nothing out.
    http.set_connect_timeout(Some(settings.timeout / 2));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls(settings)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    Ok(Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_timer(hyper_util::rt::TokioTimer::new())
        .build(connector))
}

/// What tells whether a file of certificates or keys has changed.
fn versions(settings: &PeerSettings) -> Vec<Option<FileVersion>> {
    let own = identity(settings).map(|files| files.paths()).unwrap_or_default();
    settings.ca_file.iter().chain(&own).map(|path| file_version(path)).collect()
}
