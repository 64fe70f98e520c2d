//! The patient's extract: asked for, made of records as they were sealed, delivered, followed up.

use super::extract_file::{code_of, hash_of};
use super::looking::Viewed;
use super::on_duty::{OnDuty, People};
use crate::domain::consent::assertion::{Assertion, AssertionType, opens};
use crate::domain::identity::{AccessingActor, HsaId, PatientId};
use crate::domain::log::record::LogEntry;
use crate::domain::log::report::{ReportQuestion, ReportSubject};
use crate::domain::people::extract::{self, Embargo, ExtractLine, Requester};
use crate::domain::people::number;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Ambiguous, Moment, Timestamp, instant, local};
use crate::procedures::failure::{Failure, StoreError};
use crate::procedures::reports::read_records;
use crate::procedures::seal::log_seal::LogSeal;
use crate::store::people::extracts::MadeExtract;
pub use crate::store::people::extracts::{StoredEmbargo, StoredExtract};
use chrono::{Days, NaiveDate};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long the file of proofs waits for the signature over its rows: in steps, and so many of them.
const SEALED_STEP: Duration = Duration::from_millis(250);
const SEALED_WITHIN: usize = 32;
/// Records of one extract.
const RECORDS_MAX: usize = 50_000;

/// What an extract holds.
#[derive(Debug, Clone)]
pub struct ExtractContent {
    /// Its rows, in order of time.
    pub rows: Vec<ExtractLine>,
    /// The running numbers of the records that it was made of, left out ones among them.
    pub numbers: Vec<i64>,
    /// Whether an investigation's posts are left out.
    pub embargoed: bool,
    /// Whether it says that later information may follow (E6).
    pub says_later: bool,
    /// Until when the log was read.
    pub read_at: Timestamp,
    /// SHA-256 of its rows.
    pub hash: [u8; 32],
    /// Name, size, root and time of the log that it was read from, where that is sealed.
    pub checkpoint: Option<ExtractCheckpoint>,
}

/// The checkpoint that an extract names (E8).
#[derive(Debug, Clone)]
pub struct ExtractCheckpoint {
    /// The log's name.
    pub origin: String,
    /// Its size.
    pub size: u64,
    /// Its root, in hexadecimal.
    pub root: String,
    /// When it was made.
    pub at: Option<Timestamp>,
}

impl ExtractContent {
    /// A code that people can compare: five groups of four.
    pub fn code(&self) -> String {
        code_of(&self.hash)
    }
}

impl People {
    /// Takes the request for an extract (E2, E4, E7).
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn request_extract(
        &self,
        person: &OnDuty<'_>,
        patient: &PatientId,
        mut new: StoredExtract,
    ) -> Result<(), Failure> {
        let today = local(self.clock.now()).date();
        let requester = Requester::named(&new.requester)
            .ok_or_else(|| Rejection::validation("Välj vem som begär utdraget."))?;
        extract::may_have(requester, number::age_of(patient, today), &new.maturity)?;
        let policy = self.names_of(&person.assignment.provider);
        new.names = extract::names(policy, new.names, &new.names_reason)?;
        if requester != Requester::Patient && new.requester_name.trim().is_empty() {
            return Err(Rejection::validation("Skriv namnet på den som begär utdraget.").into());
        }
        if new.to_on > today {
            return Err(Rejection::validation("Perioden ligger framåt i tiden.").into());
        }
        if new.identity_check.trim().is_empty() {
            return Err(Rejection::validation("Skriv hur identiteten har kontrollerats.").into());
        }
        if new.to_on < new.from_on {
            return Err(Rejection::validation("Perioden slutar innan den börjar.").into());
        }
        Ok(self.services.store.request_extract(person.tenant.id, &new).await?)
    }

    /// An extract of the person's provider.
    ///
    /// # Errors
    /// The store's.
    pub async fn extract(
        &self,
        person: &OnDuty<'_>,
        id: Uuid,
    ) -> Result<Option<StoredExtract>, Failure> {
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        Ok(self.services.store.extract(tenant, provider, id).await?)
    }

    /// The provider's extracts, the latest first; those about one patient only, if one is named.
    ///
    /// # Errors
    /// The store's.
    pub async fn extracts(
        &self,
        person: &OnDuty<'_>,
        patient: Option<&PatientId>,
        (before, skip): (Timestamp, i64),
    ) -> Result<Vec<StoredExtract>, Failure> {
        let (tenant, provider) = (person.tenant.id, &person.assignment.provider);
        let page = (before, skip, super::facts::PAGE_ROWS);
        Ok(self.services.store.extracts(tenant, provider, patient, page).await?)
    }

    /// Reads what an extract holds: what lay in the log when it was made, or now.
    ///
    /// # Errors
    /// That it would be too long, or cannot be shown to be as it was sealed; the store's.
    pub async fn extract_content(
        &self,
        person: &OnDuty<'_>,
        asked: &StoredExtract,
        viewed: &Viewed,
    ) -> Result<ExtractContent, Failure> {
        let context = self.context(person, "pages");
        let (store, tenant) = (&context.store, person.tenant.id);
        let provider = person.assignment.provider.clone();
        let patient = patient_of(asked);
        let (from, last) = bounds(asked.from_on, asked.to_on);
        // What comes after its making is not in it, so that its code stays.
        let read_at = asked.made_at.unwrap_or(viewed.at);
        let to = last.min(read_at).max(from);
        let question = ReportQuestion::new(ReportSubject::Patient(patient.clone()), from, to)?;
        let too_many = || {
            Rejection::validation(format!(
                "Perioden har fler än {RECORDS_MAX} loggposter. Dela den i flera utdrag."
            ))
        };
        let mut places =
            store.find_records(tenant, &question, RECORDS_MAX).await?.ok_or_else(too_many)?;
        if let Some(numbers) = store.extract_entries(asked.extract_id).await? {
            // What reaches the log later belongs to the next extract.
            places.retain(&numbers.into_iter().collect());
        }
        let numbers = places.numbers().to_vec();
        self.services.trust.allows(store, (from, to)).await?;
        let (embargoes, histories) = tokio::join!(
            store.embargoes(tenant, &provider, Some(&patient)),
            store.assertion_histories(tenant, &patient, None),
        );
        let embargoes = embargoes?;
        let holding: Vec<HsaId> = embargoes
            .iter()
            .map(StoredEmbargo::embargo)
            .collect::<Result<Vec<Embargo>, StoreError>>()?
            .into_iter()
            .filter(|embargo| embargo.holds(read_at))
            .map(|embargo| embargo.employee)
            .collect();
        let assertions: Arc<Vec<Assertion>> = Arc::new(
            histories?.it.iter().map(|h| super::facts::without_how(&h.assertion)).collect(),
        );
        let (names, key) = (asked.names, patient.key().to_owned());
        let held = holding.clone();
        let made = move |records: &[LogEntry<'_>]| {
            let mut rows = Vec::with_capacity(records.len());
            let mut left_out = false;
            for record in records {
                let user = HsaId::new(record.user.id);
                if user.is_some_and(|user| held.contains(&user)) {
                    left_out = true;
                    continue;
                }
                let opened = |record: &LogEntry<'_>| opened(&assertions, &patient, record);
                rows.extend(extract::rows(record, &key, &provider, names, opened));
            }
            (rows, left_out)
        };
        let mut reading = read_records(&context, places, made).await?;
        let (mut rows, mut embargoed) = (Vec::new(), false);
        while let Some((batch, left_out)) = reading.next().await? {
            rows.extend(batch);
            embargoed |= left_out;
        }
        let told = embargoes.iter().any(|e| e.told && e.embargo().is_ok_and(|e| e.holds(read_at)));
        let checkpoint = self.checkpoint_of(asked).await?;
        let hash = hash_of(&rows);
        let says_later = told && embargoed;
        Ok(ExtractContent { rows, numbers, embargoed, says_later, read_at, hash, checkpoint })
    }

    /// Waits until what lies in the log now is signed, for a bounded time: every row has its proof then.
    ///
    /// # Errors
    /// The store's.
    pub async fn until_sealed(&self) -> Result<(), Failure> {
        let Some(seal) = self.services.trust.seal.as_ref() else { return Ok(()) };
        let signed = || seal.anchor().map_or(0, |signed| signed.checkpoint().size);
        if signed() == 0 {
            return Ok(());
        }
        let store = &self.services.store;
        let size = u64::try_from(store.size_to_come().await?).unwrap_or_default();
        for _ in 0..SEALED_WITHIN {
            if signed() >= size {
                break;
            }
            tokio::time::sleep(SEALED_STEP).await;
        }
        Ok(())
    }

    /// The log that an extract was made of, or is.
    async fn checkpoint_of(
        &self,
        asked: &StoredExtract,
    ) -> Result<Option<ExtractCheckpoint>, Failure> {
        let hex = |root: &[u8]| root.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let signed = self.services.trust.seal.as_ref().and_then(LogSeal::anchor);
        let mut checkpoint = signed.map(|signed| ExtractCheckpoint {
            origin: signed.checkpoint().origin.clone(),
            size: signed.checkpoint().size,
            root: hex(&signed.checkpoint().root),
            at: None,
        });
        if let Some(named) = &mut checkpoint {
            let size = asked.checkpoint_size.or(i64::try_from(named.size).ok()).unwrap_or_default();
            if let Some((root, at)) = self.services.store.root_at(size).await? {
                named.size = u64::try_from(size).unwrap_or_default();
                (named.root, named.at) = (hex(&root), Some(at));
            }
        }
        Ok(checkpoint)
    }

    /// Asks for what was left out of an extract that has been delivered, once nothing is left out any more (E6).
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn supplement(
        &self,
        person: &OnDuty<'_>,
        of: &StoredExtract,
    ) -> Result<Uuid, Failure> {
        let (tenant, provider, now) =
            (person.tenant.id, &person.assignment.provider, self.clock.now());
        if !of.embargoed || of.delivered_at.is_none() {
            let says = "Utdraget har inget att komplettera, eller är inte utlämnat än.";
            return Err(Rejection::validation(says).into());
        }
        let held = self.services.store.embargoes(tenant, provider, Some(&patient_of(of))).await?;
        for embargo in held {
            if embargo.embargo()?.holds(now) {
                let says = "Embargot gäller än. Det kompletterande utdraget tas fram när det har tagit slut.";
                return Err(Rejection::validation(says).into());
            }
        }
        let extract_id = (self.new_id)();
        let new = StoredExtract {
            extract_id,
            requested_at: now,
            requested_by: person.session.employee.as_str().to_owned(),
            supplement_of: Some(of.extract_id),
            ..of.clone()
        };
        self.services.store.request_extract(tenant, &new).await?;
        Ok(extract_id)
    }

    /// Keeps what an extract turned out to be (E8).
    ///
    /// # Errors
    /// The store's.
    pub async fn extract_is_made(
        &self,
        person: &OnDuty<'_>,
        asked: &StoredExtract,
        content: &ExtractContent,
    ) -> Result<(), Failure> {
        let size = content.checkpoint.as_ref().and_then(|c| i64::try_from(c.size).ok());
        let made = MadeExtract {
            by: &person.session.employee,
            posts: i32::try_from(content.rows.len()).unwrap_or(i32::MAX),
            embargoed: content.embargoed,
            entry_numbers: &content.numbers,
            file_hash: content.hash,
            checkpoint_size: size,
        };
        let store = &self.services.store;
        Ok(store.extract_is_made(asked.extract_id, &made, content.read_at).await?)
    }

    /// An extract has been handed over, or sent (E2).
    ///
    /// # Errors
    /// Why it is refused, or the store's.
    pub async fn deliver_extract(
        &self,
        person: &OnDuty<'_>,
        asked: &StoredExtract,
        (way, letter): (&str, &str),
    ) -> Result<(), Failure> {
        let refused = |text: &'static str| Err(Rejection::validation(text).into());
        match way {
            "letter" if letter.trim().is_empty() => {
                return refused("Skriv det rekommenderade brevets nummer.");
            }
            "letter" | "collected" => {}
            _ => return refused("Välj hur utdraget lämnades ut."),
        }
        let (store, now) = (&self.services.store, self.clock.now());
        let by = &person.session.employee;
        match store.deliver_extract(asked.extract_id, by, (way, letter.trim()), now).await? {
            true => Ok(()),
            false => refused("Utdraget är redan utlämnat, eller inte framställt än."),
        }
    }
}

/// Which assertion opened other providers' information to whom had access, as the register stood then.
fn opened(
    assertions: &[Assertion],
    patient: &PatientId,
    record: &LogEntry<'_>,
) -> Option<AssertionType> {
    let actor = AccessingActor {
        employee: HsaId::new(record.user.id)?,
        care_provider: HsaId::new(record.care_provider.id)?,
        care_unit: HsaId::new(record.care_unit.id)?,
    };
    opens(assertions, patient, &actor, Moment::Then(record.activity_at))
}

fn patient_of(asked: &StoredExtract) -> PatientId {
    let (root, extension) = (asked.patient_root.clone(), asked.patient_extension.clone());
    PatientId::kept(root, extension, asked.patient_key.clone())
}

/// The first and last instant of some Swedish days.
pub fn bounds(from: NaiveDate, to: NaiveDate) -> (Timestamp, Timestamp) {
    let next = to.checked_add_days(Days::new(1)).unwrap_or(to);
    let ends = instant(next.into(), Ambiguous::Earlier) - chrono::TimeDelta::microseconds(1);
    (instant(from.into(), Ambiguous::Earlier), ends)
}
