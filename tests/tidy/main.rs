//! The rules of the house that the compiler does not hold.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod imports;
mod prose;
mod tree;

use std::collections::BTreeSet;
use tree::{code, comment_lines, files, root};

const LINES_MAX: usize = 400;

#[test]
fn every_source_file_says_what_it_is_and_is_not_too_long() {
    for dir in ["src", "tests", "benches"] {
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
    }
}

#[test]
fn no_choice_of_contracts_or_store_rows_has_a_wildcard() {
    for (name, text) in [files("src/contracts", ".rs"), files("src/procedures", ".rs")].concat() {
        let wild = code(&text)
            .lines()
            .find(|line| line.trim_start().starts_with("_ =>") && line.contains("Interaction"));
        assert_eq!(wild, None, "{name}");
    }
    let dispatch = std::fs::read_to_string(root().join("src/dispatch.rs")).unwrap();
    assert!(!dispatch.contains("_ =>"));
}

/// One word for one thing: a type's name is used once in `src`, but for the wire's own.
#[test]
fn no_two_types_share_a_name() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (name, text) in files("src", ".rs") {
        let mut rest = code(&text);
        while let Some(at) = rest.find("\npub struct ").or_else(|| rest.find("\npub enum ")) {
            let declared = &rest[at + 1..];
            let word = declared.split_whitespace().nth(2).unwrap();
            let type_name = word.split(['<', '(', '{', ';']).next().unwrap().to_owned();
            let inside_generator = name.starts_with("src/codegen") || name.starts_with("src/check");
            // A setting and what is made of it may share their name across `config` and the rest.
            let exempt = inside_generator || name.starts_with("src/config");
            assert!(exempt || seen.insert(type_name.clone()), "{name}: {type_name} a second time");
            rest = &declared[4..];
        }
    }
}

#[test]
fn nothing_of_one_machine_is_in_the_tree() {
    for (name, text) in ["src", "tests", "docs", "benches"].iter().flat_map(|d| files(d, "")) {
        for mark in ["/home/", "/Users/", concat!("/wo", "rk/")] {
            assert!(!text.contains(mark) || name == "tests/tidy/main.rs", "{name} names {mark}");
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
