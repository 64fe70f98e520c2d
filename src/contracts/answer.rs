//! An answer: what goes back inside the envelope, and what the log line says of it.

use crate::domain::rejection::Rejection;
use crate::procedures::batches::Batches;
use crate::procedures::failure::{Failure, StoreError};
use crate::soap::frame;
use crate::soap::xml::Writer;
use futures_util::{Stream, StreamExt, stream};
use std::pin::Pin;

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

    /// An answer whose rows may be many: sent as they are read, and never held in whole.
    ///
    /// # Errors
    /// The store's, as long as nothing has been sent.
    pub async fn streamed(
        code: &'static str,
        head: impl FnOnce(&mut Writer),
        rows: Batches<EncodedRows>,
        tail: impl FnOnce(&mut Writer) + Send + 'static,
    ) -> Result<Self, Failure> {
        let mut out = Writer::with_capacity(2 * 1024);
        out.raw(frame::OPEN);
        head(&mut out);
        let (mut batches, mut count) = (rows, 0);
        if let Some(first) = batches.next().await? {
            out.raw(&first.text);
            count = first.count;
        }
        let Some(second) = batches.next().await? else {
            tail(&mut out);
            out.raw(frame::CLOSE);
            return Ok(Self { code, rows: count, body: Body::Whole(out.take()) });
        };
        let begun = [Piece { text: out.take(), rows: count }, second.into()];
        let rest = stream::try_unfold(Some((batches, tail)), |left| async move {
            let Some((mut batches, tail)) = left else { return Ok(None) };
            if let Some(batch) = batches.next().await? {
                return Ok(Some((batch.into(), Some((batches, tail)))));
            }
            let mut out = Writer::with_capacity(512);
            tail(&mut out);
            out.raw(frame::CLOSE);
            Ok(Some((Piece { text: out.take(), rows: 0 }, None)))
        });
        let body = stream::iter(begun.map(Ok)).chain(rest);
        Ok(Self { code, rows: 0, body: Body::Pieces(Box::pin(body)) })
    }
}

/// Rows of an answer as they are sent.
#[derive(Debug)]
pub struct EncodedRows {
    text: String,
    count: usize,
}

impl EncodedRows {
    /// Writes each row.
    pub fn of<T>(rows: &[T], write: impl Fn(&T, &mut Writer)) -> Self {
        let mut out = Writer::with_capacity(rows.len() * 512);
        for row in rows {
            write(row, &mut out);
        }
        // It may wait for long: as large as it is, and no larger.
        Self { text: String::from(out.take().as_str()), count: rows.len() }
    }
}

impl From<EncodedRows> for Piece {
    fn from(EncodedRows { text, count }: EncodedRows) -> Self {
        Self { text, rows: count }
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
