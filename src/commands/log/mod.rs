//! `sigill log`: the seal of the log, for operators and for whoever wants to see that it holds.

pub mod command;
mod export;
mod judge;
mod keys;
mod proofs;
mod say;
mod verify;
