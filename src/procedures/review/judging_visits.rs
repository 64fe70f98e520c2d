//! Judging visits, one or several, and concluding a review.

use super::controls::{AskedControl, due};
use super::own_records::OwnRecord;
use super::reviewing::patient_of;
use crate::domain::identity::{HsaId, RecordId, is_blank};
use crate::domain::rejection::Rejection;
use crate::domain::review::lifecycle::{ReviewState, ReviewStep, conclusion};
use crate::domain::review::questions::DAYS;
use crate::domain::review::verdict::VerdictClass;
use crate::domain::review::visit::{AskedJudgement, checked, may_be_judged_with_others};
use crate::domain::time::{Timestamp, local};
use crate::procedures::failure::{EachAlone, Failure, StoreError};
use crate::procedures::people::on_duty::{OnDuty, People};
use crate::procedures::tenants::Tenant;
use crate::store::review::cases::NewCase;
pub use crate::store::review::judgements::StoredJudgement;
use crate::store::review::judgements::{CaseOfRemark, JudgedBy, NewJudgement, UnsealedConclusion};
use crate::store::review::openings::NewReview;
use crate::store::review::reviews::StoredReview;
use crate::store::review::visits::StoredVisit;
use chrono::{Days, TimeDelta};

/// What the record of a conclusion is.
const LEVEL: &str = "granskning: avslut";
/// So long ago a conclusion may be sealed though nobody has said so.
const MEANWHILE: TimeDelta = TimeDelta::seconds(30);
/// Characters of a case's title.
const TITLE_CHARS: usize = 120;

fn step(review: &StoredReview, step: ReviewStep) -> Result<(), Rejection> {
    let state = ReviewState::named(&review.state);
    let state = state.ok_or_else(|| Rejection::validation("Granskningen har ett okänt läge."))?;
    state.step(step).map(|_| ())
}

/// Somebody else was quicker.
fn stale() -> Failure {
    let says =
        "Tillfället, ärendet eller granskningen har ändrats. Ladda om sidan och försök igen.";
    Rejection::validation(says).into()
}

impl People {
    /// Judges a visit (R10 to R14); a remark opens a case, or goes to an open one, and a yes can open a targeted control. `seen`
    /// is the number of its last judgement when it was looked at, 0 if it had none.
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn judge_visit(
        &self,
        person: &OnDuty<'_>,
        review: &StoredReview,
        visit: &StoredVisit,
        (asked, seen): (&AskedJudgement, i64),
    ) -> Result<(), Failure> {
        step(review, ReviewStep::Judge)?;
        let managers = self.who_manages(person, review).await?;
        Self::may_judge(person, review, visit, &managers)?;
        checked(asked)?;
        let store = &self.services.store;
        let last = store.judgements(visit.visit_number).await?;
        if last.first().map_or(0, |last| last.judgement_number) != seen {
            return Err(stale());
        }
        let had_remark = visit.judgement.as_deref() == Some("remark");
        if had_remark && !asked.has_remark && is_blank(&asked.text) {
            let says = "Skriv varför anmärkningen tas tillbaka.";
            return Err(Rejection::validation(says).into());
        }
        let (now, session) = (self.clock.now(), person.session);
        let judgement = StoredJudgement {
            judgement_number: 0,
            judgement: if asked.has_remark { "remark" } else { "no_remark" }.to_owned(),
            text: asked.text.trim().to_owned(),
            yes: asked.yes.iter().map(|question| i16::from(*question)).collect(),
            declined: asked.declined.trim().to_owned(),
            control: None,
            case_number: None,
            by_name: session.name.clone(),
            at: now,
        };
        let title: String =
            judgement.text.lines().next().unwrap_or_default().chars().take(TITLE_CHARS).collect();
        let case = match (asked.has_remark, asked.case) {
            (false, _) => CaseOfRemark::None,
            (true, Some(number)) => {
                CaseOfRemark::Open(self.open_case_of(person, number).await?.case_number)
            }
            (true, None) => CaseOfRemark::New(NewCase {
                provider: person.assignment.provider.as_str(),
                unit: (&review.unit_id, &review.unit_name),
                employee: &visit.employee_id,
                title: &title,
            }),
        };
        let control = match asked.opens_control {
            true => Some((self.control_of(person, visit, asked).await?, due(local(now).date()))),
            false => None,
        };
        let opens = control.is_some();
        let new = NewJudgement {
            review: review.review_number,
            visit: visit.visit_number,
            seen,
            judgement,
            patient: &visit.patient_key,
            case,
            control,
        };
        let by = JudgedBy { employee: &session.employee, name: &session.name, at: now };
        if !store.judge_visit(person.tenant.id, &new, by).await? {
            return Err(stale());
        }
        self.mend_holds(person.tenant, now).await?;
        if opens {
            let kept = store.judgements(visit.visit_number).await?;
            if let Some(control) = kept.first().and_then(|kept| kept.control) {
                self.list_now(person, control).await?;
            }
        }
        Ok(())
    }

    /// Judges some visits without remark together, of those that ask nothing (R12); how many it was.
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn judge_together(
        &self,
        person: &OnDuty<'_>,
        review: &StoredReview,
        visits: &[StoredVisit],
    ) -> Result<usize, Failure> {
        step(review, ReviewStep::Judge)?;
        let managers = self.who_manages(person, review).await?;
        let plain = |visit: &&StoredVisit| {
            VerdictClass::named(&visit.class)
                .is_some_and(|class| may_be_judged_with_others(class, visit.flags.len()))
                && Self::may_judge(person, review, visit, &managers).is_ok()
        };
        let visits: Vec<i64> =
            visits.iter().filter(plain).map(|visit| visit.visit_number).collect();
        if visits.is_empty() {
            return Err(Rejection::validation(
                "Inget tillfälle kan bedömas tillsammans med andra.",
            )
            .into());
        }
        let now = self.clock.now();
        let judgement = StoredJudgement {
            judgement_number: 0,
            judgement: "no_remark".to_owned(),
            text: String::new(),
            yes: Vec::new(),
            declined: String::new(),
            control: None,
            case_number: None,
            by_name: person.session.name.clone(),
            at: now,
        };
        let session = person.session;
        let by = JudgedBy { employee: &session.employee, name: &session.name, at: now };
        let store = &self.services.store;
        let done = store.judge_together(review.review_number, &visits, &judgement, by).await?;
        Ok(done.ok_or_else(|| Rejection::validation("Granskningen är avslutad."))?)
    }

    /// The targeted control that a yes asks for: the same user and patient, 90 days back (R14).
    async fn control_of(
        &self,
        person: &OnDuty<'_>,
        visit: &StoredVisit,
        asked: &AskedJudgement,
    ) -> Result<NewReview, Failure> {
        let day = local(visit.last_at).date();
        let numbers: Vec<String> = asked.yes.iter().map(|number| format!("Q{number}")).collect();
        let control = AskedControl {
            employee: HsaId::new(&visit.employee_id),
            patient: Some(patient_of(visit)),
            from: day - Days::new(DAYS),
            to: local(self.clock.now()).date(),
            reason: match numbers.is_empty() {
                true => "Efter bedömning av ett tillfälle".to_owned(),
                false => format!("Kontrollfråga besvarad med ja ({})", numbers.join(", ")),
            },
            opening: None,
        };
        self.new_control(person, &control).await
    }

    /// The judgements of a visit, the latest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn judgements(&self, visit: &StoredVisit) -> Result<Vec<StoredJudgement>, Failure> {
        Ok(self.services.store.judgements(visit.visit_number).await?)
    }

    /// Concludes a review all of whose visits are judged, and seals that (R15). Posts that came late are appended first, and are
    /// judged before (R7).
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn conclude(
        &self,
        person: &OnDuty<'_>,
        review: &StoredReview,
        text: &str,
    ) -> Result<(), Failure> {
        step(review, ReviewStep::Conclude)?;
        let (store, now) = (&self.services.store, self.clock.now());
        let own = person.session.employee.key();
        let is_reviewer = [&review.reviewer_id, &review.deputy_id]
            .iter()
            .any(|id| id.as_deref().and_then(HsaId::new).is_some_and(|id| id.key() == own));
        if !is_reviewer && !Self::is_log_admin(person) {
            return Err(
                Rejection::validation("Granskningen avslutas av enhetens granskare.").into()
            );
        }
        let facts = self.tenant_facts(person.tenant, now).await?;
        let late = self.append_late(person.tenant, review, &facts, now).await?;
        if late > 0 {
            let visits = if late == 1 { "tillfälle" } else { "tillfällen" };
            let says = format!(
                "{late} {visits} har kommit in efter att listan gjordes, och är kvar att bedöma."
            );
            return Err(Rejection::validation(says).into());
        }
        let result = conclusion(review.visits, review.judged, review.remarks)?;
        let (by, id) = (&person.session.employee, (self.new_id)());
        let concluded = (result.name(), text.trim(), id);
        if !store.conclude_review(review.review_number, concluded, by, now).await? {
            return Err(Rejection::validation(
                "Läget har ändrats. Ladda om sidan och försök igen.",
            )
            .into());
        }
        // What is not sealed now the next round seals.
        if let Err(error) = self.seal_conclusions(person.tenant, now).await {
            tracing::error!(%error, "conclusions are not sealed yet");
        }
        Ok(())
    }

    /// Seals conclusions that are not sealed yet (R15).
    ///
    /// # Errors
    /// The store's.
    pub async fn seal_conclusions(
        &self,
        tenant: &Tenant,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut each = EachAlone::default();
        for concluded in self.services.store.unsealed_conclusions(tenant.id).await? {
            if !each.goes_on(self.seal_conclusion(tenant, concluded, now).await) {
                break;
            }
        }
        each.done()
    }

    async fn seal_conclusion(
        &self,
        tenant: &Tenant,
        concluded: UnsealedConclusion,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (store, id) = (&self.services.store, concluded.conclusion_log_id);
        let is_stored = match RecordId::new(&id.to_string()) {
            // A process that died may have stored it.
            Some(record) if now - concluded.concluded_at > MEANWHILE => {
                store.number_of_id(&record).await?.is_some()
            }
            _ => false,
        };
        let Some(provider) = HsaId::new(&concluded.provider_id) else { return Ok(()) };
        if !is_stored {
            let words = match concluded.result.as_str() {
                "remark" => "med anmärkning",
                "no_remark" => "utan anmärkning",
                _ => "tom",
            };
            let record = OwnRecord {
                id,
                unit: (concluded.unit_id, concluded.unit_name),
                level: LEVEL,
                text: format!(
                    "granskning {} {}: {words}, {} tillfällen, {} med anmärkning",
                    concluded.review_number,
                    local(concluded.concluded_at).date(),
                    concluded.visits,
                    concluded.remarks
                ),
            };
            let of = (&provider, concluded.provider_name.as_str());
            self.log_own(tenant, of, &[record], concluded.concluded_at).await?;
        }
        store.conclusion_is_sealed(concluded.review_number, now).await
    }
}
