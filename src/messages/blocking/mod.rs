//! Messages about blocks and temporary revokes.

pub mod block;
pub mod change;
pub mod history;
