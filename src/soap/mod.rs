//! The envelope: SOAP 1.1, header and body, faults. Knows no contract.

pub mod envelope;
pub mod fault;
pub mod frame;
pub mod xml;
