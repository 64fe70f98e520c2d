//! Who asked for and who registered a change: nine columns, the same in every table of actions.

use super::error::StoreError;
use super::rows::Origin;
use crate::domain::identity::{Action, Actor, HsaId};
use crate::domain::time::Timestamp;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;

/// The nine columns, in the order in which they are bound.
pub(super) const ACTION_COLUMNS: &str = "requested_at, requested_by_employee_id,
    requested_by_assignment_id, requested_by_assignment_name, registered_at,
    registered_by_employee_id, registered_by_assignment_id, registered_by_assignment_name,
    reason_text";

/// Binds the nine columns of an action.
pub(super) fn bind_action<'q>(
    query: Query<'q, Postgres, PgArguments>,
    action: &'q Action,
) -> Query<'q, Postgres, PgArguments> {
    let (by, registrar) = (&action.requested_by, &action.registered_by);
    query
        .bind(action.requested_at)
        .bind(by.employee.as_str())
        .bind(by.assignment.as_ref().map(HsaId::as_str))
        .bind(by.assignment_name.as_deref())
        .bind(action.registered_at)
        .bind(registrar.employee.as_str())
        .bind(registrar.assignment.as_ref().map(HsaId::as_str))
        .bind(registrar.assignment_name.as_deref())
        .bind(action.reason.as_deref())
}

/// The nine columns as they are read.
#[derive(sqlx::FromRow)]
pub(super) struct ActionRow {
    requested_at: Timestamp,
    requested_by_employee_id: String,
    requested_by_assignment_id: Option<String>,
    requested_by_assignment_name: Option<String>,
    registered_at: Timestamp,
    registered_by_employee_id: String,
    registered_by_assignment_id: Option<String>,
    registered_by_assignment_name: Option<String>,
    reason_text: Option<String>,
}

impl ActionRow {
    pub fn action(self, origin: Origin) -> Result<Action, StoreError> {
        // An assignment that was stored blank decided nothing.
        let assignment = |text: Option<String>| text.as_deref().and_then(HsaId::new);
        Ok(Action {
            requested_at: self.requested_at,
            requested_by: Actor {
                employee: origin.hsa_id(&self.requested_by_employee_id)?,
                assignment: assignment(self.requested_by_assignment_id),
                assignment_name: self.requested_by_assignment_name,
            },
            registered_at: self.registered_at,
            registered_by: Actor {
                employee: origin.hsa_id(&self.registered_by_employee_id)?,
                assignment: assignment(self.registered_by_assignment_id),
                assignment_name: self.registered_by_assignment_name,
            },
            reason: self.reason_text,
        })
    }
}
