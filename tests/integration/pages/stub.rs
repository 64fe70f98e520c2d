//! The services for tests that pages ask: the population service over TLS as the real one is, and the directory.

use super::{CARE, Pages, text};
use crate::program::Folder;
use sigill::admin::PageMethod;
use sigill::app::trust;
use sigill::config::file::Config;
use sigill::config::trust::Trust;
use sigill::demo::region::{Region, Size};
use sigill::dev_pki::DevPki;
use sigill::domain::identity::{HsaId, PatientId};
use sigill::domain::people::person::{PersonState, TestPersons};
use sigill::peers::connection::PeerSettings;
use sigill::peers::directory::{DirectoryService, DirectorySettings};
use sigill::peers::person::{PersonService, PersonSettings};
use sigill::stubs::directory::DirectoryStub;
use sigill::stubs::persons::PersonsStub;
use sigill::stubs::serving::{PlayedFault, Served, Switches};
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

/// A directory with another seed's staff, so that nobody of it is imported under the same assignments, and who asks it.
fn directory(switches: Switches) -> DirectoryService {
    let mut directory = Region::new(7, Size::TINY).directory;
    let assignment = directory.assignments[0].clone();
    let unit = directory.units[0].clone();
    // Somebody, and a unit, that the imported directory does not know.
    let new = HsaId::new("SE2321000016-X999").unwrap();
    let mut employee = directory.staff[0].clone();
    new.as_str().clone_into(&mut employee.employee_id);
    "Ny Medarbetare".clone_into(&mut employee.employee_name);
    directory.staff.push(employee);
    let id = format!("{}-1", new.as_str());
    directory.assignments.push(sigill::store::people::directory::DirectoryAssignment {
        employee: new,
        id,
        ..assignment
    });
    directory.units.push(sigill::store::people::directory::DirectoryUnit {
        unit_id: "SE2321000016-U999".to_owned(),
        unit_name: "Nya enheten".to_owned(),
        ..unit
    });
    let listening = ListeningStub::at(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let base = format!("http://{}", listening.address());
    let stub = DirectoryStub { directory, switches };
    tokio::spawn(listening.serve(Served { stub, new_id: Uuid::new_v4 }, None).unwrap());
    let peer = PeerSettings { base, ca_file: None, identity: None, timeout: LONG, consumer: None };
    DirectoryService::new(DirectorySettings {
        peer,
        logical_address: "SE165565594230-1000".to_owned(),
        kept: Duration::from_mins(1),
    })
    .unwrap()
}

#[tokio::test]
async fn who_shows_a_certificate_has_the_assignments_of_the_national_directory() {
    let mut pages = Pages::start().await;
    let by_card = async |pages: &Pages, employee: &str| {
        let mut reader = pages.reader();
        let mut request = reader.request(PageMethod::Get, "/logga-in/sjalv", "");
        request.certificate = HsaId::new(employee);
        let card = request.certificate.clone();
        assert_eq!(reader.send(request).await.status, 200);
        let mut request = reader.request(PageMethod::Post, "/logga-in/sjalv", "");
        request.certificate.clone_from(&card);
        let reply = reader.send(request).await;
        (reply.status, reader, card)
    };
    let (refused, ..) = by_card(&pages, "SE2321000016-X999").await;
    assert_eq!(refused, 403, "the imported directory does not know it");
    pages.ask_directory(directory(Switches::default()));
    let (taken, mut reader, card) = by_card(&pages, "SE2321000016-X999").await;
    assert_eq!(taken, 303);
    let mut request = reader.request(PageMethod::Get, "/", "");
    request.certificate = card;
    let start = reader.send(request).await;
    assert!(text(&start).contains("Ny Medarbetare"), "{}", text(&start));
    assert_eq!(reader.get("/").await.status, 303, "without the card there is no login");
    drop(reader);
    // What the directory cannot tell is not taken from elsewhere.
    pages.ask_directory(directory(Switches {
        fault: Some(PlayedFault::Unauthorised),
        ..Switches::default()
    }));
    assert_eq!(by_card(&pages, CARE).await.0, 403);
}

#[tokio::test]
async fn units_that_are_not_imported_have_the_directorys_names() {
    let names = directory(Switches::default());
    let ids = ["SE2321000016-U999", "SE2321000016-NONE"].map(|id| HsaId::new(id).unwrap());
    let told = [(ids[0].clone(), "Nya enheten".to_owned())];
    assert_eq!(names.unit_names(&ids).await, told);
    assert_eq!(names.unit_names(&ids).await, told, "it is kept");
    let silent = directory(Switches { fault: Some(PlayedFault::Server), ..Switches::default() });
    assert_eq!(silent.unit_names(&ids).await, []);
}
