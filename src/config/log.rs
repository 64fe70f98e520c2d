//! The access log.

use super::values::{ConfiguredKey, bounded};
use crate::domain::log::record;
use serde::Deserialize;
use std::path::PathBuf;

/// The access log.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// What happens when a log id comes again.
    pub repeated_log_id: RepeatedLogId,
    /// What becomes of records whose activity lies more than a day in the future.
    pub future_activity: FutureActivity,
    /// Transactions that store small calls' log records at one time, 1 to 16; half as many store large
    /// ones'.
    #[serde(deserialize_with = "bounded::<_, 1, 16, _>")]
    pub writers: usize,
    /// Ids, 1 000 to 100 000 000, with which the table that takes new log ids is closed and packed: its
    /// index is what the database should have in memory.
    #[serde(deserialize_with = "bounded::<_, 1_000, 100_000_000, _>")]
    pub id_table_ids: i64,
    /// Seconds, 0 to 14, that a call waits for its report before that is queued.
    #[serde(deserialize_with = "bounded::<_, 0, 14, _>")]
    pub report_wait_seconds: u64,
    /// Log records of one report, 1 to 100 000.
    #[serde(deserialize_with = "bounded::<_, 1, 100_000, _>")]
    pub report_records_max: usize,
    /// Hours, 24 to 8760, for which a queued report is kept when it is made.
    #[serde(deserialize_with = "bounded::<_, 24, 8760, _>")]
    pub report_keep_hours: i32,
    /// File with the keys of the seal, which every server of a database must have; when absent, `log-keys` in the data
    /// folder, in `databases/<name>` there for a database that is named. It is made when the log is opened.
    pub key_file: Option<PathBuf>,
    /// Folder of the last checkpoint that this server has seen, outside of what a backup of the database covers; when
    /// absent, `log-anchor` beside where the keys are by default.
    pub anchor_folder: Option<PathBuf>,
    /// The log's name for all who verify it, such as `logg.region.example/sigill/1`; when absent, one is made when the
    /// log is opened.
    pub origin: Option<String>,
    /// Seconds, 0 to 3600, that a size of the log is committed before it is signed: more than a standby lags behind.
    #[serde(deserialize_with = "bounded::<_, 0, 3600, _>")]
    pub sign_after_seconds: u64,
    /// How deep records are checked before they are told.
    pub read_check: ReadCheck,
    /// Whether the log's commitments are published under `/log/tiles/`, for whoever wants to follow the log. They hold no
    /// personal data.
    pub publish: bool,
    /// Witnesses, 0 to 16, that must have signed a checkpoint before it is published.
    #[serde(deserialize_with = "bounded::<_, 0, 16, _>")]
    pub witness_required: usize,
    /// Witnesses of the log, which are sent its newest checkpoint each minute.
    pub witness: Vec<LogWitness>,
    /// The operator's own key and certificate (PKCS#12), with which a checkpoint an hour is signed beside the log's keys
    /// (CMS); when absent, none is.
    pub cms_file: Option<PathBuf>,
    /// File with the password of that; when absent, it has none.
    pub cms_password_file: Option<PathBuf>,
    /// Records a second, 0 to 1 000 000, that are verified in the background; 0 is none.
    #[serde(deserialize_with = "bounded::<_, 0, 1_000_000, _>")]
    pub verify_rate: u64,
    /// Folder of the files of orders, which every process that serves them must have; when absent,
    /// `orders` in the data folder.
    pub order_folder: Option<PathBuf>,
    /// Bytes of all those files, 1 MiB to 1 EiB, beyond which orders wait.
    #[serde(deserialize_with = "bounded::<_, 1_048_576, 1_152_921_504_606_846_976, _>")]
    pub order_bytes_max: i64,
    /// Hours, 24 to 8760, for which they are kept when the order is made.
    #[serde(deserialize_with = "bounded::<_, 24, 8760, _>")]
    pub order_keep_hours: i32,
}

/// What happens when a log id comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepeatedLogId {
    /// The call is refused.
    #[default]
    Refuse,
    /// Identical records are accepted and not stored again.
    AcceptIdentical,
}

/// What becomes of records whose activity lies more than a day in the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FutureActivity {
    /// They are stored, counted, and told in the server's own log.
    #[default]
    Accept,
    /// The call is refused.
    Refuse,
}

/// How deep records are checked before they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadCheck {
    /// Each must have the entry that is in the tree.
    Entry,
    /// And that must be in the tree whose root was signed.
    #[default]
    Tree,
}

/// A witness of the log.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogWitness {
    /// What stands before `/add-checkpoint`.
    pub url: String,
    /// Its key (NAME+ID+KEY).
    pub vkey: ConfiguredKey,
    /// Whom to trust (PEM); needed for `https`.
    pub ca_file: Option<PathBuf>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            repeated_log_id: RepeatedLogId::Refuse,
            future_activity: FutureActivity::Accept,
            writers: 2,
            id_table_ids: 4_000_000,
            report_wait_seconds: 10,
            report_records_max: 10_000,
            report_keep_hours: 24,
            key_file: None,
            anchor_folder: None,
            origin: None,
            sign_after_seconds: 0,
            read_check: ReadCheck::Tree,
            publish: false,
            witness_required: 0,
            witness: Vec::new(),
            cms_file: None,
            cms_password_file: None,
            verify_rate: 2_000,
            order_folder: None,
            order_bytes_max: 10 * 1024 * 1024 * 1024,
            order_keep_hours: 24,
        }
    }
}

impl RepeatedLogId {
    /// As the domain has it.
    pub fn policy(self) -> record::RepeatedLogId {
        match self {
            Self::Refuse => record::RepeatedLogId::Refuse,
            Self::AcceptIdentical => record::RepeatedLogId::AcceptIdentical,
        }
    }
}

impl FutureActivity {
    /// As the domain has it.
    pub fn policy(self) -> record::FutureActivity {
        match self {
            Self::Accept => record::FutureActivity::Accept,
            Self::Refuse => record::FutureActivity::Refuse,
        }
    }
}
