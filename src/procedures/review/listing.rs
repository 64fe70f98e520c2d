//! The list of a review: its visits, read as they were sealed, with verdicts and control questions; frozen.

use super::flagging::TenantFacts;
use super::listed_visit::{EMERGENCY, ListedPost, ListedVisit, listed_posts, without_posts};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::log::record::LogEntry;
use crate::domain::log::report::{ReportQuestion, ReportSubject};
use crate::domain::review::calendar::{ReviewMonth, day_bounds};
use crate::domain::review::frame::sample;
use crate::domain::review::lawfulness::{RULES, of_post, verdict};
use crate::domain::review::lifecycle::{ReviewKind, late_posts};
use crate::domain::review::verdict::Remark;
use crate::domain::review::visit::{Judge, Reviewers, in_visits, judge};
use crate::domain::time::Timestamp;
use crate::procedures::failure::StoreError;
use crate::procedures::judging::{PatientRegisters, complete_from, registers_of};
use crate::procedures::people::on_duty::People;
use crate::procedures::reports::{RecordPlaces, read_records};
use crate::procedures::review::own_records::of_ours;
use crate::procedures::tenants::Tenant;
use crate::store::review::emergencies::EmergencyRow;
use crate::store::review::reviews::StoredReview;
use crate::store::review::visits::{NewVisit, StoredVisit};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Log records of one list.
const RECORDS_MAX: usize = 50_000;
/// Patients whose registers are read at one time.
const PATIENTS: usize = 500;

impl People {
    /// Freezes the visits of a review that is drawn or opened (R4 to R7). Whether it was the first to do so.
    ///
    /// # Errors
    /// Too many records, or records that cannot be shown to be as they were sealed; the store's.
    pub async fn list_review(
        &self,
        tenant: &Tenant,
        review: &StoredReview,
        facts: &TenantFacts,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let store = &self.services.store;
        let drawn = store.drawn_staff(review.review_number).await?;
        let mut visits = self.visits_for(tenant, review, facts, None).await?;
        let mut sampled = Vec::new();
        if review.mode == "sample" {
            let order: Vec<String> = drawn.into_iter().map(|row| row.employee_key).collect();
            let there: BTreeSet<&str> =
                visits.iter().map(|visit| visit.employee_key.as_str()).collect();
            let wanted = crate::domain::review::draw::sample_size(
                order.len(),
                u8::try_from(review.share_percent).unwrap_or(100),
            );
            let chosen = sample(&order, wanted, |employee| there.contains(employee));
            sampled = chosen.iter().map(|one| one.is_reviewed).collect();
            let reviewed: BTreeSet<String> =
                chosen.into_iter().filter(|one| one.is_reviewed).map(|one| one.employee).collect();
            visits.retain(|visit| reviewed.contains(&visit.employee_key));
        }
        let new = self.as_rows(tenant, review, visits, facts, false).await?;
        store.list_review(review.review_number, &new, &sampled, now).await
    }

    /// Appends visits of posts that came after the list was frozen (R7); how many.
    ///
    /// # Errors
    /// As for the list.
    pub async fn append_late(
        &self,
        tenant: &Tenant,
        review: &StoredReview,
        facts: &TenantFacts,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let store = &self.services.store;
        let Some(places) = self.places_of(tenant, review, facts).await? else {
            return Ok(0);
        };
        let (listed, staff) = tokio::try_join!(
            store.posts_of_review(review.review_number),
            store.drawn_staff(review.review_number)
        )?;
        let late = late_posts(places.numbers(), &listed);
        if late.is_empty() {
            return Ok(0);
        }
        let mut visits = self.visits_for(tenant, review, facts, Some(&late)).await?;
        if review.mode == "sample" {
            // Also those who were drawn and replaced because nothing of them was there.
            let reviewed: BTreeSet<&str> = staff
                .iter()
                .filter(|row| row.is_reviewed.is_some())
                .map(|row| row.employee_key.as_str())
                .collect();
            visits.retain(|visit| reviewed.contains(visit.employee_key.as_str()));
        }
        let new = self.as_rows(tenant, review, visits, facts, true).await?;
        if new.is_empty() {
            return Ok(0);
        }
        store.append_visits(review.review_number, &new, now).await
    }

    /// Where the records of a review are; `None`: it has no time yet.
    async fn places_of(
        &self,
        tenant: &Tenant,
        review: &StoredReview,
        facts: &TenantFacts,
    ) -> Result<Option<RecordPlaces>, StoreError> {
        let (store, own) = (&self.services.store, &self.system.0);
        let Some(provider) = HsaId::new(&review.provider_id) else { return Ok(None) };
        let Some(interval) = review.day.map(day_bounds).or(review.from_at.zip(review.to_at)) else {
            return Ok(None);
        };
        let kind = ReviewKind::named(&review.kind);
        let mut found = if let Some(ReviewKind::Systematic | ReviewKind::Emergency) = kind {
            // Whom the reviewer manages is reviewed here, whichever unit the posts name (R5).
            let reviewer = review.reviewer_id.as_deref().and_then(HsaId::new).map(|id| id.key());
            let managed =
                |key: &&String| facts.managers.get(*key) == reviewer.as_ref() && reviewer.is_some();
            let others: Vec<String> =
                review.frame.iter().flatten().filter(managed).cloned().collect();
            let of = (&provider, review.unit_key.as_str(), others.as_slice());
            store.staff_posts(tenant.id, of, interval, own, RECORDS_MAX).await?
        } else {
            let patient = review
                .patient_root
                .as_deref()
                .zip(review.patient_extension.as_deref())
                .and_then(|(root, number)| PatientId::new(root, number).ok());
            let is_of_unit = matches!(kind, Some(ReviewKind::PatientRequest | ReviewKind::Watch));
            let subject = ReportSubject::Staff {
                owner: provider,
                patient,
                user: review.subject_employee.as_deref().and_then(HsaId::new),
                unit: is_of_unit.then(|| HsaId::new(&review.unit_id)).flatten(),
            };
            // Month by month, from the first that there is: nobody's index has users.
            let parts = match subject {
                ReportSubject::Staff { patient: None, .. } => {
                    let there = store.available_records(tenant.id).await?.first_at;
                    there.map_or(Vec::new(), |first| months_of((interval.0.max(first), interval.1)))
                }
                _ => vec![interval],
            };
            let mut all: Option<RecordPlaces> = Some(RecordPlaces::default());
            for (from, to) in parts {
                let question = ReportQuestion { subject: subject.clone(), from, to };
                let found = store.find_records(tenant.id, &question, RECORDS_MAX).await?;
                all = all.zip(found).map(|(mut all, found)| {
                    all.append(found);
                    all
                });
            }
            all.filter(|all| all.len() <= RECORDS_MAX)
        };
        if let (Some(places), Some(ReviewKind::Emergency | ReviewKind::Watch)) = (&mut found, kind)
        {
            let (reviewed, _) = store.reviewed_before(review.review_number).await?;
            places.remove(&reviewed);
        }
        let rows = RECORDS_MAX as u64;
        let too_many = StoreError::RowCount { what: "the posts of a review's list", rows };
        found.map(Some).ok_or(too_many)
    }

    /// The visits of a review, or of some of its posts only.
    async fn visits_for(
        &self,
        tenant: &Tenant,
        review: &StoredReview,
        facts: &TenantFacts,
        only: Option<&BTreeSet<i64>>,
    ) -> Result<Vec<ListedVisit>, StoreError> {
        let Some(mut places) = self.places_of(tenant, review, facts).await? else {
            return Ok(Vec::new());
        };
        if let Some(only) = only {
            places.retain(&only.iter().copied().collect());
        }
        let kind = ReviewKind::named(&review.kind);
        let mut posts = self.posts_at(tenant, review, places).await?;
        let key = |post: &ListedPost| HsaId::new(&post.employee.0).map(|id| id.key());
        if kind == Some(ReviewKind::Systematic) {
            let frame: BTreeSet<&String> = review.frame.iter().flatten().collect();
            let is_all = review.mode == "all";
            posts.retain(|post| {
                let Some(key) = key(post) else { return false };
                // Whose posts came after the notice is of the unit all the same, unless another plan has them.
                let is_of_unit =
                    || post.unit == review.unit_key && !facts.is_of_another(&key, review);
                frame.contains(&key) || is_all && is_of_unit()
            });
        }
        if let Some(units) = &review.units {
            let opener = review.opened_by.as_deref().and_then(HsaId::new).map(|id| id.key());
            posts.retain(|post| {
                let manages =
                    || key(post).and_then(|key| facts.managers.get(&key)) == opener.as_ref();
                units.contains(&post.unit) || opener.is_some() && manages()
            });
        }
        if let Some(patient) = review.patient_key.as_deref() {
            posts.retain(|post| post.patient.key() == patient);
        }
        let mut visits = self.judged(tenant, posts).await?;
        if kind == Some(ReviewKind::Emergency) {
            let rows = self.emergency_rows(tenant, review).await?;
            let registered = |visit: &ListedVisit| {
                rows.iter().any(|row| {
                    PatientId::new(&row.patient_root, &row.patient_extension)
                        .is_ok_and(|patient| patient.key() == visit.patient.key())
                })
            };
            visits.retain(|visit| {
                visit.activities.iter().any(|activity| activity == EMERGENCY) || registered(visit)
            });
            // What was registered and read by nobody is listed once.
            let (_, listed) = self.services.store.reviewed_before(review.review_number).await?;
            for row in rows.iter().filter(|_| only.is_none()) {
                let new = without_posts(row, &visits);
                visits.extend(new.filter(|visit| !listed.contains(visit.patient.key())));
            }
        }
        Ok(visits)
    }

    /// What was registered as an emergency at the review's unit in its time.
    async fn emergency_rows(
        &self,
        tenant: &Tenant,
        review: &StoredReview,
    ) -> Result<Vec<EmergencyRow>, StoreError> {
        let Some(interval) = review.from_at.zip(review.to_at) else { return Ok(Vec::new()) };
        let mut rows = self.services.store.emergencies(tenant.id, interval).await?;
        rows.retain(|row| HsaId::new(&row.unit_id).is_some_and(|id| id.key() == review.unit_key));
        Ok(rows)
    }

    /// Posts as they were sealed.
    async fn posts_at(
        &self,
        tenant: &Tenant,
        review: &StoredReview,
        places: RecordPlaces,
    ) -> Result<Vec<ListedPost>, StoreError> {
        let Some(provider) = HsaId::new(&review.provider_id) else { return Ok(Vec::new()) };
        let context = self.own_context(tenant, &provider, self.clock.now());
        if let Some(interval) = places.interval() {
            self.services.trust.allows(&context.store, interval).await?;
        }
        let numbers = places.numbers().to_vec();
        let own = self.system.0.clone();
        let told = move |records: &[LogEntry<'_>]| {
            records.iter().map(|record| listed_posts(record, &own)).collect::<Vec<_>>()
        };
        let mut reading = read_records(&context, places, told).await.map_err(of_ours)?;
        let (mut numbers, mut posts) = (numbers.into_iter(), Vec::new());
        while let Some(batch) = reading.next().await? {
            for of_record in batch {
                let number = numbers.next().unwrap_or_default();
                posts.extend(of_record.into_iter().map(|post| ListedPost { number, ..post }));
            }
        }
        Ok(posts)
    }

    /// Posts as visits with their verdicts (R6, V1 to V15).
    async fn judged(
        &self,
        tenant: &Tenant,
        posts: Vec<ListedPost>,
    ) -> Result<Vec<ListedVisit>, StoreError> {
        let store = &self.services.store;
        let years = self.retention.blocks.years.min(self.retention.assertions.years);
        let complete = complete_from(store, tenant.id, years, self.clock.now()).await?;
        let keys: BTreeSet<String> =
            posts.iter().map(|post| post.patient.key().to_owned()).collect();
        let keys: Vec<String> = keys.into_iter().collect();
        let mut registers: HashMap<String, PatientRegisters> = HashMap::new();
        for some in keys.chunks(PATIENTS) {
            registers.extend(registers_of(store, tenant.id, some).await?);
        }
        let holds = |provider: &HsaId| tenant.may_hold(provider).is_ok();
        let none = PatientRegisters::default();
        let of_user =
            |post: &ListedPost| (post.employee.0.to_lowercase(), post.patient.key().to_owned());
        let visits = in_visits(posts, of_user, |post| post.at);
        let visit = |posts: Vec<ListedPost>| {
            let first = posts.first()?.clone();
            let facts = registers.get(first.patient.key()).unwrap_or(&none);
            let facts = facts.facts(complete, &holds);
            let all = posts.iter().flat_map(|post| &post.accesses);
            let verdict = of_post(all.map(|access| verdict(access, &facts)))?;
            let mut visit = ListedVisit {
                unit: first.unit,
                employee_key: HsaId::new(&first.employee.0)?.key(),
                employee_id: first.employee.0,
                employee_name: first.employee.1,
                title: first.title,
                is_own: false,
                patient: first.patient,
                patient_name: None,
                first_at: first.at,
                last_at: first.at,
                purposes: Vec::new(),
                activities: Vec::new(),
                kinds: Vec::new(),
                posts: BTreeMap::new(),
                verdict,
            };
            for post in posts {
                visit.last_at = visit.last_at.max(post.at);
                visit.patient_name = post.patient_name.or(visit.patient_name);
                visit.is_own |= post.person_key.as_deref() == Some(visit.patient.key());
                visit.purposes.push(post.purpose);
                visit.activities.push(post.activity);
                visit.kinds.extend(post.kinds);
                visit.posts.insert(post.number, post.at);
            }
            Some(visit)
        };
        Ok(visits.into_iter().filter_map(visit).collect())
    }

    /// Visits as they are kept, with their control questions, and with who judges them (R10).
    async fn as_rows(
        &self,
        tenant: &Tenant,
        review: &StoredReview,
        visits: Vec<ListedVisit>,
        facts: &TenantFacts,
        is_late: bool,
    ) -> Result<Vec<NewVisit>, StoreError> {
        let Some(provider) = HsaId::new(&review.provider_id) else { return Ok(Vec::new()) };
        let questions = self.questions_by_unit(tenant, &provider, &visits, facts).await?;
        let reviewers = reviewers_of(review, facts);
        let rows = visits.into_iter().zip(questions).map(|(visit, (flags, unanswered))| {
            let given_to = match reviewers.reviewer {
                Some(_) => judge(&visit.employee_key, &reviewers),
                None => Judge::LogAdmin,
            };
            let row = StoredVisit {
                visit_number: 0,
                is_watched: review.kind == ReviewKind::Watch.name()
                    || facts.is_watched(&provider.key(), visit.patient.key()),
                employee_id: visit.employee_id,
                employee_key: visit.employee_key,
                employee_name: visit.employee_name,
                title: visit.title,
                patient_root: visit.patient.root().to_owned(),
                patient_extension: visit.patient.extension().to_owned(),
                patient_key: visit.patient.key().to_owned(),
                patient_name: visit.patient_name,
                first_at: visit.first_at,
                last_at: visit.last_at,
                posts: i32::try_from(visit.posts.len()).unwrap_or(i32::MAX),
                class: visit.verdict.class.name().to_owned(),
                remarks: visit.verdict.remarks.iter().map(Remark::to_string).collect(),
                flags: flags.iter().map(ToString::to_string).collect(),
                unanswered: unanswered.into_iter().map(i16::from).collect(),
                rules_version: RULES,
                given_to: given_to.name().to_owned(),
                is_late,
                judgement: None,
            };
            NewVisit { visit: row, posted: visit.posts }
        });
        Ok(rows.collect())
    }
}

/// An interval in parts of a month at the most.
fn months_of((from, to): (Timestamp, Timestamp)) -> Vec<(Timestamp, Timestamp)> {
    let mut parts = Vec::new();
    let mut begins = from;
    while begins <= to {
        let next = ReviewMonth::at(begins).bounds().1;
        parts.push((begins, (next - TimeDelta::microseconds(1)).min(to)));
        begins = next;
    }
    parts
}

/// Who reviews a review's unit, by keys.
pub(super) fn reviewers_of(review: &StoredReview, facts: &TenantFacts) -> Reviewers {
    let key = |id: &Option<String>| id.as_deref().and_then(HsaId::new).map(|id| id.key());
    let reviewer = key(&review.reviewer_id);
    Reviewers {
        reviewers_manager: reviewer.as_ref().and_then(|key| facts.managers.get(key)).cloned(),
        deputy: key(&review.deputy_id),
        reviewer,
    }
}
