//! Look-ups that wait together are asked together.
//!
//! A look-up that finds the connection free is asked at once and alone. While it is busy, those that
//! come wait in a queue, in turns by address; whoever is done hands the connection to the first of
//! them, which asks for all. Who waits longer than most take uses one of the connections in reserve.
//! What a look-up found is read by its own caller. One that fails with others is asked again alone:
//! nobody suffers for another's question, and who gives up takes nobody with it.
//!
//! A statement finds `LIGHT_ROWS_MAX` rows of each question at the most, and one more that tells of
//! others: what is more is read at length (`super::long_reads`), in nobody's way.

use super::error::StoreError;
use super::readers::{ACQUIRE_TIMEOUT, Tries};
use crate::fairness::address::Address;
use crate::fairness::queue::{FairQueue, Standing};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{FromRow, PgPool, Postgres};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// Look-ups that are asked together at the most. A patient's rows cost the database less than half as
/// much with eight as alone, and little less with more; a longer answer keeps its first caller waiting.
const TOGETHER_MAX: usize = 8;
/// Rows that a look-up finds at the most, but for one that tells that there are more.
pub(super) const LIGHT_ROWS_MAX: usize = 100;
/// Most look-ups take less.
const PATIENCE: Duration = Duration::from_millis(2);
/// Whose a row is: the place of its question, from 1.
#[derive(FromRow)]
struct AskedRow {
    asked: i64,
}

/// Whose blocks are asked for.
#[derive(Debug, Clone)]
pub(super) struct PatientOf {
    pub tenant: i32,
    pub patient: String,
}

/// Whose assertions at which care provider are asked for.
#[derive(Debug, Clone)]
pub(super) struct PatientAt {
    pub tenant: i32,
    pub patient: String,
    pub provider: String,
}

/// Look-ups of one kind.
#[derive(Debug, Clone)]
pub(super) struct LookUps<Q> {
    pool: PgPool,
    state: Arc<Mutex<LookUpQueue<Q>>>,
}

#[derive(Debug)]
struct LookUpQueue<Q> {
    /// Nobody has the first connection.
    is_free: bool,
    /// Others, for those who have waited for long.
    reserve: usize,
    /// Connections that have just shown that they work.
    idle: Vec<PoolConnection<Postgres>>,
    waiting: FairQueue<QueuedLookUp<Q>>,
}

#[derive(Debug)]
struct QueuedLookUp<Q> {
    question: Q,
    /// It is not to be asked with others.
    alone: bool,
    since: Instant,
    told: oneshot::Sender<Told<Q>>,
}

/// What somebody who waited is told.
#[derive(Debug)]
enum Told<Q> {
    /// What was found.
    Found(Vec<PgRow>),
    /// It is its turn to ask.
    Ask(AskTurn<Q>),
}

/// The right to use a connection; that to the first goes to whoever waits when it is dropped.
#[derive(Debug)]
struct AskTurn<Q> {
    /// Gone when the right has been handed on.
    state: Option<Arc<Mutex<LookUpQueue<Q>>>>,
    /// It is one in reserve.
    is_extra: bool,
}

impl<Q> Drop for AskTurn<Q> {
    fn drop(&mut self) {
        let Some(state) = self.state.take() else { return };
        loop {
            let Some(next) = lock(&state).next(self.is_extra) else { return };
            let turn = Self { state: Some(Arc::clone(&state)), is_extra: self.is_extra };
            match next.told.send(Told::Ask(turn)) {
                Ok(()) => return,
                // It has gone away: the right comes back, and goes to the next.
                Err(Told::Ask(mut turn)) => turn.state = None,
                Err(Told::Found(_)) => {}
            }
        }
    }
}

impl<Q> LookUpQueue<Q> {
    /// Who uses a connection next; if nobody does, it is free.
    fn next(&mut self, is_extra: bool) -> Option<QueuedLookUp<Q>> {
        let next =
            self.waiting.take_next(|_, next| match is_extra && next.since.elapsed() < PATIENCE {
                true => Standing::Stop,
                false => Standing::Take,
            });
        match (&next, is_extra) {
            (Some(_), _) => {}
            (None, true) => self.reserve += 1,
            (None, false) => self.is_free = true,
        }
        next.map(|(_, next)| next)
    }
}

/// Makes the statement that asks some questions. Where there are several, each row tells in the column
/// `asked` to which of them it belongs, from 1; the rows of one follow each other.
pub(super) type Ask<Q> = for<'q> fn(&'q [Q]) -> Query<'q, Postgres, PgArguments>;

impl<Q: Clone + Send + Sync + 'static> LookUps<Q> {
    /// Over so many connections of a pool that nobody else uses.
    pub fn new(pool: PgPool, count: usize) -> Self {
        let reserve = count.saturating_sub(1);
        let (idle, waiting) = (Vec::new(), FairQueue::default());
        let state = LookUpQueue { is_free: true, reserve, idle, waiting };
        Self { pool, state: Arc::new(Mutex::new(state)) }
    }

    /// The rows of a question; those of a kind have one statement.
    ///
    /// # Errors
    /// The driver's, or that no turn is to be had.
    pub async fn ask(
        &self,
        asker: Address,
        question: Q,
        statement: Ask<Q>,
    ) -> Result<Vec<PgRow>, StoreError> {
        match timeout(ACQUIRE_TIMEOUT, self.turn_or_rows(asker, &question, false)).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(turn)) => self.ask_in(turn, (asker, question), statement).await,
            Err(_) => Err(sqlx::Error::PoolTimedOut.into()),
        }
    }

    /// Asks in one's turn, for all that wait.
    async fn ask_in(
        &self,
        turn: AskTurn<Q>,
        (asker, question): (Address, Q),
        statement: Ask<Q>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let others = self.others();
        if others.is_empty() {
            let rows = self.fetch(&[question], statement).await;
            drop(turn);
            return rows;
        }
        let (told, answer) = oneshot::channel();
        let mut questions = vec![question.clone()];
        let mut tell = vec![told];
        for other in others {
            questions.push(other.question);
            tell.push(other.told);
        }
        // Whoever gives up takes nobody with it.
        let asking = self.clone();
        tokio::spawn(async move {
            let found = asking.fetch(&questions, statement).await;
            drop(turn);
            // Who is told nothing asks again, alone.
            if let Ok(found) = found.and_then(|rows| shared_out(rows, tell.len())) {
                for (told, rows) in tell.into_iter().zip(found) {
                    _ = told.send(Told::Found(rows));
                }
            }
        });
        match answer.await {
            Ok(Told::Found(rows)) => Ok(rows),
            Ok(Told::Ask(_)) | Err(_) => self.ask_alone(asker, question, statement).await,
        }
    }

    /// Asks alone: with others it has failed, and not for its own sake perhaps.
    async fn ask_alone(
        &self,
        asker: Address,
        question: Q,
        statement: Ask<Q>,
    ) -> Result<Vec<PgRow>, StoreError> {
        match timeout(ACQUIRE_TIMEOUT, self.turn_or_rows(asker, &question, true)).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(turn)) => {
                let rows = self.fetch(&[question], statement).await;
                drop(turn);
                rows
            }
            Err(_) => Err(sqlx::Error::PoolTimedOut.into()),
        }
    }

    /// Closes its connections when their work is done.
    pub async fn close(&self) {
        lock(&self.state).idle.clear();
        self.pool.close().await;
    }

    /// What somebody else found for us, or our turn to ask.
    async fn turn_or_rows(
        &self,
        asker: Address,
        question: &Q,
        mut alone: bool,
    ) -> Result<Vec<PgRow>, AskTurn<Q>> {
        loop {
            let answer = {
                let mut state = lock(&self.state);
                if std::mem::take(&mut state.is_free) {
                    return Err(self.right(false));
                }
                let (told, answer) = oneshot::channel();
                let since = Instant::now();
                let waiting = QueuedLookUp { question: question.clone(), alone, since, told };
                match alone {
                    // It has waited before.
                    true => state.waiting.push_first(asker, waiting),
                    false => state.waiting.push(asker, waiting),
                }
                answer
            };
            let mut answer = pin!(answer);
            let told = match timeout(PATIENCE, &mut answer).await {
                Ok(told) => told,
                Err(_) if self.takes_reserve() => return Err(self.right(true)),
                Err(_) => answer.await,
            };
            match told {
                Ok(Told::Found(rows)) => return Ok(rows),
                Ok(Told::Ask(turn)) => return Err(turn),
                Err(_) => alone = true,
            }
        }
    }

    fn right(&self, is_extra: bool) -> AskTurn<Q> {
        AskTurn { state: Some(Arc::clone(&self.state)), is_extra }
    }

    /// Takes a connection in reserve, if there is one.
    fn takes_reserve(&self) -> bool {
        let mut state = lock(&self.state);
        let some = state.reserve > 0;
        state.reserve -= usize::from(some);
        some
    }

    /// Those that can be asked for together with one's own.
    fn others(&self) -> Vec<QueuedLookUp<Q>> {
        let mut state = lock(&self.state);
        let mut others = Vec::new();
        while others.len() + 1 < TOGETHER_MAX
            && let Some((asker, next)) = state.waiting.pop()
        {
            if next.alone {
                state.waiting.push_first(asker, next);
                break;
            }
            if !next.told.is_closed() {
                others.push(next);
            }
        }
        others
    }

    async fn fetch(&self, questions: &[Q], statement: Ask<Q>) -> Result<Vec<PgRow>, StoreError> {
        let mut tries = Tries::with(&self.pool);
        loop {
            let idle = lock(&self.state).idle.pop();
            let mut connection = match idle {
                Some(connection) => connection,
                None => self.pool.acquire().await?,
            };
            match statement(questions).fetch_all(&mut *connection).await {
                Ok(rows) => {
                    lock(&self.state).idle.push(connection);
                    return Ok(rows);
                }
                Err(error) => tries.again(error.into())?,
            }
        }
    }
}

/// The rows by question.
fn shared_out(rows: Vec<PgRow>, questions: usize) -> Result<Vec<Vec<PgRow>>, StoreError> {
    let mut found: Vec<Vec<PgRow>> = (0..questions).map(|_| Vec::new()).collect();
    for row in rows {
        let AskedRow { asked } = AskedRow::from_row(&row)?;
        let place = usize::try_from(asked).ok().and_then(|asked| asked.checked_sub(1));
        // A row of nobody's would be a block that is not seen.
        let Some(own) = place.and_then(|place| found.get_mut(place)) else {
            return Err(StoreError::Inconsistent {
                table: "look-up",
                row: asked,
                what: "a row of no question",
            });
        };
        own.push(row);
    }
    Ok(found)
}

fn lock<Q>(state: &Mutex<LookUpQueue<Q>>) -> std::sync::MutexGuard<'_, LookUpQueue<Q>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
