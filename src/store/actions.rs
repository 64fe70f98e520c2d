//! Who asked for and who registered a change: nine columns, the same in every table of actions.

use super::StoreError;
use super::blocks::hsa_id;
use crate::domain::identity::{Action, Actor, HsaId};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};

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

/// Reads the nine columns of an action, from `first` on.
pub(super) fn action_of(row: &PgRow, first: usize) -> Result<Action, StoreError> {
    let actor = |at: usize| -> Result<Actor, StoreError> {
        Ok(Actor {
            employee: hsa_id(row.try_get(at)?, "actions")?,
            assignment: row.try_get::<Option<&str>, _>(at + 1)?.and_then(HsaId::new),
            assignment_name: row.try_get(at + 2)?,
        })
    };
    Ok(Action {
        requested_at: row.try_get(first)?,
        requested_by: actor(first + 1)?,
        registered_at: row.try_get(first + 4)?,
        registered_by: actor(first + 5)?,
        reason: row.try_get(first + 8)?,
    })
}
