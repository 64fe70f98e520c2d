//! The reader's limits, what it copies and what it does not, and that what is written reads
//! back as it was.

use sigill::messages::generated::log::v2::StoreLog;
use sigill::messages::generated::ns;
use sigill::soap::envelope::{Envelope, Vocabulary};
use sigill::soap::fault::Fault;
use sigill::soap::frame::{CLOSE, OPEN};
use sigill::soap::xml::{Charset, DateTime, Malformed, Writer, decode};
use std::borrow::Cow;

const VOCABULARY: Vocabulary = Vocabulary { of_uri: ns::of_uri, registry: ns::REGISTRY_1 };

fn valid() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/log/store_log/valid.request.xml");
    std::fs::read_to_string(path).unwrap()
}

fn store_log(message: &str) -> StoreLog<'_> {
    let mut envelope = Envelope::open(message, VOCABULARY).unwrap();
    StoreLog::read(&mut envelope.reader).unwrap()
}

fn refused(header: &str) -> Fault {
    let message = valid().replace("  </soapenv:Header>", &format!("{header}</soapenv:Header>"));
    Envelope::open(&message, VOCABULARY).err().expect("over a limit")
}

#[test]
fn depth_attributes_declarations_and_elements_are_bounded() {
    let nested = |n: usize| format!("<a xmlns=\"\">{}{}</a>", "<a>".repeat(n), "</a>".repeat(n));
    assert_eq!(refused(&nested(70)), Malformed::TooDeep(64).into());
    let attributes: String = (0..65).map(|n| format!(" a{n}=\"\"")).collect();
    assert_eq!(refused(&format!("<a{attributes}/>")), Malformed::TooManyAttributes(64).into());
    let declared: String = (0..60).map(|n| format!(" xmlns:n{n}=\"urn:{n}\"")).collect();
    let scopes = format!("<a{declared}><a{declared}><a{declared}/></a></a>");
    assert_eq!(refused(&scopes), Malformed::TooManyAttributes(64).into());
    let many = "<a/>".repeat(1_000_001);
    assert_eq!(refused(&many), Malformed::TooManyElements(1_000_000).into());
}

#[test]
fn repeated_attributes_and_bad_declarations_are_not_well_formed() {
    for header in [
        "<a b=\"1\" b=\"2\"/>",
        "<a b=1/>",
        "<a b=\"<\"/>",
        "<a b=\"&nope;\"/>",
        "<a xmlns:p=\"\"/>",
        "<a xmlns:xmlns=\"urn:x\"/>",
        "<p:a xmlns:q=\"urn:q\"/>",
        "<a>]]></a>",
        "<1a/>",
        "<!-- -- --><a/>",
    ] {
        let text = refused(header).text;
        assert!(text.contains("välformat") || text.contains("prefix"), "{header}: {text}");
    }
}

#[test]
fn text_that_stands_in_the_request_is_not_copied() {
    let message = valid();
    let request = store_log(&message);
    let log = &request.log[0];
    let resource = &log.resources.resource[0];
    let patient = resource.patient.as_ref().unwrap();
    for text in [
        Some(&log.log_id),
        log.system.system_name.as_ref(),
        Some(&log.activity.purpose),
        log.user.name.as_ref(),
        Some(&resource.resource_type),
        patient.patient_name.as_ref(),
    ] {
        assert!(matches!(text, Some(Cow::Borrowed(_))), "{text:?}");
    }
    let joined = message.replace("Tolvan Läkare", "T &amp; L");
    assert!(matches!(store_log(&joined).log[0].user.name, Some(Cow::Owned(_))));
}

#[test]
fn what_is_written_reads_back_as_it_was() {
    let odd = "a & b < c > d ]]> \" ' \t\n å \u{1F600} \r end";
    let message = valid();
    let mut request = store_log(&message);
    request.log[0].user.name = Some(odd.into());
    request.log.push(request.log[0].clone());
    let mut out = Writer::default();
    out.raw(&OPEN.replace("<soap:Body>", "<soap:Header><a:LogicalAddress xmlns:a=\"urn:riv:itintegration:registry:1\">x</a:LogicalAddress></soap:Header><soap:Body>"));
    request.write_root(&mut out);
    out.raw(CLOSE);
    assert_eq!(store_log(&out.take()), request);
}

#[test]
fn line_ends_are_read_as_xml_has_them() {
    let message = valid().replace("Tolvan Läkare", "a\r\nb\rc&#13;d<![CDATA[\r\n]]>");
    let request = store_log(&message);
    assert_eq!(request.log[0].user.name.as_deref(), Some("a\nb\nc\rd\n"));
}

#[test]
fn date_times_are_read_strictly() {
    let read = |text: &str| DateTime::parse(text).map(|d| (d.local.to_string(), d.offset_minutes));
    assert_eq!(read("2026-11-22T24:00:00"), Some(("2026-11-23 00:00:00".into(), None)));
    assert_eq!(
        read("2026-11-22T10:00:00.5-05:30"),
        Some(("2026-11-22 10:00:00.500".into(), Some(-330)))
    );
    assert_eq!(read("2026-11-22T10:00:00Z"), Some(("2026-11-22 10:00:00".into(), Some(0))));
    for wrong in [
        "0000-01-01T00:00:00",
        "9999-12-31T24:00:00",
        "2026-11-22T24:00:01",
        "2026-11-22T10:00",
        "2026-11-22T10:00:00+1:00",
        "-2026-11-22T10:00:00",
        "12026-11-22T10:00:00",
        "２026-11-22T10:00:00",
    ] {
        assert_eq!(read(wrong), None, "{wrong}");
    }
}

#[test]
fn encodings_that_are_not_what_they_say_are_refused() {
    assert_eq!(decode(b"<a>\xE5</a>", Charset::Utf8), Err(Malformed::Encoding));
    assert_eq!(decode(b"<a>\x00</a>", Charset::Utf8), Err(Malformed::Character(3)));
    assert_eq!(decode("<a>\u{FFFF}</a>".as_bytes(), Charset::Utf8), Err(Malformed::Character(3)));
    assert_eq!(decode(b"\xFE\xFF\xD8\x00", Charset::Utf16), Err(Malformed::Encoding));
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>";
    assert_eq!(decode(latin, Charset::Unstated), Err(Malformed::UnsupportedEncoding));
    assert!(decode(latin, Charset::Utf8).is_ok());
}
