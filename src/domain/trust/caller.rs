//! Who calls.

use crate::domain::identity::HsaId;

/// Who calls, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caller {
    /// The system that began the chain of calls: what is registered, stored and reported is its own.
    pub consumer: Option<HsaId>,
    /// The system at the other end of the connection, by its certificate.
    pub peer: Option<HsaId>,
    /// Why it is believed.
    pub how_known: HowKnown,
    /// The care provider or organisation that it says to act for; it can only narrow what is granted.
    pub on_behalf_of: Option<HsaId>,
}

/// Why a caller is believed to be who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HowKnown {
    /// It is not.
    #[default]
    Unknown,
    /// It calls from this machine, on a test bench, and may say who it is.
    Bench,
    /// By its own certificate.
    Certificate,
    /// By the word of a platform, which is known by its certificate.
    Platform,
    /// A person who has logged in to our own pages.
    Person,
}

impl HowKnown {
    /// As the log names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Bench => "bench",
            Self::Certificate => "certificate",
            Self::Platform => "platform",
            Self::Person => "person",
        }
    }
}

impl Caller {
    /// The consumer as text, for what keeps whose it is.
    pub fn name(&self) -> Option<&str> {
        self.consumer.as_ref().map(HsaId::as_str)
    }

    /// The form that equal consumers share; of nobody, none.
    pub fn key(&self) -> String {
        self.consumer.as_ref().map(HsaId::key).unwrap_or_default()
    }

    /// The platform through which it calls, if it does not call itself.
    pub fn platform(&self) -> Option<&HsaId> {
        let platform = self.peer.as_ref().filter(|_| self.how_known == HowKnown::Platform)?;
        (self.consumer.as_ref() != Some(platform)).then_some(platform)
    }
}
