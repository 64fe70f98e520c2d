//! The rules of the house that the compiler does not hold.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod imports;
mod prose;
mod security;
mod tree;

use std::collections::BTreeSet;
use tree::{bare, code, comment_lines, files, root};

const LINES_MAX: usize = 400;

#[test]
fn every_source_file_says_what_it_is_and_is_not_too_long() {
    for dir in ["src", "tests", "benches", "crates"] {
        for (name, text) in files(dir, ".rs") {
            assert!(text.starts_with("//! "), "{name} has no opening comment");
            let lines = code(&text).lines().count();
            assert!(lines <= LINES_MAX, "{name} has {lines} lines");
        }
    }
    assert!(std::fs::read_to_string(root().join("src/main.rs")).unwrap().lines().count() <= 60);
}

#[test]
fn front_pages_hold_no_function() {
    for (name, text) in files("src", "mod.rs") {
        assert!(!text.contains("fn "), "{name}");
    }
}

/// A rule of the domain is tested beside it; one that the store or a procedure carries needs the database, so its test is in the
/// integration suite.
#[test]
fn every_numbered_rule_has_a_test_that_bears_its_number() {
    let integration: String =
        files("tests/integration", ".rs").into_iter().map(|(_, text)| text).collect();
    let mut rules = 0;
    for home in ["src/domain", "src/store", "src/procedures"] {
        for (name, text) in files(home, ".rs") {
            let tests = match home {
                "src/domain" => text.split("#[cfg(test)]").nth(1).unwrap_or_default(),
                _ => &integration,
            };
            for line in text.lines().filter_map(|l| l.strip_prefix("//! - **")) {
                let rule = line.split("**").next().unwrap().to_lowercase();
                let named = tests.contains(&format!("fn {rule}_"));
                assert!(named, "{name}: no test for {rule}");
                rules += 1;
            }
        }
    }
    assert!(rules >= 60, "{rules}");
}

/// A rule that only its own tests call proves a copy. Where SQL carries the rule, the integration
/// test that holds the two together counts.
#[test]
fn every_public_function_of_the_domain_is_used() {
    let mut used = String::new();
    for (_, text) in files("src", ".rs") {
        used += code(&text);
    }
    for (_, text) in files("tests/integration", ".rs") {
        used += &text;
    }
    for (name, text) in files("src/domain", ".rs") {
        for declared in code(&text).split("pub fn ").skip(1) {
            let function = declared.split(['(', '<']).next().unwrap();
            let calls = used
                .match_indices(function)
                .filter(|(at, _)| {
                    let before = used[..*at].chars().next_back().unwrap_or(' ');
                    let after = used[at + function.len()..].chars().next().unwrap_or(' ');
                    let word = |c: char| c.is_alphanumeric() || c == '_';
                    !word(before) && !word(after) && !used[..*at].ends_with("fn ")
                })
                .count();
            assert!(calls > 0, "{name}: nobody uses {function}");
        }
    }
}

#[test]
fn every_migration_has_its_rows() {
    for (name, _) in files("migrations", ".sql") {
        let rows = root().join("testdata").join(&name);
        assert!(rows.exists(), "{}", rows.display());
    }
}

#[test]
fn rows_are_read_by_name() {
    for (name, text) in files("src/store", ".rs") {
        for line in code(&text).lines().filter(|l| l.contains("try_get(")) {
            let read = line.split("try_get(").nth(1).unwrap();
            assert!(read.starts_with('"'), "{name}: {line}");
        }
        let by_place = ["query_as::<_, (", ": Vec<(i", ": Vec<(String"];
        let found = by_place.iter().find(|mark| code(&text).contains(**mark));
        assert_eq!(found, None, "{name}: rows by place");
    }
}

/// What a new contract, level or domain must be thought of in.
#[test]
fn no_choice_of_contracts_has_a_wildcard() {
    let mut choosing = files("src/contracts", ".rs");
    let alone = ["src/dispatch.rs", "src/procedures/tenants.rs"];
    choosing.extend(files("src", ".rs").into_iter().filter(|(n, _)| alone.contains(&n.as_str())));
    assert!(choosing.len() > alone.len());
    for (name, text) in choosing {
        let text = bare(&text);
        let wild = text.lines().find(|line| line.trim_start().starts_with("_ =>"));
        assert_eq!(wild, None, "{name}");
    }
}

/// One word for one thing: a type's name is used once in `src`, but for the wire's own.
#[test]
fn no_two_types_share_a_name() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (name, text) in files("src", ".rs") {
        let inside_generator = name.starts_with("src/codegen") || name.starts_with("src/check");
        // A setting and what is made of it may share their name across `config` and the rest.
        if inside_generator || name.starts_with("src/config") {
            continue;
        }
        for line in code(&text).lines() {
            let line = line.trim_start();
            let visible = ["pub(super) ", "pub(crate) ", "pub "];
            let bare = visible.iter().find_map(|v| line.strip_prefix(v)).unwrap_or(line);
            let declared = ["struct ", "enum "].iter().find_map(|kind| bare.strip_prefix(kind));
            let Some(declared) = declared else { continue };
            let type_name = declared.split([' ', '<', '(', '{', ';']).next().unwrap();
            assert!(seen.insert(type_name.to_owned()), "{name}: {type_name} a second time");
        }
    }
}

#[test]
fn nothing_of_one_machine_is_in_the_tree() {
    for (name, text) in ["src", "tests", "docs", "benches"].iter().flat_map(|d| files(d, "")) {
        for mark in [concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")] {
            assert!(!text.contains(mark), "{name} names {mark}");
        }
    }
}

#[test]
fn every_comment_of_a_module_is_kept() {
    // The front page of a room says what is in it.
    for (name, text) in files("src", "mod.rs") {
        assert!(!comment_lines(&text).is_empty(), "{name}");
    }
}
