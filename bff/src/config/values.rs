//! The types of single values: what a key may hold.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What the gateway is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// On one's own machine: readable logs, a key is made when there is none.
    Development,
    /// Refuses to start with unsafe settings.
    Production,
}

/// A time in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Millis(u64);

impl Millis {
    pub const ZERO: Self = Self(0);

    /// As a `Duration`.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// As a number of milliseconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl From<Millis> for Duration {
    fn from(value: Millis) -> Self {
        value.duration()
    }
}

/// `SameSite` of the session cookie (RFC 6265bis, section 4.1.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SameSite {
    Lax,
    Strict,
    None,
}

impl SameSite {
    /// The attribute's value as it stands in `Set-Cookie`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
            Self::None => "None",
        }
    }
}

/// How an upstream's service tokens are signed (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TokenAlgorithm {
    /// With the gateway's keys; the upstream verifies with the published ones.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// With a secret that the upstream shares.
    #[serde(rename = "HS256")]
    Hs256,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// JSON in production, text in development.
    Auto,
    Json,
    Text,
}

/// How a client proves itself at a token endpoint (OpenID Connect Core 1.0 section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenAuth {
    ClientSecretBasic,
    ClientSecretPost,
    None,
}

/// Who asks for a member's second factor when they sign in through a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// The gateway, of members who have switched it on.
    Own,
    /// The provider, or nobody.
    Provider,
}

/// Who may read a file where its upload does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileVisibility {
    /// Pictures are public, everything else is private.
    Auto,
    Public,
    Private,
}

/// Whether something is on: `true`, `false` or `"auto"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// As the rest of the configuration suggests.
    Auto,
    On,
    Off,
}

impl Serialize for Switch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::On => serializer.serialize_bool(true),
            Self::Off => serializer.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Switch;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or \"auto\"")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Switch, E> {
                Ok(if value { Switch::On } else { Switch::Off })
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Switch, E> {
                match value {
                    "auto" => Ok(Switch::Auto),
                    "true" => Ok(Switch::On),
                    "false" => Ok(Switch::Off),
                    _ => Err(E::invalid_value(de::Unexpected::Str(value), &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Switch {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Switch".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": [true, false, "auto"] })
    }
}

/// Addresses of a network in CIDR notation (RFC 4632), or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// All of its addresses.
    #[must_use]
    pub const fn addresses(self) -> IpNet {
        self.0
    }

    /// Whether every address of its family is in it.
    #[must_use]
    pub fn is_everybody(self) -> bool {
        self.0.prefix_len() == 0
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let wrong =
            |_| de::Error::custom(format!("`{text}` is no network such as 10.0.0.0/8, nor an address"));
        network.map(|network: IpNet| Self(network.trunc())).map_err(wrong)
    }
}

impl JsonSchema for Network {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// Where sessions are kept, such as `embedded:PATH`. `Debug` and `Serialize` leave out credentials.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StoreUrl(String);

impl StoreUrl {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The whole text, with credentials if it has any: for opening the store, not for printing.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first `:`, or the whole where there is none.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.split(':').next().unwrap_or(&self.0)
    }

    /// The text without credentials.
    #[must_use]
    pub fn redacted(&self) -> String {
        let Some((scheme, rest)) = self.0.split_once("://") else { return self.0.clone() };
        // A password may hold unescaped `@` or `/`: everything before the last `@` goes.
        let (login, rest) = match rest.rsplit_once('@') {
            Some((_, host)) => ("[redacted]@", host),
            None => ("", rest),
        };
        // So may a parameter.
        match rest.split_once('?') {
            Some((rest, _)) => format!("{scheme}://{login}{rest}?[redacted]"),
            None => format!("{scheme}://{login}{rest}"),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.redacted(), f)
    }
}

impl Serialize for StoreUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.redacted())
    }
}

/// (De)serialises the URL of an upstream as its text. It has no default: an empty text is a URL that [`is_set`] tells
/// from every other, so that the mistake is found with all others.
///
/// [`is_set`]: upstream_url::is_set
pub(super) mod upstream_url {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use url::Url;

    const NONE: &str = "unset:";

    pub(in crate::config) fn serialize<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if is_set(url) { url.as_str() } else { "" })
    }

    /// Whether there is a URL at all.
    pub(in crate::config) fn is_set(url: &Url) -> bool {
        url.as_str() != NONE
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Url, D::Error> {
        let text = String::deserialize(deserializer)?;
        let text = if text.is_empty() { NONE } else { &text };
        // The text stays out of the message: it may hold credentials.
        Url::parse(text).map_err(|error| de::Error::custom(format!("is not an absolute URL: {error}")))
    }
}
