//! Blocks and consents by hand: the same acts as the contracts', seen by the contracts.

use super::{BLOCKS, CARE, Pages, hidden, link, text};
use crate::harness::request;

/// What CheckBlocks says of a patient's information at the first unit to somebody of another provider.
async fn checked(pages: &Pages, number: &str) -> String {
    let xml = request("blocking/check_blocks/valid");
    let start = xml.find('<').unwrap();
    let mut asked = xml[start..].to_owned();
    for (element, value) in [
        ("extension", number),
        ("employeeId", "SE2321000016-P0002"),
        ("careProviderId", "SE2321000016-V02"),
        ("careUnitId", "SE2321000016-U002"),
        ("informationCareProviderId", "SE2321000016-V01"),
        ("informationCareUnitId", "SE2321000016-U001"),
    ] {
        asked = replaced(&asked, element, value);
    }
    let reply = pages.service.post(asked).await;
    reply.text("status").unwrap_or_else(|| panic!("{}", reply.body)).to_owned()
}

/// With another text in every element of this name.
fn replaced(xml: &str, element: &str, text: &str) -> String {
    let mut parts = Vec::new();
    let mut rest = xml;
    while let Some(at) = rest.find(&format!("{element}>")) {
        let after = at + element.len() + 1;
        parts.push(rest[..after].to_owned());
        rest = &rest[after..];
        if let Some(end) = rest.find("</")
            && !rest[..end].contains('<')
            && rest[end..].starts_with("</")
            && rest[end + 2..].split('>').next().is_some_and(|name| name.ends_with(element))
        {
            parts.push(text.to_owned());
            rest = &rest[end..];
            let close = rest.find('>').unwrap() + 1;
            parts.push(rest[..close].to_owned());
            rest = &rest[close..];
        }
    }
    parts.push(rest.to_owned());
    parts.concat()
}

#[tokio::test]
async fn a_block_that_is_registered_by_hand_bites_at_once() {
    let pages = Pages::start().await;
    let number = pages.story(12);
    assert_eq!(checked(&pages, &number).await, "OK");
    let mut reader = pages.logged_in(BLOCKS).await;
    let lookup = reader.look_up(&number).await;
    let form = format!("{lookup}/sparrar/ny");
    reader.get(&form).await;
    let fields = [("kind", "outer"), ("requested_by", "patient"), ("reason", "vill")];
    let shown = reader.post(&form, &fields).await;
    assert!(
        text(&shown).contains("Så här blir det") && text(&shown).contains("Stängt"),
        "{}",
        text(&shown)
    );
    assert_eq!(checked(&pages, &number).await, "OK", "only shown");
    let id = hidden(&shown, "id");
    let save = [&fields[..], &[("step", "save"), ("id", &id)]].concat();
    for _ in 0..2 {
        // Pressing twice is a repetition.
        let saved = reader.post(&form, &save).await;
        assert!(saved.status == 200 && text(&saved).contains("Klart."), "{}", text(&saved));
    }
    assert_eq!(checked(&pages, &number).await, "BLOCKED");
    let sql = "select count(*) from blocks where owner_id = 'SIGILL'";
    assert_eq!(pages.service.database.count(sql).await, 1);
    let written =
        "select count(*) from log_entries where system_id = 'SIGILL' and activity_type = 'Skriva'";
    assert!(pages.service.database.count(written).await >= 1);

    // Lifted for a time, taken back, revoked, and then in the wrong state.
    let page = reader.get(&lookup).await;
    let block = link(&page, &format!("{lookup}/sparrar/"), "/hav").unwrap();
    let lift = format!("{block}-tillfalligt");
    let id = hidden(&reader.get(&lift).await, "id");
    let fields = [
        ("id", &*id),
        ("ground", "consent"),
        ("unit", "SE2321000016-U001"),
        ("until", "2026-11-24"),
    ];
    assert_eq!(reader.post(&lift, &fields).await.status, 303);
    let too_long = [("until", "2027-11-24"), ("id", "00000000-0000-4000-8000-000000000001")];
    let refused = reader.post(&lift, &[&too_long[..], &fields[1..3]].concat()).await;
    assert!(refused.status == 422 && text(&refused).contains("högst 7 dygn"), "{}", text(&refused));
    let page = reader.get(&lookup).await;
    let back = link(&page, &lookup, "/aterkalla").unwrap();
    reader.get(&back).await;
    assert_eq!(reader.post(&back, &[]).await.status, 303);
    reader.get(&block).await;
    let missing = reader.post(&block, &[]).await;
    assert!(missing.status == 422 && text(&missing).contains("Skriv varför."));
    assert_eq!(reader.post(&block, &[("reason", "vill")]).await.status, 303);
    assert_eq!(checked(&pages, &number).await, "OK");
    let annul = block.replace("/hav", "/makulera");
    reader.get(&annul).await;
    assert_eq!(reader.post(&annul, &[("reason", "fel")]).await.status, 303);
    let late = reader.post(&block, &[("reason", "vill")]).await;
    assert!(late.status == 422 && text(&late).contains("Spärren makulerades 2026-"));
}

#[tokio::test]
async fn a_guardian_blocks_nothing_and_no_input_is_lost() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(BLOCKS).await;
    let lookup = reader.look_up(&pages.story(10)).await;
    let form = format!("{lookup}/sparrar/ny");
    reader.get(&form).await;
    let guardian = [("kind", "outer"), ("requested_by", "guardian")];
    let refused = reader.post(&form, &guardian).await;
    assert!(refused.status == 422 && text(&refused).contains("En vårdnadshavare kan inte spärra"));
    let wrong = [
        ("kind", "inner"),
        ("from", "2026-13-01"),
        ("reason", "det som skrevs"),
        ("requested_by", "patient"),
    ];
    let again = reader.post(&form, &wrong).await;
    let shown = text(&again);
    assert!(
        again.status == 422
            && shown.contains("Välj minst en enhet.")
            && shown.contains("ÅÅÅÅ-MM-DD")
    );
    assert!(shown.contains("det som skrevs") && shown.contains("2026-13-01"), "{shown}");
    let elsewhere =
        [("kind", "inner"), ("units", "SE2321000016-U002"), ("requested_by", "patient")];
    assert_eq!(reader.post(&form, &elsewhere).await.status, 422, "a unit of another provider");
    let none = "select count(*) from blocks where owner_id = 'SIGILL'";
    assert_eq!(pages.service.database.count(none).await, 0);
}

#[tokio::test]
async fn consents_are_registered_ended_and_annulled() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(BLOCKS).await;
    let lookup = reader.look_up(&pages.story(12)).await;
    let form = format!("{lookup}/samtycken/nytt");
    let id = hidden(&reader.get(&form).await, "id");
    let emergency = [("id", &*id), ("kind", "emergency"), ("whom", "me")];
    let refused = reader.post(&form, &emergency).await;
    assert!(refused.status == 422 && text(&refused).contains("varför samtycke inte kan inhämtas"));
    let fields = [("id", &*id), ("kind", "consent"), ("whom", "unit"), ("to", "2026-12-01")];
    assert_eq!(reader.post(&form, &fields).await.status, 303);
    assert_eq!(reader.post(&form, &fields).await.status, 303, "a repetition");
    let page = reader.get(&lookup).await;
    assert!(text(&page).contains("går ut 2026-12-01"), "{}", text(&page));
    let end = link(&page, &format!("{lookup}/samtycken/"), "/avsluta").unwrap();
    reader.get(&end).await;
    assert_eq!(reader.post(&end, &[("reason", "vill")]).await.status, 303);
    let annul = end.replace("/avsluta", "/makulera");
    assert_eq!(reader.post(&annul, &[("reason", "fel")]).await.status, 303);
    let late = reader.post(&end, &[("reason", "vill")]).await;
    assert!(late.status == 422 && text(&late).contains("makulerat"), "{}", text(&late));
}

#[tokio::test]
async fn who_has_blocked_is_shown_in_danger_only_and_for_a_quarter_of_an_hour() {
    let pages = Pages::start().await;
    // Story 6 has an outer block of the first provider; the second unit is another provider's.
    let mut reader = pages.logged_in("SE2321000016-P0002").await;
    let lookup = reader.look_up(&pages.story(6)).await;
    let path = format!("{lookup}/annan-vardgivare");
    assert!(!text(&reader.get(&path).await).contains("Region Norrvik"));
    for fields in [vec![], vec![("danger", "yes")], vec![("danger", "yes"), ("cannot", "yes")]] {
        let refused = reader.post(&path, &fields).await;
        assert!(refused.status == 422 && !text(&refused).contains("Region Norrvik"));
    }
    let fields = [("danger", "yes"), ("cannot", "yes"), ("why", "medvetslös")];
    assert_eq!(reader.post(&path, &fields).await.status, 303);
    let shown = text(&reader.get(&path).await);
    assert!(shown.contains("Region Norrvik") && shown.contains("010-100"), "{shown}");
    let logged = "select count(*) from log_entries where system_id = 'SIGILL' and activity_type = 'Nödöppning'
        and activity_args = 'Visa vilken vårdgivare: medvetslös'";
    assert_eq!(pages.service.database.count(logged).await, 1);
    pages.service.set_clock("2026-11-22T12:15:01Z");
    assert!(!text(&reader.get(&path).await).contains("Region Norrvik"));
}

#[tokio::test]
async fn inner_blocks_are_copied_all_or_none() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(BLOCKS).await;
    let path = "/enhet/sparrar/kopiera";
    reader.get(path).await;
    let same = [("from", "SE2321000016-U001"), ("to", "SE2321000016-U001")];
    assert_eq!(reader.post(path, &same).await.status, 422);
    let fields = [("from", "SE2321000016-U001"), ("to", "SE2321000016-U004")];
    let copies = "select count(*) from blocks where owner_id = 'SIGILL'";
    let here = "select count(*) from blocks where information_care_unit_id = 'SE2321000016-U001' and block_type = 'Inner' and removed_at is null";
    let before = pages.service.database.count(here).await;
    assert!(before > 0);
    assert!(text(&reader.post(path, &fields).await).contains("Det här kopieras"));
    assert_eq!(pages.service.database.count(copies).await, 0);
    let save = [&fields[..], &[("step", "save")]].concat();
    reader.post(path, &save).await;
    assert_eq!(pages.service.database.count(copies).await, before);
    reader.post(path, &save).await;
    assert_eq!(pages.service.database.count(copies).await, before, "those that are there are left");
}

#[tokio::test]
async fn whether_somebody_would_see_something_is_answered_by_the_rule() {
    let pages = Pages::start().await;
    let mut reader = pages.logged_in(BLOCKS).await;
    let lookup = reader.look_up(&pages.story(5)).await;
    let ask = |at: &str, when: &str| {
        format!("{lookup}/prova?employee=SE2321000016-P0007&at={at}&unit=SE2321000016-U001{when}")
    };
    for (at, when, says) in [
        ("SE2321000016-U001", "", "Ja: uppgifterna hör till medarbetarens egen"),
        ("SE2321000016-U004", "", "Nej: en spärr stänger dem."),
        ("SE2321000016-U004", "&on=2026-01-01", "Ja: uppgifterna hör till medarbetarens egen"),
    ] {
        let shown = text(&reader.get(&ask(at, when)).await);
        assert!(shown.contains(says), "{at} {when}: {shown}");
    }
    assert_eq!(reader.get(&ask("SE2321000016-U004", "&on=2027-01-01")).await.status, 422);
    let mut care = pages.logged_in(CARE).await;
    assert_eq!(care.get(&ask("SE2321000016-U001", "")).await.status, 403);
}
