//! The table of harm: every row names tests that there are.

use super::tree::{files, root};

#[test]
fn every_harm_has_its_test() {
    let text = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let mut tests = String::new();
    for dir in ["src", "tests", "crates"] {
        for (_, text) in files(dir, ".rs") {
            tests += &text;
        }
    }
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| T")).collect();
    for (row, number) in rows.iter().zip(1..) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells[1], format!("T{number}"));
        let named: Vec<&str> = cells[4].split('`').skip(1).step_by(2).collect();
        let waits = cells[3].starts_with("SAML is not spoken");
        assert!(waits || !named.is_empty(), "T{number} names no test");
        for test in named {
            let is_there = tests.match_indices(&format!("fn {test}(")).any(|(at, _)| {
                let before = &tests[..at];
                before[before.len().saturating_sub(120)..].contains("test")
            });
            assert!(is_there, "T{number}: there is no test {test}");
        }
    }
    assert_eq!(rows.len(), 40);
}

/// What is built is what was looked at.
#[test]
fn the_lock_file_is_used() {
    assert!(root().join("Cargo.lock").is_file());
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let calls = makefile.lines().filter(|line| {
        let line = line.trim_start();
        ["cargo build", "cargo test", "cargo bench", "cargo clippy", "cargo doc", "cargo run"]
            .iter()
            .any(|call| line.contains(call))
    });
    let mut count = 0;
    for call in calls {
        assert!(call.contains("--locked"), "{call}");
        count += 1;
    }
    assert!(count >= 5, "{count}");
}
