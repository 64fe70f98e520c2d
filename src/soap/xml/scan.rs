//! Elements of one name, wherever in a document they stand: for files, which have no contract.

use super::error::{ReadError, Violation};
use super::names::Ns;
use super::reader::{Next, Reader};

impl Reader<'_> {
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
