//! A national service that is not ours: it refuses every repetition, writes times in a form of
//! its own, and loses, breaks off or keeps back answers.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use sigill::domain::time::{Ambiguous, instant};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// What becomes of the answer to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
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
pub struct Kept {
    pub elements: String,
    pub of: String,
    pub is_gone: bool,
}

#[derive(Debug)]
pub struct State {
    pub manner: Manner,
    pub blocks: BTreeMap<String, Kept>,
    pub revokes: BTreeMap<String, Kept>,
    /// Rows of GetBlocks beside those of the blocks.
    pub strange_rows: String,
    /// Every code that was answered to a change, with the contract.
    pub answered: Vec<(String, &'static str)>,
}

pub struct Strict {
    pub state: Arc<Mutex<State>>,
    pub address: String,
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
    pub async fn start() -> Self {
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

    pub fn turn(&self, manner: Manner) {
        self.state.lock().unwrap().manner = manner;
    }

    pub fn rows(&self) -> String {
        self.state.lock().unwrap().rows()
    }

    /// Whether a contract was ever answered with a code.
    pub fn has_answered(&self, contract: &str, code: &str) -> bool {
        let state = self.state.lock().unwrap();
        state.answered.iter().any(|(of, answered)| of == contract && *answered == code)
    }
}
