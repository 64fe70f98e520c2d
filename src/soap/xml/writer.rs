//! Writing: one growing buffer, fixed tags, escaped values.

use super::time::DateTime;
use std::fmt::Write as _;

/// An answer under way.
#[derive(Debug, Default)]
pub struct Writer {
    buffer: String,
}

impl Writer {
    /// A writer with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { buffer: String::with_capacity(bytes) }
    }

    /// What has been written; the writer is empty afterwards.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.buffer)
    }

    /// Bytes written and not taken.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing has been written since the last take.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Markup, as it is.
    pub fn raw(&mut self, markup: &str) {
        self.buffer.push_str(markup);
    }

    /// An element that holds text.
    pub fn text(&mut self, open: &str, value: &str, close: &str) {
        self.raw(open);
        self.escaped(value);
        self.raw(close);
    }

    /// An element that holds a date and time, with milliseconds where the domain has them.
    pub fn date_time(&mut self, open: &str, value: &DateTime, milliseconds: bool, close: &str) {
        self.raw(open);
        let format = if milliseconds { "%Y-%m-%dT%H:%M:%S%.3f" } else { "%Y-%m-%dT%H:%M:%S" };
        // Writing to a String cannot fail, and the format is a constant.
        _ = write!(self.buffer, "{}", value.local.format(format));
        self.raw(close);
    }

    /// An element that holds an integer.
    pub fn int(&mut self, open: &str, value: i32, close: &str) {
        self.raw(open);
        _ = write!(self.buffer, "{value}");
        self.raw(close);
    }

    /// An element that holds a truth value.
    pub fn boolean(&mut self, open: &str, value: bool, close: &str) {
        self.raw(open);
        self.raw(if value { "true" } else { "false" });
        self.raw(close);
    }

    /// Text with everything escaped that would read back as something else.
    pub fn escaped(&mut self, value: &str) {
        let special = |b: u8| matches!(b, b'&' | b'<' | b'>' | b'\r');
        let mut rest = value;
        while let Some(at) = rest.bytes().position(special) {
            self.raw(&rest[..at]);
            self.raw(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                _ => "&#13;",
            });
            rest = &rest[at + 1..];
        }
        self.raw(rest);
    }
}
