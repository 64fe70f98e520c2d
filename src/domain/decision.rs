//! What the domain decides about a change that is not refused.

/// What a change comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is new: store it.
    Store,
    /// Done before: nothing to do.
    Repeated,
}
