//! Verifying: whether everything in the log is what was sealed.
//!
//! Signatures, tree, runs, then every record and notice, then ids, removals and holds. A difference is a finding in plain
//! words.

use super::identity::{KINDS, SealIdentity};
use super::ids_check::{self, IdSums};
use super::log_seal::{LogSeal, SealError};
use super::tree_check;
use super::verification::whole;
pub use super::verification::{Extent, Progress, Verification, Verifier};
use crate::domain::time::Timestamp;
use crate::seal_folder::KeyFile;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::log::seal::intake::Intake;
use crate::store::log::seal::removed::RemovedLeaves;
use crate::store::log::seal::walk::{Stretch, Walked};
use sigill_seal::note::SignedCheckpoint;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// Records of a stretch.
const STRETCH: i64 = 16_384;
/// Behind what is committed the newest signature may be so long, beside `log.sign_after_seconds`.
const LATE_SECONDS: i64 = 60;
/// Of the stretches before the last one so many are looked at, when not all are.
const SAMPLE: f64 = 0.01;

impl Verifier {
    /// Verifies. Nothing is changed, and nothing is kept of what is found.
    ///
    /// # Errors
    /// The store's, or the system's.
    pub async fn run(&self, progress: Arc<Progress>) -> Result<Verification, SealError> {
        let mut found = Verification::default();
        let identities = SealIdentity::all(&self.store.notices(&KINDS).await?);
        found.origin = identities.last().map(|last| last.origin.clone()).unwrap_or_default();
        let intake = self.keys(&identities, &mut found).await?;
        let view = self.store.tree_view().await;
        let view = match view {
            Ok(view) => view,
            Err(StoreError::Inconsistent { .. }) => {
                found.find([whole(
                    "tree",
                    "the tree's row cannot be read: its size, root or edge was changed".into(),
                )]);
                return Ok(found);
            }
            Err(error) => return Err(error.into()),
        };
        found.size = view.size();
        self.anchor(&mut found).await?;
        let full = matches!(self.extent, Extent::Full);
        tree_check::checkpoints(self, &identities, &view, &mut found).await?;
        tree_check::tiles(self, &view, full, &mut found, &*progress).await?;
        let fit = self.runs(view.size(), &mut found).await?;
        self.late(&mut found).await?;
        let removals = self.store.removals().await?;
        let removed = Arc::new(self.store.removed_leaves().await?);
        if fit {
            let sums = self.records(intake.as_ref(), &removed, &mut found, &progress).await?;
            if let Some(sums) = sums {
                ids_check::compare(self, sums, &removed, &mut found).await?;
            }
        }
        super::removal_check::removals(self, &removals, &identities, &mut found).await?;
        super::removal_check::holds(self, &mut found).await?;
        Ok(found)
    }

    /// The intake key, if it is here. Keys that are others' are a finding.
    async fn keys(
        &self,
        identities: &[SealIdentity],
        found: &mut Verification,
    ) -> Result<Option<Intake>, SealError> {
        let keys = super::log_seal::on_disk(self.settings.folder.clone(), |folder| {
            Ok::<_, SealError>((folder.keys(KeyFile::Current)?, folder.keys(KeyFile::Previous)?))
        });
        let (current, previous) = keys.await?;
        let (Some(current), Some(last)) = (current, identities.last()) else { return Ok(None) };
        if !last.has(&current) {
            let file = self.settings.folder.path(KeyFile::Current);
            let detail = format!(
                "the keys in {} are not those that the log's notices name: the file was exchanged, or is of another log",
                file.display()
            );
            found.find([whole("key", detail)]);
            return Ok(None);
        }
        let previous = previous.map(|previous| previous.intake);
        Ok(Some(Intake::new(current.intake, previous, self.settings.new_name)))
    }

    /// Whether the tree goes on where the last checkpoint ended that this server has seen.
    async fn anchor(&self, found: &mut Verification) -> Result<(), SealError> {
        let text = super::log_seal::on_disk(
            self.settings.folder.clone(),
            crate::seal_folder::SealFolder::anchor,
        );
        let Some(text) = text.await? else { return Ok(()) };
        let Ok(anchor) = SignedCheckpoint::of_text(&text) else {
            found.find([whole("checkpoint", "the anchor of this server is no checkpoint".into())]);
            return Ok(());
        };
        let before = (anchor.checkpoint().size, anchor.checkpoint().root);
        let (view, proof) = self.store.tree_since(Some((found.size, before.0))).await?;
        if view.size() < before.0 {
            let detail = format!(
                "the tree has {} entries, and this server has seen {} signed: the database is an older state, as from a \
                 backup, and what came later is missing",
                view.size(),
                before.0
            );
            found.find([whole("rolled back", detail)]);
        } else if view.size() == found.size
            && !sigill_seal::proof::is_consistent(
                &proof.unwrap_or_default(),
                (view.size(), view.root),
                before,
            )
        {
            let detail = format!(
                "the tree does not go on where the checkpoint of {} ended that this server has seen: the log was changed \
                 before that, or goes two ways",
                before.0
            );
            found.find([whole("fork", detail)]);
        }
        Ok(())
    }

    /// Whether runs fit together: only then records can be looked at.
    async fn runs(&self, size: u64, found: &mut Verification) -> Result<bool, SealError> {
        let runs = self.store.runs_found().await?;
        if runs.tiles_ahead > 0 {
            let detail = format!(
                "{} tiles of leaves that the tree does not have: somebody put them there",
                runs.tiles_ahead
            );
            found.find([whole("tile", detail)]);
        }
        if runs.checkpoints_ahead > 0 {
            let detail = format!(
                "{} checkpoints of sizes that the tree does not have: somebody put them there, or the tree is an older state",
                runs.checkpoints_ahead
            );
            found.find([whole("checkpoint", detail)]);
        }
        let more = u64::try_from(runs.leaves).unwrap_or_default();
        let detail = match (runs.wrong_leaf, runs.wrong_number) {
            (Some(leaf), _) => {
                format!("before leaf {leaf} there is a gap between runs, or two have it")
            }
            (None, Some(number)) => format!("running number {number} is in two runs"),
            (None, None) if more < size => format!("runs end at leaf {more}, the tree at {size}"),
            (None, None) => return Ok(true),
        };
        let detail = format!(
            "{detail}: which record has which leaf was changed; records are not looked at before that is mended"
        );
        found.find([whole("runs", detail)]);
        Ok(false)
    }

    async fn late(&self, found: &mut Verification) -> Result<(), SealError> {
        let waiting = self.store.waiting_for_leaf(1).await?;
        if waiting.seconds > LATE_SECONDS {
            let detail = format!(
                "the oldest record without a leaf has waited for {} seconds: no server with the signing keys runs, or it \
                 cannot seal",
                waiting.seconds
            );
            found.find([whole("late", detail)]);
        }
        Ok(())
    }

    /// Records and notices; the sums over ids, when all are looked at.
    async fn records(
        &self,
        intake: Option<&Intake>,
        removed: &Arc<RemovedLeaves>,
        found: &mut Verification,
        progress: &Arc<Progress>,
    ) -> Result<Option<IdSums>, SealError> {
        let mut sums = match self.extent {
            Extent::Full => Some(IdSums::begin(&self.store).await?),
            Extent::Sample(_) => None,
        };
        let stretches = Arc::new(Mutex::new(self.stretches().await?));
        let mut walking = JoinSet::new();
        let (told, mut walked) = (tokio::sync::mpsc::channel::<Walked>(4), 0);
        let (to, mut from) = told;
        for _ in 0..self.workers {
            let (store, stretches, removed) =
                (self.store.clone(), Arc::clone(&stretches), Arc::clone(removed));
            let (intake, to, now) = (intake.cloned(), to.clone(), self.now);
            walking.spawn(async move {
                loop {
                    let next = stretches.lock().await.next(&store).await?;
                    let Some(stretch) = next else { return Ok::<_, SealError>(()) };
                    let part = store.walk(stretch, intake.as_ref(), &removed, now).await?;
                    if to.send(part).await.is_err() {
                        return Ok(());
                    }
                }
            });
        }
        drop(to);
        while let Some(part) = from.recv().await {
            found.records += part.records;
            found.notices += part.notices;
            found.removed += part.removed;
            walked += part.records + part.notices + part.removed;
            progress("records", walked, found.size);
            if let Some(sums) = &mut sums {
                sums.add(&part);
            }
            found.find(part.findings);
        }
        while let Some(ended) = walking.join_next().await {
            match ended {
                Ok(ended) => ended?,
                // A value that no program of ours has stored.
                Err(_) => found.find([whole(
                    "changed",
                    "some records cannot even be read: a value in them was changed".into(),
                )]),
            }
        }
        Ok(sums)
    }

    async fn stretches(&self) -> Result<Stretches, SealError> {
        let sample = match self.extent {
            Extent::Full => None,
            Extent::Sample(chance) => Some((chance, self.store.number_before_last(STRETCH).await?)),
        };
        Ok(Stretches { at: Some(i64::MIN), sample })
    }
}

/// Verifies some records from a running number on, `most` of them or somewhat more, and keeps what it finds; how many it
/// looked at, and where to go on.
///
/// # Errors
/// The store's.
pub async fn walk_on(
    seal: &LogSeal,
    from: Option<i64>,
    most: u64,
    now: Timestamp,
) -> Result<(u64, Option<i64>), StoreError> {
    let store = &seal.store;
    let removed = store.removed_leaves().await?;
    let records = i64::try_from(most).unwrap_or(i64::MAX).min(STRETCH);
    let stretch = store.stretch_from(from.unwrap_or(i64::MIN), records).await?;
    let walked = store.walk(stretch, Some(&seal.intake), &removed, now).await?;
    for finding in &walked.findings {
        if store.add_finding(finding, now).await?.is_new {
            tracing::error!(
                kind = finding.kind,
                detail = finding.detail,
                "ALARM: the log is not as it was sealed"
            );
        }
    }
    let looked_at = walked.records + walked.notices + walked.removed;
    Ok((looked_at.max(1), (stretch.to < i64::MAX).then_some(stretch.to)))
}

/// What is still to be looked at.
struct Stretches {
    at: Option<i64>,
    /// By chance, until the newest ones, which begin here.
    sample: Option<(fn() -> f64, i64)>,
}

impl Stretches {
    async fn next(&mut self, store: &Store) -> Result<Option<Stretch>, SealError> {
        while let Some(at) = self.at {
            let stretch = store.stretch_from(at, STRETCH).await?;
            self.at = (stretch.to < i64::MAX).then_some(stretch.to);
            let is_chosen =
                self.sample.is_none_or(|(chance, newest)| stretch.to > newest || chance() < SAMPLE);
            if is_chosen {
                return Ok(Some(stretch));
            }
        }
        Ok(None)
    }
}
