//! Judging visits, one or several, and concluding a review.

use super::controls::AskedControl;
use super::own_records::OwnRecord;
use super::reviewing::patient_of;
use crate::domain::identity::HsaId;
use crate::domain::rejection::Rejection;
use crate::domain::review::lifecycle::{ReviewState, ReviewStep, conclusion};
use crate::domain::review::questions::DAYS;
use crate::domain::review::verdict::VerdictClass;
use crate::domain::review::visit::{AskedJudgement, checked, may_be_judged_with_others};
use crate::domain::time::local;
use crate::procedures::failure::Failure;
use crate::procedures::people::on_duty::{OnDuty, People};
use crate::store::review::cases::NewCaseEvent;
use crate::store::review::judgements::JudgedBy;
pub use crate::store::review::judgements::StoredJudgement;
use crate::store::review::reviews::StoredReview;
use crate::store::review::visits::StoredVisit;
use chrono::Days;

/// What the record of a conclusion is.
const LEVEL: &str = "granskning: avslut";

fn step(review: &StoredReview, step: ReviewStep) -> Result<(), Rejection> {
    let state = ReviewState::named(&review.state);
    let state = state.ok_or_else(|| Rejection::validation("Granskningen har ett okänt läge."))?;
    state.step(step).map(|_| ())
}

impl People {
    /// Judges a visit (R10 to R14); a remark opens a case, or goes to an open one, and a yes can open a targeted control.
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn judge_visit(
        &self,
        person: &OnDuty<'_>,
        review: &StoredReview,
        visit: &StoredVisit,
        asked: &AskedJudgement,
    ) -> Result<(), Failure> {
        step(review, ReviewStep::Judge)?;
        let facts = self.who_manages(person).await?;
        Self::may_judge(person, review, visit, &facts)?;
        checked(asked)?;
        let control = match asked.opens_control && !asked.yes.is_empty() {
            true => Some(self.control_of(person, visit, asked).await?),
            false => None,
        };
        let case = match asked.has_remark {
            true => Some(self.case_of_remark(person, review, visit, asked).await?),
            false => None,
        };
        let judgement = StoredJudgement {
            judgement: if asked.has_remark { "remark" } else { "no_remark" }.to_owned(),
            text: asked.text.trim().to_owned(),
            yes: asked.yes.iter().map(|question| i16::from(*question)).collect(),
            declined: asked.declined.trim().to_owned(),
            control,
            case_number: case,
            by_name: person.session.name.clone(),
            at: self.clock.now(),
        };
        self.keep_judgement(person, review, &[visit.visit_number], &judgement).await
    }

    /// Judges visits without remark together, of those that ask nothing (R12); how many it was.
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn judge_together(
        &self,
        person: &OnDuty<'_>,
        review: &StoredReview,
    ) -> Result<usize, Failure> {
        step(review, ReviewStep::Judge)?;
        let facts = self.who_manages(person).await?;
        let store = &self.services.store;
        let left = store.visits_of_review(review.review_number, (0, 50_000), "left").await?;
        let plain = |visit: &&StoredVisit| {
            VerdictClass::named(&visit.class)
                .is_some_and(|class| may_be_judged_with_others(class, visit.flags.len()))
                && Self::may_judge(person, review, visit, &facts).is_ok()
        };
        let visits: Vec<i64> = left.iter().filter(plain).map(|visit| visit.visit_number).collect();
        if visits.is_empty() {
            return Err(Rejection::validation(
                "Inget tillfälle kan bedömas tillsammans med andra.",
            )
            .into());
        }
        let judgement = StoredJudgement {
            judgement: "no_remark".to_owned(),
            text: String::new(),
            yes: Vec::new(),
            declined: String::new(),
            control: None,
            case_number: None,
            by_name: person.session.name.clone(),
            at: self.clock.now(),
        };
        self.keep_judgement(person, review, &visits, &judgement).await?;
        Ok(visits.len())
    }

    async fn keep_judgement(
        &self,
        person: &OnDuty<'_>,
        review: &StoredReview,
        visits: &[i64],
        judgement: &StoredJudgement,
    ) -> Result<(), Failure> {
        let session = person.session;
        let by = JudgedBy { employee: &session.employee, name: &session.name, at: judgement.at };
        let store = &self.services.store;
        match store.judge_visits(review.review_number, visits, judgement, by).await? {
            true => Ok(()),
            false => Err(Rejection::validation("Granskningen är avslutad.").into()),
        }
    }

    /// The targeted control that a yes asks for: the same user and patient, 90 days back (R14).
    async fn control_of(
        &self,
        person: &OnDuty<'_>,
        visit: &StoredVisit,
        asked: &AskedJudgement,
    ) -> Result<i64, Failure> {
        let day = local(visit.last_at).date();
        let numbers: Vec<String> = asked.yes.iter().map(|number| format!("Q{number}")).collect();
        let control = AskedControl {
            employee: HsaId::new(&visit.employee_id),
            patient: Some(patient_of(visit)),
            from: day - Days::new(DAYS),
            to: local(self.clock.now()).date(),
            reason: format!("Kontrollfråga besvarad med ja ({})", numbers.join(", ")),
        };
        Box::pin(self.open_control(person, &control)).await
    }

    /// The case of a remark, new or open (R13), with the remark told in it.
    async fn case_of_remark(
        &self,
        person: &OnDuty<'_>,
        review: &StoredReview,
        visit: &StoredVisit,
        asked: &AskedJudgement,
    ) -> Result<i64, Failure> {
        let case = match asked.case {
            Some(number) => self.open_case_of(person, number).await?,
            None => self.new_case(person, review, visit, &asked.text).await?,
        };
        let text = asked.text.trim();
        let event = NewCaseEvent {
            kind: "remark",
            text,
            visit: Some(visit.visit_number),
            ..NewCaseEvent::default()
        };
        self.tell_case(person, &case, &event).await?;
        Ok(case.case_number)
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
            let says = format!(
                "{late} tillfällen har kommit in efter att listan gjordes, och är kvar att bedöma."
            );
            return Err(Rejection::validation(says).into());
        }
        let result = conclusion(review.visits, review.judged, review.remarks)?;
        let by = &person.session.employee;
        let done = store
            .conclude_review(review.review_number, (result.name(), text.trim()), by, now)
            .await?;
        if !done {
            return Err(Rejection::validation(
                "Läget har ändrats. Ladda om sidan och försök igen.",
            )
            .into());
        }
        let words = match result.name() {
            "remark" => "med anmärkning",
            "no_remark" => "utan anmärkning",
            _ => "tom",
        };
        let record = OwnRecord {
            id: (self.new_id)(),
            unit: (review.unit_id.clone(), review.unit_name.clone()),
            level: LEVEL,
            text: format!(
                "granskning {} {}: {words}, {} tillfällen, {} med anmärkning",
                review.review_number,
                local(now).date(),
                review.visits,
                review.remarks
            ),
        };
        let provider = (&person.assignment.provider, review.provider_name.as_str());
        Ok(self.log_own(person.tenant, provider, &[record], now).await?)
    }
}
