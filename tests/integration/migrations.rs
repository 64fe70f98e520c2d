//! Migrations as what they are: changes to a database that has rows already.

use super::harness::{Database, testdata};
use std::path::Path;

#[tokio::test]
async fn every_migration_runs_over_the_rows_of_those_before() {
    let database = Database::empty().await;
    let pool = database.pool().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "sql"));
    files.sort();
    for migration in files {
        let name = migration.file_name().unwrap().to_str().unwrap();
        for file in [migration.clone(), testdata(&format!("migrations/{name}"))] {
            let sql = std::fs::read_to_string(&file).unwrap();
            sqlx::raw_sql(&sql)
                .execute(&pool)
                .await
                .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        }
    }
}

#[tokio::test]
async fn every_table_says_what_it_holds() {
    let database = Database::new().await;
    let silent = "select count(*) from pg_class c
        where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace
          and obj_description(c.oid) is null and relname <> '_sqlx_migrations'";
    assert_eq!(database.count(silent).await, 0);
}
