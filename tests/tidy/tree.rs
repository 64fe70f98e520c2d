//! The files of the project, and their code without comments and tests.

use std::path::{Path, PathBuf};

pub fn root() -> &'static Path {
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

/// Every file below a folder with this ending, as (path from the root, text), sorted.
pub fn files(dir: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&root().join(dir), ending, &mut found);
    found.sort();
    let name = |p: &PathBuf| p.strip_prefix(root()).unwrap().display().to_string();
    // Pictures have no text.
    found.retain(|path| path.extension().is_none_or(|ending| ending != "png"));
    found.iter().map(|p| (name(p), std::fs::read_to_string(p).unwrap())).collect()
}

/// The code without its tests.
pub fn code(text: &str) -> &str {
    let end = ["#[cfg(test)]\nmod tests", "#[cfg(test)]\npub(super) mod tests"]
        .iter()
        .filter_map(|mark| text.find(mark))
        .min();
    &text[..end.unwrap_or(text.len())]
}

/// The code without its tests and comments.
pub fn bare(text: &str) -> String {
    let lines = code(text).lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// A file's own code without what its text literals hold.
pub fn unquoted(text: &str) -> String {
    let mut left = String::new();
    let mut rest = bare(text).replace("'\"'", "' '").replace("'\\\"'", "' '");
    while let Some((before, after)) = rest.split_once('"') {
        left.push_str(before);
        let mut escaped = false;
        let end = after.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        rest = end.map_or_else(String::new, |at| after[at + 1..].to_owned());
    }
    left + &rest
}

/// The module's comment.
pub fn comment_lines(text: &str) -> Vec<&str> {
    text.lines().take_while(|line| line.starts_with("//!")).collect()
}
