//! `sigill-verify`: checks proofs and archives of a sealed log, without a database and without trusting who made them.

use sigill_seal::names::VerifyingName;
use sigill_seal::words::{self, NotHeld};
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
    if std::env::args().skip(1).any(|given| given == "--help" || given == "-h") {
        return said(USAGE, ExitCode::SUCCESS);
    }
    let arguments = match arguments(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match asked(&arguments) {
        Ok(text) => said(&text, ExitCode::SUCCESS),
        Err(NotHeld { could_not_be_read: true, why }) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
        Err(NotHeld { why, .. }) => said(&format!("DOES NOT HOLD: {why}"), ExitCode::from(1)),
    }
}

/// Says something; whoever stops listening does not change what is so.
fn said(text: &str, code: ExitCode) -> ExitCode {
    _ = writeln!(std::io::stdout(), "{text}");
    code
}

fn asked(arguments: &Arguments) -> Result<String, NotHeld> {
    let path = Path::new(&arguments.path);
    match &arguments.key {
        Some(key) if arguments.command == "proof" => {
            words::proof(path, key, (&arguments.witnesses, arguments.quorum))
        }
        key => {
            let shows = std::io::stderr().is_terminal();
            words::archive(path, key.as_ref(), &mut |count| {
                if shows && count.is_multiple_of(1 << 16) {
                    _ = write!(std::io::stderr(), "\r{count}");
                }
            })
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
            "--quorum" => {
                let number =
                    value.parse().map_err(|_| format!("--quorum: {value} is no number"))?;
                quorum = Some(number);
            }
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
