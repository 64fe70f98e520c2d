//! Bytes and connections: HTTP in front of the dispatcher. Knows no XML.

mod address;
mod body;
mod call;
pub mod caller;
mod connection;
pub mod endpoint;
mod large_calls;
pub mod listener;
mod origin;
mod paced;
mod pages;
mod places;
pub mod reply;
mod request_line;
pub mod router;
mod shares;
pub mod wsdl;
