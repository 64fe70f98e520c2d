//! Patients that somebody has looked up: pages are addressed by the look-up, never by the patient.

use crate::domain::identity::PatientId;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use sqlx::FromRow;
use uuid::Uuid;

/// Look-ups of one login that are kept; the oldest goes first.
const KEPT: i64 = 200;

/// A look-up.
#[derive(Debug, Clone)]
pub struct StoredLookup {
    /// Its id.
    pub id: Uuid,
    /// Whom it is about.
    pub patient: PatientId,
    /// What for: `present`, `request`, `correction`, `other`.
    pub matter: String,
    /// A case number, or what else is said.
    pub case_text: String,
    /// Until when it shows which other providers have blocked.
    pub named_until: Option<Timestamp>,
}

#[derive(FromRow)]
struct LookupRow {
    patient_root: String,
    patient_extension: String,
    patient_key: String,
    matter: String,
    case_text: String,
    named_until: Option<Timestamp>,
}

impl Store {
    /// Keeps a look-up of a login.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep_lookup(
        &self,
        session: i64,
        lookup: &StoredLookup,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "/* sweep_lookups */ delete from admin_lookups where lookup_id in (select lookup_id from admin_lookups
                where session_number = $1 order by made_at desc offset $2)",
        )
        .bind(session)
        .bind(KEPT - 1)
        .execute(&self.pool)
        .await?;
        sqlx::query(
            "/* keep_lookup */ insert into admin_lookups (lookup_id, session_number, patient_root, patient_extension,
                patient_key, matter, case_text, made_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(lookup.id)
        .bind(session)
        .bind(lookup.patient.root())
        .bind(lookup.patient.extension())
        .bind(lookup.patient.key())
        .bind(&lookup.matter)
        .bind(&lookup.case_text)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A look-up of this login; another login's does not exist.
    ///
    /// # Errors
    /// The store's.
    pub async fn lookup(&self, session: i64, id: Uuid) -> Result<Option<StoredLookup>, StoreError> {
        let row: Option<LookupRow> = sqlx::query_as(
            "/* lookup */ select patient_root, patient_extension, patient_key, matter, case_text, named_until
             from admin_lookups where session_number = $1 and lookup_id = $2",
        )
        .bind(session)
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| StoredLookup {
            id,
            patient: PatientId::kept(row.patient_root, row.patient_extension, row.patient_key),
            matter: row.matter,
            case_text: row.case_text,
            named_until: row.named_until,
        }))
    }

    /// A look-up shows for a time which other providers have blocked.
    ///
    /// # Errors
    /// The store's.
    pub async fn name_blockers(&self, id: Uuid, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "/* name_blockers */ update admin_lookups set named_until = $2 where lookup_id = $1",
        )
        .bind(id)
        .bind(until)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
