//! What the national directory answers, as far as it is read: by names, in whatever order and beside whatever else.

use crate::domain::identity::HsaId;
use crate::domain::time::{Ambiguous, Timestamp};
use crate::messages::time::instant;
use crate::soap::xml::{DateTime, ReadError, Reader};

/// The longest text that is read.
const TEXT_MAX: u32 = 512;

/// An employee of the directory, with the assignments that are in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryPerson {
    /// Given name and surname.
    pub name: String,
    /// System roles, as `system;role`.
    pub system_roles: Vec<String>,
    /// Assignments.
    pub commissions: Vec<Commission>,
}

/// An assignment (medarbetaruppdrag) that is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commission {
    /// Its id.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its purpose.
    pub purpose: String,
    /// The care unit; of an assignment that lies directly under the care provider that.
    pub unit: String,
    /// The name of that.
    pub unit_name: String,
    /// The care provider.
    pub provider: String,
    /// Its name.
    pub provider_name: String,
}

fn text(reader: &mut Reader<'_>, into: &mut String) -> Result<bool, ReadError> {
    reader.text(TEXT_MAX)?.trim().clone_into(into);
    Ok(true)
}

fn is_true(reader: &mut Reader<'_>) -> Result<bool, ReadError> {
    let text = reader.text(TEXT_MAX)?;
    Ok(!matches!(text.trim(), "false" | "0"))
}

/// The employee in an answer; `None`: it is not there. Of several credentials those of its own HSA-id count.
pub(super) fn person_of(
    reader: &mut Reader<'_>,
    employee: &HsaId,
    now: Timestamp,
) -> Result<Option<DirectoryPerson>, ReadError> {
    let mut found: Option<DirectoryPerson> = None;
    reader.children(|reader, name| {
        if name != "credentialInformation" {
            return Ok(false);
        }
        let (id, person) = credential(reader, now)?;
        if HsaId::new(&id).as_ref() == Some(employee) {
            let all = found.get_or_insert_default();
            all.name = person.name;
            all.system_roles.extend(person.system_roles);
            all.commissions.extend(person.commissions);
        }
        Ok(true)
    })?;
    Ok(found)
}

fn credential(
    reader: &mut Reader<'_>,
    now: Timestamp,
) -> Result<(String, DirectoryPerson), ReadError> {
    let (mut id, mut given, mut surname) = (String::new(), String::new(), String::new());
    let mut person = DirectoryPerson::default();
    reader.children(|reader, name| match name {
        "personHsaId" => text(reader, &mut id),
        "givenName" => text(reader, &mut given),
        "middleAndSurName" => text(reader, &mut surname),
        "hsaSystemRole" => {
            let (mut system, mut role) = (String::new(), String::new());
            reader.children(|reader, name| match name {
                "systemId" => text(reader, &mut system),
                "role" => text(reader, &mut role),
                _ => Ok(false),
            })?;
            person.system_roles.push(format!("{system};{role}"));
            Ok(true)
        }
        "commission" => {
            person.commissions.extend(commission(reader, now)?);
            Ok(true)
        }
        _ => Ok(false),
    })?;
    format!("{given} {surname}").trim().clone_into(&mut person.name);
    Ok((id, person))
}

/// An assignment; `None`: it is not in force, archived, feigned, or without what every one has.
fn commission(reader: &mut Reader<'_>, now: Timestamp) -> Result<Option<Commission>, ReadError> {
    let (mut found, mut id, mut is_in_force) = (Commission::default(), String::new(), true);
    reader.children(|reader, name| match name {
        "commissionHsaId" => text(reader, &mut id),
        "commissionName" => text(reader, &mut found.name),
        "commissionPurpose" => text(reader, &mut found.purpose),
        "healthCareUnitHsaId" => text(reader, &mut found.unit),
        "healthCareUnitName" => text(reader, &mut found.unit_name),
        "healthCareProviderHsaId" => text(reader, &mut found.provider),
        "healthCareProviderName" => text(reader, &mut found.provider_name),
        _ if name.starts_with("archived") || name.starts_with("feigned") => {
            is_in_force &= !is_true(reader)?;
            Ok(true)
        }
        _ if name.ends_with("StartDate") || name.ends_with("EndDate") => {
            let wire = DateTime::parse(reader.text(TEXT_MAX)?.trim());
            // What cannot be read is not in force.
            is_in_force &= wire.is_some_and(|wire| match name.ends_with("StartDate") {
                true => instant(wire, Ambiguous::Later) <= now,
                false => now < instant(wire, Ambiguous::Earlier),
            });
            Ok(true)
        }
        _ => Ok(false),
    })?;
    found.id = (!id.is_empty()).then_some(id);
    if found.unit.is_empty() {
        found.unit.clone_from(&found.provider);
        found.unit_name.clone_from(&found.provider_name);
    }
    let is_whole = !found.provider.is_empty() && !found.purpose.is_empty();
    Ok((is_in_force && is_whole).then_some(found))
}

/// The name of a unit in an answer: its own, or that of the care unit that it is.
pub(super) fn unit_name_of(
    reader: &mut Reader<'_>,
    unit: &HsaId,
) -> Result<Option<String>, ReadError> {
    let (mut member, mut whole) = ((String::new(), String::new()), (String::new(), String::new()));
    reader.children(|reader, name| {
        if name != "healthCareUnit" {
            return Ok(false);
        }
        reader.children(|reader, name| match name {
            "healthCareUnitMemberHsaId" => text(reader, &mut member.0),
            "healthCareUnitMemberName" => text(reader, &mut member.1),
            "healthCareUnitHsaId" => text(reader, &mut whole.0),
            "healthCareUnitName" => text(reader, &mut whole.1),
            _ => Ok(false),
        })?;
        Ok(true)
    })?;
    let own = [member, whole]
        .into_iter()
        .find(|(id, name)| HsaId::new(id).as_ref() == Some(unit) && !name.is_empty());
    Ok(own.map(|(_, name)| name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::called::ns;

    fn read<T>(text: &str, read: impl FnOnce(&mut Reader<'_>) -> Result<T, ReadError>) -> T {
        read(&mut Reader::new(text, ns::of_uri).unwrap()).unwrap()
    }

    fn told(commission: &str) -> Option<DirectoryPerson> {
        let text = format!(
            "<r xmlns='urn:x'><credentialInformation><hsaTitle>x</hsaTitle><middleAndSurName>Sand</middleAndSurName>
             <personHsaId>se-1</personHsaId><givenName>Eva</givenName><hsaSystemRole><role>Spärradministratör</role>
             <systemId>BIF</systemId></hsaSystemRole>{commission}</credentialInformation><credentialInformation>
             <personHsaId>SE-2</personHsaId><commission><commissionPurpose>Administration</commissionPurpose>
             <healthCareProviderHsaId>SE-V2</healthCareProviderHsaId></commission></credentialInformation></r>"
        );
        let now = "2026-11-26T12:00:00Z".parse().unwrap();
        read(&text, |reader| person_of(reader, &HsaId::new("SE-1").unwrap(), now))
    }

    fn commissions(more: &str) -> usize {
        let text = format!(
            "<commission>{more}<commissionPurpose>Administration</commissionPurpose><commissionRight><activity>a</activity></commissionRight>
             <healthCareProviderHsaId>SE-V1</healthCareProviderHsaId></commission>"
        );
        told(&text).unwrap().commissions.len()
    }

    #[test]
    fn what_is_needed_is_found_by_its_name_and_of_the_own_id_only() {
        let person = told("").unwrap();
        assert_eq!((person.name.as_str(), person.commissions.len()), ("Eva Sand", 0));
        assert_eq!(person.system_roles, ["BIF;Spärradministratör"]);
        let whole = told(
            "<commission><commissionPurpose>Administration</commissionPurpose><healthCareProviderName>Region</healthCareProviderName>
             <healthCareProviderHsaId>SE-V1</healthCareProviderHsaId></commission>",
        );
        let own = &whole.unwrap().commissions[0];
        assert_eq!((own.unit.as_str(), own.unit_name.as_str()), ("SE-V1", "Region"));
    }

    #[test]
    fn what_is_not_in_force_is_not_offered() {
        for (more, count) in [
            ("", 1),
            ("<archivedHealthCareUnit>false</archivedHealthCareUnit>", 1),
            ("<archivedHealthCareUnit>true</archivedHealthCareUnit>", 0),
            ("<feignedCommission>1</feignedCommission>", 0),
            ("<healthCareUnitStartDate>2026-11-26T12:00:00</healthCareUnitStartDate>", 1),
            ("<healthCareUnitStartDate>2026-11-27T12:00:00</healthCareUnitStartDate>", 0),
            ("<healthCareUnitEndDate>2026-11-26T12:59:00</healthCareUnitEndDate>", 0),
            ("<healthCareUnitEndDate>2026-11-26T13:01:00</healthCareUnitEndDate>", 1),
            ("<healthCareUnitEndDate>i morgon</healthCareUnitEndDate>", 0),
        ] {
            assert_eq!(commissions(more), count, "{more}");
        }
        let without =
            "<commission><healthCareProviderHsaId>SE-V1</healthCareProviderHsaId></commission>";
        assert_eq!(told(without).unwrap().commissions.len(), 0, "no purpose");
    }

    #[test]
    fn a_unit_has_its_own_name() {
        let text = "<r xmlns='urn:x'><healthCareUnit><healthCareUnitName>Kliniken</healthCareUnitName>
            <healthCareUnitHsaId>SE-K</healthCareUnitHsaId><healthCareUnitMemberHsaId>SE-A</healthCareUnitMemberHsaId>
            <healthCareUnitMemberName>Avdelningen</healthCareUnitMemberName></healthCareUnit></r>";
        for (unit, name) in
            [("SE-A", Some("Avdelningen")), ("se-k", Some("Kliniken")), ("SE-X", None)]
        {
            let unit = HsaId::new(unit).unwrap();
            assert_eq!(read(text, |reader| unit_name_of(reader, &unit)).as_deref(), name);
        }
    }
}
