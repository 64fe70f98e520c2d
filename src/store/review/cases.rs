//! Cases and what happens in them.

use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::tenants::TenantId;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};
use std::collections::BTreeMap;

/// A case.
#[derive(Debug, Clone, FromRow)]
pub struct StoredCase {
    /// Which.
    pub case_number: i64,
    /// The unit where it belongs.
    pub unit_id: String,
    /// The form that equal units share.
    pub unit_key: String,
    /// Its name.
    pub unit_name: String,
    /// Whom it is about.
    pub subject_employee: Option<String>,
    /// What it is about.
    pub title: String,
    /// How far it has come (`CaseState`).
    pub state: String,
    /// Who has opened it.
    pub opened_by: String,
    /// When.
    pub opened_at: Timestamp,
    /// When an intrusion was confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}

/// What happened in a case.
#[derive(Debug, Clone, FromRow)]
pub struct CaseEventRow {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by_name: String,
    /// `remark`, `note`, `state`.
    pub kind: String,
    /// The new state.
    pub state: Option<String>,
    /// What is told.
    pub text: String,
    /// Questions that were answered.
    pub answers: Json<BTreeMap<String, String>>,
    /// The visit that a remark is about.
    pub visit_number: Option<i64>,
    /// The review that has it.
    pub review_number: Option<i64>,
}

/// Something that is told in a case.
#[derive(Debug, Clone, Default)]
pub struct NewCaseEvent<'n> {
    /// `remark`, `note`, `state`.
    pub kind: &'n str,
    /// The new state.
    pub state: Option<&'n str>,
    /// What is told.
    pub text: &'n str,
    /// Questions that are answered.
    pub answers: BTreeMap<String, String>,
    /// The visit that a remark is about.
    pub visit: Option<i64>,
}

/// A case that is to be opened.
#[derive(Debug, Clone)]
pub struct NewCase<'n> {
    /// The care provider.
    pub provider: &'n str,
    /// The unit: id and name.
    pub unit: (&'n str, &'n str),
    /// Whom it is about.
    pub employee: &'n str,
    /// What it is about.
    pub title: &'n str,
}

const COLUMNS: &str = "case_number, unit_id, unit_key, unit_name, subject_employee, title, state, opened_by, opened_at, confirmed_at,
    closed_at";

impl Store {
    /// Cases of a care provider, or of some of its units by their keys, the latest first; without those about who asks.
    ///
    /// # Errors
    /// The store's.
    pub async fn cases(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        units: Option<&[String]>,
        asker: &str,
        only_open: bool,
    ) -> Result<Vec<StoredCase>, StoreError> {
        let sql = format!(
            "/* cases */ select {COLUMNS} from cases where tenant_id = $1 and provider_key = $2
               and ($3::text[] is null or unit_key = any($3) or lower(btrim(opened_by)) = $4) and {KNOWN_TO_FOURTH}
               and (not $5 or state <> 'closed')
             order by case_number desc limit 200"
        );
        let found = sqlx::query_as(&sql).bind(tenant.0).bind(provider.key()).bind(units);
        Ok(found.bind(asker).bind(only_open).fetch_all(&self.pool).await?)
    }

    /// A case of a care provider, if whoever asks, by key, may know of it: none of its remarks is about that person (R18).
    ///
    /// # Errors
    /// The store's.
    pub async fn case(
        &self,
        tenant: TenantId,
        provider: &HsaId,
        number: i64,
        asker: &str,
    ) -> Result<Option<StoredCase>, StoreError> {
        let sql = format!(
            "/* case */ select {COLUMNS} from cases
             where tenant_id = $1 and provider_key = $2 and case_number = $3 and {KNOWN_TO_FOURTH}"
        );
        let found =
            sqlx::query_as(&sql).bind(tenant.0).bind(provider.key()).bind(number).bind(asker);
        Ok(found.fetch_optional(&self.pool).await?)
    }

    /// What has happened in a case, in its order.
    ///
    /// # Errors
    /// The store's.
    pub async fn case_events(&self, number: i64) -> Result<Vec<CaseEventRow>, StoreError> {
        let found = sqlx::query_as(
            "/* case_events */ select at, by_name, kind, e.state, text, answers, e.visit_number, v.review_number
             from case_events e left join review_visits v using (visit_number)
             where case_number = $1 order by event_number limit 1000",
        );
        Ok(found.bind(number).fetch_all(&self.pool).await?)
    }

    /// Adds something to a case that is in this state; `false`: it is in another by now.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_to_case(
        &self,
        number: i64,
        was: &str,
        new: &NewCaseEvent<'_>,
        (by, name): (&HsaId, &str),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        if new.kind == "note" && is_told(&mut transaction, number, new.text, by).await? {
            return Ok(true);
        }
        let done = sqlx::query(
            "/* case_state */ update cases set state = coalesce($3, state),
                confirmed_at = case when $3 = 'confirmed' then $4 else confirmed_at end,
                closed_at = case when $3 = 'closed' then $4 when $3 is not null then null else closed_at end
             where case_number = $1 and state = $2",
        );
        let done = done.bind(number).bind(was).bind(new.state).bind(now);
        if done.execute(&mut *transaction).await?.rows_affected() != 1 {
            return Ok(false);
        }
        insert_event(&mut transaction, number, new, (by, name), now).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Patients of cases of a tenant whose legal hold is not as it should be: an open case has one, a closed one none.
    ///
    /// # Errors
    /// The store's.
    pub async fn wrong_holds(&self, tenant: TenantId) -> Result<Vec<CaseHold>, StoreError> {
        let found = sqlx::query_as(
            "/* wrong_holds */ select h.case_number, h.patient_key, h.hold_number, c.provider_key, c.state <> 'closed' as is_open
             from case_holds h join cases c using (case_number)
             where c.tenant_id = $1 and (c.state <> 'closed') = (h.hold_number is null) order by h.case_number limit 500",
        );
        Ok(found.bind(tenant.0).fetch_all(&self.pool).await?)
    }

    /// A patient of a case has another legal hold, or none.
    ///
    /// # Errors
    /// The store's.
    pub async fn case_holds(&self, of: (i64, &str), hold: Option<i64>) -> Result<(), StoreError> {
        sqlx::query(
            "/* case_holds */ update case_holds set hold_number = $3 where case_number = $1 and patient_key = $2",
        )
        .bind(of.0)
        .bind(of.1)
        .bind(hold)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The numbers of the legal holds that stand for a reason.
    ///
    /// # Errors
    /// The store's.
    pub async fn holds_for(&self, tenant: TenantId, reason: &str) -> Result<Vec<i64>, StoreError> {
        let found = sqlx::query_scalar(
            "/* holds_for */ select hold_number from legal_holds where tenant_id = $1 and reason = $2 and lifted_at is null",
        );
        Ok(found.bind(tenant.0).bind(reason).fetch_all(&self.pool).await?)
    }
}

/// A patient of a case, with the legal hold that keeps the posts.
#[derive(Debug, Clone, FromRow)]
pub struct CaseHold {
    /// The case.
    pub case_number: i64,
    /// The patient, by key.
    pub patient_key: String,
    /// The hold.
    pub hold_number: Option<i64>,
    /// The care provider, by key.
    pub provider_key: String,
    /// Whether the case is open.
    pub is_open: bool,
}

/// Whether the fourth parameter, by key, may know of a case: not whom it is about, staff or patient; who opened it knows the
/// patient already.
const KNOWN_TO_FOURTH: &str = "lower(btrim(coalesce(subject_employee, ''))) <> $4
    and not exists (select from case_events o join review_visits v using (visit_number)
        where o.case_number = cases.case_number and v.employee_key = $4)
    and (lower(btrim(opened_by)) = $4 or not exists (select from case_holds h join directory_staff s on s.tenant_id = cases.tenant_id and s.employee_key = $4
        where h.case_number = cases.case_number and s.person_key = h.patient_key))";

/// Puts a case in.
pub(super) async fn insert_case(
    connection: &mut PgConnection,
    tenant: TenantId,
    new: &NewCase<'_>,
    by: &HsaId,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let number = sqlx::query_scalar(
        "/* open_case */ insert into cases (tenant_id, provider_id, provider_key, unit_id, unit_key, unit_name, subject_employee,
            title, state, opened_by, opened_at)
         values ($1, $2, lower(btrim($2)), $3, lower(btrim($3)), $4, $5, $6, 'open', $7, $8) returning case_number",
    )
    .bind(tenant.0)
    .bind(new.provider)
    .bind(new.unit.0)
    .bind(new.unit.1)
    .bind(new.employee)
    .bind(new.title)
    .bind(by.as_str())
    .bind(now)
    .fetch_one(connection)
    .await?;
    Ok(number)
}

/// Whether the last thing in a case is this very note by the same person: the form was sent twice.
async fn is_told(
    connection: &mut PgConnection,
    number: i64,
    text: &str,
    by: &HsaId,
) -> Result<bool, StoreError> {
    sqlx::query("/* lock_case */ select from cases where case_number = $1 for update")
        .bind(number)
        .execute(&mut *connection)
        .await?;
    let found = sqlx::query_scalar(
        "/* is_told */ select kind = 'note' and text = $2 and by_employee = $3 from case_events
         where case_number = $1 order by event_number desc limit 1",
    );
    let found = found.bind(number).bind(text).bind(by.as_str());
    Ok(found.fetch_optional(connection).await?.unwrap_or(false))
}

/// Tells something in a case.
pub(super) async fn insert_event(
    connection: &mut PgConnection,
    number: i64,
    new: &NewCaseEvent<'_>,
    (by, name): (&HsaId, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "/* add_to_case */ insert into case_events (case_number, at, by_employee, by_name, kind, state, text, answers, visit_number)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(number)
    .bind(now)
    .bind(by.as_str())
    .bind(name)
    .bind(new.kind)
    .bind(new.state)
    .bind(new.text)
    .bind(Json(&new.answers))
    .bind(new.visit)
    .execute(connection)
    .await?;
    Ok(())
}
