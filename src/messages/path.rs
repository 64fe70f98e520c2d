//! The path of a contract's endpoint, here and at other services.

use super::called;
use super::generated::Interaction;

/// For example `/informationsecurity/auditing/log/StoreLog/2/rivtabp21`.
pub fn of(interaction: Interaction) -> String {
    path(interaction.domain(), interaction.name(), interaction.major())
}

/// The same of a contract that we call and do not serve.
pub fn of_called(interaction: called::Interaction) -> String {
    path(interaction.domain(), interaction.name(), interaction.major())
}

fn path(domain: &str, name: &str, major: u32) -> String {
    format!("/{}/{name}/{major}/rivtabp21", domain.replace(':', "/"))
}
