//! The contracts with every reference resolved: namespaces instead of prefixes.

use super::raw;
use crate::schema_tree::{self, Node, XS};
use std::collections::BTreeMap;

/// A resolved name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QName {
    pub namespace: String,
    pub name: String,
}

/// The XML Schema types that the contracts use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    String,
    DateTime,
    Boolean,
    Int,
    AnyUri,
    Base64Binary,
}

/// A named restriction of a built-in type.
#[derive(Debug)]
pub struct SimpleType {
    pub base: Builtin,
    pub max_length: Option<u32>,
    /// Exactly this many ASCII digits; the only pattern that is understood.
    pub digits: Option<u32>,
    /// Enumeration values with what they mean, in schema order.
    pub values: Vec<(String, String)>,
}

/// An element of a sequence.
#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub type_name: QName,
    pub required: bool,
    pub repeated: bool,
    pub doc: String,
}

/// A named sequence.
#[derive(Debug)]
pub struct ComplexType {
    pub fields: Vec<Field>,
    /// Whether foreign elements may follow the fields.
    pub any: bool,
    pub doc: String,
}

/// One service contract: a WSDL with one operation.
#[derive(Debug)]
pub struct Interaction {
    pub name: String,
    /// `informationsecurity:auditing:log`.
    pub domain: String,
    pub major: u32,
    pub request: QName,
    pub response: QName,
    pub soap_action: String,
    pub doc: String,
    /// The path of the WSDL below the project's root.
    pub file: String,
}

/// All contracts.
#[derive(Debug, Default)]
pub struct Model {
    pub simple: BTreeMap<QName, SimpleType>,
    pub complex: BTreeMap<QName, ComplexType>,
    /// Global elements and their types.
    pub elements: BTreeMap<QName, QName>,
    pub interactions: Vec<Interaction>,
    /// Paths of the schema files below the project's root.
    pub schema_files: Vec<String>,
}

/// A document with its path, for messages.
pub struct Source<'a> {
    pub path: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    fn tree(&self) -> Result<Node, String> {
        let root = schema_tree::parse(self.text).map_err(|e| format!("{}: {e}", self.path))?;
        schema_tree::refuse_unsupported(&root).map_err(|e| format!("{}: {e}", self.path))?;
        Ok(root)
    }

    fn wrong(&self, what: impl std::fmt::Display) -> String {
        format!("{}: {what}", self.path)
    }
}

impl Model {
    /// Reads schemas and WSDLs.
    ///
    /// # Errors
    /// Text that names the file and what in it cannot be used.
    pub fn read(schemas: &[Source], wsdls: &[Source]) -> Result<Self, String> {
        let mut model = Self::default();
        for source in schemas {
            model.add_schema(source)?;
            model.schema_files.push(source.path.to_owned());
        }
        model.check_references()?;
        for source in wsdls {
            model.add_wsdl(source)?;
        }
        Ok(model)
    }

    fn add_schema(&mut self, source: &Source) -> Result<(), String> {
        let prefixes = source.tree()?.prefixes;
        let schema: raw::Schema =
            yaserde::de::from_str(source.text).map_err(|e| source.wrong(e))?;
        let own = |name: &str| QName {
            namespace: schema.target_namespace.clone(),
            name: name.to_owned(),
        };
        let resolve = |text: &str| resolve(&prefixes, text).map_err(|e| source.wrong(e));
        for element in &schema.elements {
            self.elements.insert(own(&element.name), resolve(&element.type_name)?);
        }
        for simple in &schema.simple_types {
            let resolved = simple_type(simple, &resolve(&simple.restriction.base)?)
                .map_err(|e| source.wrong(format!("{}: {e}", simple.name)))?;
            self.simple.insert(own(&simple.name), resolved);
        }
        for complex in &schema.complex_types {
            let fields: Result<_, String> = complex
                .sequence
                .elements
                .iter()
                .map(|e| field(e, resolve(&e.type_name)?).map_err(|e| source.wrong(e)))
                .collect();
            let resolved = ComplexType {
                fields: fields?,
                any: any(&complex.sequence).map_err(|e| source.wrong(e))?,
                doc: complex.annotation.as_ref().map(raw::Annotation::text).unwrap_or_default(),
            };
            self.complex.insert(own(&complex.name), resolved);
        }
        Ok(())
    }

    fn check_references(&self) -> Result<(), String> {
        let used = self.complex.values().flat_map(|c| c.fields.iter().map(|f| &f.type_name));
        for name in used.chain(self.elements.values()) {
            let known = self.simple.contains_key(name)
                || self.complex.contains_key(name)
                || builtin(name).is_some();
            if !known {
                return Err(format!("type {} of {} is not defined", name.name, name.namespace));
            }
        }
        Ok(())
    }

    fn add_wsdl(&mut self, source: &Source) -> Result<(), String> {
        let root = source.tree()?;
        let wsdl: raw::Definitions =
            yaserde::de::from_str(source.text).map_err(|e| source.wrong(e))?;
        let operation = &wsdl.port_type.operation;
        let element_of = |reference: &raw::MessageRef| {
            let name = reference.message.rsplit(':').next().unwrap_or_default();
            let message = wsdl.messages.iter().find(|m| m.name == name);
            let part = message.and_then(|m| m.parts.iter().find(|p| p.name == "parameters"));
            let part = part.ok_or_else(|| source.wrong(format!("message {name}")))?;
            let element = resolve(&root.prefixes, &part.element).map_err(|e| source.wrong(e))?;
            match self.elements.contains_key(&element) {
                true => Ok(element),
                false => Err(source.wrong(format!("element {} is not defined", element.name))),
            }
        };
        let request = element_of(&operation.input)?;
        let response = element_of(&operation.output)?;
        // urn:riv:{domain}:{Contract}Responder:{major}
        let marker = format!(":{}Responder:", operation.name);
        let (domain, major) = request
            .namespace
            .strip_prefix("urn:riv:")
            .and_then(|rest| rest.split_once(&marker))
            .ok_or_else(|| source.wrong("request namespace does not follow the pattern"))?;
        self.interactions.push(Interaction {
            name: operation.name.clone(),
            domain: domain.to_owned(),
            major: major.parse().map_err(|_| source.wrong("major version"))?,
            request: request.clone(),
            response,
            soap_action: wsdl.binding.operation.soap.soap_action.clone(),
            doc: wsdl.documentation.split_whitespace().collect::<Vec<_>>().join(" "),
            file: source.path.to_owned(),
        });
        Ok(())
    }
}

/// The built-in type of an `xs:` name.
pub fn builtin(name: &QName) -> Option<Builtin> {
    (name.namespace == XS).then_some(())?;
    Some(match name.name.as_str() {
        "string" => Builtin::String,
        "dateTime" => Builtin::DateTime,
        "boolean" => Builtin::Boolean,
        "int" => Builtin::Int,
        "anyURI" => Builtin::AnyUri,
        "base64Binary" => Builtin::Base64Binary,
        _ => return None,
    })
}

fn resolve(prefixes: &BTreeMap<String, String>, text: &str) -> Result<QName, String> {
    let (prefix, name) = text.split_once(':').unwrap_or(("", text));
    let namespace = prefixes.get(prefix).ok_or_else(|| format!("prefix of {text} is unknown"))?;
    Ok(QName { namespace: namespace.clone(), name: name.to_owned() })
}

fn simple_type(raw: &raw::SimpleType, base: &QName) -> Result<SimpleType, String> {
    let restriction = &raw.restriction;
    let number = |f: &raw::Facet| f.value.parse::<u32>().map_err(|e| format!("maxLength: {e}"));
    let digits = |f: &raw::Facet| {
        let inner = f.value.strip_prefix("[0-9]{").and_then(|rest| rest.strip_suffix('}'));
        let count = inner.and_then(|n| n.parse::<u32>().ok());
        count.ok_or_else(|| format!("pattern {} is not supported", f.value))
    };
    Ok(SimpleType {
        base: builtin(base).ok_or_else(|| format!("base {} is not supported", base.name))?,
        max_length: restriction.max_length.as_ref().map(number).transpose()?,
        digits: restriction.pattern.as_ref().map(digits).transpose()?,
        values: restriction
            .enumeration
            .iter()
            .map(|v| (v.value.clone(), v.annotation.as_ref().map(raw::Annotation::text)))
            .map(|(value, doc)| (value, doc.unwrap_or_default()))
            .collect(),
    })
}

fn field(element: &raw::Element, type_name: QName) -> Result<Field, String> {
    let occurs = |value: &Option<String>| value.clone().unwrap_or_else(|| "1".into());
    let required = match occurs(&element.min_occurs).as_str() {
        "0" => false,
        "1" => true,
        other => return Err(format!("{}: minOccurs {other}", element.name)),
    };
    let repeated = match occurs(&element.max_occurs).as_str() {
        "1" => false,
        "unbounded" => true,
        other => return Err(format!("{}: maxOccurs {other}", element.name)),
    };
    let doc = element.annotation.as_ref().map(raw::Annotation::text).unwrap_or_default();
    Ok(Field { name: element.name.clone(), type_name, required, repeated, doc })
}

fn any(sequence: &raw::Sequence) -> Result<bool, String> {
    match sequence.any.as_slice() {
        [] => Ok(false),
        [one] if one.namespace == "##other" => Ok(true),
        _ => Err("only one xs:any with namespace ##other is supported".into()),
    }
}
