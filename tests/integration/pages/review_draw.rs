//! A draw over a sealed log, repeated by a stranger who has the exported file and the public key only.

use super::review::{plan, rounds};
use super::{LOG, Pages, REVIEWER, link, text};
use crate::harness::{Database, Wishes};
use crate::program::Folder;
use crate::sealed::{at, seal_of};
use sigill::config::admin::Admin;
use sigill::demo::region::Size;
use sigill::procedures::review::draw_file::{DrawFile, DrawNotHeld};
use sigill::procedures::seal::log_seal::LogSeal;
use sigill::procedures::seal::sequencing::round;
use sigill::procedures::seal::signing::sign;
use sigill_seal::keys::LogKeys;
use sigill_seal::names::VerifyingName;

const DRAWN: &str = "2026-12-01T05:05:00Z";
const LATER: &str = "2026-12-01T05:06:00Z";

/// Gives leaves to what waits, and signs.
async fn sealed(seal: &LogSeal, time: &str) {
    while seal.store.waiting_for_leaf(64).await.unwrap().entries > 0 {
        round(seal, at(time)).await.unwrap();
    }
    sign(seal, at(time)).await.unwrap();
}

#[tokio::test]
async fn a_stranger_repeats_the_draw_with_the_file_and_the_key() {
    let database = Database::new().await;
    let folder = Folder::new(&format!("draw-{}", database.name));
    let seal = seal_of(&database, folder.path(), folder.path()).await;
    let wishes = Wishes { database: Some(database), seal: Some(seal.clone()), ..Wishes::default() };
    let pages = Pages::of_size(Size::TINY, wishes, Admin::default(), None).await;
    let people = &pages.site.people;
    let mut admin = pages.logged_in(LOG).await;
    plan(&mut admin, "SE2321000016-U001", "sample", "30").await;
    pages.service.set_clock(DRAWN);
    // A checkpoint before the notice, which does not decide.
    sealed(&seal, DRAWN).await;
    rounds(people, at(DRAWN)).await;
    let announced = "select count(*) from reviews where state = 'announced'";
    assert_eq!(pages.service.database.count(announced).await, 1, "no checkpoint has it yet");
    sealed(&seal, LATER).await;
    rounds(people, at(LATER)).await;
    assert_eq!(pages.service.database.count(announced).await, 0);
    let mut reviewer = pages.logged_in(REVIEWER).await;
    let list = reviewer.get("/granskning").await;
    let review = link(&list, "/granskning/1", "").unwrap();
    let draw = text(&reviewer.get(&format!("{review}/dragning")).await);
    assert!(draw.contains("ger samma resultat"), "{draw}");
    assert!(!draw.contains("Det ska bara finnas en"), "{draw}");
    let reply = reviewer.get(&format!("{review}/dragning/fil")).await;
    assert_eq!(reply.status, 200);
    let file = text(&reply);
    let keys = std::fs::read_to_string(folder.path().join("log-keys")).unwrap();
    let [key, _] = LogKeys::of_text(&keys).unwrap().signing.unwrap().verifying();
    let says = DrawFile::read(&file).unwrap().verify(&key).unwrap();
    assert!(says.contains("SE2321000016-U001 in 2026-12") && says.contains("of 6 staff"), "{says}");
    tampered(&file, &key);
    // Another month's checkpoints and sizes do not decide: more is stored and signed, and the draw stays.
    sealed(&seal, LATER).await;
    rounds(people, at("2026-12-02T05:06:00Z")).await;
    assert_eq!(text(&reviewer.get(&format!("{review}/dragning/fil")).await), file);
    // A second notice is an alarm (D7).
    let tenants = people.services.tenants.all();
    let since = at("2026-11-01T00:00:00Z");
    assert_eq!(people.look_for_second_notices(tenants[0], since).await.unwrap(), 0);
    let pool = pages.service.database.pool().await;
    let undo = "update reviews set state = 'planned', notice_log_id = gen_random_uuid(), announced_at = null";
    sqlx::query(undo).execute(&pool).await.unwrap();
    rounds(people, at("2026-12-02T06:06:00Z")).await;
    assert_eq!(people.look_for_second_notices(tenants[0], since).await.unwrap(), 1);
    let draw = text(&reviewer.get(&format!("{review}/dragning")).await);
    assert!(draw.contains("Det finns 2 kungörelser"), "{draw}");
}

/// Whatever is changed, it does not hold.
fn tampered(file: &str, key: &VerifyingName) {
    let json: serde_json::Value = serde_json::from_str(file).unwrap();
    let verified = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut changed = json.clone();
        change(&mut changed);
        assert_ne!(changed, json);
        DrawFile::read(&changed.to_string()).and_then(|file| file.verify(key))
    };
    let day = verified(&|file| file["day"] = "2026-11-01".into());
    assert!(matches!(day, Err(DrawNotHeld::Result(_))), "{day:?}");
    let staff = verified(&|file| file["staff"].as_array_mut().unwrap().truncate(1));
    assert!(matches!(staff, Err(DrawNotHeld::Result(_))), "{staff:?}");
    let order = verified(&|file| file["drawn"].as_array_mut().unwrap().reverse());
    assert!(matches!(order, Err(DrawNotHeld::Result(_))), "{order:?}");
    let notice = verified(&|file| {
        let text = file["notice"].as_str().unwrap().replace("share 30", "share 40");
        file["notice"] = text.into();
    });
    assert!(matches!(notice, Err(DrawNotHeld::OtherNotice)), "{notice:?}");
    let proof = verified(&|file| {
        let text = file["proof"].as_str().unwrap().replacen("index ", "index 1", 1);
        file["proof"] = text.into();
    });
    assert!(matches!(proof, Err(DrawNotHeld::NotSealed(_))), "{proof:?}");
    // A later checkpoint's word for the one before.
    let before = verified(&|file| {
        let proof = file["proof"].as_str().unwrap().split_once("\n\n").unwrap().1.to_owned();
        file["checkpoint_before"] = proof.into();
    });
    assert!(matches!(before, Err(DrawNotHeld::Checkpoint)), "{before:?}");
    assert!(matches!(DrawFile::read("{}"), Err(DrawNotHeld::NoDraw(_))));
}
