//! Values of the XML Schema types that the contracts use.

use super::error::{ReadError, Rule};
use super::names::Text;
use super::reader::{Next, Reader, TextPiece};
use super::time::DateTime;
use std::borrow::Cow;

/// No limit to the number of characters.
pub const UNLIMITED: u32 = u32::MAX;

impl<'a> Reader<'a> {
    /// Text with white space kept, at most `max` characters.
    ///
    /// # Errors
    /// That it is too long, or holds elements.
    pub fn text(&mut self, max: u32) -> Result<Text<'a>, ReadError> {
        let value = self.content()?;
        within(value, max)
    }

    /// Text of an element whatever its attributes, as those of a header.
    pub(in crate::soap) fn text_any(&mut self, max: u32) -> Result<Text<'a>, ReadError> {
        let value = self.content_any()?;
        within(value, max)
    }

    /// Exactly `count` ASCII digits.
    ///
    /// # Errors
    /// That it is not.
    pub fn digits(&mut self, count: usize) -> Result<Text<'a>, ReadError> {
        let value = self.content()?;
        match value.len() == count && value.bytes().all(|b| b.is_ascii_digit()) {
            true => Ok(value),
            false => Err(ReadError::invalid(Rule::NotA("sifferföljd"))),
        }
    }

    /// `xs:dateTime`.
    ///
    /// # Errors
    /// That it is not one, or lies outside the years 1 to 9999.
    pub fn date_time(&mut self) -> Result<DateTime, ReadError> {
        let value = self.content()?;
        DateTime::parse(collapse(&value))
            .ok_or_else(|| ReadError::invalid(Rule::NotA("xs:dateTime")))
    }

    /// `xs:int`.
    ///
    /// # Errors
    /// That it is not one.
    pub fn int(&mut self) -> Result<i32, ReadError> {
        let value = self.content()?;
        collapse(&value).parse().map_err(|_| ReadError::invalid(Rule::NotA("xs:int")))
    }

    /// `xs:boolean`.
    ///
    /// # Errors
    /// That it is not one.
    pub fn boolean(&mut self) -> Result<bool, ReadError> {
        match collapse(&self.content()?) {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(ReadError::invalid(Rule::NotA("xs:boolean"))),
        }
    }

    /// `xs:anyURI`, which lets nearly every text pass.
    ///
    /// # Errors
    /// That it holds elements.
    pub fn any_uri(&mut self) -> Result<Text<'a>, ReadError> {
        self.content()
    }

    /// `xs:base64Binary`, kept as text.
    ///
    /// # Errors
    /// That a character is none of the alphabet's.
    pub fn base64(&mut self) -> Result<Text<'a>, ReadError> {
        let value = self.content()?;
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"+/= \t\r\n".contains(&b);
        match value.bytes().all(fits) {
            true => Ok(value),
            false => Err(ReadError::invalid(Rule::NotA("xs:base64Binary"))),
        }
    }

    /// A value of an enumeration; `allowed` lists its values for the message.
    ///
    /// # Errors
    /// That it is none of them.
    pub fn enumeration<T>(
        &mut self,
        allowed: &'static str,
        of_text: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ReadError> {
        let value = self.content()?;
        of_text(&value).ok_or_else(|| ReadError::invalid(Rule::NotAmong(allowed)))
    }

    /// The text of an element that holds nothing else, and past it.
    fn content(&mut self) -> Result<Text<'a>, ReadError> {
        if self.peek().is_some_and(|tag| tag.attributed.refused) {
            self.refuse_attribute()?;
        }
        self.content_any()
    }

    fn content_any(&mut self) -> Result<Text<'a>, ReadError> {
        let Next::Start(tag) = self.next else { return Err(self.syntax()) };
        self.take(tag)?;
        let mut value: Text<'a> = Cow::Borrowed("");
        while matches!(self.next, Next::Unread) {
            match self.piece()? {
                Some(TextPiece::Text(text) | TextPiece::CData(text)) => {
                    let text = self.normalized(text);
                    if value.is_empty() {
                        value = text;
                    } else {
                        value.to_mut().push_str(&text);
                    }
                }
                Some(TextPiece::Char(c)) => value.to_mut().push(c),
                Some(TextPiece::End) => self.next = Next::End,
                None => {
                    let name = self.peek().map_or("", |tag| tag.name);
                    return Err(Rule::unexpected(name));
                }
            }
        }
        self.close();
        self.advance()?;
        Ok(value)
    }

    /// Line ends as XML 1.0 section 2.11 has them.
    fn normalized(&self, text: &'a str) -> Text<'a> {
        match self.normalize_returns() && text.contains('\r') {
            true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
            false => Cow::Borrowed(text),
        }
    }
}

/// The value, when it has no more than `max` characters.
fn within(value: Text<'_>, max: u32) -> Result<Text<'_>, ReadError> {
    // A string has at least as many bytes as characters: most are settled by the first test.
    if value.len() > max as usize {
        let count = value.chars().count();
        if count > max as usize {
            return Err(ReadError::invalid(Rule::TooLong(max, count)));
        }
    }
    Ok(value)
}

/// Without the white space around, for the types that XML Schema collapses.
fn collapse(value: &str) -> &str {
    value.trim_matches([' ', '\t', '\n', '\r'])
}
