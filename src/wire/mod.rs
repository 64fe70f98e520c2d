//! Bytes and connections: HTTP in front of the dispatcher. Knows no XML.

pub mod caller;
pub mod endpoint;
pub mod listener;
mod pages;
pub mod reply;
mod request_line;
pub mod router;
pub mod wsdl;
