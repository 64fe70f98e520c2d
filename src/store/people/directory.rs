//! The directory: units, employees, assignments and hours, as they were imported.

use crate::domain::identity::{HsaId, patient_key};
use crate::domain::people::roles::Assignment;
use crate::domain::time::Timestamp;
use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::rows::Origin;
use crate::store::tenants::TenantId;
use chrono::NaiveTime;
use sqlx::{FromRow, PgConnection};

/// A unit of the directory.
#[derive(Debug, Clone, FromRow)]
pub struct DirectoryUnit {
    /// HSA-id.
    pub unit_id: String,
    /// Name.
    pub unit_name: String,
    /// Its care provider.
    pub provider_id: String,
    /// The name of that.
    pub provider_name: String,
    /// The county (län), for figures.
    pub county: Option<String>,
    /// Where questions are answered.
    pub phone: Option<String>,
    /// Who manages it.
    pub manager_id: Option<String>,
    /// When it opens ...
    pub opens: Option<NaiveTime>,
    /// ... and closes.
    pub closes: Option<NaiveTime>,
}

/// An employee of the directory.
#[derive(Debug, Clone, FromRow)]
pub struct DirectoryEmployee {
    /// HSA-id.
    pub employee_id: String,
    /// Name.
    pub employee_name: String,
    /// Title.
    pub title: Option<String>,
    /// Who manages the employee.
    pub manager_id: Option<String>,
    /// Series and ...
    pub person_root: Option<String>,
    /// ... number of the employee's own identity.
    pub person_extension: Option<String>,
    /// System roles, as `system;role`.
    pub system_roles: Vec<String>,
}

/// An assignment of an employee at a unit.
#[derive(Debug, Clone)]
pub struct DirectoryAssignment {
    /// Whose.
    pub employee: HsaId,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its purpose.
    pub purpose: String,
    /// At which unit.
    pub unit: HsaId,
}

/// Hours that an employee is scheduled to work.
#[derive(Debug, Clone)]
pub struct DirectoryHours {
    /// Who.
    pub employee: HsaId,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// A whole directory.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// Units.
    pub units: Vec<DirectoryUnit>,
    /// Employees.
    pub staff: Vec<DirectoryEmployee>,
    /// Assignments.
    pub assignments: Vec<DirectoryAssignment>,
    /// Hours.
    pub hours: Vec<DirectoryHours>,
}

fn key(text: &str) -> String {
    HsaId::new(text).map(|id| id.key()).unwrap_or_default()
}

impl Store {
    /// Replaces a tenant's directory: all of it, or nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn replace_directory(
        &self,
        tenant: TenantId,
        directory: &Directory,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for table in
            ["directory_hours", "directory_assignments", "directory_staff", "directory_units"]
        {
            let sql = format!("/* clear_directory */ delete from {table} where tenant_id = $1");
            sqlx::query(&sql).bind(tenant.0).execute(&mut *transaction).await?;
        }
        keep_units(&mut transaction, tenant, &directory.units).await?;
        keep_staff(&mut transaction, tenant, &directory.staff).await?;
        for chunk in directory.assignments.chunks(1_000) {
            let of = |part: fn(&DirectoryAssignment) -> String| -> Vec<String> {
                chunk.iter().map(part).collect()
            };
            sqlx::query(
                "/* keep_assignments */ insert into directory_assignments (tenant_id, employee_key, assignment_id,
                    assignment_name, purpose, unit_key)
                 select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])",
            )
            .bind(tenant.0)
            .bind(of(|a| a.employee.key()))
            .bind(of(|a| a.id.clone()))
            .bind(of(|a| a.name.clone()))
            .bind(of(|a| a.purpose.clone()))
            .bind(of(|a| a.unit.key()))
            .execute(&mut *transaction)
            .await?;
        }
        for chunk in directory.hours.chunks(5_000) {
            let times = |part: fn(&DirectoryHours) -> Timestamp| -> Vec<Timestamp> {
                chunk.iter().map(part).collect()
            };
            let who: Vec<String> = chunk.iter().map(|hours| hours.employee.key()).collect();
            sqlx::query(
                "/* keep_hours */ insert into directory_hours (tenant_id, employee_key, from_at, to_at)
                 select $1, * from unnest($2::text[], $3::timestamptz[], $4::timestamptz[])",
            )
            .bind(tenant.0)
            .bind(who)
            .bind(times(|hours| hours.from))
            .bind(times(|hours| hours.to))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// A care provider's units, by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn units_of(
        &self,
        tenant: TenantId,
        provider: &HsaId,
    ) -> Result<Vec<DirectoryUnit>, StoreError> {
        let found = sqlx::query_as(
            "/* units_of */ select unit_id, unit_name, provider_id, provider_name, county, phone, manager_id, opens, closes
             from directory_units where tenant_id = $1 and provider_key = $2 order by unit_name, unit_key limit 2000",
        );
        Ok(found.bind(tenant.0).bind(provider.key()).fetch_all(&self.pool).await?)
    }

    /// A unit, or a provider by one of its units.
    ///
    /// # Errors
    /// The store's.
    pub async fn directory_unit(
        &self,
        tenant: TenantId,
        id: &HsaId,
    ) -> Result<Option<DirectoryUnit>, StoreError> {
        let found = sqlx::query_as(
            "/* directory_unit */ select unit_id, unit_name, provider_id, provider_name, county, phone, manager_id, opens, closes
             from directory_units where tenant_id = $1 and (unit_key = $2 or provider_key = $2)
             order by unit_key = $2 desc, unit_name limit 1",
        );
        Ok(found.bind(tenant.0).bind(id.key()).fetch_optional(&self.pool).await?)
    }

    /// Names of units, providers and employees by the keys of their ids: those that are known.
    ///
    /// # Errors
    /// The store's.
    pub async fn names_of(
        &self,
        tenant: TenantId,
        keys: &[String],
    ) -> Result<Vec<(String, String)>, StoreError> {
        let found = sqlx::query_as(
            "/* names_of */ select unit_key, unit_name from directory_units where tenant_id = $1 and unit_key = any($2)
             union select provider_key, max(provider_name) from directory_units
                where tenant_id = $1 and provider_key = any($2) group by 1
             union select employee_key, employee_name from directory_staff
                where tenant_id = $1 and employee_key = any($2)",
        );
        Ok(found.bind(tenant.0).bind(keys).fetch_all(&self.pool).await?)
    }

    /// An employee of a directory, wherever; with the tenant.
    ///
    /// # Errors
    /// The store's.
    pub async fn directory_employee(
        &self,
        employee: &HsaId,
    ) -> Result<Vec<(TenantId, DirectoryEmployee)>, StoreError> {
        #[derive(FromRow)]
        struct DirectoryRow {
            tenant_id: i32,
            #[sqlx(flatten)]
            employee: DirectoryEmployee,
        }
        let rows: Vec<DirectoryRow> = sqlx::query_as(
            "/* directory_employee */ select tenant_id, employee_id, employee_name, title, manager_id, person_root,
                person_extension, system_roles from directory_staff where employee_key = $1 order by tenant_id",
        )
        .bind(employee.key())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), row.employee)).collect())
    }

    /// The employees of a tenant who can be logged in as for tests: those with system roles, and some others.
    ///
    /// # Errors
    /// The store's.
    pub async fn test_persons(
        &self,
        tenant: TenantId,
        most: i64,
    ) -> Result<Vec<DirectoryEmployee>, StoreError> {
        let found = sqlx::query_as(
            "/* test_persons */ select employee_id, employee_name, title, manager_id, person_root, person_extension,
                system_roles from directory_staff s where tenant_id = $1
                and exists (select from directory_assignments a where a.tenant_id = $1 and a.employee_key = s.employee_key)
             order by system_roles = '{}', employee_key limit $2",
        );
        Ok(found.bind(tenant.0).bind(most).fetch_all(&self.pool).await?)
    }

    /// An employee's assignments.
    ///
    /// # Errors
    /// The store's.
    pub async fn assignments_in_directory(
        &self,
        tenant: TenantId,
        employee: &HsaId,
    ) -> Result<Vec<Assignment>, StoreError> {
        #[derive(FromRow)]
        struct AssignmentRow {
            assignment_id: String,
            assignment_name: String,
            purpose: String,
            unit_id: String,
            unit_name: String,
            provider_id: String,
            provider_name: String,
        }
        let rows: Vec<AssignmentRow> = sqlx::query_as(
            "/* assignments_in_directory */ select assignment_id, assignment_name, purpose, unit_id, unit_name, provider_id,
                provider_name from directory_assignments join directory_units using (tenant_id, unit_key)
             where tenant_id = $1 and employee_key = $2 order by unit_name, assignment_name limit 100",
        )
        .bind(tenant.0)
        .bind(employee.key())
        .fetch_all(&self.pool)
        .await?;
        let at = Origin { table: "directory_assignments", row: 0 };
        rows.into_iter()
            .map(|row| {
                Ok(Assignment {
                    id: at.optional_hsa_id(Some(&row.assignment_id))?,
                    name: row.assignment_name,
                    purpose: row.purpose,
                    unit: at.hsa_id(&row.unit_id)?,
                    unit_name: row.unit_name,
                    provider: at.hsa_id(&row.provider_id)?,
                    provider_name: row.provider_name,
                })
            })
            .collect()
    }

    /// How many units, employees and assignments a directory has.
    ///
    /// # Errors
    /// The store's.
    pub async fn directory_size(&self, tenant: TenantId) -> Result<(i64, i64, i64), StoreError> {
        let found = sqlx::query_as(
            "/* directory_size */ select (select count(*) from directory_units where tenant_id = $1),
                (select count(*) from directory_staff where tenant_id = $1),
                (select count(*) from directory_assignments where tenant_id = $1)",
        );
        Ok(found.bind(tenant.0).fetch_one(&self.pool).await?)
    }
}

async fn keep_units(
    connection: &mut PgConnection,
    tenant: TenantId,
    units: &[DirectoryUnit],
) -> Result<(), StoreError> {
    for unit in units {
        sqlx::query(
            "/* keep_unit */ insert into directory_units (tenant_id, unit_key, unit_id, unit_name, provider_id, provider_key,
                provider_name, county, phone, manager_id, opens, closes)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(tenant.0)
        .bind(key(&unit.unit_id))
        .bind(&unit.unit_id)
        .bind(&unit.unit_name)
        .bind(&unit.provider_id)
        .bind(key(&unit.provider_id))
        .bind(&unit.provider_name)
        .bind(&unit.county)
        .bind(&unit.phone)
        .bind(&unit.manager_id)
        .bind(unit.opens)
        .bind(unit.closes)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn keep_staff(
    connection: &mut PgConnection,
    tenant: TenantId,
    staff: &[DirectoryEmployee],
) -> Result<(), StoreError> {
    for employee in staff {
        let own = employee.person_root.as_deref().zip(employee.person_extension.as_deref());
        let own = own.and_then(|(root, number)| patient_key(root, number).ok());
        sqlx::query(
            "/* keep_employee */ insert into directory_staff (tenant_id, employee_key, employee_id, employee_name, title,
                manager_id, person_root, person_extension, person_key, system_roles)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(tenant.0)
        .bind(key(&employee.employee_id))
        .bind(&employee.employee_id)
        .bind(&employee.employee_name)
        .bind(&employee.title)
        .bind(&employee.manager_id)
        .bind(&employee.person_root)
        .bind(&employee.person_extension)
        .bind(own)
        .bind(&employee.system_roles)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
