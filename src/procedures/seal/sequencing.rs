//! Sequencing: what is stored gets its leaves.
//!
//! | Step | If the process dies right after it |
//! | --- | --- |
//! | the tree's row is locked, its root computed anew from its edge | nothing is changed |
//! | batches are read, and refused where no process with the intake key has made them | nothing is changed |
//! | entries are appended in the order of their running numbers | nothing is changed |
//! | tiles, runs, checkpoint and tree are written, the batches removed; commit | it is in the tree, and signed by whoever comes next |

use super::following::keys_have_changed;
use super::identity::{KINDS, SealIdentity};
use super::log_seal::{LogSeal, SealError};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::log::seal::findings::{DELIVERY, NewFinding};
use crate::store::log::seal::intake::Intake;
use crate::store::log::seal::pending::PendingBatch;
use crate::store::log::seal::tree::{Grown, Run, TreeRow};
use sigill_seal::tree::{Edge, FullTile, StoredEntry};
use std::collections::HashMap;
use uuid::Uuid;

/// Batches of a round.
pub const LOT: i64 = 64;
const FORGED: &str = "forged batch";
const LOST: &str = "lost batch";
/// A round is worth while with so many entries, or when the oldest has waited for so many seconds.
const WORTH_WHILE: i64 = 256;
const PATIENCE_SECONDS: i64 = 4;

/// Gives leaves to what waits for them, if that is worth while; whether more waits.
///
/// # Errors
/// The store's.
pub async fn sequence(seal: &LogSeal, now: Timestamp) -> Result<bool, SealError> {
    let waiting = seal.store.waiting_for_leaf(LOT).await?;
    if waiting.entries == 0 || waiting.entries < WORTH_WHILE && waiting.seconds < PATIENCE_SECONDS {
        return Ok(false);
    }
    round(seal, now).await
}

/// Gives leaves to a lot of what waits for them; whether more may wait.
///
/// # Errors
/// The store's.
pub async fn round(seal: &LogSeal, now: Timestamp) -> Result<bool, SealError> {
    let Some(mut change) = seal.store.change_tree().await? else { return Ok(false) };
    // With other keys than the log's nothing can be told from a forgery.
    let identities = SealIdentity::all(&change.notices(&KINDS).await?);
    let is_ours = seal.keys().zip(identities.last()).is_some_and(|(keys, last)| last.has(&keys.0));
    if !is_ours {
        drop(change);
        if !keys_have_changed(seal).await? {
            tracing::error!(
                "the log has other keys than this server: copy the key file to it; others seal meanwhile"
            );
            return Ok(false);
        }
        return Ok(true);
    }
    let edge = whole_edge(&change.tree).filter(|_| change.tree.is_made_by(&seal.intake));
    let Some(edge) = edge else {
        drop(change);
        let detail = "the tree's size, root and edge do not fit, or no process with the intake key has made them: its row was changed; nothing \
             is sealed any more".into();
        let finding = NewFinding { kind: "tree", detail, ..NewFinding::default() };
        seal.store.add_finding(&finding, now).await?;
        return Err(SealError::Store(StoreError::Inconsistent {
            table: "log_tree",
            row: 1,
            what: "the root is not that of its edge",
        }));
    };
    let ahead = change.drop_runs_ahead().await?;
    if ahead > 0 {
        let detail = format!(
            "{ahead} runs of leaves that the tree does not have: somebody put them there; they are gone"
        );
        change
            .add_finding(&NewFinding { kind: "runs", detail, ..NewFinding::default() }, now)
            .await?;
    }
    let batches = change.batches(LOT).await?;
    let more = i64::try_from(batches.len()).is_ok_and(|count| count == LOT);
    let steps = change.next_steps(&seal.intake, &senders(&batches)).await?;
    let twice = change.sealed_already(&batches).await?;
    let judged = judged(&seal.intake, (&batches, &twice), steps, now);
    let is_forged = judged.findings.iter().any(|(_, finding)| finding.kind == FORGED);
    if is_forged && keys_have_changed(seal).await? {
        // They may be of a rotation that this process had not heard of.
        return Ok(true);
    }
    let grown = grown(&seal.intake, edge, judged.accepted);
    for (batch, finding) in judged.findings {
        tracing::error!(
            batch,
            kind = finding.kind,
            "ALARM: what is on its way to the log's tree was touched"
        );
        if finding.kind == FORGED {
            change.refuse(batch, now).await?;
        }
        change.add_finding(&finding, now).await?;
    }
    if let Some(grown) = grown {
        change.grow(&seal.intake, &grown, now).await?;
    }
    change.commit().await?;
    Ok(more)
}

/// The edge, if size and root are its own.
fn whole_edge(tree: &TreeRow) -> Option<Edge> {
    let edge = Edge::of_bytes(&tree.edge)?;
    let fits = i64::try_from(edge.size()).is_ok_and(|size| size == tree.size);
    (fits && edge.root()[..] == tree.root[..]).then_some(edge)
}

fn senders(batches: &[PendingBatch]) -> Vec<Uuid> {
    let mut senders: Vec<Uuid> = batches.iter().map(|batch| batch.writer_id).collect();
    senders.sort_unstable();
    senders.dedup();
    senders
}

/// What is in the tree next.
#[derive(Default)]
struct Accepted<'b> {
    ranges: Vec<(i64, &'b [StoredEntry])>,
    batches: Vec<i64>,
    steps: HashMap<Uuid, i64>,
}

/// A lot that was looked at.
#[derive(Default)]
struct Judged<'b> {
    accepted: Accepted<'b>,
    /// By the batch that shows them.
    findings: Vec<(i64, NewFinding)>,
}

/// Takes the batches that a process with the intake key has made; finds the others, and gaps between them.
fn judged<'b>(
    intake: &Intake,
    (batches, twice): (&'b [PendingBatch], &[i64]),
    mut steps: HashMap<Uuid, i64>,
    now: Timestamp,
) -> Judged<'b> {
    let mut judged = Judged::default();
    for batch in batches {
        let ranges = batch.ranges().filter(|_| batch.is_authentic(intake));
        let next = steps.get(&batch.writer_id).copied().unwrap_or_default();
        let number = batch.batch_number;
        let is_new = batch.writer_step >= next && !twice.contains(&number);
        let Some(ranges) = ranges.filter(|_| is_new) else {
            let detail = format!(
                "batch {number} of log_pending was not made by a process with the intake key, was changed on its way, or comes a \
                 second time: it lies in log_refused, and its records are not sealed by it"
            );
            judged.findings.push((number, about(now, FORGED, batch, detail)));
            continue;
        };
        if batch.writer_step > next {
            let detail = format!(
                "{} batches that came before batch {number} of log_pending were taken away before they were sealed: their \
                 records are missing",
                batch.writer_step - next
            );
            judged.findings.push((number, about(now, LOST, batch, detail)));
        }
        steps.insert(batch.writer_id, batch.writer_step + 1);
        judged.accepted.steps.insert(batch.writer_id, batch.writer_step + 1);
        judged.accepted.ranges.extend(ranges);
        judged.accepted.batches.push(number);
    }
    judged
}

fn about(now: Timestamp, kind: &'static str, batch: &PendingBatch, detail: String) -> NewFinding {
    let observed = batch.batch_number.to_be_bytes().to_vec();
    let time = Some((now - DELIVERY, now));
    NewFinding { kind, observed, detail, time, ..NewFinding::default() }
}

/// The tree with what was accepted, in the order of the running numbers.
fn grown(intake: &Intake, mut edge: Edge, accepted: Accepted<'_>) -> Option<Grown> {
    let Accepted { mut ranges, batches, steps } = accepted;
    ranges.sort_unstable_by_key(|(first, _)| *first);
    let mut tiles: Vec<FullTile> = Vec::new();
    let mut runs: Vec<Run> = Vec::new();
    for (first_number, entries) in ranges {
        let first_leaf = i64::try_from(edge.size()).ok()?;
        let count = i32::try_from(entries.len()).ok()?;
        match runs.last_mut() {
            Some(run) if run.first_number + i64::from(run.count) == first_number => {
                run.count += count;
            }
            _ => runs.push(Run { first_leaf, first_number, count }),
        }
        tiles.extend(edge.append(entries.iter().copied()));
    }
    let size = i64::try_from(edge.size()).ok()?;
    let tree = TreeRow::made_by(intake, size, edge.to_bytes(), edge.root().to_vec());
    (!batches.is_empty()).then_some(Grown { tree, tiles, runs, steps, batches })
}
