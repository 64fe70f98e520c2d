//! Checkpoints signed by an operator's own key as well: detached CMS signatures, for whoever trusts a certificate.

use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::error::ErrorStack;
use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::x509::X509;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An operator's key, with its certificate and what leads to its root.
#[derive(Clone)]
pub struct CmsSigner(Arc<Signer>);

struct Signer {
    key: PKey<Private>,
    certificate: X509,
    chain: Vec<X509>,
}

/// Why there is no signer, or no signature.
#[derive(Debug, thiserror::Error)]
pub enum CmsError {
    /// A file cannot be read.
    #[error("{0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// It is no PKCS#12 file, or its password is another.
    #[error("{0}: no PKCS#12 file that this password opens: {1}")]
    Pkcs12(PathBuf, ErrorStack),
    /// It has no key, or no certificate.
    #[error("{0}: has not both a key and its certificate")]
    Incomplete(PathBuf),
    /// It cannot sign.
    #[error("signing: {0}")]
    Signing(#[from] ErrorStack),
}

/// Keys are not told.
impl fmt::Debug for CmsSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CmsSigner")
    }
}

impl CmsSigner {
    /// The key of a PKCS#12 file, and of a file with its password; without one the password is empty.
    ///
    /// # Errors
    /// That there is none.
    pub fn load(file: &Path, password_file: Option<&Path>) -> Result<Self, CmsError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |error| CmsError::Unreadable(path, error)
        };
        let bytes = std::fs::read(file).map_err(unreadable(file))?;
        let password = match password_file {
            Some(path) => std::fs::read_to_string(path).map_err(unreadable(path))?,
            None => String::new(),
        };
        let opened = Pkcs12::from_der(&bytes)
            .and_then(|pkcs12| pkcs12.parse2(password.trim_end_matches(['\r', '\n'])));
        let ParsedPkcs12_2 { pkey, cert, ca } =
            opened.map_err(|error| CmsError::Pkcs12(file.to_owned(), error))?;
        let (Some(key), Some(certificate)) = (pkey, cert) else {
            return Err(CmsError::Incomplete(file.to_owned()));
        };
        let chain = ca.map(|ca| ca.into_iter().collect()).unwrap_or_default();
        Ok(Self(Arc::new(Signer { key, certificate, chain })))
    }

    /// The detached signature (DER) over the body of a checkpoint: `openssl cms -verify -binary` verifies it.
    ///
    /// # Errors
    /// That the key does not sign.
    pub fn sign(&self, body: &[u8]) -> Result<Vec<u8>, CmsError> {
        let Signer { key, certificate, chain } = &*self.0;
        let mut others = Stack::new()?;
        for certificate in chain {
            others.push(certificate.clone())?;
        }
        let options = CMSOptions::BINARY | CMSOptions::DETACHED;
        let signed =
            CmsContentInfo::sign(Some(certificate), Some(key), Some(&others), Some(body), options)?;
        Ok(signed.to_der()?)
    }
}
