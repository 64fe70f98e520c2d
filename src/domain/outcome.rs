//! What a change leads to when it is not refused.

/// What a change leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is new: store it.
    Store,
    /// Done before, in the same words: nothing to do.
    Repeated,
}
