//! Contracts that are granted together, by what their data are compared with.

/// A group of contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// As a grant names it.
    pub name: &'static str,
    /// What is in it.
    pub contracts: &'static [&'static str],
}

/// All groups; every contract is in one.
pub const GROUPS: [Group; 13] = [
    // The actor's care provider.
    Group { name: "blocking.check", contracts: &["CheckBlocks"] },
    // Nobody's: all customers read all blocks.
    Group { name: "blocking.copies", contracts: &["GetBlocks"] },
    // The care provider whose blocks they are.
    Group {
        name: "blocking.administer",
        contracts: &[
            "RegisterExtendedBlock",
            "RevokeExtendedBlock",
            "DeleteExtendedBlock",
            "RegisterTemporaryExtendedRevoke",
            "CancelTemporaryExtendedRevoke",
            "GetExtendedBlocksForPatient",
            "GetPatientIds",
        ],
    },
    // The same, as local services tell it to the national one.
    Group {
        name: "blocking.synchronise",
        contracts: &[
            "RegisterBlock",
            "UnregisterBlock",
            "RegisterTemporaryRevoke",
            "UnregisterTemporaryRevoke",
        ],
    },
    // The actor's.
    Group { name: "consent.check", contracts: &["CheckConsent"] },
    // That of the request.
    Group {
        name: "consent.read",
        contracts: &[
            "GetConsentsForPatient",
            "GetConsentsForCareProvider",
            "GetExtendedConsentsForPatient",
        ],
    },
    // The one whose consents they are.
    Group {
        name: "consent.administer",
        contracts: &["RegisterExtendedConsent", "CancelExtendedConsent", "DeleteExtendedConsent"],
    },
    // Nobody's: the patient's own wish.
    Group {
        name: "consent.citizen",
        contracts: &["EndConsentByPatient", "GetAllExtendedConsentsForPatient"],
    },
    // That of the user of every record.
    Group { name: "log.store", contracts: &["StoreLog"] },
    // That of the request.
    Group { name: "log.report", contracts: &["GetLogs", "GetInfoLogs"] },
    // The same.
    Group { name: "log.order", contracts: &["GetLogsByOrder", "GetFilesForOrderId"] },
    // Nobody's.
    Group { name: "log.patient", contracts: &["GetAccessLogsForPatient"] },
    // Nobody's.
    Group { name: "monitoring", contracts: &["PingForConfiguration"] },
];

/// What a grant names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// Every contract.
    All,
    /// Those of a group.
    Group(Group),
    /// One.
    Contract(&'static str),
}

impl Granted {
    /// What a name means; `None`: neither a contract nor a group.
    pub fn of_name(name: &str) -> Option<Self> {
        if name == "*" {
            return Some(Self::All);
        }
        if let Some(group) = GROUPS.iter().find(|group| group.name == name) {
            return Some(Self::Group(*group));
        }
        let mut contracts = GROUPS.iter().flat_map(|group| group.contracts);
        contracts.find(|contract| **contract == name).map(|contract| Self::Contract(contract))
    }

    /// Whether a contract is among them.
    pub fn covers(self, contract: &str) -> bool {
        match self {
            Self::All => true,
            Self::Group(group) => group.contracts.contains(&contract),
            Self::Contract(name) => name == contract,
        }
    }
}
