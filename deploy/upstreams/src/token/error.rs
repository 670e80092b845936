//! Why a service token is refused.

/// Why a call is not believed. Callers learn only that it is not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("no token")]
    Missing,
    #[error("not a bearer token")]
    Malformed,
    #[error("the token is not valid")]
    Jwt(#[from] jsonwebtoken::errors::Error),
    #[error("the token is signed in another way than its key allows")]
    Algorithm,
    #[error("the token names no key")]
    NoKeyId,
    #[error("the token asks for extensions that nobody here knows")]
    Critical,
    #[error("the token's key is not published")]
    UnknownKey,
    #[error("the token's acting user is no id")]
    Subject,
    #[error("the token is from the future")]
    Future,
    #[error("the keys have never been fetched")]
    KeysUnavailable,
}
