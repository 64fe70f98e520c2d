//! `sigill serve`: the server.

use super::error::CommandError;
use super::settings::Settings;
use super::stub::dev_trust;
use crate::app;
use crate::clock::Clock;
use crate::config::file::Config;
use crate::config::trust::{Profile, Trust};
use crate::config::values::ConfiguredId;
use crate::domain::trust::grant::GrantTerms;
use crate::telemetry;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Serve the contracts.
#[derive(Debug, clap::Args)]
pub struct ServeCommand {
    #[command(flatten)]
    settings: Settings,
    /// Address and port to listen on; default 127.0.0.1:8080.
    #[arg(long)]
    http: Option<SocketAddr>,
    /// The same for TLS; default: none.
    #[arg(long)]
    https: Option<SocketAddr>,
    /// Let systems in over TLS with certificates for tests, of this folder or one in the data folder, which are made where
    /// they are not there: for a test bench only.
    #[arg(long, num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "how an option is read that may have a value")]
    dev_pki: Option<Option<PathBuf>>,
    /// Address and port of the pages for people; default on a test bench: the port after that of calls.
    #[arg(long)]
    admin: Option<SocketAddr>,
    /// Fill an empty tenant with a made-up region and let everybody log in as anybody of it: on a test bench only.
    #[arg(long)]
    demo: bool,
}

impl ServeCommand {
    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// What kept it from starting or from stopping cleanly.
    pub async fn run(self) -> Result<bool, CommandError> {
        let mut config = self.settings.load()?;
        config.http.listen = self.http.unwrap_or(config.http.listen);
        config.http.https_listen = self.https.or(config.http.https_listen);
        pages(&mut config, self.admin, self.demo)?;
        if let Some(folder) = self.dev_pki {
            bench_with_certificates(&mut config, folder)?;
        }
        config.check_listeners()?;
        let log = telemetry::start();
        Box::pin(app::serve(config, Clock::System, log.dropped())).await?;
        Ok(true)
    }
}

/// Where the pages are: a test bench has them without being told.
fn pages(config: &mut Config, listen: Option<SocketAddr>, demo: bool) -> Result<(), CommandError> {
    let is_bench = config.profile() == Profile::Bench && config.path.is_none();
    config.admin.listen = listen.or(config.admin.listen);
    if is_bench {
        let at = config.http.listen;
        let port = if at.port() == 0 { 0 } else { at.port().checked_add(1).unwrap_or_default() };
        config.admin.listen.get_or_insert(SocketAddr::new(at.ip(), port));
        config.admin.test_login = true;
    }
    if demo && (config.profile() != Profile::Bench || !config.tenant.is_empty()) {
        return Err(CommandError::Request("--demo is for a test bench without tenants of its own"));
    }
    config.demo = demo;
    if demo {
        // A month of a whole care provider of the region has more than the default.
        config.log.report_records_max = config.log.report_records_max.max(DEMO_REPORT_RECORDS);
    }
    config.admin.test_login |= demo;
    match config.admin.wrong() {
        None => Ok(()),
        Some(_) => Err(CommandError::Request(
            "--admin: the pages are for loopback only, unless admin.certificate_file is set",
        )),
    }
}

/// Log records of a report in a demonstration.
const DEMO_REPORT_RECORDS: usize = 100_000;
/// The port over TLS is so far from the other: 8443 beside 8080.
const APART: u16 = 363;

/// A test bench that knows systems by their certificates: a platform and consumers, one of which has a grant.
fn bench_with_certificates(
    config: &mut Config,
    folder: Option<PathBuf>,
) -> Result<(), CommandError> {
    let is_bench = config.profile() == Profile::Bench && config.trust.client_ca_file.is_none();
    if !is_bench {
        return Err(CommandError::Request(
            "--dev-pki is for a test bench without certificates of its own",
        ));
    }
    let folder = folder.unwrap_or_else(|| config.data.dir.join("dev-pki"));
    let trust = dev_trust(&folder, config.trust.clone())?;
    let at = config.http.listen;
    let port = if at.port() == 0 { 0 } else { at.port().checked_add(APART).unwrap_or_default() };
    config.http.https_listen.get_or_insert(SocketAddr::new(at.ip(), port));
    let platforms = ConfiguredId::new("TSTSIGILL-PLATFORM").into_iter().collect();
    config.trust = Trust { platforms, ..trust };
    config.bench_grants.push(GrantTerms {
        consumer: "TSTSIGILL-CONSUMER".into(),
        contracts: vec!["*".into()],
        tenant: Some(
            config.tenant.first().map_or(config.only_tenant(), |tenant| &tenant.name).to_owned(),
        ),
        care_providers: vec!["*".into()],
        via: vec!["*".into()],
        ..GrantTerms::default()
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bench_grants_its_one_tenant_to_its_one_system() {
        let folder = std::env::temp_dir().join(format!("sigill-bench-{}", std::process::id()));
        for (demo, tenant) in [(false, "default"), (true, "demo")] {
            let mut config = Config::default();
            pages(&mut config, None, demo).unwrap();
            bench_with_certificates(&mut config, Some(folder.clone())).unwrap();
            let granted = config.bench_grants.iter().map(|terms| terms.tenant.as_deref());
            assert_eq!(granted.collect::<Vec<_>>(), [Some(tenant)]);
            assert!(config.may_have_tenant(tenant) && !config.may_have_tenant("other"));
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
