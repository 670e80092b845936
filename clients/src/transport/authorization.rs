//! What proves the gateway to an upstream: a service token for each call, one fixed token, or nothing.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use http::HeaderValue;
use secrecy::zeroize::Zeroizing;

use super::{Authority, TransportError};
use crate::{CallContext, ServiceTokens, UpstreamError};

/// A longer file holds no token.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// How calls prove themselves to an upstream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Authorization {
    /// By a service token for the upstream's audience and the acting user.
    #[default]
    ServiceToken,
    /// Not at all: no `Authorization` is sent.
    None,
    /// By the bearer token (RFC 6750) in this file: one line of visible ASCII. It is read again with the certificates.
    File(PathBuf),
}

/// Where the headers come from.
pub(super) enum Proof {
    ServiceToken { tokens: Arc<ServiceTokens>, audience: Arc<str> },
    None,
    File { path: PathBuf, header: ArcSwap<HeaderValue> },
}

impl Proof {
    pub(super) fn new(
        upstream: &'static str,
        authorization: &Authorization,
        audience: &str,
        tokens: Arc<ServiceTokens>,
    ) -> Result<Self, TransportError> {
        Ok(match authorization {
            Authorization::ServiceToken => Self::ServiceToken { tokens, audience: audience.into() },
            Authorization::None => Self::None,
            Authorization::File(path) => {
                let header = ArcSwap::from_pointee(read(upstream, path)?);
                Self::File { path: path.clone(), header }
            }
        })
    }

    /// The `Authorization` of one try.
    ///
    /// # Errors
    /// [`UpstreamError::Token`] when a service token cannot be signed.
    pub(super) fn header(
        &self,
        upstream: &'static str,
        cx: &CallContext,
        authority: Authority,
    ) -> Result<Option<HeaderValue>, UpstreamError> {
        let (tokens, audience) = match self {
            Self::ServiceToken { tokens, audience } => (tokens, audience),
            Self::None => return Ok(None),
            Self::File { header, .. } => return Ok(Some(HeaderValue::clone(&header.load()))),
        };
        let token = match authority {
            Authority::Caller => tokens.header_for(cx.acting.as_ref(), cx.client, audience),
            Authority::Nobody => tokens.header_for(None, cx.client, audience),
            Authority::Accounts => tokens.accounts_header(cx.client, audience),
            Authority::Deletion => tokens.deletion_header(cx.acting.as_ref(), cx.client, audience),
        };
        token.map(Some).map_err(|source| UpstreamError::Token { upstream, source })
    }

    /// Reads the file again; says whether its token is another one. Blocks.
    ///
    /// # Errors
    /// [`TransportError`]; the previous token stays in use.
    pub(super) fn reload(&self, upstream: &'static str) -> Result<bool, TransportError> {
        let Self::File { path, header } = self else { return Ok(false) };
        let read = read(upstream, path)?;
        if **header.load() == read {
            return Ok(false);
        }
        header.store(Arc::new(read));
        Ok(true)
    }
}

/// Marked as sensitive: `Debug` does not print it.
fn read(upstream: &'static str, path: &Path) -> Result<HeaderValue, TransportError> {
    let failed = |source: io::Error| TransportError::File {
        upstream,
        path: path.to_owned(),
        source: Arc::new(source),
    };
    let refused = || TransportError::Tls {
        upstream,
        path: path.to_owned(),
        expected: "bearer token (one line of ASCII)",
    };
    let text = fs::read_to_string(path).map(Zeroizing::new).map_err(failed)?;
    let token = text.trim_end_matches(['\n', '\r']);
    if token.is_empty() || token.len() > MAX_TOKEN_BYTES || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(refused());
    }
    let text = Zeroizing::new(format!("Bearer {token}"));
    let mut header = HeaderValue::from_str(&text).map_err(|_| refused())?;
    header.set_sensitive(true);
    Ok(header)
}
