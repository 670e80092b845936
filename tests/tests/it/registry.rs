//! Where somebody is signed in, and the end of it.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, TestBff};

use crate::{fixtures::keys, tokens::app};

const FEED: &str = "/bff/home-feed";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

async fn sessions(caller: &Actor) -> Vec<Value> {
    let answer = caller.get("/auth/sessions").await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let listed = answer.json();
    assert_eq!(keys(&listed), ["items"]);
    listed["items"].as_array().expect("a list").clone()
}

async fn own_id(caller: &Actor) -> String {
    let own = sessions(caller).await.into_iter().find(|session| session["current"] == true);
    own.expect("its own").get("id").and_then(Value::as_str).expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_and_apps_stand_in_one_list() {
    let bff = TestBff::spawn().await;
    let browser = bff.sign_up("ada").await;
    let login = json!({ "login": "ada", "password": tests::PASSWORD });
    let sign_in = browser.from_page(Method::POST, "/auth/login").header("user-agent", FIREFOX).json(&login);
    let _ = sign_in.send().await.expect(200);
    let app = bff.anonymous();
    let request =
        app.request(Method::POST, "/auth/token").header("user-agent", "RecipeBook/3.1 (Android 14)");
    app.keep_tokens(&request.json(&login).send().await.expect(200));
    let _ = bff.signed_in("bob").await;

    let listed = sessions(&app).await;
    assert_eq!(listed.len(), 2, "{listed:?}");
    for session in &listed {
        assert_eq!(keys(session), ["address", "client", "createdAt", "current", "id", "kind", "lastSeenAt"]);
        assert_eq!(session["address"], "127.0.0.0/24");
        for time in ["createdAt", "lastSeenAt"] {
            assert!(session[time].as_str().is_some_and(|time| time.ends_with('Z')), "{session}");
        }
    }
    let of = |kind: &str| listed.iter().find(|session| session["kind"] == kind).expect("one of each kind");
    assert_eq!(
        (&of("browser")["client"], &of("browser")["current"]),
        (&json!("Firefox on Linux"), &json!(false))
    );
    assert_eq!((&of("app")["client"], &of("app")["current"]), (&json!("RecipeBook/3.1"), &json!(true)));
    let text = json!(listed).to_string();
    assert!(!text.contains(&browser.cookie_value()) && !text.contains(&app.refresh_token()));
    bff.anonymous().get("/auth/sessions").await.expect_problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_can_be_ended_from_elsewhere_and_no_strangers() {
    let bff = TestBff::spawn().await;
    let (browser, app, bob) =
        (bff.signed_in("ada").await, app(&bff, "ada").await, bff.signed_in("bob").await);
    let (browsers, apps) = (own_id(&browser).await, own_id(&app).await);
    let end = |caller: &Actor, id: &str| {
        let request = caller.from_page(Method::DELETE, &format!("/auth/sessions/{id}"));
        request.send()
    };
    for id in [browsers.as_str(), &apps, "unknown", "..%2f", &"x".repeat(200)] {
        end(&bob, id).await.expect_problem(404, "not_found");
    }
    let forged = browser.request(Method::DELETE, &format!("/auth/sessions/{apps}")).send().await;
    forged.expect_problem(403, "csrf_failed");

    let _ = app.get(FEED).await.expect(200);
    let ended = end(&browser, &apps).await.expect(204);
    assert_eq!(ended.all("set-cookie"), Vec::<String>::new(), "one's own goes on");
    app.get(FEED).await.expect_problem(401, "invalid_token");
    app.present(&app.refresh_token()).await.expect_problem(401, "invalid_grant");
    end(&browser, &apps).await.expect_problem(404, "not_found");
    assert_eq!(sessions(&browser).await.len(), 1);

    let cookie = browser.cookie();
    let out = end(&browser, &browsers).await.expect(204);
    assert!(out.all("set-cookie")[0].starts_with("sid=; Max-Age=0"), "{:?}", out.all("set-cookie"));
    assert!(out.all("clear-site-data")[0].contains("\"storage\""));
    browser.set_cookie(cookie);
    browser.get(FEED).await.expect_problem(401, "unauthenticated");
    let _ = bob.get(FEED).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everywhere_leaves_nothing() {
    let bff = TestBff::spawn().await;
    let (here, there) = (bff.signed_in("ada").await, bff.signed_in("ada").await);
    let (phone, tablet, bob) = (app(&bff, "ada").await, app(&bff, "ada").await, bff.signed_in("bob").await);
    for caller in [&here, &there, &phone, &tablet] {
        let _ = caller.get(FEED).await.expect(200);
    }
    let forged = here.request(Method::POST, "/auth/logout-everywhere").send().await;
    forged.expect_problem(403, "csrf_failed");
    let cookie = here.cookie();
    let out = here.post("/auth/logout-everywhere", &json!({})).await.expect(204);
    assert!(out.all("set-cookie")[0].starts_with("sid=; Max-Age=0"), "{:?}", out.all("set-cookie"));
    assert!(out.all("clear-site-data")[0].contains("\"storage\""));
    here.set_cookie(cookie);
    for caller in [&here, &there] {
        caller.get(FEED).await.expect_problem(401, "unauthenticated");
    }
    for caller in [&phone, &tablet] {
        caller.get(FEED).await.expect_problem(401, "invalid_token");
        caller.present(&caller.refresh_token()).await.expect_problem(401, "invalid_grant");
    }
    let _ = bob.get(FEED).await.expect(200);

    // An app can do the same.
    let (browser, phone) = (bff.signed_in("ada").await, app(&bff, "ada").await);
    let _ = phone.request(Method::POST, "/auth/logout-everywhere").send().await.expect(204);
    browser.get(FEED).await.expect_problem(401, "unauthenticated");
    phone.get(FEED).await.expect_problem(401, "invalid_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ended_stays_ended_after_a_restart() {
    let mut bff = TestBff::spawn().await;
    let (kept, ended) = (app(&bff, "ada").await, app(&bff, "ada").await);
    let id = own_id(&ended).await;
    let request = kept.request(Method::DELETE, &format!("/auth/sessions/{id}"));
    let _ = request.send().await.expect(204);
    bff.kill9().await;
    bff.restart().await;
    let (kept, ended) = (kept.at(&bff.url()), ended.at(&bff.url()));
    let _ = kept.get(FEED).await.expect(200);
    kept.refresh().await;
    ended.get(FEED).await.expect_problem(401, "invalid_token");
    ended.present(&ended.refresh_token()).await.expect_problem(401, "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_of_a_member_shows_in_all_of_their_sessions() {
    let bff = TestBff::spawn().await;
    let (browser, app) = (bff.signed_in("ada").await, app(&bff, "ada").await);
    let patch = app.request(Method::PATCH, "/api/me").json(&json!({ "displayName": "Ada L." }));
    let _ = patch.send().await.expect(200);
    for caller in [&browser, &app] {
        let session = caller.get("/auth/session").await.expect(200).json();
        assert_eq!(session["user"]["displayName"], "Ada L.");
    }
    app.refresh().await;
    assert_eq!(app.get("/auth/session").await.expect(200).json()["user"]["displayName"], "Ada L.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_ends_all_that_a_browser_is_signed_in_with() {
    let bff = TestBff::spawn().await;
    // A page with a session that holds tokens as well: its requests bear both.
    let page = bff.signed_in("ada").await;
    let _ = page.sign_in_app("ada").await;
    let (cookie, elsewhere) = (page.cookie(), bff.signed_in("ada").await);
    assert_eq!(sessions(&page).await.len(), 3);
    let out = page.request(Method::POST, "/auth/logout").send().await.expect(204);
    assert!(out.all("set-cookie")[0].starts_with("sid=; Max-Age=0"), "{:?}", out.all("set-cookie"));
    page.get(FEED).await.expect_problem(401, "invalid_token");
    let browser = bff.anonymous();
    browser.set_cookie(cookie);
    browser.get(FEED).await.expect_problem(401, "unauthenticated");
    assert_eq!(sessions(&elsewhere).await.len(), 1);
}
