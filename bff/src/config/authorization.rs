//! `upstreams.NAME.authorization`: how calls prove themselves to an upstream. The one key that is either a text or a
//! table.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

const SERVICE_TOKEN: &str = "service_token";
const NONE: &str = "none";
const FILE: &str = "file";
const KEY: &str = "authorization";

/// How calls prove themselves to an upstream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Authorization {
    /// By a token that the gateway signs for this upstream and the user who acts.
    #[default]
    ServiceToken,
    /// Not at all: no `Authorization` is sent.
    None,
    /// By a bearer token (RFC 6750) that stands in this file.
    File(String),
}

impl Authorization {
    /// Where the token stands, if it does.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::File(path) => Some(path),
            Self::ServiceToken | Self::None => None,
        }
    }
}

/// Whether the key at `path`, `upstreams.NAME.authorization`, may be a table.
pub(super) fn is_at(path: &str) -> bool {
    let mut keys = path.split('.');
    (keys.next(), keys.nth(1), keys.next()) == (Some("upstreams"), Some(KEY), None)
}

/// Whether it is the path of a token's file.
pub(super) fn is_file(path: &[String]) -> bool {
    matches!(path, [upstreams, _, key, file] if upstreams == "upstreams" && key == KEY && file == FILE)
}

/// The token in `file`, if it can be read.
pub(super) fn token(file: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).map(Zeroizing::new).ok()?;
    Some(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// What is wrong with the token in `file`. Holds nothing of it.
pub(super) fn fault(file: &str) -> Option<String> {
    let text = match std::fs::read_to_string(file).map(Zeroizing::new) {
        Ok(text) => text,
        Err(error) => return Some(format!("its file cannot be read: {error}")),
    };
    let token = text.trim_end_matches(['\n', '\r']);
    let sound = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    (!sound).then(|| "its file must hold one line of visible ASCII characters without spaces".to_owned())
}

impl Serialize for Authorization {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::ServiceToken => serializer.serialize_str(SERVICE_TOKEN),
            Self::None => serializer.serialize_str(NONE),
            Self::File(path) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(FILE, path)?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Authorization {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Authorization;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"service_token\", \"none\" or { file = \"PATH\" }")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Authorization, E> {
                match value {
                    SERVICE_TOKEN => Ok(Authorization::ServiceToken),
                    NONE => Ok(Authorization::None),
                    // The text stays out of the message: it may be the token itself.
                    _ => Err(E::custom("expected \"service_token\", \"none\" or { file = \"PATH\" }")),
                }
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Authorization, A::Error> {
                let wrong =
                    || de::Error::custom("expected \"service_token\", \"none\" or { file = \"PATH\" }");
                let mut file = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key != FILE || file.is_some() {
                        return Err(wrong());
                    }
                    file = Some(map.next_value::<String>()?);
                }
                file.filter(|path| !path.is_empty()).map(Authorization::File).ok_or_else(wrong)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for Authorization {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Authorization".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "oneOf": [
                { "enum": [SERVICE_TOKEN, NONE] },
                {
                    "type": "object",
                    "properties": { FILE: { "type": "string", "minLength": 1 } },
                    "minProperties": 1,
                    "additionalProperties": false,
                },
            ],
        })
    }
}
