//! What a path names: a contract's endpoint, or one of the pages for operators.

use crate::contracts::generated::Interaction;

/// The endpoint of a contract, for example
/// `/informationsecurity/auditing/log/StoreLog/2/rivtabp21`.
pub fn endpoint(interaction: Interaction) -> String {
    let domain = interaction.domain().replace(':', "/");
    format!("/{domain}/{}/{}/rivtabp21", interaction.name(), interaction.major())
}

/// The contract whose endpoint this is; the version may be written with a `v`.
pub fn interaction(path: &str) -> Option<Interaction> {
    let mut parts: Vec<&str> = path.split('/').collect();
    let version = parts.len().checked_sub(2).and_then(|at| parts.get_mut(at))?;
    *version = version.strip_prefix('v').unwrap_or(version);
    let path = parts.join("/");
    Interaction::ALL.into_iter().find(|i| endpoint(*i) == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_names_its_contract() {
        for i in Interaction::ALL {
            assert_eq!(interaction(&endpoint(i)), Some(i));
        }
    }

    #[test]
    fn the_version_may_be_written_with_a_v() {
        let path = "/informationsecurity/auditing/log/StoreLog/v2/rivtabp21";
        assert_eq!(interaction(path), Some(Interaction::StoreLog));
        assert_eq!(interaction("/informationsecurity/auditing/log/StoreLog/3/rivtabp21"), None);
        assert_eq!(interaction("/"), None);
        assert_eq!(interaction(""), None);
    }
}
