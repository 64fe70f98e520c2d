//! What the log says about itself: notices, each with a leaf.

use super::intake::Intake;
use super::pending;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use sigill_seal::entry::{Entry, Kind};
use sigill_seal::record::{Salt, notice};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// A notice that is stored.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct StoredNotice {
    /// Its running number.
    pub entry_number: i64,
    kind: i16,
    salt: Option<Uuid>,
    /// What it says.
    pub body: String,
    /// Since when.
    pub stored_at: Timestamp,
}

/// A notice that is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotice<'n> {
    /// What it is about.
    pub kind: Kind,
    /// Only where it names a person.
    pub salt: Option<Salt>,
    /// What it says: a line that tells what it is, then a name and a value on each.
    pub body: &'n str,
}

impl StoredNotice {
    /// What it is about; `None`: nothing that there is.
    pub fn kind(&self) -> Option<Kind> {
        u8::try_from(self.kind).ok().and_then(Kind::of)
    }

    /// What its entry commits to.
    pub fn preimage(&self) -> Vec<u8> {
        notice(self.salt.map(Uuid::into_bytes).as_ref(), &self.body)
    }

    /// The values of a name among its lines.
    pub fn values<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n str> {
        let lines = self.body.lines().skip(1);
        lines.filter_map(move |line| line.strip_prefix(name)?.strip_prefix(' '))
    }
}

/// Stores a notice and sends it to the tree; returns its running number.
pub(in crate::store) async fn add(
    connection: &mut PgConnection,
    intake: &Intake,
    new: &NewNotice<'_>,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let number: i64 =
        sqlx::query_scalar("/* number_of_notice */ select nextval('log_entry_numbers')")
            .fetch_one(&mut *connection)
            .await?;
    sqlx::query(
        "/* add_notice */ insert into log_notices (entry_number, kind, salt, body, stored_at)
         values ($1, $2, $3, $4, $5)",
    )
    .bind(number)
    .bind(i16::from(new.kind as u8))
    .bind(new.salt.map(Uuid::from_bytes))
    .bind(new.body)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    let entry = Entry::over(new.kind, &notice(new.salt.as_ref(), new.body));
    let sent = std::iter::once((number, entry.stored()));
    pending::send(connection, &intake.sender(), sent).await?;
    Ok(number)
}

/// Notices of these kinds, in their order.
pub(in crate::store) async fn of_kinds(
    connection: &mut PgConnection,
    kinds: &[Kind],
) -> Result<Vec<StoredNotice>, StoreError> {
    let kinds: Vec<i16> = kinds.iter().map(|kind| i16::from(*kind as u8)).collect();
    let sql = "/* notices */ select entry_number, kind, salt, body, stored_at from log_notices
         where kind = any($1) order by entry_number";
    Ok(sqlx::query_as(sql).bind(kinds).fetch_all(connection).await?)
}

/// Up to which number records of before sealing may be without a leaf still: what the opening says, until a notice says how
/// many they were.
pub(in crate::store::log) async fn adopting(
    connection: &mut PgConnection,
) -> Result<Option<i64>, StoreError> {
    let notices = of_kinds(connection, &[Kind::Opening, Kind::Acknowledgement]).await?;
    if notices.iter().any(|notice| notice.body.starts_with("adoption\n")) {
        return Ok(None);
    }
    Ok(notices.first().and_then(|opening| opening.values("adopts").next()?.parse().ok()))
}

impl Store {
    /// Notices of these kinds, in their order.
    ///
    /// # Errors
    /// The store's.
    pub async fn notices(&self, kinds: &[Kind]) -> Result<Vec<StoredNotice>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        of_kinds(&mut connection, kinds).await
    }
}
