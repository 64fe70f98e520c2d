//! Where in a request something stands, said only when something is wrong there.

use crate::domain::rejection::{Class, Rejection};
use crate::soap::xml::{Rule, Violation};

/// A place in a request: a chain of element names that costs nothing until it is told.
#[derive(Debug, Clone, Copy)]
pub struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    name: &'static str,
    index: Option<usize>,
}

impl<'p> Place<'p> {
    /// The request element.
    pub const fn root(name: &'static str) -> Self {
        Self { parent: None, name, index: None }
    }

    /// A child element.
    pub const fn child(&'p self, name: &'static str) -> Self {
        Self { parent: Some(self), name, index: None }
    }

    /// One of several like children, counted from 1.
    pub const fn item(&'p self, name: &'static str, index: usize) -> Self {
        Self { parent: Some(self), name, index: Some(index) }
    }

    /// The path, for example `StoreLog/log[3]/user`.
    pub fn path(&self) -> String {
        let mut path = self.parent.map(|parent| parent.path() + "/").unwrap_or_default();
        path.push_str(self.name);
        if let Some(index) = self.index {
            path.push_str(&format!("[{index}]"));
        }
        path
    }

    /// A refusal because of what stands here.
    pub fn wrong(&self, rule: Rule) -> Rejection {
        Rejection::validation(Violation::at(self.path(), rule).to_string())
    }

    /// The domain's decision about what stands here: wrong values get the place they stand in.
    ///
    /// # Errors
    /// The decision's.
    pub fn decided<T>(&self, decision: Result<T, Rejection>) -> Result<T, Rejection> {
        decision.map_err(|rejection| match rejection.class {
            Class::Validation => self.under(&rejection),
            _ => rejection,
        })
    }

    /// A refusal by the domain, which knows the place only from here on.
    pub fn under(&self, rejection: &Rejection) -> Rejection {
        // What is wrong with the place itself names no place below it.
        let separator = if rejection.text.starts_with(':') { "" } else { "/" };
        let text = format!("{}{separator}{}", self.path(), rejection.text);
        Rejection::new(rejection.class, text)
    }
}
