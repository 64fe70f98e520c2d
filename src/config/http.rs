//! The HTTP listener.

use super::values::{base_address, filled};
use serde::Deserialize;
use std::net::SocketAddr;

/// The HTTP listener.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port.
    pub listen: SocketAddr,
    /// Address and port for TLS; none is none.
    pub https_listen: Option<SocketAddr>,
    /// Names under which we are called, without port; none is every name, but on a listener that
    /// only this machine reaches, where `localhost` and its address count and no other name does.
    #[serde(deserialize_with = "filled")]
    pub hosts: Vec<String>,
    /// Whether a call without Content-Type is read as `text/xml`.
    pub missing_content_type: MissingContentType,
    /// `http://…` or `https://…`, under which callers reach us: addresses of files begin with it. When
    /// absent, they begin with the name under which the call came.
    #[serde(deserialize_with = "base_address")]
    pub base_address: Option<String>,
}

/// What becomes of a call without Content-Type, as a page in a browser can send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingContentType {
    /// It is refused.
    #[default]
    Refuse,
    /// It is read as `text/xml`.
    Accept,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            https_listen: None,
            hosts: Vec::new(),
            missing_content_type: MissingContentType::Refuse,
            base_address: None,
        }
    }
}
