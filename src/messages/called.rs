//! The same of contracts that we call and do not serve, from `wsdl-called/` and `schemas-called/`.

#![allow(missing_docs, unused, clippy::all, clippy::pedantic, reason = "generated")]

include!(concat!(env!("OUT_DIR"), "/called.rs"));
