//! The generator: what it refuses, and the inventory of what it read.
//!
//! `testdata/codegen/inventory.txt` has a line for each interaction, type and field; its
//! difference is what a reviewer reads when a contract changes. `UPDATE_GOLDEN=1` rewrites it.

#[path = "../../src/codegen/mod.rs"]
#[allow(dead_code, missing_docs)]
mod generator;

use generator::model::{Model, Source};
use std::fmt::Write as _;
use std::path::Path;

const SCHEMA: &str = r#"<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tns="urn:riv:a:b:1"
    targetNamespace="urn:riv:a:b:1" elementFormDefault="qualified">
  <xs:complexType name="T"><xs:sequence><xs:element name="e" type="xs:string"/></xs:sequence></xs:complexType>
</xs:schema>"#;

fn read(schema: &str) -> Result<Model, String> {
    Model::read(&[Source { path: "x.xsd", text: schema }], &[])
}

#[test]
fn what_is_not_understood_stops_the_build() {
    assert!(read(SCHEMA).is_ok());
    let refused = |from: &str, to: &str, why: &str| {
        let changed = SCHEMA.replace(from, to);
        assert_ne!(changed, SCHEMA);
        let error = read(&changed).unwrap_err();
        assert!(error.starts_with("x.xsd: ") || error.starts_with("type "), "{error}");
        assert!(error.contains(why), "{error}");
    };
    refused("xs:sequence", "xs:choice", "schema/complexType/choice: element is not supported here");
    refused(
        "type=\"xs:string\"",
        "type=\"xs:string\" nillable=\"true\"",
        "element/@nillable: attribute is not supported",
    );
    refused("type=\"xs:string\"", "type=\"xs:string\" minOccurs=\"2\"", "minOccurs 2");
    refused("type=\"xs:string\"", "type=\"xs:string\" maxOccurs=\"7\"", "maxOccurs 7");
    refused("type=\"xs:string\"", "type=\"xs:decimal\"", "type decimal");
    refused(
        "type=\"xs:string\"",
        "type=\"tns:Missing\"",
        "type Missing of urn:riv:a:b:1 is not defined",
    );
    refused("type=\"xs:string\"", "type=\"no:x\"", "prefix of no:x is unknown");
    refused(
        "<xs:complexType",
        "<xs:complexType xmlns:p=\"urn:p\"",
        "prefixes must be declared on the root",
    );
    refused("</xs:schema>", "", "x.xsd");
    refused(
        "</xs:schema>",
        "<xs:simpleType name=\"S\"><xs:restriction base=\"xs:string\"><xs:pattern value=\"a+\"/></xs:restriction></xs:simpleType></xs:schema>",
        "S: pattern a+ is not supported",
    );
    refused(
        "</xs:sequence>",
        "<xs:any namespace=\"##any\"/></xs:sequence>",
        "only one xs:any with namespace ##other",
    );
    refused(
        "<xs:sequence>",
        "<xs:sequence><xs:any namespace=\"##other\"/>",
        "xs:any must be the last particle",
    );
}

fn files(dir: &Path, ending: &str, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn the_inventory_tells_every_interaction_type_and_field() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut schemas, mut wsdls) = (Vec::new(), Vec::new());
    files(&root.join("schemas"), "xsd", &mut schemas);
    files(&root.join("wsdl"), "wsdl", &mut wsdls);
    let sources = |files: &'static [(String, String)]| -> Vec<Source<'static>> {
        files.iter().map(|(path, text)| Source { path, text }).collect()
    };
    let model = Model::read(&sources(schemas.leak()), &sources(wsdls.leak())).unwrap();
    let mut text = String::new();
    let mut interactions: Vec<String> = model
        .interactions
        .iter()
        .map(|i| format!("interaction {} {} {} {}\n", i.domain, i.name, i.major, i.soap_action))
        .collect();
    interactions.sort();
    text.extend(interactions);
    for (name, simple) in &model.simple {
        let values: Vec<&str> = simple.values.iter().map(|(v, _)| v.as_str()).collect();
        let limit = simple.max_length.map_or("-".into(), |n| n.to_string());
        writeln!(text, "simple {} {} {limit} {}", name.namespace, name.name, values.join(","))
            .unwrap();
    }
    for (name, complex) in &model.complex {
        writeln!(text, "type {} {} any={}", name.namespace, name.name, complex.any).unwrap();
        for field in &complex.fields {
            let (min, max) = (u8::from(field.required), if field.repeated { "*" } else { "1" });
            let held = &field.type_name;
            writeln!(text, "  {} {min}..{max} {} {}", field.name, held.namespace, held.name)
                .unwrap();
        }
    }
    let path = root.join("testdata/codegen/inventory.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(
        text == expected,
        "the inventory differs; run with UPDATE_GOLDEN=1 and read the difference"
    );
}
