//! What is said of the project is true: paths exist, tables equal the code.

use super::tree::{comment_lines, files, root};
use sigill::messages::generated::Interaction;
use std::collections::BTreeSet;

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
    for dir in ["src", "tests", "benches"] {
        for (name, text) in files(dir, ".rs") {
            prose.push((name, comment_lines(&text).join("\n")));
        }
    }
    for (name, text) in prose {
        for path in paths(&text) {
            assert!(root().join(&path).exists(), "{name} names {path}");
        }
    }
    let architecture = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    assert!(architecture.lines().count() <= 300);
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
    let known: BTreeSet<_> = Interaction::ALL
        .into_iter()
        .map(|i| {
            let domain = i.domain().rsplit(':').next().unwrap().to_owned();
            (domain, i.name().to_owned(), format!("{}.0", i.major()), true)
        })
        .collect();
    assert_eq!(listed, known);
    assert_eq!(files("wsdl", ".wsdl").len(), known.len());
}
