//! Extracts that patients have asked for, their delivery, and embargoes on what they tell.

use crate::domain::identity::{HsaId, PatientId};
use crate::domain::people::extract::Embargo;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;
use chrono::NaiveDate;
use sqlx::FromRow;
use uuid::Uuid;

/// An extract, from its request on.
#[derive(Debug, Clone, FromRow)]
pub struct StoredExtract {
    /// Which.
    pub extract_id: Uuid,
    /// The provider that makes it.
    pub provider_id: String,
    /// The patient's series and ...
    pub patient_root: String,
    /// ... number.
    pub patient_extension: String,
    /// The form that equal identities share.
    pub patient_key: String,
    /// The first day.
    pub from_on: NaiveDate,
    /// The last.
    pub to_on: NaiveDate,
    /// `patient`, `guardian`, `representative`.
    pub requester: String,
    /// Who asked, unless it is the patient.
    pub requester_name: String,
    /// How the identity was checked.
    pub identity_check: String,
    /// How a child's maturity was assessed.
    pub maturity: String,
    /// Case number.
    pub case_text: String,
    /// Whether staff are named.
    pub names: bool,
    /// Why, where it is decided each time.
    pub names_reason: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Who took the request.
    pub requested_by: String,
    /// When it was made.
    pub made_at: Option<Timestamp>,
    /// By whom.
    pub made_by: Option<String>,
    /// How many posts it has.
    pub posts: Option<i32>,
    /// Whether some were left out.
    pub embargoed: bool,
    /// SHA-256 of the rows, which its code is made of.
    pub file_hash: Option<Vec<u8>>,
    /// The size of the log that it was made of.
    pub checkpoint_size: Option<i64>,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// By whom.
    pub delivered_by: Option<String>,
    /// `collected`, `letter`.
    pub way: Option<String>,
    /// The registered letter's number.
    pub letter_number: String,
    /// The extract that it adds to.
    pub supplement_of: Option<Uuid>,
}

/// The columns of an extract.
pub(in crate::store) const COLUMNS: &str = "extract_id, provider_id, patient_root, patient_extension, patient_key, from_on, to_on, requester,
    requester_name, identity_check, maturity, case_text, names, names_reason, requested_at, requested_by, made_at, made_by,
    posts, embargoed, file_hash, checkpoint_size, delivered_at, delivered_by, way, letter_number, supplement_of";

/// What an extract turned out to be.
#[derive(Debug, Clone)]
pub struct MadeExtract<'a> {
    /// By whom.
    pub by: &'a HsaId,
    /// How many posts.
    pub posts: i32,
    /// Whether some were left out.
    pub embargoed: bool,
    /// The running numbers of the records that it was made of.
    pub entry_numbers: &'a [i64],
    /// SHA-256 of its rows.
    pub file_hash: [u8; 32],
    /// The size of the log, where it is sealed.
    pub checkpoint_size: Option<i64>,
}

/// An embargo, with who stands behind it.
#[derive(Debug, Clone, FromRow)]
pub struct StoredEmbargo {
    /// Which.
    pub embargo_number: i64,
    /// The patient's series and ...
    pub patient_root: String,
    /// ... number.
    pub patient_extension: String,
    /// Whose posts are left out.
    pub employee_id: String,
    /// Why.
    pub reason: String,
    /// Whether the extract says that later information may follow.
    pub told: bool,
    /// Who asked for it.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
    /// Who else stands behind it.
    pub approved_by: Option<String>,
    /// When.
    pub approved_at: Option<Timestamp>,
    /// Until when.
    pub until_at: Timestamp,
    /// When it was ended before.
    pub ended_at: Option<Timestamp>,
}

impl StoredEmbargo {
    /// As the rule sees it.
    ///
    /// # Errors
    /// That nobody is meant.
    pub fn embargo(&self) -> Result<Embargo, StoreError> {
        let at = Origin { table: "embargoes", row: self.embargo_number };
        Ok(Embargo {
            employee: at.hsa_id(&self.employee_id)?,
            until: self.until_at,
            approved_at: self.approved_at,
            ended_at: self.ended_at,
        })
    }
}

impl Store {
    /// Keeps the request for an extract.
    ///
    /// # Errors
    /// The store's.
    pub async fn request_extract(
        &self,
        tenant: TenantId,
        new: &StoredExtract,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* request_extract */ insert into extracts (extract_id, tenant_id, provider_id, provider_key, patient_root,
                patient_extension, patient_key, from_on, to_on, requester, requester_name, identity_check, maturity,
                case_text, names, names_reason, requested_at, requested_by, supplement_of)
             values ($1, $2, $3, lower(btrim($3)), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
             on conflict (extract_id) do nothing",
        )
        .bind(new.extract_id)
        .bind(tenant.0)
        .bind(&new.provider_id)
        .bind(&new.patient_root)
        .bind(&new.patient_extension)
        .bind(&new.patient_key)
        .bind(new.from_on)
        .bind(new.to_on)
        .bind(&new.requester)
        .bind(&new.requester_name)
        .bind(&new.identity_check)
        .bind(&new.maturity)
        .bind(&new.case_text)
        .bind(new.names)
        .bind(&new.names_reason)
        .bind(new.requested_at)
        .bind(&new.requested_by)
        .bind(new.supplement_of)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// An extract of a provider.
    ///
    /// # Errors
    /// The store's.
    pub async fn extract(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        id: Uuid,
    ) -> Result<Option<StoredExtract>, StoreError> {
        let sql = format!(
            "/* extract */ select {COLUMNS} from extracts where tenant_id = $1 and provider_key = $2 and extract_id = $3"
        );
        let found = sqlx::query_as(&sql).bind(tenant.0).bind(provider.key()).bind(id);
        Ok(found.fetch_optional(&self.pool).await?)
    }

    /// A provider's extracts that were asked for at a time or before, the latest first, without so many of them; those of one patient only, if one is named.
    ///
    /// # Errors
    /// The store's.
    pub async fn extracts(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        patient: Option<&PatientId>,
        (before, skip, most): (Timestamp, i64, i64),
    ) -> Result<Vec<StoredExtract>, StoreError> {
        let sql = format!(
            "/* extracts */ select {COLUMNS} from extracts where tenant_id = $1 and provider_key = $2
               and ($3::text is null or patient_key = $3) and requested_at <= $4
             order by requested_at desc, extract_id limit $5 offset $6"
        );
        let found = sqlx::query_as(&sql).bind(tenant.0).bind(provider.key());
        let found = found.bind(patient.map(PatientId::key)).bind(before).bind(most).bind(skip);
        Ok(found.fetch_all(&self.pool).await?)
    }

    /// How many extracts of a provider wait to be made, delivered, or supplemented because an embargo has ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn waiting_extracts(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let found = sqlx::query_scalar(
            "/* waiting_extracts */ select count(*) from extracts x
             where tenant_id = $1 and provider_key = $2 and (delivered_at is null or (embargoed
                and not exists (select from extracts s where s.supplement_of = x.extract_id)
                and not exists (select from embargoes e where e.tenant_id = x.tenant_id and e.provider_key = x.provider_key
                    and e.patient_key = x.patient_key and e.approved_by is not null and e.ended_at is null
                    and e.until_at > $3)))",
        );
        Ok(found.bind(tenant.0).bind(provider.key()).bind(now).fetch_one(&self.pool).await?)
    }

    /// An extract has been made: what it says of itself is kept from its first making on.
    ///
    /// # Errors
    /// The store's.
    pub async fn extract_is_made(
        &self,
        id: Uuid,
        made: &MadeExtract<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* extract_is_made */ update extracts set made_at = $2, made_by = $3, posts = $4, embargoed = $5, file_hash = $6,
                checkpoint_size = $7, entry_numbers = $8 where extract_id = $1 and made_at is null",
        )
        .bind(id)
        .bind(now)
        .bind(made.by.as_str())
        .bind(made.posts)
        .bind(made.embargoed)
        .bind(made.file_hash.as_slice())
        .bind(made.checkpoint_size)
        .bind(made.entry_numbers)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The running numbers of the records that an extract was made of; `None`: it is not made.
    ///
    /// # Errors
    /// The store's.
    pub async fn extract_entries(&self, id: Uuid) -> Result<Option<Vec<i64>>, StoreError> {
        let found = sqlx::query_scalar(
            "/* extract_entries */ select entry_numbers from extracts where extract_id = $1",
        );
        let found: Option<Option<Vec<i64>>> = found.bind(id).fetch_optional(&self.pool).await?;
        Ok(found.flatten())
    }

    /// The root of the log at a size that has a checkpoint, and since when it has it.
    ///
    /// # Errors
    /// The store's.
    pub async fn root_at(&self, size: i64) -> Result<Option<(Vec<u8>, Timestamp)>, StoreError> {
        let found = sqlx::query_as(
            "/* root_at */ select root, integrated_at from log_checkpoints where size = $1",
        );
        Ok(found.bind(size).fetch_optional(&self.pool).await?)
    }

    /// An extract has been delivered; `false`: it was already, or is not made.
    ///
    /// # Errors
    /// The store's.
    pub async fn deliver_extract(
        &self,
        id: Uuid,
        by: &HsaId,
        (way, letter): (&str, &str),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "/* deliver_extract */ update extracts set delivered_at = $2, delivered_by = $3, way = $4, letter_number = $5
             where extract_id = $1 and delivered_at is null and made_at is not null",
        )
        .bind(id)
        .bind(now)
        .bind(by.as_str())
        .bind(way)
        .bind(letter)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// A provider's embargoes on a patient's extracts, or all of them.
    ///
    /// # Errors
    /// The store's.
    pub async fn embargoes(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        patient: Option<&PatientId>,
    ) -> Result<Vec<StoredEmbargo>, StoreError> {
        let found = sqlx::query_as(
            "/* embargoes */ select embargo_number, patient_root, patient_extension, employee_id, reason, told, asked_by,
                asked_at, approved_by, approved_at, until_at, ended_at from embargoes
             where tenant_id = $1 and provider_key = $2 and ($3::text is null or patient_key = $3)
             order by embargo_number desc limit 500",
        );
        let found = found.bind(tenant.0).bind(provider.key()).bind(patient.map(PatientId::key));
        Ok(found.fetch_all(&self.pool).await?)
    }

    /// Asks for an embargo; it holds when somebody else has approved it. One that stands already is left as it is.
    ///
    /// # Errors
    /// The store's.
    pub async fn ask_embargo(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        patient: &PatientId,
        new: (&HsaId, &str, bool, &HsaId),
        (now, until): (Timestamp, Timestamp),
    ) -> Result<(), StoreError> {
        let (employee, reason, told, asked_by) = new;
        sqlx::query(
            "/* ask_embargo */ insert into embargoes (tenant_id, provider_key, patient_root, patient_extension, patient_key,
                employee_id, employee_key, reason, told, asked_by, asked_at, until_at)
             select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 where not exists (
                select from embargoes where tenant_id = $1 and provider_key = $2 and patient_key = $5 and employee_key = $7
                    and ended_at is null and until_at > $11)",
        )
        .bind(tenant.0)
        .bind(provider.key())
        .bind(patient.root())
        .bind(patient.extension())
        .bind(patient.key())
        .bind(employee.as_str())
        .bind(employee.key())
        .bind(reason)
        .bind(told)
        .bind(asked_by.as_str())
        .bind(now)
        .bind(until)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Somebody else stands behind an embargo, or ends it; `false`: nothing was to be done, or it was the one who asked.
    ///
    /// # Errors
    /// The store's.
    pub async fn settle_embargo(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        (number, ends): (i64, bool),
        by: &HsaId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = match ends {
            false => {
                "/* approve_embargo */ update embargoes set approved_by = $4, approved_at = $5
                 where tenant_id = $1 and provider_key = $2 and embargo_number = $3 and approved_by is null
                   and ended_at is null and lower(btrim(asked_by)) <> lower(btrim($4))
                   and employee_key <> lower(btrim($4))"
            }
            true => {
                "/* end_embargo */ update embargoes set ended_by = $4, ended_at = $5
                 where tenant_id = $1 and provider_key = $2 and embargo_number = $3 and ended_at is null
                   and employee_key <> lower(btrim($4))"
            }
        };
        let done = sqlx::query(sql).bind(tenant.0).bind(provider.key()).bind(number);
        let done = done.bind(by.as_str()).bind(now).execute(&self.pool).await?;
        Ok(done.rows_affected() == 1)
    }
}
