//! What all parts of the generator share: the model, the settings, and names.

use super::model::{Model, QName};
use std::collections::{BTreeMap, BTreeSet};

/// What the schemas do not say and the generator must be told.
pub struct Settings<'a> {
    /// Complex types of which each is read by itself, so that a bad one does not fail the
    /// call: (type, its fields that are read without their length limit).
    pub row_wise: &'a [(&'a str, &'a [&'a str])],
    /// Rust names for element names that snake case spoils.
    pub field_names: &'a [(&'a str, &'a str)],
    /// Complex types whose repeated field may be many: (type, field), or (type, field/field) where
    /// it stands in a type of its own. They can be written a row at a time, and the former read.
    pub streamed: &'a [(&'a str, &'a str)],
    /// Prefix of the namespaces whose times are written with milliseconds.
    pub millisecond_namespaces: &'a str,
}

/// The module of a namespace, for example `log::v2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Module {
    pub domain: String,
    pub major: String,
}

/// A namespace: where its types live, its constant, and the prefix it is written with.
pub struct Namespace {
    pub uri: String,
    pub module: Module,
    pub constant: String,
    pub prefix: char,
}

/// Model, settings and what is derived from both.
pub struct Emitter<'a> {
    pub model: &'a Model,
    pub settings: &'a Settings<'a>,
    pub namespaces: BTreeMap<String, Namespace>,
    /// Complex types that hold text and so borrow from the request.
    pub borrowing: BTreeSet<QName>,
}

/// `createdOnOrAfter` → `created_on_or_after`.
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    for (index, c) in name.char_indices() {
        if c.is_ascii_uppercase() && index > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// `BlockTypeType` → `BlockType`, `BlockType` → `Block`; `ResultType` would hide Rust's own.
pub fn rust_type(name: &str) -> &str {
    match name {
        "ResultType" => name,
        _ => name.strip_suffix("Type").unwrap_or(name),
    }
}

impl Emitter<'_> {
    /// The path of a type from the generated file's top, for example `log::v2::Log`.
    pub fn path(&self, name: &QName) -> String {
        let module = &self.namespaces[&name.namespace].module;
        format!("{}::{}::{}", module.domain, module.major, rust_type(&name.name))
    }
}

/// The text of a file of the project's, as an expression.
pub fn include(path: &str) -> String {
    format!("include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{path}\"))")
}
