//! A request for a page and its reply, as plain values.

use crate::domain::identity::HsaId;
use crate::fairness::address::Address;

/// How a page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageMethod {
    /// To be shown.
    Get,
    /// To do something.
    Post,
}

/// A request for a page.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// How.
    pub method: PageMethod,
    /// Which.
    pub path: String,
    /// What stands behind the question mark.
    pub query: String,
    /// The cookies, as they came.
    pub cookies: Option<String>,
    /// Where a browser says that it comes from: `Sec-Fetch-Site` ...
    pub fetch_site: Option<String>,
    /// ... `Origin` ...
    pub origin: Option<String>,
    /// ... and to whom it thinks it speaks.
    pub host: Option<String>,
    /// Languages that the reader wants.
    pub languages: Option<String>,
    /// What is sent.
    pub body: Vec<u8>,
    /// Who asks, as far as shares go.
    pub address: Address,
    /// Whom the certificate of the connection names.
    pub certificate: Option<HsaId>,
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
}

impl PageRequest {
    /// A cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.cookies.as_deref()?;
        let mut named = cookies.split(';').filter_map(|cookie| cookie.trim().split_once('='));
        named.find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}

/// A reply.
#[derive(Debug, Clone, Default)]
pub struct PageReply {
    /// HTTP's status.
    pub status: u16,
    /// Headers beside the length.
    pub headers: Vec<(&'static str, String)>,
    /// What is shown.
    pub body: Vec<u8>,
}

impl PageReply {
    /// A reply of a kind.
    pub fn of(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, body: body.into() }
    }

    /// With one more header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
    }
}

/// Fields of a query or form, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

/// Fields of one form.
const FIELDS_MAX: usize = 100;
/// Characters of one field.
const FIELD_CHARS_MAX: usize = 4_000;

impl Fields {
    /// Of what is sent; more fields, or longer ones, than a page has are not taken.
    pub fn of(sent: &[u8]) -> Option<Self> {
        let mut fields = Vec::new();
        for (name, value) in form_urlencoded::parse(sent) {
            if fields.len() == FIELDS_MAX || value.chars().count() > FIELD_CHARS_MAX {
                return None;
            }
            // A line that is shown again is what was written. What no XML document can hold stays out: it goes to contracts.
            let value = value.replace("\r\n", "\n");
            let value = value.chars().filter(|c| crate::domain::text::is_writable(*c)).collect();
            fields.push((name.into_owned(), value));
        }
        Some(Self(fields))
    }

    /// A field, without the space around it; blank where it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.sent(name).unwrap_or_default()
    }

    /// A field, if it was sent.
    pub fn sent(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.trim())
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> Vec<String> {
        let of_name = self.0.iter().filter(|(own, _)| own == name);
        of_name.map(|(_, value)| value.trim().to_owned()).collect()
    }

    /// Whether a field says yes.
    pub fn says_yes(&self, name: &str) -> bool {
        self.get(name) == "yes"
    }
}

/// Bytes as text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of such a text, of a length that a token has.
pub fn of_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect()
}
