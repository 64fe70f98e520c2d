//! The keys of the log: who has which, other ones, and a log that goes on under another name.

use super::harness::{Database, NOON, Wishes};
use super::program::{Folder, Program, command, settings as settings_file};
use super::reports::{FIRST, Record, patients_report, stored};
use super::sealed::{Sealed, at, kinds, seal_of, settings, verify};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use sigill::checkpoint_cms::CmsSigner;
use sigill::domain::identity::RecordId;
use sigill::procedures::seal::exporting::export;
use sigill::procedures::seal::following::follow;
use sigill::procedures::seal::log_seal::SealError;
use sigill::procedures::seal::opening::open;
use sigill::procedures::seal::proving::{Proved, prove};
use sigill::procedures::seal::rotating::{go_on, rotate};
use sigill::procedures::seal::signing::sign_as_operator;
use sigill::procedures::seal::verifying::Extent;
use sigill_seal::keys::LogKeys;
use sigill_seal::names::VerifyingName;
use sigill_seal::words;
use std::os::unix::fs::PermissionsExt;

fn names(folder: &Folder) -> [VerifyingName; 2] {
    let text = std::fs::read_to_string(folder.path().join("log-keys")).unwrap();
    LogKeys::of_text(&text).unwrap().signing.unwrap().verifying()
}

#[tokio::test(flavor = "multi_thread")]
async fn other_keys_sign_beside_those_of_before_and_then_alone() {
    let sealed = Sealed::start_with("rotation", Wishes::default()).await;
    sealed.store(&[FIRST]).await;
    let [old, _] = names(&sealed.folder);
    // On its way with the key of before.
    assert_eq!(sealed.service.post(stored(&[Record { id: "r2", ..FIRST }])).await.code(), "OK");
    rotate(&sealed.seal.store, &sealed.seal.settings, false, at(NOON)).await.unwrap();
    let [new, _] = names(&sealed.folder);
    assert_ne!(old, new);
    assert!(follow(&sealed.seal, at(NOON)).await.unwrap(), "the server takes them up");
    sealed.store(&[Record { id: "r3", ..FIRST }]).await;
    let signed = sealed.seal.anchor().unwrap();
    assert!(signed.is_signed_by(&old) && signed.is_signed_by(&new));
    assert_eq!(signed.checkpoint().size, 5);
    assert_eq!(sealed.found().await, [""; 0]);
    let later = "2026-12-24T00:00:00Z";
    assert_eq!(sealed.service.post(stored(&[Record { id: "r4", ..FIRST }])).await.code(), "OK");
    sealed.seal_at(later).await;
    let signed = sealed.seal.anchor().unwrap();
    assert!(!signed.is_signed_by(&old) && signed.is_signed_by(&new));
    assert_eq!(sealed.verify_at(later).await.findings, []);
    // A process that starts now has the new ones; one with the old file is told.
    seal_of(&sealed.service.database, sealed.folder.path(), sealed.folder.path()).await;
    let stale = Folder::new("rotation-stale");
    std::fs::copy(sealed.folder.path().join("log-keys.previous"), stale.path().join("log-keys"))
        .unwrap();
    let opened =
        open(sealed.seal.store.clone(), settings(stale.path(), stale.path()), at(NOON)).await;
    assert!(matches!(opened.err(), Some(SealError::OtherKeys { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_cut_off_is_ended_at_the_next_start() {
    let sealed = Sealed::start_with("rotation-cut", Wishes::default()).await;
    sealed.store(&[FIRST]).await;
    let keys = sealed.folder.path().join("log-keys");
    let before = std::fs::read(&keys).unwrap();
    rotate(&sealed.seal.store, &sealed.seal.settings, false, at(NOON)).await.unwrap();
    // As if the process had ended between the commit and the exchange of the files.
    std::fs::rename(&keys, keys.with_extension("next")).unwrap();
    std::fs::remove_file(keys.with_extension("previous")).unwrap();
    std::fs::write(&keys, &before).unwrap();
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).unwrap();
    let again = seal_of(&sealed.service.database, sealed.folder.path(), sealed.folder.path()).await;
    assert!(again.signs());
    assert_eq!(std::fs::read(keys.with_extension("previous")).unwrap(), before);
    // Servers know two generations of keys: another comes when all have read these, and nothing of before is on its way.
    let later = at(NOON) + chrono::TimeDelta::minutes(10);
    for time in [at(NOON), later] {
        let refused = rotate(&again.store, &again.settings, false, time).await;
        assert!(matches!(refused, Err(SealError::RotatedLately)), "{refused:?}");
    }
    let again = Sealed { seal: again, ..sealed };
    again.seal_at(NOON).await;
    // And one that was cut off before its commit leaves nothing.
    rotate(&again.seal.store, &again.seal.settings, false, later).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_keys_are_replaced_by_ones_that_sign_alone() {
    let sealed = Sealed::start_with("rotation-lost", Wishes::default()).await;
    sealed.store(&[FIRST]).await;
    std::fs::remove_file(sealed.folder.path().join("log-keys")).unwrap();
    let (store, settings) = (&sealed.seal.store, &sealed.seal.settings);
    assert!(matches!(
        rotate(store, settings, false, at(NOON)).await,
        Err(SealError::OtherKeys { .. })
    ));
    rotate(store, settings, true, at(NOON)).await.unwrap();
    let again = seal_of(&sealed.service.database, sealed.folder.path(), sealed.folder.path()).await;
    let moved = Sealed { seal: again, ..sealed };
    moved.seal_at(NOON).await;
    let [new, _] = names(&moved.folder);
    assert!(moved.seal.anchor().unwrap().is_signed_by(&new));
    assert_eq!(moved.found().await, [""; 0]);
}

#[tokio::test]
async fn a_server_without_the_logs_keys_does_not_start_and_says_why() {
    let (database, folder) = (Database::new().await, Folder::new("keys-first"));
    let first = Program::on(&database, &folder).await;
    let other = Folder::new("keys-other");
    let file = settings_file(&database, &other, "");
    let text = std::fs::read_to_string(&file).unwrap();
    let keys = text
        .lines()
        .find_map(|line| line.strip_prefix("key_file = "))
        .unwrap()
        .trim_matches('"')
        .to_owned();
    let without = text.replace(&keys, other.path().join("none").to_str().unwrap());
    std::fs::write(&file, &without).unwrap();
    let said =
        command(&["serve", "--http", "127.0.0.1:0", "--config", &file]).output().await.unwrap();
    assert!(!said.status.success());
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("copy the file there") && said.contains("log.key_file"), "{said}");
    // A key file that others can read.
    std::fs::write(&file, &text).unwrap();
    let copy = other.path().join("open");
    std::fs::copy(&keys, &copy).unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(&file, text.replace(&keys, copy.to_str().unwrap())).unwrap();
    let said =
        command(&["serve", "--http", "127.0.0.1:0", "--config", &file]).output().await.unwrap();
    assert!(String::from_utf8_lossy(&said.stderr).contains("chmod 600"));
    // With the intake key alone it stores, and never signs.
    let text = std::fs::read_to_string(&copy).unwrap();
    std::fs::write(&copy, text.lines().last().unwrap()).unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600)).unwrap();
    let storing = Program::start(&["--config", &file]).await;
    assert_eq!(storing.caller.post(stored(&[FIRST])).await.code(), "OK");
    drop(first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_rolled_back_goes_on_under_another_name() {
    let sealed = Sealed::start_with("continue", Wishes::default()).await;
    sealed.store(&[FIRST]).await;
    let proof = match prove(&sealed.seal.store, &RecordId::new("r1").unwrap()).await.unwrap() {
        Proved::Proof(proof) => proof,
        other => panic!("{other:?}"),
    };
    let [old, _] = names(&sealed.folder);
    let tables = [
        "log_tree",
        "log_runs",
        "log_checkpoints",
        "log_entries",
        "log_ids_1",
        "log_notices",
        "log_writers",
    ];
    for table in tables {
        sealed.sql(&format!("create table backup_{table} as select * from {table}")).await;
    }
    sealed.store(&[Record { id: "lost", ..FIRST }]).await;
    for table in tables {
        sealed.sql(&format!("truncate {table} cascade")).await;
        sealed.sql(&format!("insert into {table} select * from backup_{table}")).await;
    }
    assert!(!follow(&sealed.seal, at(NOON)).await.unwrap());
    assert_eq!(
        sealed.service.post(patients_report("191212121212")).await.code(),
        "VALIDATION_ERROR"
    );
    // What is stored meanwhile is kept, and gets its leaf when the log goes on.
    assert_eq!(
        sealed.service.post(stored(&[Record { id: "meanwhile", ..FIRST }])).await.code(),
        "OK"
    );
    let identity =
        go_on(&sealed.seal.store, &sealed.seal.settings, ("disken gick sönder", false), at(NOON))
            .await
            .unwrap();
    assert_eq!(identity.origin, "log.example/test/2");
    assert_eq!(identity.continues, Some(("log.example/test/1".into(), 2)));
    sealed.seal_at(NOON).await;
    let signed = sealed.seal.anchor().unwrap();
    assert_eq!(
        (signed.checkpoint().origin.as_str(), signed.checkpoint().size),
        ("log.example/test/2", 4)
    );
    assert!(!signed.is_signed_by(&old), "the old name signs nothing any more");
    let found = verify(&sealed.seal, Extent::Full, NOON).await;
    assert_eq!(found.findings, []);
    // That records are missing somebody must acknowledge too.
    let open = sealed.seal.store.open_findings(10).await.unwrap();
    assert_eq!(open.iter().map(|found| found.kind.as_str()).collect::<Vec<_>>(), ["lost batch"]);
    assert_eq!(
        sealed.service.post(patients_report("191212121212")).await.code(),
        "VALIDATION_ERROR"
    );
    let number = open[0].finding_number;
    assert!(sealed.seal.store.acknowledge(number, "backup återläst", at(NOON)).await.unwrap());
    assert!(!sealed.seal.store.acknowledge(number, "en gång till", at(NOON)).await.unwrap());
    let report = sealed.service.post(patients_report("191212121212")).await;
    assert_eq!(report.code(), "OK", "{}", report.body);
    assert_eq!(proof.verify(&old, &[], 0), Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_verified_by_outsiders_and_every_change_of_it_is_seen() {
    let sealed = Sealed::start_with("archive", Wishes::default()).await;
    let ids = super::sealed::many(300);
    sealed.store(&super::sealed::records(&ids)).await;
    let folder = sealed.folder.path().join("archive");
    let exported = export(&sealed.seal.store, folder.clone(), true, &|_, _, _| {}).await.unwrap();
    assert_eq!((exported.entries, exported.records, exported.notices), (301, 300, 1));
    let [key, _] = names(&sealed.folder);
    let held = || words::archive(&folder, Some(&key), &mut |_| {});
    let text = held().unwrap();
    assert!(text.contains("301 entries") && text.contains("300 records"), "{text}");
    for file in ["entries", "records", "notices", "checkpoint"] {
        let path = folder.join(file);
        let whole = std::fs::read(&path).unwrap();
        for at in [20, whole.len() / 2] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            assert!(!held().unwrap_err().why.is_empty(), "{file} {at}");
        }
        std::fs::write(&path, whole).unwrap();
    }
    held().unwrap();
    let again = export(&sealed.seal.store, folder.clone(), true, &|_, _, _| {}).await;
    assert!(again.is_err(), "nothing is overwritten");
    let without = sealed.folder.path().join("without");
    export(&sealed.seal.store, without.clone(), false, &|_, _, _| {}).await.unwrap();
    let text = words::archive(&without, Some(&key), &mut |_| {}).unwrap();
    assert!(text.contains("0 records and 1 notices"), "{text}");
    assert_eq!(kinds(&sealed.verify().await), [""; 0]);
}

/// A key of an operator's own, with its certificate, in a PKCS#12 file.
fn operators_key(folder: &Folder) -> (std::path::PathBuf, std::path::PathBuf, String) {
    let own = rcgen::generate_simple_self_signed(vec!["operator.example".into()]).unwrap();
    let key = openssl::pkey::PKey::private_key_from_der(&own.signing_key.serialize_der()).unwrap();
    let certificate = openssl::x509::X509::from_der(own.cert.der()).unwrap();
    let mut builder = openssl::pkcs12::Pkcs12::builder();
    builder.pkey(&key).cert(&certificate);
    let file = builder.build2("hemligt").unwrap().to_der().unwrap();
    let (path, password) = (folder.path().join("operator.p12"), folder.path().join("password"));
    std::fs::write(&path, file).unwrap();
    std::fs::write(&password, "hemligt\n").unwrap();
    (path, password, own.cert.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_own_key_signs_a_checkpoint_an_hour_too() {
    let sealed = Sealed::start_with("operator", Wishes::default()).await;
    sealed.store(&[FIRST]).await;
    let (file, password, certificate) = operators_key(&sealed.folder);
    assert!(CmsSigner::load(&file, None).is_err(), "the password is another");
    let mut seal = sealed.seal.clone();
    seal.settings.cms = Some(CmsSigner::load(&file, Some(&password)).unwrap());
    sign_as_operator(&seal).await.unwrap();
    // The next of the same hour is not signed again.
    sealed.store(&[Record { id: "r2", ..FIRST }]).await;
    sign_as_operator(&seal).await.unwrap();
    let folder = sealed.folder.path().join("archive");
    export(&seal.store, folder.clone(), true, &|_, _, _| {}).await.unwrap();
    let signatures: Vec<_> =
        std::fs::read_dir(folder.join("cms")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(signatures, [folder.join("cms/2.p7s")]);
    let note = std::fs::read_to_string(folder.join("checkpoints/2")).unwrap();
    let body = note.split_once("\n\n").unwrap().0.to_owned() + "\n";
    let mut signed = CmsContentInfo::from_der(&std::fs::read(&signatures[0]).unwrap()).unwrap();
    let mut roots = X509StoreBuilder::new().unwrap();
    roots.add_cert(X509::from_pem(certificate.as_bytes()).unwrap()).unwrap();
    let roots = roots.build();
    let mut verified = |body: &str| {
        let options = CMSOptions::BINARY | CMSOptions::DETACHED;
        signed.verify(None, Some(&roots), Some(body.as_bytes()), None, options)
    };
    verified(&body).unwrap();
    assert!(verified(&body.replace("\n2\n", "\n3\n")).is_err());
}

#[tokio::test]
async fn every_database_has_keys_of_its_own_in_the_same_data_folder() {
    let folder = Folder::new("keys-each");
    for _ in 0..2 {
        let database = Database::new().await;
        let file = folder.path().join("sigill.toml");
        let data = folder.path().join("var");
        let text = format!(
            "[trust]\nprofile = \"bench\"\n[database]\nurl = \"{}\"\n[data]\ndir = \"{}\"\n",
            database.url(),
            data.display()
        );
        std::fs::write(&file, text).unwrap();
        let program = Program::start(&["--config", file.to_str().unwrap()]).await;
        assert_eq!(program.caller.post(stored(&[FIRST])).await.code(), "OK");
        while database.count("select count(*) from log_checkpoints where note is not null").await
            == 0
        {
            tokio::task::yield_now().await;
        }
        assert_eq!(program.caller.post(patients_report("191212121212")).await.code(), "OK");
    }
    assert_eq!(std::fs::read_dir(folder.path().join("var/databases")).unwrap().count(), 2);
}
