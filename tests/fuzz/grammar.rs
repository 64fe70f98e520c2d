//! Messages made from the schemas: right in most places, and wrong in some, so that what is wrong is met behind the
//! parser.

use super::random::Random;
use sigill::schema_tree::{Node, XS, parse};
use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

/// A name with its namespace.
type Name = (String, String);

/// The schemas of all contracts.
pub struct Grammar {
    elements: HashMap<Name, (Node, usize)>,
    types: HashMap<Name, (Node, usize)>,
    /// Each file's target namespace and prefixes.
    files: Vec<(String, HashMap<String, String>)>,
}

/// Deeper than any message of the contracts.
const DEPTH_MAX: usize = 12;

impl Grammar {
    /// Reads every schema under a folder.
    pub fn of(folder: &Path) -> Self {
        let (mut elements, mut types, mut files) = (HashMap::new(), HashMap::new(), Vec::new());
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let schema = parse(&std::fs::read_to_string(path).unwrap()).unwrap();
                let target = schema.attributes["targetNamespace"].clone();
                let at = files.len();
                files.push((target.clone(), schema.prefixes.clone().into_iter().collect()));
                for node in schema.children {
                    let Some(name) = node.attributes.get("name") else { continue };
                    let name = (target.clone(), name.clone());
                    match node.name.as_str() {
                        "element" => _ = elements.insert(name, (node, at)),
                        _ => _ = types.insert(name, (node, at)),
                    }
                }
            }
        }
        Self { elements, types, files }
    }

    /// A request element, made at random.
    pub fn request(&self, contract: &str, random: &mut Random) -> String {
        let (element, at) = self
            .elements
            .iter()
            .find(|((_, name), _)| name == contract)
            .unwrap_or_else(|| panic!("no element {contract}"))
            .1;
        let mut out = String::new();
        self.element(element, *at, random, 0, &mut out);
        out
    }

    fn name_in(&self, text: &str, at: usize) -> Name {
        let (target, prefixes) = &self.files[at];
        match text.split_once(':') {
            Some((prefix, name)) => (prefixes[prefix].clone(), name.to_owned()),
            None => (prefixes.get("").unwrap_or(target).clone(), text.to_owned()),
        }
    }

    fn element(&self, node: &Node, at: usize, random: &mut Random, depth: usize, out: &mut String) {
        if let Some(of) = node.attributes.get("ref") {
            let (element, at) = &self.elements[&self.name_in(of, at)];
            return self.element(element, *at, random, depth, out);
        }
        let name = &node.attributes["name"];
        random.within.clone_from(name);
        let namespace = if random.one_in(800) { "urn:other" } else { &self.files[at].0 };
        write!(out, "<{name} xmlns=\"{namespace}\"{}>", random.attribute()).unwrap();
        if depth < DEPTH_MAX {
            match node.attributes.get("type") {
                Some(of) => self.named(&self.name_in(of, at), random, depth, out),
                None => {
                    for child in &node.children {
                        self.content(child, at, random, depth, out);
                    }
                }
            }
        }
        write!(out, "</{name}>").unwrap();
    }

    fn named(&self, name: &Name, random: &mut Random, depth: usize, out: &mut String) {
        if name.0 == XS {
            return out.push_str(&random.value(&name.1));
        }
        let (node, at) = &self.types[name];
        self.content(node, *at, random, depth, out);
    }

    /// What a type, a sequence or a choice holds.
    fn content(&self, node: &Node, at: usize, random: &mut Random, depth: usize, out: &mut String) {
        match node.name.as_str() {
            "element" => {
                for _ in 0..occurrences(node, random) {
                    self.element(node, at, random, depth + 1, out);
                }
            }
            "choice" => {
                if let Some(child) = random.pick(&node.children) {
                    self.content(child, at, random, depth, out);
                }
            }
            "any" if random.one_in(4) => {
                out.push_str("<o:x xmlns:o=\"urn:other\"><o:y>z</o:y></o:x>");
            }
            "restriction" | "extension" => {
                let enumerated: Vec<&String> = node
                    .children
                    .iter()
                    .filter(|child| child.name == "enumeration")
                    .map(|child| &child.attributes["value"])
                    .collect();
                match random.pick(&enumerated) {
                    Some(value) if !random.one_in(20) => out.push_str(value),
                    _ => {
                        if let Some(base) = node.attributes.get("base") {
                            self.named(&self.name_in(base, at), random, depth, out);
                        }
                    }
                }
                for child in node.children.iter().filter(|child| child.name == "sequence") {
                    self.content(child, at, random, depth, out);
                }
            }
            _ => {
                let mut children: Vec<&Node> = node.children.iter().collect();
                if random.one_in(250) {
                    children.reverse();
                }
                for child in children {
                    self.content(child, at, random, depth, out);
                }
            }
        }
    }
}

/// How often an element stands there: as it may, and sometimes not.
fn occurrences(node: &Node, random: &mut Random) -> usize {
    let bound = |name: &str| node.attributes.get(name).map(String::as_str);
    let least: usize = bound("minOccurs").map_or(1, |text| text.parse().unwrap());
    let most = match bound("maxOccurs") {
        Some("unbounded") => least + 3,
        Some(text) => text.parse::<usize>().unwrap().min(least + 3),
        None => 1,
    };
    if random.one_in(250) {
        return [least.saturating_sub(1), most + 1][random.below(2)];
    }
    least + random.below(most.max(least) - least + 1)
}
