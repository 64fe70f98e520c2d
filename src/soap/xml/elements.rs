//! Elements in the order of a schema: required, optional, repeated, and many read one by one.

use super::error::{ReadError, Rule, Violation};
use super::names::Ns;
use super::reader::{Next, Reader};

impl Reader<'_> {
    fn at(&self, ns: Ns, name: &str) -> bool {
        matches!(self.next, Next::Start(tag) if tag.ns == ns && tag.name == name)
    }

    /// Reads an element that must be there.
    ///
    /// # Errors
    /// That it is missing, or what is wrong in it.
    pub fn required<T>(
        &mut self,
        ns: Ns,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        if !self.at(ns, name) {
            let rule = Rule::missing(self.peek().map(|tag| tag.name));
            return Err(ReadError::invalid(rule).within(name, None));
        }
        read(self).map_err(|error| error.within(name, None))
    }

    /// Reads an element that may be there.
    ///
    /// # Errors
    /// What is wrong in it.
    pub fn optional<T>(
        &mut self,
        ns: Ns,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, ReadError>,
    ) -> Result<Option<T>, ReadError> {
        if !self.at(ns, name) {
            return Ok(None);
        }
        read(self).map(Some).map_err(|error| error.within(name, None))
    }

    /// Reads an element that may be repeated.
    ///
    /// # Errors
    /// That there is none though one is required, or what is wrong in one of them.
    pub fn repeated<T>(
        &mut self,
        ns: Ns,
        name: &'static str,
        required: bool,
        read: impl Fn(&mut Self) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let mut values = Vec::new();
        while self.at(ns, name) {
            let index = values.len() + 1;
            values.push(read(self).map_err(|error| error.within(name, Some(index)))?);
        }
        if required && values.is_empty() {
            let rule = Rule::missing(self.peek().map(|tag| tag.name));
            return Err(ReadError::invalid(rule).within(name, None));
        }
        Ok(values)
    }

    /// Reads an element as often as it stands there and hands each to `take`, or what is wrong
    /// with it: one that cannot be read does not spoil the others.
    ///
    /// # Errors
    /// Only when the document is malformed.
    pub fn each<T>(
        &mut self,
        ns: Ns,
        name: &'static str,
        read: impl Fn(&mut Self) -> Result<T, ReadError>,
        take: &mut impl FnMut(Result<T, Violation>),
    ) -> Result<(), ReadError> {
        let mut index = 0;
        while self.at(ns, name) {
            index += 1;
            let outside = self.depth;
            match read(self).map_err(|error| error.within(name, Some(index))) {
                Ok(value) => take(Ok(value)),
                Err(ReadError::Invalid(violation)) => {
                    self.recover(outside)?;
                    take(Err(*violation));
                }
                Err(malformed) => return Err(malformed),
            }
            self.go_on()?;
        }
        Ok(())
    }

    /// Stands at the next tag, whatever text comes before it.
    pub(super) fn go_on(&mut self) -> Result<(), ReadError> {
        while matches!(self.next, Next::Unread) {
            match self.advance() {
                Ok(()) | Err(ReadError::Invalid(_)) => {}
                Err(malformed) => return Err(malformed),
            }
        }
        Ok(())
    }

    /// Reads with `name` as the root of every path that is reported.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn under<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        read(self).map_err(|error| error.within(name, None))
    }
}
