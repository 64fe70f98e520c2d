//! Lists of a unit's or care provider's blocks and consents.

pub mod copy;
pub mod lists;
