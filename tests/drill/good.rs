//! The good caller: a system that asks about blocks and consents and stores log records, at a pace
//! that the server does not notice, and does nothing wrong.

use super::client::Client;
use super::messages;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Its address is 127.0.1.1; attackers have others.
const ADDRESS: u8 = 1;
const CONNECTIONS: usize = 4;
const PAUSE: Duration = Duration::from_millis(10);
/// Rows and records of a call.
const ROWS: usize = 10;

/// What it saw.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    times: Vec<Duration>,
    /// Calls that were not answered as they should be.
    pub refused: usize,
    /// How the last of them was answered.
    pub refusal: String,
    /// The longest that `/live` took.
    pub live: Duration,
}

#[derive(Default)]
struct Notes {
    seen: Seen,
    /// Ids of records that the server has promised to keep.
    acknowledged: BTreeSet<String>,
    last_answered: Option<Instant>,
}

pub struct Good {
    notes: Arc<Mutex<Notes>>,
    calling: Option<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Notes {
    /// Notes a call, and the ids of the records that it stores, where it does.
    fn note(
        &mut self,
        begun: Instant,
        answer: Option<String>,
        records: Option<Vec<(String, String)>>,
    ) {
        let answer = answer.unwrap_or_else(|| "nothing".into());
        // A record whose first answer broke off is told as stored already.
        let again = records.is_some() && answer.contains("identisk post");
        if answer.contains("resultCode>OK<") || again {
            self.seen.times.push(begun.elapsed());
            self.last_answered = Some(begun);
            self.acknowledged.extend(records.unwrap_or_default().into_iter().map(|(id, _)| id));
        } else {
            let told = answer.split("faultstring>").nth(1).unwrap_or(&answer);
            self.seen.refused += 1;
            self.seen.refusal = told.chars().take(120).collect();
        }
    }
}

impl Seen {
    fn looked(&mut self, took: Duration, answered: bool) {
        self.live = self.live.max(took);
        if !answered {
            self.refused += 1;
            self.refusal = "/live was not answered".into();
        }
    }

    pub fn calls(&self) -> usize {
        self.times.len()
    }

    /// The time that `percent` of the calls stayed under, in milliseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }
}

impl Good {
    pub fn start(server: &str) -> Self {
        let server: SocketAddr = server.parse().unwrap();
        let notes = Arc::new(Mutex::new(Notes::default()));
        let (stop, stopped) = watch::channel(false);
        let noted = Arc::clone(&notes);
        // On a thread of its own: what attackers do here is not to be felt by it.
        let calling = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let mut calling = JoinSet::new();
                for number in 0..CONNECTIONS {
                    calling.spawn(call(server, number, Arc::clone(&noted), stopped.clone()));
                }
                calling.spawn(look(server, noted, stopped));
                calling.join_all().await;
            });
        });
        Self { notes, calling: Some(calling), stop }
    }

    /// What it saw since the last time it was asked.
    pub fn lap(&mut self) -> Seen {
        std::mem::take(&mut self.notes.lock().unwrap().seen)
    }

    /// How long it takes until a call is answered that begins from now on.
    pub async fn recovers(&self) -> Option<Duration> {
        let since = Instant::now();
        while since.elapsed() < Duration::from_mins(1) {
            if self.notes.lock().unwrap().last_answered.is_some_and(|at| at > since) {
                return Some(since.elapsed());
            }
            sleep(PAUSE).await;
        }
        None
    }

    pub async fn end(&mut self) {
        self.stop.send(true).unwrap();
        if let Some(calling) = self.calling.take() {
            tokio::task::spawn_blocking(|| calling.join().unwrap()).await.unwrap();
        }
    }

    pub fn acknowledged(&self) -> Vec<String> {
        self.notes.lock().unwrap().acknowledged.iter().cloned().collect()
    }
}

async fn call(
    server: SocketAddr,
    number: usize,
    notes: Arc<Mutex<Notes>>,
    stopped: watch::Receiver<bool>,
) {
    let mut client = Client::new(server, ADDRESS);
    for round in 0.. {
        for kind in 0..3 {
            if *stopped.borrow() {
                return;
            }
            let patient = (number * 31_337 + round * 7_919) % 1_000;
            let ids: Vec<(String, String)> = (0..ROWS)
                .map(|record| (format!("good-{number}-{round}-{record}"), now()))
                .collect();
            let message = match kind {
                0 => messages::check_blocks(patient, ROWS),
                1 => messages::check_consent(patient),
                _ => messages::store_log(&ids),
            };
            let begun = Instant::now();
            let answer = client.post(&message).await;
            notes.lock().unwrap().note(begun, answer, (kind == 2).then_some(ids));
            sleep(PAUSE).await;
        }
    }
}

/// Looks whether the server lives.
async fn look(server: SocketAddr, notes: Arc<Mutex<Notes>>, stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let begun = Instant::now();
        // Whoever watches comes anew each time.
        let answered = Client::new(server, ADDRESS).get("/live").await.is_some();
        notes.lock().unwrap().seen.looked(begun.elapsed(), answered);
        sleep(PAUSE * 2).await;
    }
}

/// The present, as a record's activity has it.
pub fn now() -> String {
    chrono::Utc::now().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
