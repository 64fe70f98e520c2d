//! What roles are called.

use super::words::{Words, t};
use crate::domain::people::roles::Role;

/// What a role is called.
pub fn role_name(role: Role) -> Words {
    match role {
        Role::Care => t("Vårdpersonal"),
        Role::BlockAdmin => t("Spärr- och samtyckesadministratör"),
        Role::Reviewer => t("Granskare"),
        Role::LogAdmin => t("Loggadministratör"),
        Role::Security => t("Informationssäkerhet"),
        Role::Auditor => t("Dataskyddsombud eller revisor"),
        Role::Operator => t("Driftansvarig"),
    }
}
