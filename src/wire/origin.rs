//! Where a request comes from, as its head tells: a browser is no caller.
//!
//! A page somewhere on the web can make the browser of somebody inside send a request. Such a
//! request says so (`Origin`, `Sec-Fetch-Site`), or it comes under a name that is not ours.

use crate::config::http::Http;
use crate::soap::fault::Fault;
use hyper::header::{HOST, HeaderMap, ORIGIN};
use hyper::{StatusCode, Version};
use std::net::IpAddr;

/// Names under which we are called.
#[derive(Debug)]
pub struct Hosts {
    /// Lower case, without port; empty is every name.
    own: Vec<String>,
    /// The same over TLS.
    own_over_tls: Vec<String>,
}

impl Hosts {
    /// As configured; a listener on this machine only has this machine's names beside.
    pub fn of(http: &Http) -> Self {
        let mut own: Vec<String> = http.hosts.iter().map(|host| name(host)).collect();
        let own_over_tls = own.clone();
        if http.listen.ip().is_loopback() {
            own.extend(["localhost".to_owned(), http.listen.ip().to_string()]);
        }
        Self { own, own_over_tls }
    }

    /// Refuses a request that does not name one of our names, or names several.
    ///
    /// # Errors
    /// The status and the fault.
    pub fn check(
        &self,
        is_encrypted: bool,
        version: Version,
        headers: &HeaderMap,
    ) -> Result<(), (StatusCode, Fault)> {
        let own = if is_encrypted { &self.own_over_tls } else { &self.own };
        let mut named = headers.get_all(HOST).iter();
        let wrong = match (named.next(), named.next()) {
            (None, _) if version < Version::HTTP_11 => return Ok(()),
            (None, _) => (StatusCode::BAD_REQUEST, "Host saknas i HTTP-huvudet"),
            (_, Some(_)) => (StatusCode::BAD_REQUEST, "Host förekommer två gånger i HTTP-huvudet"),
            (Some(host), None) if is_own(own, host.to_str().unwrap_or_default()) => return Ok(()),
            _ => (
                StatusCode::MISDIRECTED_REQUEST,
                "Host i HTTP-huvudet är inget av tjänstens namn (inställningen http.hosts)",
            ),
        };
        Err((wrong.0, Fault::client(wrong.1)))
    }
}

fn is_own(own: &[String], host: &str) -> bool {
    if own.is_empty() {
        return true;
    }
    let name = name(host);
    let is_loopback = |own: &String| own.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    own.contains(&name) || is_loopback(&name) && own.iter().any(is_loopback)
}

/// A host's name or address alone, in lower case: `Host` and settings may have a port behind it.
fn name(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        // The colons of an IPv6 address stand within brackets, or it has no port.
        Some((name, port)) if !port.contains(']') && !bare_ipv6(host) => name,
        _ => host,
    };
    name.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase()
}

fn bare_ipv6(host: &str) -> bool {
    host.parse::<std::net::Ipv6Addr>().is_ok()
}

/// Whether a page of another site had a browser send this.
pub fn is_foreign_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(hyper::header::HeaderValue::as_bytes);
    headers.contains_key(ORIGIN)
        || site.is_some_and(|site| site != b"none" && site != b"same-origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(listen: &str, hosts: &[&str], sent: &[&str]) -> Option<u16> {
        let hosts = hosts.iter().map(ToString::to_string).collect();
        let http = Http { listen: listen.parse().unwrap(), hosts, ..Http::default() };
        let mut headers = HeaderMap::new();
        for host in sent {
            headers.append(HOST, host.parse().unwrap());
        }
        let checked = Hosts::of(&http).check(false, Version::HTTP_11, &headers);
        checked.err().map(|(status, _)| status.as_u16())
    }

    #[test]
    fn on_this_machine_only_its_names_and_ours_count() {
        let here = "127.0.0.1:8080";
        for own in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "127.0.0.1", "[::1]:8080"] {
            assert_eq!(refused(here, &[], &[own]), None, "{own}");
        }
        for foreign in ["evil.example", "localhost.evil.example:8080", "", "10.0.0.1", "[::2]"] {
            assert_eq!(refused(here, &[], &[foreign]), Some(421), "{foreign}");
        }
        for set in ["Sak.Example.org", "sak.example.org:8443"] {
            assert_eq!(refused(here, &[set], &["sak.example.org:443"]), None);
        }
        assert_eq!(refused("10.0.0.1:80", &["2001:db8::1"], &["[2001:db8::1]:80"]), None);
        assert_eq!(refused(here, &[], &[]), Some(400));
        assert_eq!(refused(here, &[], &["localhost", "localhost"]), Some(400));
    }

    #[test]
    fn elsewhere_every_name_counts_unless_some_are_given() {
        assert_eq!(refused("10.0.0.1:80", &[], &["anything"]), None);
        assert_eq!(refused("10.0.0.1:80", &["a"], &["b"]), Some(421));
        assert_eq!(refused("10.0.0.1:80", &[], &["a", "a"]), Some(400));
    }
}
