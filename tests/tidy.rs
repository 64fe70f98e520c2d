//! The rules of the house that the compiler does not hold.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn walk(dir: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

fn files(dir: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&root().join(dir), ending, &mut found);
    found.sort();
    let name = |p: &PathBuf| p.strip_prefix(root()).unwrap().display().to_string();
    found.iter().map(|p| (name(p), std::fs::read_to_string(p).unwrap())).collect()
}

/// The code without its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap()
}

#[test]
fn every_source_file_says_what_it_is_and_is_not_too_long() {
    for dir in ["src", "tests", "benches"] {
        for (name, text) in files(dir, ".rs") {
            assert!(text.starts_with("//! "), "{name} has no opening comment");
            let lines = code(&text).lines().count();
            assert!(lines <= LINES_MAX, "{name} has {lines} lines");
        }
    }
}

#[test]
fn front_pages_hold_no_function() {
    for (name, text) in files("src", "mod.rs") {
        // The store's front page opens the store.
        if name != "src/store/mod.rs" {
            assert!(!text.contains("fn "), "{name}");
        }
    }
}

/// Who may use whom: the table of `docs/ARCHITECTURE.md`, read from there.
fn table() -> Vec<(String, BTreeSet<String>)> {
    let text = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let rows = text.lines().filter(|l| l.starts_with("| `src/"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let module = cells[1].trim_matches('`').trim_start_matches("src/").trim_end_matches(".rs");
        let used = cells[3].split(',').map(|u| u.trim().trim_matches('`').to_owned()).collect();
        (module.to_owned(), used)
    })
    .collect()
}

#[test]
fn imports_follow_the_table_in_the_architecture() {
    let table = table();
    assert!(table.len() >= 10);
    for (name, text) in files("src", ".rs") {
        let module = name.trim_start_matches("src/").trim_end_matches(".rs");
        let module = module.split('/').next().unwrap();
        if matches!(module, "lib" | "main") {
            continue;
        }
        let (_, allowed) = table
            .iter()
            .find(|(m, _)| m == module)
            .unwrap_or_else(|| panic!("{module} is not in the table"));
        for part in code(&text).split("crate::").skip(1) {
            let used: String =
                part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let fine = used == module || allowed.contains(&used) || allowed.contains("everything");
            assert!(fine || module == "codegen", "{name} uses {used}");
        }
    }
}

#[test]
fn libraries_stay_in_their_rooms() {
    let homes: [(&str, &[&str]); 4] = [
        ("quick_xml", &["src/soap/xml/"]),
        ("sqlx", &["src/store/", "src/app.rs", "src/private_postgres.rs"]),
        ("hyper", &["src/wire/", "src/peer.rs"]),
        ("yaserde", &["src/codegen/"]),
    ];
    for (name, text) in files("src", ".rs") {
        for (library, rooms) in homes {
            let used = code(&text).lines().any(|l| {
                let l = l.trim();
                !l.starts_with("//")
                    && (l.contains(&format!("{library}::"))
                        || l.contains(&format!("use {library}")))
            });
            assert!(!used || rooms.iter().any(|r| name.starts_with(r)), "{name} uses {library}");
        }
    }
}

#[test]
fn every_rule_of_the_domain_has_a_test_that_bears_its_number() {
    let mut rules = 0;
    for (name, text) in files("src/domain", ".rs") {
        let tests = text.split("#[cfg(test)]").nth(1).unwrap_or_default().to_lowercase();
        for line in text.lines().filter_map(|l| l.strip_prefix("//! - **")) {
            let rule = line.split("**").next().unwrap().to_lowercase();
            assert!(tests.contains(&format!("fn {rule}_")), "{name}: no test for {rule}");
            rules += 1;
        }
    }
    assert!(rules >= 20, "{rules}");
}

/// Backquoted paths and link targets of a text.
fn paths(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let linked = text.split("](").skip(1).filter_map(|t| t.split(')').next());
    let places =
        ["src/", "tests/", "testdata/", "docs/", "schemas/", "wsdl/", "migrations/", "benches/"];
    quoted
        .chain(linked)
        .filter(|p| places.iter().any(|place| p.trim_start_matches("../").starts_with(place)))
        .filter(|p| !p.contains(['<', '*', ' ', '…', '{']))
        .map(|p| p.trim_start_matches("../").to_owned())
        .collect()
}

#[test]
fn paths_named_in_prose_exist() {
    let mut prose = files("docs", ".md");
    prose.extend(files("migrations", ".md"));
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 150);
    prose.push(("README.md".into(), readme));
    for (name, text) in files("src", ".rs") {
        let comments: Vec<&str> = text.lines().filter(|l| l.starts_with("//!")).collect();
        prose.push((name, comments.join("\n")));
    }
    for (name, text) in prose {
        for path in paths(&text) {
            assert!(root().join(&path).exists(), "{name} names {path}");
        }
    }
}

#[test]
fn the_readme_lists_the_contracts_there_are_and_those_that_are_served() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<String> = line.split('|').map(|c| c.trim().to_owned()).collect();
        (cells[1].clone(), cells[2].clone(), cells[3].clone(), cells[4] == "yes")
    };
    let is_row = |l: &&str| l.ends_with("| yes |") || l.ends_with("| no |");
    let listed: BTreeSet<_> = readme.lines().filter(is_row).map(row).collect();
    let dispatch = std::fs::read_to_string(root().join("src/dispatch.rs")).unwrap();
    let wsdls: BTreeSet<_> = files("wsdl", ".wsdl")
        .into_iter()
        .map(|(path, _)| {
            let parts: Vec<&str> = path.split('/').collect();
            let name = parts[3].split("Interaction_").next().unwrap().to_owned();
            let served = !dispatch.contains(&format!("| Request::{name}(_)"))
                && !dispatch.contains(&format!("        Request::{name}(_)\n"));
            (parts[1].to_owned(), name, parts[2].to_owned(), served)
        })
        .collect();
    assert_eq!(listed, wsdls);
}

#[test]
fn every_migration_has_its_rows() {
    for (name, _) in files("migrations", ".sql") {
        let rows = root().join("testdata").join(&name);
        assert!(rows.exists(), "{}", rows.display());
    }
}

#[test]
fn nothing_of_one_machine_is_in_the_tree() {
    for (name, text) in ["src", "tests", "docs", "benches"].iter().flat_map(|d| files(d, "")) {
        for mark in ["/home/", "/Users/", concat!("/wo", "rk/")] {
            assert!(!text.contains(mark) || name == "tests/tidy.rs", "{name} names {mark}");
        }
    }
}
