//! The months of the log: their partitions, and what of them is due.

use crate::domain::time::Timestamp;
use chrono::{DateTime, Months, NaiveDate, Utc};

/// A month of the log, or what lies in no month's partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogMonth {
    /// What the names of its partitions end with.
    pub(super) suffix: String,
    /// Its first day; `None` for what lies in no month's partition.
    pub(super) first: Option<NaiveDate>,
}

impl LogMonth {
    pub(super) fn of_partition(name: &str) -> Option<Self> {
        let suffix = name.strip_prefix("log_entries_")?;
        let first = match suffix {
            "other" => None,
            month => {
                let (year, month) = month.strip_prefix('y')?.split_once('m')?;
                Some(NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?)
            }
        };
        Some(Self { suffix: suffix.to_owned(), first })
    }

    /// From when and before when its activities are.
    pub(super) fn bounds(&self) -> Option<(String, String)> {
        let first = self.first?;
        let next = first.checked_add_months(Months::new(1))?;
        Some((format!("{first}T00:00:00Z"), format!("{next}T00:00:00Z")))
    }

    /// Its partition of a table.
    pub(super) fn table(&self, parent: &str) -> String {
        format!("{parent}_{}", self.suffix)
    }

    /// What stands for it among the removals.
    pub(super) fn name(&self) -> String {
        self.first.map_or_else(|| "other".into(), |first| first.format("%Y-%m").to_string())
    }

    /// When it is over; what lies in no month's partition may be of any.
    pub(super) fn ends(&self) -> Timestamp {
        let next = self.first.and_then(|first| first.checked_add_months(Months::new(1)));
        let next = next.and_then(|next| next.and_hms_opt(0, 0, 0));
        next.map_or(DateTime::<Utc>::MIN_UTC, |next| next.and_utc())
    }

    /// Whether a record, `e`, has a leaf before `$leaf`.
    pub(super) fn has_leaf_before(parameter: &str) -> String {
        format!(
            "coalesce((select e.entry_number < r.first_number + r.count
                and r.first_leaf + e.entry_number - r.first_number < {parameter}
                from (select * from log_runs where first_number <= e.entry_number
                    order by first_number desc limit 1) r), false)"
        )
    }

    /// Whether a record, `e`, is due, for the cutoffs $1 to $3: everybody's, and those of providers.
    pub(super) fn is_due(&self) -> String {
        format!(
            "(greatest(e.stored_at, e.activity_at) < coalesce((select own.cutoff
                from unnest($2::text[], $3::timestamptz[]) as own (provider_key, cutoff)
                where own.provider_key = lower(btrim(e.care_provider_id))), $1)
              and not exists (select 1 from legal_holds h
                where h.tenant_id = e.tenant_id and h.lifted_at is null
                  and (h.patient_key is null or e.patient_hash = log_hash(h.tenant_id, h.patient_key)
                    or exists (select 1 from log_further_resources_{0} r
                        where r.entry_number = e.entry_number
                          and r.patient_hash = log_hash(h.tenant_id, h.patient_key)))
                  and (h.provider_key is null or h.provider_key = lower(btrim(e.care_provider_id))
                    or h.provider_key = lower(btrim(e.holder_id))
                    or exists (select 1 from log_further_resources_{0} r
                        where r.entry_number = e.entry_number
                          and h.provider_key = lower(btrim(r.holder_id))))))",
            self.suffix
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_tell_their_month() {
        let month = |name| LogMonth::of_partition(name).map(|month| month.name());
        assert_eq!(month("log_entries_y2021m03"), Some("2021-03".into()));
        assert_eq!(month("log_entries_other"), Some("other".into()));
        assert_eq!(month("log_entries_y2021m13"), None);
        assert_eq!(month("log_further_resources_y2021m03"), None);
    }
}
