//! A provider's metadata (OpenID Connect Discovery 1.0 section 3).

use serde::Deserialize;
use url::Url;

use super::OidcError;

/// What a provider says of itself, as far as sign-in needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderMetadata {
    /// Where people are sent to sign in.
    pub authorization_endpoint: Url,
    /// Algorithms that may sign ID tokens; it may know others of ours, or ones that we do not take.
    pub signing_algorithms: Box<[String]>,
    /// Whether every answer to an authorization request bears `iss` (RFC 9207 section 3).
    pub answers_with_issuer: bool,
    pub(super) token_endpoint: Url,
    pub(super) jwks_uri: Url,
    pub(super) userinfo_endpoint: Option<Url>,
}

#[derive(Deserialize)]
struct Written {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Where the metadata of `issuer` is (OpenID Connect Discovery 1.0 section 4).
pub(super) fn location(issuer: &Url) -> Url {
    let mut url = issuer.clone();
    let path = format!("{}/.well-known/openid-configuration", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

impl ProviderMetadata {
    /// Reads what the provider at `issuer` wrote. Its `issuer` must be the very same text (section 4.3): else
    /// another provider, or somebody in the way, speaks for it.
    pub(super) fn read(json: &[u8], issuer: &str) -> Result<Self, OidcError> {
        let written: Written =
            serde_json::from_slice(json).map_err(|_| OidcError::Unusable("metadata that is not complete"))?;
        if written.issuer != issuer {
            return Err(OidcError::Unusable("metadata of another issuer"));
        }
        let scheme = if issuer.starts_with("http:") { "http" } else { "https" };
        let endpoint = |text: &str| {
            let url = Url::parse(text).ok();
            let sound = |url: &Url| url.scheme() == scheme && url.has_host() && url.fragment().is_none();
            url.filter(sound).ok_or(OidcError::Unusable("metadata with an endpoint that is not https"))
        };
        let mut signing_algorithms = written.id_token_signing_alg_values_supported;
        if signing_algorithms.is_empty() {
            // Required, but left out by some; all must know this one (section 3).
            signing_algorithms.push("RS256".to_owned());
        }
        Ok(Self {
            authorization_endpoint: endpoint(&written.authorization_endpoint)?,
            signing_algorithms: signing_algorithms.into(),
            answers_with_issuer: written.authorization_response_iss_parameter_supported,
            token_endpoint: endpoint(&written.token_endpoint)?,
            jwks_uri: endpoint(&written.jwks_uri)?,
            userinfo_endpoint: written.userinfo_endpoint.as_deref().map(endpoint).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use url::Url;

    use super::{ProviderMetadata, location};

    fn metadata() -> Value {
        json!({
            "issuer": "https://id.example/o",
            "authorization_endpoint": "https://id.example/o/auth?tenant=1",
            "token_endpoint": "https://id.example/o/token",
            "jwks_uri": "https://keys.example/o",
            "response_types_supported": ["code"],
        })
    }

    fn read(metadata: &Value) -> Result<ProviderMetadata, String> {
        ProviderMetadata::read(metadata.to_string().as_bytes(), "https://id.example/o")
            .map_err(|error| error.to_string())
    }

    #[test]
    fn it_is_found_below_the_issuer() {
        for (issuer, expected) in [
            ("https://id.example", "https://id.example/.well-known/openid-configuration"),
            ("https://id.example/", "https://id.example/.well-known/openid-configuration"),
            ("https://id.example/a/b", "https://id.example/a/b/.well-known/openid-configuration"),
            ("https://id.example/a/b/", "https://id.example/a/b/.well-known/openid-configuration"),
        ] {
            assert_eq!(location(&Url::parse(issuer).expect("a URL")).as_str(), expected);
        }
    }

    #[test]
    fn what_is_left_out_has_the_values_of_the_specification() {
        let read = read(&metadata()).expect("it is complete");
        assert_eq!(*read.signing_algorithms, ["RS256"]);
        assert!(!read.answers_with_issuer && read.userinfo_endpoint.is_none());
        assert_eq!(read.authorization_endpoint.query(), Some("tenant=1"));
    }

    #[test]
    fn another_issuer_or_an_open_endpoint_is_refused() {
        for (key, value) in [
            ("issuer", "https://id.example/o/"),
            ("issuer", "https://id.example/O"),
            ("issuer", "https://evil.example"),
            ("token_endpoint", "http://id.example/token"),
            ("jwks_uri", "http://keys.example"),
            ("userinfo_endpoint", "ftp://id.example"),
            ("authorization_endpoint", "javascript:alert(1)"),
            ("authorization_endpoint", "https://id.example/#x"),
            ("token_endpoint", "/token"),
        ] {
            let mut wrong = metadata();
            wrong[key] = value.into();
            assert!(read(&wrong).is_err(), "{key} {value}");
        }
        for missing in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
            let mut wrong = metadata();
            wrong.as_object_mut().expect("an object").remove(missing);
            assert!(read(&wrong).is_err(), "{missing}");
        }
    }
}
