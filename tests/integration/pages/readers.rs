//! *Vem har läst*: each planted story is found, and no innocent access is called anything grave.

use super::{BLOCKS, CARE, LOG, Pages, text};
use sigill::domain::identity::PatientId;
use sigill::domain::review::verdict::{AccessVerdict, VerdictClass};
use sigill::procedures::judging::{JudgedPeriod, judge};
use sigill::store::log::accesses::AccessRow;
use std::collections::BTreeMap;

#[tokio::test]
async fn every_story_about_blocks_and_consents_is_found() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(LOG).await;
    for (story, says) in [
        (5, "Trots spärr"),
        (6, "Trots spärr"),
        (11, "Kan inte avgöras"),
        (13, "Ändamålet är ett annat än vård"),
        (15, "makulerades senare"),
        (0, "Egen vårdgivare"),
        (14, "Egen vårdgivare"),
        (7, "Grund saknas"),
        (8, "Ett intyg registrerades 4 minuter senare."),
        (9, "Systemet säger att det var en nödsituation, men ingen är registrerad."),
        (10, "Patienten var under 18 år"),
    ] {
        let lookup = reader.look_up(&pages.story(story)).await;
        let page = text(&reader.get(&format!("{lookup}/lasningar?fran=2026-10-01")).await);
        assert!(page.contains(says), "{story}: {says}: {page}");
    }
}

#[tokio::test]
async fn who_has_read_is_filtered_logged_and_for_who_may() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(LOG).await;
    let lookup = reader.look_up(&pages.story(5)).await;
    let before = pages.views().await;
    let page = format!("{lookup}/lasningar?fran=2026-10-01");
    assert!(text(&reader.get(&page).await).contains("Trots spärr"));
    assert_eq!(pages.views().await, before + 1);
    let own = text(&reader.get(&format!("{page}&klass=consent")).await);
    assert!(own.contains("0 tillfällen"), "{own}");
    let reversed = format!("{lookup}/lasningar?fran=2026-11-02&till=2026-11-01");
    let reversed = reader.get(&reversed).await;
    assert_eq!(reversed.status, 422);
    assert!(text(&reversed).contains("Perioden slutar innan den börjar."));
    let none = reader.get(&format!("{lookup}/lasningar?fran=2026-13-01")).await;
    assert_eq!(none.status, 422);
    // Whoever handles blocks does not look into the log.
    for role in [BLOCKS, CARE] {
        let mut other = pages.logged_in(role).await;
        let lookup = other.look_up(&pages.story(5)).await;
        assert_eq!(other.get(&format!("{lookup}/lasningar")).await.status, 403, "{role}");
    }
}

#[tokio::test]
async fn no_innocent_access_is_called_grave() {
    let pages = Pages::start().await;
    let mut judged = 0;
    let mut grave = Vec::new();
    for at in 0..3 {
        let mut reader = pages.logged_in(&format!("SE2321000016-A{at}2")).await;
        let first_story = sigill::demo::stories::patient(&pages.region, 0);
        for patient in &pages.region.patients[..first_story] {
            let lookup = reader.look_up(&patient.number).await;
            let page = text(&reader.get(&format!("{lookup}/lasningar?fran=2025-01-01")).await);
            judged += page.matches("Egen vårdgivare</span>").count();
            for class in ["Trots spärr</span>", "Grund saknas</span>"] {
                if page.contains(class) {
                    grave.push((patient.number.clone(), class));
                }
            }
        }
    }
    assert!(judged > 500, "{judged}");
    assert_eq!(grave, []);
}

#[tokio::test]
async fn a_whole_period_is_judged_patient_by_patient() {
    let pages = Pages::start().await;
    let store = &pages.service.services.store;
    let tenant = store.tenant("default").await.unwrap();
    let interval =
        ("2025-01-01T00:00:00Z".parse().unwrap(), "2027-01-01T00:00:00Z".parse().unwrap());
    let period = JudgedPeriod { tenant, interval, complete_from: None, holds_blocks_of: &|_| true };
    let (mut grave, mut steps) = (BTreeMap::<String, usize>::new(), 0);
    let tell = |row: &AccessRow, _: &PatientId, verdict: &AccessVerdict| {
        if verdict.class < VerdictClass::Undecided {
            *grave.entry(row.patient_extension.clone()).or_default() += 1;
        }
    };
    let counts = judge(store, &period, tell, |_| steps += 1).await.unwrap();
    let told = "select count(distinct entry_number) from log_resources where patient_extension is not null";
    let posts: u64 = counts.posts.values().sum();
    assert_eq!(i64::try_from(posts).unwrap(), pages.service.database.count(told).await);
    assert!(posts > 2_500 && steps > 0);
    // Those that were planted, and nobody else's.
    let planted: BTreeMap<String, usize> =
        [5, 6, 7, 8, 9, 15].map(|story| (pages.story(story), 1)).into();
    assert_eq!(grave, planted);
    let of = |class| counts.posts.get(&class).copied().unwrap_or_default();
    assert_eq!((of(VerdictClass::AgainstBlock), of(VerdictClass::NoGround)), (3, 3));
}
