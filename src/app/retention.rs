//! How long things are kept, as configured.

use crate::config::file::Config;
use crate::procedures::retention::Retention;

/// What is removed after how long, as configured.
pub fn policy(config: &Config) -> Retention {
    Retention {
        assertions: config.retention.consents.policy(),
        blocks: config.retention.blocks.policy(),
        log_records: config.retention.log.policy(),
        batch_rows: config.retention.batch_rows,
    }
}
