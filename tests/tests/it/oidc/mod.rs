//! Sign-in through OpenID providers. Most suites run against a provider that lies when it is told to; three run against
//! a certified provider with its own pages, two with them in Chromium.

mod alone;
mod app;
mod certified;
mod fake;
mod imperfect;
mod lies;
mod logout;
mod pages;
mod refusals;
mod replicas;
mod second_factor;
mod sign_in;

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use sha2::{Digest, Sha256};
use tests::{
    Actor, Answer, Replica, TestBff,
    leak_canaries::{Secret, plant},
};
use url::Url;

use fake::Fake;

/// A gateway with one provider, `fake`.
async fn system() -> (Fake, TestBff) {
    let fake = Fake::start().await;
    let bff = fake.of(TestBff::builder(), "fake").spawn().await;
    (fake, bff)
}

/// A browser on its way to the provider.
struct Begun {
    /// Who begins, with what they had before.
    actor: Actor,
    /// `name=value` of the attempt's cookie.
    cookie: String,
    there: Url,
    answer: Answer,
}

/// Begins to sign in at `provider`.
async fn begin(actor: &Actor, provider: &str, return_to: &str) -> Begun {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("returnTo", return_to).finish();
    let path = format!("/auth/oidc/{provider}/login?{query}");
    let answer = actor.get(&path).await.expect(303);
    let there = Url::parse(answer.header("location").expect("a way to the provider")).expect("a URL");
    let cookies = answer.all("set-cookie");
    let set = cookies.iter().find(|line| !line.contains("Max-Age=0")).expect("an attempt's cookie");
    let cookie = set.split(';').next().expect("a pair").to_owned();
    plant(Secret::SessionCookie, cookie.split_once('=').expect("a pair").1);
    let begun = Begun { actor: actor.clone(), cookie, there, answer };
    for name in ["state", "nonce"] {
        plant(Secret::InventedToken, &begun.asked(name));
    }
    begun
}

impl Begun {
    /// A parameter of the request to the provider.
    fn asked(&self, name: &str) -> String {
        let mut values = self.there.query_pairs().filter(|(key, _)| key == name);
        let (_, value) = values.next().unwrap_or_else(|| panic!("no {name} in {}", self.there));
        assert!(values.next().is_none(), "{name} twice");
        value.into_owned()
    }

    /// Comes back with these parameters.
    async fn back(&self, pairs: &[(&str, &str)]) -> Answer {
        self.back_to("fake", &self.actor, Some(&self.cookie), pairs).await
    }

    /// Somebody comes back to `provider`'s path, with or without the attempt's cookie.
    async fn back_to(
        &self,
        provider: &str,
        actor: &Actor,
        cookie: Option<&str>,
        pairs: &[(&str, &str)],
    ) -> Answer {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let mut request = actor.request(Method::GET, &format!("/auth/oidc/{provider}/callback?{query}"));
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        request.send().await
    }

    /// Comes back as the provider would send them.
    async fn back_with(&self, fake: &Fake, code: &str) -> Answer {
        self.back(&[("code", code), ("state", &self.asked("state")), ("iss", fake.issuer())]).await
    }
}

/// Somebody signs in at the provider and comes back.
async fn finish(fake: &Fake, begun: &Begun) -> Answer {
    begun.back_with(fake, &fake.code(begun)).await
}

/// Signs somebody in.
async fn signed_in(fake: &Fake, bff: &Replica) -> Actor {
    let actor = bff.anonymous();
    let begun = begin(&actor, "fake", "/").await;
    let _ = finish(fake, &begun).await.expect(303);
    assert!(actor.cookie().is_some(), "signed in without a cookie");
    actor
}

/// `S256` of RFC 7636 section 4.2.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs()
}
