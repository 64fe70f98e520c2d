//! Rows that are judged one by one: a violation is kept and the reading goes on.
//!
//! Only a malformed document stops a row, and a row more than there may be.

use super::error::{ReadError, Rule, Violation};
use super::names::Ns;
use super::reader::{Next, Reader, extends};

/// A row under way.
pub struct Row {
    /// The first, and that of the type's last field: by it a row is known.
    violations: Vec<Violation>,
    /// Elements entered, the row's own among them.
    depth: usize,
    /// A whole request: it stands alone, and what it says is nothing is not taken as absent, which
    /// could widen what it asks for.
    is_request: bool,
}

impl Row {
    /// Enters the row's element.
    ///
    /// # Errors
    /// When the document is malformed, or has more rows than it may.
    pub fn enter(r: &mut Reader<'_>, is_request: bool) -> Result<Self, ReadError> {
        if !is_request {
            r.count_row()?;
        }
        let mut row = Self { violations: Vec::new(), depth: r.depth + 1, is_request };
        if let Err(error) = r.enter() {
            row.keep(error)?;
            row.resume(r)?;
        }
        Ok(row)
    }

    /// Reads the field `names[0]`; the others are the fields that come after it.
    ///
    /// # Errors
    /// Only when the document is malformed.
    pub fn field<'a, T>(
        &mut self,
        r: &mut Reader<'a>,
        ns: Ns,
        names: &[&'static str],
        required: bool,
        read: impl Fn(&mut Reader<'a>) -> Result<T, ReadError>,
    ) -> Result<Option<T>, ReadError> {
        let (name, later) = (names[0], &names[1..]);
        loop {
            match r.next {
                // What says that it is nothing counts as absent.
                Next::Start(tag)
                    if tag.ns == ns
                        && tag.name == name
                        && tag.attributed.nil
                        && !required
                        && !self.is_request =>
                {
                    self.skip(r)?;
                    return Ok(None);
                }
                Next::Start(tag) if tag.ns == ns && tag.name == name => match read(r) {
                    Ok(value) => return Ok(Some(value)),
                    Err(error) => {
                        self.keep_of(later, error.within(name, None))?;
                        self.resume(r)?;
                        return Ok(None);
                    }
                },
                Next::Start(tag) if tag.ns != ns || later.contains(&tag.name) => break,
                Next::Start(tag) => {
                    self.keep(Rule::unexpected(tag.name))?;
                    self.skip(r)?;
                }
                _ => break,
            }
        }
        if required {
            let rule = Rule::missing(r.peek().map(|tag| tag.name));
            self.keep_of(later, ReadError::invalid(rule).within(name, None))?;
        }
        Ok(None)
    }

    /// Keeps what is wrong with a field, after which `later` may come.
    fn keep_of(&mut self, later: &[&str], error: ReadError) -> Result<(), ReadError> {
        match error {
            ReadError::Invalid(violation) if later.is_empty() => {
                self.violations.push(*violation);
                Ok(())
            }
            error => self.keep(error),
        }
    }

    /// Reads the field `names[0]` as often as it stands there.
    ///
    /// # Errors
    /// Only when the document is malformed.
    pub fn repeated<'a, T>(
        &mut self,
        r: &mut Reader<'a>,
        ns: Ns,
        names: &[&'static str],
        required: bool,
        read: impl Fn(&mut Reader<'a>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let mut values = Vec::new();
        let mut missing = required;
        while missing || r.peek().is_some_and(|tag| tag.ns == ns && tag.name == names[0]) {
            values.extend(self.field(r, ns, names, missing, &read)?);
            missing = false;
        }
        Ok(values)
    }

    /// Leaves the row and tells what was wrong in it; what is wrong right behind a request counts
    /// as wrong in it.
    ///
    /// # Errors
    /// When the document is malformed, or what is wrong behind a row.
    pub fn leave(
        mut self,
        r: &mut Reader<'_>,
        extensible: Option<Ns>,
    ) -> Result<Vec<Violation>, ReadError> {
        self.close(r, extensible)?;
        match r.advance() {
            Err(error) if self.is_request => {
                self.keep(error)?;
                r.go_on()?;
            }
            done => done?,
        }
        Ok(self.violations)
    }

    fn close(&mut self, r: &mut Reader<'_>, extensible: Option<Ns>) -> Result<(), ReadError> {
        while let Next::Start(tag) = r.next {
            if !extends(tag.ns, extensible) {
                self.keep(Rule::unexpected(tag.name))?;
            }
            self.skip(r)?;
        }
        r.close();
        Ok(())
    }

    fn keep(&mut self, error: ReadError) -> Result<(), ReadError> {
        match error {
            ReadError::Invalid(violation) => {
                if self.violations.is_empty() {
                    self.violations.push(*violation);
                }
                Ok(())
            }
            malformed @ ReadError::Malformed(_) => Err(malformed),
        }
    }

    fn skip(&mut self, r: &mut Reader<'_>) -> Result<(), ReadError> {
        let Next::Start(tag) = r.next else { return Ok(()) };
        r.take(tag)?;
        self.resume(r)
    }

    /// Leaves whatever is open inside the row and stands at the row's next child or end.
    fn resume(&mut self, r: &mut Reader<'_>) -> Result<(), ReadError> {
        r.recover(self.depth)?;
        while matches!(r.next, Next::Unread) {
            if let Err(error) = r.advance() {
                self.keep(error)?;
            }
        }
        Ok(())
    }
}
