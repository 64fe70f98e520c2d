//! Who there is: care providers, units, staff, patients.

use super::chance::Chance;
use super::names::{GIVEN, PROVIDERS, SURNAMES, TITLES, UNITS};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::people::roles::{ADMINISTRATION, CARE, Role, RoleRule};
use crate::store::people::directory::{
    Directory, DirectoryAssignment, DirectoryEmployee, DirectoryUnit,
};
use chrono::NaiveTime;

/// How large the region is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Care providers.
    pub providers: usize,
    /// Units, shared among them.
    pub units: usize,
    /// Staff, shared among the units.
    pub staff: usize,
    /// Patients.
    pub patients: usize,
    /// Patients who have a block.
    pub blocks: usize,
    /// Consents.
    pub consents: usize,
    /// Emergencies.
    pub emergencies: usize,
    /// Log records.
    pub posts: usize,
}

impl Size {
    /// For a demonstration.
    pub const SMALL: Self = Self {
        providers: 3,
        units: 12,
        staff: 240,
        patients: 4_000,
        blocks: 600,
        consents: 5_000,
        emergencies: 120,
        posts: 400_000,
    };
    /// Ten times that.
    pub const REGION: Self = Self {
        providers: 10,
        units: 120,
        staff: 2_400,
        patients: 40_000,
        blocks: 6_000,
        consents: 50_000,
        emergencies: 1_200,
        posts: 4_000_000,
    };
    /// For a test.
    pub const TINY: Self = Self {
        providers: 3,
        units: 6,
        staff: 36,
        patients: 200,
        blocks: 30,
        consents: 60,
        emergencies: 6,
        posts: 3_000,
    };
}

/// A unit.
#[derive(Debug, Clone)]
pub struct Unit {
    /// HSA-id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Which of the providers.
    pub provider: usize,
    /// Its staff, by place in the region's.
    pub staff: Vec<usize>,
}

/// An employee.
#[derive(Debug, Clone)]
pub struct Employee {
    /// HSA-id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Title.
    pub title: &'static str,
    /// At which of the units.
    pub unit: usize,
    /// The employee's own personal number, where it is known.
    pub number: Option<String>,
}

/// A patient.
#[derive(Debug, Clone)]
pub struct Patient {
    /// Personal number.
    pub number: String,
    /// Name.
    pub name: String,
}

/// Everybody.
#[derive(Debug, Clone)]
pub struct Region {
    /// Care providers: id and name.
    pub providers: Vec<(String, String)>,
    /// Units.
    pub units: Vec<Unit>,
    /// Staff.
    pub staff: Vec<Employee>,
    /// Patients.
    pub patients: Vec<Patient>,
    /// The directory.
    pub directory: Directory,
}

/// What the demonstration follows from.
pub const SEED: u64 = 7;
/// Patients who are kept for stories: the last ones of the region.
pub const STORY_PATIENTS: usize = 60;
/// The series of personal numbers.
pub const PERSONAL: &str = "1.2.752.129.2.1.3.1";

impl Patient {
    /// As the registers know the patient.
    pub fn id(&self) -> Option<PatientId> {
        PatientId::new(PERSONAL, &self.number).ok()
    }
}

/// A personal number with a wrong check digit.
fn number(chance: &mut Chance, from: i64, to: i64) -> String {
    let (year, month, day) =
        (chance.between(from, to), chance.between(1, 12), chance.between(1, 28));
    let nine = format!("{:02}{month:02}{day:02}{:03}", year % 100, chance.between(100, 999));
    let sum: u32 = nine
        .bytes()
        .enumerate()
        .map(|(at, digit)| {
            let doubled = u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
            doubled / 10 + doubled % 10
        })
        .sum();
    let wrong = (10 - sum % 10 + 5) % 10;
    format!("{:02}{nine}{wrong}", year / 100)
}

fn name(chance: &mut Chance) -> String {
    let (given, surname) = (chance.below(GIVEN.len()), chance.below(SURNAMES.len()));
    format!("{} {}", GIVEN[given], SURNAMES[surname])
}

impl Region {
    /// Of a seed.
    pub fn new(seed: u64, size: Size) -> Self {
        let mut chance = Chance::new(seed);
        let providers: Vec<(String, String)> = (0..size.providers)
            .map(|at| {
                (format!("SE2321000016-V{:02}", at + 1), PROVIDERS[at % PROVIDERS.len()].to_owned())
            })
            .collect();
        let mut units: Vec<Unit> = (0..size.units)
            .map(|at| {
                let round = at / size.providers;
                let name = UNITS[round % UNITS.len()];
                let suffix = if round < UNITS.len() {
                    String::new()
                } else {
                    format!(" {}", round / UNITS.len() + 1)
                };
                Unit {
                    id: format!("SE2321000016-U{:03}", at + 1),
                    name: format!("{name}{suffix}"),
                    provider: at % size.providers,
                    staff: Vec::new(),
                }
            })
            .collect();
        let mut staff: Vec<Employee> = (0..size.staff)
            .map(|at| {
                let unit = at % size.units;
                units[unit].staff.push(at);
                Employee {
                    id: format!("SE2321000016-P{:04}", at + 1),
                    name: name(&mut chance),
                    title: TITLES[chance.below(TITLES.len())],
                    unit,
                    number: Some(number(&mut chance, 1960, 2000)),
                }
            })
            .collect();
        let patients: Vec<Patient> = (0..size.patients)
            .map(|_| Patient { number: number(&mut chance, 1930, 2020), name: name(&mut chance) })
            .collect();
        let mut patients = patients;
        stories(&mut patients, &mut staff, size.units, &mut chance);
        let mut region =
            Self { providers, units, staff, patients, directory: Directory::default() };
        region.directory = region.made_directory();
        region
    }

    /// The directory: everybody at work in care, and at each provider those who administer.
    fn made_directory(&self) -> Directory {
        let units = self.units.iter().map(|unit| {
            let (provider_id, provider_name) = self.providers[unit.provider].clone();
            DirectoryUnit {
                unit_id: unit.id.clone(),
                unit_name: unit.name.clone(),
                provider_id,
                provider_name,
                county: Some(
                    if unit.provider < 3 { "Norrviks län" } else { "Söderskogs län" }.to_owned(),
                ),
                phone: Some(format!("010-{:03} 00 00", 100 + unit.provider)),
                manager_id: unit.staff.first().map(|at| self.staff[*at].id.clone()),
                opens: NaiveTime::from_hms_opt(7, 0, 0),
                closes: NaiveTime::from_hms_opt(17, 0, 0),
            }
        });
        let mut directory = Directory { units: units.collect(), ..Directory::default() };
        for employee in &self.staff {
            directory.staff.push(DirectoryEmployee {
                employee_id: employee.id.clone(),
                employee_name: employee.name.clone(),
                title: Some(employee.title.to_owned()),
                manager_id: None,
                person_root: employee.number.as_ref().map(|_| PERSONAL.to_owned()),
                person_extension: employee.number.clone(),
                system_roles: Vec::new(),
            });
            let unit = &self.units[employee.unit];
            directory.assignments.extend(assignment(
                &employee.id,
                "1",
                &format!("Vård vid {}", unit.name),
                CARE,
                &unit.id,
            ));
        }
        for (at, (provider, _)) in self.providers.iter().enumerate() {
            let Some(unit) = self.units.iter().find(|unit| unit.provider == at) else { continue };
            for (number, (name, title, role)) in (1..).zip(ADMINISTRATORS) {
                let id = format!("SE2321000016-A{at}{number}");
                directory.staff.push(DirectoryEmployee {
                    employee_id: id.clone(),
                    employee_name: name.to_owned(),
                    title: Some(title.to_owned()),
                    manager_id: None,
                    person_root: None,
                    person_extension: None,
                    system_roles: vec![role.to_owned()],
                });
                let what = format!("{title}, {}", provider_name(self, provider));
                directory.assignments.extend(assignment(&id, "2", &what, ADMINISTRATION, &unit.id));
            }
        }
        directory
    }
}

/// Those whom stories are about: an employee as a patient, a rare surname, a child.
fn stories(patients: &mut [Patient], staff: &mut [Employee], units: usize, chance: &mut Chance) {
    let first = patients.len().saturating_sub(STORY_PATIENTS);
    let Some(of) = patients.get_mut(first..) else { return };
    if of.len() < STORY_PATIENTS || staff.len() <= 4 * units {
        return;
    }
    // The second of the first unit reads the own record, the fifth a parent's; the third is ill.
    let own = &staff[units];
    of[0] = Patient { number: own.number.clone().unwrap_or_default(), name: own.name.clone() };
    "Ingegerd Silfverhjelm".clone_into(&mut of[1].name);
    "Karin Silfverhjelm".clone_into(&mut staff[4 * units].name);
    of[2] = Patient {
        number: staff[2 * units].number.clone().unwrap_or_default(),
        name: staff[2 * units].name.clone(),
    };
    "Pelle Popstjärna".clone_into(&mut of[3].name);
    // Of a child nothing is said to lack a ground.
    for adult in [5, 6, 7, 8, 9, 13, 15] {
        of[adult].number = number(chance, 1940, 1990);
    }
    of[10] = Patient { number: number(chance, 2016, 2019), name: "Elsa Berg".to_owned() };
}

fn provider_name<'r>(region: &'r Region, id: &str) -> &'r str {
    region.providers.iter().find(|(own, _)| own == id).map_or("", |(_, name)| name)
}

fn assignment(
    employee: &str,
    number: &str,
    name: &str,
    purpose: &str,
    unit: &str,
) -> Option<DirectoryAssignment> {
    Some(DirectoryAssignment {
        employee: HsaId::new(employee)?,
        id: format!("{employee}-{number}"),
        name: name.to_owned(),
        purpose: purpose.to_owned(),
        unit: HsaId::new(unit)?,
    })
}

/// What gives the roles that have no name in BIF.
pub fn rules() -> Vec<RoleRule> {
    let named = [
        ("SIGILL;Granskare", Role::Reviewer),
        ("SIGILL;Informationssäkerhet", Role::Security),
        ("SIGILL;Dataskyddsombud", Role::Auditor),
    ];
    let rule = |(name, role): (&str, Role)| RoleRule {
        role,
        system_role: Some(name.to_owned()),
        employee: None,
        purposes: Vec::new(),
    };
    named.into_iter().map(rule).collect()
}

/// Those who administer, at each care provider: name, title, system role.
pub const ADMINISTRATORS: [(&str, &str, &str); 7] = [
    ("Eva Sand", "Spärradministratör", "BIF;Spärradministratör"),
    ("Lars Ek", "Loggadministratör", "BIF;Loggadministratör"),
    ("Maja Lund", "Driftansvarig", "BIF;Administratör"),
    ("Nils Grahn", "Granskare", "SIGILL;Granskare"),
    ("Sara Vik", "Informationssäkerhet", "SIGILL;Informationssäkerhet"),
    ("Olof Dahl", "Dataskyddsombud", "SIGILL;Dataskyddsombud"),
    ("Ida Rask", "Informationssäkerhet", "SIGILL;Informationssäkerhet"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::people::number::read;

    #[test]
    fn stories_about_grounds_are_of_adults_but_one() {
        let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 26).unwrap();
        for size in [Size::TINY, Size::SMALL] {
            let region = Region::new(SEED, size);
            let first = region.patients.len() - STORY_PATIENTS;
            let is_child = |story: usize| {
                let patient = region.patients[first + story].id().unwrap();
                crate::domain::people::number::age_of(&patient, today).unwrap() < 18
            };
            assert!([5, 6, 7, 8, 9, 13, 15].into_iter().all(|story| !is_child(story)));
            assert!(is_child(10));
        }
    }

    #[test]
    fn a_seed_gives_one_region_and_numbers_that_are_nobodys() {
        let (one, same) = (Region::new(7, Size::TINY), Region::new(7, Size::TINY));
        let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 26).unwrap();
        for (patient, again) in one.patients.iter().zip(&same.patients) {
            assert_eq!(patient.number, again.number);
            assert!(read(&patient.number, today).unwrap().has_wrong_check_digit);
        }
        assert_ne!(one.patients[0].number, Region::new(8, Size::TINY).patients[0].number);
    }
}
