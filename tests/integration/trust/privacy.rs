//! Marked persons: whatever is sent of them stands in the store and in answers, and nowhere else.

use super::contracts::contracts;
use super::pki::{Connected, Identity, client_of, tls_address};
use crate::harness::Reply;
use crate::program::{Folder, Program};
use http_body_util::Full;
use hyper::Request;
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};

/// What of persons stands in valid messages, and what it is replaced by here.
const MARKS: [(&str, &str); 4] = [
    ("191212121212", "189001019802"),
    ("Tolvan Tolvansson", "Märkta Märkesson"),
    ("Tolvan Läkare", "Stämplad Läkarsson"),
    ("SE2321000016-P001", "SE2321000016-PMARKT"),
];

fn marked(message: &str) -> String {
    MARKS.iter().fold(message.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The first mark in a text.
fn mark_in(text: &str) -> Option<&'static str> {
    let numbers = ["9001019802", "900101-9802"];
    let marks = MARKS.iter().map(|(_, mark)| *mark).chain(numbers);
    marks.into_iter().find(|mark| text.contains(mark))
}

/// The message, and it broken in many ways.
fn variants(message: &str) -> Vec<String> {
    let mark = MARKS[0].1;
    let body = message.find("<soapenv:Body>").unwrap();
    let mut all = vec![
        message.to_owned(),
        message.replace(mark, &format!("{mark}{mark}")),
        message.replace(mark, &format!("<x>{mark}</x>")),
        message.replace("1.2.752.129.2.1.3.1", "1.2.3.4"),
        message.replacen("LogicalAddress>SE", &format!("LogicalAddress>{mark}SE"), 1),
        message[..message.len() - 40].to_owned(),
        message.replacen("</soapenv:Body>", &format!("<{}/></soapenv:Body>", "y"), 1),
        message.replacen(
            "<soapenv:Body>",
            &format!("<soapenv:Body><!DOCTYPE a [<!ENTITY e \"{mark}\">]>"),
            1,
        ),
        format!(
            "{}<soapenv:Body><z>{mark}</z></soapenv:Body></soapenv:Envelope>",
            &message[..body]
        ),
        message.replace("2026-", &format!("{mark}-")),
        format!("\u{feff}{message}\u{0}{mark}"),
    ];
    // Every element once with a mark as its text.
    for (at, _) in message[body..].match_indices("</") {
        let end = body + at;
        let begin = message[..end].rfind('>').unwrap() + 1;
        if begin < end
            && !message[begin..end].contains('<')
            && !message[begin..end].trim().is_empty()
        {
            all.push(format!(
                "{}{}{}",
                &message[..begin],
                "Märkta Märkesson ".repeat(40),
                &message[end..]
            ));
        }
    }
    all
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        // What is stored is stored there.
        let is_store = path.file_name().is_some_and(|name| name == "base" || name == "pg_wal");
        if path.is_dir() && !is_store {
            files(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

fn temporary() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect()
}

#[tokio::test]
async fn marked_persons_appear_nowhere() {
    let (folder, before) = (Folder::new("marked"), temporary());
    let data = folder.path().join("var");
    let program =
        Program::telling(&["--data", data.to_str().unwrap(), "--dev-pki"], "debug,sqlx=info").await;
    let pki = std::fs::canonicalize(data.join("dev-pki")).unwrap();
    let read = |name: &str| std::fs::read_to_string(pki.join(name)).unwrap();
    let system = |name: &str| Identity {
        certificate: read(&format!("{name}.pem")),
        key: read(&format!("{name}.key")),
    };
    let client = |name: &str| client_of(&read("root-ca.pem"), Some(&system(name)));
    let address = tls_address(&program);
    let mut refused = Connected::with(&address, client("consumer2")).await.unwrap();
    let mut calls = 0;
    for (contract, message) in contracts() {
        let message = marked(&message);
        for variant in variants(&message) {
            let reply = post(&program, variant.clone()).await;
            // What is refused tells places and rules, and nothing of what stood there.
            let told = [reply.text("resultText"), fault_of(&reply)].into_iter().flatten();
            for text in told {
                assert_eq!(mark_in(text), None, "{contract}: {text}");
            }
            let reply = refused.post(&[], variant).await;
            assert_eq!(mark_in(&reply.body), None, "{contract}: {}", reply.body);
            calls += 2;
        }
        let path = format!("/?{}", MARKS[0].1);
        let request = Request::post(format!("{}{path}", program.caller.base()));
        let request = request.header("content-type", "text/plain").body(Full::new(message.into()));
        let reply = program.caller.try_send(request.unwrap()).await.unwrap();
        assert_eq!(mark_in(&reply.body), None, "{}", reply.body);
    }
    assert!(calls > 500, "{calls}");
    for page in ["/metrics", "/status", "/live", "/ready"] {
        assert_eq!(mark_in(&program.caller.get(page).await.body), None, "{page}");
    }
    let start = program.start.clone();
    program.signal(Signal::SIGTERM);
    let (_, lines) = program.ended().await;
    assert!(
        lines.iter().filter(|line| line.contains("\"message\":\"request\"")).count() > calls / 2
    );
    for line in start.iter().chain(&lines) {
        // A logical address is told as it was sent, and so it is of no person's choice.
        let is_address = line.contains("\"logical_address\":\"189001019802SE");
        assert!(mark_in(line).is_none() || is_address, "{line}");
    }
    let mut found = Vec::new();
    files(&std::fs::canonicalize(&data).unwrap(), &mut found);
    files(&std::fs::canonicalize(data.join("postgres")).unwrap(), &mut found);
    assert!(found.iter().any(|path| path.ends_with("server.log")), "{found:?}");
    found.extend(temporary().into_iter().filter(|path| !before.contains(path)));
    for path in
        found.iter().filter(|path| !path.components().any(|part| part.as_os_str() == "orders"))
    {
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        assert_eq!(mark_in(&text), None, "{}", path.display());
    }
}

async fn post(program: &Program, message: String) -> Reply {
    program.caller.post(message).await
}

fn fault_of(reply: &Reply) -> Option<&str> {
    reply.body.split("<faultstring").nth(1)?.split("</").next()
}

#[tokio::test]
async fn a_database_across_a_network_is_verified_in_production() {
    let folder = Folder::new("database-tls");
    let file = folder.path().join("sigill.toml");
    for (profile, mode, refused) in [
        ("production", "", true),
        ("production", "?sslmode=require", true),
        ("production", "?sslmode=verify-full", false),
        ("test", "?sslmode=require", false),
    ] {
        // A name that nobody has: what is not refused does not get far.
        let url = format!("postgres://a@db.invalid/s{mode}");
        let text = format!("[trust]\nprofile = \"{profile}\"\n[database]\nurl = \"{url}\"\n");
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let told = crate::program::command(&["serve", "--http", "127.0.0.1:0", "--config", file]);
        let told = { told }.output().await.unwrap();
        let said = String::from_utf8(told.stderr).unwrap();
        assert!(!told.status.success());
        assert_eq!(said.contains("sslmode=verify-full"), refused, "{profile} {mode}: {said}");
    }
}

#[tokio::test]
async fn settings_print_no_secrets() {
    let folder = Folder::new("secrets");
    let file = folder.path().join("sigill.toml");
    let address =
        |login: &str| format!("postgres://{login}:hemligt@db.example.org/s?sslmode=verify-full");
    std::fs::write(
        &file,
        format!(
            "[trust]\nprofile = \"test\"\n[database]\nurl = \"{}\"\nowner_url = \"{}\"\nretention_url = \"{}\"\n",
            address("a"),
            address("b"),
            address("c")
        ),
    )
    .unwrap();
    let printed = crate::program::command(&["check-config", file.to_str().unwrap()]).output().await;
    let printed = printed.unwrap();
    let said = String::from_utf8([printed.stdout, printed.stderr].concat()).unwrap();
    assert!(printed.status.success() && said.contains("profile"), "{said}");
    assert!(!said.contains("hemligt"), "{said}");
}
