//! A contract called at another service: the message out, the answer in.

use super::connection::{CallError, Peer};
use crate::domain::rejection::Class;
use crate::messages::generated::{Interaction, ns};
use crate::messages::path;
use crate::soap::envelope::{self, Returned, Vocabulary};
use crate::soap::fault::Fault;
use crate::soap::frame;
use crate::soap::xml::{self, Charset, ReadError, Reader, Writer};

const VOCABULARY: Vocabulary = Vocabulary { of_uri: ns::of_uri, registry: ns::REGISTRY_1 };
/// Elements in a reply; its size is bounded by each call.
const ELEMENTS_MAX: usize = 50_000_000;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// No reply.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A SOAP fault.
    #[error("SOAP fault")]
    Fault,
    /// The reply is not what the contract says; no personal data.
    #[error("unreadable reply")]
    Unreadable,
    /// A read was refused.
    #[error("refused: {0:?}")]
    Refused(Class),
}

/// Another service, by its logical address.
#[derive(Debug, Clone)]
pub struct Remote {
    peer: Peer,
    logical_address: String,
}

impl Remote {
    /// The service at a logical address.
    pub fn new(peer: Peer, logical_address: String) -> Self {
        Self { peer, logical_address }
    }

    /// Calls a contract with the body that `write` writes, and reads the answer's body.
    ///
    /// # Errors
    /// That there is no answer.
    pub async fn call<T>(
        &self,
        interaction: Interaction,
        reply_bytes_max: usize,
        write: impl FnOnce(&mut Writer),
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, ReadError>,
    ) -> Result<T, RemoteError> {
        let message = {
            let mut out = envelope::open_request(&self.logical_address);
            write(&mut out);
            out.raw(frame::CLOSE);
            out.take()
        };
        let (path, action) = (path::of(interaction), interaction.soap_action());
        let reply = self.peer.call(&path, action, message, reply_bytes_max).await?;
        let text = xml::decode(&reply, Charset::Unstated).map_err(|_| RemoteError::Unreadable)?;
        let unreadable = |_: Fault| RemoteError::Unreadable;
        match Returned::open(&text, VOCABULARY).map_err(unreadable)? {
            Returned::Fault => Err(RemoteError::Fault),
            Returned::Answer((_, name), mut reader) => {
                reader.limit_elements(ELEMENTS_MAX);
                match name == format!("{}Response", interaction.name()) {
                    true => read(&mut reader).map_err(|_| RemoteError::Unreadable),
                    false => Err(RemoteError::Unreadable),
                }
            }
        }
    }
}
