//! Apps: tokens instead of cookies.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, PASSWORD, TestBff, figures};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    fixtures::{keys, post, publish},
    service_tokens::claims,
};

const FEED: &str = "/bff/home-feed";

/// An app that `name` is signed in with.
pub(crate) async fn app(bff: &TestBff, name: &str) -> Actor {
    let app = bff.sign_up(name).await;
    let _ = app.sign_in_app(name).await;
    app
}

/// A request with that access token and nothing else.
async fn with_token(base: &Actor, method: Method, path: &str, token: &str) -> Answer {
    let request = base.signed_out().request(method, path);
    request.header("authorization", &format!("Bearer {token}")).send().await
}

fn token(answer: &Answer, name: &str) -> String {
    answer.json()[name].as_str().expect("a token").to_owned()
}

/// What a refusal says beside its code.
#[track_caller]
fn expect_invalid_token(answer: &Answer) {
    answer.expect_problem(401, "invalid_token");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"bff\", error=\"invalid_token\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_worth_a_pair_of_tokens() {
    let bff = TestBff::spawn().await;
    let app = bff.sign_up("ada").await;
    let answer = app.sign_in_app("ada").await;
    let pair = answer.json();
    assert_eq!(keys(&pair), ["access_token", "expires_in", "refresh_token", "token_type"]);
    assert_eq!((&pair["token_type"], &pair["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.all("set-cookie"), Vec::<String>::new());
    assert_eq!(answer.header("content-encoding"), None);

    let claims = claims(&app.access_token());
    assert_eq!((&claims["aud"], &claims["iss"]), (&json!("bff"), &json!("bff")));
    assert_eq!(claims["exp"].as_u64(), claims["iat"].as_u64().map(|iat| iat + 900));
    assert!(claims["jti"].as_str().is_some_and(|jti| !jti.is_empty()));
    let session = app.get("/auth/session").await.expect(200).json();
    assert_eq!((&session["user"]["id"], &session["user"]["username"]), (&claims["sub"], &json!("ada")));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_refused_as_sessions_are() {
    let bff = TestBff::spawn().await;
    let nobody = bff.sign_up("ada").await;
    let ask = |body: Value| nobody.request(Method::POST, "/auth/token").json(&body).send();
    let wrong = ask(json!({ "login": "ada", "password": "planted-wrong-password" })).await;
    wrong.expect_problem(401, "bad_credentials");
    ask(json!({ "login": "nobody", "password": PASSWORD })).await.expect_problem(401, "bad_credentials");
    let extra = json!({ "login": "ada", "password": "wrong", "grant_type": "password", "scope": "all" });
    ask(extra).await.expect_problem(401, "bad_credentials");
    assert_eq!(
        ask(json!({ "login": "" , "password": "x" })).await.field_errors(),
        [("login".into(), "too_short".into())]
    );
    let form = nobody
        .request(Method::POST, "/auth/token")
        .header("content-type", "application/x-www-form-urlencoded");
    form.body("grant_type=password&username=ada").send().await.expect_problem(415, "unsupported_media_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_is_good_for_everything_that_a_session_is() {
    let bff = TestBff::spawn().await;
    let app = app(&bff, "ada").await;
    let recipe = publish(&app, "Rice with eggs").await;
    bff.clear_journals();
    for path in [
        FEED,
        "/bff/me",
        "/api/me",
        &format!("/bff/recipes/{recipe}"),
        &format!("/api/recipes/{recipe}/form"),
    ] {
        let _ = app.get(path).await.expect(200);
    }
    // From wherever it is sent: nobody else can make a request bear it.
    let strange = app.request(Method::POST, "/api/posts").header("origin", "https://evil.example");
    let strange = strange.header("sec-fetch-site", "cross-site").json(&json!({ "text": "From an app" }));
    let _ = strange.send().await.expect(201);
    let _ = app.request(Method::PUT, "/api/follows/somebody").send().await;
    let tokens: Vec<Value> = bff
        .proxies()
        .iter()
        .flat_map(|proxy| proxy.requests())
        .filter_map(|request| request.bearer().map(claims))
        .filter(|claims| claims.get("sub").is_some())
        .collect();
    assert!(!tokens.is_empty());
    for claims in &tokens {
        assert_eq!(claims["client"], "mobile", "{claims}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_the_sign_in_that_asks_on_their_own_page() {
    let bff = TestBff::spawn().await;
    let browser = bff.signed_in("ada").await;
    let (phone, tablet) = (app(&bff, "ada").await, app(&bff, "ada").await);
    let mut shown = HashSet::new();
    for caller in [&browser, &phone, &tablet] {
        let listed = caller.get("/auth/sessions").await.expect(200).json();
        let items = listed["items"].as_array().expect("a list");
        let current: Vec<_> = items.iter().filter(|item| item["current"] == true).collect();
        assert_eq!(current.len(), 1, "{listed}");
        let page = caller.get("/bff/me").await.expect(200).json();
        assert_eq!(page["session"]["id"], current[0]["id"]);
        shown.insert(current[0]["id"].to_string());
    }
    assert_eq!(shown.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_is_refused_everywhere_and_no_cookie_makes_it_good() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let app = app(&bff, "ada").await;
    let recipe = publish(&ada, "Rice with eggs").await;
    let sound = app.access_token();
    let (head, signature) = sound.rsplit_once('.').expect("a signature");
    let service_token =
        bff.recipe.requests().iter().find_map(|r| r.bearer().map(str::to_owned)).expect("a token");
    let bad = [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "bearer x".to_owned(),
        format!("Bearer {head}"),
        format!("Bearer {head}."),
        format!("Bearer {}.{signature}", head.replace('.', ".e")),
        format!("Bearer {sound}x"),
        format!("Bearer {} {sound}", "a"),
        format!("Bearer {}", app.refresh_token()),
        format!("Bearer {}", ada.cookie_value()),
        format!("Bearer {service_token}"),
    ];
    let open = format!("/bff/recipes/{recipe}");
    for authorization in &bad {
        for path in [FEED, "/auth/session", "/auth/sessions", &open, "/api/recipes", "/bff/notify"] {
            // With the cookie beside it.
            let answer = ada.request(Method::GET, path).header("authorization", authorization).send().await;
            expect_invalid_token(&answer);
        }
    }
    let post = ada.from_page(Method::POST, "/api/posts").header("authorization", &bad[2]);
    expect_invalid_token(&post.json(&json!({ "text": "no" })).send().await);
    let twice =
        app.request(Method::GET, FEED).header("authorization", &format!("Bearer {sound}")).send().await;
    expect_invalid_token(&twice);

    // What stands in front may use other schemes; the cookie is then what counts.
    let basic = ada.request(Method::GET, FEED).header("authorization", "Basic YTpi").send().await;
    assert_eq!(basic.status, 200);
    let other_case =
        app.signed_out().request(Method::GET, FEED).header("authorization", &format!("bearer  {sound}"));
    assert_eq!(other_case.send().await.status, 200, "schemes have no case (RFC 9110 section 11.1)");
    // The token's own user, whoever the cookie belongs to.
    let bob = bff.signed_in("bob").await;
    let mixed =
        bob.request(Method::GET, "/bff/me").header("authorization", &format!("Bearer {sound}")).send().await;
    assert_eq!(mixed.expect(200).json()["profile"]["username"], "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn refreshing_gives_the_next_pair_and_never_moves_the_end() {
    let bff = TestBff::spawn().await;
    let app = app(&bff, "ada").await;
    let ends = || async { app.get("/auth/session").await.expect(200).json()["expiresAt"].clone() };
    let (first, ends_at) = ((app.access_token(), app.refresh_token()), ends().await);
    let answer = app.refresh().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.all("set-cookie"), Vec::<String>::new());
    let second = (app.access_token(), app.refresh_token());
    assert!(first.0 != second.0 && first.1 != second.1);
    assert_eq!(ends().await, ends_at);
    for access in [&first.0, &second.0] {
        let _ = with_token(&app, Method::GET, FEED, access).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_refreshes_at_once_with_one_token_get_the_same_pair() {
    let bff = TestBff::spawn().await;
    let app = app(&bff, "ada").await;
    let spent = app.refresh_token();
    let answers = join_all((0..50).map(|_| app.present(&spent))).await;
    let pairs: HashSet<_> = answers
        .into_iter()
        .map(|answer| answer.expect(200))
        .map(|answer| (token(&answer, "access_token"), token(&answer, "refresh_token")))
        .collect();
    assert_eq!(pairs.len(), 1);
    let (access, refresh) = pairs.into_iter().next().expect("one");
    let _ = with_token(&app, Method::GET, FEED, &access).await.expect(200);
    let _ = app.present(&refresh).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_token_ends_the_sign_in_once_nobody_can_be_retrying() {
    let bff = TestBff::builder().set("tokens.retry_ms", 0).spawn().await;
    let app = app(&bff, "ada").await;
    let browser = bff.signed_in("ada").await;
    let spent = app.refresh_token();
    app.refresh().await;
    let _ = app.get(FEED).await.expect(200);
    app.present(&spent).await.expect_problem(401, "invalid_grant");
    app.present(&app.refresh_token()).await.expect_problem(401, "invalid_grant");
    expect_invalid_token(&app.get(FEED).await);
    let listed = browser.get("/auth/sessions").await.expect(200).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "the browser goes on: {listed}");
}

/// The refresh token in the answer, or in the cookie that came with it.
fn successor(answer: &Answer) -> String {
    let in_body = answer.json()["refresh_token"].as_str().map(str::to_owned);
    let in_cookie = || {
        let lines = answer.all("set-cookie");
        let pair = lines.iter().find_map(|line| line.strip_prefix("rt="));
        pair.and_then(|rest| rest.split(';').next()).map(str::to_owned)
    };
    in_body.or_else(in_cookie).expect("a refresh token")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_given_again_after_the_window_and_a_restart() {
    // The window is over as soon as it begins.
    let mut bff = TestBff::builder().set("tokens.retry_ms", 0).spawn().await;
    for by_cookie in [false, true] {
        let app = bff.sign_up("ada").await;
        let spent = if by_cookie {
            successor(&token_by_cookie(&app, "ada").await.expect(200))
        } else {
            app.sign_in_app("ada").await;
            app.refresh_token()
        };
        let present = async |bff: &TestBff, token: &str| {
            let request = bff.anonymous().request(Method::POST, "/auth/refresh");
            let cookie = format!("rt={token}");
            let request = if by_cookie {
                request.header("sec-fetch-site", "same-origin").header("cookie", &cookie)
            } else {
                request.json(&json!({ "refresh_token": token }))
            };
            request.send().await
        };
        let lost = present(&bff, &spent).await.expect(200);
        bff.terminate().await;
        assert!(bff.ended().await.success());
        bff.restart().await;
        let again = present(&bff, &spent).await.expect(200);
        assert_eq!(successor(&again), successor(&lost), "the same refresh token");
        assert_ne!(token(&again, "access_token"), token(&lost, "access_token"), "a fresh access token");
        bff.kill9().await;
        bff.restart().await;
        let again = present(&bff, &spent).await.expect(200);
        assert_eq!(successor(&again), successor(&lost));
        // This one arrives: it is used, and its successor answers nobody's lost request but its own.
        let access = token(&again, "access_token");
        let _ = with_token(&bff.anonymous(), Method::GET, FEED, &access).await.expect(200);
        let next = present(&bff, &successor(&again)).await.expect(200);
        assert_eq!(successor(&present(&bff, &successor(&again)).await.expect(200)), successor(&next));
        present(&bff, &spent).await.expect_problem(401, "invalid_grant");
        present(&bff, &successor(&next)).await.expect_problem(401, "invalid_grant");
        expect_invalid_token(&with_token(&bff.anonymous(), Method::GET, FEED, &access).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_that_was_refreshed_with_makes_its_parent_a_spent_one() {
    let bff = TestBff::builder().set("tokens.retry_ms", 0).spawn().await;
    let app = app(&bff, "ada").await;
    let spent = app.refresh_token();
    app.refresh().await;
    app.refresh().await;
    app.present(&spent).await.expect_problem(401, "invalid_grant");
    expect_invalid_token(&app.get(FEED).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invention_ends_nothing() {
    let bff = TestBff::spawn().await;
    let app = app(&bff, "ada").await;
    let real = app.refresh_token();
    let mut changed = real.clone().into_bytes();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("ASCII");
    for wrong in [changed.as_str(), &real[1..], "x", &real.repeat(4), &app.access_token()] {
        app.present(wrong).await.expect_problem(401, "invalid_grant");
    }
    let send = |body: &'static str| {
        let request = app.signed_out().request(Method::POST, "/auth/refresh");
        request.header("content-type", "application/json").body(body).send()
    };
    send("{\"refresh_token\": ").await.expect_problem(400, "invalid_body");
    send("{\"token\": \"x\"}").await.expect_problem(401, "invalid_grant");
    let usual =
        json!({ "grant_type": "refresh_token", "client_id": "app", "refresh_token": app.refresh_token() });
    let usual = app.signed_out().request(Method::POST, "/auth/refresh").json(&usual).send().await;
    app.keep_tokens(&usual.expect(200));
    assert_eq!(
        send("{\"refresh_token\": 1}").await.field_errors(),
        [("refresh_token".into(), "invalid".into())]
    );
    send("{}").await.expect_problem(401, "invalid_grant");
    send("").await.expect_problem(401, "invalid_grant");
    app.refresh().await;
    let _ = app.get(FEED).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_while_refreshing_gets_the_pair_when_asking_again() {
    let bff = TestBff::spawn().await;
    let app = app(&bff, "ada").await;
    let spent = app.refresh_token();
    let body = json!({ "refresh_token": spent }).to_string();
    for _ in 0..10 {
        let mut stream =
            TcpStream::connect(bff.url().trim_start_matches("http://")).await.expect("a connection");
        let head = format!(
            "POST /auth/refresh HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.expect("it is sent");
        drop(stream);
    }
    let pair = app.present(&spent).await.expect(200);
    let again = app.present(&spent).await.expect(200);
    assert_eq!(pair.json(), again.json());
    app.keep_tokens(&pair);
    app.refresh().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_refreshes_in_too_short_a_time_wait() {
    let bff = TestBff::builder().set("tokens.retry_ms", 60_000).spawn().await;
    let app = app(&bff, "ada").await;
    for _ in 0..128 {
        app.refresh().await;
    }
    let answer = app.present(&app.refresh_token()).await;
    let wait: u64 = answer.header("retry-after").and_then(|s| s.parse().ok()).expect("Retry-After");
    answer.expect_problem(429, "refreshed_too_often");
    assert!((1..=60).contains(&wait), "{wait}");
    let _ = app.get(FEED).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_ends_the_sign_in_by_whatever_names_it() {
    let bff = TestBff::spawn().await;
    for how in ["refresh", "refresh_token", "access", "bearer"] {
        let app = app(&bff, "ada").await;
        let _ = app.get(FEED).await.expect(200);
        let by_name = |name: &str, token: String| {
            let request = app.signed_out().request(Method::POST, "/auth/revoke");
            request.json(&json!({ name: token })).send()
        };
        let answer = match how {
            "refresh" => by_name("token", app.refresh_token()).await,
            "refresh_token" => by_name("refresh_token", app.refresh_token()).await,
            "access" => by_name("token", app.access_token()).await,
            _ => app.request(Method::POST, "/auth/revoke").send().await,
        };
        assert_eq!(answer.expect(204).body.len(), 0, "{how}");
        expect_invalid_token(&app.get(FEED).await);
        app.present(&app.refresh_token()).await.expect_problem(401, "invalid_grant");
        // RFC 7009 section 2.2: there is nothing that the client could do about it.
        assert_eq!(by_name("token", app.refresh_token()).await.status, 204, "{how}");
    }
    let app = app(&bff, "ada").await;
    let unknown = app.signed_out().request(Method::POST, "/auth/revoke").json(&json!({ "token": "unknown" }));
    assert_eq!(unknown.send().await.status, 204);
    expect_invalid_token(&with_token(&app, Method::POST, "/auth/revoke", "unknown").await);
    let misspelt = json!({ "refreshToken": app.refresh_token() });
    let misspelt = app.signed_out().request(Method::POST, "/auth/revoke").json(&misspelt).send().await;
    assert_eq!(misspelt.field_errors(), [("token".into(), "required".into())]);
    let both = json!({ "token": "a", "refresh_token": "b" });
    let both = app.request(Method::POST, "/auth/revoke").json(&both).send().await;
    assert_eq!(both.field_errors(), [("refresh_token".into(), "duplicate".into())]);
    let _ = app.get(FEED).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_signs_out_like_a_browser() {
    let bff = TestBff::spawn().await;
    let (app, other) = (app(&bff, "ada").await, app(&bff, "ada").await);
    post(&app, "From an app").await;
    let _ = app.get(FEED).await.expect(200);
    let _ = app.request(Method::POST, "/auth/logout").send().await.expect(204);
    expect_invalid_token(&app.get(FEED).await);
    app.present(&app.refresh_token()).await.expect_problem(401, "invalid_grant");
    let _ = other.get(FEED).await.expect(200);
}

/// Signs in as an app in a browser does.
async fn browser_app(bff: &TestBff, name: &str) -> (Actor, Answer) {
    let app = bff.sign_up(name).await;
    let answer = token_by_cookie(&app, name).await.expect(200);
    (app, answer)
}

async fn token_by_cookie(app: &Actor, name: &str) -> Answer {
    app.post("/auth/token", &json!({ "login": name, "password": PASSWORD, "refresh_cookie": true })).await
}

/// A refresh out of the cookie, with no body at all.
async fn refresh_by_cookie(app: &Actor) -> Answer {
    app.from_page(Method::POST, "/auth/refresh").send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_can_stay_in_a_cookie_that_scripts_cannot_read() {
    let bff = TestBff::spawn().await;
    let (app, answer) = browser_app(&bff, "ada").await;
    assert_eq!(keys(&answer.json()), ["access_token", "expires_in", "token_type"]);
    let cookies = answer.all("set-cookie");
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    assert!(cookies[0].starts_with("rt="), "{cookies:?}");
    for attribute in ["Path=/auth", "HttpOnly", "SameSite=Strict"] {
        assert!(cookies[0].split("; ").any(|known| known == attribute), "{attribute}: {cookies:?}");
    }
    assert!(!cookies[0].contains("Secure") && !cookies[0].contains("Domain"), "{cookies:?}");
    let max_age = |cookie: &str| -> u64 {
        let age = cookie.split("; ").find_map(|attribute| attribute.strip_prefix("Max-Age="));
        age.and_then(|age| age.parse().ok()).expect("Max-Age")
    };
    assert!((1_209_500..=1_209_600).contains(&max_age(&cookies[0])), "{cookies:?}");

    let before = app.refresh_cookie();
    let next = refresh_by_cookie(&app).await.expect(200);
    assert_eq!(keys(&next.json()), ["access_token", "expires_in", "token_type"]);
    assert!(max_age(&next.all("set-cookie")[0]) <= max_age(&cookies[0]));
    assert_ne!(app.refresh_cookie(), before);
    let _ = with_token(&app, Method::GET, FEED, &token(&next, "access_token")).await.expect(200);
    let empty_object = app.post("/auth/refresh", &json!({})).await.expect(200);
    assert_eq!(empty_object.all("set-cookie").len(), 1);

    // It is good where it was sent and nowhere else.
    let value =
        app.refresh_cookie().and_then(|pair| pair.strip_prefix("rt=").map(str::to_owned)).expect("a cookie");
    app.present(&value).await.expect_problem(401, "invalid_grant");
    let kept_itself = crate::tokens::app(&bff, "ada").await;
    let smuggled = app.signed_out().request(Method::POST, "/auth/refresh");
    let smuggled = smuggled.header("cookie", &format!("rt={}", kept_itself.refresh_token())).send().await;
    smuggled.expect_problem(401, "invalid_grant");
    assert!(smuggled.all("set-cookie")[0].starts_with("rt=; Max-Age=0"), "{:?}", smuggled.all("set-cookie"));
    kept_itself.refresh().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_secure_where_the_session_is() {
    let bff = TestBff::builder().set("session.secure", "true").spawn().await;
    let (_, answer) = browser_app(&bff, "ada").await;
    assert!(
        answer.all("set-cookie")[0].contains("; Secure; HttpOnly; SameSite=Strict"),
        "{:?}",
        answer.all("set-cookie")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_site_can_use_the_cookie() {
    let bff = TestBff::spawn().await;
    let (app, _) = browser_app(&bff, "ada").await;
    let before = app.refresh_cookie();
    for path in ["/auth/refresh", "/auth/revoke"] {
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
            let forged = app.request(Method::POST, path).header(name, value).send().await;
            forged.expect_problem(403, "csrf_failed");
        }
    }
    let login = json!({ "login": "ada", "password": PASSWORD, "refresh_cookie": true });
    let forged =
        app.request(Method::POST, "/auth/token").header("origin", "https://evil.example").json(&login);
    forged.send().await.expect_problem(403, "csrf_failed");
    assert_eq!(app.refresh_cookie(), before);
    let _ = refresh_by_cookie(&app).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_whose_sign_in_is_over_is_taken_back() {
    let bff = TestBff::spawn().await;
    let (app, _) = browser_app(&bff, "ada").await;
    let cookie = app.refresh_cookie().expect("a cookie");
    let out = app.from_page(Method::POST, "/auth/revoke").send().await.expect(204);
    assert!(out.all("set-cookie")[0].starts_with("rt=; Max-Age=0"), "{:?}", out.all("set-cookie"));
    assert_eq!(app.refresh_cookie(), None);
    refresh_by_cookie(&app).await.expect_problem(401, "invalid_grant");
    assert_eq!(app.from_page(Method::POST, "/auth/revoke").send().await.status, 204, "again");
    let stale =
        app.signed_out().from_page(Method::POST, "/auth/refresh").header("cookie", &cookie).send().await;
    stale.expect_problem(401, "invalid_grant");
    assert!(stale.all("set-cookie")[0].starts_with("rt=; Max-Age=0"), "{:?}", stale.all("set-cookie"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_sign_in_ends_what_the_browser_had() {
    let bff = TestBff::spawn().await;
    let watcher = app(&bff, "ada").await;
    let count = || async {
        let listed = watcher.get("/auth/sessions").await.expect(200).json();
        listed["items"].as_array().expect("a list").len() - 1
    };
    let (app, first) = browser_app(&bff, "ada").await;
    assert_eq!(count().await, 1);
    let _ = token_by_cookie(&app, "ada").await.expect(200);
    assert_eq!(count().await, 1);
    expect_invalid_token(&with_token(&app, Method::GET, FEED, &token(&first, "access_token")).await);
    let session = app.sign_in("ada").await;
    assert_eq!(session.all("set-cookie").len(), 2, "{:?}", session.all("set-cookie"));
    assert_eq!((count().await, app.refresh_cookie()), (1, None));
    let _ = token_by_cookie(&app, "ada").await.expect(200);
    assert_eq!((count().await, app.cookie()), (1, None));
    // An app that keeps its tokens itself has no cookies: those that come along belong to somebody else.
    let plain =
        app.request(Method::POST, "/auth/token").json(&json!({ "login": "ada", "password": PASSWORD }));
    let _ = plain.send().await.expect(200);
    assert_eq!(count().await, 2);
    let _ = refresh_by_cookie(&app).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_ends_by_itself() {
    let bff = TestBff::builder().set("tokens.access_ms", 10_000).spawn().await;
    let app = app(&bff, "ada").await;
    let expires: u64 = claims(&app.access_token())["exp"].as_u64().expect("a time");
    let now = || jsonwebtoken::get_current_timestamp();
    while now() + 1 < expires {
        let _ = app.get(FEED).await.expect(200);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    tests::eventually("the end of the token", || async { (app.get(FEED).await.status == 401).then_some(()) })
        .await;
    let late = now().saturating_sub(expires);
    figures::note("access token refused after its end", format!("{late} s"));
    assert!(late <= 6, "{late}");
    expect_invalid_token(&app.get(FEED).await);
    app.refresh().await;
    let _ = app.get(FEED).await.expect(200);
}
