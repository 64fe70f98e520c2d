//! Generates the contracts' Rust types from `wsdl/` and `schemas/` into `OUT_DIR/contracts.rs`.

#[path = "src/codegen/mod.rs"]
#[allow(dead_code)]
mod codegen;
#[path = "src/schema_tree.rs"]
mod schema_tree;

use codegen::emit;
use codegen::emitter::Settings;
use codegen::model::{Model, Source};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// `CheckBlocks` judges its rows one by one, and copes with any information type, however long.
/// `GetBlocks` and `GetConsentsForCareProvider` echo their cursor whatever else in the request is
/// wrong. Answers whose rows may be many are written as they are read.
const SETTINGS: Settings = Settings {
    row_wise: &[
        ("InformationEntityType", &["informationType"]),
        ("GetBlocksType", &[]),
        ("GetConsentsForCareProviderType", &[]),
    ],
    streamed: &[
        ("BlockHeaderType", "blocks"),
        ("GetPatientIdResultType", "patientIds"),
        ("LogsResultType", "logs/log"),
        ("AccessLogsResultType", "accesssLogs/accessLog"),
    ],
    field_names: &[("accesssLogs", "access_logs"), ("pDLAssertion", "pdl_assertion")],
    millisecond_namespaces: "urn:riv:informationsecurity:auditing:log",
};

/// Nothing of what we call is odd.
const CALLED: Settings =
    Settings { row_wise: &[], streamed: &[], field_names: &[], millisecond_namespaces: "urn:none" };

fn main() {
    println!("cargo::rerun-if-changed=src/codegen");
    println!("cargo::rerun-if-changed=migrations");
    if let Err(error) = run() {
        println!("cargo::error={error}");
    }
}

fn run() -> Result<(), String> {
    generate(("schemas", "wsdl"), &SETTINGS, "contracts.rs")?;
    // Contracts that we call and do not serve.
    generate(("schemas-called", "wsdl-called"), &CALLED, "called.rs")
}

fn generate(of: (&str, &str), settings: &Settings, file: &str) -> Result<(), String> {
    let schemas = documents(of.0, "xsd")?;
    let wsdls = documents(of.1, "wsdl")?;
    let model = Model::read(&sources(&schemas), &sources(&wsdls))?;
    let text = emit::emit(&model, settings)?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out.join(file), text).map_err(|e| e.to_string())
}

/// Every file below `root` with the ending, as (path, text), sorted by path.
fn documents(root: &str, ending: &str) -> Result<Vec<(String, String)>, String> {
    println!("cargo::rerun-if-changed={root}");
    let mut found = Vec::new();
    collect(Path::new(root), ending, &mut found).map_err(|e| format!("{root}: {e}"))?;
    found.sort();
    Ok(found)
}

fn collect(dir: &Path, ending: &str, found: &mut Vec<(String, String)>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, ending, found)?;
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push((path.to_string_lossy().replace('\\', "/"), fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

fn sources(documents: &[(String, String)]) -> Vec<Source<'_>> {
    documents.iter().map(|(path, text)| Source { path, text }).collect()
}
