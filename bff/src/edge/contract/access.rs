//! Who may call, and what shows who somebody is.

use utoipa::openapi::{
    SecurityRequirement,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

/// Names of the two security schemes.
const SESSION: &str = "session";
const BEARER: &str = "bearer";

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody; being signed in makes no difference.
    Public,
    /// Everybody; who is signed in sees more.
    Open,
    /// Signed-in callers alone.
    SignedIn,
    /// Browsers with a session: there is no such thing for a bearer token.
    Session,
}

/// What a caller must show, one of them.
pub(super) fn requirements(access: Access) -> Vec<SecurityRequirement> {
    let needs = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    match access {
        // Said rather than left out: that nothing is needed is no oversight.
        Access::Public => vec![SecurityRequirement::default()],
        Access::Open => vec![SecurityRequirement::default(), needs(SESSION), needs(BEARER)],
        Access::SignedIn => vec![needs(SESSION), needs(BEARER)],
        Access::Session => vec![needs(SESSION)],
    }
}

/// What `components/securitySchemes` holds. `cookie` is the name of the session cookie.
pub(super) fn schemes(cookie: &str) -> [(&'static str, SecurityScheme); 2] {
    let session = ApiKeyValue::with_description(
        cookie,
        "A browser's session. With unsafe methods `X-CSRF-Token` must bear the session's token, and the request \
         must come from an allowed origin.",
    );
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("An access token of `POST /auth/token`."))
        .build();
    [(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(session))), (BEARER, SecurityScheme::Http(bearer))]
}
