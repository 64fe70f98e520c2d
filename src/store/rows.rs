//! Columns as domain words. What does not fit is an inconsistency that names table and row.

use super::error::StoreError;
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::lifetime::{FirstRemoval, Lifetime, State};
use crate::domain::time::Timestamp;

/// Where a column was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub table: &'static str,
    pub row: i64,
}

impl Origin {
    pub fn inconsistent(self, what: &'static str) -> StoreError {
        StoreError::Inconsistent { table: self.table, row: self.row, what }
    }

    /// An id that must say something.
    pub fn hsa_id(self, text: &str) -> Result<HsaId, StoreError> {
        HsaId::new(text).ok_or_else(|| self.inconsistent("blank HSA-id"))
    }

    /// An id that may be missing, but not blank: absent, it would say something else.
    pub fn optional_hsa_id(self, text: Option<&str>) -> Result<Option<HsaId>, StoreError> {
        text.map(|text| self.hsa_id(text)).transpose()
    }

    pub fn record_id(self, text: &str) -> Result<RecordId, StoreError> {
        RecordId::new(text).ok_or_else(|| self.inconsistent("blank id"))
    }

    /// When something was stored and first removed; `how` is asked only where it was removed.
    pub fn lifetime<How>(
        self,
        stored_at: Timestamp,
        removed_at: Option<Timestamp>,
        first_removed_at: Option<Timestamp>,
        how: impl FnOnce() -> Result<How, StoreError>,
    ) -> Result<Lifetime<How>, StoreError> {
        let state = match (removed_at, first_removed_at) {
            (None, None) => State::Standing,
            (None, Some(_)) => return Err(self.inconsistent("removed and not removed")),
            (Some(last), Some(first)) if first <= last => {
                State::Removed { first: FirstRemoval::At(first), how: how()? }
            }
            (Some(_), Some(_)) => return Err(self.inconsistent("first removal after the last")),
            (Some(last), None) => {
                State::Removed { first: FirstRemoval::NotAfter(last), how: how()? }
            }
        };
        Ok(Lifetime { stored_at, state })
    }
}
