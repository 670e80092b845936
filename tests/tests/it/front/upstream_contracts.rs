//! The contracts with the services behind the gateway: every call of them is really made, and what is served is what is
//! described. That what passes through fits them is looked at in every suite: the proxies do it.

use std::{collections::BTreeSet, fs};

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Proxy, TestBff, UpstreamContract};
use tokio::process::Command;
use upstreams::Service;

use super::root;
use crate::{
    fixtures::{follow, post, publish, recipe_input},
    second_factor::{code, switch_on},
};

const SERVICES: [Service; 3] = [Service::Profile, Service::Timeline, Service::Recipe];
/// Calls that this suite does not bring about, each with its reason.
const NOT_HERE: [(&str, &str); 3] = [
    ("resetPassword", "with a mailed token: `account_life`"),
    ("byIdentity", "needs an OpenID provider: the suites of `oidc` make it through the same proxies"),
    (
        "verifyTotp",
        "comes after a provider's sign-in alone: `oidc/second_factor.rs` makes it through the same proxies",
    ),
];

fn operations(contract: &UpstreamContract) -> BTreeSet<String> {
    let items = contract.document()["paths"].as_object().expect("paths").values();
    let described = items.flat_map(|item| item.as_object().expect("an item").values());
    described.map(|operation| operation["operationId"].as_str().expect("a name").to_owned()).collect()
}

fn contract(proxy: &Proxy) -> &UpstreamContract {
    proxy.contract().expect("a contract")
}

/// Calls of everything that the gateway passes on about recipes.
async fn cook(ada: &Actor, bora: &Actor, nobody: &Actor) {
    let recipe = publish(ada, "Fried rice").await;
    let other = publish(ada, "Rice, fried").await;
    let path = format!("/api/recipes/{recipe}");
    let _ = ada.get("/api/ingredients?q=ri").await.expect(200);
    let _ = nobody.get("/api/recipes?q=rice&page=1&pageSize=5&sort=popular").await.expect(200);
    let _ = nobody.get(&path).await.expect(200);
    let _ = ada.get(&format!("{path}/form")).await.expect(200);
    let _ = bora.get(&format!("{path}/form")).await.expect(403);
    let input = recipe_input("Better fried rice");
    let _ = ada.from_page(Method::PUT, &path).json(&input).send().await.expect(200);
    let _ = bora.from_page(Method::PUT, &path).json(&input).send().await.expect(403);
    let like = format!("{path}/like");
    let _ = bora.put(&like).await.expect(204);
    let _ = bora.delete(&like).await.expect(204);
    ada.put(&like).await.expect_problem(403, "own_recipe");
    let comments = format!("{path}/comments");
    let made = bora.post(&comments, &json!({ "body": "So good" })).await.expect(201).json();
    let comment = format!("/api/comments/{}", made["id"].as_str().expect("an id"));
    let _ = nobody.get(&format!("{comments}?limit=5")).await.expect(200);
    let edited = json!({ "body": "Very good" });
    let _ = bora.from_page(Method::PUT, &comment).json(&edited).send().await.expect(200);
    let _ = ada.from_page(Method::PUT, &comment).json(&edited).send().await.expect(403);
    let _ = ada.put(&format!("{comment}/like")).await.expect(204);
    let _ = ada.delete(&format!("{comment}/like")).await.expect(204);
    let _ = bora.delete(&comment).await.expect(204);
    let about = json!({ "text": "try this", "recipeId": recipe });
    let _ = ada.post("/api/posts", &about).await.expect(201);
    let _ = ada.delete(&format!("/api/recipes/{other}")).await.expect(204);
    let _ = ada.get(&format!("/api/recipes/{other}")).await.expect(404);
    let unknown = json!([{ "ingredientId": "no-such-thing", "amount": 1 }]);
    let mut wrong = recipe_input("Nothing");
    wrong["ingredients"] = unknown;
    let _ = ada.post("/api/recipes", &wrong).await.expect(422);
}

/// Posts, follows and pages of members.
async fn meet(ada: &Actor, bora: &Actor, nobody: &Actor) {
    follow(bora, ada).await;
    let written = post(ada, "hello").await;
    let path = format!("/api/posts/{written}");
    let _ = bora.put(&format!("{path}/like")).await.expect(204);
    let _ = bora.delete(&format!("{path}/like")).await.expect(204);
    let _ = bora.delete(&path).await.expect(403);
    let _ = ada.delete(&path).await.expect(204);
    let _ = ada.delete(&path).await.expect(404);
    let page = format!("/bff/members/{}", ada.id());
    for visitor in [bora, nobody] {
        let _ = visitor.get(&page).await.expect(200);
    }
    let _ = ada.put(&format!("/api/follows/{}", ada.id())).await.expect(422);
    let _ = bora.delete(&format!("/api/follows/{}", ada.id())).await.expect(204);
    for screen in ["/bff/home-feed", "/bff/home-feed?view=compact&limit=3", "/bff/me"] {
        let _ = ada.get(screen).await.expect(200);
        let _ = bora.get(screen).await.expect(200);
    }
}

/// Accounts, profiles and second factors.
async fn settle(bff: &TestBff, ada: &Actor) {
    let _ = ada.get("/api/me").await.expect(200);
    let change = json!({ "displayName": "Ada L.", "bio": "Cooks." });
    let _ = ada.from_page(Method::PATCH, "/api/me").json(&change).send().await.expect(200);
    let again =
        json!({ "email": "planted-ada@mail.example", "username": "adah", "password": tests::PASSWORD });
    let _ = bff.anonymous().post("/auth/signup", &again).await;
    let wrong = json!({ "login": "ada", "password": "planted-wrong-password" });
    bff.anonymous().post("/auth/login", &wrong).await.expect_problem(401, "bad_credentials");
    let other = json!({ "email": "planted-other@mail.example", "password": tests::PASSWORD });
    let _ = ada.post("/auth/email", &other).await.expect(202);
    let no_link = json!({ "token": "planted-token-of-nobody" });
    bff.anonymous().post("/auth/email/confirm", &no_link).await.expect_problem(422, "token_invalid");
    let forgotten = json!({ "email": "planted-ada@mail.example" });
    let _ = bff.anonymous().post("/auth/password/forgot", &forgotten).await.expect(202);
    let reset = json!({ "token": "planted-token-of-nobody", "new": tests::PASSWORD });
    bff.anonymous().post("/auth/password/reset", &reset).await.expect_problem(422, "token_invalid");
    let same = json!({ "current": tests::PASSWORD, "new": tests::PASSWORD });
    let _ = ada.post("/auth/password", &same).await.expect(204);
    let (secret, step, _) = switch_on(ada).await;
    bff.anonymous().try_sign_in("ada").await.expect_problem(401, "otp_required");
    let remove = ada.from_page(Method::DELETE, "/auth/2fa/totp");
    let _ = remove.json(&json!({ "code": code(&secret, step + 1) })).send().await.expect(204);
}

/// Somebody takes their data along, and goes.
async fn leave(bff: &TestBff) {
    let carl = bff.signed_in("carl").await;
    let _ = carl.get("/api/me/export").await.expect(200);
    let password = json!({ "password": tests::PASSWORD });
    let _ = carl.from_page(Method::DELETE, "/api/me").json(&password).send().await.expect(202);
    tests::eventually("a deletion that is complete", || async {
        let page = bff.internal("/jobs").await.expect(200).json();
        (page["waitingCount"] == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_the_services_contracts_is_made_and_none_besides() {
    let bff = TestBff::spawn().await;
    let (ada, bora, nobody) = (bff.signed_in("ada").await, bff.signed_in("bora").await, bff.anonymous());
    cook(&ada, &bora, &nobody).await;
    meet(&ada, &bora, &nobody).await;
    settle(&bff, &ada).await;
    leave(&bff).await;

    let mut codes = BTreeSet::new();
    let (mut described, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for proxy in bff.proxies() {
        assert_eq!(contract(proxy).broken(), BTreeSet::new());
        described.extend(operations(contract(proxy)));
        for (operation, _, code) in contract(proxy).seen() {
            seen.insert(operation);
            codes.insert(code);
        }
    }
    let exceptions = NOT_HERE.map(|(operation, _)| operation.to_owned()).into();
    let missing: BTreeSet<String> = described.difference(&seen).cloned().collect();
    assert_eq!(missing, exceptions, "described, but never called");
    for code in ["bad_credentials", "otp_required", "own_recipe", "not_author", "not_found", "invalid_input"]
    {
        assert!(codes.contains(code), "{code} was to be among {codes:?}");
    }
}

/// The contract notices: otherwise the proxies would look at nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_a_contract_is_noticed() {
    let bff = TestBff::spawn().await;
    let _ = bff.signed_in("ada").await;
    let upstream = Proxy::before(proxied(&bff.profile)).await.expect("a port");
    upstream.hold_to(UpstreamContract::of(Service::Profile));
    let caller = bff.anonymous().elsewhere(&upstream.url());
    for path in ["/members/a/secrets", "/members?ids=", "/members/a?verbose=1"] {
        let _ = caller.get(path).await;
    }
    let _ = caller.post("/members/verify", &json!({ "login": "ada", "passphrase": "x" })).await;
    let broken = contract(&upstream).broken();
    for wrong in [
        "GET /members/a/secrets: is not in the contract",
        "GET /members: has no service token",
        "GET /members: X-Request-Timeout-Ms is missing",
        "GET /members/a: verbose in the query is not in the contract",
        "POST /members/verify: its body:  breaks",
    ] {
        assert!(broken.iter().any(|line| line.starts_with(wrong)), "{wrong} was to be in {broken:#?}");
    }
    assert!(broken.iter().any(|line| line.starts_with("GET /members: ids: ")), "{broken:#?}");
    // Everything was meant: neither of the two proxies that it passed has anything to say at its end.
    contract(&upstream).forget();
    contract(&bff.profile).forget();
}

fn proxied(proxy: &Proxy) -> std::net::SocketAddr {
    let url = url::Url::parse(&proxy.url()).expect("a URL");
    url.socket_addrs(|| None).expect("an address")[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_services_serve_what_is_described_and_nothing_besides() {
    let bff = TestBff::spawn().await;
    for (service, proxy) in SERVICES.into_iter().zip(bff.proxies()) {
        let direct = bff.direct(service, Some("somebody")).await;
        let document = contract(proxy).document();
        let described = document["paths"].as_object().expect("paths");
        for (path, item) in described {
            let place = path.replace("{id}", "x").replace("{memberId}", "x");
            let odd = Method::from_bytes(b"PURGE").expect("a method");
            let refused = direct.call(odd, &place, None).await;
            refused.expect_problem(405, "method_not_allowed");
            let allowed =
                refused.header("allow").expect("Allow").split(", ").filter(|method| *method != "HEAD");
            let allowed: BTreeSet<String> = allowed.map(str::to_lowercase).collect();
            let methods: BTreeSet<String> = item.as_object().expect("an item").keys().cloned().collect();
            assert_eq!(allowed, methods, "{} {path}", service.name());
        }
        let table = root().join(format!("deploy/upstreams/src/{}/mod.rs", service.name()));
        let table = fs::read_to_string(table).expect("the route table");
        let served: BTreeSet<String> = table
            .split("Routes::at(\"")
            .skip(1)
            .filter_map(|rest| Some(rest.split('"').next()?.to_owned()))
            .collect();
        let described: BTreeSet<String> =
            described.keys().map(|path| path.replace("{memberId}", "{id}")).collect();
        assert_eq!(served, described, "{}", service.name());
    }
}

#[tokio::test]
async fn the_committed_contracts_are_what_the_services_print() {
    for service in SERVICES {
        let name = service.name();
        let printed = Command::new(tests::program("upstreams")).args(["openapi", name]).output().await;
        let printed: Value = serde_json::from_slice(&printed.expect("it runs").stdout).expect("JSON");
        let hint = format!("`upstreams openapi {name} > clients/contracts/{name}.json` brings it up to date");
        assert!(&printed == UpstreamContract::of(service).document(), "{hint}");
    }
}
