//! The certificates of the way to one upstream: who the gateway is to it, and who it must be to the gateway.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use reqwest::{Certificate, Identity};
use secrecy::zeroize::Zeroizing;
use sha2::{Digest as _, Sha256};

use super::TransportError;

/// Files in PEM (RFC 7468) for the TLS of one upstream; they need an `https` URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The gateway's certificate for this upstream and the chain behind it.
    pub client_cert: Option<PathBuf>,
    /// Its private key, not encrypted; `None`: it stands in `client_cert` as well.
    pub client_key: Option<PathBuf>,
    /// Authorities of the upstream's own certificate, instead of the system's.
    pub ca: Option<PathBuf>,
}

/// What stood in the files.
pub(super) struct Certificates {
    pub(super) identity: Option<Identity>,
    /// `None`: the system's.
    pub(super) authorities: Option<Vec<Certificate>>,
    /// Other than before where there is anything new in the files.
    pub(super) print: [u8; 32],
}

impl TlsFiles {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads the files.
    ///
    /// # Errors
    /// [`TransportError::Tls`], which names the file and holds nothing of its content.
    pub(super) fn read(&self, upstream: &'static str) -> Result<Certificates, TransportError> {
        let files = Files { upstream, print: Sha256::new() };
        files.read_all(self)
    }
}

struct Files {
    upstream: &'static str,
    print: Sha256,
}

impl Files {
    fn read_all(mut self, files: &TlsFiles) -> Result<Certificates, TransportError> {
        let identity = match &files.client_cert {
            Some(path) => Some(self.identity(path, files.client_key.as_deref())?),
            None => None,
        };
        let authorities = match &files.ca {
            Some(path) => Some(self.authorities(path)?),
            None => None,
        };
        Ok(Certificates { identity, authorities, print: self.print.finalize().into() })
    }

    fn identity(&mut self, cert: &Path, key: Option<&Path>) -> Result<Identity, TransportError> {
        let mut pem = self.content(cert)?;
        if let Some(path) = key {
            // In one allocation: a buffer that grows leaves copies of the key behind.
            let key = self.content(path)?;
            pem = Zeroizing::new([pem.as_slice(), b"\n", key.as_slice()].concat());
        }
        let expected = match key {
            Some(_) => "certificate (PEM), or the key file no unencrypted private key",
            None => "certificate with an unencrypted private key (PEM)",
        };
        Identity::from_pem(&pem).map_err(|_| self.refused(cert, expected))
    }

    fn authorities(&mut self, path: &Path) -> Result<Vec<Certificate>, TransportError> {
        let pem = self.content(path)?;
        let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
        if found.is_empty() { Err(self.refused(path, "list of certificates (PEM)")) } else { Ok(found) }
    }

    fn content(&mut self, path: &Path) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        let content = fs::read(path).map(Zeroizing::new).map_err(|source| TransportError::File {
            upstream: self.upstream,
            path: path.to_owned(),
            source: Arc::new(source),
        })?;
        self.print.update(content.len().to_be_bytes());
        self.print.update(&content);
        Ok(content)
    }

    fn refused(&self, path: &Path, expected: &'static str) -> TransportError {
        TransportError::Tls { upstream: self.upstream, path: path.to_owned(), expected }
    }
}
