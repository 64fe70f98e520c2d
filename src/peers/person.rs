//! The population service (Personuppgiftstjänsten), GetPersonsForProfile 5.0, as a consumer: who is whom, whose identity is
//! protected, who has died. Pages wait for it for a bounded time, and nothing else does.
//!
//! # Rules
//! - **PC1** The smallest profile (P1) is asked for, and the record of the asked number itself.
//! - **PC2** Numbers that answers are linked to are asked in a second round, and never a third.
//! - **PC3** Answers are matched by number, the two roots of personal and coordination numbers being one; what is answered
//!   twice is unknown.
//! - **PC4** Only numbers of twelve characters in a known series are sent; others are unknown. Coordination numbers have calls
//!   of their own.
//! - **PC5** A batch that is refused as wrong is halved, six further calls at most.
//! - **PC6** Five failures in thirty seconds: thirty seconds without calls.
//! - **PC7** Answers are kept in memory for a time, those of no record for a minute; failures are not kept.

use super::call_health::CallHealth;
use super::connection::{Peer, PeerSettings, PeerSettingsError};
use super::contract_call::{CalledContract, Remote, RemoteError};
use super::person_answer::{Answers, answers};
use crate::domain::identity::PatientId;
use crate::domain::people::person::{LinkedState, PersonState, TestPersons};
use crate::messages::called::person::v5::{
    GetPersonsForProfile, GetPersonsForProfileResponse, II, LookupProfile,
};
use crate::messages::called::{Interaction, PersonInteraction};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

/// National series: personal, coordination and reserve numbers.
const NATIONAL: [&str; 3] = ["1.2.752.129.2.1.3.1", COORDINATION, "1.2.752.74.9.1"];
const COORDINATION: &str = "1.2.752.129.2.1.3.3";
/// Calls at one time.
const CALLS_MAX: usize = 4;
/// Further calls for batches that are refused (PC5).
const FURTHER_MAX: usize = 6;
const REPLY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// For how long it is kept that there is no such record.
const NONE_KEPT: Duration = Duration::from_mins(1);
const KEPT_MAX: usize = 20_000;

/// Where the population service is, and how it is asked.
#[derive(Debug, Clone)]
pub struct PersonSettings {
    /// The address of the contract, and how to be known there; its time is that of all that one page asks.
    pub peer: PeerSettings,
    /// The service's logical address.
    pub logical_address: String,
    /// Series beside the three national ones.
    pub roots: Vec<String>,
    /// Numbers of one call.
    pub batch: usize,
    /// How long answers are kept.
    pub kept: Duration,
    /// What becomes of test persons.
    pub test_persons: TestPersons,
}

/// The population service.
#[derive(Debug)]
pub struct PersonService {
    remote: Remote,
    settings: PersonSettings,
    calls: Arc<Semaphore>,
    health: Arc<CallHealth>,
    kept: Mutex<HashMap<String, (PersonState, Instant)>>,
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PersonService {
    /// Prepares calls; connects to nobody yet.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub fn new(settings: PersonSettings) -> Result<Self, PeerSettingsError> {
        let peer = Peer::new(&settings.peer)?;
        Ok(Self {
            remote: Remote::new(peer, settings.logical_address.clone()),
            settings,
            calls: Arc::new(Semaphore::new(CALLS_MAX)),
            health: Arc::default(),
            kept: Mutex::default(),
        })
    }

    /// Who patients are, in their order; kept answers count unless it is asked afresh.
    pub async fn states(&self, patients: &[&PatientId], afresh: bool) -> Vec<PersonState> {
        let now = Instant::now();
        let mut found: HashMap<String, PersonState> = HashMap::new();
        let mut unknown: Vec<PatientId> = Vec::new();
        for patient in patients {
            let kept = lock(&self.kept).get(patient.key()).cloned();
            match kept.filter(|(_, until)| !afresh && now < *until) {
                Some((state, _)) => _ = found.insert(patient.key().to_owned(), state),
                None if !unknown.iter().any(|own| own.key() == patient.key()) => {
                    unknown.push((*patient).clone());
                }
                None => {}
            }
        }
        if !unknown.is_empty() {
            for (key, state) in self.asked(unknown, now).await {
                self.keep(&key, &state, now);
                found.insert(key, state);
            }
        }
        let state = |patient: &&PatientId| found.get(patient.key()).cloned();
        patients.iter().map(|patient| state(patient).unwrap_or(PersonState::Unknown)).collect()
    }

    /// Two rounds (PC2), within the time of a page.
    async fn asked(&self, patients: Vec<PatientId>, now: Instant) -> Vec<(String, PersonState)> {
        let deadline = now + self.settings.peer.timeout;
        let first = self.round(patients.clone(), deadline).await;
        let mut linked: Vec<PatientId> = Vec::new();
        for (_, others) in first.values().filter_map(Answers::record) {
            for other in others.iter().flatten() {
                let is_known = first.contains_key(other.key())
                    || linked.iter().any(|own| own.key() == other.key());
                if !is_known {
                    linked.push(other.clone());
                }
            }
        }
        let second = match linked.is_empty() {
            true => HashMap::new(),
            false => self.round(linked, deadline).await,
        };
        let of = |other: &Option<PatientId>| {
            let answer = other
                .as_ref()
                .and_then(|other| first.get(other.key()).or_else(|| second.get(other.key())));
            match answer {
                Some(Answers::Record(record, _)) if record.is_protected => LinkedState::Protected,
                Some(Answers::Record(..) | Answers::None) => LinkedState::Open,
                Some(Answers::Unknown) | None => LinkedState::Unknown,
            }
        };
        let state = |patient: PatientId| {
            let state = match first.get(patient.key()) {
                Some(Answers::Record(record, others)) => {
                    let linked: Vec<LinkedState> = others.iter().map(of).collect();
                    record.state(&linked, self.settings.test_persons)
                }
                Some(Answers::None) => PersonState::None,
                Some(Answers::Unknown) | None => PersonState::Unknown,
            };
            (patient.key().to_owned(), state)
        };
        patients.into_iter().map(state).collect()
    }

    /// Asks for numbers once; what is not in the answer could not be had.
    async fn round(&self, numbers: Vec<PatientId>, deadline: Instant) -> HashMap<String, Answers> {
        let may_be_sent = |number: &PatientId| {
            let root = number.root();
            number.extension().len() == 12
                && number.extension().bytes().all(|byte| byte.is_ascii_alphanumeric())
                && (NATIONAL.contains(&root) || self.settings.roots.iter().any(|own| own == root))
        };
        let (coordination, others): (Vec<PatientId>, Vec<PatientId>) =
            numbers.into_iter().filter(may_be_sent).partition(is_coordination);
        let mut waiting: VecDeque<Vec<PatientId>> = [others, coordination]
            .iter()
            .flat_map(|some| some.chunks(self.settings.batch.max(1)))
            .map(<[PatientId]>::to_vec)
            .collect();
        let mut found = HashMap::new();
        let mut further = FURTHER_MAX;
        let mut calls = JoinSet::new();
        loop {
            while let Some(batch) = waiting.pop_front() {
                calls.spawn(self.batch(batch, deadline));
            }
            let Some(done) = calls.join_next().await else { return found };
            match done {
                Ok((_, Ok(answers))) => found.extend(answers),
                Ok((batch, Err(Failed::Wrong(_)))) if batch.len() > 1 && further >= 2 => {
                    further -= 2;
                    let (one, other) = batch.split_at(batch.len() / 2);
                    waiting.extend([one.to_vec(), other.to_vec()]);
                }
                Ok((_, Err(_))) | Err(_) => {}
            }
        }
    }

    /// One call.
    fn batch(
        &self,
        numbers: Vec<PatientId>,
        deadline: Instant,
    ) -> impl Future<Output = (Vec<PatientId>, Result<HashMap<String, Answers>, Failed>)> + Send + 'static
    {
        let (remote, calls, health) =
            (self.remote.clone(), Arc::clone(&self.calls), Arc::clone(&self.health));
        async move {
            let started = Instant::now();
            let call = async {
                // It is never closed.
                let _turn = calls.acquire().await.map_err(|_| Failed::Paused)?;
                if health.is_paused(Instant::now()) {
                    return Err(Failed::Paused);
                }
                called(&remote, &numbers).await
            };
            let answer = timeout_at(deadline, call).await;
            let answer = answer.unwrap_or(Err(Failed::Otherwise("timeout", None)));
            let (class, log_id) = match &answer {
                Ok(_) | Err(Failed::Paused) => return (numbers, answer),
                Err(Failed::Wrong(log_id)) => ("client", log_id),
                Err(Failed::Otherwise(class, log_id)) => {
                    health.failed(Instant::now());
                    (*class, log_id)
                }
            };
            let (milliseconds, batch) = (started.elapsed().as_millis(), numbers.len());
            tracing::warn!(
                peer = "person",
                class,
                milliseconds,
                batch,
                their_log_id = log_id.as_ref().map(tracing::field::display),
                "persons cannot be asked for"
            );
            (numbers, answer)
        }
    }

    fn keep(&self, key: &str, state: &PersonState, now: Instant) {
        let time = match state {
            PersonState::Unknown => return,
            PersonState::None => NONE_KEPT.min(self.settings.kept),
            PersonState::Open { .. } | PersonState::Protected { .. } => self.settings.kept,
        };
        let mut kept = lock(&self.kept);
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, (_, until)| now < *until);
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key.to_owned(), (state.clone(), now + time));
    }
}

/// Why a call has no answer.
#[derive(Debug)]
enum Failed {
    /// It is said to be wrong; with the id under which the other side tells more.
    Wrong(Option<Uuid>),
    /// Nobody calls for a time.
    Paused,
    /// Otherwise: how, for whoever reads our log.
    Otherwise(&'static str, Option<Uuid>),
}

async fn called(
    remote: &Remote,
    numbers: &[PatientId],
) -> Result<HashMap<String, Answers>, Failed> {
    let request = GetPersonsForProfile {
        person_id: numbers
            .iter()
            .map(|number| II {
                root: root_of(number).into(),
                extension: Some(number.extension().into()),
            })
            .collect(),
        profile: LookupProfile::P1,
        ignore_referred_identity: true,
    };
    let contract = CalledContract::at_own_address(Interaction::Person(
        PersonInteraction::GetPersonsForProfile,
    ));
    let answer = remote.call(
        contract,
        REPLY_BYTES_MAX,
        |out| request.write_root(out),
        |reader| {
            let name = "GetPersonsForProfileResponse";
            let read = reader.under(name, GetPersonsForProfileResponse::read)?;
            Ok(answers(&read, numbers))
        },
    );
    answer.await.map_err(|error| match error {
        RemoteError::Fault { is_refusal: true, log_id, .. } => {
            Failed::Otherwise("unauthorised", log_id)
        }
        RemoteError::Fault { is_ours: true, log_id, .. } => Failed::Wrong(log_id),
        RemoteError::Fault { log_id, .. } => Failed::Otherwise("server", log_id),
        RemoteError::Call(_) => Failed::Otherwise("connection", None),
        RemoteError::Unreadable | RemoteError::Refused(_) => Failed::Otherwise("unreadable", None),
    })
}

/// Whether it is a coordination number, whichever root it came with.
fn is_coordination(number: &PatientId) -> bool {
    number.root() == COORDINATION
        || number.root() == NATIONAL[0] && number.extension().as_bytes()[6] >= b'6'
}

/// The series that a number belongs to.
fn root_of(number: &PatientId) -> &str {
    if is_coordination(number) { COORDINATION } else { number.root() }
}
