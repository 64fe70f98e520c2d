//! Finding the files of a folder, matching them with ours, and the report.

use super::compare;
use crate::messages::generated::{Interaction, SCHEMAS};
use crate::schema_tree::{self, Node, WSDL, XS};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Files that are looked at, at the most; a complete package has some hundred.
const FILES_MAX: usize = 10_000;
/// Folders nested in each other, at the most.
const DEPTH_MAX: usize = 16;

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Report {
    differences: Vec<String>,
    not_ours: Vec<String>,
    compared: usize,
}

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A folder or file cannot be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, io::Error),
    /// More files or deeper folders than a package can have.
    #[error("{0} holds more than a package of contracts can hold")]
    TooMuch(PathBuf),
    /// No file of the folder has a target namespace of ours.
    #[error("{0} holds no schema or WSDL of our contracts")]
    NothingToCompare(PathBuf),
}

impl Report {
    /// Whether there is no difference among what the folder holds.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.differences {
            writeln!(f, "{difference}")?;
        }
        for file in &self.not_ours {
            writeln!(f, "note: {file}: not one of our contracts, not compared")?;
        }
        let (compared, found) = (self.compared, self.differences.len());
        writeln!(f, "compared {compared} files, {found} differences")
    }
}

/// Compares every schema and WSDL below `dir` with ours.
///
/// # Errors
/// That the folder cannot be read or holds nothing of ours.
pub fn run(dir: &Path) -> Result<Report, CheckError> {
    let mut files = Vec::new();
    collect(dir, 0, &mut files)?;
    files.sort();
    let ours = ours();
    let mut report = Report::default();
    for path in files {
        let name = path.strip_prefix(dir).unwrap_or(&path).display().to_string();
        let bytes = fs::read(&path).map_err(|e| CheckError::Unreadable(path.clone(), e))?;
        let theirs = match schema_tree::parse(&String::from_utf8_lossy(&bytes)) {
            Ok(theirs) => theirs,
            Err(error) => {
                report.differences.push(format!("{name}: cannot be read: {error}"));
                continue;
            }
        };
        match ours.get(&key(&theirs)) {
            Some(ours) => {
                report.compared += 1;
                let found = compare::documents(ours, &theirs);
                report.differences.extend(found.into_iter().map(|d| format!("{name}: {d}")));
            }
            None => report.not_ours.push(name),
        }
    }
    if report.compared == 0 && report.differences.is_empty() {
        return Err(CheckError::NothingToCompare(dir.to_owned()));
    }
    Ok(report)
}

/// Kind of document and target namespace.
fn key(root: &Node) -> (String, String) {
    let kind = match (root.namespace.as_str(), root.name.as_str()) {
        (XS, "schema") => "schema",
        (WSDL, "definitions") => "wsdl",
        _ => "",
    };
    let namespace = root.attributes.get("targetNamespace").cloned().unwrap_or_default();
    (kind.to_owned(), namespace)
}

fn ours() -> BTreeMap<(String, String), Node> {
    let schemas = SCHEMAS.iter().map(|(_, text)| *text);
    let wsdls = Interaction::ALL.into_iter().map(Interaction::wsdl);
    // Ours were read by the build with the same reader.
    schemas
        .chain(wsdls)
        .filter_map(|text| schema_tree::parse(text).ok())
        .map(|n| (key(&n), n))
        .collect()
}

fn collect(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), CheckError> {
    let unreadable = |error| CheckError::Unreadable(dir.to_owned(), error);
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        if depth > DEPTH_MAX || found.len() > FILES_MAX {
            return Err(CheckError::TooMuch(dir.to_owned()));
        }
        // A link could lead in a circle.
        if path.is_dir() && !path.is_symlink() {
            collect(&path, depth + 1, found)?;
        } else if matches!(ending.as_deref(), Some("xsd" | "wsdl")) && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}
