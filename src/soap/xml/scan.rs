//! Elements of one name, wherever in a document they stand: for files, which have no contract.

use super::error::{ReadError, Violation};
use super::names::Ns;
use super::reader::{Next, Reader};

impl Reader<'_> {
    /// Reads the children of the element that stands next, in whatever order they come: `child` reads those whose names it
    /// knows and says so, others are skipped. For answers whose schema is known in part only.
    ///
    /// # Errors
    /// Those of `child`; that the document is malformed.
    pub fn children(
        &mut self,
        mut child: impl FnMut(&mut Self, &str) -> Result<bool, ReadError>,
    ) -> Result<(), ReadError> {
        self.enter_any()?;
        while let Some(tag) = self.peek() {
            if !child(self, tag.name)? {
                self.skip(tag)?;
            }
        }
        self.leave(None)
    }

    /// Reads every element of a name in document order. One that breaks a rule is told as such,
    /// and the reading goes on behind it; `take` says whether to go on at all.
    ///
    /// # Errors
    /// Only when the document is malformed.
    pub fn scan<T>(
        &mut self,
        ns: Ns,
        name: &str,
        read: impl Fn(&mut Self) -> Result<T, ReadError>,
        mut take: impl FnMut(Result<T, Violation>) -> bool,
    ) -> Result<(), ReadError> {
        loop {
            let step = match self.next {
                Next::Start(tag) if tag.ns == ns && tag.name == name => {
                    let outside = self.depth;
                    let found = match read(self) {
                        Ok(value) => Ok(value),
                        Err(ReadError::Invalid(violation)) => {
                            self.recover(outside)?;
                            Err(*violation)
                        }
                        Err(malformed) => return Err(malformed),
                    };
                    if !take(found) {
                        return Ok(());
                    }
                    Ok(())
                }
                Next::Start(_) => self.enter_any(),
                Next::End => {
                    self.close();
                    Ok(())
                }
                Next::Unread => self.advance(),
                Next::Eof => return Ok(()),
            };
            match step {
                // Text where none belongs is no concern of ours.
                Ok(()) | Err(ReadError::Invalid(_)) => {}
                Err(malformed) => return Err(malformed),
            }
        }
    }
}
