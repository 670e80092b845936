//! One provider: what it says of itself is held, what it is asked is not.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use jsonwebtoken::jwk::Jwk;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;
use url::Url;

use super::{
    ClientAuth, OidcError, OidcProviderConfig, ProviderMetadata, bearer, metadata,
    refreshing_value::{Holding, RefreshingValue},
};
use crate::{TransportError, transport::ProviderHttp};

/// One provider. Cloning is cheap and shares connections and what is held.
#[derive(Clone)]
pub struct OidcProvider(pub(super) Arc<Provider>);

pub(super) struct Provider {
    issuer: String,
    location: Url,
    pub(super) client_id: String,
    pub(super) auth: ClientAuth,
    pub(super) http: ProviderHttp,
    metadata: RefreshingValue<ProviderMetadata>,
    keys: RefreshingValue<Vec<Jwk>>,
}

#[derive(Deserialize)]
struct WrittenKeys {
    keys: Vec<Value>,
}

impl std::fmt::Debug for OidcProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OidcProvider").field("issuer", &self.0.issuer).finish_non_exhaustive()
    }
}

impl OidcProvider {
    /// Connections are opened and driven on `runtime`. No network is touched here.
    ///
    /// # Errors
    /// [`TransportError`] when the issuer is not a plain http or https URL, or TLS cannot be set up.
    pub fn new(runtime: Handle, config: OidcProviderConfig) -> Result<Self, TransportError> {
        let refused = || TransportError::Config {
            upstream: "openid provider",
            expected: "the issuer must be http:// or https:// and name a host",
        };
        let issuer = Url::parse(&config.issuer).map_err(|_| refused())?;
        let holding = |fresh| Holding {
            fresh,
            usable: config.times.away,
            failed: config.times.failed,
            anew: config.times.unknown_key,
        };
        Ok(Self(Arc::new(Provider {
            http: ProviderHttp::new(runtime, &issuer, config.timeout)?,
            location: metadata::location(&issuer),
            issuer: config.issuer,
            client_id: config.client_id,
            auth: config.auth,
            metadata: RefreshingValue::new(holding(config.times.metadata)),
            keys: RefreshingValue::new(holding(config.times.keys)),
        })))
    }

    /// `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// What the gateway is called there: `aud` of its tokens.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// The provider's metadata: held, or read now.
    ///
    /// # Errors
    /// [`OidcError`] when it cannot be had, or is not that of the configured issuer.
    pub async fn metadata(&self) -> Result<Arc<ProviderMetadata>, OidcError> {
        let provider = &self.0;
        let read = async {
            let json = provider.get(&provider.location, None).await?;
            ProviderMetadata::read(&json, &provider.issuer)
        };
        provider.metadata.get(read).await
    }

    /// The keys that sign its tokens: held, or read now. Keys of unknown kinds are left out.
    ///
    /// # Errors
    /// [`OidcError`] when they cannot be had.
    pub async fn keys(&self) -> Result<Arc<Vec<Jwk>>, OidcError> {
        let metadata = self.metadata().await?;
        self.0.keys.get(self.0.read_keys(&metadata)).await
    }

    /// The keys, because one is missing among those `seen`; `seen` itself when they were read a moment ago.
    ///
    /// # Errors
    /// [`OidcError`] when they cannot be had.
    pub async fn keys_after(&self, seen: Arc<Vec<Jwk>>) -> Result<Arc<Vec<Jwk>>, OidcError> {
        let metadata = self.metadata().await?;
        self.0.keys.newer(seen, self.0.read_keys(&metadata)).await
    }

    /// What the provider knows of the person behind `access_token` (OpenID Connect Core 1.0 section 5.3); nothing
    /// where it has no such endpoint. The caller compares its `sub`.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn user_info(&self, access_token: &SecretString) -> Result<Option<Value>, OidcError> {
        let metadata = self.metadata().await?;
        let Some(url) = &metadata.userinfo_endpoint else { return Ok(None) };
        let json = self.0.get(url, Some(access_token)).await?;
        let claims = serde_json::from_slice(&json);
        claims.map(Some).map_err(|_| OidcError::Unusable("user information that is not JSON"))
    }
}

impl Provider {
    async fn read_keys(&self, metadata: &ProviderMetadata) -> Result<Vec<Jwk>, OidcError> {
        let json = self.get(&metadata.jwks_uri, None).await?;
        let written: WrittenKeys =
            serde_json::from_slice(&json).map_err(|_| OidcError::Unusable("keys that are no JWK set"))?;
        // RFC 7517 section 5: keys of a kind that is not understood are to be ignored.
        Ok(written.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
    }

    async fn get(&self, url: &Url, token: Option<&SecretString>) -> Result<Bytes, OidcError> {
        let mut request = request(Method::GET, url)?;
        if let Some(token) = token {
            bearer::put_bearer(request.headers_mut(), token)?;
        }
        match self.http.send(request).await? {
            (StatusCode::OK, body) => Ok(body),
            (status, _) => Err(OidcError::Status(status)),
        }
    }
}

/// A request to one of a provider's endpoints.
pub(super) fn request(method: Method, url: &Url) -> Result<Request<Bytes>, OidcError> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() =
        url.as_str().parse().map_err(|_| OidcError::Unusable("an endpoint that is no URI"))?;
    Ok(request)
}
