//! Who imports whom: rooms by the table in the architecture, files in no circle, libraries in
//! their homes.

use super::tree::{bare, files, root, unquoted};
use std::collections::{BTreeMap, BTreeSet};

/// Who may use whom: the table of `docs/ARCHITECTURE.md`, read from there.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let rows = text.lines().filter(|l| l.starts_with("| `src/"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let room = cells[1].trim_matches('`').trim_start_matches("src/").trim_end_matches(".rs");
        let used = cells[3].split(',').map(|u| u.trim().trim_matches('`').to_owned()).collect();
        (room.to_owned(), used)
    })
    .collect()
}

/// The module that a file is, as a path from the crate's root.
fn module(name: &str) -> Vec<String> {
    let path = name.trim_start_matches("src/").trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    path.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
}

/// Every path that a file names from `crate`, `super` or `self` on, as paths from the crate's root;
/// the trees of `use` are unfolded.
fn named(of: &[String], text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || before == '_' || before == ':' {
                continue;
            }
            let mut base = match start {
                "crate::" => Vec::new(),
                _ => of.to_vec(),
            };
            let mut rest = &text[at..];
            if start == "crate::" || start == "self::" {
                rest = rest.split_once("::").unwrap().1;
            }
            while let Some(after) = rest.strip_prefix("super::") {
                base.pop();
                rest = after;
            }
            unfold(&base, rest, &mut found);
        }
    }
    found
}

/// `a::{b, c::d}` is `a::b` and `a::c::d`.
fn unfold(base: &[String], rest: &str, found: &mut Vec<Vec<String>>) {
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if let Some(group) = rest.strip_prefix('{') {
        let mut depth = 1;
        let mut begin = 0;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if (c == ',' && depth == 1) || depth == 0 {
                unfold(base, group[begin..at].trim(), found);
                begin = at + 1;
            }
            if depth == 0 {
                return;
            }
        }
        return;
    }
    let mut path = base.to_vec();
    if word.is_empty() {
        found.push(path);
        return;
    }
    path.push(word.clone());
    match rest[word.len()..].strip_prefix("::") {
        Some(more) => unfold(&path, more, found),
        None => found.push(path),
    }
}

/// Which file uses which, by the longest path that is a file.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let all = files("src", ".rs");
    let by_module: BTreeMap<Vec<String>, &String> =
        all.iter().map(|(name, _)| (module(name), name)).collect();
    let mut found = BTreeMap::new();
    for (name, text) in &all {
        let own = module(name);
        let mut used = BTreeSet::new();
        for mut path in named(&own, &unquoted(text)) {
            while !path.is_empty() && !by_module.contains_key(&path) {
                path.pop();
            }
            if let Some(file) = by_module.get(&path)
                && *file != name
                && !path.is_empty()
            {
                used.insert((*file).clone());
            }
        }
        found.insert(name.clone(), used);
    }
    found
}

#[test]
fn imports_follow_the_table_in_the_architecture() {
    let table = table();
    let room = |name: &str| module(name).first().cloned().unwrap_or_default();
    for (name, used) in arrows() {
        let from = room(&name);
        if from.is_empty() || from == "main" {
            continue;
        }
        let allowed = table.get(&from).unwrap_or_else(|| panic!("{from} is not in the table"));
        for file in used {
            let to = room(&file);
            let fine = to == from || allowed.contains(&to) || allowed.contains("everything");
            assert!(fine, "{name} uses {file}");
        }
    }
    for (name, text) in files("src", ".rs") {
        assert!(!bare(&text).contains("#[path"), "{name} hides what it uses");
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let arrows = arrows();
    // What remains when files that use no remaining file, or that no remaining file uses, are taken
    // away, again and again.
    let mut left: BTreeSet<&String> = arrows.keys().collect();
    loop {
        let uses = |name: &String| arrows[name].iter().any(|used| left.contains(used));
        let is_used = |name: &String| left.iter().any(|other| arrows[*other].contains(name));
        match left.iter().find(|name| !uses(name) || !is_used(name)).copied() {
            Some(outside) => left.remove(outside),
            None => break,
        };
    }
    let circles = left.iter().map(|name| {
        let among: Vec<&String> = arrows[*name].iter().filter(|used| left.contains(used)).collect();
        format!("{name} → {among:?}")
    });
    assert!(left.is_empty(), "{:#?}", circles.collect::<Vec<_>>());
}

/// Every library of `Cargo.toml` with its home; what is used everywhere says so.
const HOMES: &[(&str, &[&str])] = &[
    ("askama", &["src/admin/"]),
    ("base64", &["src/peers/", "src/procedures/seal/", "src/wire/forwarded.rs"]),
    ("chrono", &["src/"]),
    ("chrono_tz", &["src/domain/time.rs"]),
    ("clap", &["src/commands/", "src/main.rs"]),
    ("csv", &["src/documents/tables.rs"]),
    ("encoding_rs", &["src/soap/xml/"]),
    ("form_urlencoded", &["src/admin/", "src/peers/"]),
    (
        "futures_util",
        &[
            "src/store/",
            "src/workers/",
            "src/wire/",
            "src/contracts/answer.rs",
            "src/fairness/shares.rs",
        ],
    ),
    ("getrandom", &["src/app"]),
    ("http_body_util", &["src/wire/", "src/peers/"]),
    ("hyper", &["src/wire/", "src/peers/"]),
    ("hyper_rustls", &["src/peers/connection.rs"]),
    ("hyper_util", &["src/wire/", "src/peers/"]),
    ("krilla", &["src/documents/"]),
    ("matchit", &["src/admin/pages.rs"]),
    ("memchr", &["src/soap/xml/"]),
    ("mimalloc", &["src/main.rs"]),
    ("nix", &["src/app/process.rs", "src/private_postgres", "src/workers/watch.rs"]),
    ("openssl", &["src/checkpoint_cms.rs", "src/keys.rs", "src/dev_pki.rs"]),
    ("openidconnect", &["src/peers/"]),
    ("quick_xml", &["src/soap/xml/"]),
    ("rustix", &["src/fairness/threads.rs"]),
    ("rcgen", &["src/dev_pki.rs"]),
    ("rustls", &["src/peers/connection.rs", "src/keys.rs", "src/wire/"]),
    ("rust_xlsxwriter", &["src/documents/tables.rs"]),
    (
        "serde",
        &[
            "src/stubs/",
            "src/config/",
            "src/commands/",
            "src/peers/",
            "src/procedures/people/",
            "src/procedures/review/",
        ],
    ),
    (
        "serde_json",
        &[
            "src/wire/",
            "src/commands/",
            "src/admin/open/",
            "src/peers/",
            "src/procedures/people/",
            "src/procedures/review/",
        ],
    ),
    (
        "sigill_seal",
        &[
            "src/store/",
            "src/procedures/",
            "src/app",
            "src/seal_folder.rs",
            "src/peers/witness.rs",
            "src/config/",
            "src/commands/log/",
            "src/commands/review.rs",
        ],
    ),
    (
        "sha2",
        &[
            "src/domain/log/",
            "src/domain/review/draw.rs",
            "src/private_postgres",
            "src/procedures/people/",
            "src/store/log/",
        ],
    ),
    ("sqlx", &["src/store/", "src/app", "src/private_postgres.rs"]),
    ("thiserror", &["src/"]),
    (
        "tokio",
        &[
            "src/app",
            "src/commands/",
            "src/demo/",
            "src/fairness/",
            "src/health.rs",
            "src/peers/",
            "src/private_postgres",
            "src/procedures/",
            "src/store/",
            "src/stubs/serving.rs",
            "src/wire/",
            "src/workers/",
        ],
    ),
    ("toml", &["src/admin/words.rs", "src/commands/directory.rs", "src/config/", "src/stubs/"]),
    ("tracing", &["src/"]),
    ("tracing_appender", &["src/telemetry.rs"]),
    ("tracing_subscriber", &["src/telemetry.rs"]),
    ("ttf_parser", &["src/documents/pdf.rs"]),
    ("typst_assets", &["src/documents/pdf.rs"]),
    (
        "uuid",
        &[
            "src/store/",
            "src/wire/",
            "src/admin/",
            "src/app",
            "src/commands/stub.rs",
            "src/contracts/log/",
            "src/demo/",
            "src/order_folder.rs",
            "src/peers/",
            "src/procedures/",
            "src/stubs/serving.rs",
            "src/workers/",
        ],
    ),
    ("tokio_rustls", &["src/wire/"]),
    ("webpki", &["src/wire/tls/crls.rs"]),
    ("x509_parser", &["src/wire/tls/"]),
    ("zeroize", &["src/app/people.rs", "src/keys.rs", "src/peers/"]),
    ("xml", &["src/schema_tree.rs", "src/codegen/"]),
    ("yaserde", &["src/codegen/"]),
    ("xorf", &["src/store/log/ids/pages.rs"]),
    ("zip", &["src/order_folder.rs"]),
];

#[test]
fn every_library_stays_in_its_home() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let listed = section.lines().filter_map(|line| line.split_once(" = "));
    for library in listed.map(|(name, _)| name.replace('-', "_")) {
        assert!(HOMES.iter().any(|(name, _)| *name == library), "{library} has no home");
    }
    for (name, text) in files("src", ".rs") {
        let text = bare(&text);
        for (library, homes) in HOMES {
            // Our own XML has the name of a library.
            let is_ours = *library == "xml" && text.contains("soap::xml");
            let used = !is_ours
                && text.match_indices(&format!("{library}::")).any(|(at, _)| {
                    let before = text[..at].chars().next_back().unwrap_or(' ');
                    !before.is_alphanumeric() && before != '_' && before != ':'
                });
            assert!(
                !used || homes.iter().any(|home| name.starts_with(home)),
                "{name} uses {library}"
            );
        }
    }
}
