//! Who a patient is: name, protected identity, death. Unknown is not open.

use super::looking::Viewed;
use super::on_duty::People;
use crate::domain::identity::PatientId;
use crate::domain::people::person::PersonState;

/// What is shown of who a patient is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonShown {
    /// No population service is asked: the name that the latest log record has, if one does.
    FromLog(Option<String>),
    /// What the population service says.
    FromService(PersonState),
}

impl PersonShown {
    /// The name that a log record has counts only where nobody else is asked.
    pub fn or_from_log(self, name: Option<String>) -> Self {
        match self {
            Self::FromLog(None) => Self::FromLog(name),
            known => known,
        }
    }
}

impl People {
    /// Who a patient is, once looking is logged.
    pub async fn shown(&self, viewed: &Viewed, patient: &PatientId) -> PersonShown {
        self.all_shown(viewed, &[patient]).await.pop().unwrap_or(PersonShown::FromLog(None))
    }

    /// The same of several, in their order.
    #[expect(clippy::unused_async, reason = "the population service is asked here")]
    pub async fn all_shown(&self, _viewed: &Viewed, patients: &[&PatientId]) -> Vec<PersonShown> {
        patients.iter().map(|_| PersonShown::FromLog(None)).collect()
    }
}
