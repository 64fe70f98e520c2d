//! A sealed log in this process: a service whose records get leaves when a test says so.

use super::harness::{Database, NOON, Service, Wishes};
use super::program::Folder;
use super::reports::{FIRST, Record, stored};
use sigill::domain::time::Timestamp;
use sigill::fairness::shares::Percentages;
use sigill::procedures::seal::adoption::adopt;
use sigill::procedures::seal::following::follow;
use sigill::procedures::seal::log_seal::{LogSeal, SealSettings};
use sigill::procedures::seal::opening::open;
use sigill::procedures::seal::sequencing::round;
use sigill::procedures::seal::signing::sign;
use sigill::procedures::seal::verifying::{Extent, Verification, Verifier};
use sigill::seal_folder::SealFolder;
use sigill::store::database::{Store, StoringTime};
use sqlx::PgPool;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How the log of a test's database is sealed, with keys in one folder and anchors in another.
pub fn settings(keys: &Path, anchors: &Path) -> SealSettings {
    SealSettings {
        folder: SealFolder::at(keys.join("log-keys"), anchors.join("log-anchor")),
        origin: Some("log.example/test/1".into()),
        sign_after: Duration::ZERO,
        cms: None,
        new_name: Uuid::new_v4,
        fill_random: |bytes| getrandom::fill(bytes).map_err(std::io::Error::other),
    }
}

pub fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// The seal of a database as a process with these folders has it.
pub async fn seal_of(database: &Database, keys: &Path, anchors: &Path) -> LogSeal {
    let store = Store::open(database.options(), 8, Percentages::default()).await.unwrap();
    let store = store.with_storing_time(StoringTime::Caller);
    open(store, settings(keys, anchors), at(NOON)).await.unwrap()
}

/// A service with its seal.
pub struct Sealed {
    pub service: Service,
    pub seal: LogSeal,
    pub folder: Folder,
    pub pool: PgPool,
}

impl Sealed {
    pub async fn start_with(name: &str, wishes: Wishes) -> Self {
        let database = Database::new().await;
        let folder = Folder::new(&format!("{name}-{}", database.name));
        let seal = seal_of(&database, folder.path(), folder.path()).await;
        let wishes = Wishes { database: Some(database), seal: Some(seal.clone()), ..wishes };
        let service = Service::start_with(wishes).await;
        let pool = service.database.pool().await;
        Self { service, seal, folder, pool }
    }

    /// Stores records and gives them leaves and a signature.
    pub async fn store(&self, records: &[Record<'_>]) {
        assert_eq!(self.service.post(stored(records)).await.code(), "OK");
        self.seal_at(NOON).await;
    }

    /// Gives leaves to what waits, and signs.
    pub async fn seal_at(&self, time: &str) {
        let now = at(time);
        while adopt(&self.seal, now).await.unwrap() {}
        while self.waits().await {
            round(&self.seal, now).await.unwrap();
        }
        follow(&self.seal, now).await.unwrap();
        sign(&self.seal, now).await.unwrap();
        follow(&self.seal, now).await.unwrap();
    }

    async fn waits(&self) -> bool {
        self.seal.store.waiting_for_leaf(1).await.unwrap().entries > 0
    }

    pub async fn sql(&self, sql: &str) {
        let done = sqlx::query(sql).execute(&self.pool).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub async fn verify(&self) -> Verification {
        self.verify_at(NOON).await
    }

    pub async fn verify_at(&self, time: &str) -> Verification {
        verify(&self.seal, Extent::Full, time).await
    }

    /// The kinds of what is found, each once.
    pub async fn found(&self) -> Vec<&'static str> {
        kinds(&self.verify().await)
    }
}

pub async fn verify(seal: &LogSeal, extent: Extent, time: &str) -> Verification {
    let (store, settings) = (seal.store.clone(), seal.settings.clone());
    let verifier = Verifier { store, settings, extent, workers: 2, now: at(time) };
    verifier.run(Arc::new(|_, _, _| {})).await.unwrap()
}

pub fn kinds(found: &Verification) -> Vec<&'static str> {
    let mut kinds: Vec<_> = found.findings.iter().map(|finding| finding.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// So many records, with one to three resources each, among them what is unusual.
pub fn many(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("sealed-{n:04}")).collect()
}

pub fn records(ids: &[String]) -> Vec<Record<'_>> {
    const RESOURCES: [(&str, &str, &str); 3] = [
        ("vko", "191212121212", "SE-A"),
        ("dia", "191212121213", "SE-B"),
        ("und", "191212121214", "SE-A"),
    ];
    let resources = |n: usize| &RESOURCES[..=n % 3];
    ids.iter().enumerate().map(|(n, id)| Record { id, resources: resources(n), ..FIRST }).collect()
}
