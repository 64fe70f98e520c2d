//! Whether the database answers: on a connection of its own, which nobody else waits for.

use super::error::StoreError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long the question may take on one connection. Another is tried, because it may be the
/// connection that is dead.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// Whether the database answers, and takes changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// Neither.
    No,
    /// It answers, and takes no changes.
    ReadOnly,
    /// Both.
    Fully,
}

/// The question, asked once for all who wait for its answer.
#[derive(Debug)]
pub(super) struct Readiness {
    options: PgConnectOptions,
    state: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    connection: Option<PgConnection>,
    /// When it was last asked, and the answer.
    last: Option<(Instant, Answering)>,
}

impl Readiness {
    /// Nothing has been asked yet.
    pub fn over(options: PgConnectOptions) -> Self {
        Self { options, state: Mutex::default() }
    }

    /// What was found after this was called: by us, or by who asked before us.
    pub async fn ask(&self) -> Answering {
        let since = Instant::now();
        let mut state = self.state.lock().await;
        if let Some((at, answer)) = state.last
            && at >= since
        {
            return answer;
        }
        let at = Instant::now();
        let mut answer = Answering::No;
        for _ in 0..2 {
            let kept = state.connection.take();
            // A connection that does not answer is dropped, whatever hangs on it.
            if let Ok(Ok((found, connection))) = timeout(ASK_TIMEOUT, self.ask_on(kept)).await {
                (answer, state.connection) = (found, Some(connection));
                break;
            }
        }
        state.last = Some((at, answer));
        answer
    }

    async fn ask_on(
        &self,
        kept: Option<PgConnection>,
    ) -> Result<(Answering, PgConnection), StoreError> {
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        let takes_changes = sqlx::query_scalar(
            "/* answering */ select not pg_is_in_recovery()
                and current_setting('transaction_read_only') = 'off'",
        )
        .fetch_one(&mut connection)
        .await?;
        let answer = if takes_changes { Answering::Fully } else { Answering::ReadOnly };
        Ok((answer, connection))
    }

    /// Closes its connection.
    pub async fn close(&self) {
        if let Some(connection) = self.state.lock().await.connection.take() {
            _ = connection.close().await;
        }
    }
}
