//! How one upstream is reached, and the HTTP client made from that.

use std::{path::PathBuf, sync::Arc, time::Duration};

use reqwest::{header, redirect, retry};
use url::Url;

use super::{
    Authorization,
    connections::{Client, Connections},
    error::TransportError,
    opened::Opened,
    plain::{PlainClient, PlainSettings},
    tls::{Certificates, TlsFiles},
};

/// How one upstream is reached and how much is asked of it.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    /// Label in errors and metrics.
    pub name: &'static str,
    /// `http` or `https`, with or without a path prefix, with or without a slash at its end.
    pub url: Url,
    /// `aud` of its service tokens.
    pub audience: String,
    pub authorization: Authorization,
    /// For a whole call: waiting for room, connecting, sending, and reading to the last byte.
    pub timeout: Duration,
    /// For name look-up, TCP and TLS together.
    pub connect_timeout: Duration,
    /// How long a connection is kept that no call uses; below the time after which the upstream closes it: whoever
    /// closes first decides whether a request can meet a closing connection.
    pub idle: Duration,
    /// A larger answer is refused while it is being read.
    pub max_response_bytes: usize,
    /// Calls on the wire at the same time; at least 1.
    pub max_concurrent: usize,
    /// Calls that may wait for room; more are refused at once.
    pub queue: usize,
    /// What may be kept of its answers with an `ETag`, to be asked about instead of being sent again; 0: nothing.
    pub etag_cache_bytes: u64,
    /// Threads that call from runtimes of their own: each keeps a share of `max_concurrent` idle connections.
    pub workers: usize,
    /// For `https` alone.
    pub tls: TlsFiles,
}

/// [`UpstreamConfig::idle`] where nothing is said: below the 5 s after which actix-web and Node close an idle
/// connection.
pub(super) const POOL_IDLE: Duration = Duration::from_secs(4);
/// Finds out that a peer vanished without a word.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);
const USER_AGENT: &str = concat!("bff/", env!("CARGO_PKG_VERSION"));

impl UpstreamConfig {
    /// The URL as the stem of paths, without a slash at its end.
    pub(crate) fn checked_base(&self) -> Result<Url, TransportError> {
        let refuse = |expected| Err(TransportError::Config { upstream: self.name, expected });
        if !matches!(self.url.scheme(), "http" | "https") || self.url.host().is_none() {
            return refuse("the url must be http:// or https:// and name a host");
        }
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return refuse("the url must not hold a user name or password");
        }
        if self.url.query().is_some() || self.url.fragment().is_some() {
            return refuse("the url must not hold a query or fragment");
        }
        if self.max_concurrent == 0 || self.max_concurrent > tokio::sync::Semaphore::MAX_PERMITS {
            return refuse("at least one call at a time must be allowed");
        }
        if self.timeout.is_zero() || self.connect_timeout.is_zero() {
            return refuse("timeouts must be above zero");
        }
        if self.url.scheme() != "https" && !self.tls.is_empty() {
            return refuse("certificates need an https:// url");
        }
        if self.tls.client_key.is_some() && self.tls.client_cert.is_none() {
            return refuse("a client key needs its certificate");
        }
        let mut base = self.url.clone();
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(base)
    }

    /// With the certificates that are in the files now.
    pub(crate) fn connections(&self) -> Result<Connections, TransportError> {
        self.connections_with(&self.tls.read(self.name)?, self.max_concurrent)
    }

    /// `idle`: how many connections are kept at most that no call uses.
    pub(super) fn connections_with(
        &self,
        tls: &Certificates,
        idle: usize,
    ) -> Result<Connections, TransportError> {
        let opened = Opened::new(self.timeout);
        let builder = || self.builder(tls.authorities.as_deref(), tls.identity.as_ref());
        if self.url.scheme() == "http" {
            let client = |idle| Client::Plain(Arc::new(PlainClient::new(&self.plain(idle), &opened)));
            return Ok(Connections::new(client(idle), client(0), opened));
        }
        let pooled = builder().pool_max_idle_per_host(idle).connector_layer(opened.clone()).build();
        let fresh = builder().pool_max_idle_per_host(0).build();
        let blamed = |source| self.blame(source, tls);
        let (pooled, fresh) = (pooled.map_err(blamed)?, fresh.map_err(blamed)?);
        Ok(Connections::new(Client::Tls(pooled), Client::Tls(fresh), opened))
    }

    fn plain(&self, max_idle: usize) -> PlainSettings {
        PlainSettings {
            connect_timeout: self.connect_timeout.min(self.timeout),
            pool_idle: self.idle,
            max_idle,
            keepalive: TCP_KEEPALIVE,
            user_agent: USER_AGENT,
        }
    }

    /// Which file is to blame for a client that cannot be built. Its error does not say.
    fn blame(&self, source: reqwest::Error, tls: &Certificates) -> TransportError {
        let refused = |path: &PathBuf, expected| TransportError::Tls {
            upstream: self.name,
            path: path.clone(),
            expected,
        };
        let without_identity = self.builder(tls.authorities.as_deref(), None).build();
        match (&self.tls.ca, &self.tls.client_cert) {
            (_, Some(cert)) if without_identity.is_ok() => {
                refused(cert, "certificate for the private key that comes with it")
            }
            (Some(ca), _) => refused(ca, "list of X.509 certificates (PEM)"),
            (None, _) => TransportError::Http { upstream: self.name, source },
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place with all limits set")]
    fn builder(
        &self,
        authorities: Option<&[reqwest::Certificate]>,
        identity: Option<&reqwest::Identity>,
    ) -> reqwest::ClientBuilder {
        let mut accept = header::HeaderMap::new();
        accept.insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .default_headers(accept)
            .http1_only()
            .https_only(true)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            // No copy of each request is kept either. What hyper repeats by itself is safe, also for writes: a request
            // of which not one byte was written because its pooled connection had closed.
            .retry(retry::never().max_retries_per_request(0))
            .connect_timeout(self.connect_timeout.min(self.timeout))
            .pool_idle_timeout(self.idle)
            .tcp_keepalive(TCP_KEEPALIVE)
            .tcp_nodelay(true);
        if let Some(authorities) = authorities {
            builder = builder.tls_certs_only(authorities.iter().cloned());
        }
        match identity {
            Some(identity) => builder.identity(identity.clone()),
            None => builder,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Authorization, TlsFiles, UpstreamConfig};

    fn config(url: &str) -> UpstreamConfig {
        UpstreamConfig {
            name: "profile",
            url: url.parse().expect("a url"),
            audience: "profile".to_owned(),
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
            idle: Duration::from_secs(1),
            max_response_bytes: 1,
            max_concurrent: 1,
            queue: 0,
            authorization: Authorization::None,
            etag_cache_bytes: 0,
            workers: 1,
            tls: TlsFiles::default(),
        }
    }

    #[test]
    fn an_upstream_that_cannot_be_meant_is_refused() {
        let bad = [
            "ftp://host/",
            "http://ada:secret@host/",
            "http://host/?q=1",
            "http://host/#top",
            "mailto:a@b.c",
        ];
        for url in bad {
            let error = config(url).checked_base().expect_err(url);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let mut none_at_a_time = config("http://host/");
        none_at_a_time.max_concurrent = 0;
        assert!(none_at_a_time.checked_base().is_err());
        let mut no_time = config("http://host/");
        no_time.timeout = Duration::ZERO;
        assert!(no_time.checked_base().is_err());
    }

    #[test]
    fn both_schemes_have_a_client() {
        for url in ["http://host/v1/", "https://host"] {
            config(url).connections().expect("clients");
        }
        assert_eq!(config("http://host/v1/").checked_base().expect("a base").path(), "/v1");
    }
}
