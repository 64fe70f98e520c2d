//! The listeners, and who is believed behind each.

use super::error::AppError;
use super::{people, trust};
use crate::clock::Clock;
use crate::config::file::Config;
use crate::config::trust::Profile;
use crate::domain::time::Timestamp;
use crate::procedures::context::Services;
use crate::procedures::people::on_duty::SharedPeople;
use crate::wire::caller::Callers;
use crate::wire::endpoint::Endpoint;
use crate::wire::listener::{self, Serving};
use crate::wire::people::PeopleAnswers;
use crate::wire::tls::reload::{self, ReadSettings, Reloaded};
use crate::wire::tls::snapshot::Tls;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The listeners: connections wait until they are served.
pub(super) struct Listening {
    plain: TcpListener,
    encrypted: Option<TcpListener>,
    tls: Option<Arc<Tls>>,
    pages: Option<TcpListener>,
    pages_tls: Option<Arc<Tls>>,
    /// Waits from the beginning: a hang-up while the server starts ends nothing.
    hang_up: Signal,
}

impl Listening {
    /// Reads what is trusted, and begins to listen.
    pub(super) fn begin(config: &Config, now: Timestamp) -> Result<Self, AppError> {
        let bind = |address: SocketAddr| {
            listener::bind(address).map_err(|error| AppError::Listen(address, error))
        };
        Ok(Self {
            tls: trust::tls(config, now)?,
            plain: bind(config.http.listen)?,
            encrypted: config.http.https_listen.map(bind).transpose()?,
            pages: config.admin.listen.map(bind).transpose()?,
            pages_tls: people::tls(config, now)?,
            hang_up: signal(SignalKind::hangup()).map_err(AppError::Signals)?,
        })
    }

    /// Under which address people reach the pages.
    pub(super) fn pages_address(&self, config: &Config) -> String {
        if let Some(address) = &config.admin.base_address {
            return address.clone();
        }
        let at = self.pages.as_ref().and_then(|pages| pages.local_addr().ok());
        let scheme = if self.pages_tls.is_some() { "https" } else { "http" };
        at.map_or_else(String::new, |at| format!("{scheme}://{at}"))
    }

    /// Follows the files of trust and of settings; what serves is left.
    pub(super) fn follow(
        self,
        config: &Config,
        services: &Services,
        clock: &Clock,
        stop: &watch::Sender<bool>,
        working: &mut JoinSet<()>,
    ) -> Followed {
        let pages_at = self.pages_address(config);
        let Self { plain, encrypted, tls, pages, pages_tls, hang_up } = self;
        let (authorisation, bench_grants) =
            (services.authorisation.clone(), config.bench_grants.clone());
        let grants =
            move |path: &std::path::Path| trust::grants_again(path, &bench_grants, &authorisation);
        let followed = Reloaded {
            tls: tls.clone(),
            settings: config.path.clone().map(|path| (path, Box::new(grants) as ReadSettings)),
            clock: clock.clone(),
        };
        working.spawn(reload::follow(followed, hang_up, stop.subscribe()));
        let of_pages = pages_tls.clone().map(|tls| Reloaded {
            tls: Some(tls),
            settings: None,
            clock: clock.clone(),
        });
        if let (Some(followed), Ok(hang_up)) = (of_pages, signal(SignalKind::hangup())) {
            working.spawn(reload::follow(followed, hang_up, stop.subscribe()));
        }
        Followed { plain, encrypted, tls, pages: pages.map(|pages| (pages, pages_tls, pages_at)) }
    }
}

/// The listeners, whose files are followed.
pub(super) struct Followed {
    plain: TcpListener,
    encrypted: Option<TcpListener>,
    tls: Option<Arc<Tls>>,
    /// The pages: listener, TLS, the address under which people reach them.
    pages: Option<(TcpListener, Option<Arc<Tls>>, String)>,
}

impl Followed {
    /// Serves until it is to be drained, and then what is under way to its end.
    pub(super) fn serve(
        self,
        config: &Config,
        (services, people): (Services, SharedPeople),
        clock: &Clock,
        draining: watch::Receiver<bool>,
    ) -> Result<impl Future<Output = ()> + use<>, AppError> {
        let callers = Callers::new(&config.trust, config.profile(), self.tls.clone())?;
        let endpoint =
            Endpoint::new(services, Arc::new(callers), &config.limits, &config.http, clock.clone());
        let endpoint = Arc::new(endpoint.map_err(AppError::Threads)?);
        let serving = Serving::new(endpoint, &config.limits).map_err(AppError::Threads)?;
        let of_pages = self.pages.as_ref().map(|(_, tls, at)| {
            let site = people::site(config, people, at.clone());
            Arc::new(PeopleAnswers::new(site, tls.clone(), &config.limits, clock.clone()))
        });
        // Whoever looks at pages takes no place of who calls.
        let of_pages = of_pages.map(|pages| Serving::new(pages, &config.limits)).transpose();
        let of_pages = of_pages.map_err(AppError::Threads)?;
        self.say(config)?;
        let Self { plain, encrypted, tls, pages } = self;
        Ok(async move {
            let drained = |mut draining: watch::Receiver<bool>| async move {
                // A sender that is gone means to stop, as `true` does.
                _ = draining.wait_for(|drain| *drain).await;
            };
            let without = serving.accept(plain, None, drained(draining.clone()));
            let with = async {
                if let Some(encrypted) = encrypted {
                    serving.accept(encrypted, tls, drained(draining.clone())).await;
                }
            };
            let to_people = async {
                if let (Some((listener, tls, _)), Some(of_pages)) = (pages, &of_pages) {
                    of_pages.accept(listener, tls, drained(draining.clone())).await;
                }
            };
            tokio::join!(without, with, to_people);
            let pages_end = async {
                if let Some(of_pages) = of_pages {
                    of_pages.finish().await;
                }
            };
            tokio::join!(serving.finish(), pages_end);
        })
    }

    /// What an operator must know before the first call: a line for each listener, and every belief that is switched on.
    fn say(&self, config: &Config) -> Result<(), AppError> {
        let at = |listener: &TcpListener| {
            listener.local_addr().map_err(|e| AppError::Listen(config.http.listen, e))
        };
        let (plain, profile) = (at(&self.plain)?, config.profile());
        let trust = &config.trust;
        match profile {
            Profile::Bench => tracing::warn!(
                "TEST BENCH: whatever calls from this machine over plain HTTP may do everything, as whoever it says it is"
            ),
            Profile::Test | Profile::Production => {
                tracing::info!(profile = profile.name(), "nobody may do anything without a grant");
            }
        }
        for (what, systems) in [
            ("platforms: believed about whom they call for", &trust.platforms),
            ("trust_tak: their consumers need no grants", &trust.trust_tak),
            ("proxies: believed about the certificates that they hand on", &trust.proxies),
            ("operators: read /status and /metrics", &trust.operators),
        ] {
            if !systems.is_empty() {
                tracing::info!(?systems, "trust.{what}");
            }
        }
        for (what, addresses) in [
            (
                "proxy_addresses: believed about certificates over plain HTTP",
                &trust.proxy_addresses,
            ),
            (
                "operator_addresses: /status and /metrics are read from there",
                &trust.operator_addresses,
            ),
        ] {
            if !addresses.is_empty() {
                tracing::info!(?addresses, "trust.{what}");
            }
        }
        if self.tls.is_some() && trust.crl_dir.is_none() {
            tracing::warn!("trust.revocation = \"none\": revoked certificates are let in");
        }
        if let Some(encrypted) = &self.encrypted {
            let tls_address = format!("https://{}", at(encrypted)?);
            tracing::info!(tls_address, "serving systems with certificates");
        }
        if let Some((.., pages_address)) = &self.pages {
            if config.admin.test_login {
                tracing::warn!(
                    "TEST LOGIN: whoever reaches the pages may be anybody of the directory"
                );
            }
            tracing::info!(pages_address, "serving pages for people");
        }
        tracing::info!(address = %format!("http://{plain}"), "serving");
        Ok(())
    }
}
