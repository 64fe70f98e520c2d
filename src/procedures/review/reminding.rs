//! Reminders of reviews, told in the pages and, without identities, to another system or a program (R16).

use crate::domain::review::calendar::{ReminderStep, ReviewMonth, reminder};
use crate::domain::time::{Timestamp, local};
use crate::peers::connection::CallError;
use crate::procedures::failure::StoreError;
use crate::procedures::people::on_duty::People;
use crate::procedures::tenants::Tenant;
use crate::store::review::reminders::{ReminderBecame, ReminderRow};
use chrono::TimeDelta;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// How long a program may take.
const PROGRAM_TIME: Duration = Duration::from_secs(30);
/// How long a round tells reminders.
const ROUND: TimeDelta = TimeDelta::seconds(30);

impl People {
    /// Keeps what is to be reminded of on this day.
    ///
    /// # Errors
    /// The store's.
    pub async fn remind(&self, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
        let (store, today) = (&self.services.store, local(now).date());
        for due_on in store.due_days(tenant.id).await? {
            let step = reminder(due_on, today);
            store.remind(tenant.id, (due_on, step.name()), now).await?;
        }
        Ok(())
    }

    /// Tells reminders outside the pages, where that is configured; what is not taken is told again.
    ///
    /// # Errors
    /// The store's.
    pub async fn tell_reminders(&self, tenant: &Tenant, now: Timestamp) -> Result<(), StoreError> {
        let review = &self.review;
        if review.notices.is_none() && review.command.is_empty() {
            return Ok(());
        }
        let store = &self.services.store;
        let begun = self.clock.now();
        for row in store.untold_reminders(tenant.id, now).await? {
            let of = (row.review_number, row.step.as_str());
            match self.tell(&row, &tenant.name, now).await? {
                Ok(()) => store.reminder_became(of, ReminderBecame::Told, now).await?,
                Err(error) => {
                    tracing::warn!(%error, review = row.review_number, "a reminder is not taken: it is told again");
                    if !error.is_of_this_one() {
                        break;
                    }
                    store.reminder_became(of, ReminderBecame::Refused, now).await?;
                }
            }
            // The round has more to do; the next one goes on.
            if self.clock.now() - begun > ROUND {
                break;
            }
        }
        Ok(())
    }

    /// Tells a reminder to whom it has not been told yet.
    async fn tell(
        &self,
        row: &ReminderRow,
        tenant: &str,
        now: Timestamp,
    ) -> Result<Result<(), NotTold>, StoreError> {
        let (review, json) = (&self.review, told(row, tenant));
        if let Some(service) = review.notices.as_ref().filter(|_| !row.is_webhook_told) {
            if let Err(error) = service.tell(json.clone()).await {
                return Ok(Err(error.into()));
            }
            if !review.command.is_empty() {
                let of = (row.review_number, row.step.as_str());
                let store = &self.services.store;
                store.reminder_became(of, ReminderBecame::TakenByWebhook, now).await?;
            }
        }
        match review.command.is_empty() {
            true => Ok(Ok(())),
            false => Ok(run(&review.command, &json).await.map_err(NotTold::from)),
        }
    }
}

/// Why a reminder was not told.
#[derive(Debug, thiserror::Error)]
enum NotTold {
    #[error("the webhook: {0}")]
    Webhook(#[from] CallError),
    #[error("the program: {0}")]
    Program(#[from] std::io::Error),
}

impl NotTold {
    /// Whether others may be taken: it was refused, while something that cannot be reached or is slow costs time each time.
    fn is_of_this_one(&self) -> bool {
        match self {
            Self::Webhook(error) => matches!(error, CallError::Status(_)),
            Self::Program(error) => error.kind() == std::io::ErrorKind::Other,
        }
    }
}

/// What is told: which review of which unit, when it is due, and which roles are reminded. Nobody is named.
fn told(row: &ReminderRow, tenant: &str) -> String {
    let step = ReminderStep::ALL.into_iter().find(|step| step.name() == row.step);
    let roles = step.map_or(&[][..], ReminderStep::to);
    serde_json::json!({
        "kind": "review-reminder",
        "tenant": tenant,
        "review": row.review_number,
        "review_kind": row.kind,
        "step": row.step,
        "unit": row.unit_id,
        "month": ReviewMonth::of(row.month).text(),
        "due": row.due_on.to_string(),
        "to": roles,
    })
    .to_string()
}

async fn run(command: &[String], json: &str) -> std::io::Result<()> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let told = async {
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(json.as_bytes()).await?;
        }
        child.wait().await
    };
    let status = timeout(PROGRAM_TIME, told).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
    match status.success() {
        true => Ok(()),
        false => Err(std::io::Error::other(status.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r16_a_reminder_names_a_unit_and_roles_and_nobody() {
        let row = ReminderRow {
            review_number: 7,
            step: "due".into(),
            unit_id: "SE1-U1".into(),
            month: "2026-11-01".parse().unwrap(),
            due_on: "2026-11-09".parse().unwrap(),
            kind: "systematic".into(),
            is_webhook_told: false,
        };
        let json: serde_json::Value = serde_json::from_str(&told(&row, "demo")).unwrap();
        assert_eq!(json["to"], serde_json::json!(["reviewer", "deputy"]));
        assert_eq!(
            (json["month"].as_str(), json["due"].as_str()),
            (Some("2026-11"), Some("2026-11-09"))
        );
        assert_eq!(json.as_object().unwrap().len(), 9);
    }

    #[tokio::test]
    async fn a_program_is_given_the_reminder_and_may_fail() {
        let file = std::env::temp_dir().join(format!("sigill-reminder-{}", std::process::id()));
        let words = |text: &[&str]| text.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let tee = words(&["tee", file.to_str().unwrap()]);
        run(&tee, "{\"a\":1}").await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{\"a\":1}");
        std::fs::remove_file(&file).unwrap();
        assert!(run(&words(&["false"]), "{}").await.is_err());
        assert!(run(&words(&["/no/such/program"]), "{}").await.is_err());
    }
}
