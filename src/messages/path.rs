//! The path of a contract's endpoint, here and at other services.

use super::generated::Interaction;

/// For example `/informationsecurity/auditing/log/StoreLog/2/rivtabp21`.
pub fn of(interaction: Interaction) -> String {
    let domain = interaction.domain().replace(':', "/");
    format!("/{domain}/{}/{}/rivtabp21", interaction.name(), interaction.major())
}
