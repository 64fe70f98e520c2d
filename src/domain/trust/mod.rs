//! Who calls, and what they may do.

pub mod caller;
pub mod grant;
pub mod grants;
pub mod group;
