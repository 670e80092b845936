//! The rules of ID tokens (OpenID Connect Core 1.0 section 3.1.3.7) and logout tokens (OpenID Connect Back-Channel
//! Logout 1.0 section 2.6).

use jsonwebtoken::jwk::Jwk;
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::{Person, TokenFault, claims::Claims, jwt::verified};

/// How far the provider's clock may be from ours.
const LEEWAY_S: u64 = 30;
/// OpenID Connect Core 1.0 section 2: at most 255 ASCII characters.
const LONGEST_SUBJECT: usize = 255;
/// A provider's names for its sessions and tokens; they go into a hash.
const LONGEST_ID: usize = 1024;
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What the gateway is at a provider.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    /// What the provider announces to sign with.
    pub algorithms: &'a [String],
}

/// A verified ID token: who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdToken {
    pub subject: String,
    /// The provider's session, where it names it.
    pub sid: Option<String>,
    /// Unix seconds.
    pub issued_s: u64,
    pub person: Person,
}

/// A verified logout token: who is to be signed out. At least one of `subject` and `sid` is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutToken {
    pub subject: Option<String>,
    pub sid: Option<String>,
    pub jti: String,
    /// Unix seconds, both.
    pub issued_s: u64,
    pub expires_s: u64,
}

/// Who signed in, if `token` is what the provider answers to the sign-in with that `nonce`.
///
/// # Errors
/// [`TokenFault`]. After some of them newer keys may help: see [`TokenFault::may_be_an_old_key`].
pub fn verify_id_token(
    token: &str,
    keys: &[Jwk],
    client: &Client<'_>,
    nonce: &str,
    now_s: u64,
) -> Result<IdToken, TokenFault> {
    let claims = verified(token, keys, client.algorithms, &["jwt"])?;
    let issued_s = addressed(&claims, client, now_s)?;
    let audience = claims.aud.as_ref().ok_or(TokenFault::Audience)?;
    let authorized = match claims.azp.as_deref() {
        Some(party) => party == client.client_id,
        // Several may use it: who among them it was made for must be said.
        None => audience.is_single(),
    };
    if !authorized {
        return Err(TokenFault::Audience);
    }
    let given = claims.nonce.as_ref().and_then(Value::as_str).unwrap_or_default();
    if !bool::from(given.as_bytes().ct_eq(nonce.as_bytes())) {
        return Err(TokenFault::Nonce);
    }
    let subject = claims.sub.filter(|subject| is_subject(subject)).ok_or(TokenFault::Subject)?;
    Ok(IdToken {
        subject,
        sid: claims.sid.filter(|sid| is_id(sid)),
        issued_s,
        person: Person::of(&claims.others),
    })
}

/// Who is to be signed out, if `token` is the provider's order to do so.
///
/// # Errors
/// As [`verify_id_token`].
pub fn verify_logout_token(
    token: &str,
    keys: &[Jwk],
    client: &Client<'_>,
    now_s: u64,
) -> Result<LogoutToken, TokenFault> {
    // Providers older than the type write `JWT`; the event and the missing nonce keep ID tokens out all the same.
    let claims = verified(token, keys, client.algorithms, &["logout+jwt", "jwt"])?;
    let issued_s = addressed(&claims, client, now_s)?;
    let event = claims.events.as_ref().and_then(|events| events.get(LOGOUT_EVENT));
    if !event.is_some_and(Value::is_object) || claims.nonce.is_some() {
        return Err(TokenFault::Event);
    }
    let jti = claims.jti.filter(|jti| is_id(jti)).ok_or(TokenFault::Claims)?;
    let sound = claims.sub.as_deref().is_none_or(is_subject) && claims.sid.as_deref().is_none_or(is_id);
    if !sound || (claims.sub.is_none() && claims.sid.is_none()) {
        return Err(TokenFault::Subject);
    }
    let expires_s = claims.exp.ok_or(TokenFault::Claims)?;
    Ok(LogoutToken { subject: claims.sub, sid: claims.sid, jti, issued_s, expires_s })
}

/// Checks by whom, for whom and for when a token is; answers when it was made.
fn addressed(claims: &Claims, client: &Client<'_>, now_s: u64) -> Result<u64, TokenFault> {
    if claims.iss.as_deref() != Some(client.issuer) {
        return Err(TokenFault::Issuer);
    }
    if !claims.aud.as_ref().is_some_and(|audience| audience.contains(client.client_id)) {
        return Err(TokenFault::Audience);
    }
    let (expires_s, issued_s) = claims.exp.zip(claims.iat).ok_or(TokenFault::Claims)?;
    if now_s >= expires_s.saturating_add(LEEWAY_S) {
        return Err(TokenFault::Expired);
    }
    let latest_s = now_s.saturating_add(LEEWAY_S);
    if issued_s > latest_s || claims.nbf.is_some_and(|from_s| from_s > latest_s) {
        return Err(TokenFault::Future);
    }
    Ok(issued_s)
}

fn is_subject(subject: &str) -> bool {
    (1..=LONGEST_SUBJECT).contains(&subject.len())
}

fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len())
}
