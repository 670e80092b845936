//! The tokens that upstreams trust: short-lived, for one of them each. Called by the transport before
//! each try.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use foldhash::quality::RandomState;
use http::HeaderValue;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use moka::sync::Cache;
use schemas::{Actor, Id, ServiceClaims};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::{ClientKind, KeyError, KeyRing};

const LIFE: Duration = Duration::from_secs(60);
/// A token that is sent has at least as much left: longer than any call takes.
const HALF_LIFE: Duration = Duration::from_secs(LIFE.as_secs() / 2);
/// About 700 bytes each.
const MAX_CACHED: u64 = 20_000;

/// Mints service tokens and reuses them. The claims are those of [`ServiceClaims`], `exp` is `iat` + 60 s.
///
/// `scope` says what the call may do at most: `read write` for an acting user, `read` for nobody,
/// `accounts` for making and verifying accounts, which nobody can be signed in for, and `delete_account` for deleting the
/// acting user's account, which no token for ordinary writes reaches.
pub struct ServiceTokens {
    ring: Arc<KeyRing>,
    issuer: String,
    /// Of the upstreams that want a shared secret instead of the published keys: there are few.
    shared: Vec<SharedSecret>,
    cache: Cache<Key, Minted, RandomState>,
}

/// Signs the tokens of one upstream with HS256 (RFC 7518 section 3.2).
struct SharedSecret {
    audience: Arc<str>,
    header: Header,
    /// Keeps itself out of `Debug` and wipes itself.
    key: EncodingKey,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    acting: Option<Id>,
    client: ClientKind,
    audience: Arc<str>,
    grant: Grant,
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Grant {
    /// What the acting user, or nobody, may do for themselves.
    Caller,
    /// Making and verifying accounts.
    Accounts,
    /// Deleting the acting user's account.
    Deletion,
}

/// A failure is kept as well, for those who wait for the same token; it is never reused.
#[derive(Clone)]
struct Minted {
    at: Instant,
    /// As of [`KeyRing::revocations`]: after the next one, its key may not be believed any more.
    revocations: u64,
    header: Result<HeaderValue, KeyError>,
}

/// The two clocks that a token needs.
#[derive(Clone, Copy)]
struct Now {
    /// For reuse: never jumps.
    monotonic: Instant,
    /// For the claims.
    unix_seconds: u64,
}

impl Now {
    fn read() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { monotonic: Instant::now(), unix_seconds: since_epoch.as_secs() }
    }
}

impl fmt::Debug for ServiceTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceTokens").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl ServiceTokens {
    /// `issuer` becomes the `iss` claim.
    #[must_use]
    pub fn new(ring: Arc<KeyRing>, issuer: String) -> Self {
        let cache = Cache::builder()
            .max_capacity(MAX_CACHED)
            // What is not used again is of no use.
            .time_to_live(HALF_LIFE)
            .build_with_hasher(RandomState::default());
        Self { ring, issuer, shared: Vec::new(), cache }
    }

    /// Has the tokens for `audience` signed with `secret` (HS256, RFC 7518 section 3.2: of at least 32 bytes) instead
    /// of the keys, for an upstream that cannot fetch keys. `kid` names the secret to the upstream.
    #[must_use]
    pub fn sharing(mut self, audience: &str, kid: &str, secret: &SecretString) -> Self {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
        self.shared.push(SharedSecret { audience: audience.into(), header, key });
        self
    }

    /// `Bearer …` for calls of `acting`, or of nobody, to the upstream known as `audience`. Minted once
    /// for each (user, client, audience) and reused until half of its life is over, also by those who
    /// ask at the same time. Marked as sensitive: `Debug` does not print it.
    ///
    /// # Errors
    /// [`KeyError`] when the token cannot be signed.
    pub fn header_for(
        &self,
        acting: Option<&Id>,
        client: ClientKind,
        audience: &Arc<str>,
    ) -> Result<HeaderValue, KeyError> {
        self.header_of(acting, client, audience, Grant::Caller)
    }

    /// The same for making and verifying accounts: for nobody, with the scope `accounts`.
    ///
    /// # Errors
    /// [`KeyError`] when the token cannot be signed.
    pub fn accounts_header(&self, client: ClientKind, audience: &Arc<str>) -> Result<HeaderValue, KeyError> {
        self.header_of(None, client, audience, Grant::Accounts)
    }

    /// The same for deleting the account of `acting`: with the scope `delete_account` alone.
    ///
    /// # Errors
    /// [`KeyError`] when the token cannot be signed.
    pub fn deletion_header(
        &self,
        acting: Option<&Id>,
        client: ClientKind,
        audience: &Arc<str>,
    ) -> Result<HeaderValue, KeyError> {
        self.header_of(acting, client, audience, Grant::Deletion)
    }

    fn header_of(
        &self,
        acting: Option<&Id>,
        client: ClientKind,
        audience: &Arc<str>,
        grant: Grant,
    ) -> Result<HeaderValue, KeyError> {
        let key = Key { acting: acting.cloned(), client, audience: Arc::clone(audience), grant };
        self.header_at(&key, Now::read())
    }

    fn header_at(&self, key: &Key, now: Now) -> Result<HeaderValue, KeyError> {
        let revocations = self.ring.revocations();
        let mint = || Minted { at: now.monotonic, revocations, header: self.mint(key, now.unix_seconds) };
        let spent = |minted: &Minted| {
            minted.header.is_err()
                || minted.revocations != revocations
                || now.monotonic.saturating_duration_since(minted.at) >= HALF_LIFE
        };
        self.cache.entry_by_ref(key).or_insert_with_if(mint, spent).into_value().header
    }

    fn mint(&self, key: &Key, iat: u64) -> Result<HeaderValue, KeyError> {
        let scope = match (key.grant, &key.acting) {
            (Grant::Accounts, _) => "accounts",
            (Grant::Deletion, _) => "delete_account",
            (Grant::Caller, Some(_)) => "read write",
            (Grant::Caller, None) => "read",
        };
        let token = self.sign(&ServiceClaims {
            iss: self.issuer.clone(),
            aud: key.audience.to_string(),
            sub: key.acting.as_ref().map(ToString::to_string),
            act: Actor { sub: "bff".to_owned() },
            scope: scope.to_owned(),
            client: key.client.as_str().to_owned(),
            iat,
            exp: iat + LIFE.as_secs(),
            jti: Uuid::new_v4().to_string(),
        })?;
        let mut header = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| KeyError::Header)?;
        header.set_sensitive(true);
        Ok(header)
    }

    fn sign(&self, claims: &ServiceClaims) -> Result<String, KeyError> {
        match self.shared.iter().find(|shared| *shared.audience == *claims.aud) {
            Some(SharedSecret { header, key, .. }) => {
                jsonwebtoken::encode(header, claims, key).map_err(KeyError::Sign)
            }
            None => self.ring.sign(claims),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        sync::{Arc, Barrier},
        thread,
        time::{Duration, Instant},
    };

    use http::HeaderValue;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
    use schemas::{Id, ServiceClaims};
    use secrecy::SecretString;

    use super::{Grant, Key, Now, ServiceTokens};
    use crate::{ClientKind, KeyRing};

    fn tokens() -> (ServiceTokens, JwkSet) {
        let dir = tempfile::tempdir().expect("a folder");
        KeyRing::generate_in(dir.path()).expect("a key");
        let ring = KeyRing::load(dir.path()).expect("keys");
        let jwks = serde_json::from_value(ring.jwks()).expect("a JWK set");
        (ServiceTokens::new(Arc::new(ring), "https://bff.test".to_owned()), jwks)
    }

    /// As an upstream does it.
    fn verified(header: &HeaderValue, jwks: &JwkSet, audience: &str) -> Option<ServiceClaims> {
        let token = header.to_str().ok()?.strip_prefix("Bearer ")?;
        let key = jwks.find(&decode_header(token).ok()?.kid?)?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_audience(&[audience]);
        rules.set_issuer(&["https://bff.test"]);
        decode(token, &DecodingKey::from_jwk(key).ok()?, &rules).ok().map(|data| data.claims)
    }

    fn ada() -> Id {
        Id::new("ada").expect("an id")
    }

    #[test]
    fn an_upstream_can_verify_who_acts_through_whom() {
        let (tokens, jwks) = tokens();
        let audience = Arc::from("orders");
        let header = tokens.header_for(Some(&ada()), ClientKind::Mobile, &audience).expect("a token");
        let claims = verified(&header, &jwks, "orders").expect("genuine");
        assert_eq!((claims.sub.as_deref(), claims.act.sub.as_str()), (Some("ada"), "bff"));
        assert_eq!((claims.scope.as_str(), claims.client.as_str()), ("read write", "mobile"));
        assert_eq!(claims.exp, claims.iat + 60);
        assert!(verified(&header, &jwks, "profile").is_none(), "for nobody but its audience");
        assert!(header.is_sensitive());

        let header = tokens.header_for(None, ClientKind::Web, &audience).expect("a token");
        let claims = verified(&header, &jwks, "orders").expect("genuine");
        assert_eq!((claims.sub, claims.scope.as_str()), (None, "read"));
        let header = tokens.accounts_header(ClientKind::Web, &audience).expect("a token");
        let claims = verified(&header, &jwks, "orders").expect("genuine");
        assert_eq!((claims.sub, claims.scope.as_str()), (None, "accounts"));
    }

    #[test]
    fn each_user_client_audience_and_purpose_has_its_own_token() {
        let (tokens, jwks) = tokens();
        let mut ids = HashSet::new();
        for audience in [Arc::from("orders"), Arc::from("profile")] {
            let mut add = |header: HeaderValue| {
                ids.insert(verified(&header, &jwks, &audience).expect("genuine").jti);
            };
            for client in [ClientKind::Web, ClientKind::Mobile, ClientKind::Ssr, ClientKind::Internal] {
                for user in [None, Some(ada()), Some(Id::new("eve").expect("an id"))] {
                    for _ in 0..2 {
                        add(tokens.header_for(user.as_ref(), client, &audience).expect("a token"));
                    }
                }
                add(tokens.accounts_header(client, &audience).expect("a token"));
            }
        }
        assert_eq!(ids.len(), 2 * 4 * 4);
    }

    #[test]
    fn a_token_is_reused_until_half_of_its_life_is_over() {
        let (tokens, jwks) = tokens();
        let start = Instant::now();
        let unix = Now::read().unix_seconds;
        let key =
            Key { acting: None, client: ClientKind::Web, audience: "orders".into(), grant: Grant::Caller };
        let at = |seconds: u64| {
            let monotonic = start + Duration::from_secs(seconds);
            let header = tokens.header_at(&key, Now { monotonic, unix_seconds: unix + seconds });
            verified(&header.expect("a token"), &jwks, "orders").expect("genuine")
        };
        let first = at(0);
        assert_eq!(at(29), first);
        let second = at(30);
        assert_ne!(second.jti, first.jti);
        assert_eq!((second.iat, second.exp), (unix + 30, unix + 90));
        assert_eq!(at(59), second);
        assert_ne!(at(60), second);
    }

    #[test]
    fn those_who_ask_at_the_same_time_share_one_token() {
        let (tokens, _) = tokens();
        let (barrier, audience) = (Barrier::new(8), Arc::from("orders"));
        let headers: HashSet<Vec<u8>> = thread::scope(|scope| {
            let ask = || {
                barrier.wait();
                let header = tokens.header_for(Some(&ada()), ClientKind::Web, &audience).expect("a token");
                header.as_bytes().to_vec()
            };
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn an_upstream_with_a_secret_of_its_own_gets_tokens_signed_with_it_and_nobody_else_does() {
        const SECRET: &str = "0123456789abcdef0123456789abcdef";
        let (tokens, jwks) = tokens();
        let tokens = tokens.sharing("orders", "orders", &SecretString::from(SECRET));
        let header = tokens.header_for(Some(&ada()), ClientKind::Web, &Arc::from("orders")).expect("a token");
        let token = header.to_str().expect("text").strip_prefix("Bearer ").expect("a token").to_owned();
        let head = decode_header(&token).expect("a header");
        assert_eq!((head.alg, head.kid.as_deref()), (Algorithm::HS256, Some("orders")));
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_audience(&["orders"]);
        rules.set_issuer(&["https://bff.test"]);
        let with = |secret: &str| {
            decode::<ServiceClaims>(&token, &DecodingKey::from_secret(secret.as_bytes()), &rules)
        };
        let claims = with(SECRET).expect("genuine").claims;
        assert_eq!((claims.sub.as_deref(), claims.act.sub.as_str()), (Some("ada"), "bff"));
        assert_eq!((claims.scope.as_str(), claims.exp), ("read write", claims.iat + 60));
        assert!(with("another-secret-of-thirty-two-byte").is_err());
        let header =
            tokens.header_for(Some(&ada()), ClientKind::Web, &Arc::from("profile")).expect("a token");
        assert!(verified(&header, &jwks, "profile").is_some(), "the others' are signed as before");
        assert!(!format!("{tokens:?}").contains(SECRET));
    }

    #[test]
    fn after_a_revocation_every_token_is_minted_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        for _ in 0..2 {
            KeyRing::generate_in(dir.path()).expect("a key");
        }
        let ring = Arc::new(KeyRing::load(dir.path()).expect("keys"));
        let tokens = ServiceTokens::new(Arc::clone(&ring), "https://bff.test".to_owned());
        let audience = Arc::from("orders");
        let header = || tokens.header_for(None, ClientKind::Web, &audience).expect("a token");
        let before = header();
        assert_eq!(header(), before);
        KeyRing::revoke(dir.path(), &ring.signing_kid()).expect("revoked");
        ring.reload().expect("keys");
        let jwks = serde_json::from_value(ring.jwks()).expect("a JWK set");
        assert!(verified(&before, &jwks, "orders").is_none(), "its key is not published any more");
        assert!(verified(&header(), &jwks, "orders").is_some());
        assert_eq!(header(), header(), "and reused again");
    }

    #[test]
    fn tokens_print_no_secret() {
        let (tokens, _) = tokens();
        let header = tokens.header_for(None, ClientKind::Web, &Arc::from("orders")).expect("a token");
        assert_eq!(format!("{header:?}"), "Sensitive");
        assert_eq!(format!("{tokens:?}"), r#"ServiceTokens { issuer: "https://bff.test", .. }"#);
    }
}
