//! Messages for good callers and bad ones, made of those in `testdata`.

use std::fmt::Write as _;

const CHECK: &str =
    include_str!("../../testdata/blocking/check_blocks/inner_block_stops_another_unit.request.xml");
const CONSENT: &str = include_str!("../../testdata/consent/check_consent/valid.request.xml");
const LOG: &str = include_str!("../../testdata/log/store_log/valid.request.xml");
const LOG_ID: &str = "6a1f2c10-52f3-4a37-9d6e-0c7b7f0e0004";
const REGISTER: &str = include_str!("../../testdata/blocking/register_block/valid.request.xml");
const BLOCK_ID: &str = "6a1f2c10-52f3-4a37-9d6e-0c7b7f0e0001";
const GET_BLOCKS: &str = include_str!("../../testdata/blocking/get_blocks/valid.request.xml");
const HISTORIES: &str =
    include_str!("../../testdata/blocking/get_extended_blocks_for_patient/valid.request.xml");

/// The number of a synthetic patient.
pub fn patient(number: usize) -> String {
    (100_000_000_000 + number).to_string()
}

/// The text with what stands between two marks repeated; `each` makes every repetition.
fn repeated(
    text: &str,
    from: &str,
    to: &str,
    count: usize,
    each: impl Fn(&str, usize) -> String,
) -> String {
    let (start, end) = (text.find(from).unwrap(), text.rfind(to).unwrap());
    let one = &text[start..end];
    let mut out = text[..start].to_owned();
    for number in 0..count {
        out += &each(one, number);
    }
    out + &text[end..]
}

/// CheckBlocks of a patient with so many rows.
pub fn check_blocks(number: usize, rows: usize) -> String {
    let text = CHECK.replace("191212121212", &patient(number));
    repeated(
        &text,
        "      <urn1:informationEntities>",
        "    </urn1:CheckBlocks>",
        rows,
        |one, row| one.replace("rowNumber>0<", &format!("rowNumber>{row}<")),
    )
}

/// CheckBlocks of so many bytes, all of them rows without content.
pub fn empty_rows(bytes: usize) -> String {
    let row = "<urn1:informationEntities/>";
    repeated(
        CHECK,
        "      <urn1:informationEntities>",
        "    </urn1:CheckBlocks>",
        bytes / row.len(),
        |_, _| row.into(),
    )
}

/// CheckConsent of a patient.
pub fn check_consent(number: usize) -> String {
    CONSENT.replace("191212121212", &patient(number))
}

/// StoreLog with records under these ids, and at these times.
pub fn store_log(records: &[(String, String)]) -> String {
    repeated(LOG, "      <urn1:log>", "    </urn1:StoreLog>", records.len(), |one, number| {
        let (id, at) = &records[number];
        one.replace(LOG_ID, id).replace("2026-11-22T10:15:30.123", at)
    })
}

/// The same with so many resources in each record.
pub fn store_log_of_many(records: &[(String, String)], resources: usize) -> String {
    let (from, to) = ("          <urn2:resource>", "        </urn2:resources>");
    let one = &LOG[LOG.find(from).unwrap()..LOG.find(to).unwrap()];
    store_log(records).replace(one, &one.repeat(resources))
}

/// RegisterBlock with temporary revokes.
pub fn register_block(id: &str, number: usize, revokes: usize) -> String {
    let text = REGISTER.replace(BLOCK_ID, id).replace("191212121212", &patient(number));
    let end = text.find("    </urn1:RegisterBlock>").unwrap();
    let mut out = text[..end].to_owned();
    for revoke in 0..revokes {
        write!(
            out,
            "<urn1:temporaryRevokeRegistration><urn2:temporaryRevokeId>{id}-{revoke}</urn2:temporaryRevokeId>\
             <urn2:blockId>{id}</urn2:blockId><urn2:endDate>2099-01-01T00:00:00</urn2:endDate>\
             <urn2:revokedForCareUnitId>SE2321000016-VE09</urn2:revokedForCareUnitId>\
             </urn1:temporaryRevokeRegistration>"
        )
        .unwrap();
    }
    out + &text[end..]
}

/// GetBlocks of everything.
pub fn get_all_blocks() -> String {
    let start = GET_BLOCKS.find("      <urn1:patientId>").unwrap();
    let end = GET_BLOCKS.find("    </urn1:GetBlocks>").unwrap();
    format!("{}{}", &GET_BLOCKS[..start], &GET_BLOCKS[end..])
}

/// GetBlocks of so many care providers, the last of which has blocks.
pub fn get_blocks_at(count: usize) -> String {
    let all = get_all_blocks();
    let end = all.find("    </urn1:GetBlocks>").unwrap();
    let mut out = all[..end].to_owned();
    for number in 0..count {
        let id = if number + 1 < count { number + 100_000 } else { 1 };
        write!(out, "<urn1:careProviderIds>SE2321000016-VG{id:02}</urn1:careProviderIds>").unwrap();
    }
    out + &all[end..]
}

/// GetExtendedBlocksForPatient.
pub fn histories(number: usize) -> String {
    HISTORIES.replace("191212121212", &patient(number))
}
