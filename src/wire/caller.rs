//! Who calls. The one place that decides whom a call comes from.
//!
//! Without TLS there is no certificate to read, so a caller on the loopback interface is
//! whom `x-rivta-original-serviceconsumer-hsaid` names, and anybody else is unknown.

use hyper::HeaderMap;
use std::net::IpAddr;

const ORIGINAL_CONSUMER: &str = "x-rivta-original-serviceconsumer-hsaid";
/// `OwnerId` holds at most this many characters.
const CALLER_CHARS_MAX: usize = 512;

/// The system that began the chain of calls, as far as it can be trusted.
pub fn of_request(headers: &HeaderMap, peer: IpAddr) -> Option<String> {
    let named = headers.get(ORIGINAL_CONSUMER)?.to_str().ok()?.trim();
    let usable = !named.is_empty() && named.len() <= CALLER_CHARS_MAX;
    (peer.is_loopback() && usable).then(|| named.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_counts_on_loopback_only() {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGINAL_CONSUMER, " SE2321000016-A1 ".parse().unwrap());
        let caller = |ip: &str| of_request(&headers, ip.parse().unwrap());
        assert_eq!(caller("127.0.0.1").as_deref(), Some("SE2321000016-A1"));
        assert_eq!(caller("10.1.2.3"), None);
    }
}
