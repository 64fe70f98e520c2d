//! Durable jobs: one process at a time does a job, and none is lost with its process.

use super::harness::Database;
use sigill::fairness::shares::Percentages;
use sigill::store::database::Store;
use std::time::Duration;

const LONG: Duration = Duration::from_hours(1);
const ENDED: Duration = Duration::ZERO;

#[tokio::test]
async fn a_job_belongs_to_one_process_until_its_lease_ends() {
    let database = Database::new().await;
    let store = Store::open(database.options(), 4, Percentages::default()).await.unwrap();
    let other = Store::open(database.options(), 4, Percentages::default()).await.unwrap();
    assert_eq!(store.lease_job("draw", LONG).await.unwrap(), None, "there is none");
    for _ in 0..2 {
        store.ensure_job("draw", "a").await.unwrap();
    }
    let (mine, theirs) = tokio::join!(store.lease_job("draw", LONG), other.lease_job("draw", LONG));
    let (mine, theirs) = (mine.unwrap(), theirs.unwrap());
    let lost = mine.clone().or(theirs.clone()).unwrap();
    assert_eq!((mine.is_some(), theirs.is_some()), (mine.is_some(), mine.is_none()), "one has it");
    assert_eq!((lost.subject.as_str(), lost.attempts), ("a", 1));
    assert!(store.extend_job(&lost, ENDED).await.unwrap(), "as if it were not heard of");
    let taken = other.lease_job("draw", LONG).await.unwrap().unwrap();
    assert_eq!(taken.attempts, 2);
    // Whoever comes back too late changes nothing of it.
    assert!(!store.extend_job(&lost, LONG).await.unwrap());
    store.postpone_job(&lost, ENDED, Some("late")).await.unwrap();
    store.finish_job(&lost).await.unwrap();
    assert_eq!(store.lease_job("draw", LONG).await.unwrap(), None);
    other.postpone_job(&taken, LONG, Some("no answer")).await.unwrap();
    assert_eq!(store.lease_job("draw", LONG).await.unwrap(), None, "not due");
    let kept = "select count(*) from jobs where failure = 'no answer' and leased_until is null";
    assert_eq!(database.count(kept).await, 1);
    let due = sqlx::query("update jobs set due_at = now()");
    due.execute(&database.pool().await).await.unwrap();
    let again = store.lease_job("draw", LONG).await.unwrap().unwrap();
    store.finish_job(&again).await.unwrap();
    assert_eq!(database.count("select count(*) from jobs").await, 0);
}

#[tokio::test]
async fn the_job_that_has_been_due_the_longest_comes_first() {
    let database = Database::new().await;
    let store = Store::open(database.options(), 4, Percentages::default()).await.unwrap();
    for subject in ["a", "b", "c"] {
        store.ensure_job("order", subject).await.unwrap();
    }
    store.ensure_job("other", "d").await.unwrap();
    let first = store.lease_job("order", LONG).await.unwrap().unwrap();
    store.postpone_job(&first, ENDED, None).await.unwrap();
    let mut order = Vec::new();
    while let Some(job) = store.lease_job("order", LONG).await.unwrap() {
        order.push(job.subject);
    }
    assert_eq!(order, ["b", "c", "a"]);
}
