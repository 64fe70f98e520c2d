//! As whom the log signs: what its notices say about that.

use crate::store::log::seal::notices::StoredNotice;
use sigill_seal::entry::Kind;
use sigill_seal::keys::LogKeys;
use sigill_seal::names::{SignatureType, VerifyingName};
use sigill_seal::note::SignedCheckpoint;

/// Kinds of notices that say as whom the log signs.
pub const KINDS: [Kind; 2] = [Kind::Opening, Kind::Keys];

/// As whom the log signs from a notice on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealIdentity {
    /// The notice's running number.
    pub number: i64,
    /// The log's name.
    pub origin: String,
    /// Its keys: of checkpoints, and of their time.
    pub names: Vec<VerifyingName>,
    /// By which its intake key is told from others.
    pub intake: String,
    /// Where it goes on, if it continues another log: that one's name and size.
    pub continues: Option<(String, u64)>,
}

impl SealIdentity {
    /// Of a notice; `None`: it says nothing of the kind.
    pub fn of(notice: &StoredNotice) -> Option<Self> {
        let one = |name| notice.values(name).next().map(str::to_owned);
        let names: Option<Vec<VerifyingName>> =
            notice.values("key").map(VerifyingName::of_vkey).collect();
        let size = one("size").and_then(|size| size.parse().ok());
        Some(Self {
            number: notice.entry_number,
            origin: one("origin")?,
            names: names?,
            intake: one("intake")?,
            continues: one("continues").zip(size),
        })
    }

    /// Of all notices, in their order.
    pub fn all(notices: &[StoredNotice]) -> Vec<Self> {
        notices.iter().filter_map(Self::of).collect()
    }

    /// What a notice says with such keys; `first` is what it is.
    pub fn body(first: &str, keys: &LogKeys) -> String {
        let mut body = format!("{first}\n");
        if let Some(signing) = &keys.signing {
            body += &format!("origin {}\n", signing.origin);
            for name in signing.verifying() {
                body += &format!("key {}\n", name.to_vkey());
            }
        }
        body + &format!("intake {}\n", keys.intake_id())
    }

    /// Whether keys are those of this identity; a process that only stores has the intake key alone.
    pub fn has(&self, keys: &LogKeys) -> bool {
        let signs = |signing: &sigill_seal::keys::SigningKeys| {
            signing.origin == self.origin && signing.verifying()[..] == self.names[..]
        };
        keys.intake_id() == self.intake && keys.signing.as_ref().is_none_or(signs)
    }
}

/// Whether a log of these identities has signed a checkpoint, as the log that it says.
pub fn is_signed(identities: &[SealIdentity], checkpoint: &SignedCheckpoint) -> bool {
    let origin = &checkpoint.checkpoint().origin;
    let own = identities.iter().filter(|identity| identity.origin == *origin);
    own.flat_map(|identity| &identity.names).any(|name| checkpoint.is_signed_by(name))
}

/// When a log of these identities has signed a checkpoint, by its clock, in seconds since 1970.
pub fn time_of(identities: &[SealIdentity], checkpoint: &SignedCheckpoint) -> Option<u64> {
    let clocks = identities.iter().flat_map(|identity| &identity.names);
    let clocks = clocks.filter(|name| name.signature_type() == SignatureType::Cosignature);
    clocks.filter_map(|clock| checkpoint.time_by(clock)).min()
}
