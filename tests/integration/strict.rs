//! A national service that is not ours: it refuses every repetition, writes times in a form of
//! its own, and loses, breaks off or keeps back answers.

use super::harness::Database;
use super::pair::{cancel, lift, local_settings, register, revoke, until};
use super::program::{Folder, Program, command, settings};
use super::relay::{Relay, Way};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use sigill::domain::time::{Ambiguous, instant};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// What becomes of the answer to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Answers,
    /// Carries the change out and breaks the connection.
    Loses,
    /// Carries the change out and sends half an answer.
    Halves,
    /// Carries the change out and never answers.
    KeepsBack,
    /// Changes nothing and answers with this code.
    Refuses(&'static str),
    /// Changes nothing of these blocks and answers with a fault.
    Faults(&'static [&'static str]),
}

/// What was registered under an id, as its elements, and whether it is unregistered.
#[derive(Debug, Clone)]
struct Kept {
    elements: String,
    of: String,
    is_gone: bool,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    blocks: BTreeMap<String, Kept>,
    revokes: BTreeMap<String, Kept>,
    /// Rows of GetBlocks beside those of the blocks.
    strange_rows: String,
    /// Every code that was answered to a change, with the contract.
    answered: Vec<(String, &'static str)>,
}

struct Strict {
    state: Arc<Mutex<State>>,
    address: String,
}

/// The text of an element.
fn text(xml: &str, element: &str) -> Option<String> {
    let after = xml.split(&format!(":{element}>")).nth(1)?;
    after.split("</").next().map(str::to_owned)
}

/// An element of the common namespace.
fn element(name: &str, text: &str) -> String {
    format!("<q:{name}>{text}</q:{name}>")
}

/// Those of the elements that a message has; times as instants with fractions.
fn copied(xml: &str, names: &[&str]) -> String {
    let mut copied = String::new();
    for name in names {
        let Some(text) = text(xml, name) else { continue };
        let text = match text.parse() {
            Ok(told) => {
                let at = instant(told, Ambiguous::Later);
                at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string()
            }
            Err(_) => text,
        };
        copied += &element(name, &text);
    }
    copied
}

impl State {
    fn register(kept: &mut BTreeMap<String, Kept>, id: String, new: Kept) -> &'static str {
        match kept.get(&id) {
            Some(known) if !known.is_gone => return "ALREADYEXISTS",
            _ => kept.insert(id, new),
        };
        "OK"
    }

    fn unregister(kept: &mut BTreeMap<String, Kept>, id: &str) -> &'static str {
        match kept.get_mut(id) {
            None => "NOTFOUND",
            Some(known) if known.is_gone => "INVALIDSTATE",
            Some(known) => {
                known.is_gone = true;
                "OK"
            }
        }
    }

    fn change(&mut self, contract: &str, xml: &str) -> &'static str {
        if let Manner::Refuses(code) = self.manner {
            return code;
        }
        let block = text(xml, "blockId").unwrap_or_default();
        let revoke = text(xml, "temporaryRevokeId").unwrap_or_default();
        match contract {
            "RegisterBlock" => {
                let patient = copied(xml, &["root", "extension"]);
                let excluded =
                    element("infoTypeId", &text(xml, "excludedInformationTypes").unwrap());
                let excluded = excluded + &element("infoTypeDescription", "x");
                let dates = &["informationStartDate", "informationEndDate"];
                let ids = &["informationCareUnitId", "informationCareProviderId"];
                let elements = [
                    copied(xml, &["blockId", "blockType"]),
                    copied(xml, dates),
                    copied(xml, ids),
                    element("patientId", &patient),
                    element("excludedInformationTypes", &excluded),
                ];
                let new = Kept { elements: elements.concat(), of: String::new(), is_gone: false };
                Self::register(&mut self.blocks, block, new)
            }
            "UnregisterBlock" => Self::unregister(&mut self.blocks, &block),
            "RegisterTemporaryRevoke" => {
                let names = [
                    "temporaryRevokeId",
                    "endDate",
                    "revokedForCareUnitId",
                    "revokedForEmployeeId",
                ];
                let new = Kept { elements: copied(xml, &names), of: block.clone(), is_gone: false };
                match self.blocks.get(&block) {
                    Some(known) if !known.is_gone => Self::register(&mut self.revokes, revoke, new),
                    _ => "NOTFOUND",
                }
            }
            "UnregisterTemporaryRevoke" => Self::unregister(&mut self.revokes, &revoke),
            other => panic!("{other} is not for a national service"),
        }
    }

    /// The active blocks with their active temporary revokes.
    fn rows(&self) -> String {
        let mut rows = self.strange_rows.clone();
        for (id, block) in self.blocks.iter().filter(|(_, block)| !block.is_gone) {
            let revokes = self.revokes.values().filter(|r| !r.is_gone && r.of == *id);
            let revokes: String =
                revokes.map(|r| element("temporaryRevokes", &r.elements)).collect();
            rows += &element("blocks", &(block.elements.clone() + &revokes));
        }
        rows
    }
}

const FAULT: &str = "<S:Envelope xmlns:S='http://schemas.xmlsoap.org/soap/envelope/'><S:Body><S:Fault>\
    <faultcode>S:Server</faultcode><faultstring>x</faultstring></S:Fault></S:Body></S:Envelope>";

const NS: &str = "urn:riv:informationsecurity:authorization:blocking";

/// In the words of another system: other prefixes, no line ends.
fn envelope(contract: &str, content: &str) -> String {
    format!(
        "<S:Envelope xmlns:S='http://schemas.xmlsoap.org/soap/envelope/'><S:Body>\
         <p:{contract}Response xmlns:p='{NS}:{contract}Responder:4' xmlns:q='{NS}:4'>\
         {content}</p:{contract}Response></S:Body></S:Envelope>"
    )
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, &'static str> {
    let body = request.into_body().collect().await.map_err(|_| "body")?.to_bytes();
    let xml = String::from_utf8(body.to_vec()).unwrap();
    let contract = xml.split("blocking:").nth(1).unwrap().split("Responder").next().unwrap();
    let result = |code: &str| element("result", &element("resultCode", code));
    if contract == "GetBlocks" {
        let rows = state.lock().unwrap().rows();
        let next = element("nextCreatedOnOrAfter", "2026-11-22T12:00:00Z");
        let latest = element("latestCancellation", "1970-01-01T01:00:00.000+01:00");
        let header = format!("<p:blockHeader>{}{rows}{next}{latest}</p:blockHeader>", result("OK"));
        return Ok(Response::new(Full::from(envelope(contract, &header))));
    }
    let (manner, code) = {
        let mut state = state.lock().unwrap();
        if let Manner::Faults(blocks) = state.manner
            && text(&xml, "blockId").is_some_and(|id| blocks.contains(&id.as_str()))
        {
            let mut fault = Response::new(Full::from(FAULT));
            *fault.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Ok(fault);
        }
        let code = state.change(contract, &xml);
        state.answered.push((contract.to_owned(), code));
        (state.manner, code)
    };
    let result = result(code).replacen("q:result>", "p:result>", 2);
    let answer = envelope(contract, &result);
    match manner {
        Manner::Answers | Manner::Refuses(_) | Manner::Faults(_) => {
            Ok(Response::new(Full::from(answer)))
        }
        Manner::Halves => Ok(Response::new(Full::from(answer[..answer.len() / 2].to_owned()))),
        Manner::Loses => Err("lost"),
        Manner::KeepsBack => std::future::pending().await,
    }
}

impl Strict {
    async fn start() -> Self {
        let state = State {
            manner: Manner::Answers,
            blocks: BTreeMap::new(),
            revokes: BTreeMap::new(),
            strange_rows: String::new(),
            answered: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                let service = service_fn(move |request| answer(Arc::clone(&state), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { state, address }
    }

    fn turn(&self, manner: Manner) {
        self.state.lock().unwrap().manner = manner;
    }

    fn rows(&self) -> String {
        self.state.lock().unwrap().rows()
    }

    /// Whether a contract was ever answered with a code.
    fn has_answered(&self, contract: &str, code: &str) -> bool {
        let state = self.state.lock().unwrap();
        state.answered.iter().any(|(of, answered)| of == contract && *answered == code)
    }
}

/// A local service that tells a strict national one.
struct Local {
    program: Program,
    database: Database,
    folder: Folder,
    relay: Relay,
    national: Strict,
}

impl Local {
    async fn start(name: &str) -> Self {
        let national = Strict::start().await;
        let relay = Relay::start(Way::To(national.address.clone())).await;
        let (database, folder) = (Database::new().await, Folder::new(name));
        let program = Program::with(&database, &folder, &local_settings(&relay, "")).await;
        Self { program, database, folder, relay, national }
    }

    async fn post(&self, xml: String) -> String {
        self.program.caller.post(xml).await.code().to_owned()
    }

    async fn settled(&self) {
        until(&self.database, "select count(*) = 0 from replications").await;
    }

    async fn resync(&self) -> (bool, String) {
        let file = settings(&self.database, &self.folder, &local_settings(&self.relay, ""));
        let arguments = ["replication", "resync", "--config", &file];
        let output = command(&arguments).output().await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_no_obstacle_to_what_follows() {
    for (name, manner) in
        [("loses", Manner::Loses), ("halves", Manner::Halves), ("keeps", Manner::KeepsBack)]
    {
        let local = Local::start(&format!("strict-{name}")).await;
        for (contract, change, repeated) in [
            ("RegisterBlock", register("b", -1), "ALREADYEXISTS"),
            ("RegisterTemporaryRevoke", lift("b", "r", -1), "ALREADYEXISTS"),
            ("UnregisterTemporaryRevoke", cancel("r", -1), "INVALIDSTATE"),
            ("UnregisterBlock", revoke("b", -1), "INVALIDSTATE"),
        ] {
            local.national.turn(manner);
            assert_eq!(local.post(change).await, "ERROR", "{contract} {name}");
            local.national.turn(Manner::Answers);
            local.settled().await;
            let strict = local.national.has_answered(contract, repeated);
            assert!(strict, "{contract} {name}: the repetition was refused as strict services do");
            let rows = local.national.rows();
            let has = (rows.contains(">b</"), rows.contains(">r</"));
            let expected = match contract {
                "RegisterTemporaryRevoke" => (true, true),
                "UnregisterBlock" => (false, false),
                _ => (true, false),
            };
            assert_eq!(has, expected, "{contract} {name}");
            assert_eq!(local.resync().await, (true, "region: 0 differences\n".into()));
        }
    }
}

#[tokio::test]
async fn an_id_with_other_content_there_stays_refused_until_resync() {
    let local = Local::start("strict-other").await;
    assert_eq!(local.post(register("b", -1)).await, "OK");
    let theirs = local.national.state.lock().unwrap().blocks["b"].clone();
    let elements = theirs.elements.replace(">b<", ">c<").replace("-VE01<", "-VE09<");
    let other = Kept { elements, ..theirs };
    local.national.state.lock().unwrap().blocks.insert("c".into(), other);
    assert_eq!(local.post(register("c", -1)).await, "ERROR");
    assert!(local.national.has_answered("RegisterBlock", "ALREADYEXISTS"));
    let waiting = "select count(*) from replications";
    assert_eq!(local.database.count(waiting).await, 1, "another's content confirms nothing");
    let (agree, said) = local.resync().await;
    assert!(agree && said == "region: 1 differences\nregion: 2 changes\n", "{said}");
    local.settled().await;
    assert_eq!(local.resync().await, (true, "region: 0 differences\n".into()));
}

#[tokio::test]
async fn a_removal_gets_out_past_a_registration_that_is_refused_for_good() {
    for code in ["VALIDATION_ERROR", "ACCESSDENIED", "ERROR", "NOTFOUND", "INVALIDSTATE"] {
        let local = Local::start(&format!("strict-{code}")).await;
        assert_eq!(local.post(register("known", -1)).await, "OK");
        local.national.turn(Manner::Refuses(code));
        assert_eq!(local.post(register("b", -1)).await, "ERROR", "{code}");
        assert_eq!(local.post(lift("known", "r", -1)).await, "ERROR", "{code}");
        local.national.turn(Manner::Answers);
        local.national.state.lock().unwrap().answered.clear();
        assert_eq!(local.post(revoke("b", -1)).await, "OK", "{code}");
        assert_eq!(local.post(revoke("known", -1)).await, "OK", "{code}");
        local.settled().await;
        assert_eq!(local.national.rows(), "", "{code}");
        assert!(local.national.has_answered("UnregisterBlock", "OK"), "the known one is gone");
    }
}

#[tokio::test]
async fn faults_hold_up_their_own_blocks_only() {
    let local = Local::start("strict-faults").await;
    local.national.turn(Manner::Faults(&["f1", "f2", "f3"]));
    for block in ["f1", "f2", "f3"] {
        assert_eq!(local.post(register(block, -1)).await, "ERROR");
    }
    // Nobody waits for them: the queue must get past what fails by itself.
    for n in 0..20 {
        assert_eq!(local.post(register(&format!("g{n}"), 0)).await, "OK");
    }
    until(&local.database, "select count(*) = 3 from replications").await;
    assert_eq!(local.national.rows().matches("<q:blocks>").count(), 20);
    local.national.turn(Manner::Answers);
    local.settled().await;
}

#[tokio::test]
async fn a_row_of_the_queue_that_makes_no_sense_holds_up_no_other() {
    let local = Local::start("strict-queue").await;
    local.relay.turn(Way::Cut);
    for n in 0..5 {
        assert_eq!(local.post(register(&format!("g{n}"), 0)).await, "OK");
    }
    let pool = local.database.pool().await;
    let harm = "update blocks set information_care_unit_id = ' ' where block_key = 'g1'";
    assert_eq!(sqlx::query(harm).execute(&pool).await.unwrap().rows_affected(), 1);
    local.relay.turn(Way::To(local.national.address.clone()));
    until(&local.database, "select count(*) = 1 from replications").await;
    let told = "select count(*) from replications where failure = 'inconsistent row'";
    assert_eq!(local.database.count(told).await, 1);
    assert_eq!(local.national.rows().matches("<q:blocks>").count(), 4);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_spoils_no_other() {
    let local = Local::start("strict-rows").await;
    for block in ["a", "b"] {
        assert_eq!(local.post(register(block, -1)).await, "OK");
    }
    let good = local.national.rows();
    let mut strange = String::new();
    let first = good.split("<q:blocks>").nth(1).unwrap();
    for broken in [
        first.replace("2019-12-31T", "12019-12-31T"),
        first.replace("<q:blockType>Inner<", "<q:blockType>Sideways<"),
        first.replace("191212121212", ""),
    ] {
        assert_ne!(broken, first);
        _ = write!(strange, "<q:blocks>{}", broken.replace(">a<", ">strange<"));
    }
    {
        let mut state = local.national.state.lock().unwrap();
        state.strange_rows = strange;
        state.blocks.remove("b");
    }
    let (agree, said) = local.resync().await;
    assert!(said.starts_with("region: 1 differences\nregion: 1 changes\n"), "{said}");
    assert!(said.contains("3 blocks of the national service cannot be read"), "{said}");
    assert!(!agree, "what cannot be read is not known to agree: {said}");
    local.settled().await;
    assert!(local.national.rows().contains(">b</"), "and the difference was put right");
}
