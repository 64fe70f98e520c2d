//! Bytes and connections: HTTP in front of the dispatcher. Knows no XML.

mod body;
mod call;
pub mod caller;
mod connection;
pub mod endpoint;
mod files;
pub mod forwarded;
pub mod listener;
mod origin;
mod paced;
mod pages;
pub mod people;
mod places;
pub mod reply;
mod request_line;
pub mod router;
pub mod stub;
pub mod tiles;
pub mod tls;
mod transport;
mod wsdl;
