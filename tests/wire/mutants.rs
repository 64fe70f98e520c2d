//! The generated readers against xmllint: thousands of changed requests, one verdict each.
//!
//! A request is taken apart into its elements and changed once: an element is deleted,
//! doubled, swapped with its neighbour, renamed, moved to another namespace, given an
//! attribute, lengthened, emptied, or given a foreign neighbour. Both must agree whether the
//! result is valid. Differences that are ours on purpose are not made: see
//! `docs/DIVERGENCES.md`.

use sigill::messages::generated::{
    BlockingInteraction, ConsentInteraction, Interaction, LogInteraction, ns,
};
use sigill::soap::envelope::{Envelope, Vocabulary};
use std::path::{Path, PathBuf};
use std::process::Command;

const MUTANTS_EACH: usize = 700;

/// A small generator of random numbers: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// The request's lines: the test data have one tag, or one element with text, a line.
fn changed(lines: &[&str], random: &mut Random) -> Option<String> {
    let mut lines: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
    let at = random.below(lines.len());
    let line = lines[at].clone();
    let is_leaf = line.contains("</") && !line.trim_start().starts_with("</");
    let opens = line.trim_start().starts_with('<') && !line.trim_start().starts_with("</");
    match random.below(12) {
        0 if is_leaf => {
            lines.remove(at);
        }
        1 if is_leaf => lines.insert(at, line),
        2 if is_leaf && lines.get(at + 1).is_some_and(|l| l.contains("</")) => {
            if lines[at + 1].trim_start().starts_with("</") {
                return None;
            }
            lines.swap(at, at + 1);
        }
        3 if is_leaf => lines[at] = line.replace("Id>", "Identity>"),
        4 if is_leaf => lines[at] = line.replace("urn2:", "urn1:"),
        5 if is_leaf => lines[at] = line.replacen('>', " odd=\"1\">", 1),
        6 if is_leaf => {
            let (open, rest) = line.split_once('>')?;
            let long =
                ["x", "å"][random.below(2)].repeat([31, 32, 33, 36, 37, 256, 257][random.below(7)]);
            lines[at] = format!("{open}>{long}</{}", rest.split_once("</")?.1);
        }
        7 if is_leaf => {
            let (open, rest) = line.split_once('>')?;
            lines[at] = format!("{open}></{}", rest.split_once("</")?.1);
        }
        8 if opens => lines.insert(at, "<o:x xmlns:o=\"urn:other\"><o:y/>z</o:x>".into()),
        9 if !is_leaf && !opens => {
            lines.insert(at, "<o:x xmlns:o=\"urn:other\" o:a=\"1\"><!-- c --></o:x>".into());
        }
        10 if is_leaf && line.contains("Date>") => {
            let values = [
                "2026-02-29T00:00:00",
                "2024-02-29T24:00:00",
                "2026-11-22T10:00:00Z",
                "2026-11-22T10:00:00+14:00",
                "2026-11-22T10:00:00+14:01",
                "2026-11-22 10:00:00",
                "2026-11-22T25:00:00",
                "2026-11-22T10:00:60",
                "2026-11-22T10:00:00.",
                "20261122T100000",
                "2026-11-22T10:00:00.123456789123",
                "2026-11-22",
                "2026-1-22T10:00:00",
            ];
            let (open, rest) = line.split_once('>')?;
            lines[at] = format!(
                "{open}>{}</{}",
                values[random.below(values.len())],
                rest.split_once("</")?.1
            );
        }
        11 => lines.insert(at, "stray".into()),
        _ => return None,
    }
    Some(lines.join("\n"))
}

fn accepted(interaction: Interaction, body: &str) -> bool {
    let message = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header><a:LogicalAddress xmlns:a=\"urn:riv:itintegration:registry:1\">x</a:LogicalAddress></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    );
    let vocabulary = Vocabulary { of_uri: ns::of_uri, registry: ns::REGISTRY_1 };
    let mut envelope = Envelope::open(&message, vocabulary).unwrap();
    interaction.accepts(&mut envelope.reader).is_ok_and(|accepted| accepted)
}

fn validated(schema: &Path, files: &[PathBuf]) -> Vec<bool> {
    let output = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .args(files)
        .output()
        .expect("xmllint is needed (Debian: libxml2-utils)");
    let said = String::from_utf8_lossy(&output.stderr);
    let verdict = |file: &PathBuf| {
        let name = file.display();
        let (yes, no) = (format!("{name} validates"), format!("{name} fails to validate"));
        let found = said.lines().find(|l| *l == yes || *l == no);
        *found.unwrap_or_else(|| panic!("no verdict on {name}")) == yes
    };
    files.iter().map(verdict).collect()
}

fn agree(interaction: Interaction, folder: &str, schema: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let message =
        std::fs::read_to_string(root.join("testdata").join(folder).join("valid.request.xml"))
            .unwrap();
    let (start, end) =
        (message.find("<soapenv:Body>").unwrap() + 14, message.find("</soapenv:Body>").unwrap());
    let lines: Vec<&str> = message[start..end].trim().lines().collect();
    // The request element itself stays: without it there is no request.
    let (first, last) = (lines[0], lines[lines.len() - 1]);
    let inner = &lines[1..lines.len() - 1];
    let temporary = std::env::temp_dir().join(format!(
        "sigill-mutants-{}-{}",
        interaction.name(),
        std::process::id()
    ));
    std::fs::create_dir_all(&temporary).unwrap();
    let mut random = Random(2026);
    let (mut files, mut ours) = (Vec::new(), Vec::new());
    while files.len() < MUTANTS_EACH {
        let Some(changed) = changed(inner, &mut random) else { continue };
        let body = format!("{first}\n{changed}\n{last}");
        let path = temporary.join(format!("{}.xml", files.len()));
        std::fs::write(&path, &body).unwrap();
        ours.push(accepted(interaction, &body));
        files.push(path);
    }
    let theirs = validated(&root.join("schemas").join(schema), &files);
    for ((file, ours), theirs) in files.iter().zip(&ours).zip(&theirs) {
        assert_eq!(ours, theirs, "{}", std::fs::read_to_string(file).unwrap());
    }
    let valid = theirs.iter().filter(|v| **v).count();
    assert!(valid > 50 && valid < MUTANTS_EACH - 50, "both verdicts must occur: {valid}");
    std::fs::remove_dir_all(&temporary).unwrap();
}

#[test]
fn store_log_is_read_as_xmllint_validates_it() {
    agree(
        Interaction::Log(LogInteraction::StoreLog),
        "log/store_log",
        "log/2.0/StoreLogResponder_2.0.xsd",
    );
}

#[test]
fn register_extended_block_is_read_as_xmllint_validates_it() {
    agree(
        Interaction::Blocking(BlockingInteraction::RegisterExtendedBlock),
        "blocking/register_extended_block",
        "blocking/4.0/RegisterExtendedBlockResponder_4.0.xsd",
    );
}

#[test]
fn register_extended_consent_is_read_as_xmllint_validates_it() {
    agree(
        Interaction::Consent(ConsentInteraction::RegisterExtendedConsent),
        "consent/register_extended_consent",
        "consent/2.0/RegisterExtendedConsentResponder_2.0.xsd",
    );
}

#[test]
fn end_consent_by_patient_is_read_as_xmllint_validates_it() {
    agree(
        Interaction::Consent(ConsentInteraction::EndConsentByPatient),
        "consent/end_consent_by_patient",
        "consent/1.0/EndConsentByPatientResponder_1.0.xsd",
    );
}

#[test]
fn get_consents_for_care_provider_is_read_as_xmllint_validates_it() {
    agree(
        Interaction::Consent(ConsentInteraction::GetConsentsForCareProvider),
        "consent/get_consents_for_care_provider",
        "consent/2.0/GetConsentsForCareProviderResponder_2.0.xsd",
    );
}

#[test]
fn get_blocks_is_read_as_xmllint_validates_it() {
    agree(
        Interaction::Blocking(BlockingInteraction::GetBlocks),
        "blocking/get_blocks",
        "blocking/4.0/GetBlocksResponder_4.0.xsd",
    );
}

#[test]
fn broken_bytes_never_panic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vocabulary = Vocabulary { of_uri: ns::of_uri, registry: ns::REGISTRY_1 };
    let mut random = Random(1);
    for (interaction, folder) in [
        (Interaction::Log(LogInteraction::StoreLog), "log/store_log"),
        (Interaction::Blocking(BlockingInteraction::CheckBlocks), "blocking/check_blocks"),
        (Interaction::Blocking(BlockingInteraction::GetBlocks), "blocking/get_blocks"),
    ] {
        let valid =
            std::fs::read(root.join("testdata").join(folder).join("valid.request.xml")).unwrap();
        let mut read = 0;
        for _ in 0..20_000 {
            let mut bytes = valid.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len().max(1));
                if bytes.is_empty() {
                    break;
                }
                match random.below(3) {
                    0 => bytes[at] = b"<>/&;\"'=: \0x!?[]-\xC3"[random.below(18)],
                    1 => {
                        bytes.remove(at);
                    }
                    _ => bytes.truncate(at.max(1)),
                }
            }
            let Ok(text) = sigill::soap::xml::decode(&bytes, sigill::soap::xml::Charset::Utf8)
            else {
                continue;
            };
            let Ok(mut envelope) = Envelope::open(&text, vocabulary) else { continue };
            if Interaction::of_body(envelope.body.0, envelope.body.1) == Some(interaction) {
                read += usize::from(interaction.accepts(&mut envelope.reader).is_ok());
                _ = envelope.reader.finish();
            }
        }
        assert!(read > 0, "some changes do no harm");
    }
}
