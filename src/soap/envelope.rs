//! Opening an envelope: its headers, its logical address, and the name of its body element.

use super::fault::{Fault, FaultCode};
use super::xml::{Ns, ReadError, Reader, Writer};

/// Headers aimed at whoever receives the message next, which is us.
const NEXT_ACTOR: &str = "http://schemas.xmlsoap.org/soap/actor/next";
/// The schema sets no limit; an address is an HSA-id, at times two.
const LOGICAL_ADDRESS_CHARS_MAX: u32 = 256;
/// As much of a fault is looked at.
const FAULT_CHARS_MAX: u32 = 4096;

/// The names of a contract's world that the envelope must know.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary {
    /// The namespace that a URI names, when it is known.
    pub of_uri: fn(&str) -> Option<Ns>,
    /// The namespace of the header `LogicalAddress`.
    pub registry: Ns,
}

/// An envelope opened as far as its body element.
pub struct Envelope<'a> {
    /// Whose service the call is for; never blank.
    pub logical_address: String,
    /// Namespace and local name of the body element.
    pub body: (Ns, &'a str),
    /// Stands at the body element.
    pub reader: Reader<'a>,
}

impl<'a> Envelope<'a> {
    /// Opens the envelope of a request.
    ///
    /// # Errors
    /// The fault that its sender must get.
    pub fn open(document: &'a str, vocabulary: Vocabulary) -> Result<Self, Fault> {
        let (logical_address, body, reader) = open(document, vocabulary)?;
        let logical_address = logical_address
            .ok_or_else(|| Fault::client("SOAP-huvudet LogicalAddress saknas eller är tomt"))?;
        Ok(Self { logical_address, body, reader })
    }
}

/// What came back from a call of ours.
pub enum Returned<'a> {
    /// An answer; the reader stands at the body element, whose name is told.
    Answer((Ns, &'a str), Box<Reader<'a>>),
    /// A fault.
    Fault {
        /// Whether it says that the call was wrong: the code is `Client`.
        is_ours: bool,
        /// What it says; it may hold personal data, and is never passed on.
        text: String,
    },
}

impl<'a> Returned<'a> {
    /// Opens the envelope of a reply.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(document: &'a str, vocabulary: Vocabulary) -> Result<Self, Fault> {
        match open(document, vocabulary)? {
            (_, (Ns::ENVELOPE, "Fault"), mut reader) => {
                let (is_ours, text) = told(&mut reader);
                Ok(Self::Fault { is_ours, text })
            }
            (_, body, reader) => Ok(Self::Answer(body, Box::new(reader))),
        }
    }
}

/// Whether the code of a fault says that the call was wrong, and its text.
fn told(reader: &mut Reader<'_>) -> (bool, String) {
    if reader.enter_any().is_err() {
        return (false, String::new());
    }
    let mut text = |name| {
        reader.peek().filter(|next| next.name == name)?;
        reader.text_any(FAULT_CHARS_MAX).ok().map(std::borrow::Cow::into_owned)
    };
    let code = text("faultcode").unwrap_or_default();
    let is_ours = code.trim().rsplit(':').next() == Some("Client");
    (is_ours, text("faultstring").unwrap_or_default())
}

/// The start of a request of ours, as far as its body.
pub fn open_request(logical_address: &str) -> Writer {
    let mut out = Writer::with_capacity(2 * 1024);
    out.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Header>");
    out.text(
        "<itr:LogicalAddress xmlns:itr=\"urn:riv:itintegration:registry:1\">",
        logical_address,
        "</itr:LogicalAddress></soap:Header><soap:Body>",
    );
    out
}

type Opened<'a> = (Option<String>, (Ns, &'a str), Reader<'a>);

/// Logical address, name of the body element, and a reader that stands at it.
fn open(document: &str, vocabulary: Vocabulary) -> Result<Opened<'_>, Fault> {
    let mut reader = Reader::new(document, vocabulary.of_uri).map_err(broken)?;
    let root = reader.peek().ok_or_else(no_envelope)?;
    if root.name != "Envelope" {
        return Err(no_envelope());
    }
    if root.ns != Ns::ENVELOPE {
        return Err(Fault {
            code: FaultCode::VersionMismatch,
            text: "kuvertet är inte SOAP 1.1".into(),
        });
    }
    reader.enter_any().map_err(broken)?;
    let mut logical_address = None;
    let mut next = reader.peek().ok_or_else(no_body)?;
    if (next.ns, next.name) == (Ns::ENVELOPE, "Header") {
        logical_address = headers(&mut reader, vocabulary.registry)?;
        next = reader.peek().ok_or_else(no_body)?;
    }
    if (next.ns, next.name) != (Ns::ENVELOPE, "Body") {
        return Err(no_body());
    }
    reader.enter_any().map_err(broken)?;
    let body = reader.peek().ok_or_else(|| Fault::client("kuvertets Body är tom"))?;
    Ok((logical_address, (body.ns, body.name), reader))
}

/// Reads the header entries and stands behind the header.
fn headers(reader: &mut Reader<'_>, registry: Ns) -> Result<Option<String>, Fault> {
    let mut logical_address: Option<Option<String>> = None;
    reader.enter_any().map_err(broken)?;
    while let Some(tag) = reader.peek() {
        if (tag.ns, tag.name) == (registry, "LogicalAddress") {
            let text = reader.text_any(LOGICAL_ADDRESS_CHARS_MAX).map_err(|error| match error {
                ReadError::Malformed(malformed) => malformed.into(),
                ReadError::Invalid(violation) => {
                    Fault::client(format!("Header/LogicalAddress: {violation}"))
                }
            })?;
            if logical_address.is_some() {
                return Err(Fault::client("SOAP-huvudet LogicalAddress förekommer två gånger"));
            }
            let text = text.trim();
            logical_address = Some((!text.is_empty()).then(|| text.to_owned()));
            continue;
        }
        let for_us = tag.attributed.actor.is_none_or(|a| a.is_empty() || a == NEXT_ACTOR);
        if tag.attributed.must_understand && for_us {
            return Err(Fault {
                code: FaultCode::MustUnderstand,
                text: "ett SOAP-huvud med mustUnderstand=\"1\" stöds inte".into(),
            });
        }
        reader.skip(tag).map_err(broken)?;
    }
    reader.leave(None).map_err(broken)?;
    Ok(logical_address.flatten())
}

#[allow(clippy::needless_pass_by_value, reason = "shape of map_err")]
fn broken(error: ReadError) -> Fault {
    match error {
        ReadError::Malformed(malformed) => malformed.into(),
        ReadError::Invalid(_) => Fault::client("SOAP-kuvertet följer inte SOAP 1.1"),
    }
}

fn no_envelope() -> Fault {
    Fault::client("dokumentet är inget SOAP-kuvert")
}

fn no_body() -> Fault {
    Fault::client("kuvertets Body saknas")
}
