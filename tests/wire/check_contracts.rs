//! `sigill check-contracts`: our own files agree with themselves, and a planted difference
//! of each kind is told with its path.

use std::path::{Path, PathBuf};
use std::process::Command;

const BLOCKING: &str = "schemas/blocking/4.0/informationsecurity_authorization_blocking_4.0.xsd";
const GET_BLOCKS: &str = "schemas/blocking/4.0/GetBlocksResponder_4.0.xsd";
const WSDL: &str = "wsdl/log/2.0/StoreLogInteraction_2.0_RIVTABP21.wsdl";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn check(dir: &Path) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sigill"))
        .arg("check-contracts")
        .arg(dir)
        .output()
        .unwrap();
    let said =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.success(), said)
}

/// A folder with one file of ours, changed.
fn planted(name: &str, file: &str, from: &str, to: &str) -> (bool, String) {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let changed = text.replacen(from, to, 1);
    assert_ne!(text, changed, "{name}: nothing was planted");
    folder(name, file, &changed)
}

fn folder(name: &str, file: &str, text: &str) -> (bool, String) {
    let dir: PathBuf =
        std::env::temp_dir().join(format!("sigill-check-{name}-{}", std::process::id()));
    std::fs::create_dir_all(dir.join("any/layout")).unwrap();
    let ending = file.rsplit('.').next().unwrap();
    std::fs::write(dir.join(format!("any/layout/renamed.{ending}")), text).unwrap();
    let result = check(&dir);
    std::fs::remove_dir_all(&dir).unwrap();
    result
}

#[test]
fn our_own_files_agree() {
    for dir in ["schemas", "wsdl"] {
        let (agrees, said) = check(&root().join(dir));
        assert!(agrees, "{said}");
        assert!(said.ends_with(" 0 differences\n"), "{said}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn a_planted_difference_of_each_kind_is_told() {
    let cases = [
        (
            "min",
            GET_BLOCKS,
            "minOccurs=\"0\"",
            "",
            "renamed.xsd: schema/complexType[GetBlocksType]/sequence/element[patientId]/@minOccurs: ours \"0\", theirs \"1\"",
        ),
        (
            "max",
            GET_BLOCKS,
            " maxOccurs=\"unbounded\"",
            "",
            "element[careProviderIds]/@maxOccurs: ours \"unbounded\", theirs \"1\"",
        ),
        (
            "type",
            GET_BLOCKS,
            ":HsaId\"",
            ":Id\"",
            "element[careProviderIds]/@type: ours \"{urn:riv:informationsecurity:authorization:blocking:4}HsaId\"",
        ),
        (
            "name",
            GET_BLOCKS,
            "name=\"careProviderIds\"",
            "name=\"careProviderId\"",
            "element[careProviderId]: only theirs has it",
        ),
        (
            "any",
            GET_BLOCKS,
            "processContents=\"lax\"",
            "processContents=\"skip\"",
            "sequence/any/@processContents: ours \"lax\", theirs \"skip\"",
        ),
        (
            "qualified",
            GET_BLOCKS,
            "elementFormDefault=\"qualified\"",
            "",
            "schema/@elementFormDefault: ours \"qualified\", theirs \"unqualified\"",
        ),
        (
            "version",
            GET_BLOCKS,
            "version=\"4.0\"",
            "version=\"4.1\"",
            "schema/@version: ours \"4.0\", theirs \"4.1\"",
        ),
        (
            "facet",
            BLOCKING,
            "maxLength value=\"1024\"",
            "maxLength value=\"1000\"",
            "simpleType[ReasonText]/restriction/maxLength/@value: ours \"1024\", theirs \"1000\"",
        ),
        (
            "enum",
            BLOCKING,
            "enumeration value=\"BLOCKED\"",
            "enumeration value=\"CLOSED\"",
            "enumeration[BLOCKED]: only ours has it",
        ),
        (
            "global",
            BLOCKING,
            "simpleType name=\"OwnerId\"",
            "simpleType name=\"Owner\"",
            "schema/simpleType[OwnerId]: only ours has it",
        ),
        ("action", WSDL, "soapAction=\"urn", "soapAction=\"xurn", "soapAction: ours"),
        (
            "message",
            WSDL,
            "part name=\"parameters\" element=\"tjsr:StoreLog\"",
            "part name=\"parameters\" element=\"tjsr:StoreLogs\"",
            "message[StoreLogRequest]/part[parameters]/@element",
        ),
        (
            "header",
            WSDL,
            "<soap:header use=\"literal\" message=\"tns:StoreLogRequest\" part=\"LogicalAddress\"/>",
            "",
            "header[LogicalAddress]: only ours has it",
        ),
        (
            "port",
            WSDL,
            "portType name=\"StoreLogResponderInterface\"",
            "portType name=\"StoreLogInterface\"",
            "portType[StoreLogInterface]: only theirs has it",
        ),
        (
            "style",
            WSDL,
            "style=\"document\"",
            "style=\"rpc\"",
            "@style: ours \"document\", theirs \"rpc\"",
        ),
    ];
    for (name, file, from, to, expected) in cases {
        let (agrees, said) = planted(name, file, from, to);
        assert!(!agrees, "{name}: {said}");
        assert!(said.contains(expected), "{name}: {said}");
    }
}

#[test]
fn order_counts_in_sequences_and_enumerations_but_not_among_globals() {
    let text = std::fs::read_to_string(root().join(BLOCKING)).unwrap();
    let (root_element, parameter) =
        ("<xs:element name=\"root\" type=\"xs:string\">", "<xs:element name=\"extension\"");
    assert!(text.contains(root_element) && text.contains(parameter));
    let swapped = text
        .replacen("name=\"root\"", "name=\"KEEP\"", 1)
        .replacen(
            "name=\"extension\" type=\"xs:string\" minOccurs=\"0\"",
            "name=\"root\" type=\"xs:string\"",
            1,
        )
        .replacen(
            "name=\"KEEP\" type=\"xs:string\"",
            "name=\"extension\" type=\"xs:string\" minOccurs=\"0\"",
            1,
        );
    let (agrees, said) = folder("order", BLOCKING, &swapped);
    assert!(!agrees);
    assert!(said.contains("complexType[IIType]/sequence: order: ours element[root], element[extension], any; theirs element[extension], element[root], any"), "{said}");
    assert!(said.ends_with("compared 1 files, 1 differences\n"), "{said}");

    let start = text.find("  <xs:simpleType name=\"OwnerId\">").unwrap();
    let end = start + text[start..].find("</xs:simpleType>").unwrap() + "</xs:simpleType>".len();
    let moved = format!("{}{}", &text[..start], &text[end..])
        .replace("</xs:schema>", &format!("{}</xs:schema>", &text[start..end]));
    let (agrees, said) = folder("globals", BLOCKING, &moved);
    assert!(agrees, "{said}");
}

#[test]
fn prefixes_documentation_and_written_defaults_do_not_count() {
    let text = std::fs::read_to_string(root().join(GET_BLOCKS)).unwrap();
    let changed = text
        .replace("xs:", "xsd:")
        .replace("xmlns:xs=", "xmlns:xsd=")
        .replace("informationsecurityauthorizationblocking:", "core:")
        .replace("xmlns:informationsecurityauthorizationblocking=", "xmlns:core=")
        .replace("<xsd:documentation>", "<xsd:documentation>Other words. ")
        .replace("name=\"blockHeader\"", "minOccurs=\"1\" maxOccurs=\"1\" name=\"blockHeader\"")
        .replace("schemaLocation=\"", "schemaLocation=\"elsewhere/");
    let (agrees, said) = folder("prefixes", GET_BLOCKS, &changed);
    assert!(agrees, "{said}");
}

#[test]
fn a_folder_without_anything_of_ours_and_a_broken_file_are_told() {
    let (agrees, said) = folder(
        "foreign",
        GET_BLOCKS,
        "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"urn:x\"/>",
    );
    assert!(!agrees);
    assert!(said.contains("holds no schema or WSDL of our contracts"), "{said}");
    let (agrees, said) = folder("broken", GET_BLOCKS, "<xs:schema");
    assert!(!agrees);
    assert!(said.contains("cannot be read"), "{said}");
}
