//! Reading a StoreLog of 500 records, against the bare tokenizer with namespaces.

use super::median;
use super::store_log::message;
use quick_xml::NsReader;
use quick_xml::events::Event;
use sigill::messages::generated::log::v2::StoreLog;
use sigill::messages::generated::ns;
use sigill::soap::envelope::{Envelope, Vocabulary};
use sigill::soap::xml::{Charset, decode};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 101;

pub fn run() {
    let text = message("parsing", 500);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(seconds(|| read(text.as_bytes())));
        theirs.push(seconds(|| iterate(&text)));
    }
    let megabytes = text.len() as f64 / 1e6;
    let (ours, theirs) = (megabytes / median(ours), megabytes / median(theirs));
    let name = "parsing, MB/s, over NsReader's events";
    println!("{name:<46} {ours:>10.0} {theirs:>10.0} {:>6.2} {:>5}", ours / theirs, "1.00");
}

fn read(bytes: &[u8]) {
    let document = decode(bytes, Charset::Utf8).unwrap();
    let vocabulary = Vocabulary { of_uri: ns::of_uri, registry: ns::REGISTRY_1 };
    let mut envelope = Envelope::open(&document, vocabulary).unwrap();
    let request = StoreLog::read(&mut envelope.reader).unwrap();
    envelope.reader.finish().unwrap();
    black_box(&request);
}

fn iterate(text: &str) {
    let mut reader = NsReader::from_str(text);
    loop {
        match reader.read_resolved_event().unwrap() {
            (_, Event::Eof) => break,
            event => {
                black_box(&event);
            }
        }
    }
}

fn seconds(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}
