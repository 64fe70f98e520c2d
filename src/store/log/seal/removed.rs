//! Which leaves removals took.

use crate::store::database::Store;
use crate::store::error::StoreError;
use sigill_seal::archive::LEAVES_LINE;
use sigill_seal::{leaf_set, sha256};
use sqlx::{FromRow, PgConnection};
use std::ops::Range;

/// A removal: its notice, and the leaves.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct RemovalRow {
    /// Running number of its notice.
    pub entry_number: i64,
    /// The leaf set.
    pub leaves: Vec<u8>,
}

/// The leaves that all removals took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemovedLeaves(Vec<Range<u64>>);

impl RemovedLeaves {
    /// Of leaf sets; what is no set has no leaves.
    pub fn of<'s>(sets: impl IntoIterator<Item = &'s [u8]>) -> Self {
        let mut ranges: Vec<Range<u64>> =
            sets.into_iter().filter_map(leaf_set::read).flatten().collect();
        ranges.sort_unstable_by_key(|range| range.start);
        Self(ranges)
    }

    /// Whether a leaf is among them.
    pub fn contains(&self, leaf: u64) -> bool {
        // Removals do not overlap, unless one was forged; then the earlier ones are looked at too.
        let before = self.0.partition_point(|range| range.start <= leaf);
        self.0[..before].iter().rev().take(8).any(|range| range.contains(&leaf))
    }
}

/// The hash over a leaf set, as its notice has it.
pub fn hash_of(leaves: &[u8]) -> String {
    sha256(&[leaves]).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[derive(FromRow)]
struct SealedSet {
    leaves: Vec<u8>,
    body: String,
}

/// The leaves that removals took: those of sets whose hash is in their notice.
pub(in crate::store::log) async fn leaves(
    connection: &mut PgConnection,
) -> Result<RemovedLeaves, StoreError> {
    let sql = "/* removed_leaves */ select r.leaves, n.body from log_removals r join log_notices n using (entry_number)";
    let sets: Vec<SealedSet> = sqlx::query_as(sql).fetch_all(connection).await?;
    let is_sealed = |set: &&SealedSet| {
        let wanted = format!("{LEAVES_LINE}{}", hash_of(&set.leaves));
        set.body.lines().any(|line| line == wanted)
    };
    Ok(RemovedLeaves::of(sets.iter().filter(is_sealed).map(|set| &set.leaves[..])))
}

impl Store {
    /// The leaves that removals took: those of sets whose hash is in their notice.
    ///
    /// # Errors
    /// The store's.
    pub async fn removed_leaves(&self) -> Result<RemovedLeaves, StoreError> {
        leaves(&mut *self.pool.acquire().await?).await
    }

    /// All removals, in the order of their notices.
    ///
    /// # Errors
    /// The store's.
    pub async fn removals(&self) -> Result<Vec<RemovalRow>, StoreError> {
        let sql =
            "/* removals */ select entry_number, leaves from log_removals order by entry_number";
        Ok(sqlx::query_as(sql).fetch_all(&self.pool).await?)
    }
}
