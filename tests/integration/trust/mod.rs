//! Who calls, and what they may do: the real program, with certificates of a hierarchy that the test makes.

mod callers;
mod contracts;
mod granted;
mod hostile;
mod mutated;
mod pki;
mod privacy;
mod reloads;
mod roles;
mod tls;
