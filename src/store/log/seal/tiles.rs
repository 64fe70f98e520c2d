//! Tiles of the tree as they are needed for proofs.

use super::intake::Intake;
use super::tree;
use crate::store::error::StoreError;
use sigill_seal::Hash;
use sigill_seal::entry::Entry;
use sigill_seal::proof::{NoProof, TilePlace, Tiles};
use sigill_seal::tree::{Edge, StoredEntry, tile_hashes};
use sqlx::{FromRow, PgConnection};
use std::collections::HashMap;

/// The tree as a transaction saw it: full tiles never change, so proofs over it are of one moment.
#[derive(Debug, Clone)]
pub struct TreeView {
    /// What is in no full tile.
    pub edge: Edge,
    /// The root that is stored.
    pub root: Hash,
    mac: Vec<u8>,
}

/// A full tile as it is stored.
#[derive(Debug, Clone, FromRow)]
pub struct TileRow {
    level: i16,
    /// Which of its level.
    pub tile: i64,
    /// Its entries or hashes.
    pub hashes: Vec<u8>,
}

const NO_TREE: StoreError = StoreError::Inconsistent { table: "log_tree", row: 1, what: "no tree" };

/// The tree as it is.
pub(in crate::store) async fn view(connection: &mut PgConnection) -> Result<TreeView, StoreError> {
    let row = tree::tree(connection).await?;
    let edge = Edge::of_bytes(&row.edge).ok_or(NO_TREE)?;
    let root = row.root.clone().try_into().map_err(|_| NO_TREE)?;
    match i64::try_from(edge.size()) {
        Ok(size) if size == row.size => Ok(TreeView { edge, root, mac: row.mac }),
        _ => Err(NO_TREE),
    }
}

impl TreeView {
    /// Whether a process with the intake key has made it.
    pub fn is_made_by(&self, intake: &Intake) -> bool {
        let size = i64::try_from(self.size()).unwrap_or(i64::MAX);
        intake.has_made_tree((size, &self.root, &self.edge.to_bytes()), &self.mac)
    }

    /// Entries of the tree.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// How many full tiles a level has.
    pub fn full_tiles(&self, level: u8) -> u64 {
        self.size().checked_shr(8 * (u32::from(level) + 1)).unwrap_or(0)
    }

    /// The hashes of a tile at the edge.
    fn at_edge(&self, level: u8) -> Vec<Hash> {
        match level {
            0 => self
                .edge
                .entries()
                .iter()
                .filter_map(Entry::of_stored)
                .map(|e| e.leaf_hash())
                .collect(),
            level => self.edge.hashes(level).to_vec(),
        }
    }

    /// That the entry `leaf` is in the tree of `size`, which is ours or an earlier one; `None`: the tiles do not make
    /// one.
    pub(in crate::store) async fn inclusion(
        &self,
        connection: &mut PgConnection,
        tiles: &mut Tiles,
        (size, leaf): (u64, u64),
    ) -> Result<Option<Vec<Hash>>, StoreError> {
        self.proved(connection, tiles, |tiles| tiles.inclusion(size, leaf)).await
    }

    /// That the tree of `size`, which is ours or an earlier one, goes on where that of `before` ended.
    pub(in crate::store) async fn consistency(
        &self,
        connection: &mut PgConnection,
        (size, before): (u64, u64),
    ) -> Result<Option<Vec<Hash>>, StoreError> {
        self.proved(connection, &mut Tiles::default(), |tiles| tiles.consistency(size, before))
            .await
    }

    async fn proved(
        &self,
        connection: &mut PgConnection,
        tiles: &mut Tiles,
        prove: impl Fn(&Tiles) -> Result<Vec<Hash>, NoProof>,
    ) -> Result<Option<Vec<Hash>>, StoreError> {
        // What is missing is told at once; once more for the tiles of that.
        for _ in 0..3 {
            match prove(tiles) {
                Ok(proof) => return Ok(Some(proof)),
                Err(NoProof::None) => return Ok(None),
                Err(NoProof::Missing(places)) => self.fetch(connection, tiles, &places).await?,
            }
        }
        Ok(None)
    }

    /// Adds tiles that are missing, as far as they are there.
    pub(in crate::store) async fn fetch(
        &self,
        connection: &mut PgConnection,
        tiles: &mut Tiles,
        places: &[TilePlace],
    ) -> Result<(), StoreError> {
        let (full, edge): (Vec<TilePlace>, Vec<TilePlace>) =
            places.iter().partition(|(level, tile)| *tile < self.full_tiles(*level));
        for (level, tile) in edge {
            tiles.add((level, tile), self.at_edge(level));
        }
        for row in rows(connection, &full).await? {
            let level = u8::try_from(row.level).unwrap_or(u8::MAX);
            if let Some(hashes) = tile_hashes(level, &row.hashes) {
                tiles.add((level, u64::try_from(row.tile).unwrap_or_default()), hashes);
            }
        }
        Ok(())
    }

    /// The entries of some leaves, as far as they are there: the rest of their tiles is not read.
    pub(in crate::store) async fn entries(
        &self,
        connection: &mut PgConnection,
        leaves: &[u64],
    ) -> Result<HashMap<u64, StoredEntry>, StoreError> {
        let mut found = HashMap::with_capacity(leaves.len());
        let full = self.full_tiles(0) << 8;
        let (stored, edge): (Vec<u64>, Vec<u64>) = leaves.iter().partition(|leaf| **leaf < full);
        for leaf in edge {
            let at = usize::try_from(leaf - full).unwrap_or(usize::MAX);
            if let Some(entry) = self.edge.entries().get(at) {
                found.insert(leaf, *entry);
            }
        }
        let (places, offsets): (Vec<i64>, Vec<i32>) = stored
            .iter()
            .map(|leaf| {
                (
                    i64::try_from(leaf >> 8).unwrap_or(i64::MAX),
                    i32::try_from((leaf & 255) * 33 + 1).unwrap_or(1),
                )
            })
            .unzip();
        let rows: Vec<EntryOfTile> = sqlx::query_as(
            "/* entries_of_leaves */ select n.tile * 256 + (n.at - 1) / 33 as leaf, substr(t.hashes, n.at, 33) as entry
             from unnest($1::bigint[], $2::integer[]) as n (tile, at)
             join log_tiles t on t.level = 0 and t.tile = n.tile",
        )
        .bind(places)
        .bind(offsets)
        .fetch_all(connection)
        .await?;
        for EntryOfTile { leaf, entry } in rows {
            if let (Ok(leaf), Ok(entry)) = (u64::try_from(leaf), entry.try_into()) {
                found.insert(leaf, entry);
            }
        }
        Ok(found)
    }
}

#[derive(FromRow)]
struct EntryOfTile {
    leaf: i64,
    entry: Vec<u8>,
}

/// Full tiles as they are stored, those that are there.
pub(in crate::store) async fn rows(
    connection: &mut PgConnection,
    places: &[TilePlace],
) -> Result<Vec<TileRow>, StoreError> {
    let (levels, tiles): (Vec<i16>, Vec<i64>) = places
        .iter()
        .map(|(level, tile)| (i16::from(*level), i64::try_from(*tile).unwrap_or(i64::MAX)))
        .unzip();
    Ok(sqlx::query_as(
        "/* tiles */ select t.level, t.tile, t.hashes from unnest($1::smallint[], $2::bigint[]) as n (level, tile)
         join log_tiles t using (level, tile)",
    )
    .bind(levels)
    .bind(tiles)
    .fetch_all(connection)
    .await?)
}
