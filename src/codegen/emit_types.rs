//! Writes the Rust text of types: structs and enumerations with their readers and writers.

use super::emitter::{Emitter, rust_type, snake};
use super::model::{Builtin, ComplexType, Field, Model, QName, builtin};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The complex types that hold text, directly or further down.
pub fn borrowing(model: &Model) -> BTreeSet<QName> {
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for (name, complex) in &model.complex {
            let holds = complex.fields.iter().any(|f| {
                found.contains(&f.type_name)
                    || matches!(kind(model, &f.type_name), Kind::Text { .. })
            });
            if holds {
                found.insert(name.clone());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// How a value is held and read.
enum Kind {
    Text { read: String },
    DateTime,
    Boolean,
    Int,
    Enumeration,
    Complex,
}

fn kind(model: &Model, name: &QName) -> Kind {
    let simple = model.simple.get(name);
    if simple.is_some_and(|s| !s.values.is_empty()) {
        return Kind::Enumeration;
    }
    let base = simple.map(|s| s.base).or_else(|| builtin(name));
    let read = match (base, simple.and_then(|s| s.max_length), simple.and_then(|s| s.digits)) {
        (Some(Builtin::String), _, Some(count)) => format!("|r| r.digits({count})"),
        (Some(Builtin::String), Some(max), _) => format!("|r| r.text({max})"),
        (Some(Builtin::String), None, _) => "|r| r.text(xml::UNLIMITED)".into(),
        (Some(Builtin::AnyUri), ..) => "Reader::any_uri".into(),
        (Some(Builtin::Base64Binary), ..) => "Reader::base64".into(),
        (Some(Builtin::DateTime), ..) => return Kind::DateTime,
        (Some(Builtin::Boolean), ..) => return Kind::Boolean,
        (Some(Builtin::Int), ..) => return Kind::Int,
        (None, ..) => return Kind::Complex,
    };
    Kind::Text { read }
}

fn doc(out: &mut String, indent: &str, text: &str, otherwise: &str) {
    let text = if text.is_empty() { otherwise } else { text };
    _ = writeln!(out, "{indent}/// {text}");
}

impl Emitter<'_> {
    pub(super) fn enumeration(&self, name: &QName, out: &mut String) {
        let values = &self.model.simple[name].values;
        let rust = rust_type(&name.name);
        doc(out, "", "", &format!("`{}` of the schema.", name.name));
        _ = writeln!(out, "#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]\npub enum {rust} {{");
        for (value, text) in values {
            doc(out, "    ", text, &format!("`{value}`"));
            _ = writeln!(out, "    {},", variant(value));
        }
        _ = writeln!(out, "}}\n\nimpl {rust} {{");
        out.push_str("    /// The value as the wire spells it.\n    pub const fn as_str(self) -> &'static str {\n        match self {\n");
        for (value, _) in values {
            _ = writeln!(out, "            Self::{} => {value:?},", variant(value));
        }
        out.push_str("        }\n    }\n\n");
        out.push_str("    /// The value that a text spells.\n    pub fn of_text(text: &str) -> Option<Self> {\n        Some(match text {\n");
        for (value, _) in values {
            _ = writeln!(out, "            {value:?} => Self::{},", variant(value));
        }
        let allowed: Vec<&str> = values.iter().map(|(v, _)| v.as_str()).collect();
        out.push_str("            _ => return None,\n        })\n    }\n\n");
        _ = writeln!(
            out,
            "    pub fn read_value(r: &mut Reader<'_>) -> ::core::result::Result<Self, ReadError> {{\n        r.enumeration({:?}, Self::of_text)\n    }}\n}}\n",
            allowed.join(", ")
        );
    }

    pub(super) fn structure(&self, name: &QName, out: &mut String) {
        let complex = &self.model.complex[name];
        let row = self.settings.row_wise.iter().find(|(n, _)| *n == name.name);
        let rust = rust_type(&name.name);
        let (declared, used) = match self.borrowing.contains(name) {
            true => ("<'a>", "<'a>"),
            false => ("", ""),
        };
        doc(out, "", &complex.doc, &format!("`{}` of the schema.", name.name));
        _ = writeln!(out, "#[derive(Debug, Clone, PartialEq)]\npub struct {rust}{declared} {{");
        for field in &complex.fields {
            self.declare(field, field.required && row.is_none(), out);
        }
        if row.is_some() {
            out.push_str(
                "    /// What was wrong in this row.\n    pub violations: Vec<Violation>,\n",
            );
        }
        _ = writeln!(out, "}}\n\nimpl<'a> {rust}{used} {{");
        match row {
            Some((_, unlimited)) => self.row_reader(name, complex, unlimited, out),
            None => self.reader(name, complex, out),
        }
        self.write_fields(name, &complex.fields, row.is_some(), out);
        out.push_str("}\n\n");
    }

    /// A field of a struct.
    pub(super) fn declare(&self, field: &Field, required: bool, out: &mut String) {
        doc(out, "    ", &field.doc, &format!("`{}`", field.name));
        let plain = self.value_type(&field.type_name);
        let held = match (field.repeated, required) {
            (true, _) => format!("Vec<{plain}>"),
            (false, true) => plain,
            (false, false) => format!("Option<{plain}>"),
        };
        _ = writeln!(out, "    pub {}: {held},", self.field_name(field));
    }

    fn reader(&self, name: &QName, complex: &ComplexType, out: &mut String) {
        let ns = &self.namespaces[&name.namespace].constant;
        out.push_str("    pub fn read(r: &mut Reader<'a>) -> ::core::result::Result<Self, ReadError> {\n        r.enter()?;\n");
        for field in &complex.fields {
            self.read_one(ns, field, out);
        }
        _ = writeln!(out, "        r.leave({})?;", extension(ns, complex.any));
        out.push_str("        Ok(Self {\n");
        for field in &complex.fields {
            _ = writeln!(out, "            {},", self.field_name(field));
        }
        out.push_str("        })\n    }\n\n");
    }

    /// Reads a field into a variable of its name.
    pub(super) fn read_one(&self, ns: &str, field: &Field, out: &mut String) {
        let (fname, read) = (self.field_name(field), self.read_call(&field.type_name));
        let call = match (field.repeated, field.required) {
            (true, required) => {
                format!("r.repeated(ns::{ns}, {:?}, {required}, {read})?", field.name)
            }
            (false, true) => format!("r.required(ns::{ns}, {:?}, {read})?", field.name),
            (false, false) => format!("r.optional(ns::{ns}, {:?}, {read})?", field.name),
        };
        _ = writeln!(out, "        let {fname} = {call};");
    }

    /// Like `reader`, but every violation is kept and the reading goes on.
    fn row_reader(
        &self,
        name: &QName,
        complex: &ComplexType,
        unlimited: &[&str],
        out: &mut String,
    ) {
        let ns = &self.namespaces[&name.namespace].constant;
        out.push_str(
            "    pub fn read(r: &mut Reader<'a>) -> ::core::result::Result<Self, ReadError> {\n",
        );
        let is_request = self.is_request(name);
        _ = writeln!(out, "        let mut row = Row::enter(r, {is_request})?;");
        for (index, field) in complex.fields.iter().enumerate() {
            let later: Vec<&str> =
                complex.fields[index..].iter().map(|f| f.name.as_str()).collect();
            let read = match unlimited.contains(&field.name.as_str()) {
                true => "|r| r.text(xml::UNLIMITED)".to_owned(),
                false => self.read_call(&field.type_name),
            };
            _ = writeln!(
                out,
                "        let {} = row.{}(r, ns::{ns}, &{later:?}, {}, {read})?;",
                self.field_name(field),
                if field.repeated { "repeated" } else { "field" },
                field.required
            );
        }
        _ = writeln!(
            out,
            "        let violations = row.leave(r, {})?;",
            extension(ns, complex.any)
        );
        out.push_str("        Ok(Self {\n");
        for field in &complex.fields {
            _ = writeln!(out, "            {},", self.field_name(field));
        }
        out.push_str("            violations,\n        })\n    }\n\n");
    }

    /// The function that writes some fields; those of a row may all be missing.
    pub(super) fn write_fields(
        &self,
        owner: &QName,
        fields: &[Field],
        row: bool,
        out: &mut String,
    ) {
        out.push_str("    /// Writes the content of the element: everything between its tags.\n    #[allow(unused_variables)]\n    pub fn write(&self, out: &mut Writer) {\n");
        for field in fields {
            let fname = self.field_name(field);
            let one = |value: &str| self.write_one(owner, field, value);
            let line = match (field.repeated, field.required && !row) {
                (true, _) => format!("for value in &self.{fname} {{ {} }}", one("value")),
                (false, false) => {
                    format!("if let Some(value) = &self.{fname} {{ {} }}", one("value"))
                }
                (false, true) => one(&format!("&self.{fname}")),
            };
            _ = writeln!(out, "        {line}");
        }
        out.push_str("    }\n");
    }

    /// Writes one value of a field with its tags.
    pub(super) fn write_one(&self, owner: &QName, field: &Field, value: &str) -> String {
        let prefix = self.namespaces[&owner.namespace].prefix;
        let tags = format!("\"<{prefix}:{0}>\", ", field.name);
        let end = format!("\"</{prefix}:{0}>\"", field.name);
        self.write_call(owner, &field.type_name, &tags, value, &end)
    }

    fn is_request(&self, name: &QName) -> bool {
        self.model.interactions.iter().any(|i| self.model.elements[&i.request] == *name)
    }

    fn write_call(
        &self,
        owner: &QName,
        type_name: &QName,
        tags: &str,
        value: &str,
        end: &str,
    ) -> String {
        match kind(self.model, type_name) {
            Kind::Text { .. } => format!("out.text({tags}{value}, {end});"),
            Kind::DateTime => {
                let millis = owner.namespace.starts_with(self.settings.millisecond_namespaces);
                format!("out.date_time({tags}{value}, {millis}, {end});")
            }
            Kind::Boolean => format!("out.boolean({tags}*{value}, {end});").replace("*&", ""),
            Kind::Int => format!("out.int({tags}*{value}, {end});").replace("*&", ""),
            Kind::Enumeration => {
                let value = value.trim_start_matches('&');
                format!(
                    "out.raw({}); out.raw({value}.as_str()); out.raw({end});",
                    tags.trim_end_matches(", ")
                )
            }
            Kind::Complex => {
                let value = value.trim_start_matches('&');
                format!(
                    "out.raw({}); {value}.write(out); out.raw({end});",
                    tags.trim_end_matches(", ")
                )
            }
        }
    }

    /// Reading and writing the type as a document's root.
    pub(super) fn root(&self, element: &QName, type_name: &QName, out: &mut String) {
        let rust = rust_type(&type_name.name);
        let lifetime = if self.borrowing.contains(type_name) { "<'_>" } else { "" };
        let mut uris = vec![('r', element.namespace.clone())];
        self.foreign_namespace(type_name, &element.namespace, &mut uris);
        let declared: String =
            uris.iter().map(|(p, uri)| format!(" xmlns:{p}=\"{uri}\"")).collect();
        let open = format!("<r:{}{declared}>", element.name);
        _ = writeln!(
            out,
            "impl {rust}{lifetime} {{\n    /// The start tag of the element `{0}`, with every namespace that its content needs.\n    pub const OPEN: &'static str = {open:?};\n    /// The end tag of the element `{0}`.\n    pub const CLOSE: &'static str = \"</r:{0}>\";\n\n    /// Writes the element `{0}`.\n    pub fn write_root(&self, out: &mut Writer) {{\n        out.raw(Self::OPEN);\n        self.write(out);\n        out.raw(Self::CLOSE);\n    }}\n}}\n",
            element.name
        );
    }

    fn foreign_namespace(&self, name: &QName, own: &str, found: &mut Vec<(char, String)>) {
        if name.namespace != own && found.iter().all(|(_, uri)| *uri != name.namespace) {
            found.push((self.namespaces[&name.namespace].prefix, name.namespace.clone()));
        }
        for field in &self.model.complex[name].fields {
            if self.model.complex.contains_key(&field.type_name) {
                self.foreign_namespace(&field.type_name, own, found);
            }
        }
    }

    pub(super) fn value_type(&self, name: &QName) -> String {
        match kind(self.model, name) {
            Kind::Text { .. } => "Text<'a>".into(),
            Kind::DateTime => "DateTime".into(),
            Kind::Boolean => "bool".into(),
            Kind::Int => "i32".into(),
            Kind::Complex if self.borrowing.contains(name) => {
                format!("super::super::{}<'a>", self.path(name))
            }
            Kind::Enumeration | Kind::Complex => format!("super::super::{}", self.path(name)),
        }
    }

    pub(super) fn read_call(&self, name: &QName) -> String {
        match kind(self.model, name) {
            Kind::Text { read } => read,
            Kind::DateTime => "Reader::date_time".into(),
            Kind::Boolean => "Reader::boolean".into(),
            Kind::Int => "Reader::int".into(),
            Kind::Enumeration => format!("super::super::{}::read_value", self.path(name)),
            Kind::Complex => format!("super::super::{}::read", self.path(name)),
        }
    }

    pub(super) fn field_name(&self, field: &Field) -> String {
        let renamed = self.settings.field_names.iter().find(|(from, _)| *from == field.name);
        renamed.map_or_else(|| snake(&field.name), |(_, to)| (*to).to_owned())
    }
}

fn extension(ns: &str, any: bool) -> String {
    if any { format!("Some(ns::{ns})") } else { "None".into() }
}

/// `VALIDATION_ERROR` → `ValidationError`; values in mixed case stay as they are.
fn variant(value: &str) -> String {
    if value.chars().any(|c| c.is_ascii_lowercase()) {
        return value.to_owned();
    }
    let spelled = match value {
        "VALIDATIONERROR" => "VALIDATION_ERROR",
        "ACCESSDENIED" => "ACCESS_DENIED",
        "NOTFOUND" => "NOT_FOUND",
        "ALREADYEXISTS" => "ALREADY_EXISTS",
        "INVALIDSTATE" => "INVALID_STATE",
        other => other,
    };
    spelled
        .split(['_', '-'])
        .map(|word| word[..1].to_owned() + &word[1..].to_ascii_lowercase())
        .collect()
}
