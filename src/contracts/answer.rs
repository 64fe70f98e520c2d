//! An answer: what goes back inside the envelope, and what the log line says of it.

use crate::domain::rejection::Rejection;
use crate::procedures::batches::Batches;
use crate::procedures::failure::{Failure, StoreError};
use crate::soap::frame;
use crate::soap::xml::Writer;
use futures_util::{Stream, StreamExt, stream};
use std::pin::Pin;

/// An answer up to this size is sent whole; a larger one in pieces of about this size.
const PIECE_BYTES: usize = 64 * 1024;

/// The body of an answer.
pub enum Body {
    /// All of it.
    Whole(String),
    /// Too large to be held: pieces, as they are read. What has been sent when one fails must be
    /// broken off.
    Pieces(Pin<Box<dyn Stream<Item = Result<Piece, StoreError>> + Send>>),
}

/// A piece of an answer.
#[derive(Debug)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Rows in it.
    pub rows: usize,
}

/// An answer to a call.
pub struct Answer {
    /// The result code, as the wire spells it.
    pub code: &'static str,
    /// Rows, records or results in the request or answer: what the call was about. Those of an
    /// answer in pieces are in the pieces.
    pub rows: usize,
    /// The message, envelope and all.
    pub body: Body,
}

impl Answer {
    /// An answer that is written at once.
    pub fn whole(code: &'static str, rows: usize, write: impl FnOnce(&mut Writer)) -> Self {
        let mut out = Writer::with_capacity(1024);
        out.raw(frame::OPEN);
        write(&mut out);
        out.raw(frame::CLOSE);
        Self { code, rows, body: Body::Whole(out.take()) }
    }

    /// An answer whose rows may be many: written as they are read, and never held in whole.
    ///
    /// # Errors
    /// The store's, as long as nothing has been sent.
    pub async fn streamed<T: Send + 'static>(
        code: &'static str,
        head: impl FnOnce(&mut Writer),
        rows: Batches<T>,
        row: fn(&T, &mut Writer),
        tail: impl FnOnce(&mut Writer) + Send + 'static,
    ) -> Result<Self, Failure> {
        let mut out = Writer::with_capacity(2 * 1024);
        out.raw(frame::OPEN);
        head(&mut out);
        let mut pieces = Pieces { out, rows, row, tail: Some(tail) };
        let (first, more) = pieces.piece().await?;
        if !more {
            return Ok(Self { code, rows: first.rows, body: Body::Whole(first.text) });
        }
        let rest = stream::try_unfold((pieces, true), |(mut pieces, more)| async move {
            match more {
                false => Ok(None),
                true => pieces.piece().await.map(|(piece, more)| Some((piece, (pieces, more)))),
            }
        });
        let body = stream::once(std::future::ready(Ok(first))).chain(rest);
        Ok(Self { code, rows: 0, body: Body::Pieces(Box::pin(body)) })
    }
}

/// An answer that is being written.
struct Pieces<T, Tail> {
    out: Writer,
    rows: Batches<T>,
    row: fn(&T, &mut Writer),
    tail: Option<Tail>,
}

impl<T: Send + 'static, Tail: FnOnce(&mut Writer)> Pieces<T, Tail> {
    /// The next piece, and whether there is another.
    async fn piece(&mut self) -> Result<(Piece, bool), StoreError> {
        let mut rows = 0;
        while self.out.len() < PIECE_BYTES {
            let Some(batch) = self.rows.next().await? else {
                if let Some(tail) = self.tail.take() {
                    tail(&mut self.out);
                }
                self.out.raw(frame::CLOSE);
                return Ok((Piece { text: self.out.take(), rows }, false));
            };
            rows += batch.len();
            for row in &batch {
                (self.row)(row, &mut self.out);
            }
        }
        Ok((Piece { text: self.out.take(), rows }, true))
    }
}

/// A contract whose answer is a result and nothing else.
pub trait ResultOnly {
    /// The answer: done, or refused.
    fn answer_of(decided: Result<(), &Rejection>) -> Answer;
}

/// Says of requests that their answer is a result and nothing else.
macro_rules! result_only {
    ($result:path; $($request:ty => $($response:ident)::+),+ $(,)?) => {
        $(
            impl crate::contracts::answer::ResultOnly for $request {
                fn answer_of(
                    decided: Result<(), &crate::domain::rejection::Rejection>,
                ) -> crate::contracts::answer::Answer {
                    let response = $($response)::+ { result: $result(decided) };
                    let code = response.result.result_code.as_str();
                    crate::contracts::answer::Answer::whole(code, 1, |out| response.write_root(out))
                }
            }
        )+
    };
}
pub(crate) use result_only;
