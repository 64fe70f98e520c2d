//! A national directory (HSA) for tests: the two contracts that pages ask, out of a directory's file or of a demonstration.

use super::serving::{Stub, Switches, wrong};
use crate::demo::region::{self, Region, Size};
use crate::messages::called::authorizationmanagement::v2::{
    Commission, CredentialInformation, GetCredentialsForPersonIncludingProtectedPerson,
    GetCredentialsForPersonIncludingProtectedPersonResponse, HsaSystemRole,
};
use crate::messages::called::organization::v2::{
    GetHealthCareUnit, GetHealthCareUnitResponse, HealthCareUnit,
};
use crate::messages::called::{
    AuthorizationmanagementInteraction, Interaction, OrganizationInteraction,
};
use crate::soap::fault::Fault;
use crate::soap::xml::{Reader, Writer};
use crate::store::people::directory::{Directory, DirectoryEmployee, DirectoryUnit};

/// A directory for tests.
#[derive(Debug)]
pub struct DirectoryStub {
    /// Who and what there is.
    pub directory: Directory,
    /// What is played.
    pub switches: Switches,
}

impl DirectoryStub {
    /// The demonstration's.
    pub fn of_demo() -> Self {
        let directory = Region::new(region::SEED, Size::SMALL).directory;
        Self { directory, switches: Switches::default() }
    }

    fn unit(&self, id: &str) -> Option<&DirectoryUnit> {
        self.directory.units.iter().find(|unit| unit.unit_id.eq_ignore_ascii_case(id))
    }

    fn credential<'a>(&'a self, employee: &'a DirectoryEmployee) -> CredentialInformation<'a> {
        let (given, surname) =
            employee.employee_name.split_once(' ').unwrap_or(("", &employee.employee_name));
        let roles = employee.system_roles.iter().filter_map(|role| role.split_once(';'));
        let assignments = &self.directory.assignments;
        let own = assignments.iter().filter(|assignment| {
            assignment.employee.as_str().eq_ignore_ascii_case(&employee.employee_id)
        });
        let commission = own.filter_map(|assignment| {
            let unit = self.unit(assignment.unit.as_str())?;
            Some(Commission {
                commission_name: Some(assignment.name.as_str().into()),
                commission_hsa_id: Some(assignment.id.as_str().into()),
                commission_purpose: Some(assignment.purpose.as_str().into()),
                commission_right: Vec::new(),
                health_care_unit_hsa_id: Some(unit.unit_id.as_str().into()),
                health_care_unit_name: Some(unit.unit_name.as_str().into()),
                health_care_provider_hsa_id: Some(unit.provider_id.as_str().into()),
                health_care_provider_name: Some(unit.provider_name.as_str().into()),
                health_care_provider_org_no: None,
                health_care_unit_start_date: None,
                health_care_unit_end_date: None,
            })
        });
        CredentialInformation {
            given_name: Some(given.into()),
            middle_and_sur_name: Some(surname.into()),
            person_hsa_id: Some(employee.employee_id.as_str().into()),
            hsa_system_role: roles
                .map(|(system, role)| HsaSystemRole { system_id: system.into(), role: role.into() })
                .collect(),
            protected_person: None,
            commission: commission.collect(),
        }
    }

    fn credentials(&self, reader: &mut Reader<'_>, out: &mut Writer) -> Result<(), Fault> {
        let name = "GetCredentialsForPersonIncludingProtectedPerson";
        let request = reader.under(name, GetCredentialsForPersonIncludingProtectedPerson::read);
        let request = request.map_err(wrong)?;
        let is_asked = |employee: &&DirectoryEmployee| match (
            request.person_hsa_id.as_deref(),
            request.personal_identity_number.as_deref(),
        ) {
            (Some(id), None) => Ok(employee.employee_id.eq_ignore_ascii_case(id.trim())),
            (None, Some(number)) => Ok(employee.person_extension.as_deref() == Some(number.trim())),
            (Some(_), Some(_)) | (None, None) => {
                Err(Fault::client("exakt en av personHsaId och personalIdentityNumber ska anges"))
            }
        };
        let mut found = Vec::new();
        for employee in &self.directory.staff {
            if is_asked(&employee)? {
                found.push(self.credential(employee));
            }
        }
        GetCredentialsForPersonIncludingProtectedPersonResponse { credential_information: found }
            .write_root(out);
        Ok(())
    }

    fn health_care_unit(&self, reader: &mut Reader<'_>, out: &mut Writer) -> Result<(), Fault> {
        let request = reader.under("GetHealthCareUnit", GetHealthCareUnit::read);
        let request = request.map_err(wrong)?;
        let found = self.unit(request.health_care_unit_member_hsa_id.trim());
        let text = |text: &'_ str| Some(text.to_owned().into());
        let unit = found.map(|unit| HealthCareUnit {
            unit_is_health_care_unit: Some(true),
            health_care_unit_member_name: text(&unit.unit_name),
            health_care_unit_member_hsa_id: text(&unit.unit_id),
            health_care_unit_hsa_id: text(&unit.unit_id),
            health_care_unit_name: text(&unit.unit_name),
            health_care_provider_hsa_id: text(&unit.provider_id),
            health_care_provider_name: text(&unit.provider_name),
            health_care_provider_org_no: None,
        });
        GetHealthCareUnitResponse { health_care_unit: unit }.write_root(out);
        Ok(())
    }
}

impl Stub for DirectoryStub {
    fn switches(&self) -> Result<Switches, Fault> {
        Ok(self.switches)
    }

    fn answer(
        &self,
        contract: Interaction,
        reader: &mut Reader<'_>,
        out: &mut Writer,
    ) -> Result<(), Fault> {
        match contract {
            Interaction::Authorizationmanagement(
                AuthorizationmanagementInteraction::GetCredentialsForPersonIncludingProtectedPerson,
            ) => self.credentials(reader, out),
            Interaction::Organization(OrganizationInteraction::GetHealthCareUnit) => {
                self.health_care_unit(reader, out)
            }
            Interaction::Person(_) => Err(super::serving::not_here()),
        }
    }

    fn refusal(&self, _system: &str) -> (u16, Fault) {
        (403, Fault::client("systemet är inte behörigt"))
    }
}
