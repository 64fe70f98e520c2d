//! Who calls. The one place that decides whom a request comes from, and the table of `docs/OPERATIONS.md`:
//!
//! | At the other end | Known by | Believed about whom it calls for |
//! | --- | --- | --- |
//! | this machine, on a test bench | plain HTTP over loopback that no proxy has handed on | yes |
//! | a system | its certificate | no |
//! | a platform | its certificate, and `trust.platforms` | yes |
//! | a proxy that ends TLS | its certificate or its address, and `trust.proxies` | about the certificate in its header, which is verified again and makes it one of the two above |
//! | anybody else | – | there is no HTTP for it |

use super::connection::Connection;
use super::forwarded::{Forwarded, Verified};
use super::tls::handshake::word;
use super::tls::snapshot::Tls;
use crate::config::trust::{Profile, Trust};
use crate::config::values::ConfiguredId;
use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::domain::trust::caller::{Caller, HowKnown};
use crate::keys::{KeyError, certificates};
use crate::soap::fault::Fault;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use rustls::pki_types::CertificateDer;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const ORIGINAL_CONSUMER: &str = "x-rivta-original-serviceconsumer-hsaid";
const ON_BEHALF_OF: &str = "x-rivta-acting-on-behalf-of-hsaid";
/// What becomes `OwnerId` holds at most this many characters.
const CONSUMER_CHARS_MAX: usize = 512;
const ID_CHARS_MAX: usize = 64;
/// What a proxy adds to what it hands on, beside everything that begins with `x-forwarded-`.
const HANDED_ON: [&str; 12] = [
    "cf-connecting-ip",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-original-forwarded-for",
    "x-original-host",
    "x-real-ip",
];

/// Who is believed about what.
#[derive(Debug)]
pub struct Callers {
    profile: Profile,
    platforms: Vec<HsaId>,
    proxies: Vec<HsaId>,
    proxy_addresses: Vec<IpAddr>,
    operators: Vec<HsaId>,
    operator_addresses: Vec<IpAddr>,
    forwarded: Option<Forwarded>,
    intermediates: Vec<CertificateDer<'static>>,
    tls: Option<Arc<Tls>>,
    /// Certificates that proxies have handed on, and that were verified.
    verified: Verified,
    /// Times that a header named a consumer of whom its sender is not believed.
    ignored: AtomicU64,
}

/// Who calls, and what of the connection depends on it.
#[derive(Debug)]
pub struct Known {
    caller: Caller,
    /// It may read how the server is.
    pub is_operator: bool,
    /// Somebody else may stand behind the same connection.
    pub through_proxy: bool,
}

impl Known {
    /// Who calls.
    ///
    /// # Errors
    /// It may only read how the server is.
    pub fn caller(self) -> Result<Caller, Stranger> {
        match self.caller.how_known {
            HowKnown::Unknown | HowKnown::Person => Err(Stranger::Unknown),
            HowKnown::Bench | HowKnown::Certificate | HowKnown::Platform => Ok(self.caller),
        }
    }
}

/// Why there is no HTTP for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stranger {
    /// Nobody knows it.
    Unknown,
    /// Its certificate is not let in any more, or the one that is handed on is not.
    Certificate(&'static str),
    /// A header that says who it is cannot be read.
    Header(&'static str),
}

impl Stranger {
    /// The status and the fault.
    pub fn refusal(self) -> (StatusCode, Fault) {
        let (status, text) = match self {
            Self::Unknown => (StatusCode::FORBIDDEN, "anropande system är inte känt".to_owned()),
            Self::Certificate(_) => {
                (StatusCode::FORBIDDEN, "anropande systems certifikat godtas inte".to_owned())
            }
            Self::Header(name) => {
                (StatusCode::BAD_REQUEST, format!("HTTP-huvudet {name} kan inte läsas"))
            }
        };
        (status, Fault::client(text))
    }

    /// In a word, for the log and a metric.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Certificate(word) => word,
            Self::Header(_) => "header",
        }
    }
}

impl Callers {
    /// As configured.
    ///
    /// # Errors
    /// A file of certificates that cannot be used.
    pub fn new(trust: &Trust, profile: Profile, tls: Option<Arc<Tls>>) -> Result<Self, KeyError> {
        let ids = |of: &[ConfiguredId]| of.iter().map(|id| (**id).clone()).collect::<Vec<HsaId>>();
        let intermediates = trust.intermediates_file.as_deref().map(certificates).transpose()?;
        Ok(Self {
            profile,
            platforms: ids(&trust.platforms),
            proxies: ids(&trust.proxies),
            proxy_addresses: trust.proxy_addresses.clone(),
            operators: ids(&trust.operators),
            operator_addresses: trust.operator_addresses.clone(),
            forwarded: Forwarded::of(trust),
            intermediates: intermediates.unwrap_or_default(),
            tls,
            verified: Verified::default(),
            ignored: AtomicU64::new(0),
        })
    }

    /// What is trusted over TLS.
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
    }

    /// Times that a header named a consumer of whom its sender is not believed.
    pub fn ignored(&self) -> u64 {
        self.ignored.load(Ordering::Relaxed)
    }

    /// Who sends a request.
    ///
    /// # Errors
    /// Why there is no HTTP for it.
    pub fn known(
        &self,
        headers: &HeaderMap,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<Known, Stranger> {
        let peer = connection.peer();
        let Some(certificate) = connection.certificate() else {
            return self.known_without_tls(headers, peer, now);
        };
        let tls = self.tls.as_deref().ok_or(Stranger::Unknown)?;
        let still = certificate.is_still_let_in(tls, now);
        still.map_err(|error| Stranger::Certificate(word(&error)))?;
        let system = &certificate.subject.hsa_id;
        if self.proxies.contains(system) {
            return self.handed_on(headers, now);
        }
        self.system(headers, system.clone())
    }

    fn known_without_tls(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<Known, Stranger> {
        let peer = peer.to_canonical();
        if self.proxy_addresses.contains(&peer) && self.forwarded.is_some() {
            return self.handed_on(headers, now);
        }
        let is_handed_on = headers.keys().any(|name| {
            name.as_str().starts_with("x-forwarded") || HANDED_ON.contains(&name.as_str())
        });
        let is_here = peer.is_loopback() && !is_handed_on;
        let is_bench = self.profile == Profile::Bench && is_here;
        let is_operator = is_bench || !is_handed_on && self.operator_addresses.contains(&peer);
        let caller = match is_bench {
            true => Caller {
                consumer: consumer(headers)?,
                peer: None,
                how_known: HowKnown::Bench,
                on_behalf_of: id(headers, ON_BEHALF_OF, ID_CHARS_MAX)?,
            },
            // Who only reads how the server is calls no contract.
            false if is_operator => Caller::default(),
            false => return Err(Stranger::Unknown),
        };
        Ok(Known { caller, is_operator, through_proxy: false })
    }

    /// By the certificate that a proxy hands on.
    fn handed_on(&self, headers: &HeaderMap, now: Timestamp) -> Result<Known, Stranger> {
        let forwarded = self.forwarded.as_ref().ok_or(Stranger::Unknown)?;
        let tls = self.tls.as_deref().ok_or(Stranger::Unknown)?;
        let wrong = Stranger::Header("med certifikat");
        let value = single(headers, forwarded.header()).map_err(|Unreadable| wrong)?;
        let value = value.ok_or(Stranger::Unknown)?;
        let snapshot = tls.current();
        let verified = self.verified.system(value, snapshot.generation, now);
        let system = if let Some(system) = verified {
            system
        } else {
            let mut chain = forwarded.chain(value).ok_or(wrong)?;
            chain.extend(self.intermediates.iter().cloned());
            let let_in = snapshot.known(&chain, now);
            let let_in = let_in.map_err(|error| Stranger::Certificate(word(&error)))?;
            let system = let_in.subject.hsa_id.clone();
            self.verified.keep(value, snapshot.generation, let_in);
            system
        };
        let known = self.system(headers, system)?;
        Ok(Known { through_proxy: true, ..known })
    }

    /// By its certificate: for itself, or, a platform, for others.
    fn system(&self, headers: &HeaderMap, system: HsaId) -> Result<Known, Stranger> {
        let named = consumer(headers)?;
        let is_platform = self.platforms.contains(&system);
        if !is_platform && named.as_ref().is_some_and(|named| *named != system) {
            self.ignored.fetch_add(1, Ordering::Relaxed);
        }
        let is_operator = self.operators.contains(&system);
        let (consumer, how_known) = match named {
            Some(named) if is_platform => (named, HowKnown::Platform),
            _ => (system.clone(), HowKnown::Certificate),
        };
        let on_behalf_of = id(headers, ON_BEHALF_OF, ID_CHARS_MAX)?;
        let caller =
            Caller { consumer: Some(consumer), peer: Some(system), how_known, on_behalf_of };
        Ok(Known { caller, is_operator, through_proxy: false })
    }
}

fn consumer(headers: &HeaderMap) -> Result<Option<HsaId>, Stranger> {
    id(headers, ORIGINAL_CONSUMER, CONSUMER_CHARS_MAX)
}

/// The id of a header, of visible ASCII; none is none, and so is an empty one.
fn id(headers: &HeaderMap, name: &'static str, most: usize) -> Result<Option<HsaId>, Stranger> {
    let wrong = Stranger::Header(name);
    let Some(text) = single(headers, name).map_err(|Unreadable| wrong)? else { return Ok(None) };
    match text.len() <= most && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(HsaId::new(text)),
        false => Err(wrong),
    }
}

/// A header comes twice, or is no text.
struct Unreadable;

/// The one value of a header.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Unreadable> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => std::str::from_utf8(value.as_bytes())
            .map(|text| Some(text.trim()))
            .map_err(|_| Unreadable),
        (Some(_), Some(_)) => Err(Unreadable),
    }
}
