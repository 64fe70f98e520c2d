//! `sigill hold`: legal holds, which keep what retention would remove.

use super::error::CommandError;
use super::settings::{Settings, tenant_named};
use crate::app::{seal_of_running, store_of_running};
use crate::clock::Clock;
use crate::domain::identity::{HsaId, patient_key};
use crate::domain::retention::Hold;

/// Legal holds: what must not be removed, however old.
#[derive(Debug, clap::Subcommand)]
pub enum HoldCommand {
    /// Keep a patient's data, a care provider's, or one patient's at one care provider.
    Place {
        #[command(flatten)]
        settings: Settings,
        /// The tenant's name.
        #[arg(long, default_value = "default")]
        tenant: String,
        /// A patient: root and extension are read from standard input, on a line each, so that
        /// they stand in no list of processes or commands.
        #[arg(long)]
        patient: bool,
        /// A care provider (HSA-id).
        #[arg(long)]
        care_provider: Option<String>,
        /// Which case it is about; without personal data.
        #[arg(long)]
        reason: String,
    },
    /// End a hold.
    Lift {
        #[command(flatten)]
        settings: Settings,
        /// Its number.
        number: i64,
    },
    /// List the holds in force.
    List {
        #[command(flatten)]
        settings: Settings,
    },
}

impl HoldCommand {
    /// Places, lifts or lists; `false` when none of the number is in force.
    ///
    /// # Errors
    /// What it names is nothing, or the store's.
    pub async fn run(self) -> Result<bool, CommandError> {
        match self {
            Self::Place { settings, tenant, patient, care_provider, reason } => {
                let hold = hold_on(patient, care_provider.as_deref())?;
                if reason.trim().is_empty() || reason.contains(char::is_control) {
                    return Err(CommandError::Request(
                        "the reason is blank, or more than one line",
                    ));
                }
                let store = seal_of_running(&settings.load()?).await?.store;
                let tenant = tenant_named(&store, &tenant).await?;
                let now = Clock::System.now();
                println!("hold {}", store.place_hold(tenant, &hold, &reason, now).await?);
                store.close().await;
                Ok(true)
            }
            Self::Lift { settings, number } => {
                let store = seal_of_running(&settings.load()?).await?.store;
                let lifted = store.lift_hold(number, Clock::System.now()).await?;
                store.close().await;
                if !lifted {
                    eprintln!("there is no hold {number} in force");
                }
                Ok(lifted)
            }
            Self::List { settings } => list(settings).await,
        }
    }
}

fn hold_on(patient: bool, care_provider: Option<&str>) -> Result<Hold, CommandError> {
    let refused = CommandError::Request;
    let patient = if patient {
        let mut lines = std::io::stdin().lines();
        let mut next = || lines.next().unwrap_or_else(|| Ok(String::new()));
        let (root, extension) = (next()?, next()?);
        let key = patient_key(&root, &extension);
        Some(key.map_err(|_| refused("the patient's identity names nobody"))?)
    } else {
        None
    };
    let provider = care_provider
        .map(|id| HsaId::new(id).ok_or(refused("the care provider's id is blank")))
        .transpose()?;
    let hold = Hold { patient, care_provider: provider.map(|id| id.key()) };
    match hold.patient.is_none() && hold.care_provider.is_none() {
        true => Err(refused("a hold names a patient, a care provider, or both")),
        false => Ok(hold),
    }
}

/// Patients are not named: the reason should say which case it is about.
async fn list(settings: Settings) -> Result<bool, CommandError> {
    let store = store_of_running(&settings.load()?).await?;
    for held in store.holds().await? {
        let patient = held.hold.patient.as_ref().map_or("every patient", |_| "one patient");
        println!(
            "{} {}: {patient}, {}, since {}: {}",
            held.number,
            held.tenant,
            held.hold.care_provider.as_deref().unwrap_or("every care provider"),
            held.placed_at.format("%Y-%m-%d"),
            held.reason,
        );
    }
    store.close().await;
    Ok(true)
}
