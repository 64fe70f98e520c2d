//! One pass over a document: elements in the schema's order, each matched by namespace
//! and local name. Values are in `values`, rows that are judged by themselves in `row`.

use super::bindings::{Attributed, Bindings};
use super::error::{Malformed, ReadError, Rule};
use super::names::Ns;
use quick_xml::events::Event;

/// Open elements, the envelope's included. The contracts need 9; a router may add a few.
const DEPTH_MAX: usize = 64;
/// Elements in one document. 500 log records have some 15 000.
const ELEMENTS_MAX: usize = 1_000_000;

/// Elements entered where one stands between header and body.
const ENVELOPE_DEPTH: usize = 1;

/// The start tag that the reader stands at.
#[derive(Debug, Clone, Copy)]
pub(in crate::soap) struct Tag<'a> {
    pub ns: Ns,
    pub name: &'a str,
    pub attributed: Attributed<'a>,
    empty: bool,
}

/// What stands next in the document.
#[derive(Debug, Clone, Copy)]
pub(in crate::soap) enum Next<'a> {
    /// A start tag that nobody has entered.
    Start(Tag<'a>),
    /// The end of the element entered last.
    End,
    /// The end of the document.
    Eof,
    /// Not known before the next token is read.
    Unread,
}

/// Reads one document.
pub struct Reader<'a> {
    source: &'a str,
    tokens: quick_xml::Reader<&'a [u8]>,
    bindings: Bindings<'a>,
    pub(super) next: Next<'a>,
    /// Elements entered and not left; a start tag that stands next is not counted.
    pub(super) depth: usize,
    elements: usize,
    elements_max: usize,
    /// Rows that are judged one by one, and how many there may be.
    rows: usize,
    rows_max: usize,
    /// The document has carriage returns, which XML reads as line feeds.
    has_returns: bool,
    /// The document has `]]>` somewhere, which text must not have.
    has_cdata_ends: bool,
}

/// A piece of an element's content.
pub(super) enum TextPiece<'a> {
    Text(&'a str),
    CData(&'a str),
    Char(char),
    End,
}

impl<'a> Reader<'a> {
    /// Stands before the document's first element.
    ///
    /// `of_uri` tells which namespaces are known.
    ///
    /// # Errors
    /// When the document does not begin with a well-formed start tag.
    pub fn new(source: &'a str, of_uri: fn(&str) -> Option<Ns>) -> Result<Self, ReadError> {
        let mut tokens = quick_xml::Reader::from_str(source);
        tokens.config_mut().check_comments = true;
        let bytes = source.as_bytes();
        let mut reader = Self {
            source,
            tokens,
            bindings: Bindings::new(of_uri),
            next: Next::Unread,
            depth: 0,
            elements: 0,
            elements_max: ELEMENTS_MAX,
            rows: 0,
            rows_max: usize::MAX,
            has_returns: memchr::memchr(b'\r', bytes).is_some(),
            has_cdata_ends: memchr::memmem::find(bytes, b"]]>").is_some(),
        };
        reader.advance()?;
        Ok(reader)
    }

    fn position(&self) -> usize {
        usize::try_from(self.tokens.buffer_position()).unwrap_or(usize::MAX)
    }

    pub(super) fn normalize_returns(&self) -> bool {
        self.has_returns
    }

    /// Reads to the next start or end tag; between them only white space and comments.
    pub(super) fn advance(&mut self) -> Result<(), ReadError> {
        self.next = Next::Unread;
        loop {
            match self.piece()? {
                None => return Ok(()),
                Some(TextPiece::End) => {
                    self.next = Next::End;
                    return Ok(());
                }
                Some(TextPiece::Text(text)) if blank(text) => {}
                Some(_) if self.depth == 0 => return Err(self.syntax()),
                Some(_) => return Err(ReadError::invalid(Rule::StrayText)),
            }
        }
    }

    /// The next piece of content, or `None` when `self.next` was set to a start tag or
    /// the end of the document.
    pub(super) fn piece(&mut self) -> Result<Option<TextPiece<'a>>, ReadError> {
        loop {
            let before = self.position();
            let event = self.tokens.read_event().map_err(|error| self.broken(&error))?;
            match event {
                Event::Text(_) => {
                    let text = &self.source[before..self.position()];
                    if self.has_cdata_ends && text.contains("]]>") {
                        return Err(self.syntax());
                    }
                    return Ok(Some(TextPiece::Text(text)));
                }
                Event::Start(tag) => {
                    return self.open(before, tag.name().0.len(), false).map(|()| None);
                }
                Event::End(_) => return Ok(Some(TextPiece::End)),
                Event::Empty(tag) => {
                    return self.open(before, tag.name().0.len(), true).map(|()| None);
                }
                Event::GeneralRef(reference) => {
                    let character = character(&reference).ok_or_else(|| self.syntax())?;
                    return Ok(Some(TextPiece::Char(character)));
                }
                Event::CData(_) => {
                    let whole = &self.source[before..self.position()];
                    let inner = whole.strip_prefix("<![CDATA[").and_then(|t| t.strip_suffix("]]>"));
                    return inner.map(|t| Some(TextPiece::CData(t))).ok_or_else(|| self.syntax());
                }
                Event::Comment(_) => {}
                Event::Decl(_) if before == 0 => {}
                Event::Decl(_) => return Err(self.syntax()),
                Event::PI(_) => return Err(Malformed::ProcessingInstruction.into()),
                Event::DocType(_) => return Err(Malformed::Dtd.into()),
                Event::Eof if self.depth > 0 => return Err(Malformed::Truncated.into()),
                Event::Eof => {
                    self.next = Next::Eof;
                    return Ok(None);
                }
            }
        }
    }

    /// Reads on with another limit of elements: replies that we asked for may be larger than
    /// what anybody may send us.
    pub fn limit_elements(&mut self, max: usize) {
        self.elements_max = max;
    }

    /// Reads on with a limit of rows that are judged one by one.
    pub fn limit_rows(&mut self, max: usize) {
        self.rows_max = max;
    }

    pub(super) fn count_row(&mut self) -> Result<(), ReadError> {
        self.rows += 1;
        match self.rows > self.rows_max {
            true => Err(ReadError::invalid(Rule::TooMany(self.rows_max))),
            false => Ok(()),
        }
    }

    /// Makes the start tag at `before` the next thing.
    fn open(&mut self, before: usize, name_len: usize, empty: bool) -> Result<(), ReadError> {
        self.elements += 1;
        if self.elements > self.elements_max {
            return Err(Malformed::TooManyElements(self.elements_max).into());
        }
        let end = self.position() - if empty { 2 } else { 1 };
        let content = &self.source[before + 1..end];
        let attributed = match name_len == content.len() {
            true => Attributed::default(),
            false => self.bindings.declare(content, name_len, self.depth + 1, before)?,
        };
        let (ns, name) = self.bindings.resolve(&content[..name_len], before)?;
        self.next = Next::Start(Tag { ns, name, attributed, empty });
        Ok(())
    }

    /// Goes into the element that stands next.
    pub(super) fn take(&mut self, tag: Tag<'a>) -> Result<(), ReadError> {
        self.depth += 1;
        self.next = if tag.empty { Next::End } else { Next::Unread };
        match self.depth > DEPTH_MAX {
            true => Err(Malformed::TooDeep(DEPTH_MAX).into()),
            false => Ok(()),
        }
    }

    /// Leaves the element whose end has been reached, without looking further.
    pub(super) fn close(&mut self) {
        self.bindings.close(self.depth);
        self.depth = self.depth.saturating_sub(1);
        self.next = Next::Unread;
    }

    /// Enters an element of a generated type and stands at its first child.
    ///
    /// # Errors
    /// An attribute on the element, or what is wrong before its first child.
    pub fn enter(&mut self) -> Result<(), ReadError> {
        match self.peek().is_some_and(|tag| tag.attributed.refused) {
            true => self.refuse_attribute(),
            false => self.enter_any(),
        }
    }

    /// Enters the element that stands next only to say that an attribute of it is wrong.
    pub(super) fn refuse_attribute(&mut self) -> Result<(), ReadError> {
        let Next::Start(tag) = self.next else { return Err(self.syntax()) };
        self.take(tag)?;
        Err(ReadError::invalid(Rule::Attribute))
    }

    /// Enters an element whatever its attributes, as those of the envelope.
    pub(in crate::soap) fn enter_any(&mut self) -> Result<(), ReadError> {
        let Next::Start(tag) = self.next else { return Err(self.syntax()) };
        self.take(tag)?;
        if tag.empty { Ok(()) } else { self.advance() }
    }

    /// Skips extension elements, checks that nothing else is left, and leaves the element.
    /// `extensible` is the namespace whose elements are *not* extensions, where the type
    /// has an extension point.
    ///
    /// # Errors
    /// An element that the type does not have.
    pub fn leave(&mut self, extensible: Option<Ns>) -> Result<(), ReadError> {
        loop {
            match self.next {
                Next::End => break,
                Next::Start(tag) if extends(tag.ns, extensible) => self.skip(tag)?,
                Next::Start(tag) => return Err(Rule::unexpected(tag.name)),
                Next::Eof | Next::Unread => return Err(self.syntax()),
            }
        }
        self.close();
        self.advance()
    }

    /// Skips the element that stands next, whatever it holds.
    pub(in crate::soap) fn skip(&mut self, tag: Tag<'a>) -> Result<(), ReadError> {
        let outside = self.depth;
        self.take(tag)?;
        self.recover(outside)?;
        self.advance()
    }

    /// Leaves elements until `outside` are entered, whatever stands between, and stops
    /// right behind the last end tag.
    pub(super) fn recover(&mut self, outside: usize) -> Result<(), ReadError> {
        while self.depth > outside {
            match self.next {
                Next::Start(tag) => self.take(tag)?,
                Next::End => self.close(),
                Next::Eof => return Err(Malformed::Truncated.into()),
                Next::Unread => {
                    if let Some(TextPiece::End) = self.piece()? {
                        self.next = Next::End;
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the rest of an envelope only to know that it is well-formed, and that nothing of the
    /// envelope's own comes after its body.
    ///
    /// # Errors
    /// Where it is not.
    pub fn finish(&mut self) -> Result<(), Malformed> {
        match self.behind_body() {
            Ok(()) if matches!(self.next, Next::Eof) => Ok(()),
            Err(ReadError::Malformed(malformed)) => Err(malformed),
            _ => Err(Malformed::Syntax(self.position())),
        }
    }

    fn behind_body(&mut self) -> Result<(), ReadError> {
        // What stands in the body is known or refused by now.
        self.recover(ENVELOPE_DEPTH)?;
        while self.depth >= ENVELOPE_DEPTH {
            match self.next {
                Next::Start(tag) if tag.ns == Ns::ENVELOPE || tag.ns == Ns::NONE => {
                    return Err(Malformed::BehindBody.into());
                }
                Next::Start(tag) => {
                    self.take(tag)?;
                    self.recover(ENVELOPE_DEPTH)?;
                }
                Next::End => self.close(),
                Next::Eof => return Err(Malformed::Truncated.into()),
                Next::Unread => self.advance()?,
            }
        }
        self.advance()
    }

    /// The start tag that stands next, if one does.
    pub(in crate::soap) fn peek(&self) -> Option<Tag<'a>> {
        match self.next {
            Next::Start(tag) => Some(tag),
            _ => None,
        }
    }

    /// Whether a start tag stands next.
    pub fn at_start(&self) -> bool {
        self.peek().is_some()
    }

    pub(in crate::soap) fn syntax(&self) -> ReadError {
        Malformed::Syntax(self.position()).into()
    }

    fn broken(&self, error: &quick_xml::Error) -> ReadError {
        use quick_xml::errors::{Error, IllFormedError};
        let early = matches!(error, Error::IllFormed(IllFormedError::MissingEndTag(_)));
        match early || self.position() >= self.source.len() {
            true => Malformed::Truncated.into(),
            false => self.syntax(),
        }
    }
}

/// Whether an element in `ns` is an extension where own elements are in `extensible`.
pub(super) fn extends(ns: Ns, extensible: Option<Ns>) -> bool {
    extensible.is_some_and(|own| ns != own && ns != Ns::NONE)
}

fn blank(text: &str) -> bool {
    // Other characters below the space have been refused when the document was decoded.
    text.bytes().all(|b| b <= b' ')
}

/// The character of a predefined entity or a character reference that XML allows.
fn character(reference: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    match &**reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => reference.resolve_char_ref().ok().flatten().filter(|c| super::document::allowed(*c)),
    }
}
