//! The log as others see it: tiles that are followed, and witnesses in both directions.

use super::harness::{NOON, Service, Wishes};
use super::reports::{FIRST, Record, stored};
use super::sealed::{Sealed, at, many, records};
use hyper::{Request, StatusCode};
use sigill::peers::connection::{Peer, PeerSettings};
use sigill::peers::witness::RemoteWitness;
use sigill::procedures::seal::published::Publishing;
use sigill::procedures::seal::witness::Witness;
use sigill::procedures::seal::witnessed::send;
use sigill_seal::entry::Entry;
use sigill_seal::keys::LogKeys;
use sigill_seal::names::VerifyingName;
use sigill_seal::note::{SignatureLine, SignedCheckpoint};
use sigill_seal::proof::{Tiles, is_consistent};
use sigill_seal::tree::Edge;
use sigill_seal::witness_key::WitnessKey;
use std::time::Duration;

const PUBLISHED: Publishing = Publishing { witnesses: Vec::new(), required: 0 };

fn log_key(sealed: &Sealed) -> VerifyingName {
    let text = std::fs::read_to_string(sealed.folder.path().join("log-keys")).unwrap();
    let [log, _] = LogKeys::of_text(&text).unwrap().signing.unwrap().verifying();
    log
}

async fn get(service: &Service, path: &str) -> (StatusCode, Vec<u8>) {
    let request = Request::get(format!("{}/log/tiles/{path}", service.caller.base()));
    let (status, _, body) = service.caller.fetch(request).await;
    (status, body.to_vec())
}

/// As any client would: the checkpoint, every bundle and every tile of it.
async fn followed(service: &Service, log: &VerifyingName) -> SignedCheckpoint {
    let (status, note) = get(service, "checkpoint").await;
    assert_eq!(status, StatusCode::OK);
    let checkpoint = SignedCheckpoint::of_text(str::from_utf8(&note).unwrap()).unwrap();
    assert!(checkpoint.is_signed_by(log));
    let size = checkpoint.checkpoint().size;
    let mut edge = Edge::default();
    for tile in 0..size.div_ceil(256) {
        let width = (size - tile * 256).min(256);
        let part = if width < 256 { format!(".p/{width}") } else { String::new() };
        let (status, bundle) = get(service, &format!("tile/entries/{tile:03}{part}")).await;
        assert_eq!(status, StatusCode::OK, "{tile} {part}");
        let (entries, rest) = bundle.as_chunks::<36>();
        assert!(rest.is_empty() && entries.len() as u64 == width);
        let (status, hashes) = get(service, &format!("tile/0/{tile:03}{part}")).await;
        assert_eq!(status, StatusCode::OK);
        for (entry, hash) in entries.iter().zip(hashes.as_chunks::<32>().0) {
            assert_eq!(entry[..3], [0, 34, 1]);
            let entry = Entry::of_stored(entry[3..].try_into().unwrap()).unwrap();
            assert_eq!(entry.leaf_hash(), *hash);
            edge.append([entry.stored()]);
        }
    }
    assert_eq!(edge.root(), checkpoint.checkpoint().root);
    checkpoint
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_gets_the_whole_tree_over_http() {
    let wishes = Wishes { publishing: Some(PUBLISHED), ..Wishes::default() };
    let sealed = Sealed::start_with("followed", wishes).await;
    let ids = many(400);
    sealed.store(&records(&ids[..300])).await;
    let log = log_key(&sealed);
    let first = followed(&sealed.service, &log).await;
    sealed.store(&records(&ids[300..])).await;
    let second = followed(&sealed.service, &log).await;
    assert_eq!((first.checkpoint().size, second.checkpoint().size), (301, 401));
    // The earlier tree's partial tiles are there still, and the later goes on where it ended.
    let mut tiles = Tiles::default();
    for (level, tile, path) in
        [(0, 0, "tile/0/000"), (0, 1, "tile/0/001.p/145"), (1, 0, "tile/1/000.p/1")]
    {
        let (status, hashes) = get(&sealed.service, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        tiles.add((level, tile), hashes.as_chunks::<32>().0.to_vec());
    }
    let (old, new) = (first.checkpoint(), second.checkpoint());
    let proof = tiles.consistency(401, 301).unwrap();
    assert!(is_consistent(&proof, (new.size, new.root), (old.size, old.root)));
    assert_eq!(get(&sealed.service, "tile/0/001.p/45").await.0, StatusCode::OK);
    for none in [
        "tile/0/001",
        "tile/0/001.p/146",
        "tile/0/002.p/1",
        "tile/1/000",
        "tile/2/000",
        "tile/9/000",
        "tile/0/1",
        "x",
        "",
    ] {
        assert_eq!(get(&sealed.service, none).await.0, StatusCode::NOT_FOUND, "{none}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_published_unless_somebody_says_so() {
    let sealed = Sealed::start_with("unpublished", Wishes::default()).await;
    sealed.store(&[FIRST]).await;
    for path in ["checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"] {
        assert_eq!(get(&sealed.service, path).await.0, StatusCode::NOT_FOUND);
    }
}

fn remote(service: &Service, key: &WitnessKey) -> RemoteWitness {
    let base = format!("{}/log/witness", service.caller.base());
    let timeout = Duration::from_secs(10);
    let settings = PeerSettings { base, ca_file: None, identity: None, timeout, consumer: None };
    RemoteWitness::new(Peer::new(&settings).unwrap(), key.verifying())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_signs_what_goes_on_and_names_what_was_rolled_back() {
    let key = WitnessKey::of_seed("witness.example/1", &[5; 32]).unwrap();
    let publishing = Publishing { witnesses: vec![key.verifying()], required: 1 };
    let wishes = Wishes { publishing: Some(publishing), ..Wishes::default() };
    let sealed = Sealed::start_with("witnessed", wishes).await;
    sealed.store(&[FIRST]).await;
    let witness = Witness::new(key.clone(), vec![log_key(&sealed)]);
    let national =
        Service::start_with(Wishes { witness: Some(witness), ..Wishes::default() }).await;
    let remote = remote(&national, &key);
    assert_eq!(
        get(&sealed.service, "checkpoint").await.0,
        StatusCode::NOT_FOUND,
        "no witness has signed"
    );
    let known = send(&sealed.seal, &remote, 0, at(NOON)).await.unwrap();
    assert_eq!(known, 2);
    let checkpoint = followed(&sealed.service, &log_key(&sealed)).await;
    assert!(checkpoint.is_witnessed_by(&key.verifying()));
    // A size that the witness has not seen last is told, and then right.
    sealed.store(&[Record { id: "r2", ..FIRST }]).await;
    assert_eq!(send(&sealed.seal, &remote, 0, at(NOON)).await.unwrap(), 3);
    for table in ["log_tree", "log_runs", "log_checkpoints"] {
        sealed.sql(&format!("create table backup_{table} as select * from {table}")).await;
    }
    sealed.store(&[Record { id: "r3", ..FIRST }]).await;
    assert_eq!(send(&sealed.seal, &remote, 3, at(NOON)).await.unwrap(), 4);
    for table in ["log_tree", "log_runs", "log_checkpoints"] {
        sealed.sql(&format!("truncate {table}")).await;
        sealed.sql(&format!("insert into {table} select * from backup_{table}")).await;
    }
    // Without any anchor of its own the server is told by the witness.
    sealed.sql("delete from log_checkpoints where size = 3").await;
    let before: Option<String> = sealed.seal.distrusted();
    assert_eq!(before, None);
    _ = send(&sealed.seal, &remote, 0, at(NOON)).await.unwrap();
    let kinds: Vec<String> =
        sealed.seal.store.open_findings(10).await.unwrap().into_iter().map(|f| f.kind).collect();
    assert!(
        kinds.contains(&"rolled back".to_owned()) || sealed.seal.distrusted().is_some(),
        "{kinds:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_refuses_what_it_cannot_follow() {
    let sealed = Sealed::start_with("refused", Wishes::default()).await;
    sealed.store(&[FIRST]).await;
    let key = WitnessKey::of_seed("witness.example/1", &[5; 32]).unwrap();
    let witness = Witness::new(key, vec![log_key(&sealed)]);
    let national =
        Service::start_with(Wishes { witness: Some(witness), ..Wishes::default() }).await;
    let note = sealed.seal.store.newest_checkpoint().await.unwrap().unwrap();
    let asked = async |body: String| {
        let request =
            Request::post(format!("{}/log/witness/add-checkpoint", national.caller.base()));
        national.caller.try_send(request.body(body.into()).unwrap()).await.unwrap()
    };
    let hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for (body, status, said) in [
        ("nothing".to_owned(), 400, "empty line"),
        (format!("old 00\n\n{note}"), 400, "size"),
        (format!("old 3\n\n{note}"), 400, "above"),
        (format!("old 0\nx\n\n{note}"), 400, "no hash"),
        (format!("old 0\n{}\n{note}", format!("{hash}\n").repeat(64)), 400, "63"),
        (
            format!("old 0\n\n{}", note.replace("log.example/test/1\n2", "log.example/test/1\n3")),
            403,
            "not signed",
        ),
        (format!("old 0\n\n{}", note.replace("log.example", "log.elsewhere")), 404, "not known"),
        (format!("old 0\n{hash}\n\n{note}"), 422, "proof"),
        (format!("old 1\n\n{note}"), 409, "0"),
        ("x".repeat(70_000), 400, "64 KiB"),
    ] {
        let reply = asked(body.clone()).await;
        assert_eq!(reply.status.as_u16(), status, "{body:.60}: {}", reply.body);
        assert!(reply.body.contains(said), "{body:.60}: {}", reply.body);
    }
    let signed = asked(format!("old 0\n\n{note}")).await;
    assert_eq!(signed.status.as_u16(), 200, "{}", signed.body);
    assert!(SignatureLine::of_line(signed.body.trim_end()).is_some());
    // The same once more is the same size: signed again, and nothing else.
    assert_eq!(asked(format!("old 2\n\n{note}")).await.status.as_u16(), 200);
    assert_eq!(asked(format!("old 0\n\n{note}")).await.body.trim(), "2");
    assert_eq!(sealed.service.post(stored(&[Record { id: "r2", ..FIRST }])).await.code(), "OK");
    sealed.seal_at(NOON).await;
    let next = sealed.seal.store.newest_checkpoint().await.unwrap().unwrap();
    assert_eq!(asked(format!("old 2\n{hash}\n\n{next}")).await.status.as_u16(), 422);
}
