//! What all stubs do with a message: open it, let the stub answer, and play the failures that are switched on.

use crate::domain::identity::HsaId;
use crate::messages::called::{Interaction, ns};
use crate::soap::envelope::{Envelope, Vocabulary};
use crate::soap::fault::Fault;
use crate::soap::frame;
use crate::soap::xml::{self, Charset, ReadError, Reader, Writer};
use crate::wire::stub::StubService;
use serde::Deserialize;
use std::time::Duration;
use uuid::Uuid;

/// The longest delay.
const DELAY_MILLISECONDS_MAX: u64 = 60_000;
/// The statuses of an answer and of a fault.
const OK: u16 = 200;
const FAILED: u16 = 500;

/// Failures that a stub plays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Every answer waits so long, a minute at most.
    pub delay_milliseconds: u64,
    /// Every call gets this fault.
    pub fault: Option<PlayedFault>,
    /// Every answer ends in its middle.
    pub cut: bool,
}

/// A fault that is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlayedFault {
    /// The service has failed.
    Server,
    /// The system that calls may not.
    Unauthorised,
}

/// What a stub is of its own.
pub trait Stub: Send + Sync + 'static {
    /// What is played now.
    ///
    /// # Errors
    /// Why it cannot be told: the stub's own failure.
    fn switches(&self) -> Result<Switches, Fault>;

    /// Writes the answer's body element.
    ///
    /// # Errors
    /// The fault that the caller gets.
    fn answer(
        &self,
        contract: Interaction,
        reader: &mut Reader<'_>,
        out: &mut Writer,
    ) -> Result<(), Fault>;

    /// What a system gets that may not call: a status and a fault.
    fn refusal(&self, system: &str) -> (u16, Fault);
}

/// What a contract gets that the stub does not have.
pub fn not_here() -> Fault {
    Fault::client("kontraktet finns inte här")
}

/// What a request gets that does not follow its schema.
pub fn wrong(error: ReadError) -> Fault {
    match error {
        ReadError::Malformed(malformed) => malformed.into(),
        ReadError::Invalid(violation) => Fault::client(violation.to_string()),
    }
}

/// A stub that is served.
pub struct Served<S> {
    /// The stub.
    pub stub: S,
    /// Ids of faults.
    pub new_id: fn() -> Uuid,
}

impl<S: Stub> Served<S> {
    fn answer(&self, message: &[u8]) -> Result<String, Fault> {
        let text = xml::decode(message, Charset::Unstated)?;
        let vocabulary = Vocabulary { of_uri: ns::of_uri, registry: ns::REGISTRY_1 };
        let mut envelope = Envelope::open(&text, vocabulary)?;
        let (space, name) = envelope.body;
        let contract = Interaction::of_body(space, name).ok_or_else(not_here)?;
        let mut out = Writer::with_capacity(16 * 1024);
        out.raw(frame::OPEN);
        self.stub.answer(contract, &mut envelope.reader, &mut out)?;
        out.raw(frame::CLOSE);
        Ok(out.take())
    }

    fn played(
        &self,
        switches: Switches,
        message: &[u8],
        system: Option<&HsaId>,
    ) -> Result<String, (u16, Fault)> {
        match switches.fault {
            Some(PlayedFault::Server) => {
                return Err((FAILED, Fault::server("tjänsten svarar inte just nu")));
            }
            Some(PlayedFault::Unauthorised) => {
                return Err(self.stub.refusal(system.map_or("okänt", HsaId::as_str)));
            }
            None => {}
        }
        let mut answer = self.answer(message).map_err(|fault| (FAILED, fault))?;
        if switches.cut {
            answer.truncate(answer.floor_char_boundary(answer.len() / 2));
        }
        Ok(answer)
    }
}

impl<S: Stub> StubService for Served<S> {
    async fn reply(&self, message: &[u8], system: Option<&HsaId>) -> (u16, String) {
        let answer = match self.stub.switches() {
            Ok(switches) => {
                let delay = switches.delay_milliseconds.min(DELAY_MILLISECONDS_MAX);
                tokio::time::sleep(Duration::from_millis(delay)).await;
                self.played(switches, message, system)
            }
            Err(fault) => Err((FAILED, fault)),
        };
        match answer {
            Ok(answer) => (OK, answer),
            Err((status, fault)) => (status, fault.to_message(&(self.new_id)().to_string())),
        }
    }
}
