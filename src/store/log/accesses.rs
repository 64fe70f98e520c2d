//! What the log says of accesses to patients' information in a period, patient by patient: as it stands, not checked against
//! the seal.

use crate::domain::review::visit::OWN_LEVEL;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use futures_util::TryStreamExt;
use sqlx::FromRow;
use tokio::sync::mpsc;

/// Rows of one batch.
const BATCH: usize = 2_000;

/// An access to one resource of a patient.
#[derive(Debug, Clone, FromRow)]
pub struct AccessRow {
    /// The record's running number.
    pub entry_number: i64,
    /// Its id.
    pub log_id: String,
    /// How many resources it has.
    pub resources: i32,
    /// When it was done.
    pub activity_at: Timestamp,
    /// What.
    pub activity_type: String,
    /// Why.
    pub purpose: String,
    /// By whom.
    pub user_id: String,
    /// Of which care provider.
    pub care_provider_id: String,
    /// Of which unit.
    pub care_unit_id: String,
    /// To which kind of information.
    pub resource_type: String,
    /// Whose: series and ...
    pub patient_root: String,
    /// ... number.
    pub patient_extension: String,
    /// At which care provider.
    pub holder_id: String,
    /// At which unit.
    pub holder_unit_id: Option<String>,
    /// In which system.
    pub system_id: String,
    /// At which level it was done.
    pub activity_level: Option<String>,
}

impl AccessRow {
    /// Whether the pages of the review itself have logged it: `own_system` is theirs, by key.
    pub fn is_of_review(&self, own_system: &str) -> bool {
        self.activity_level.as_deref().is_some_and(|level| level.starts_with(OWN_LEVEL))
            && self.system_id.trim().to_lowercase() == own_system
    }
}

/// Accesses as they come.
pub struct Accesses {
    batches: mpsc::Receiver<Result<Vec<AccessRow>, StoreError>>,
}

impl Accesses {
    /// The next of them; `None`: those were all.
    ///
    /// # Errors
    /// The store's.
    pub async fn next(&mut self) -> Result<Option<Vec<AccessRow>>, StoreError> {
        self.batches.recv().await.transpose()
    }
}

const SQL: &str = "/* accesses */ select * from (
        select entry_number, log_id, resources, activity_at, activity_type, purpose, user_id, care_provider_id, care_unit_id,
            resource_type, patient_root, patient_extension, holder_id, holder_unit_id, patient_hash, system_id, activity_level
        from log_entries where tenant_id = $1 and activity_at >= $2 and activity_at <= $3 and patient_extension is not null
        union all
        select e.entry_number, e.log_id, e.resources, e.activity_at, e.activity_type, e.purpose, e.user_id,
            e.care_provider_id, e.care_unit_id, f.resource_type, f.patient_root, f.patient_extension, f.holder_id,
            f.holder_unit_id, f.patient_hash, e.system_id, e.activity_level
        from log_further_resources f join log_entries e on e.entry_number = f.entry_number and e.activity_at = f.activity_at
        where f.tenant_id = $1 and f.activity_at >= $2 and f.activity_at <= $3 and f.patient_extension is not null
            and e.activity_at >= $2 and e.activity_at <= $3) a
     order by patient_hash, entry_number";

impl Store {
    /// Begins to read the accesses of a period, in the order of patients.
    pub fn accesses(&self, tenant: TenantId, interval: (Timestamp, Timestamp)) -> Accesses {
        let (to, batches) = mpsc::channel(4);
        let pool = self.pool.clone();
        tokio::spawn(async move {
            let read = async {
                let mut transaction = pool.begin().await?;
                // A year of a region is sorted in minutes.
                sqlx::query("/* take_time */ set local statement_timeout = 0")
                    .execute(&mut *transaction)
                    .await?;
                let rows = sqlx::query_as::<_, AccessRow>(SQL).bind(tenant.0);
                let rows = rows.bind(interval.0).bind(interval.1).fetch(&mut *transaction);
                let mut rows = rows.try_chunks(BATCH);
                while let Some(batch) = rows.try_next().await.map_err(|chunk| chunk.1)? {
                    if to.send(Ok(batch)).await.is_err() {
                        break;
                    }
                }
                Ok::<(), StoreError>(())
            };
            if let Err(error) = read.await {
                // Whoever reads no more needs no reason.
                _ = to.send(Err(error)).await;
            }
        });
        Accesses { batches }
    }
}
