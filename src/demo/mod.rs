//! A made-up region full of life, for demonstrations and for trying pages: everything follows from a seed and the clock.
//!
//! Names are common Swedish ones, places are invented, and personal numbers have a wrong check digit, so that they are
//! nobody's.

mod chance;
pub mod fill;
pub mod life;
mod names;
pub mod region;
pub mod stories;
mod year;
