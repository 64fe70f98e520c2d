//! Who patients are, by a population service of ours on the test port: names, protection, death, and what is not known.

use super::{BLOCKS, Pages, Reader, text};
use sigill::domain::people::person::TestPersons;
use sigill::messages::called::person::v5::{
    Deregistration, GetPersonsForProfileResponse, II, Name, PartialDate, PartialDateFormat,
    PersonRecord, ReferredPersonalIdentity, RequestedPersonRecord,
};
use sigill::peers::connection::PeerSettings;
use sigill::peers::person::{PersonService, PersonSettings};
use sigill::soap::xml::Writer;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PERSONAL: &str = "1.2.752.129.2.1.3.1";

/// What the service does with a number, by its last digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plays {
    Open,
    Protected,
    ProtectedByPopulationRecord,
    OddFlag,
    LinkedToProtected,
    LinkedToUnknown,
    Dead,
    Test,
    Twice,
    None,
    Empty,
}

fn record<'a>(number: &'a str, plays: Plays) -> PersonRecord<'a> {
    let id = |number: &'a str| II { root: PERSONAL.into(), extension: Some(number.into()) };
    let flag = |is: bool| Some(if is { "true" } else { "false" }.into());
    let link = |number| {
        vec![ReferredPersonalIdentity {
            referred_personal_identity: id(number),
            referred_personal_identity_status: None,
        }]
    };
    PersonRecord {
        personal_identity: Some(id(number)),
        protected_person_indicator: match plays {
            Plays::OddFlag => Some("kanske".into()),
            _ => flag(plays == Plays::Protected),
        },
        test_indicator: flag(plays == Plays::Test),
        primary_identity: flag(true),
        name: Some(Name {
            given_name_indicator: None,
            given_name: Some("Elsa".into()),
            middle_name: None,
            surname: Some("Gran".into()),
            notification_name: None,
        }),
        referred_personal_identities: match plays {
            Plays::LinkedToProtected => link("189001019802"),
            Plays::LinkedToUnknown => link("189001019803"),
            _ => Vec::new(),
        },
        deregistration: (plays == Plays::Dead).then(|| Deregistration {
            deregistration_reason_code: Some("AV".into()),
            deregistration_date: Some(PartialDate {
                format: PartialDateFormat::YyyyMm,
                value: "2016-02".into(),
            }),
            found_dead_at_date: None,
        }),
        protected_population_record: flag(plays == Plays::ProtectedByPopulationRecord),
        ..empty()
    }
}

fn empty<'a>() -> PersonRecord<'a> {
    PersonRecord {
        personal_identity: None,
        identity_level: None,
        identity_level_date: None,
        gender: None,
        protected_person_indicator: None,
        test_indicator: None,
        primary_identity: None,
        version: None,
        name: None,
        linked_identity: Vec::new(),
        referred_personal_identities: Vec::new(),
        birth: None,
        population_registration_locality: None,
        population_registration_record: None,
        address_information: None,
        contact_information: Vec::new(),
        contact_person: Vec::new(),
        confirmed_identity: Vec::new(),
        administrative_information: None,
        deregistration: None,
        marital_status: None,
        immigration: None,
        citizenship: Vec::new(),
        relationship: Vec::new(),
        co_ordination_number_data: None,
        personal_identity_status: None,
        update_person_actor: None,
        update_person_contact_information_actor: None,
        attachment: Vec::new(),
        optout_paper_notification: None,
        protected_population_record: None,
    }
}

/// A population service: how it plays everybody whose number is not special, and the messages that it got.
#[derive(Clone)]
struct Population {
    plays: Arc<Mutex<Option<Plays>>>,
    got: Arc<Mutex<Vec<String>>>,
    address: String,
}

impl Population {
    async fn start() -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/person", tcp.local_addr().unwrap());
        let own = Self { plays: Arc::default(), got: Arc::default(), address };
        let served = own.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let mut message = Vec::new();
                let mut part = [0; 4096];
                while !message.ends_with(b"</soap:Envelope>") {
                    let count = stream.read(&mut part).await.unwrap_or(0);
                    if count == 0 {
                        break;
                    }
                    message.extend(&part[..count]);
                }
                let message = String::from_utf8(message).unwrap();
                let (status, body) = served.answer(&message);
                served.got.lock().unwrap().push(message);
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: text/xml; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                _ = stream.write_all((head + &body).as_bytes()).await;
            }
        });
        own
    }

    fn answer(&self, message: &str) -> (&'static str, String) {
        let envelope = |body: &str| {
            format!(
                "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{body}</s:Body></s:Envelope>"
            )
        };
        let Some(plays) = *self.plays.lock().unwrap() else {
            let fault =
                "<s:Fault><faultcode>s:Server</faultcode><faultstring>x</faultstring></s:Fault>";
            return ("500 Internal Server Error", envelope(fault));
        };
        let numbers: Vec<&str> = message
            .split("extension>")
            .filter(|part| part.len() > 12 && part.as_bytes()[0].is_ascii_digit())
            .map(|part| &part[..12])
            .collect();
        let mut records = Vec::new();
        for number in numbers {
            let plays = match number {
                "189001019802" => Plays::Protected,
                "189001019803" => continue,
                _ => plays,
            };
            let answer = RequestedPersonRecord {
                requested_personal_identity: II {
                    root: PERSONAL.into(),
                    extension: Some(number.to_owned().into()),
                },
                person_record: match plays {
                    Plays::None => None,
                    Plays::Empty => Some(empty()),
                    _ => Some(record(number, plays)),
                },
            };
            if plays == Plays::Twice {
                records.push(answer.clone());
            }
            records.push(answer);
        }
        let mut out = Writer::with_capacity(1024);
        GetPersonsForProfileResponse { requested_person_record: records }.write_root(&mut out);
        ("200 OK", envelope(&out.take()))
    }

    fn service(&self) -> PersonService {
        let peer = PeerSettings {
            base: self.address.clone(),
            ca_file: None,
            identity: None,
            timeout: Duration::from_secs(20),
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

    fn play(&self, plays: Option<Plays>) {
        *self.plays.lock().unwrap() = plays;
    }
}

async fn overview(reader: &mut Reader, lookup: &str) -> String {
    let page = reader.get(lookup).await;
    assert_eq!(page.status, 200);
    text(&page)
}

#[tokio::test]
async fn what_the_population_service_says_is_what_is_shown() {
    let population = Population::start().await;
    let mut pages = Pages::start().await;
    pages.ask(population.service());
    let mut reader = pages.logged_in(BLOCKS).await;
    let number = pages.story(5);
    let lookup = reader.look_up(&number).await;
    let unknown = "Namn och skydd kunde inte hämtas.";
    for (plays, shows, hides) in [
        (Some(Plays::Open), "Elsa Gran", "Skyddade personuppgifter"),
        (Some(Plays::Dead), "Avliden 2016-02", "Skyddade personuppgifter"),
        (Some(Plays::Protected), "Skyddade personuppgifter", "Elsa"),
        (Some(Plays::ProtectedByPopulationRecord), "Skyddade personuppgifter", "Elsa"),
        (Some(Plays::OddFlag), "Skyddade personuppgifter", "Elsa"),
        (Some(Plays::LinkedToProtected), "Skyddade personuppgifter", "Elsa"),
        (Some(Plays::LinkedToUnknown), unknown, "Elsa"),
        (Some(Plays::Twice), unknown, "Elsa"),
        (Some(Plays::Test), "finns inte i Personuppgiftstjänsten", "Elsa"),
        (Some(Plays::None), "finns inte i Personuppgiftstjänsten", "Elsa"),
        (Some(Plays::Empty), "finns inte i Personuppgiftstjänsten", "Elsa"),
        (None, unknown, "Elsa"),
    ] {
        population.play(plays);
        let page = overview(&mut reader, &lookup).await;
        assert!(page.contains(shows) && !page.contains(hides), "{plays:?}: {page}");
        assert!(!page.contains("189001019802"), "linked numbers are never shown");
        assert!(!page.contains("från loggen"), "no name from elsewhere");
    }
    let got = population.got.lock().unwrap().clone();
    assert!(got[0].contains("<r:profile>P1</r:profile>"), "{}", got[0]);
    assert!(got[0].contains("<r:ignoreReferredIdentity>true</r:ignoreReferredIdentity>"));
    assert!(got[0].contains(">SE165565594230-1000<"), "{}", got[0]);
}

#[tokio::test]
async fn the_name_of_the_protected_is_shown_once_and_logged() {
    let population = Population::start().await;
    let mut pages = Pages::start().await;
    pages.ask(population.service());
    let mut reader = pages.logged_in(BLOCKS).await;
    let lookup = reader.look_up(&pages.story(5)).await;
    population.play(Some(Plays::Protected));
    let page = format!("{lookup}/namn");
    let asked = text(&reader.get(&page).await);
    assert!(asked.contains("Visa namn") && !asked.contains("Elsa"));
    let logged = "select count(*) from log_entries where activity_level = 'visa namn'";
    assert_eq!(pages.service.database.count(logged).await, 0);
    let shown = reader.post(&page, &[]).await;
    assert!(text(&shown).contains("Elsa Gran"), "{}", text(&shown));
    assert_eq!(pages.service.database.count(logged).await, 1);
    assert!(!text(&reader.get(&page).await).contains("Elsa"), "it is gone");
    population.play(Some(Plays::Open));
    assert_eq!(reader.get(&page).await.status, 404, "there is nothing to show");
    population.play(None);
    assert_eq!(reader.post(&page, &[]).await.status, 404);
}

#[tokio::test]
async fn a_service_that_fails_is_left_alone_for_a_time() {
    let population = Population::start().await;
    let mut pages = Pages::start().await;
    pages.ask(population.service());
    let mut reader = pages.logged_in(BLOCKS).await;
    let lookup = reader.look_up(&pages.story(5)).await;
    for _ in 0..8 {
        let page = overview(&mut reader, &lookup).await;
        assert!(page.contains("Namn och skydd kunde inte hämtas."));
    }
    assert_eq!(population.got.lock().unwrap().len(), 5);
}
