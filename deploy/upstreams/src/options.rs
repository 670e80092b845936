//! What one service is started with.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use jsonwebtoken::DecodingKey;
use url::Url;

use crate::profile::mail::MailOptions;

/// One of the three services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Members, passwords, second factors, OpenID identities.
    Profile,
    /// Posts, likes, follows.
    Timeline,
    /// Recipes, their costs, likes, comments, ingredients.
    Recipe,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Profile, Self::Timeline, Self::Recipe];

    /// `profile`, `timeline` or `recipe`: also the default audience of its tokens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Timeline => "timeline",
            Self::Recipe => "recipe",
        }
    }
}

/// A secret that this service alone shares with the gateway.
#[derive(Clone)]
pub struct TokenSecret(DecodingKey);

impl TokenSecret {
    /// The shortest that HS256 may be used with, in bytes (RFC 7518 section 3.2).
    pub const SHORTEST: usize = 32;

    /// `None` where it is shorter than [`TokenSecret::SHORTEST`].
    #[must_use]
    pub fn new(secret: &str) -> Option<Self> {
        (secret.len() >= Self::SHORTEST).then(|| Self(DecodingKey::from_secret(secret.as_bytes())))
    }

    pub(crate) const fn key(&self) -> &DecodingKey {
        &self.0
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret")
    }
}

/// Where the keys are that seal the secrets of second factors: 32 bytes in base64, one key a line. The first one seals,
/// the others only open.
#[derive(Debug, Clone)]
pub enum TotpKeySource {
    /// In that file.
    File(PathBuf),
    /// Here.
    Text(KeyText),
}

/// Keys as text; it shows nothing of them.
#[derive(Clone)]
pub struct KeyText(String);

impl KeyText {
    /// Wraps it.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText")
    }
}

/// Settings of one service.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The database file; `None` keeps everything in memory, for as long as the service runs.
    pub database: Option<PathBuf>,
    /// Where the gateway publishes the keys that sign service tokens (RFC 7517). Asked when a key is
    /// first needed, so it may be unreachable at the start.
    pub jwks_url: Url,
    /// Believe tokens that are signed with this secret (HS256), and no others; `None`: the published keys (EdDSA).
    pub token_secret: Option<TokenSecret>,
    /// The `aud` that a token must bear.
    pub audience: String,
    /// The `iss` that a token must bear.
    pub issuer: String,
    /// Server threads.
    pub workers: usize,
    /// Hash passwords with next to no work. For tests only.
    pub cheap_passwords: bool,
    /// What `photoUrl` and `avatarUrl` begin with; `None`: `/files/`, where the gateway serves files.
    pub asset_base: Option<Url>,
    /// How authenticator apps name this site.
    pub totp_label: String,
    /// Keys that seal the secrets of second factors; `None`: a key file beside the database, made at the first start, or a key
    /// that lasts as long as a database in memory does.
    pub totp_keys: Option<TotpKeySource>,
    /// How the profile service mails.
    pub mail: MailOptions,
}

impl Options {
    /// In memory, on a free loopback port, for tokens that `bff` issued for this service.
    #[must_use]
    pub fn new(service: Service, jwks_url: Url) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            database: None,
            jwks_url,
            token_secret: None,
            audience: service.name().to_owned(),
            issuer: "bff".to_owned(),
            workers: 2,
            cheap_passwords: false,
            asset_base: None,
            totp_label: "Recipe book".to_owned(),
            totp_keys: None,
            mail: MailOptions::default(),
        }
    }
}
