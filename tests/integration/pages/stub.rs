//! The population service for tests, asked over TLS as the real one is.

use crate::program::Folder;
use sigill::app::trust;
use sigill::config::file::Config;
use sigill::config::trust::Trust;
use sigill::dev_pki::DevPki;
use sigill::domain::identity::PatientId;
use sigill::domain::people::person::{PersonState, TestPersons};
use sigill::peers::connection::PeerSettings;
use sigill::peers::person::{PersonService, PersonSettings};
use sigill::stubs::persons::PersonsStub;
use sigill::stubs::serving::Served;
use sigill::wire::stub::ListeningStub;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// A stub of a file, over TLS, and who asks it.
fn asked(folder: &Path, file: Option<&str>, timeout: Duration) -> PersonService {
    let pki = DevPki::at(folder);
    let now = sigill::clock::Clock::System.now();
    if !pki.is_there() {
        pki.make(now).unwrap();
    }
    let trust = Trust {
        certificate_file: Some(pki.file("server.pem")),
        key_file: Some(pki.file("server.key")),
        client_ca_file: Some(pki.file("function-ca.pem")),
        crl_dir: Some(pki.file("crl")),
        ..Trust::default()
    };
    let tls = trust::tls(&Config { trust, ..Config::default() }, now).unwrap();
    let path = file.map(|text| {
        let path = folder.join("persons.toml");
        std::fs::write(&path, text).unwrap();
        path
    });
    let stub = PersonsStub::new(path).unwrap();
    let listening = ListeningStub::at(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let base = format!("https://localhost:{}/person", listening.address().port());
    tokio::spawn(listening.serve(Served { stub, new_id: Uuid::new_v4 }, tls).unwrap());
    let peer = PeerSettings {
        base,
        ca_file: Some(pki.file("root-ca.pem")),
        identity: Some((pki.file("consumer.pem"), pki.file("consumer.key"))),
        timeout,
        consumer: None,
    };
    PersonService::new(PersonSettings {
        peer,
        logical_address: "SE165565594230-1000".to_owned(),
        roots: Vec::new(),
        batch: 50,
        kept: Duration::ZERO,
        test_persons: TestPersons::Refuse,
    })
    .unwrap()
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn every_test_person_is_what_it_plays() {
    let folder = Folder::new("stub-persons");
    let service = asked(folder.path(), None, LONG);
    let numbers = [
        "191212121212",
        "201212121212",
        "198901192396",
        "200512312398",
        "190005259809",
        "201701012393",
        "195401782395",
        "195401872394",
        "199001092387",
        "190808099808",
    ];
    let mut patients: Vec<PatientId> = numbers
        .iter()
        .map(|number| PatientId::new("1.2.752.129.2.1.3.1", number).unwrap())
        .collect();
    patients.push(PatientId::new("1.2.752.74.9.1", "200512TA2391").unwrap());
    let states = service.states(&patients.iter().collect::<Vec<_>>(), false).await;
    let told: Vec<String> = states
        .iter()
        .map(|state| match state {
            PersonState::Open { name, dead, .. } => {
                format!("{} {}", name.as_deref().unwrap(), dead.as_deref().unwrap_or("lever"))
            }
            PersonState::Protected { .. } => "protected".to_owned(),
            PersonState::None => "none".to_owned(),
            PersonState::Unknown => "unknown".to_owned(),
        })
        .collect();
    assert_eq!(
        told,
        [
            "Tolvan Tolvansson lever",
            "Lilltolvan Maria Tolvansson lever",
            "protected",
            "protected",
            "Alma Avlid 2016-01-01",
            "none",
            "Kaja Samberg lever",
            "Ivar Samdahl ",
            "protected",
            "none",
            "protected",
        ]
    );
}

#[tokio::test]
async fn every_failure_that_is_played_is_unknown() {
    let folder = Folder::new("stub-failures");
    let person = "[[person]]\nnumber = \"191212121212\"\nsurname = \"Gran\"\n";
    let patient = PatientId::new("1.2.752.129.2.1.3.1", "191212121212").unwrap();
    for (switches, timeout) in [
        ("[switches]\nfault = \"server\"\n", LONG),
        ("[switches]\nfault = \"unauthorised\"\n", LONG),
        ("[switches]\ncut = true\n", LONG),
        ("[records]\ndoubled = true\n", LONG),
        ("[records]\nwithout_flag = true\n", LONG),
        ("[switches]\ndelay_milliseconds = 60000\n", Duration::from_secs(1)),
    ] {
        let service = asked(folder.path(), Some(&format!("{switches}{person}")), timeout);
        let states = service.states(&[&patient], false).await;
        assert_eq!(states, [PersonState::Unknown], "{switches}");
        if timeout == LONG {
            // The file is read again at each call.
            std::fs::write(folder.path().join("persons.toml"), person).unwrap();
            let states = service.states(&[&patient], false).await;
            assert!(matches!(states[0], PersonState::Open { .. }), "{switches}: {states:?}");
        }
    }
}

#[test]
fn a_stub_is_for_this_machine_only() {
    let error = ListeningStub::at(SocketAddr::from(([0, 0, 0, 0], 0))).err().unwrap();
    assert_eq!(error.to_string(), "a stub is served on loopback only");
}
