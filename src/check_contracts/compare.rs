//! Structural comparison of two schemas or two WSDLs.
//!
//! Both are brought to one form first: names resolved to namespaces, defaults written out,
//! documentation and locations left out. Then elements are paired by what they declare.

use crate::schema_tree::{Node, WSDL, XS};
use std::collections::{BTreeMap, BTreeSet};

/// Attributes whose values are prefixed names.
const NAMES: [&str; 6] = ["type", "base", "ref", "element", "message", "binding"];
/// Values that count when nothing is written: (element, attribute, value).
const DEFAULTS: [(&str, &str, &str); 8] = [
    ("element", "minOccurs", "1"),
    ("element", "maxOccurs", "1"),
    ("any", "minOccurs", "1"),
    ("any", "maxOccurs", "1"),
    ("any", "namespace", "##any"),
    ("any", "processContents", "strict"),
    ("schema", "elementFormDefault", "unqualified"),
    ("schema", "attributeFormDefault", "unqualified"),
];

/// An element in the form in which it is compared.
struct Form {
    /// What it is and declares, for example `element[patientId]`.
    label: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Form>,
    /// Whether the order of the children means something.
    ordered: bool,
}

/// Every difference, each with the path to it.
pub(super) fn documents(ours: &Node, theirs: &Node) -> Vec<String> {
    let mut found = Vec::new();
    compare(&form(ours), &form(theirs), "", &mut found);
    found
}

fn form(node: &Node) -> Form {
    let is_global = matches!(
        (node.namespace.as_str(), node.name.as_str()),
        (XS, "schema") | (WSDL, "definitions" | "types" | "portType" | "service")
    );
    let mut attributes = BTreeMap::new();
    for (name, value) in &node.attributes {
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        let counts = name != "schemaLocation";
        if counts {
            attributes.insert(name.clone(), resolved(node, name, value));
        }
    }
    for (element, name, value) in DEFAULTS {
        if node.namespace == XS && node.name == element {
            attributes.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    let declares =
        ["name", "value", "part", "namespace"].iter().find_map(|a| node.attributes.get(*a));
    let declares = declares.filter(|_| node.name != "any" && node.name != "maxLength");
    let documentation = |n: &&Node| !matches!(n.name.as_str(), "annotation" | "documentation");
    Form {
        label: declares.map_or_else(|| node.name.clone(), |d| format!("{}[{d}]", node.name)),
        attributes,
        children: node.children.iter().filter(documentation).map(form).collect(),
        ordered: !is_global,
    }
}

/// `p:name` becomes `{namespace}name`.
fn resolved(node: &Node, attribute: &str, value: String) -> String {
    if !NAMES.contains(&attribute) {
        return value;
    }
    let (prefix, name) = value.split_once(':').unwrap_or(("", &value));
    match node.prefixes.get(prefix) {
        Some(namespace) => format!("{{{namespace}}}{name}"),
        None => value,
    }
}

fn compare(ours: &Form, theirs: &Form, parent: &str, found: &mut Vec<String>) {
    let path =
        if parent.is_empty() { ours.label.clone() } else { format!("{parent}/{}", ours.label) };
    let names: BTreeSet<&String> = ours.attributes.keys().chain(theirs.attributes.keys()).collect();
    for name in names {
        let (a, b) = (ours.attributes.get(name), theirs.attributes.get(name));
        if a != b {
            let shown = |v: Option<&String>| v.map_or("nothing".into(), |v| format!("\"{v}\""));
            found.push(format!("{path}/@{name}: ours {}, theirs {}", shown(a), shown(b)));
        }
    }
    let mut unpaired: Vec<&Form> = theirs.children.iter().collect();
    let mut order = Vec::new();
    for child in &ours.children {
        match unpaired.iter().position(|other| other.label == child.label) {
            Some(at) => {
                let other = unpaired.remove(at);
                order.push(theirs.children.iter().position(|c| std::ptr::eq(c, other)));
                compare(child, other, &path, found);
            }
            None => found.push(format!("{path}/{}: only ours has it", child.label)),
        }
    }
    for other in unpaired {
        found.push(format!("{path}/{}: only theirs has it", other.label));
    }
    if ours.ordered && !order.is_sorted() {
        let labels =
            |f: &Form| f.children.iter().map(|c| c.label.as_str()).collect::<Vec<_>>().join(", ");
        found.push(format!("{path}: order: ours {}; theirs {}", labels(ours), labels(theirs)));
    }
}
