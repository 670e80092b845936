//! The token endpoint (OpenID Connect Core 1.0 section 3.1.3).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    ClientAuth, OidcError, OidcProvider, bearer::put_authorization, error::refusal, provider::request,
};

/// What a code was exchanged for.
#[derive(Debug)]
pub struct Redeemed {
    /// Not verified yet.
    pub id_token: SecretString,
    /// Good for [`OidcProvider::user_info`] and kept nowhere.
    pub access_token: Option<SecretString>,
}

#[derive(Deserialize)]
struct Answer {
    id_token: Option<SecretString>,
    access_token: Option<SecretString>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl OidcProvider {
    /// Exchanges `code`, once: a second try would look like a theft to the provider. `verifier` belongs to the
    /// challenge (RFC 7636 section 4.5) and `redirect_uri` to the request that the code answers.
    ///
    /// # Errors
    /// [`OidcError`]; see [`OidcError::is_code_refused`].
    pub async fn redeem(
        &self,
        code: &str,
        verifier: &SecretString,
        redirect_uri: &str,
    ) -> Result<Redeemed, OidcError> {
        let metadata = self.metadata().await?;
        let (mut request, provider) = (request(Method::POST, &metadata.token_endpoint)?, &self.0);
        let form = Zeroizing::new({
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "authorization_code")
                .append_pair("code", code)
                .append_pair("redirect_uri", redirect_uri)
                .append_pair("code_verifier", verifier.expose_secret());
            match &provider.auth {
                ClientAuth::Basic(secret) => {
                    put_basic(request.headers_mut(), &provider.client_id, secret)?;
                }
                ClientAuth::Post(secret) => {
                    form.append_pair("client_id", &provider.client_id)
                        .append_pair("client_secret", secret.expose_secret());
                }
                ClientAuth::Public => {
                    form.append_pair("client_id", &provider.client_id);
                }
            }
            form.finish()
        });
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, content_type);
        *request.body_mut() = Bytes::copy_from_slice(form.as_bytes());
        match provider.http.send(request).await? {
            (StatusCode::OK, body) => {
                let answer: Answer = serde_json::from_slice(&body)
                    .map_err(|_| OidcError::Unusable("a token response that is not JSON"))?;
                let id_token =
                    answer.id_token.ok_or(OidcError::Unusable("a token response without an ID token"))?;
                Ok(Redeemed { id_token, access_token: answer.access_token })
            }
            (status @ (StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED), body) => {
                let refused = serde_json::from_slice::<Refusal>(&body);
                Err(refused.map_or(OidcError::Status(status), |refused| refusal(&refused.error)))
            }
            (status, _) => Err(OidcError::Status(status)),
        }
    }
}

/// RFC 6749 section 2.3.1: both are form-encoded before they become Basic credentials.
fn put_basic(headers: &mut HeaderMap, id: &str, secret: &SecretString) -> Result<(), OidcError> {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Zeroizing::new(format!("{}:{}", encode(id), encode(secret.expose_secret())));
    put_authorization(headers, &Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes()))))
}
