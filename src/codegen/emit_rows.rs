//! Writes the Rust text of types whose rows may be many: what stands before them, one row, and
//! what stands behind them, each written and read by itself.

use super::emitter::{Emitter, rust_type};
use super::model::{ComplexType, Field, QName};
use std::fmt::Write as _;

/// A type with many rows: its fields before them, theirs, and those behind them.
struct Rows<'m> {
    before: &'m [Field],
    /// The field in whose type the rows stand alone, where they do.
    around: Option<&'m Field>,
    row: &'m Field,
    /// The type in which the rows stand.
    owner: &'m QName,
    after: &'m [Field],
}

impl<'m> Rows<'m> {
    fn of(emitter: &Emitter<'m>, name: &'m QName) -> Option<Self> {
        let (_, path) = emitter.settings.streamed.iter().find(|(t, _)| *t == name.name)?;
        let (field, inner) = path.split_once('/').map_or((*path, None), |(f, i)| (f, Some(i)));
        let fields = &emitter.model.complex[name].fields;
        let at = fields.iter().position(|f| f.name == field)?;
        let (before, after) = (&fields[..at], &fields[at + 1..]);
        let Some(inner) = inner else {
            return Some(Self { before, around: None, row: &fields[at], owner: name, after });
        };
        let owner = &fields[at].type_name;
        let row = emitter.model.complex[owner].fields.iter().find(|f| f.name == inner)?;
        Some(Self { before, around: Some(&fields[at]), row, owner, after })
    }
}

/// The parts of a type with many rows.
pub fn of_type<'m>(emitter: &Emitter<'m>, name: &'m QName, out: &mut String) {
    let Some(rows) = Rows::of(emitter, name) else { return };
    let rust = rust_type(&name.name);
    part(emitter, name, &format!("{rust}Head"), "before", rows.before, out);
    part(emitter, name, &format!("{rust}Tail"), "behind", rows.after, out);
    let ns = &emitter.namespaces[&name.namespace].constant;
    let (head, tail) = (lifetime(emitter, rows.before), lifetime(emitter, rows.after));
    let row = emitter.value_type(&rows.row.type_name);
    _ = writeln!(
        out,
        "impl<'a> {rust}<'a> {{\n    /// Writes one of the rows.\n    pub fn write_row(value: &{row}, out: &mut Writer) {{\n        {}\n    }}\n",
        emitter.write_one(rows.owner, rows.row, "value")
    );
    if rows.around.is_some() {
        out.push_str("}\n\n");
        return;
    }
    _ = writeln!(
        out,
        "    /// Reads the type, and hands every row to `each`, or what is wrong with it.\n    pub fn read_rows(r: &mut Reader<'a>, each: &mut impl FnMut(::core::result::Result<{row}, Violation>)) -> ::core::result::Result<({rust}Head{head}, {rust}Tail{tail}), ReadError> {{\n        r.enter()?;"
    );
    for field in rows.before {
        emitter.read_one(ns, field, out);
    }
    let read = emitter.read_call(&rows.row.type_name);
    _ = writeln!(out, "        r.each(ns::{ns}, {:?}, {read}, each)?;", rows.row.name);
    for field in rows.after {
        emitter.read_one(ns, field, out);
    }
    _ = writeln!(out, "        r.leave(Some(ns::{ns}))?;");
    let names = |fields: &[Field]| {
        fields.iter().map(|f| emitter.field_name(f)).collect::<Vec<_>>().join(", ")
    };
    _ = writeln!(
        out,
        "        Ok(({rust}Head {{ {} }}, {rust}Tail {{ {} }}))\n    }}\n}}\n",
        names(rows.before),
        names(rows.after)
    );
}

fn lifetime(emitter: &Emitter<'_>, fields: &[Field]) -> &'static str {
    let borrows = fields.iter().any(|f| emitter.value_type(&f.type_name).contains("'a"));
    if borrows { "<'a>" } else { "" }
}

fn part(
    emitter: &Emitter<'_>,
    owner: &QName,
    rust: &str,
    where_it_stands: &str,
    fields: &[Field],
    out: &mut String,
) {
    let generic = lifetime(emitter, fields);
    _ = writeln!(
        out,
        "/// What stands {where_it_stands} the rows of `{}`.\n#[derive(Debug, Clone, PartialEq)]\npub struct {rust}{generic} {{",
        owner.name
    );
    for field in fields {
        emitter.declare(field, field.required, out);
    }
    let anonymous = if generic.is_empty() { "" } else { "<'_>" };
    _ = writeln!(out, "}}\n\nimpl {rust}{anonymous} {{");
    emitter.write_fields(owner, fields, false, out);
    out.push_str("}\n\n");
}

/// The parts of an answer that is nothing but such a type.
pub fn of_root<'m>(emitter: &Emitter<'m>, element: &QName, type_name: &'m QName, out: &mut String) {
    let ComplexType { fields, .. } = &emitter.model.complex[type_name];
    let [only] = fields.as_slice() else { return };
    let Some(rows) = Rows::of(emitter, &only.type_name) else { return };
    let (outer, inner) = (rust_type(&type_name.name), emitter.path(&only.type_name));
    let inner = format!("super::super::{inner}");
    let part = |end: &str, fields: &[Field]| {
        let generic = if lifetime(emitter, fields).is_empty() { "" } else { "<'_>" };
        format!("{inner}{end}{generic}")
    };
    let row = emitter.value_type(&rows.row.type_name).replace("'a", "'_");
    let ns = &emitter.namespaces[&element.namespace].constant;
    let name = &only.name;
    let (mut open, mut close) = (String::new(), String::new());
    if let Some(around) = rows.around {
        let prefix = emitter.namespaces[&only.type_name.namespace].prefix;
        open = format!("\n        out.raw(\"<{prefix}:{}>\");", around.name);
        close = format!("out.raw(\"</{prefix}:{}>\");\n        ", around.name);
    }
    _ = writeln!(
        out,
        "impl<'a> {outer}<'a> {{
    /// Writes everything before the rows.
    pub fn write_head(head: &{head}, out: &mut Writer) {{
        out.raw(Self::OPEN);
        out.raw(\"<r:{name}>\");
        head.write(out);{open}
    }}

    /// Writes one of the rows.
    pub fn write_row(row: &{row}, out: &mut Writer) {{
        {inner}::write_row(row, out);
    }}

    /// Writes everything behind the rows.
    pub fn write_tail(tail: &{tail}, out: &mut Writer) {{
        {close}tail.write(out);
        out.raw(\"</r:{name}>\");
        out.raw(Self::CLOSE);
    }}",
        head = part("Head", rows.before),
        tail = part("Tail", rows.after),
    );
    if rows.around.is_some() {
        out.push_str("}\n\n");
        return;
    }
    _ = writeln!(
        out,
        "
    /// Reads the answer, and hands every row to `each`, or what is wrong with it.
    pub fn read_rows(r: &mut Reader<'a>, mut each: impl FnMut(::core::result::Result<{owned_row}, Violation>)) -> ::core::result::Result<({inner}Head{head_a}, {inner}Tail{tail_a}), ReadError> {{
        r.enter()?;
        let parts = r.required(ns::{ns}, {name:?}, |r| {inner}::read_rows(r, &mut each))?;
        r.leave(Some(ns::{ns}))?;
        Ok(parts)
    }}
}}
",
        owned_row = emitter.value_type(&rows.row.type_name),
        head_a = lifetime(emitter, rows.before),
        tail_a = lifetime(emitter, rows.after),
    );
}
