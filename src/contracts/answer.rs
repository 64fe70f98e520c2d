//! An answer: what goes back inside the envelope, and what the log line says of it.

use crate::soap::envelope;
use crate::soap::xml::Writer;
use crate::store::StoreError;
use tokio::sync::mpsc;

/// The body of an answer.
#[derive(Debug)]
pub enum Body {
    /// All of it.
    Whole(String),
    /// Too large to be held: pieces, as they are read.
    Pieces {
        /// The first one.
        first: String,
        /// The others; the last is `Last` or `Failed`.
        rest: mpsc::Receiver<Piece>,
    },
}

/// A piece of an answer.
#[derive(Debug)]
pub enum Piece {
    /// More will come.
    More(String),
    /// The end.
    Last {
        /// The piece.
        text: String,
        /// Rows in the whole answer.
        rows: usize,
    },
    /// The rest cannot be read; what has been sent must be broken off.
    Failed(StoreError),
}

/// An answer to a call.
#[derive(Debug)]
pub struct Answer {
    /// The result code, as the wire spells it.
    pub code: &'static str,
    /// Rows, records or results in the request or answer: what the call was about.
    pub rows: usize,
    /// The message, envelope and all.
    pub body: Body,
}

impl Answer {
    /// An answer that is written at once.
    pub fn whole(code: &'static str, rows: usize, write: impl FnOnce(&mut Writer)) -> Self {
        let mut out = Writer::with_capacity(1024);
        out.raw(envelope::OPEN);
        write(&mut out);
        out.raw(envelope::CLOSE);
        Self { code, rows, body: Body::Whole(out.take()) }
    }
}
