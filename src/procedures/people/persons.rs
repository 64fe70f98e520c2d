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

    /// The same, asked for now.
    pub async fn shown_afresh(&self, _viewed: &Viewed, patient: &PatientId) -> PersonShown {
        self.told(&[patient], true).await.pop().unwrap_or(PersonShown::FromLog(None))
    }

    /// The same of several, in their order.
    pub async fn all_shown(&self, _viewed: &Viewed, patients: &[&PatientId]) -> Vec<PersonShown> {
        self.told(patients, false).await
    }

    async fn told(&self, patients: &[&PatientId], afresh: bool) -> Vec<PersonShown> {
        match &self.persons {
            None => patients.iter().map(|_| PersonShown::FromLog(None)).collect(),
            Some(service) => {
                let states = service.states(patients, afresh).await;
                states.into_iter().map(PersonShown::FromService).collect()
            }
        }
    }
}
