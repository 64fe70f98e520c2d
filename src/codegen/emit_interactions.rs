//! Writes the Rust text of the contracts: an enumeration for each domain, and one of the domains.
//!
//! For each domain there is also a macro that hands its contracts to another: what is not
//! implemented for all of them does not compile.

use super::emitter::{Emitter, include, rust_type};
use super::model::Interaction;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The domain's last word, as part of a Rust name: `Blocking`.
fn domain_name(interaction: &Interaction) -> String {
    let last = interaction.domain.rsplit(':').next().unwrap_or_default();
    last[..1].to_ascii_uppercase() + &last[1..]
}

/// A contract as an expression or pattern.
fn value(i: &Interaction) -> String {
    let domain = domain_name(i);
    format!("Interaction::{domain}({domain}Interaction::{})", i.name)
}

/// What every enum of contracts derives.
const DERIVED: &str = "#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]\n";

/// Everything about contracts.
pub fn interactions(emitter: &Emitter<'_>, out: &mut String) {
    let all = &emitter.model.interactions;
    let mut domains: BTreeMap<String, Vec<&Interaction>> = BTreeMap::new();
    for i in all {
        domains.entry(domain_name(i)).or_default().push(i);
    }
    _ = writeln!(out, "/// Every contract there is a WSDL for.\n{DERIVED}pub enum Interaction {{");
    for domain in domains.keys() {
        _ = writeln!(out, "    /// Of the domain.\n    {domain}({domain}Interaction),");
    }
    out.push_str("}\n\n");
    for (domain, own) in &domains {
        _ = writeln!(
            out,
            "/// The contracts of a domain.\n{DERIVED}pub enum {domain}Interaction {{"
        );
        for i in own {
            _ = writeln!(out, "    /// {}\n    {},", i.doc, i.name);
        }
        out.push_str("}\n\n");
        contracts_macro(emitter, domain, own, out);
    }
    out.push_str("impl Interaction {\n    /// All contracts, domain by domain.\n");
    _ = writeln!(out, "    pub const ALL: [Self; {}] = [", all.len());
    for i in all {
        _ = writeln!(out, "        {},", value(i));
    }
    out.push_str("    ];\n");
    let mut text = |name: &str, doc: &str, of: &dyn Fn(&Interaction) -> String| {
        _ = writeln!(out, "\n    /// {doc}\n    pub fn {name}(self) -> &'static str {{");
        out.push_str("        match self {\n");
        for i in all {
            _ = writeln!(out, "            {} => {},", value(i), of(i));
        }
        out.push_str("        }\n    }\n");
    };
    text("name", "The contract's name, which is also its request element's.", &|i| {
        format!("{:?}", i.name)
    });
    text("domain", "The contract's domain.", &|i| format!("{:?}", i.domain));
    text("soap_action", "The SOAPAction of the WSDL.", &|i| format!("{:?}", i.soap_action));
    text("wsdl", "The WSDL as it stands in the project.", &|i| include(&i.file));
    out.push_str("\n    /// The contract's major version.\n    pub fn major(self) -> u32 {\n        match self {\n");
    for i in all {
        _ = writeln!(out, "            {} => {},", value(i), i.major);
    }
    out.push_str("        }\n    }\n");
    of_body(emitter, out);
    accepts(emitter, out);
    out.push_str("}\n\n");
}

/// The contracts of a domain for a macro: their enumeration, and the name, major version and
/// request type of each.
fn contracts_macro(emitter: &Emitter<'_>, domain: &str, own: &[&Interaction], out: &mut String) {
    let name = format!("{}_contracts", domain.to_ascii_lowercase());
    _ = writeln!(out, "macro_rules! {name} {{\n    ($then:ident) => {{\n        $then! {{");
    _ = writeln!(out, "            {domain}Interaction;");
    for i in own {
        let path = emitter.path(&emitter.model.elements[&i.request]);
        _ = writeln!(out, "            {} => {path},", i.name);
    }
    _ = writeln!(out, "        }}\n    }};\n}}\npub(crate) use {name};\n");
}

fn of_body(emitter: &Emitter<'_>, out: &mut String) {
    out.push_str("\n    /// The contract whose request element this is.\n    pub fn of_body(ns: crate::soap::xml::Ns, name: &str) -> Option<Self> {\n        Some(match (ns, name) {\n");
    for i in &emitter.model.interactions {
        let constant = &emitter.namespaces[&i.request.namespace].constant;
        _ = writeln!(out, "            (ns::{constant}, {:?}) => {},", i.request.name, value(i));
    }
    out.push_str("            _ => return None,\n        })\n    }\n");
}

fn accepts(emitter: &Emitter<'_>, out: &mut String) {
    out.push_str("\n    /// Whether the request element that the reader stands at follows its schema.\n    ///\n    /// # Errors\n    /// What is wrong with the document or with a value in it.\n    pub fn accepts(self, r: &mut crate::soap::xml::Reader<'_>) -> ::core::result::Result<bool, crate::soap::xml::ReadError> {\n        Ok(match self {\n");
    for i in &emitter.model.interactions {
        let name = &emitter.model.elements[&i.request];
        let row_wise = emitter.settings.row_wise.iter().any(|(row, _)| *row == name.name);
        let verdict = if row_wise { ".violations.is_empty()" } else { "; true" };
        let path = emitter.path(name);
        _ = writeln!(
            out,
            "            {} => {{ r.under({:?}, {path}::read)?{verdict} }}",
            value(i),
            rust_type(&i.request.name)
        );
    }
    out.push_str("        })\n    }\n");
}
