//! Extracts of the log, as configured.

use super::seal::fill_random;
use crate::config::file::Config;
use crate::messages::log::extract;
use crate::order_folder::OrderFolder;
use crate::procedures::context::{ExtractDocument, OrderSettings};
use crate::procedures::on_their_way::OnTheirWay;
use crate::procedures::seal::trust::LogTrust;
use std::time::Duration;
use uuid::Uuid;

/// A small order waits as long for each of those that were there before it.
const SLICE: Duration = Duration::from_secs(10);

/// How extracts of the log are made and kept, as configured.
pub(super) fn orders(config: &Config, installation: Uuid, trust: LogTrust) -> OrderSettings {
    let configured = config.log.order_folder.clone();
    OrderSettings {
        trust,
        on_their_way: OnTheirWay::default(),
        folder: OrderFolder::at(configured.unwrap_or_else(|| config.data.dir.join("orders")))
            .of_installation(installation),
        document: ExtractDocument {
            open: extract::OPEN,
            records: extract::records,
            close: extract::CLOSE,
        },
        bytes_max: config.log.order_bytes_max,
        slice: SLICE,
        new_id: Uuid::new_v4,
        new_token: secret,
    }
}

/// 128 bits that nobody can guess.
fn secret() -> std::io::Result<Uuid> {
    let mut bytes = [0; 16];
    fill_random(&mut bytes)?;
    Ok(Uuid::from_bytes(bytes))
}
