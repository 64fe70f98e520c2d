//! The draw: the first checkpoint over the notice decides.

use super::announcing::{STEP_REVIEWS, may};
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::review::draw::{DrawNotice, DrawSeed, decides, seed};
use crate::domain::review::lifecycle::{ReviewState, ReviewStep};
use crate::domain::time::Timestamp;
use crate::procedures::failure::StoreError;
use crate::procedures::people::on_duty::People;
use crate::procedures::tenants::Tenant;
use crate::store::review::reviews::StoredReview;
use crate::store::review::visits::StoredDraw;
use sigill_seal::note::SignedCheckpoint;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Checkpoints that decide: the first one with a leaf, and the one before it.
#[derive(Default)]
struct Deciding(Vec<(SignedCheckpoint, Option<SignedCheckpoint>)>);

impl Deciding {
    fn of(&self, leaf: u64) -> Option<&(SignedCheckpoint, Option<SignedCheckpoint>)> {
        self.0.iter().find(|(first, before)| {
            let before = before.as_ref().map(|before| before.checkpoint().size);
            decides(leaf, first.checkpoint().size, before)
        })
    }
}

impl People {
    /// Draws what a checkpoint has decided by now (D2 to D6); where nothing is sealed, by random numbers (D8). How many it was;
    /// `when` says when that is.
    ///
    /// # Errors
    /// The store's.
    pub async fn draw_reviews(
        &self,
        tenant: &Tenant,
        when: impl Fn(&StoredReview) -> Timestamp,
    ) -> Result<usize, StoreError> {
        let store = &self.services.store;
        let (state, now) = (ReviewState::Announced.name(), self.clock.now());
        let announced = store.reviews_in_state(tenant.id, state, STEP_REVIEWS, now).await?;
        let leaves = match self.services.trust.seal.is_some() {
            true => self.leaves_of_notices(tenant, &announced).await?,
            false => HashMap::new(),
        };
        let mut deciding = Deciding::default();
        let mut drawn = 0;
        for review in announced.iter().filter(|review| may(review, ReviewStep::Draw)) {
            let Some(notice) =
                review.notice.as_deref().and_then(|text| DrawNotice::read(text).ok())
            else {
                tracing::error!(
                    review = review.review_number,
                    "the notice of a draw cannot be read"
                );
                continue;
            };
            let mut draw = StoredDraw::default();
            let decided = if self.services.trust.seal.is_some() {
                let Some(leaf) = leaves.get(&review.review_number).copied() else { continue };
                if deciding.of(leaf).is_none() {
                    let Some((first, before)) = store.checkpoints_around(leaf).await? else {
                        continue;
                    };
                    let read = |note: &str| SignedCheckpoint::of_text(note).ok();
                    let Some(first) = read(&first) else { continue };
                    deciding.0.push((first, before.as_deref().and_then(read)));
                }
                let Some((first, before)) = deciding.of(leaf) else { continue };
                draw.leaf = i64::try_from(leaf).ok();
                draw.checkpoints =
                    (Some(first.to_text()), before.as_ref().map(SignedCheckpoint::to_text));
                let checkpoint = first.checkpoint();
                seed(&checkpoint.root, checkpoint.size, &notice.hash())
            } else {
                DrawSeed::Random(self.random()?)
            };
            let (DrawSeed::Sealed(bytes) | DrawSeed::Random(bytes)) = decided;
            let salt = review.notice_salt.as_deref().unwrap_or_default();
            let frame = review.frame.as_deref().unwrap_or_default();
            match notice.draw(salt, frame, decided) {
                Ok(result) => {
                    (draw.seed, draw.day, draw.staff) = (bytes, result.day, result.staff);
                    drawn += usize::from(
                        store.keep_draw(review.review_number, &draw, when(review)).await?,
                    );
                }
                Err(error) => {
                    tracing::error!(review = review.review_number, %error, "ALARM: a draw cannot be made of its notice");
                }
            }
        }
        Ok(drawn)
    }

    /// The leaves of notices, by review, of those that have one.
    async fn leaves_of_notices(
        &self,
        tenant: &Tenant,
        reviews: &[StoredReview],
    ) -> Result<HashMap<i64, u64>, StoreError> {
        let store = &self.services.store;
        let mut together: BTreeMap<(String, Option<Timestamp>), Vec<&StoredReview>> =
            BTreeMap::new();
        for review in reviews {
            let key = (review.provider_id.clone(), review.announced_at);
            together.entry(key).or_default().push(review);
        }
        let mut by_number: HashMap<i64, i64> = HashMap::new();
        for ((provider, at), reviews) in together {
            let (Some(provider), Some(at)) = (HsaId::new(&provider), at) else { continue };
            let of_id: HashMap<String, i64> = reviews
                .iter()
                .filter_map(|review| {
                    Some((review.notice_log_id?.to_string(), review.review_number))
                })
                .collect();
            let ids: Vec<String> = of_id.keys().cloned().collect();
            for (id, number) in store.notice_numbers(tenant.id, (&provider, at), &ids).await? {
                by_number.extend(of_id.get(&id).map(|review| (number, *review)));
            }
            // Stored by a process that died before it said so.
            let there: HashSet<i64> = by_number.values().copied().collect();
            let missing = of_id.iter().filter(|(_, review)| !there.contains(review));
            for (id, review) in missing {
                let Some(record) = RecordId::new(id) else { continue };
                let found = store.number_of_id(&record).await?;
                by_number.extend(found.map(|number| (number, *review)));
            }
        }
        let numbers: Vec<i64> = by_number.keys().copied().collect();
        let leaves = store.leaves(&numbers).await?;
        let review = |(number, leaf): (i64, u64)| Some((*by_number.get(&number)?, leaf));
        Ok(leaves.into_iter().filter_map(review).collect())
    }
}
