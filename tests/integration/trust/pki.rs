//! A hierarchy of certificates, a program that trusts it, and callers with certificates.

use crate::harness::{Database, Reply};
use crate::program::{Folder, Program, settings};
use chrono::{Datelike, Days};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub type Authority = CertifiedIssuer<'static, KeyPair>;

/// A certificate with its issuer, and its key (PEM).
#[derive(Clone)]
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

/// A hierarchy of certificates, with the files that a program trusts.
pub struct Pki {
    pub folder: Folder,
    pub systems: Authority,
    pub people: Authority,
    pub database: Database,
}

/// The day so many days from now, as certificates have it.
fn day(from_now: i64) -> (i32, u8, u8) {
    let today = sigill::clock::Clock::System.now().date_naive();
    let days = Days::new(from_now.unsigned_abs());
    let day = if from_now < 0 { today - days } else { today + days };
    (day.year(), u8::try_from(day.month()).unwrap(), u8::try_from(day.day()).unwrap())
}

pub fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What of a certificate a test wants otherwise.
#[derive(Clone, Copy)]
pub struct Wanted {
    pub serial: u64,
    /// Days from now.
    pub ends: i64,
    pub usage: Option<ExtendedKeyUsagePurposes>,
}

/// Which purposes a certificate names.
#[derive(Clone, Copy)]
pub enum ExtendedKeyUsagePurposes {
    Server,
    Client,
    Both,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { serial: 100, ends: 300, usage: Some(ExtendedKeyUsagePurposes::Both) }
    }
}

/// A system's certificate.
pub fn identity(by: &Authority, id: &str, wanted: Wanted) -> Identity {
    let mut params =
        CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "system.example");
    if !id.is_empty() {
        params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), id);
    }
    params.serial_number = Some(SerialNumber::from(wanted.serial));
    let (ey, em, ed) = day(wanted.ends);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(ey, em, ed);
    params.extended_key_usages = match wanted.usage {
        None => vec![],
        Some(ExtendedKeyUsagePurposes::Server) => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Some(ExtendedKeyUsagePurposes::Client) => vec![ExtendedKeyUsagePurpose::ClientAuth],
        Some(ExtendedKeyUsagePurposes::Both) => {
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
        }
    };
    // A policy of any number: none is asked for.
    params.custom_extensions = vec![CustomExtension::from_oid_content(
        &[2, 5, 29, 32],
        vec![0x30, 0x0b, 0x30, 0x09, 0x06, 0x07, 0x2a, 0x85, 0x70, 0x4a, 0x08, 0x84, 0x79],
    )];
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, by).unwrap().pem() + &by.pem();
    Identity { certificate, key: key.serialize_pem() }
}

/// A list of revoked certificates (PEM), of and until days from now.
pub fn list(by: &Authority, number: u64, (of, until): (i64, i64), revoked: &[u64]) -> String {
    let ((y, m, d), (ny, nm, nd)) = (day(of), day(until));
    let this_update = rcgen::date_time_ymd(y, m, d);
    let params = CertificateRevocationListParams {
        this_update,
        next_update: rcgen::date_time_ymd(ny, nm, nd),
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: revoked
            .iter()
            .map(|serial| RevokedCertParams {
                serial_number: SerialNumber::from(*serial),
                revocation_time: this_update,
                reason_code: None,
                invalidity_date: None,
            })
            .collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(by).unwrap().pem().unwrap()
}

impl Pki {
    /// With a server's identity and an empty list.
    pub async fn new(name: &str) -> Self {
        let pki = Self {
            folder: Folder::new(name),
            systems: authority("Systems"),
            people: authority("People"),
            database: Database::new().await,
        };
        std::fs::create_dir_all(pki.path("crl")).unwrap();
        pki.write("function-ca.pem", &pki.systems.pem());
        pki.server(&pki.system("SE-SERVER"));
        pki.write("crl/one.crl", &list(&pki.systems, 1, (-2, 30), &[]));
        pki
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file as whoever puts it there does: beside, and renamed.
    pub fn write(&self, name: &str, text: &str) {
        let (path, beside) = (self.path(name), self.path(".beside"));
        std::fs::write(&beside, text).unwrap();
        std::fs::set_permissions(&beside, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::rename(beside, path).unwrap();
    }

    /// The server's own certificate.
    pub fn server(&self, identity: &Identity) {
        self.write("server.key", &identity.key);
        self.write("server.pem", &identity.certificate);
    }

    pub fn system(&self, id: &str) -> Identity {
        identity(&self.systems, id, Wanted::default())
    }

    /// Settings that trust it; `more` stands in the table `trust` and behind it.
    pub fn settings(&self, more: &str) -> String {
        let folder = self.folder.path().display();
        let text = format!(
            "[trust]\nprofile = \"test\"\ncertificate_file = \"{folder}/server.pem\"\nkey_file = \"{folder}/server.key\"\n\
             client_ca_file = \"{folder}/function-ca.pem\"\ncrl_dir = \"{folder}/crl\"\n{more}\n"
        );
        settings(&self.database, &self.folder, &text)
    }

    /// The program, with these settings more.
    pub async fn program(&self, more: &str) -> Program {
        Program::start(&["--https", "127.0.0.1:0", "--config", &self.settings(more)]).await
    }
}

/// A grant of everything, as a file has it.
pub fn everything(consumer: &str) -> String {
    format!(
        "[[grant]]\nconsumer = \"{consumer}\"\ncontracts = [\"*\"]\ntenant = \"default\"\ncare_providers = [\"*\"]\n"
    )
}

/// A connection with a certificate, or with none.
pub struct Connected {
    sender: SendRequest<Full<Bytes>>,
}

/// Where a program lets systems in.
pub fn tls_address(program: &Program) -> String {
    let said = program.start.iter().find_map(|line| line.split_once("\"tls_address\":\"https://"));
    said.unwrap().1.split('"').next().unwrap().to_owned()
}

/// How a client connects that trusts an authority.
pub fn client(trusts: &Authority, identity: Option<&Identity>) -> ClientConfig {
    client_of(&trusts.pem(), identity)
}

/// The same, of an authority's certificate (PEM).
pub fn client_of(trusts: &str, identity: Option<&Identity>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusts.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let Some(identity) = identity else { return builder.with_no_client_auth() };
    let chain = CertificateDer::pem_slice_iter(identity.certificate.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    builder.with_client_auth_cert(chain.map(Result::unwrap).collect(), key).unwrap()
}

/// Shakes hands.
pub async fn shake(address: &str, client: ClientConfig) -> Result<TlsStream<TcpStream>, String> {
    let tcp = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(client));
    connector.connect(name, tcp).await.map_err(|error| error.to_string())
}

impl Connected {
    /// Over TLS, as a system or as nobody.
    pub async fn to(
        program: &Program,
        pki: &Pki,
        identity: Option<&Identity>,
    ) -> Result<Self, String> {
        Self::with(&tls_address(program), client(&pki.systems, identity)).await
    }

    pub async fn with(address: &str, client: ClientConfig) -> Result<Self, String> {
        let stream = shake(address, client).await?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// Sends a message with headers; an error is that the connection is no more.
    pub async fn try_post(
        &mut self,
        headers: &[(&str, &str)],
        xml: impl Into<Bytes>,
    ) -> Result<Reply, String> {
        let mut request =
            Request::post("/").header("host", "localhost").header("content-type", "text/xml");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(xml.into())).unwrap();
        self.sender.ready().await.map_err(|error| error.to_string())?;
        let response =
            self.sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let body = String::from_utf8(bytes.to_vec()).unwrap();
        Ok(Reply { status: parts.status, headers: parts.headers, body })
    }

    pub async fn post(&mut self, headers: &[(&str, &str)], xml: impl Into<Bytes>) -> Reply {
        self.try_post(headers, xml).await.unwrap()
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.ask(Request::get(path)).await
    }

    pub async fn head(&mut self, path: &str) -> Reply {
        self.ask(Request::head(path)).await
    }

    async fn ask(&mut self, request: hyper::http::request::Builder) -> Reply {
        let request = request.header("host", "localhost").body(Full::default()).unwrap();
        self.sender.ready().await.unwrap();
        let (parts, body) = self.sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Reply { status: parts.status, headers: parts.headers, body }
    }
}
