//! The file of a draw: with it and the log's public key anybody can repeat the draw, without a database (D6).

use crate::domain::identity::{HsaId, RecordId};
use crate::domain::review::calendar::ReviewMonth;
use crate::domain::review::draw::{DrawNotice, decides, is_alarming, seed};
use crate::domain::review::frame::DrawnEmployee;
use crate::domain::review::visit::NOTICE_LEVEL;
use crate::domain::time::Timestamp;
use crate::procedures::failure::{Failure, StoreError};
use crate::procedures::people::on_duty::{OnDuty, People};
use crate::procedures::tenants::Tenant;
use crate::store::review::reviews::StoredReview;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sigill_seal::entry::Kind;
use sigill_seal::names::VerifyingName;
use sigill_seal::note::SignedCheckpoint;
use sigill_seal::proof_file::ProofFile;
use sigill_seal::record::SealedRecord;
use std::collections::BTreeMap;

/// What the file says that it is.
const FORMAT: &str = "sigill/draw/1";
/// Texts of a sealed record: what was done, what else is told, and the unit.
const TYPE: usize = 3;
const ARGS: usize = 5;
const UNIT: usize = 15;

/// The file as it is written and read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawFile {
    format: String,
    /// What was sealed before the draw.
    notice: String,
    /// That it lies in the log, up to the checkpoint that decided.
    proof: String,
    /// The checkpoint before that one, which does not have it.
    checkpoint_before: Option<String>,
    /// The salt of the hash over the staff; of everybody's visits nobody is drawn, and nobody is named.
    salt: Option<String>,
    staff: Vec<String>,
    day: NaiveDate,
    drawn: Vec<String>,
}

/// Why a file is not what it says.
#[derive(Debug, thiserror::Error)]
pub enum DrawNotHeld {
    /// It is another kind of file.
    #[error("it is no file of a draw: {0}")]
    NoDraw(String),
    /// The notice does not lie in the log.
    #[error("the notice does not lie in the log that has the key: {0}")]
    NotSealed(String),
    /// The record says something else.
    #[error("the sealed record is another notice than the file's")]
    OtherNotice,
    /// Another checkpoint decides.
    #[error("the checkpoint is not the first one with the notice")]
    Checkpoint,
    /// The draw gives another result.
    #[error("the draw gives another result: {0}")]
    Result(String),
}

/// What the page of a draw shows.
#[derive(Debug, Clone)]
pub struct ShownDraw {
    /// The notice.
    pub notice: DrawNotice,
    /// Its hash.
    pub hash: [u8; 32],
    /// The checkpoint that decided: size and root.
    pub checkpoint: Option<(u64, [u8; 32])>,
    /// The size of the one before.
    pub size_before: Option<u64>,
    /// The notice's leaf.
    pub leaf: Option<i64>,
    /// What the draw follows from.
    pub seed: Option<Vec<u8>>,
    /// Whether the draw, made again now, gives what was kept.
    pub is_same: Option<bool>,
    /// Staff in the order in which they were drawn, as far as they were needed.
    pub drawn: Vec<DrawnEmployee>,
    /// How many notices of this unit and month there are.
    pub notices: i64,
}

impl People {
    /// A draw as its page shows it, made again; `None`: there is none yet.
    ///
    /// # Errors
    /// The store's.
    pub async fn shown_draw(
        &self,
        person: &OnDuty<'_>,
        review: &StoredReview,
    ) -> Result<Option<ShownDraw>, Failure> {
        let Some(notice) = review.notice.as_deref().and_then(|text| DrawNotice::read(text).ok())
        else {
            return Ok(None);
        };
        let store = &self.services.store;
        let read = |note: &Option<String>| {
            note.as_deref().and_then(|note| SignedCheckpoint::of_text(note).ok())
        };
        let (first, before) = (read(&review.checkpoint), read(&review.checkpoint_before));
        let checkpoint =
            first.as_ref().map(|first| (first.checkpoint().size, first.checkpoint().root));
        let rows = store.drawn_staff(review.review_number).await?;
        let hash = notice.hash();
        let again = checkpoint.map(|(size, root)| {
            let salt = review.notice_salt.as_deref().unwrap_or_default();
            let frame = review.frame.as_deref().unwrap_or_default();
            let again = notice.draw(salt, frame, seed(&root, size, &hash));
            let kept = rows.iter().map(|row| &row.employee_key);
            again.is_ok_and(|again| Some(again.day) == review.day && again.staff.iter().eq(kept))
        });
        let drawn = rows.into_iter().filter_map(|row| {
            Some(DrawnEmployee { employee: row.employee_key, is_reviewed: row.is_reviewed? })
        });
        let since = notice.month.bounds().0;
        let doubles = self.notices_by_unit(person.tenant, since).await?;
        let notices = doubles.get(&(review.unit_key.clone(), notice.month)).copied().unwrap_or(0);
        Ok(Some(ShownDraw {
            hash,
            checkpoint,
            size_before: before.map(|before| before.checkpoint().size),
            leaf: review.notice_leaf,
            seed: review.seed.clone(),
            is_same: again,
            drawn: drawn.collect(),
            notices,
            notice,
        }))
    }

    /// How many notices there are of each unit and month, since a time.
    async fn notices_by_unit(
        &self,
        tenant: &Tenant,
        since: Timestamp,
    ) -> Result<BTreeMap<(String, ReviewMonth), i64>, StoreError> {
        let mut counts: BTreeMap<(String, ReviewMonth), i64> = BTreeMap::new();
        for (unit, text) in
            self.services.store.notices_since(tenant.id, since, NOTICE_LEVEL).await?
        {
            if let Ok(notice) = DrawNotice::read(&text) {
                *counts.entry((unit, notice.month)).or_default() += 1;
            }
        }
        Ok(counts)
    }

    /// Raises an alarm where there are two notices of a unit and month (D7).
    ///
    /// # Errors
    /// The store's.
    pub async fn look_for_second_notices(
        &self,
        tenant: &Tenant,
        since: Timestamp,
    ) -> Result<usize, StoreError> {
        let counts = self.notices_by_unit(tenant, since).await?;
        let alarming = counts.into_iter().filter(|(_, count)| is_alarming(*count));
        let mut found = 0;
        for ((unit, month), notices) in alarming {
            found += 1;
            let month = month.text();
            tracing::error!(unit, month, notices, "ALARM: a draw was announced more than once");
        }
        Ok(found)
    }

    /// The file by which anybody can repeat a draw; `None`: it cannot be repeated, because nothing was sealed or is any more.
    ///
    /// # Errors
    /// The store's.
    pub async fn draw_file(&self, review: &StoredReview) -> Result<Option<String>, Failure> {
        let store = &self.services.store;
        let read = |note: &String| SignedCheckpoint::of_text(note).ok();
        let (Some(notice), Some(checkpoint), Some(day), Some(id)) = (
            review.notice.clone(),
            review.checkpoint.as_ref().and_then(read),
            review.day,
            review.notice_log_id.and_then(|id| RecordId::new(&id.to_string())),
        ) else {
            return Ok(None);
        };
        let Some(number) = store.number_of_id(&id).await? else { return Ok(None) };
        let Some(preimage) = store.sealed_record(number).await? else { return Ok(None) };
        let size = checkpoint.checkpoint().size;
        let Some((leaf, hashes)) = store.inclusion_of(number, size).await? else { return Ok(None) };
        let proof = ProofFile { kind: Kind::Record, preimage, leaf, hashes, checkpoint };
        let drawn = store.drawn_staff(review.review_number).await?;
        let is_sample = review.mode == "sample";
        let salt = review.notice_salt.as_deref().filter(|_| is_sample).map(hex);
        let file = DrawFile {
            format: FORMAT.to_owned(),
            notice,
            proof: proof.to_text(),
            checkpoint_before: review.checkpoint_before.clone(),
            salt,
            staff: if is_sample { review.frame.clone().unwrap_or_default() } else { Vec::new() },
            day,
            drawn: drawn.into_iter().map(|row| row.employee_key).collect(),
        };
        Ok(Some(format!("{:#}\n", serde_json::json!(file))))
    }
}

impl DrawFile {
    /// Reads a file.
    ///
    /// # Errors
    /// That it is none.
    pub fn read(text: &str) -> Result<Self, DrawNotHeld> {
        let file: Self = serde_json::from_str(text).map_err(|error| {
            DrawNotHeld::NoDraw(format!("line {}, column {}", error.line(), error.column()))
        })?;
        match file.format == FORMAT {
            true => Ok(file),
            false => Err(DrawNotHeld::NoDraw(format!("its format is not {FORMAT}"))),
        }
    }

    /// Repeats the draw of a log that has the key (D1 to D6); says what it gave.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(&self, key: &VerifyingName) -> Result<String, DrawNotHeld> {
        let notice = DrawNotice::read(&self.notice)
            .map_err(|error| DrawNotHeld::NoDraw(error.to_string()))?;
        let not_sealed = |why: &dyn std::fmt::Display| DrawNotHeld::NotSealed(why.to_string());
        let proof = ProofFile::of_text(&self.proof).map_err(|error| not_sealed(&error))?;
        proof.verify(key, &[], 0).map_err(|error| not_sealed(&error))?;
        let (record, _) =
            SealedRecord::read(&proof.preimage).map_err(|error| not_sealed(&error))?;
        let same_unit = |text: Option<&str>| {
            text.and_then(HsaId::new).is_some_and(|id| HsaId::new(&notice.unit) == Some(id))
        };
        let says_it = record.texts[ARGS] == Some(self.notice.as_str())
            && record.texts[TYPE] == Some("Granskning")
            && record.tenant == notice.tenant
            && same_unit(record.texts[UNIT]);
        if !says_it {
            return Err(DrawNotHeld::OtherNotice);
        }
        let (size, root) = (proof.checkpoint.checkpoint().size, proof.checkpoint.checkpoint().root);
        let before = match &self.checkpoint_before {
            None => None,
            Some(note) => {
                let before = SignedCheckpoint::of_text(note).map_err(|error| not_sealed(&error))?;
                if !before.is_signed_by(key) {
                    return Err(not_sealed(&"the checkpoint before is not signed by it"));
                }
                Some(before.checkpoint().size)
            }
        };
        if !decides(proof.leaf, size, before) || notice.log_size > proof.leaf {
            return Err(DrawNotHeld::Checkpoint);
        }
        let is_sorted = self.staff.windows(2).all(|two| two[0] < two[1]);
        let names_nobody = self.staff.is_empty() && self.salt.is_none();
        if !is_sorted || notice.drawn() == 0 && !names_nobody {
            return Err(DrawNotHeld::Result("the staff are not those of the notice".to_owned()));
        }
        let salt = self.salt.as_deref().and_then(of_hex).unwrap_or_default();
        let result = notice
            .draw(&salt, &self.staff, seed(&root, size, &notice.hash()))
            .map_err(|error| DrawNotHeld::Result(error.to_string()))?;
        if (result.day, &result.staff) != (self.day, &self.drawn) {
            return Err(DrawNotHeld::Result(format!("the day is {}", result.day)));
        }
        let staff = match notice.drawn() {
            0 => "every visit".to_owned(),
            drawn => format!("{drawn} of {} staff", notice.frame.0),
        };
        let shown = match before {
            Some(before) => {
                format!("; the one that the file names before it, of {before}, does not have it")
            }
            None => {
                "; that it is the first one is NOT shown: the file names none before it".to_owned()
            }
        };
        Ok(format!(
            "the draw of {} in {} gives {}, one of {} days, {staff}. Decided by the checkpoint of {size} entries, which has the \
             notice as leaf {}{shown}",
            notice.unit,
            notice.month.text(),
            result.day,
            notice.days.len(),
            proof.leaf
        ))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect()
}
