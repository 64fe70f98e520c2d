//! `sigill retention` and `sigill hold`: removing what is due, and keeping it.

use super::AppError;
use crate::config::Config;
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::retention::{Hold, Policy};
use crate::domain::time::{Clock, Timestamp};
use crate::store::TenantId;
use crate::workers::retention::{Retention, remove_due};

/// Retention as configured.
pub(super) fn configured(config: &Config) -> Retention {
    let period = &config.retention.consents;
    let own = period.care_provider.iter();
    let own = own.filter_map(|(id, own)| HsaId::new(id).map(|id| (id, own.years))).collect();
    Retention {
        assertions: Policy { years: period.years, own },
        batch_rows: config.retention.batch_rows,
    }
}

/// Says what is due now, or would be at another time.
///
/// # Errors
/// The store's.
pub async fn dry_run(config: &Config, at: Option<Timestamp>) -> Result<(), AppError> {
    let store = super::store_of_running(config).await?;
    let (retention, now) = (configured(config), at.unwrap_or_else(|| Clock::System.now()));
    for (tenant, name) in store.tenants().await? {
        for (kind, policy) in retention.kinds() {
            let due = store.due(kind, tenant, now, &policy.cutoffs(now)).await?;
            if due.is_empty() {
                println!("{name}: no {} is due", kind.name);
            }
            for due in due {
                println!(
                    "{name}: {} {} of {} due, the oldest invalid since {}, {} held",
                    due.count,
                    kind.name,
                    due.care_provider_id,
                    due.oldest_since.format("%Y-%m-%d"),
                    due.held,
                );
            }
        }
    }
    store.close().await;
    Ok(())
}

/// Removes what is due now.
///
/// # Errors
/// The store's.
pub async fn remove(config: &Config) -> Result<(), AppError> {
    let store = super::store_of_running(config).await?;
    for (kind, tenant, count) in
        remove_due(&store, &configured(config), Clock::System.now()).await?
    {
        println!("{tenant}: {count} {kind} removed");
    }
    store.close().await;
    Ok(())
}

/// What a hold is placed on, as it was asked for.
#[derive(Debug)]
pub struct HoldRequest {
    /// The tenant's name.
    pub tenant: String,
    /// A patient: root and extension.
    pub patient: Option<(String, String)>,
    /// A care provider.
    pub care_provider: Option<String>,
    /// Why.
    pub reason: String,
}

/// Places a legal hold; returns its number.
///
/// # Errors
/// The store's, an unknown tenant, or that it names nothing.
pub async fn place_hold(config: &Config, request: &HoldRequest) -> Result<i64, AppError> {
    let patient = request.patient.as_ref().map(|(root, extension)| {
        PatientId::new(root, extension).ok_or(AppError::Request("the patient's identity is blank"))
    });
    let provider = request
        .care_provider
        .as_ref()
        .map(|id| HsaId::new(id).ok_or(AppError::Request("the care provider's id is blank")));
    let hold = Hold {
        patient: patient.transpose()?.map(|id| id.key().to_owned()),
        care_provider: provider.transpose()?.map(|id| id.key()),
    };
    if hold.patient.is_none() && hold.care_provider.is_none() {
        return Err(AppError::Request("a hold names a patient, a care provider, or both"));
    }
    let store = super::store_of_running(config).await?;
    let tenant = tenant_named(&store.tenants().await?, &request.tenant)?;
    let number = store.place_hold(tenant, &hold, &request.reason, Clock::System.now()).await?;
    store.close().await;
    Ok(number)
}

/// The tenant of a name.
pub(super) fn tenant_named(
    tenants: &[(TenantId, String)],
    name: &str,
) -> Result<TenantId, AppError> {
    let found = tenants.iter().find(|(_, tenant)| tenant == name);
    found.map(|(id, _)| *id).ok_or(AppError::Request("there is no tenant of that name"))
}

/// Lifts a legal hold; `false` when none of that number is in force.
///
/// # Errors
/// The store's.
pub async fn lift_hold(config: &Config, number: i64) -> Result<bool, AppError> {
    let store = super::store_of_running(config).await?;
    let lifted = store.lift_hold(number, Clock::System.now()).await?;
    store.close().await;
    Ok(lifted)
}

/// Lists the legal holds in force. Patients are not named: the reason should say which case
/// it is about.
///
/// # Errors
/// The store's.
pub async fn list_holds(config: &Config) -> Result<(), AppError> {
    let store = super::store_of_running(config).await?;
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
    Ok(())
}
