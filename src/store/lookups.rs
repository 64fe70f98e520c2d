//! Look-ups that wait together are asked together.
//!
//! A look-up that finds a connection free is asked at once and alone. While all are busy, those that
//! come wait in a queue; whoever is done hands its connection to the first of them, which asks for
//! all. What a look-up found is read by its own caller. One that fails with others is asked again
//! alone: nobody suffers for another's question, and who gives up takes nobody with it.

use super::error::StoreError;
use super::readers::{ACQUIRE_TIMEOUT, Tries};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{FromRow, PgPool, Postgres};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Look-ups that are asked together at the most. A patient's rows cost the database half as much
/// with four as alone, and little less with more; a longer answer keeps its first caller waiting.
const TOGETHER_MAX: usize = 16;
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
#[derive(Debug)]
pub(super) struct LookUps<Q> {
    pool: PgPool,
    state: Arc<Mutex<LookUpQueue<Q>>>,
}

#[derive(Debug)]
struct LookUpQueue<Q> {
    /// Connections that may be used at one time and are not.
    free: usize,
    /// Connections that have just shown that they work.
    idle: Vec<PoolConnection<Postgres>>,
    waiting: VecDeque<QueuedLookUp<Q>>,
}

#[derive(Debug)]
struct QueuedLookUp<Q> {
    question: Q,
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

/// The right to use a connection; goes to the first that waits when it is dropped.
#[derive(Debug)]
struct AskTurn<Q> {
    /// Gone when the right has been handed on.
    state: Option<Arc<Mutex<LookUpQueue<Q>>>>,
}

impl<Q> Drop for AskTurn<Q> {
    fn drop(&mut self) {
        let Some(state) = self.state.take() else { return };
        loop {
            let next = {
                let mut state = lock(&state);
                let next = state.waiting.pop_front();
                if next.is_none() {
                    state.free += 1;
                    return;
                }
                next
            };
            let Some(next) = next else { return };
            match next.told.send(Told::Ask(Self { state: Some(Arc::clone(&state)) })) {
                Ok(()) => return,
                // It has gone away: the right comes back, and goes to the next.
                Err(Told::Ask(mut turn)) => turn.state = None,
                Err(Told::Found(_)) => {}
            }
        }
    }
}

impl<Q: Clone + Send> LookUps<Q> {
    /// Over so many connections of a pool that nobody else uses.
    pub fn new(pool: PgPool, count: usize) -> Self {
        let state = LookUpQueue { free: count, idle: Vec::new(), waiting: VecDeque::new() };
        Self { pool, state: Arc::new(Mutex::new(state)) }
    }

    /// The rows of a question. `query` asks several; each row tells in the column `asked` to which
    /// of them it belongs, and the rows of one follow each other.
    ///
    /// # Errors
    /// The driver's, or that no turn is to be had.
    pub async fn ask(
        &self,
        question: Q,
        query: impl for<'q> Fn(&'q [Q]) -> Query<'q, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let mut alone = false;
        loop {
            let turn = match self.turn_or_queue(&question) {
                Ok(turn) => turn,
                Err(told) => match timeout(ACQUIRE_TIMEOUT, told).await {
                    Ok(Ok(Told::Found(rows))) => return Ok(rows),
                    Ok(Ok(Told::Ask(turn))) => turn,
                    // Whoever asked for us failed, or was given up.
                    Ok(Err(_)) => {
                        alone = true;
                        continue;
                    }
                    Err(_) => return Err(sqlx::Error::PoolTimedOut.into()),
                },
            };
            let others = if alone { Vec::new() } else { self.others() };
            let mut questions = vec![question.clone()];
            let tell: Vec<_> = others
                .into_iter()
                .map(|waiting| {
                    questions.push(waiting.question);
                    waiting.told
                })
                .collect();
            let found = self.fetch(&questions, &query).await;
            drop(turn);
            match found {
                Ok(rows) => return share_out(rows, tell),
                Err(error) if tell.is_empty() => return Err(error),
                Err(_) => alone = true,
            }
        }
    }

    /// Closes its connections when their work is done.
    pub async fn close(&self) {
        lock(&self.state).idle.clear();
        self.pool.close().await;
    }

    fn turn_or_queue(&self, question: &Q) -> Result<AskTurn<Q>, oneshot::Receiver<Told<Q>>> {
        let mut state = lock(&self.state);
        if state.free > 0 {
            state.free -= 1;
            return Ok(AskTurn { state: Some(Arc::clone(&self.state)) });
        }
        let (told, answer) = oneshot::channel();
        state.waiting.push_back(QueuedLookUp { question: question.clone(), told });
        Err(answer)
    }

    /// Those that can be asked for together with one's own.
    fn others(&self) -> Vec<QueuedLookUp<Q>> {
        let mut state = lock(&self.state);
        let mut others = Vec::new();
        while others.len() + 1 < TOGETHER_MAX
            && let Some(next) = state.waiting.pop_front()
        {
            if !next.told.is_closed() {
                others.push(next);
            }
        }
        others
    }

    async fn fetch(
        &self,
        questions: &[Q],
        query: &impl for<'q> Fn(&'q [Q]) -> Query<'q, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let mut tries = Tries::with(&self.pool);
        loop {
            let idle = lock(&self.state).idle.pop();
            let mut connection = match idle {
                Some(connection) => connection,
                None => self.pool.acquire().await?,
            };
            match query(questions).fetch_all(&mut *connection).await {
                Ok(rows) => {
                    lock(&self.state).idle.push(connection);
                    return Ok(rows);
                }
                Err(error) => tries.again(error.into())?,
            }
        }
    }
}

/// One's own rows; the others get theirs.
fn share_out<Q>(
    rows: Vec<PgRow>,
    others: Vec<oneshot::Sender<Told<Q>>>,
) -> Result<Vec<PgRow>, StoreError> {
    if others.is_empty() {
        return Ok(rows);
    }
    let mut found: Vec<Vec<PgRow>> = (0..=others.len()).map(|_| Vec::new()).collect();
    for row in rows {
        let AskedRow { asked } = AskedRow::from_row(&row)?;
        let place = usize::try_from(asked - 1).ok();
        if let Some(own) = place.and_then(|place| found.get_mut(place)) {
            own.push(row);
        }
    }
    let mut found = found.into_iter();
    let own = found.next().unwrap_or_default();
    for (told, rows) in others.into_iter().zip(found) {
        // Who has gone away needs no answer.
        _ = told.send(Told::Found(rows));
    }
    Ok(own)
}

fn lock<Q>(state: &Mutex<LookUpQueue<Q>>) -> std::sync::MutexGuard<'_, LookUpQueue<Q>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
