//! What people may do through the pages: roles, and what gives them.
//!
//! # Rules
//! - **PR1** Nobody has a role without a chosen assignment (medarbetaruppdrag); its care provider bounds every role.
//! - **PR2** The directory's system roles give roles together with a purpose: Spärradministratör the block
//!   administrator's, Loggadministratör the log administrator's, Administratör the operator's, each with the purpose
//!   *Administration* or *Tillsyn och utvärdering*.
//! - **PR3** The purpose *Vård och behandling* gives the role of care staff.
//! - **PR4** Rules of the file of settings give roles beside these: every condition that a rule names must hold.
//! - **PR5** Whoever an active review plan names, as reviewer or deputy, is a reviewer at its care provider.

use crate::domain::identity::HsaId;
use std::collections::BTreeSet;

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Care staff (vårdpersonal), at the own unit.
    Care,
    /// Handles blocks and consents of the own care provider.
    BlockAdmin,
    /// Reviews the log of some units (granskare).
    Reviewer,
    /// Plans reviews, takes out reports and extracts.
    LogAdmin,
    /// Information security: watch lists, embargoes.
    Security,
    /// Sees figures without identities (dataskyddsombud, revisor).
    Auditor,
    /// Runs the service, and sees no patients at all.
    Operator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Care,
        Self::BlockAdmin,
        Self::Reviewer,
        Self::LogAdmin,
        Self::Security,
        Self::Auditor,
        Self::Operator,
    ];

    /// As settings and the store name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Care => "care",
            Self::BlockAdmin => "block_admin",
            Self::Reviewer => "reviewer",
            Self::LogAdmin => "log_admin",
            Self::Security => "security",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
        }
    }

    /// The role of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// An assignment (medarbetaruppdrag) that a person may work under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its id.
    pub id: Option<HsaId>,
    /// Its name.
    pub name: String,
    /// Its purpose, as the directory spells it.
    pub purpose: String,
    /// The care unit.
    pub unit: HsaId,
    /// Its name.
    pub unit_name: String,
    /// The care provider.
    pub provider: HsaId,
    /// Its name.
    pub provider_name: String,
}

/// Gives a role to whom all that it names fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRule {
    /// The role.
    pub role: Role,
    /// A system role of the directory, as `system;role`.
    pub system_role: Option<String>,
    /// One employee.
    pub employee: Option<HsaId>,
    /// Purposes of the assignment; none is any.
    pub purposes: Vec<String>,
}

/// Care.
pub const CARE: &str = "Vård och behandling";
/// Administration.
pub const ADMINISTRATION: &str = "Administration";
/// Supervision and evaluation.
pub const SUPERVISION: &str = "Tillsyn och utvärdering";

/// The rules that every installation has (PR2, PR3).
pub fn defaults() -> Vec<RoleRule> {
    let by_system = |role, name: &str| RoleRule {
        role,
        system_role: Some(format!("BIF;{name}")),
        employee: None,
        purposes: vec![ADMINISTRATION.to_owned(), SUPERVISION.to_owned()],
    };
    vec![
        RoleRule {
            role: Role::Care,
            system_role: None,
            employee: None,
            purposes: vec![CARE.to_owned()],
        },
        by_system(Role::BlockAdmin, "Spärradministratör"),
        by_system(Role::LogAdmin, "Loggadministratör"),
        by_system(Role::Operator, "Administratör"),
    ]
}

/// The roles that an employee has under an assignment (PR1 to PR4).
pub fn roles(
    rules: &[RoleRule],
    employee: &HsaId,
    system_roles: &[String],
    assignment: &Assignment,
) -> BTreeSet<Role> {
    let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
    let fits = |rule: &&RoleRule| {
        let named = |wanted: &String| system_roles.iter().any(|own| same(own, wanted));
        rule.system_role.as_ref().is_none_or(named)
            && rule.employee.as_ref().is_none_or(|own| own == employee)
            && (rule.purposes.is_empty()
                || rule.purposes.iter().any(|purpose| same(purpose, &assignment.purpose)))
    };
    rules.iter().filter(fits).map(|rule| rule.role).collect()
}

/// The same, for somebody whom a review plan of the assignment's care provider names, or none (PR5).
pub fn with_plan(mut given: BTreeSet<Role>, is_named: bool) -> BTreeSet<Role> {
    if is_named {
        given.insert(Role::Reviewer);
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> HsaId {
        HsaId::new(text).unwrap()
    }

    fn assignment(purpose: &str) -> Assignment {
        Assignment {
            id: None,
            name: "x".into(),
            purpose: purpose.into(),
            unit: id("U"),
            unit_name: "u".into(),
            provider: id("V"),
            provider_name: "v".into(),
        }
    }

    fn given(rules: &[RoleRule], system_roles: &[&str], purpose: &str) -> Vec<Role> {
        let own: Vec<String> = system_roles.iter().map(|&role| role.to_owned()).collect();
        roles(rules, &id("P"), &own, &assignment(purpose)).into_iter().collect()
    }

    #[test]
    fn pr1_roles_are_of_an_assignment() {
        assert!(given(&[], &["BIF;Spärradministratör"], ADMINISTRATION).is_empty());
    }

    #[test]
    fn pr2_system_roles_count_with_their_purposes_only() {
        let rules = defaults();
        let own = ["BIF;Spärradministratör", "bif;loggadministratör"];
        assert_eq!(given(&rules, &own, ADMINISTRATION), [Role::BlockAdmin, Role::LogAdmin]);
        assert_eq!(given(&rules, &own[..1], SUPERVISION), [Role::BlockAdmin]);
        assert!(given(&rules, &own, "Forskning").is_empty());
        assert!(given(&rules, &["X;Spärradministratör"], ADMINISTRATION).is_empty());
        assert_eq!(given(&rules, &["BIF;Administratör"], ADMINISTRATION), [Role::Operator]);
    }

    #[test]
    fn pr3_care_gives_care_staff_and_nothing_else() {
        assert_eq!(given(&defaults(), &["BIF;Spärradministratör"], CARE), [Role::Care]);
    }

    #[test]
    fn pr5_whoever_a_plan_names_reviews() {
        let care = BTreeSet::from([Role::Care]);
        assert_eq!(with_plan(care.clone(), true), BTreeSet::from([Role::Care, Role::Reviewer]));
        assert_eq!(with_plan(care.clone(), false), care);
    }

    #[test]
    fn pr4_every_condition_of_a_rule_must_hold() {
        let rule = RoleRule {
            role: Role::Reviewer,
            system_role: Some("LOGG;Granskare".into()),
            employee: Some(id("p")),
            purposes: vec![SUPERVISION.into()],
        };
        let rules = [rule.clone()];
        assert_eq!(given(&rules, &["LOGG;Granskare"], SUPERVISION), [Role::Reviewer]);
        assert!(given(&rules, &["LOGG;Granskare"], CARE).is_empty());
        assert!(given(&rules, &[], SUPERVISION).is_empty());
        let another = [RoleRule { employee: Some(id("Q")), ..rule }];
        assert!(given(&another, &["LOGG;Granskare"], SUPERVISION).is_empty());
    }
}
