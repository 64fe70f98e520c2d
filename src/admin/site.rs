//! What the pages are served with.

use super::words::Language;
use crate::procedures::people::on_duty::SharedPeople;

/// The cookie of the language.
pub const LANGUAGE: &str = "sigill_language";

/// What the pages are served with.
#[derive(Clone)]
pub struct Site {
    /// Parts and settings of what people do.
    pub people: SharedPeople,
    /// Whether anybody may be anybody of the directory: on loopback, for tests.
    pub test_login: bool,
    /// What a demonstration has planted: title, patient, what happened; none: it is no demonstration.
    pub stories: Vec<(String, String, String)>,
    /// Whether people may log in by their certificates.
    pub certificates: bool,
    /// Under which address people reach the pages: scheme, host and port.
    pub base_address: String,
    /// Whether a path is a page's.
    pub is_page: fn(&str) -> bool,
    /// To whom shortcomings are told.
    pub contact: String,
}

impl Site {
    /// The cookie of logins: one that no other host can set, wherever there is TLS.
    pub fn cookie(&self) -> &'static str {
        match self.is_secure() {
            true => "__Host-sigill",
            false => "sigill_dev",
        }
    }

    /// Whether people reach it over TLS.
    pub fn is_secure(&self) -> bool {
        self.base_address.starts_with("https://")
    }

    /// The cookie that keeps a language.
    pub fn language_cookie(&self, language: Language) -> String {
        self.set_cookie(LANGUAGE, language.code(), 365 * 24 * 3600)
    }

    /// A cookie as it is set; of no age, it is taken away.
    pub fn set_cookie(&self, name: &str, value: &str, seconds: i64) -> String {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
    }
}
