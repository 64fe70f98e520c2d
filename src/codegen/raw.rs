//! WSDL and XSD documents as they are written: names are still prefixed text.
//!
//! yaserde fills these structs and silently skips what they do not name, so
//! `schema_tree::refuse_unsupported` must have passed the document first.

use yaserde::YaDeserialize;

/// `xs:annotation`, of which only the text matters.
#[derive(Debug, Default, Clone, YaDeserialize)]
#[yaserde(rename = "annotation", prefix = "xs", namespaces = {"xs" = "http://www.w3.org/2001/XMLSchema"})]
pub struct Annotation {
    #[yaserde(rename = "documentation", prefix = "xs")]
    pub documentation: Vec<String>,
}

impl Annotation {
    /// The text with runs of white space folded.
    pub fn text(&self) -> String {
        let all = self.documentation.join(" ");
        all.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A schema document.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "schema", prefix = "xs", namespaces = {"xs" = "http://www.w3.org/2001/XMLSchema"})]
pub struct Schema {
    #[yaserde(attribute = true, rename = "targetNamespace")]
    pub target_namespace: String,
    #[yaserde(rename = "element", prefix = "xs")]
    pub elements: Vec<Element>,
    #[yaserde(rename = "complexType", prefix = "xs")]
    pub complex_types: Vec<ComplexType>,
    #[yaserde(rename = "simpleType", prefix = "xs")]
    pub simple_types: Vec<SimpleType>,
}

/// `xs:element`, global or in a sequence.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "element", prefix = "xs", namespaces = {"xs" = "http://www.w3.org/2001/XMLSchema"})]
pub struct Element {
    #[yaserde(attribute = true)]
    pub name: String,
    #[yaserde(attribute = true, rename = "type")]
    pub type_name: String,
    #[yaserde(attribute = true, rename = "minOccurs")]
    pub min_occurs: Option<String>,
    #[yaserde(attribute = true, rename = "maxOccurs")]
    pub max_occurs: Option<String>,
    #[yaserde(rename = "annotation", prefix = "xs")]
    pub annotation: Option<Annotation>,
}

/// `xs:complexType`: one sequence.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "complexType", prefix = "xs", namespaces = {"xs" = "http://www.w3.org/2001/XMLSchema"})]
pub struct ComplexType {
    #[yaserde(attribute = true)]
    pub name: String,
    #[yaserde(rename = "annotation", prefix = "xs")]
    pub annotation: Option<Annotation>,
    #[yaserde(rename = "sequence", prefix = "xs")]
    pub sequence: Sequence,
}

/// `xs:sequence`: elements, then perhaps the extension point.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "sequence", prefix = "xs", namespaces = {"xs" = "http://www.w3.org/2001/XMLSchema"})]
pub struct Sequence {
    #[yaserde(rename = "element", prefix = "xs")]
    pub elements: Vec<Element>,
    #[yaserde(rename = "any", prefix = "xs")]
    pub any: Vec<Any>,
}

/// `xs:any`, the extension point.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "any", prefix = "xs", namespaces = {"xs" = "http://www.w3.org/2001/XMLSchema"})]
pub struct Any {
    #[yaserde(attribute = true)]
    pub namespace: String,
}

/// `xs:simpleType`: one restriction.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "simpleType", prefix = "xs", namespaces = {"xs" = "http://www.w3.org/2001/XMLSchema"})]
pub struct SimpleType {
    #[yaserde(attribute = true)]
    pub name: String,
    #[yaserde(rename = "restriction", prefix = "xs")]
    pub restriction: Restriction,
}

/// `xs:restriction` with the facets the contracts use.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "restriction", prefix = "xs", namespaces = {"xs" = "http://www.w3.org/2001/XMLSchema"})]
pub struct Restriction {
    #[yaserde(attribute = true)]
    pub base: String,
    #[yaserde(rename = "maxLength", prefix = "xs")]
    pub max_length: Option<Facet>,
    #[yaserde(rename = "pattern", prefix = "xs")]
    pub pattern: Option<Facet>,
    #[yaserde(rename = "enumeration", prefix = "xs")]
    pub enumeration: Vec<Facet>,
}

/// A facet: its value and, on enumerations, what the value means.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(prefix = "xs", namespaces = {"xs" = "http://www.w3.org/2001/XMLSchema"})]
pub struct Facet {
    #[yaserde(attribute = true)]
    pub value: String,
    #[yaserde(rename = "annotation", prefix = "xs")]
    pub annotation: Option<Annotation>,
}

/// A WSDL document.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "definitions", prefix = "wsdl", namespaces = {
    "wsdl" = "http://schemas.xmlsoap.org/wsdl/"})]
pub struct Definitions {
    #[yaserde(rename = "documentation", prefix = "wsdl")]
    pub documentation: String,
    #[yaserde(rename = "message", prefix = "wsdl")]
    pub messages: Vec<Message>,
    #[yaserde(rename = "portType", prefix = "wsdl")]
    pub port_type: PortType,
    #[yaserde(rename = "binding", prefix = "wsdl")]
    pub binding: Binding,
}

/// `wsdl:message`.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "message", prefix = "wsdl", namespaces = {"wsdl" = "http://schemas.xmlsoap.org/wsdl/"})]
pub struct Message {
    #[yaserde(attribute = true)]
    pub name: String,
    #[yaserde(rename = "part", prefix = "wsdl")]
    pub parts: Vec<Part>,
}

/// `wsdl:part`.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "part", prefix = "wsdl", namespaces = {"wsdl" = "http://schemas.xmlsoap.org/wsdl/"})]
pub struct Part {
    #[yaserde(attribute = true)]
    pub name: String,
    #[yaserde(attribute = true)]
    pub element: String,
}

/// `wsdl:portType`: one operation.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "portType", prefix = "wsdl", namespaces = {"wsdl" = "http://schemas.xmlsoap.org/wsdl/"})]
pub struct PortType {
    #[yaserde(rename = "operation", prefix = "wsdl")]
    pub operation: Operation,
}

/// `wsdl:operation` of a port type.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "operation", prefix = "wsdl", namespaces = {"wsdl" = "http://schemas.xmlsoap.org/wsdl/"})]
pub struct Operation {
    #[yaserde(attribute = true)]
    pub name: String,
    #[yaserde(rename = "input", prefix = "wsdl")]
    pub input: MessageRef,
    #[yaserde(rename = "output", prefix = "wsdl")]
    pub output: MessageRef,
}

/// `wsdl:input` or `wsdl:output` of a port type.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(prefix = "wsdl", namespaces = {"wsdl" = "http://schemas.xmlsoap.org/wsdl/"})]
pub struct MessageRef {
    #[yaserde(attribute = true)]
    pub message: String,
}

/// `wsdl:binding`.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "binding", prefix = "wsdl", namespaces = {"wsdl" = "http://schemas.xmlsoap.org/wsdl/"})]
pub struct Binding {
    #[yaserde(rename = "operation", prefix = "wsdl")]
    pub operation: BindingOperation,
}

/// `wsdl:operation` of a binding.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "operation", prefix = "wsdl", namespaces = {
    "wsdl" = "http://schemas.xmlsoap.org/wsdl/",
    "soap" = "http://schemas.xmlsoap.org/wsdl/soap/"})]
pub struct BindingOperation {
    #[yaserde(rename = "operation", prefix = "soap")]
    pub soap: SoapOperation,
}

/// `soap:operation`.
#[derive(Debug, Default, YaDeserialize)]
#[yaserde(rename = "operation", prefix = "soap", namespaces = {
    "soap" = "http://schemas.xmlsoap.org/wsdl/soap/"})]
pub struct SoapOperation {
    #[yaserde(attribute = true, rename = "soapAction")]
    pub soap_action: String,
}
