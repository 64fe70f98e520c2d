//! From bytes to text: encoding, byte order mark, and the characters that XML allows.

use super::error::Malformed;
use std::borrow::Cow;

/// The encoding that the Content-Type names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// No charset parameter: UTF-8, and the prolog must agree.
    Unstated,
    /// UTF-8, whatever the prolog says: routers re-encode bodies and leave the prolog.
    Utf8,
    /// UTF-16 with a byte order mark, or big-endian without.
    Utf16,
    /// UTF-16, little-endian.
    Utf16Le,
}

/// The document's text, borrowed when the bytes are UTF-8 already.
///
/// # Errors
/// Bytes that are not text in the encoding, a prolog that asks for another one, and
/// characters that XML does not allow.
pub fn decode(body: &[u8], charset: Charset) -> Result<Cow<'_, str>, Malformed> {
    let text = match (charset, body) {
        (Charset::Unstated, [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..]) | (Charset::Utf16, _) => {
            Cow::Owned(utf16(body, encoding_rs::UTF_16BE)?)
        }
        (Charset::Utf16Le, _) => Cow::Owned(utf16(body, encoding_rs::UTF_16LE)?),
        (Charset::Unstated | Charset::Utf8, _) => {
            let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
            let text = std::str::from_utf8(body).map_err(|_| Malformed::Encoding)?;
            if charset == Charset::Unstated && !prolog_agrees(text) {
                return Err(Malformed::UnsupportedEncoding);
            }
            Cow::Borrowed(text)
        }
    };
    match forbidden(&text) {
        Some(at) => Err(Malformed::Character(at)),
        None => Ok(text),
    }
}

fn utf16(body: &[u8], otherwise: &'static encoding_rs::Encoding) -> Result<String, Malformed> {
    let (encoding, body) = match body {
        [0xFE, 0xFF, rest @ ..] => (encoding_rs::UTF_16BE, rest),
        [0xFF, 0xFE, rest @ ..] => (encoding_rs::UTF_16LE, rest),
        _ => (otherwise, body),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(body);
    text.map(Cow::into_owned).ok_or(Malformed::Encoding)
}

/// Whether the prolog names UTF-8, or nothing.
fn prolog_agrees(text: &str) -> bool {
    let Some(prolog) = text.strip_prefix("<?xml").and_then(|t| t.split_once("?>")) else {
        return true;
    };
    let Some((_, after)) = prolog.0.split_once("encoding") else { return true };
    let value = after.trim_start().trim_start_matches('=').trim_start();
    let value = value.get(1..).unwrap_or_default();
    let name = value.split(['"', '\'']).next().unwrap_or_default();
    name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii")
}

/// Where a character stands that XML 1.0 does not allow.
fn forbidden(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    #[allow(clippy::needless_bitwise_bool, reason = "no way out, see below")]
    let control = |b: u8| (b < 0x20) & (b != b'\t') & (b != b'\n') & (b != b'\r');
    // Without a way out of the loop it becomes vector instructions; where is for the rare case.
    if bytes.iter().fold(false, |found, b| found | control(*b)) {
        return bytes.iter().position(|b| control(*b));
    }
    let non_character = |at: &usize| matches!(bytes[*at..], [0xEF, 0xBF, 0xBE | 0xBF, ..]);
    memchr::memchr_iter(0xEF, bytes).find(non_character)
}

/// Whether XML 1.0 allows the character.
pub(super) fn allowed(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        '\u{0}'..'\u{20}' | '\u{FFFE}' | '\u{FFFF}' => false,
        _ => true,
    }
}
