//! `sigill log judge`: what the registers tell of the ground of every access in a period.

use crate::app;
use crate::clock::Clock;
use crate::commands::error::CommandError;
use crate::commands::settings::{Settings, tenant_named};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::review::lawfulness::RULES;
use crate::domain::review::verdict::{AccessVerdict, Remark, VerdictClass};
use crate::procedures::judging::{JudgedPeriod, complete_from, judge};
use crate::procedures::people::extracts::bounds;
use crate::store::log::accesses::AccessRow;
use chrono::{NaiveDate, SecondsFormat};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Say, for every access to patients' information in a period, what the registers tell of its ground (rules V1 to V15).
#[derive(Debug, clap::Args)]
pub struct JudgeCommand {
    #[command(flatten)]
    settings: Settings,
    /// Whose log.
    #[arg(long, default_value = "default")]
    tenant: String,
    /// The first Swedish day.
    #[arg(long)]
    from: NaiveDate,
    /// The last one.
    #[arg(long)]
    to: NaiveDate,
    /// Where to write those that are not plainly in order (CSV: record id, time, class, remarks); nobody is named in it.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// The file of accesses that are not plainly in order.
struct Doubtful {
    file: Option<BufWriter<File>>,
    failed: Option<std::io::Error>,
}

impl Doubtful {
    fn new(path: Option<&Path>) -> Result<Self, CommandError> {
        let file = path.map(File::create).transpose()?;
        Ok(Self { file: file.map(BufWriter::new), failed: None })
    }

    fn add(&mut self, row: &AccessRow, verdict: &AccessVerdict) {
        let Some(file) = self.file.as_mut().filter(|_| verdict.class <= VerdictClass::Undecided)
        else {
            return;
        };
        let at = row.activity_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let remarks: Vec<String> = verdict.remarks.iter().map(Remark::to_string).collect();
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let (id, remarks) = (quoted(&row.log_id), quoted(&remarks.join("; ")));
        let done = writeln!(file, "{id},{at},{},{remarks}", verdict.class.name());
        self.failed = self.failed.take().or(done.err());
    }

    fn finish(self) -> Result<(), std::io::Error> {
        match (self.failed, self.file) {
            (Some(error), _) => Err(error),
            (None, Some(mut file)) => file.flush(),
            (None, None) => Ok(()),
        }
    }
}

impl JudgeCommand {
    /// Judges; always `true`: a verdict is no fault of the log.
    ///
    /// # Errors
    /// The store's; that the file cannot be written.
    pub async fn run(self) -> Result<bool, CommandError> {
        if self.to < self.from {
            return Err(CommandError::Request("--to is before --from"));
        }
        let config = self.settings.load()?;
        let store = app::store_of_running(&config).await?;
        let tenant = tenant_named(&store, &self.tenant).await?;
        let own = config.tenant.iter().find(|own| own.name == self.tenant);
        let held: BTreeSet<String> =
            own.iter().flat_map(|own| &own.care_providers).map(|id| id.key()).collect();
        let holds = |provider: &HsaId| held.is_empty() || held.contains(&provider.key());
        let retention = app::retention::policy(&config);
        let years = retention.blocks.years.min(retention.assertions.years);
        let period = JudgedPeriod {
            tenant,
            interval: bounds(self.from, self.to),
            complete_from: complete_from(&store, tenant, years, Clock::System.now()).await?,
            holds_blocks_of: &holds,
        };
        let mut list = Doubtful::new(self.out.as_deref())?;
        let begun = Clock::System.now();
        let tell = |row: &AccessRow, _: &PatientId, verdict: &AccessVerdict| list.add(row, verdict);
        let counts = judge(&store, &period, tell, |done| eprint!("\r{done} accesses")).await?;
        eprintln!();
        list.finish()?;
        let posts: u64 = counts.posts.values().sum();
        let seconds = (Clock::System.now() - begun).as_seconds_f64();
        println!(
            "{posts} posts, {} accesses, rules version {RULES}, {seconds:.1} s",
            counts.accesses
        );
        for class in VerdictClass::ALL {
            let count = counts.posts.get(&class).copied().unwrap_or_default();
            println!("{:<14} {count:>12}  {}", class.name(), class.words());
        }
        store.close().await;
        Ok(true)
    }
}
