//! Fuzz targets as ordinary tests: each runs for a bounded time over its corpus, with the same numbers in every run.
//!
//! `make fuzz SECONDS=600` runs each for longer, with other numbers each time. A panic is a failure; what made it is
//! written to `target/fuzz`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod grammar;
mod random;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use grammar::Grammar;
use random::Random;
use rustls::pki_types::CertificateDer;
use sigill::config::trust::{CertificateEncoding, Trust};
use sigill::domain::identity::{HsaId, RecordId, patient_key};
use sigill::messages::generated::{Interaction, ns};
use sigill::soap::envelope::{Envelope, Vocabulary};
use sigill::soap::xml::{Charset, ReadError, decode};
use sigill::wire::forwarded::Forwarded;
use sigill::wire::tls::certificate::subject;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

const VOCABULARY: Vocabulary = Vocabulary { of_uri: ns::of_uri, registry: ns::REGISTRY_1 };

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a target with one input after the other; how many.
fn run(
    name: &str,
    least: usize,
    mut make: impl FnMut(&mut Random) -> Vec<u8>,
    target: impl Fn(&[u8]),
) -> usize {
    let seconds = std::env::var("SIGILL_FUZZ_SECONDS").ok().map(|text| text.parse().unwrap());
    let seed = seconds.map_or(2026, |_: u64| u64::from(std::process::id()) << 20);
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let (mut random, mut count) = (Random::new(seed), 0);
    while count < least || Instant::now() < until {
        let input = make(&mut random);
        if catch_unwind(AssertUnwindSafe(|| target(&input))).is_err() {
            let folder = root().join("target/fuzz");
            std::fs::create_dir_all(&folder).unwrap();
            let path = folder.join(format!("{name}-{seed}-{count}"));
            std::fs::write(&path, &input).unwrap();
            panic!("{name}: {}", path.display());
        }
        count += 1;
    }
    println!("{name}: {count} inputs");
    count
}

/// Every file of a kind in the corpus.
fn corpus(end: &str) -> Vec<Vec<u8>> {
    let (mut folders, mut found) = (vec![root().join("testdata")], Vec::<PathBuf>::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{end}");
    found.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// How far a message gets: 0 not through the parser, 1 to a contract, 2 to its answer.
fn read(bytes: &[u8], charset: Charset) -> usize {
    let Ok(text) = decode(bytes, charset) else { return 0 };
    let Ok(Envelope { body, mut reader, .. }) = Envelope::open(&text, VOCABULARY) else { return 0 };
    let Some(interaction) = Interaction::of_body(body.0, body.1) else { return 0 };
    match interaction.accepts(&mut reader) {
        Ok(true) => 2,
        Ok(false) | Err(ReadError::Invalid(_)) => 1,
        Err(ReadError::Malformed(_)) => 0,
    }
}

/// Bytes changed in a few places.
fn changed(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            1 => _ = bytes.remove(at),
            2 => bytes.insert(at, b"<>/&;\"'=: \0%,:-"[random.below(15)]),
            3 => bytes.truncate(at),
            4 => bytes[at] ^= 1 << random.below(8),
            _ => {
                let end = (at + random.below(40)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    bytes
}

fn message(body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header><a:LogicalAddress xmlns:a=\"urn:riv:itintegration:registry:1\">SE2321000016-VG01</a:LogicalAddress></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
}

#[test]
fn envelopes_and_messages_of_changed_bytes() {
    let corpus = corpus(".request.xml");
    let charsets = [Charset::Unstated, Charset::Utf8, Charset::Utf16, Charset::Utf16Le];
    let make = |random: &mut Random| {
        let seed = random.pick(&corpus).unwrap().clone();
        changed(random, &seed)
    };
    run("bytes", 60_000, make, |bytes| {
        let charset = charsets[bytes.len() % 4];
        read(bytes, charset);
    });
}

#[test]
fn every_generated_reader_by_its_schemas_grammar() {
    let grammar = Grammar::of(&root().join("schemas"));
    for interaction in Interaction::ALL {
        let name = interaction.name();
        let reached = std::cell::RefCell::new([0_usize; 3]);
        let make = |random: &mut Random| message(&grammar.request(name, random)).into_bytes();
        let count = run(name, 2_000, make, |bytes| {
            reached.borrow_mut()[read(bytes, Charset::Utf8)] += 1;
        });
        let [_, refused, accepted] = reached.into_inner();
        // They get past the parser, and both verdicts occur.
        assert!(
            (refused + accepted) * 10 > count * 9,
            "{name}: {refused} and {accepted} of {count}"
        );
        assert!(accepted * 20 > count, "{name}: {accepted} of {count} accepted");
        assert!(refused > 0, "{name}: none is refused");
    }
}

#[test]
fn ids() {
    let make = |random: &mut Random| {
        let seed = random.value("string");
        let text = changed(random, seed.as_bytes());
        String::from_utf8_lossy(&text).into_owned().into_bytes()
    };
    run("ids", 100_000, make, |bytes| {
        let text = std::str::from_utf8(bytes).unwrap();
        for key in [HsaId::new(text).map(|id| id.key()), RecordId::new(text).map(|id| id.key())] {
            let Some(key) = key else { continue };
            // What is compared is compared the same way again.
            assert_eq!(HsaId::new(&key).map(|id| id.key()), Some(key));
        }
        if let Ok(key) = patient_key("1.2.752.129.2.1.3.1", text) {
            assert!(!key.is_empty());
        }
        _ = patient_key(text, "191212121212");
    });
}

#[test]
fn certificates() {
    let corpus = corpus(".certificate.der");
    let make = |random: &mut Random| {
        let seed = random.pick(&corpus).unwrap().clone();
        changed(random, &seed)
    };
    assert!(corpus.iter().any(|der| subject(&CertificateDer::from(der.clone())).is_ok()));
    run("certificates", 60_000, make, |bytes| {
        if let Ok(subject) = subject(&CertificateDer::from(bytes.to_vec())) {
            assert!(subject.hsa_id.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        }
    });
}

#[test]
fn certificate_headers() {
    let der = corpus(".certificate.der");
    let encodings = [
        CertificateEncoding::Base64,
        CertificateEncoding::Pem,
        CertificateEncoding::Percent,
        CertificateEncoding::Rfc9440,
    ];
    let readers: Vec<Forwarded> = encodings
        .into_iter()
        .map(|certificate_encoding| {
            let certificate_header = Some("x".to_owned());
            Forwarded::of(&Trust { certificate_header, certificate_encoding, ..Trust::default() })
                .unwrap()
        })
        .collect();
    let make = |random: &mut Random| {
        let text = STANDARD.encode(random.pick(&der).unwrap());
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        let header = match random.below(4) {
            0 => format!("{text},{text}"),
            1 => format!("{begin} {text} {end} {begin} {text} {end}"),
            2 => format!("{begin}%0A{}%0A{end}%0A", text.replace('+', "%2B")),
            _ => format!(":{text}:"),
        };
        changed(random, header.as_bytes())
    };
    run("certificate headers", 40_000, make, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        for reader in &readers {
            for certificate in reader.chain(text).into_iter().flatten() {
                assert!(!certificate.is_empty());
                _ = subject(&certificate);
            }
        }
    });
}
