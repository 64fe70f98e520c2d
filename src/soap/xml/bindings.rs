//! Which prefix names which namespace, element by element.

use super::error::Malformed;
use super::names::Ns;
use quick_xml::events::attributes::Attributes;
use std::borrow::Cow;

/// Namespace declarations in scope at one time.
const BINDINGS_MAX: usize = 128;
/// Attributes on one element; the tokenizer's check for doubles is quadratic in them.
pub(super) const ATTRIBUTES_MAX: usize = 64;

const ENVELOPE_URI: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const XSI_URI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const XMLNS_URI: &str = "http://www.w3.org/2000/xmlns/";

struct Binding<'a> {
    prefix: &'a str,
    ns: Ns,
    depth: usize,
}

/// What the attributes of a start tag say, other than namespace declarations.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::soap) struct Attributed<'a> {
    /// There is an attribute that a generated type does not allow.
    pub refused: bool,
    /// `xsi:nil="true"`.
    pub nil: bool,
    /// `soap:mustUnderstand="1"`.
    pub must_understand: bool,
    /// `soap:actor`, where it is written without references.
    pub actor: Option<&'a str>,
}

/// The declarations in scope.
pub(super) struct Bindings<'a> {
    stack: Vec<Binding<'a>>,
    of_uri: fn(&str) -> Option<Ns>,
}

impl<'a> Bindings<'a> {
    pub fn new(of_uri: fn(&str) -> Option<Ns>) -> Self {
        Self { stack: Vec::with_capacity(8), of_uri }
    }

    /// The namespace of an element name, split from its prefix.
    pub fn resolve(&self, name: &'a str, at: usize) -> Result<(Ns, &'a str), Malformed> {
        let (prefix, local) = match name.as_bytes().iter().position(|b| *b == b':') {
            Some(colon) => (&name[..colon], &name[colon + 1..]),
            None => ("", name),
        };
        if !starts_a_name(local) {
            return Err(Malformed::Syntax(at));
        }
        match self.stack.iter().rev().find(|b| b.prefix == prefix) {
            Some(binding) => Ok((binding.ns, local)),
            None if prefix.is_empty() => Ok((Ns::NONE, local)),
            None if prefix == "xml" => Ok((Ns::FOREIGN, local)),
            None => Err(Malformed::Prefix(at)),
        }
    }

    /// Takes up the declarations of a start tag and looks at its other attributes.
    /// `content` is the tag between its brackets, `name_len` the length of its name.
    pub fn declare(
        &mut self,
        content: &'a str,
        name_len: usize,
        depth: usize,
        at: usize,
    ) -> Result<Attributed<'a>, Malformed> {
        let rest = &content.as_bytes()[name_len..];
        if rest.contains(&b'<') {
            return Err(Malformed::Syntax(at));
        }
        let equals = memchr::memchr_iter(b'=', rest).count();
        let mut attributes = Attributes::new(content, name_len);
        attributes.with_checks(equals > 1);
        let mut others: Vec<(&'a str, &'a str, Cow<'a, str>)> = Vec::new();
        for (count, attribute) in attributes.enumerate() {
            let attribute = attribute.map_err(|_| Malformed::Syntax(at))?;
            if count >= ATTRIBUTES_MAX || self.stack.len() >= BINDINGS_MAX {
                return Err(Malformed::TooManyAttributes(ATTRIBUTES_MAX));
            }
            let Cow::Borrowed(value) = attribute.value else {
                return Err(Malformed::Syntax(at));
            };
            let key: &'a str = attribute.key.0;
            let unescaped =
                quick_xml::escape::unescape(value).map_err(|_| Malformed::Syntax(at))?;
            match key.strip_prefix("xmlns") {
                Some("") => self.bind("", &unescaped, depth, at)?,
                Some(prefix) if prefix.starts_with(':') => {
                    self.bind(&prefix[1..], &unescaped, depth, at)?;
                }
                _ => others.push((key, value, unescaped)),
            }
        }
        self.judge(&others, at)
    }

    fn bind(
        &mut self,
        prefix: &'a str,
        uri: &str,
        depth: usize,
        at: usize,
    ) -> Result<(), Malformed> {
        let empty_prefixed = uri.is_empty() && !prefix.is_empty();
        if empty_prefixed || prefix == "xmlns" || uri == XMLNS_URI {
            return Err(Malformed::Syntax(at));
        }
        let ns = match uri {
            "" => Ns::NONE,
            ENVELOPE_URI => Ns::ENVELOPE,
            XSI_URI => Ns::XSI,
            _ => (self.of_uri)(uri).unwrap_or(Ns::FOREIGN),
        };
        self.stack.push(Binding { prefix, ns, depth });
        Ok(())
    }

    fn judge(
        &self,
        others: &[(&'a str, &'a str, Cow<'a, str>)],
        at: usize,
    ) -> Result<Attributed<'a>, Malformed> {
        let mut found = Attributed::default();
        for (key, written, value) in others {
            let ns = if key.contains(':') { self.resolve(key, at)?.0 } else { Ns::NONE };
            let local = key.rsplit(':').next().unwrap_or(key);
            match (ns, local) {
                (Ns::XSI, "type" | "schemaLocation" | "noNamespaceSchemaLocation") => {}
                (Ns::XSI, "nil") => {
                    found.nil = matches!(value.trim(), "1" | "true");
                    found.refused = true;
                }
                (Ns::ENVELOPE, "mustUnderstand") => {
                    found.must_understand = matches!(value.trim(), "1" | "true");
                    found.refused = true;
                }
                (Ns::ENVELOPE, "actor") => {
                    // Written otherwise than plainly it is aimed at whoever receives it: at us.
                    found.actor = (value == written).then_some(written);
                    found.refused = true;
                }
                _ => found.refused = true,
            }
        }
        Ok(found)
    }

    /// Forgets what the element at this depth declared.
    pub fn close(&mut self, depth: usize) {
        while self.stack.last().is_some_and(|b| b.depth >= depth) {
            self.stack.pop();
        }
    }
}

/// Whether a local name can begin an XML name; the tokenizer does not look.
fn starts_a_name(local: &str) -> bool {
    match local.as_bytes().first() {
        None | Some(b'0'..=b'9' | b'-' | b'.' | b':') => false,
        Some(first) => first.is_ascii_alphabetic() || *first == b'_' || !first.is_ascii(),
    }
}
