//! What proofs of single records are made of.

use super::checked::leaves_of;
use super::tiles;
use crate::domain::identity::RecordId;
use crate::domain::log::record::IdHash;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::ids::known::{LogIds, find_in};
use crate::store::log::records::{EntryRow, further_resources};
use crate::store::tenants;
use sigill_seal::Hash;
use sigill_seal::proof::Tiles;
use std::collections::HashMap;

impl Store {
    /// The running number of the record with an id, or of one that was removed.
    ///
    /// # Errors
    /// The store's.
    pub async fn number_of_id(&self, id: &RecordId) -> Result<Option<i64>, StoreError> {
        let known = LogIds::default().known(self).await?;
        let (hash, mut connection) = (IdHash::of(id), self.pool.acquire().await?);
        if let Some(number) = find_in(&mut connection, &known.open(), &[hash]).await?.get(&hash) {
            return Ok(Some(*number));
        }
        let closed = known.find_closed(&mut connection, &[hash]).await?.unwrap_or_default();
        Ok(closed.get(&hash).copied())
    }

    /// What the leaf of a record commits to; `None`: there is none of this number.
    ///
    /// # Errors
    /// The store's.
    pub async fn sealed_record(&self, number: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let sql = "/* sealed_record */ select * from log_entries where entry_number = $1";
        let rows: Vec<EntryRow> =
            sqlx::query_as(sql).bind(number).fetch_all(&mut *connection).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let further = further_resources(&mut connection, &rows).await?;
        let names = tenants::names(&mut connection).await?;
        let mut preimage = Vec::new();
        row.sealed(&names, &further, &mut preimage);
        Ok(Some(preimage))
    }

    /// The leaves of some running numbers, of those that have one.
    ///
    /// # Errors
    /// The store's.
    pub async fn leaves(&self, numbers: &[i64]) -> Result<HashMap<i64, u64>, StoreError> {
        leaves_of(&mut *self.pool.acquire().await?, numbers).await
    }

    /// The first signed checkpoint of a tree with a leaf, and the last one before it; `None`: there is none yet.
    ///
    /// # Errors
    /// The store's.
    pub async fn checkpoints_around(
        &self,
        leaf: u64,
    ) -> Result<Option<(String, Option<String>)>, StoreError> {
        let leaf = i64::try_from(leaf).unwrap_or(i64::MAX);
        let first = "/* checkpoint_with_leaf */ select note from log_checkpoints
             where note is not null and size > $1 order by size limit 1";
        let first: Option<String> =
            sqlx::query_scalar(first).bind(leaf).fetch_optional(&self.pool).await?;
        let before = "/* last_checkpoint_without */ select note from log_checkpoints
             where note is not null and size <= $1 order by size desc limit 1";
        let before = sqlx::query_scalar(before).bind(leaf).fetch_optional(&self.pool).await?;
        Ok(first.map(|first| (first, before)))
    }

    /// The leaf of a running number, with the proof that it is in the tree of this size; `None`: it is not.
    ///
    /// # Errors
    /// The store's.
    pub async fn inclusion_of(
        &self,
        number: i64,
        size: u64,
    ) -> Result<Option<(u64, Vec<Hash>)>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        let leaves = leaves_of(&mut connection, &[number]).await?;
        let Some(leaf) = leaves.get(&number).copied().filter(|leaf| *leaf < size) else {
            return Ok(None);
        };
        let view = tiles::view(&mut connection).await?;
        let proof = view.inclusion(&mut connection, &mut Tiles::default(), (size, leaf)).await?;
        Ok(proof.map(|proof| (leaf, proof)))
    }
}
