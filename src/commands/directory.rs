//! `sigill import directory`: units, employees, assignments and hours, out of a file.

use super::error::CommandError;
use super::settings::{Settings, tenant_named};
use crate::app::store_of_running;
use crate::domain::identity::HsaId;
use crate::domain::time::Timestamp;
use crate::store::people::directory::{
    Directory, DirectoryAssignment, DirectoryEmployee, DirectoryHours, DirectoryUnit,
};
use chrono::NaiveTime;
use serde::Deserialize;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The longest file that is read.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A directory as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DirectoryFile {
    #[serde(default)]
    unit: Vec<WrittenUnit>,
    #[serde(default)]
    employee: Vec<WrittenEmployee>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUnit {
    id: String,
    name: String,
    provider: String,
    provider_name: String,
    county: Option<String>,
    phone: Option<String>,
    manager: Option<String>,
    opens: Option<String>,
    closes: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEmployee {
    id: String,
    name: String,
    title: Option<String>,
    manager: Option<String>,
    person_root: Option<String>,
    person_number: Option<String>,
    #[serde(default)]
    system_roles: Vec<String>,
    #[serde(default)]
    assignment: Vec<WrittenAssignment>,
    /// From and to, each an instant with its offset.
    #[serde(default)]
    hours: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAssignment {
    id: String,
    name: String,
    purpose: String,
    unit: String,
}

/// Replaces a tenant's directory by a file's, or only reads that.
///
/// # Errors
/// What is wrong with the file, and where; then nothing is replaced. The store's.
pub async fn import(
    settings: Settings,
    path: &Path,
    tenant: &str,
    dry_run: bool,
) -> Result<bool, CommandError> {
    let directory = read(path)?;
    println!(
        "{} units, {} employees, {} assignments, {} hours",
        directory.units.len(),
        directory.staff.len(),
        directory.assignments.len(),
        directory.hours.len()
    );
    if dry_run {
        return Ok(true);
    }
    let store = store_of_running(&settings.load()?).await?;
    let tenant = tenant_named(&store, tenant).await?;
    store.replace_directory(tenant, &directory).await?;
    store.close().await;
    Ok(true)
}

/// Reads a directory's file.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn read(path: &Path) -> Result<Directory, CommandError> {
    let unreadable = |error| CommandError::File(path.to_owned(), error);
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    let broken = |what: String| CommandError::Broken(PathBuf::from(path), what);
    if length > FILE_BYTES_MAX {
        return Err(broken(format!("more than {FILE_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let file: DirectoryFile = toml::from_str(&text).map_err(|error| broken(error.to_string()))?;
    directory(file).map_err(broken)
}

/// What is written, in the store's words; texts name the place.
fn directory(file: DirectoryFile) -> Result<Directory, String> {
    let mut directory = Directory::default();
    let mut units = HashSet::new();
    for unit in file.unit {
        let at = format!("unit {}", unit.id);
        let id = id(&unit.id, &at)?;
        id_of(&unit.provider, &at, "provider")?;
        if !units.insert(id.key()) {
            return Err(format!("{at}: stands there twice"));
        }
        let time = |text: Option<&str>| {
            let read = text.map(|text| NaiveTime::parse_from_str(text, "%H:%M")).transpose();
            read.map_err(|_| format!("{at}: opens and closes are written HH:MM"))
        };
        directory.units.push(DirectoryUnit {
            opens: time(unit.opens.as_deref())?,
            closes: time(unit.closes.as_deref())?,
            unit_id: unit.id,
            unit_name: unit.name,
            provider_id: unit.provider,
            provider_name: unit.provider_name,
            county: unit.county,
            phone: unit.phone,
            manager_id: unit.manager,
        });
    }
    let mut employees = HashSet::new();
    for employee in file.employee {
        let at = format!("employee {}", employee.id);
        let own = id(&employee.id, &at)?;
        if !employees.insert(own.key()) {
            return Err(format!("{at}: stands there twice"));
        }
        let (assignments, hours) = (employee.assignment, employee.hours);
        assigned(&mut directory, (&own, &at), assignments, &units)?;
        scheduled(&mut directory, (&own, &at), hours)?;
        directory.staff.push(DirectoryEmployee {
            employee_id: employee.id,
            employee_name: employee.name,
            title: employee.title,
            manager_id: employee.manager,
            person_root: employee.person_root,
            person_extension: employee.person_number,
            system_roles: employee.system_roles,
        });
    }
    Ok(directory)
}

fn assigned(
    directory: &mut Directory,
    (own, at): (&HsaId, &str),
    assignments: Vec<WrittenAssignment>,
    units: &HashSet<String>,
) -> Result<(), String> {
    let mut known = HashSet::new();
    for assignment in assignments {
        let unit = id_of(&assignment.unit, at, "unit of an assignment")?;
        if !units.contains(&unit.key()) {
            return Err(format!("{at}: there is no unit {}", assignment.unit));
        }
        if !known.insert(assignment.id.clone()) {
            return Err(format!("{at}: assignment {} stands there twice", assignment.id));
        }
        directory.assignments.push(DirectoryAssignment {
            employee: own.clone(),
            id: assignment.id,
            name: assignment.name,
            purpose: assignment.purpose,
            unit,
        });
    }
    Ok(())
}

fn scheduled(
    directory: &mut Directory,
    (own, at): (&HsaId, &str),
    hours: Vec<(String, String)>,
) -> Result<(), String> {
    for (from, to) in hours {
        let instant = |text: &str| {
            let read = text.parse::<Timestamp>();
            read.map_err(|_| format!("{at}: hours are instants such as 2026-11-26T07:00:00+01:00"))
        };
        let (from, to) = (instant(&from)?, instant(&to)?);
        if to <= from {
            return Err(format!("{at}: hours that end before they begin"));
        }
        directory.hours.push(DirectoryHours { employee: own.clone(), from, to });
    }
    Ok(())
}

fn id(text: &str, at: &str) -> Result<HsaId, String> {
    id_of(text, at, "id")
}

fn id_of(text: &str, at: &str, what: &str) -> Result<HsaId, String> {
    HsaId::new(text).ok_or_else(|| format!("{at}: {what} is blank"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[[unit]]
id = "U1"
name = "Akuten"
provider = "V1"
provider_name = "Regionen"
opens = "07:00"

[[employee]]
id = "P1"
name = "Eva Sand"
system_roles = ["BIF;Spärradministratör"]
hours = [["2026-11-26T07:00:00+01:00", "2026-11-26T16:00:00+01:00"]]

[[employee.assignment]]
id = "C1"
name = "Spärrar"
purpose = "Administration"
unit = "u1"
"#;

    fn read(text: &str) -> Result<Directory, String> {
        directory(toml::from_str(text).map_err(|error: toml::de::Error| error.to_string())?)
    }

    #[test]
    fn a_directory_is_read_whole_or_refused_with_its_place() {
        let good = read(GOOD).unwrap();
        assert_eq!(
            (good.units.len(), good.staff.len(), good.assignments.len(), good.hours.len()),
            (1, 1, 1, 1)
        );
        for (from, to, said) in [
            ("unit = \"u1\"", "unit = \"U2\"", "employee P1: there is no unit U2"),
            ("id = \"P1\"", "id = \" \"", "id is blank"),
            ("07:00\"", "7\"", "HH:MM"),
            ("T16:00:00", "T06:00:00", "end before they begin"),
            ("title", "", ""),
            ("name = \"Eva Sand\"", "name = \"Eva Sand\"\ncolour = 1", "colour"),
        ] {
            let changed = GOOD.replace(from, to);
            match read(&changed) {
                Ok(_) => assert!(said.is_empty(), "{from}"),
                Err(wrong) => assert!(wrong.contains(said) && !said.is_empty(), "{from}: {wrong}"),
            }
        }
        let twice = format!("{GOOD}{}", &GOOD[GOOD.find("[[employee]]").unwrap()..]);
        assert!(read(&twice).unwrap_err().contains("twice"));
    }
}
