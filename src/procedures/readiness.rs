//! Whether calls can be answered now, and whether anything can be stored.

use super::context::Services;
use crate::health::Space;
use crate::store::readiness::Answering;

/// Why nothing can be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The database does not answer; then no questions are answered either.
    NoDatabase,
    /// The database takes no changes.
    ReadOnly,
    /// Too little space is left.
    DiskLow,
    /// The last log records could not be stored.
    StoringFails,
}

/// What keeps anything from being stored now, or will soon.
pub async fn obstacle(services: &Services) -> Option<Obstacle> {
    let health = &services.health;
    match services.store.answering().await {
        Answering::No => Some(Obstacle::NoDatabase),
        Answering::ReadOnly => Some(Obstacle::ReadOnly),
        Answering::Fully if health.space() != Space::Enough => Some(Obstacle::DiskLow),
        Answering::Fully if health.storing_fails() => Some(Obstacle::StoringFails),
        Answering::Fully => None,
    }
}
