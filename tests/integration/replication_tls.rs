//! Replication to a national service that demands a certificate.

use super::harness::Database;
use super::pair::{LOCAL, national_settings, register};
use super::program::{Folder, Program};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, as PEM.
fn certificate(by: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, by).unwrap().pem(), key.serialize_pem())
}

/// TLS in front of a service; only callers with a certificate of the authority's get through.
async fn front(authority: &Authority, to: String) -> u16 {
    let (certificate, key) = certificate(authority, "localhost");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, to) = (acceptor.clone(), to.clone());
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let mut server = TcpStream::connect(to).await.unwrap();
                _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn replication_refuses_another_server() {
    let databases = (Database::new().await, Database::new().await);
    let folders = (Folder::new("tls-l"), Folder::new("tls-n"));
    let national = Program::with(&databases.1, &folders.1, &national_settings("")).await;
    let (known, stranger) = (authority(), authority());
    let port = front(&known, national.caller.base().trim_start_matches("http://").to_owned()).await;
    let file = |name: &str, text: &str| {
        let path = folders.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        path.to_str().unwrap().to_owned()
    };
    let ours = certificate(&known, "local.example.org");
    let strange = certificate(&stranger, "local.example.org");
    let (ca, other_ca) = (file("ca.pem", &known.pem()), file("other-ca.pem", &stranger.pem()));
    let identity = |(certificate, key): (String, String), name: &str| {
        let (certificate, key) =
            (file(&format!("{name}.pem"), &certificate), file(&format!("{name}.key"), &key));
        format!("certificate_file = \"{certificate}\"\nkey_file = \"{key}\"\n")
    };
    let (ours, strange) = (identity(ours, "ours"), identity(strange, "strange"));
    for (block, ca, identity, expected) in [
        ("known", &ca, &ours, "OK"),
        ("no-certificate", &ca, &String::new(), "ERROR"),
        ("strange-certificate", &ca, &strange, "ERROR"),
        ("strange-national", &other_ca, &ours, "ERROR"),
    ] {
        let settings = format!(
            "[[tenant]]\nname = \"region\"\nlogical_addresses = [\"{LOCAL}\"]\nblocks = \"local\"\n\
             [tenant.replication]\nurl = \"https://localhost:{port}\"\nca_file = \"{ca}\"\n\
             retry_first_milliseconds = 60000\n{identity}"
        );
        let local = Program::with(&databases.0, &folders.0, &settings).await;
        assert_eq!(local.caller.post(register(block, -1)).await.code(), expected, "{block}");
    }
    assert_eq!(databases.1.count("select count(*) from blocks").await, 1);
}
