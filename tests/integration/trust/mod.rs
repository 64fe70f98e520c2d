//! Who calls, and what they may do: the real program, with certificates of a hierarchy that the test makes.

mod callers;
mod contracts;
mod granted;
mod pki;
mod reloads;
mod tls;
