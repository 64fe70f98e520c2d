//! What blocks and consents would do: to visits that were, to somebody who would look.

use super::facts::{block_of, without_how};
use super::on_duty::{OnDuty, People};
use crate::domain::access::{Access, may_read};
use crate::domain::blocking::block::{Block, Information, is_blocked};
use crate::domain::consent::assertion::Assertion;
use crate::domain::identity::{AccessingActor, HsaId, PatientId};
use crate::domain::period::Period;
use crate::domain::time::Moment;
use crate::procedures::failure::Failure;
use crate::store::people::readings::Visits;
use chrono::TimeDelta;

/// Whether somebody would see something, and what decides.
#[derive(Debug)]
pub struct Tried {
    /// The answer.
    pub access: Access,
    /// Blocks that close.
    pub biting: Vec<Block>,
    /// Assertions that open.
    pub opening: Vec<Assertion>,
    /// Whether assertions were looked at: those at other care providers are not this one's to see.
    pub knows_assertions: bool,
}

impl People {
    /// How many visits of the last ninety days blocks would have stopped, by the unit that they came from.
    ///
    /// # Errors
    /// The store's.
    pub async fn stopped_visits(
        &self,
        person: &OnDuty<'_>,
        patient: &PatientId,
        blocks: &[Block],
    ) -> Result<Vec<(String, i64)>, Failure> {
        let (provider, now) = (&person.assignment.provider, self.clock.now());
        let store = &self.services.store;
        let since = now - TimeDelta::days(90);
        let visits = store.visits(person.tenant.id, patient, provider, since).await?;
        let mut stopped: Vec<(String, i64)> = Vec::new();
        for visit in visits {
            let Some(actor) = actor_of(&visit) else { continue };
            let holder = visit.holder_unit_id.as_deref().and_then(HsaId::new);
            let information = Information {
                period: Period::default(),
                care_unit: holder.unwrap_or_else(|| provider.clone()),
                care_provider: provider.clone(),
                information_type: None,
            };
            let now = Moment::Now(now);
            if is_blocked(blocks, patient, &information, &actor, now) {
                let name = visit.care_unit_name.unwrap_or_else(|| visit.care_unit_id.clone());
                match stopped.iter_mut().find(|(own, _)| *own == name) {
                    Some((_, count)) => *count += visit.visits,
                    None => stopped.push((name, visit.visits)),
                }
            }
        }
        Ok(stopped)
    }

    /// Whether somebody at a unit would see, or would have seen, a unit's information at a moment.
    ///
    /// # Errors
    /// The store's.
    pub async fn would_see(
        &self,
        person: &OnDuty<'_>,
        patient: &PatientId,
        (actor, information): (&AccessingActor, &Information),
        moment: Moment,
    ) -> Result<Tried, Failure> {
        let (context, tenant) = (self.context(person, "pages"), person.tenant.id);
        let (store, of) = (&context.store, &actor.care_provider);
        let histories = store.block_histories(tenant, &information.care_provider, patient).await?;
        let blocks: Vec<Block> = histories.it.iter().map(block_of).collect();
        let knows_assertions = context.about(of).is_ok();
        let assertions: Vec<Assertion> = match knows_assertions {
            true => {
                let found = store.assertion_histories(tenant, patient, Some(of)).await?;
                found.it.iter().map(|history| without_how(&history.assertion)).collect()
            }
            false => Vec::new(),
        };
        let access = may_read(patient, information, actor, &blocks, &assertions, moment);
        let biting = blocks.into_iter().filter(|b| b.bites(patient, information, actor, moment));
        let opening = assertions.into_iter().filter(|a| a.opens(patient, actor, moment));
        Ok(Tried { access, biting: biting.collect(), opening: opening.collect(), knows_assertions })
    }
}

/// Somebody of the unit that a visit came from.
fn actor_of(visit: &Visits) -> Option<AccessingActor> {
    Some(AccessingActor {
        employee: HsaId::new("somebody there")?,
        care_provider: HsaId::new(&visit.care_provider_id)?,
        care_unit: HsaId::new(&visit.care_unit_id)?,
    })
}
