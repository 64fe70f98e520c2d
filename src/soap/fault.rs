//! Faults: the one place where a failure becomes a SOAP 1.1 fault.
//!
//! A fault means a broken envelope (the caller must change something) or a failure of our
//! own (the same may be sent again). What a contract foresees is an answer instead.

use super::xml::{Malformed, Writer};
use std::borrow::Cow;

/// Who is at fault, as SOAP 1.1 section 4.4.1 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// The message is wrong; sending it again will not help.
    Client,
    /// We failed; the same message may be sent again.
    Server,
    /// A header that must be understood is not.
    MustUnderstand,
    /// The envelope is not SOAP 1.1.
    VersionMismatch,
}

impl FaultCode {
    /// The code's local name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "Client",
            Self::Server => "Server",
            Self::MustUnderstand => "MustUnderstand",
            Self::VersionMismatch => "VersionMismatch",
        }
    }
}

/// A fault to be sent. The text is Swedish and holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Who is at fault.
    pub code: FaultCode,
    /// What is wrong.
    pub text: Cow<'static, str>,
}

impl Fault {
    /// The message is wrong.
    pub fn client(text: impl Into<Cow<'static, str>>) -> Self {
        Self { code: FaultCode::Client, text: text.into() }
    }

    /// We failed; the cause belongs in the log.
    pub fn server(text: impl Into<Cow<'static, str>>) -> Self {
        Self { code: FaultCode::Server, text: text.into() }
    }

    /// The whole message; `log_id` is the id under which the log tells more.
    pub fn to_message(&self, log_id: &str) -> String {
        let mut out = Writer::with_capacity(512);
        out.raw(super::frame::OPEN);
        out.raw("<soap:Fault><faultcode>soap:");
        out.raw(self.code.name());
        out.raw("</faultcode>");
        out.text("<faultstring>", &self.text, " (logg-id ");
        out.text("", log_id, ")</faultstring>");
        out.raw("<detail><f:logId xmlns:f=\"urn:sigill:fault:1\">");
        out.text("", log_id, "</f:logId></detail></soap:Fault>");
        out.raw(super::frame::CLOSE);
        out.take()
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self::client(malformed.to_string())
    }
}
