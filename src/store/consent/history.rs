//! What has happened to assertions: rows to histories.

use super::assertions::{ASSERTION_COLUMNS, AssertionNumber, AssertionRow, representative};
use crate::domain::consent::assertion::PatientEnd;
use crate::domain::consent::lifecycle::{AssertionHistory, AssertionRemoval, PatientWish};
use crate::domain::identity::{Action, HsaId, PatientId};
use crate::domain::time::Timestamp;
use crate::store::actions::{ACTION_COLUMNS, ActionRow};
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::long_reads::{Found, read_snapshot};
use crate::store::readers::ACQUIRE_TIMEOUT;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection};
use std::collections::HashMap;

/// A row of `assertion_actions`.
#[derive(FromRow)]
struct AssertionActionRow {
    assertion_number: i64,
    kind: String,
    #[sqlx(flatten)]
    action: ActionRow,
}

/// A row of `patient_ends`.
#[derive(FromRow)]
struct PatientEndRow {
    assertion_number: i64,
    requested_end_at: Option<Timestamp>,
    end_at: Timestamp,
    at_once: bool,
    represented_by_root: Option<String>,
    represented_by_extension: Option<String>,
    stored_at: Timestamp,
}

/// What is known of who did what to an assertion.
#[derive(Default)]
struct Events {
    register: Option<Action>,
    cancel: Option<Action>,
    delete: Option<Action>,
    ends: Vec<PatientEnd>,
    wish: Option<PatientWish>,
}

impl Store {
    /// Every assertion of a patient, at one care provider or at all, in the order in which they
    /// were stored, with what has happened to them; read from one snapshot.
    ///
    /// # Errors
    /// The store's.
    pub async fn assertion_histories(
        &self,
        tenant: TenantId,
        patient: &PatientId,
        care_provider: Option<&HsaId>,
    ) -> Result<Found<Vec<AssertionHistory>>, StoreError> {
        let (patient, provider) = (patient.key().to_owned(), care_provider.map(HsaId::key));
        self.read_at_length(ACQUIRE_TIMEOUT, async move |connection| {
            let mut transaction = read_snapshot(connection).await?;
            let sql = format!(
                "/* assertion_histories */ select {ASSERTION_COLUMNS} from assertions
                 where tenant_id = $1 and patient_key = $2
                   and ($3::text is null or provider_key = $3)
                 order by assertion_number"
            );
            let rows = sqlx::query(&sql).bind(tenant.0).bind(&patient).bind(&provider);
            let rows = rows.fetch_all(&mut *transaction).await?;
            let found = histories(&mut transaction, &rows).await?;
            Ok((found.into_iter().map(|(_, history)| history).collect(), rows.len()))
        })
        .await
    }
}

impl Store {
    /// Every assertion that there ever was of some patients, with what has happened to it.
    ///
    /// # Errors
    /// The store's.
    pub async fn past_assertions(
        &self,
        tenant: TenantId,
        patients: &[String],
    ) -> Result<Found<Vec<AssertionHistory>>, StoreError> {
        let patients = patients.to_vec();
        self.read_at_length(ACQUIRE_TIMEOUT, async move |connection| {
            let mut transaction = read_snapshot(connection).await?;
            let sql = format!(
                "/* past_assertions */ select {ASSERTION_COLUMNS} from assertions
                 where tenant_id = $1 and patient_key = any($2) order by assertion_number"
            );
            let rows = sqlx::query(&sql).bind(tenant.0).bind(&patients);
            let rows = rows.fetch_all(&mut *transaction).await?;
            let found = histories(&mut transaction, &rows).await?;
            Ok((found.into_iter().map(|(_, history)| history).collect(), rows.len()))
        })
        .await
    }
}

/// Rows of assertions with what has happened to them.
pub(in crate::store) async fn histories(
    connection: &mut PgConnection,
    rows: &[PgRow],
) -> Result<Vec<(AssertionNumber, AssertionHistory)>, StoreError> {
    let rows: Vec<AssertionRow<'_>> =
        rows.iter().map(AssertionRow::from_row).collect::<Result<_, _>>()?;
    let numbers: Vec<i64> = rows.iter().map(|row| row.assertion_number).collect();
    let mut events = events(connection, &numbers).await?;
    rows.into_iter()
        .map(|row| {
            let number = row.assertion_number;
            let known = events.remove(&number).unwrap_or_default();
            Ok((AssertionNumber(number), history(row, known)?))
        })
        .collect()
}

fn history(row: AssertionRow<'_>, known: Events) -> Result<AssertionHistory, StoreError> {
    let at = Origin { table: "assertions", row: row.assertion_number };
    let action = known.register.ok_or_else(|| at.inconsistent("nobody knows who registered it"))?;
    let (cancel, delete) = (known.cancel, known.delete);
    if row.removed_at.is_none() && (cancel.is_some() || delete.is_some()) {
        return Err(at.inconsistent("removed and not removed"));
    }
    let mut assertion = row.assertion(|| match (cancel, delete) {
        (Some(action), None) => Ok(AssertionRemoval::Cancelled(action)),
        (cancelled, Some(action)) => Ok(AssertionRemoval::Deleted { action, cancelled }),
        (None, None) => Err(at.inconsistent("removed, and nobody knows how")),
    })?;
    match (assertion.patient_ends.last(), known.ends.last()) {
        (None, None) => {}
        (Some(ours), Some(theirs)) if ours.end == theirs.end => assertion.patient_ends = known.ends,
        _ => return Err(at.inconsistent("the patient's ends contradict each other")),
    }
    Ok(AssertionHistory { assertion, action, patient_wish: known.wish })
}

async fn events(
    connection: &mut PgConnection,
    numbers: &[i64],
) -> Result<HashMap<i64, Events>, StoreError> {
    let sql = format!(
        "/* assertion_actions */ select assertion_number, kind, {ACTION_COLUMNS}
         from assertion_actions where assertion_number = any($1)"
    );
    let actions: Vec<AssertionActionRow> =
        sqlx::query_as(&sql).bind(numbers).fetch_all(&mut *connection).await?;
    let ends: Vec<PatientEndRow> = sqlx::query_as(
        "/* patient_ends */ select assertion_number, requested_end_at, end_at, at_once,
            represented_by_root, represented_by_extension, stored_at
         from patient_ends where assertion_number = any($1) order by patient_end_number",
    )
    .bind(numbers)
    .fetch_all(&mut *connection)
    .await?;
    let mut found: HashMap<i64, Events> = HashMap::new();
    for row in actions {
        let at = Origin { table: "assertion_actions", row: row.assertion_number };
        let known = found.entry(row.assertion_number).or_default();
        let place = match row.kind.as_str() {
            "register" => &mut known.register,
            "cancel" => &mut known.cancel,
            "delete" => &mut known.delete,
            _ => return Err(at.inconsistent("unknown kind of action")),
        };
        *place = Some(row.action.action(at)?);
    }
    for row in ends {
        let known = found.entry(row.assertion_number).or_default();
        let PatientEndRow { stored_at, end_at: end, at_once, .. } = row;
        known.ends.push(PatientEnd { stored_at, end, at_once });
        known.wish = Some(PatientWish {
            end: row.requested_end_at,
            represented_by: representative(row.represented_by_root, row.represented_by_extension),
        });
    }
    Ok(found)
}
