//! Keys and certificates as operators have them: PEM files, or one PKCS#12 file with its password.

use openssl::error::ErrorStack;
use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::provider::Provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The longest file that is read.
const BYTES_MAX: u64 = 1 << 20;

/// Where a key and its certificate are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityFiles {
    /// The certificate and what leads to its root, and the key.
    Pem {
        /// The certificate first.
        certificate: PathBuf,
        /// Only its owner may read it.
        key: PathBuf,
    },
    /// Both in one file.
    Pkcs12 {
        /// The file; only its owner may read it.
        file: PathBuf,
        /// A file with its password; without one the password is empty.
        password: Option<PathBuf>,
    },
}

/// A key with its certificate and what leads to its root.
pub struct KeyIdentity {
    /// The certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system.
    #[error("{0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// Others than its owner may read or change a secret.
    #[error("{0}: others than its owner may read or change it; chmod 600 it")]
    Open(PathBuf),
    /// It is longer than such a file can be.
    #[error("{0}: longer than a file of keys or certificates can be")]
    TooLong(PathBuf),
    /// It is not PEM, or has not what is looked for.
    #[error("{0}: {1}")]
    Pem(PathBuf, rustls::pki_types::pem::Error),
    /// It has no certificate.
    #[error("{0}: has no certificate (PEM)")]
    NoCertificate(PathBuf),
    /// It is no PKCS#12 file, or its password is another.
    #[error("{0}: no PKCS#12 file that this password opens: {1}")]
    Pkcs12(PathBuf, ErrorStack),
    /// It has no key, or no certificate.
    #[error("{0}: has not both a key and its certificate")]
    Incomplete(PathBuf),
}

impl IdentityFiles {
    /// The files that are read, in their order.
    pub fn paths(&self) -> Vec<PathBuf> {
        match self {
            Self::Pem { certificate, key } => vec![certificate.clone(), key.clone()],
            Self::Pkcs12 { file, password } => {
                std::iter::once(file).chain(password).cloned().collect()
            }
        }
    }

    /// Reads them.
    ///
    /// # Errors
    /// Which file has what wrong.
    pub fn load(&self) -> Result<KeyIdentity, KeyError> {
        match self {
            Self::Pem { certificate, key } => {
                let text = secret(key)?;
                let key = PrivateKeyDer::from_pem_slice(&text)
                    .map_err(|error| KeyError::Pem(key.clone(), error))?;
                Ok(KeyIdentity { chain: certificates(certificate)?, key })
            }
            Self::Pkcs12 { file, password } => of_pkcs12(file, password.as_deref()),
        }
    }
}

/// Its inode, size, and when it or what the system notes of it was changed.
pub type FileVersion = (u64, u64, i64, i64);

/// What tells whether a file has changed; `None`: it is not there.
pub fn file_version(path: &Path) -> Option<FileVersion> {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.ctime(), found.ctime_nsec()))
}

/// The certificates of a PEM file, in their order.
///
/// # Errors
/// That it cannot be read, or has none.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, KeyError> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| KeyError::Pem(path.to_owned(), error))?;
    match found.is_empty() {
        true => Err(KeyError::NoCertificate(path.to_owned())),
        false => Ok(found),
    }
}

/// What is in a file that only its owner can read or change, also behind a link.
///
/// # Errors
/// That others can, or the system's.
pub fn secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let found = fs::metadata(path).map_err(|e| KeyError::Unreadable(path.to_owned(), e))?;
    match found.mode() & 0o077 {
        0 => read(path).map(Zeroizing::new),
        _ => Err(KeyError::Open(path.to_owned())),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    let unreadable = |error| KeyError::Unreadable(path.to_owned(), error);
    let found = fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        return Err(unreadable(std::io::Error::other("not a file")));
    }
    if found.len() > BYTES_MAX {
        return Err(KeyError::TooLong(path.to_owned()));
    }
    fs::read(path).map_err(unreadable)
}

fn of_pkcs12(file: &Path, password: Option<&Path>) -> Result<KeyIdentity, KeyError> {
    let ParsedPkcs12_2 { pkey, cert, ca } = opened(file, password)?;
    let (Some(key), Some(certificate)) = (pkey, cert) else {
        return Err(KeyError::Incomplete(file.to_owned()));
    };
    let wrong = |error| KeyError::Pkcs12(file.to_owned(), error);
    let mut chain = vec![CertificateDer::from(certificate.to_der().map_err(wrong)?)];
    for above in ca.into_iter().flatten() {
        chain.push(CertificateDer::from(above.to_der().map_err(wrong)?));
    }
    let key = key.private_key_to_pkcs8().map_err(wrong)?;
    Ok(KeyIdentity { chain, key: PrivatePkcs8KeyDer::from(key).into() })
}

/// What is in a PKCS#12 file.
///
/// # Errors
/// That it cannot be read, or its password opens nothing.
pub fn opened(file: &Path, password: Option<&Path>) -> Result<ParsedPkcs12_2, KeyError> {
    let bytes = secret(file)?;
    let password = match password {
        Some(path) => secret(path)?,
        None => Zeroizing::default(),
    };
    let password = Zeroizing::new(String::from_utf8_lossy(&password).into_owned());
    let password = password.trim_end_matches(['\r', '\n']);
    let open = || Pkcs12::from_der(&bytes).and_then(|pkcs12| pkcs12.parse2(password));
    open()
        .or_else(|first| {
            // Files of before 2021 are encrypted by what OpenSSL 3 has in a provider of its own.
            let _legacy = Provider::try_load(None, "legacy", true).map_err(|_| first)?;
            open()
        })
        .map_err(|error| KeyError::Pkcs12(file.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_key_others_can_read_is_refused() {
        let folder = std::env::temp_dir().join(format!("sigill-keys-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (key, link) = (folder.join("key"), folder.join("link"));
        fs::write(&key, "secret").unwrap();
        symlink(&key, &link).unwrap();
        for (mode, refused) in
            [(0o600, false), (0o640, true), (0o604, true), (0o620, true), (0o400, false)]
        {
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
            for path in [&key, &link] {
                let read = secret(path);
                assert_eq!(matches!(read, Err(KeyError::Open(_))), refused, "{mode:o}");
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
