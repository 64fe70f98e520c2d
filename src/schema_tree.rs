//! A plain element tree, and the refusal of what the generator does not understand.
//!
//! The generator knows a small part of XSD and WSDL. Anything outside that part stops
//! the build with the file and the path, because a construct that is skipped in silence
//! would be a rule that is not checked.

use std::collections::BTreeMap;
use xml::reader::{EventReader, XmlEvent};

/// The namespace of XSD.
pub const XS: &str = "http://www.w3.org/2001/XMLSchema";
/// The namespace of WSDL.
pub const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
/// The namespace of WSDL's SOAP binding.
pub const SOAP: &str = "http://schemas.xmlsoap.org/wsdl/soap/";

/// An element with its attributes and child elements; text is left out.
#[derive(Debug, Default)]
pub struct Node {
    /// The namespace of its name.
    pub namespace: String,
    /// Its local name.
    pub name: String,
    /// By their names as written.
    pub attributes: BTreeMap<String, String>,
    /// Prefixes declared on this element or above it.
    pub prefixes: BTreeMap<String, String>,
    /// In order.
    pub children: Vec<Node>,
}

/// Reads a document into a tree.
///
/// # Errors
/// Text that says where the document is not well-formed.
pub fn parse(text: &str) -> Result<Node, String> {
    let mut stack = vec![Node::default()];
    for event in EventReader::from_str(text) {
        match event.map_err(|e| e.to_string())? {
            XmlEvent::StartElement { name, attributes, namespace } => stack.push(Node {
                namespace: name.namespace.unwrap_or_default(),
                name: name.local_name,
                attributes: attributes.into_iter().map(|a| (a.name.to_string(), a.value)).collect(),
                prefixes: namespace.0,
                children: Vec::new(),
            }),
            XmlEvent::EndElement { .. } => {
                let done = stack.pop().ok_or("unbalanced")?;
                stack.last_mut().ok_or("unbalanced")?.children.push(done);
            }
            _ => {}
        }
    }
    stack.pop().and_then(|mut root| root.children.pop()).ok_or_else(|| "no root element".into())
}

/// What may stand under what: (element, allowed attributes, allowed children).
const XSD_RULES: &[(&str, &[&str], &[&str])] = &[
    (
        "schema",
        &["targetNamespace", "elementFormDefault", "attributeFormDefault", "version"],
        &["import", "annotation", "element", "complexType", "simpleType"],
    ),
    ("import", &["namespace", "schemaLocation"], &[]),
    ("annotation", &[], &["documentation"]),
    ("documentation", &[], &[]),
    ("element", &["name", "type", "minOccurs", "maxOccurs"], &["annotation"]),
    ("complexType", &["name"], &["annotation", "sequence"]),
    ("sequence", &[], &["element", "any"]),
    ("any", &["namespace", "processContents", "minOccurs", "maxOccurs"], &[]),
    ("simpleType", &["name"], &["annotation", "restriction"]),
    ("restriction", &["base"], &["maxLength", "pattern", "enumeration"]),
    ("maxLength", &["value"], &[]),
    ("pattern", &["value"], &[]),
    ("enumeration", &["value"], &["annotation"]),
];

const WSDL_RULES: &[(&str, &[&str], &[&str])] = &[
    (
        "definitions",
        &["name", "targetNamespace"],
        &["documentation", "types", "message", "portType", "binding", "service"],
    ),
    ("documentation", &[], &[]),
    ("types", &[], &["schema"]),
    ("message", &["name"], &["part"]),
    ("part", &["name", "element"], &["documentation"]),
    ("portType", &["name"], &["operation"]),
    ("binding", &["name", "type"], &["binding", "operation"]),
    ("operation", &["name"], &["operation", "input", "output"]),
    ("input", &["message"], &["header", "body"]),
    ("output", &["message"], &["body"]),
    ("service", &["name"], &["port"]),
    ("port", &["name", "binding"], &["address"]),
];

const SOAP_RULES: &[(&str, &[&str], &[&str])] = &[
    ("binding", &["style", "transport"], &[]),
    ("operation", &["soapAction", "style"], &[]),
    ("header", &["use", "message", "part"], &[]),
    ("body", &["use", "parts"], &[]),
    ("address", &["location"], &[]),
];

/// Fails on any element or attribute that the generator does not know, and on a prefix
/// that is declared below the root, where the generator would not look for it.
///
/// # Errors
/// Text with the path to the first construct that is not supported.
pub fn refuse_unsupported(node: &Node) -> Result<(), String> {
    refuse(node, &node.name, &node.prefixes)
}

fn refuse(node: &Node, path: &str, prefixes: &BTreeMap<String, String>) -> Result<(), String> {
    let rules = match node.namespace.as_str() {
        XS => XSD_RULES,
        WSDL => WSDL_RULES,
        SOAP => SOAP_RULES,
        other => return Err(format!("{path}: namespace {other} is not supported")),
    };
    let Some((_, attributes, children)) = rules.iter().find(|(name, ..)| *name == node.name) else {
        return Err(format!("{path}: element is not supported"));
    };
    if let Some(name) = node.attributes.keys().find(|name| !attributes.contains(&name.as_str())) {
        return Err(format!("{path}/@{name}: attribute is not supported"));
    }
    if node.prefixes != *prefixes {
        return Err(format!("{path}: prefixes must be declared on the root element"));
    }
    for child in &node.children {
        let path = format!("{path}/{}", child.name);
        if !children.contains(&child.name.as_str()) {
            return Err(format!("{path}: element is not supported here"));
        }
        refuse(child, &path, prefixes)?;
    }
    let after_any = node.children.iter().skip_while(|c| c.name != "any").nth(1);
    match after_any {
        Some(_) => Err(format!("{path}: xs:any must be the last particle")),
        None => Ok(()),
    }
}
