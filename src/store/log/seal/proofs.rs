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
