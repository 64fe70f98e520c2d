//! Sends every `testdata/**/*.request.xml` and compares the answer with the file beside it.
//!
//! `CASE.given-N.request.xml` are sent before `CASE.request.xml`. `UPDATE_GOLDEN=1` writes
//! the answers instead; read the difference before you commit it. Answers that are no faults
//! must be valid by our schemas (xmllint).

use super::harness::{Service, testdata};
use sigill::messages::generated::Interaction;
use std::path::{Path, PathBuf};
use std::process::Command;

fn requests(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            requests(&path, found);
        } else if path.to_string_lossy().ends_with(".request.xml") {
            found.push(path);
        }
    }
}

fn cases() -> Vec<PathBuf> {
    let mut found = Vec::new();
    requests(&testdata(""), &mut found);
    found.retain(|path| !path.to_string_lossy().contains(".given-"));
    found.sort();
    found
}

/// Ids of log lines and orders differ from run to run.
pub fn without_new_ids(body: &str) -> String {
    let id_behind = |mark| body.split_once(mark).and_then(|(_, rest): (_, &str)| rest.get(..36));
    match id_behind("(logg-id ").or_else(|| id_behind(":orderId>")) {
        Some(id) => body.replace(id, "00000000-0000-0000-0000-000000000000"),
        None => body.to_owned(),
    }
}

/// One element a line, so that differences can be read.
fn pretty(body: &str) -> String {
    body.replace("><", ">\n<") + "\n"
}

async fn answer(case: &Path) -> String {
    let service = Service::start().await;
    let name = case.to_string_lossy().replace(".request.xml", "");
    for number in 1.. {
        let Ok(given) = std::fs::read(format!("{name}.given-{number}.request.xml")) else { break };
        let reply = service.post(given).await;
        assert_eq!(reply.code(), "OK", "{name}: given-{number}: {}", reply.body);
    }
    let reply = service.post(std::fs::read(case).unwrap()).await;
    let is_fault = reply.body.contains("<soap:Fault>");
    assert_eq!(reply.status.as_u16(), if is_fault { 500 } else { 200 }, "{name}");
    assert_eq!(reply.headers["content-type"], "text/xml; charset=utf-8");
    pretty(&without_new_ids(&reply.body))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_gets_the_answer_beside_it() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let got = answer(&case).await;
        let file = case.to_string_lossy().replace(".request.xml", ".response.xml");
        if update {
            std::fs::write(&file, &got).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        if got != expected {
            wrong.push(format!("{file}\n--- expected\n{expected}\n--- got\n{got}"));
        }
    }
    assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_contract_has_a_valid_request_and_a_refusal() {
    let files: Vec<String> = cases().iter().map(|p| p.to_string_lossy().into_owned()).collect();
    for interaction in Interaction::ALL {
        let mut folder = String::new();
        for c in interaction.name().chars() {
            if c.is_ascii_uppercase() && !folder.is_empty() {
                folder.push('_');
            }
            folder.push(c.to_ascii_lowercase());
        }
        let own: Vec<&String> =
            files.iter().filter(|f| f.contains(&format!("/{folder}/"))).collect();
        assert!(own.iter().any(|f| f.ends_with("/valid.request.xml")), "{folder}");
        let answers: Vec<String> = own
            .iter()
            .map(|f| std::fs::read_to_string(f.replace(".request.", ".response.")).unwrap())
            .collect();
        // PingForConfiguration has nothing that could be wrong, and no result code.
        let has_results = !matches!(interaction, Interaction::Monitoring(_));
        if has_results {
            let is =
                |code: &str| answers.iter().any(|a| a.contains(&format!("resultCode>{code}<")));
            let refused = is("VALIDATIONERROR") || is("VALIDATION_ERROR") || is("INVALIDSTATE");
            // A file takes a worker; see `orders`.
            let done = is("OK") || folder == "get_files_for_order_id" && is("REPORT_NOT_FOUND");
            assert!(done && refused, "{folder} needs a success and a refusal");
        }
    }
}

/// The document's body element alone, with the namespaces that it declares itself.
pub fn body_element(message: &str) -> &str {
    let start = message.find("<soap:Body>").unwrap() + "<soap:Body>".len();
    message[start..message.find("</soap:Body>").unwrap()].trim()
}

#[test]
fn requests_and_answers_are_valid_by_the_schemas() {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut by_interaction = std::collections::BTreeMap::<String, Vec<PathBuf>>::new();
    let temporary = std::env::temp_dir().join(format!("sigill-golden-{}", std::process::id()));
    std::fs::create_dir_all(&temporary).unwrap();
    for (number, case) in cases().iter().enumerate() {
        let file = case.to_string_lossy().replace(".request.xml", ".response.xml");
        let message = std::fs::read_to_string(&file).unwrap();
        if message.contains("<soap:Fault>") {
            continue;
        }
        let body = body_element(&message);
        let name = body[3..].split([' ', '>', '\n']).next().unwrap().replace("Response", "");
        let path = temporary.join(format!("{number}.xml"));
        std::fs::write(&path, body).unwrap();
        by_interaction.entry(name).or_default().push(path);
    }
    assert!(by_interaction.len() >= 7, "answers of every served contract");
    for (name, files) in by_interaction {
        let i = Interaction::ALL.into_iter().find(|i| i.name() == name).unwrap();
        let domain = i.domain().rsplit(':').next().unwrap();
        let schema = schemas.join(format!("{domain}/{0}.0/{name}Responder_{0}.0.xsd", i.major()));
        assert_valid(&schema, &files);
    }
    std::fs::remove_dir_all(&temporary).unwrap();
}

/// Holds documents to a schema.
pub fn assert_valid(schema: &Path, documents: &[PathBuf]) {
    let checked = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .args(documents)
        .output()
        .expect("xmllint is needed (Debian: libxml2-utils)");
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{}: {said}", schema.display());
}
