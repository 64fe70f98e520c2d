//! A contract called at another service: the message out, the answer in.

use super::connection::{CallError, Peer};
use crate::domain::rejection::Class;
use crate::messages::generated::{Interaction, ns};
use crate::messages::{called, path};
use crate::soap::envelope::{self, Returned, Vocabulary};
use crate::soap::fault::Fault;
use crate::soap::frame;
use crate::soap::xml::{self, Charset, ReadError, Reader, Writer};
use uuid::Uuid;

/// Elements in a reply; its size is bounded by each call.
const ELEMENTS_MAX: usize = 50_000_000;
/// With what national services tell a system that it may not call.
const REFUSAL: &str = "Obehörigt anrop";

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// No reply.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A SOAP fault.
    #[error("SOAP fault")]
    Fault {
        /// It says that the call was wrong.
        is_ours: bool,
        /// It says that we may not call.
        is_refusal: bool,
        /// The id under which the other side tells more.
        log_id: Option<Uuid>,
    },
    /// The reply is not what the contract says; no personal data.
    #[error("unreadable reply")]
    Unreadable,
    /// A read was refused.
    #[error("refused: {0:?}")]
    Refused(Class),
}

/// The id in a fault's text.
fn log_id(text: &str) -> Option<Uuid> {
    let words = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-');
    words.filter(|word| word.len() == 36).find_map(|word| Uuid::try_parse(word).ok())
}

/// A contract as it is called.
#[derive(Debug, Clone)]
pub struct CalledContract {
    vocabulary: Vocabulary,
    path: String,
    action: &'static str,
    name: &'static str,
}

impl From<Interaction> for CalledContract {
    fn from(interaction: Interaction) -> Self {
        Self {
            vocabulary: Vocabulary { of_uri: ns::of_uri, registry: ns::REGISTRY_1 },
            path: path::of(interaction),
            action: interaction.soap_action(),
            name: interaction.name(),
        }
    }
}

impl From<called::Interaction> for CalledContract {
    fn from(interaction: called::Interaction) -> Self {
        Self { path: path::of_called(interaction), ..Self::at_own_address(interaction) }
    }
}

impl CalledContract {
    /// One that we do not serve, at an address that is configured whole.
    pub fn at_own_address(interaction: called::Interaction) -> Self {
        let (of_uri, registry) = (called::ns::of_uri, called::ns::REGISTRY_1);
        Self {
            vocabulary: Vocabulary { of_uri, registry },
            path: String::new(),
            action: interaction.soap_action(),
            name: interaction.name(),
        }
    }
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
        contract: impl Into<CalledContract>,
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
        let contract = contract.into();
        let reply =
            self.peer.call(&contract.path, contract.action, message, reply_bytes_max).await?;
        let text = xml::decode(&reply, Charset::Unstated).map_err(|_| RemoteError::Unreadable)?;
        let unreadable = |_: Fault| RemoteError::Unreadable;
        match Returned::open(&text, contract.vocabulary).map_err(unreadable)? {
            Returned::Fault { is_ours, text } => {
                let (is_refusal, log_id) = (text.contains(REFUSAL), log_id(&text));
                Err(RemoteError::Fault { is_ours, is_refusal, log_id })
            }
            Returned::Answer((_, name), mut reader) => {
                reader.limit_elements(ELEMENTS_MAX);
                match name == format!("{}Response", contract.name) {
                    true => read(&mut reader).map_err(|_| RemoteError::Unreadable),
                    false => Err(RemoteError::Unreadable),
                }
            }
        }
    }
}
