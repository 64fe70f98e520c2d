//! How pages are made: one heading, labels, unique ids, no styles of their own, nothing of strangers' as markup; and that
//! everything that is said has its English.

use super::{BLOCKS, LOG, OPERATOR, Pages, text};
use scraper::{Html, Selector};
use sigill::admin::words::ENGLISH;
use sigill::domain::review::{case, visit};
use std::collections::{BTreeMap, BTreeSet};

fn select(page: &Html, what: &str) -> usize {
    page.select(&Selector::parse(what).unwrap()).count()
}

fn check(path: &str, shown: &str) {
    let page = Html::parse_document(shown);
    assert_eq!(select(&page, "h1"), 1, "{path}");
    assert_eq!(select(&page, "main"), 1, "{path}");
    assert_eq!(select(&page, "[style], style, script:not([src]), [onclick]"), 0, "{path}");
    assert_eq!(select(&page, "html[lang]"), 1, "{path}");
    let mut ids = BTreeSet::new();
    for element in page.select(&Selector::parse("[id]").unwrap()) {
        assert!(ids.insert(element.value().attr("id").unwrap().to_owned()), "{path}: an id twice");
    }
    for field in
        page.select(&Selector::parse("input:not([type=hidden]), select, textarea").unwrap())
    {
        let id = field.value().attr("id").unwrap_or_else(|| panic!("{path}: a field without id"));
        let label = Selector::parse(&format!("label[for='{id}']")).unwrap();
        assert_eq!(page.select(&label).count(), 1, "{path}: {id} has no label");
    }
    for table in page.select(&Selector::parse("table").unwrap()) {
        let cells = |what: &str| table.select(&Selector::parse(what).unwrap()).count();
        assert!(
            cells("caption") == 1 && cells("thead th[scope=col]") > 0,
            "{path}: a table without heads"
        );
        assert_eq!(cells("tbody tr"), cells("tbody th[scope=row]"), "{path}");
    }
}

#[tokio::test]
async fn every_page_is_well_made() {
    let pages = Pages::start().await;
    let mut checked = 0;
    for (employee, paths) in [
        (BLOCKS, vec!["", "/sparrar", "/sparrar/ny", "/samtycken", "/samtycken/nytt", "/prova"]),
        (LOG, vec!["/utdrag", "/embargo"]),
        (OPERATOR, vec![]),
    ] {
        let mut reader = pages.logged_in(employee).await;
        for page in sigill::admin::pages::PAGES.iter().filter(|page| !page.path.contains('{')) {
            let reply = reader.get(page.path).await;
            if reply.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
                check(page.path, &text(&reply));
                checked += 1;
            }
        }
        if !paths.is_empty() {
            let lookup = reader.look_up(&pages.story(5)).await;
            for path in paths {
                check(path, &text(&reader.get(&format!("{lookup}{path}")).await));
                let wrong = reader.post(&format!("{lookup}{path}"), &[("from", "x")]).await;
                if wrong.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
                    check(path, &text(&wrong));
                }
            }
        }
    }
    assert!(checked > 60, "{checked}");
}

#[tokio::test]
async fn hostile_names_are_shown_as_text() {
    let pages = Pages::start().await;
    let pool = pages.service.database.pool().await;
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    for sql in [
        "update directory_units set unit_name = $1",
        "update directory_staff set employee_name = $1 where employee_id not like '%A%'",
        "update admin_sessions set employee_name = $1",
    ] {
        sqlx::query(sql).bind(hostile).execute(&pool).await.unwrap();
    }
    let mut reader = pages.logged_in(BLOCKS).await;
    let lookup = reader.look_up(&pages.story(5)).await;
    for path in [
        lookup.clone(),
        format!("{lookup}/sparrar/ny"),
        "/enhet/sparrar".into(),
        "/logga-in".into(),
    ] {
        let shown = text(&reader.get(&path).await);
        let page = Html::parse_document(&shown);
        assert_eq!(select(&page, "img, script:not([src='/skript.js'])"), 0, "{path}");
        assert!(shown.contains("&#60;script&#62;") || shown.contains("&lt;script&gt;"), "{path}");
    }
}

#[tokio::test]
async fn pages_carry_their_headers() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(BLOCKS).await;
    for path in ["/", "/patient", "/statistik", "/stil.css", "/finns-inte"] {
        let reply = reader.get(path).await;
        let policy = reply.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{path}");
        }
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{path}");
        let is_public = ["/statistik", "/stil.css"].contains(&path);
        let kept = reply.header("cache-control").unwrap();
        assert_eq!(kept == "no-store", !is_public, "{path}: {kept}");
    }
}

/// What the code says in Swedish: `t("…")`, `filled("…"`, `counted(…, "…", "…"` and `"…"|t`.
fn said() -> BTreeSet<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.join("src/admin"), root.join("src/procedures/people")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for begin in ["t(", "filled("] {
            for (at, _) in text.match_indices(begin) {
                let before = text[..at].chars().next_back().unwrap_or(' ');
                if before.is_alphanumeric() || before == '_' || before == '.' {
                    continue;
                }
                if let Some(rest) = text[at + begin.len()..].trim_start().strip_prefix('"') {
                    found.insert(literal(rest));
                }
            }
        }
        for (at, _) in text.match_indices("counted(") {
            if text[..at].ends_with("fn ") {
                continue;
            }
            // What is said of one, and of many.
            let mut rest = &text[at..];
            for _ in 0..2 {
                rest = rest.split_once('"').unwrap().1;
                found.insert(literal(rest));
                rest = rest.split_once('"').unwrap().1;
            }
        }
        for (at, _) in text.match_indices("\"|t }}") {
            let start = text[..at].rfind('"').unwrap();
            found.insert(text[start + 1..at].to_owned());
        }
    }
    for series in sigill::procedures::people::statistics::SERIES {
        found.insert(series.title.to_owned());
        found.insert(series.definition.to_owned());
    }
    let asked = case::CONFIRMED.iter().chain(&case::DEVIATION).chain(&visit::DISCLOSURES);
    found.extend(asked.map(|(_, words)| (*words).to_owned()));
    found.retain(|words| {
        words.chars().any(char::is_alphabetic) && (words.contains(' ') || !words.contains('_'))
    });
    found
}

/// A literal as the compiler reads it: continued lines are one.
fn literal(rest: &str) -> String {
    let mut text = String::new();
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                Some(c) => text.push(c),
                None => break,
            },
            c => text.push(c),
        }
    }
    text
}

#[test]
fn everything_that_is_said_has_its_english_and_nothing_else_has() {
    let english: BTreeMap<String, String> = toml::from_str(ENGLISH).unwrap();
    let said = said();
    let missing: Vec<&String> = said.iter().filter(|words| !english.contains_key(*words)).collect();
    assert!(missing.is_empty(), "without English: {missing:#?}");
    let known = ["{} av {}"];
    let idle: Vec<&String> = english
        .keys()
        .filter(|words| !said.contains(*words) && !known.contains(&words.as_str()))
        .collect();
    assert!(idle.is_empty(), "said nowhere: {idle:#?}");
    for (swedish, english) in &english {
        let holes = |text: &str| text.matches("{}").count();
        assert_eq!(holes(swedish), holes(english), "{swedish}");
    }
}
