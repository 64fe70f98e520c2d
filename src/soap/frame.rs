//! What stands around every message of ours.

/// What stands before an answer.
pub const OPEN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>";
/// What stands behind an answer.
pub const CLOSE: &str = "</soap:Body></soap:Envelope>";
