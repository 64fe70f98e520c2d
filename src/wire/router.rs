//! What a path names: a contract's endpoint, or one of the pages for operators.

use crate::messages::generated::Interaction;
use crate::messages::path;

/// The contract whose endpoint this is; the version may be written with a `v`.
pub fn interaction(requested: &str) -> Option<Interaction> {
    let mut parts: Vec<&str> = requested.split('/').collect();
    let version = parts.len().checked_sub(2).and_then(|at| parts.get_mut(at))?;
    *version = version.strip_prefix('v').unwrap_or(version);
    let requested = parts.join("/");
    Interaction::ALL.into_iter().find(|i| path::of(*i) == requested)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::generated::LogInteraction;

    #[test]
    fn every_endpoint_names_its_contract() {
        for i in Interaction::ALL {
            assert_eq!(interaction(&path::of(i)), Some(i));
        }
    }

    #[test]
    fn the_version_may_be_written_with_a_v() {
        let path = "/informationsecurity/auditing/log/StoreLog/v2/rivtabp21";
        let store_log = Interaction::Log(LogInteraction::StoreLog);
        assert_eq!(interaction(path), Some(store_log));
        assert_eq!(interaction("/informationsecurity/auditing/log/StoreLog/3/rivtabp21"), None);
        assert_eq!(interaction("/"), None);
        assert_eq!(interaction(""), None);
    }
}
