//! What the review of the log does by itself: rounds of draws and lists, verdicts of days, and what the night tidies. One
//! process at a time does each.

use super::loops::leased;
use crate::procedures::people::on_duty::SharedPeople;
use chrono::TimeDelta;
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked what is due.
const ROUND: Duration = Duration::from_mins(1);
/// How often it is looked whether a day is over that nobody has judged.
const VERDICTS: Duration = Duration::from_mins(10);
/// How often it is tidied.
const NIGHT: Duration = Duration::from_hours(24);
/// How often surnames are counted.
const WEEK: Duration = Duration::from_hours(7 * 24);
/// How far back second notices of draws are looked for.
const NOTICES: TimeDelta = TimeDelta::days(100);

/// Goes on with every review, until told to stop.
pub async fn rounds(people: SharedPeople, stop: watch::Receiver<bool>) {
    let store = people.services.store.clone();
    leased(store, "reviews", ROUND, stop, |held| {
        let people = people.clone();
        async move {
            while held.go_on().await? && people.review_round(people.clock.now()).await? {}
            Ok(())
        }
    })
    .await;
}

/// Judges days that are over, until told to stop.
pub async fn verdicts(people: SharedPeople, stop: watch::Receiver<bool>) {
    let store = people.services.store.clone();
    leased(store, "verdicts", VERDICTS, stop, |held| {
        let people = people.clone();
        async move {
            for tenant in people.services.tenants.all() {
                while held.go_on().await?
                    && people.judge_next_day(tenant, people.clock.now()).await?
                {}
            }
            Ok(())
        }
    })
    .await;
}

/// Tidies once a day, until told to stop.
pub async fn nights(people: SharedPeople, stop: watch::Receiver<bool>) {
    let store = people.services.store.clone();
    leased(store, "review-nights", NIGHT, stop, |held| {
        let people = people.clone();
        async move {
            let (now, mut failed) = (people.clock.now(), None);
            for tenant in people.services.tenants.all() {
                if held.go_on().await? {
                    let alarms = people.look_for_second_notices(tenant, now - NOTICES).await;
                    let tidied = people.tidy_reviews(tenant, now).await;
                    failed = failed.or(alarms.map(|_| ()).and(tidied).err());
                }
            }
            failed.map_or(Ok(()), Err)
        }
    })
    .await;
}

/// Counts surnames once a week, until told to stop.
pub async fn surnames(people: SharedPeople, stop: watch::Receiver<bool>) {
    let store = people.services.store.clone();
    leased(store, "surnames", WEEK, stop, |held| {
        let people = people.clone();
        async move {
            for tenant in people.services.tenants.all() {
                if held.go_on().await? {
                    people.count_surnames(tenant, people.clock.now()).await?;
                }
            }
            Ok(())
        }
    })
    .await;
}
