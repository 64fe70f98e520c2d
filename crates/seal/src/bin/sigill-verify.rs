//! `sigill-verify`: checks proofs and archives of a sealed log, without a database and without trusting who made them.

use sigill_seal::archive::{self, Verified};
use sigill_seal::entry::Kind;
use sigill_seal::names::VerifyingName;
use sigill_seal::proof_file::ProofFile;
use sigill_seal::record::{SealedRecord, read_notice};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
sigill-verify: checks proofs and archives of a sealed log

  sigill-verify proof FILE --key VKEY [--witness VKEY]... [--quorum N]
  sigill-verify archive DIR [--key VKEY]

VKEY is the line with which the log's (or a witness's) signatures are verified: NAME+ID+KEY. Get it from
somebody you trust; without it an archive is only checked against the keys that lie in it.
Exit code: 0 it holds, 1 it does not, 2 it could not be asked.";

struct Arguments {
    command: String,
    path: String,
    key: Option<VerifyingName>,
    witnesses: Vec<VerifyingName>,
    quorum: usize,
}

fn main() -> ExitCode {
    let arguments = match arguments(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let holds = match arguments.command.as_str() {
        "proof" => proof(&arguments),
        _ => archive(&arguments),
    };
    match holds {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(finding) => {
            println!("DOES NOT HOLD: {finding}");
            ExitCode::from(1)
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let command = given.next().ok_or("nothing is asked")?;
    if command != "proof" && command != "archive" {
        return Err(format!("{command}: neither proof nor archive"));
    }
    let path = given.next().ok_or("of what?")?;
    let mut read = Arguments { command, path, key: None, witnesses: Vec::new(), quorum: 0 };
    let mut quorum = None;
    while let Some(name) = given.next() {
        let value = given.next().ok_or_else(|| format!("{name}: which?"))?;
        let vkey =
            || VerifyingName::of_vkey(&value).ok_or_else(|| format!("{name}: {value} is no key"));
        match name.as_str() {
            "--key" => read.key = Some(vkey()?),
            "--witness" => read.witnesses.push(vkey()?),
            "--quorum" => quorum = value.parse().ok(),
            _ => return Err(format!("{name}: unknown")),
        }
    }
    if read.command == "proof" && read.key.is_none() {
        return Err("proof: --key is needed: anybody can sign".into());
    }
    // Who names witnesses wants all of them, unless they say otherwise.
    read.quorum = quorum.unwrap_or(read.witnesses.len());
    Ok(read)
}

fn proof(arguments: &Arguments) -> Result<String, String> {
    let text = std::fs::read_to_string(&arguments.path).map_err(|error| error.to_string())?;
    let proof = ProofFile::of_text(&text).map_err(|no| no.to_string())?;
    let key = arguments.key.as_ref().ok_or("--key is needed")?;
    let verified = proof.verify(key, &arguments.witnesses, arguments.quorum);
    verified.map_err(|no| no.to_string())?;
    let what = match proof.kind {
        Kind::Record => record(&proof.preimage)?,
        _ => read_notice(&proof.preimage).ok_or("it is no notice")?.to_owned(),
    };
    let checkpoint = proof.checkpoint.checkpoint();
    let (leaf, size, origin) = (proof.leaf, checkpoint.size, &checkpoint.origin);
    Ok(format!("HOLDS: leaf {leaf} of the {size} that {origin} has signed is\n{what}"))
}

/// What a record says, a line for each value.
fn record(preimage: &[u8]) -> Result<String, String> {
    const TEXTS: [&str; 17] = [
        "log id",
        "system",
        "system's name",
        "activity",
        "level",
        "arguments",
        "purpose",
        "user",
        "user's name",
        "person's series",
        "person",
        "assignment",
        "title",
        "care provider",
        "its name",
        "care unit",
        "its name",
    ];
    const RESOURCE: [&str; 8] = [
        "resource",
        "  patient's series",
        "  patient",
        "  patient's name",
        "  held by",
        "  its name",
        "  care unit",
        "  its name",
    ];
    let (record, _) = SealedRecord::read(preimage).map_err(|no| no.to_string())?;
    let mut lines = vec![
        format!("tenant: {}", record.tenant),
        format!("stored at: {} microseconds since 1970", record.stored_at),
        format!("happened at: {} microseconds since 1970", record.activity_at),
    ];
    let resources = record.resources.iter().flat_map(|texts| RESOURCE.iter().zip(texts));
    for (name, text) in TEXTS.iter().zip(&record.texts).chain(resources) {
        lines.extend(text.map(|text| format!("{name}: {text}")));
    }
    Ok(lines.join("\n"))
}

fn archive(arguments: &Arguments) -> Result<String, String> {
    let shows = std::io::stderr().is_terminal();
    let mut progress = |count: u64| {
        if shows && count.is_multiple_of(1 << 16) {
            _ = write!(std::io::stderr(), "\r{count}");
        }
    };
    let verified =
        archive::verify(Path::new(&arguments.path), arguments.key.as_ref(), &mut progress);
    let Verified { origin, size, seconds, checkpoints, records, notices, removed } =
        verified.map_err(|finding| finding.to_string())?;
    let when =
        seconds.map_or_else(String::new, |seconds| format!(" at {seconds} seconds since 1970"));
    let trust = match &arguments.key {
        Some(_) => "",
        None => {
            "\nChecked against the keys that lie in the archive: give --key to know whose log it is."
        }
    };
    Ok(format!(
        "HOLDS: {origin} has signed {size} entries{when}; {checkpoints} checkpoints agree.\n\
         {records} records and {notices} notices are there and unchanged; {removed} records were removed.{trust}"
    ))
}
