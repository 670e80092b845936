//! Sign-up, sign-in, and what becomes of a session.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use reqwest::Method;
use serde_json::json;
use tests::{Actor, Fault, PASSWORD, TestBff, email, eventually, figures};

const FEED: &str = "/bff/home-feed";

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_makes_a_member_and_signs_nobody_in() {
    let bff = TestBff::spawn().await;
    let nobody = bff.anonymous();
    let input = json!({ "email": email("ada"), "username": "ada", "password": PASSWORD });
    let made = nobody.post("/auth/signup", &input).await.expect(201);
    assert_eq!(
        (&made.json()["user"]["username"], &made.json()["user"]["email"]),
        (&json!("ada"), &json!(email("ada")))
    );
    assert_eq!(made.all("set-cookie"), Vec::<String>::new());
    assert!(!made.text().contains(PASSWORD));
    assert_eq!(made.header("cache-control"), Some("no-store"));

    let same_mail = json!({ "email": email("ada"), "username": "other", "password": PASSWORD });
    nobody.post("/auth/signup", &same_mail).await.expect_problem(409, "email_taken");
    let same_name = json!({ "email": email("other"), "username": "ada", "password": PASSWORD });
    nobody.post("/auth/signup", &same_name).await.expect_problem(409, "username_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_sign_up_is_said_field_by_field() {
    let bff = TestBff::spawn().await;
    bff.clear_journals();
    let nobody = bff.anonymous();
    let bad = json!({ "email": "no mail", "username": "a b", "password": "short" });
    let fields: HashSet<_> =
        nobody.post("/auth/signup", &bad).await.field_errors().into_iter().map(|e| e.0).collect();
    assert_eq!(fields, HashSet::from(["email", "username", "password"].map(str::to_owned)));
    let extra = json!({ "email": email("a"), "username": "ada", "password": PASSWORD, "admin": true });
    assert_eq!(
        nobody.post("/auth/signup", &extra).await.field_errors(),
        [("admin".into(), "unknown_field".into())]
    );
    assert_eq!(bff.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_by_name_or_mail_gives_a_cookie_that_scripts_cannot_read() {
    let bff = TestBff::spawn().await;
    for login in ["ada".to_owned(), email("ada")] {
        let ada = bff.sign_up("ada").await;
        let answer = ada.sign_in(&login).await;
        let info = answer.json();
        assert_eq!(crate::fixtures::keys(&info), ["csrfToken", "expiresAt", "user"]);
        assert_eq!(info["user"]["username"], "ada");
        let cookies = answer.all("set-cookie");
        assert_eq!(cookies.len(), 1);
        let attributes: Vec<_> = cookies[0].split("; ").skip(1).collect();
        assert!(cookies[0].starts_with("sid="), "{}", cookies[0]);
        for attribute in ["Path=/", "HttpOnly", "SameSite=Lax"] {
            assert!(attributes.contains(&attribute), "{attribute}: {attributes:?}");
        }
        assert!(!attributes.iter().any(|a| a.starts_with("Domain")), "{attributes:?}");
        assert!(ada.cookie_value().len() >= 43, "256 bits in base64url");
        assert!(!answer.text().contains(&ada.cookie_value()), "the id is in the cookie alone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secure_cookie_is_bound_to_the_host() {
    let bff = TestBff::builder().set("session.secure", "true").spawn().await;
    let ada = bff.signed_in("ada").await;
    let answer = ada.sign_in("ada").await;
    let cookie = &answer.all("set-cookie")[0];
    assert!(cookie.starts_with("__Host-Http-sid="), "{cookie}");
    for attribute in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"] {
        assert!(cookie.split("; ").any(|known| known == attribute), "{attribute}: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let _ = ada.get("/auth/session").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_and_wrong_passwords_get_the_same_answer() {
    let bff = TestBff::spawn().await;
    let nobody = bff.sign_up("ada").await;
    let wrong = nobody.post("/auth/login", &json!({ "login": "ada", "password": "wrong-password" })).await;
    let unknown = nobody.post("/auth/login", &json!({ "login": "nobody", "password": PASSWORD })).await;
    for answer in [&wrong, &unknown] {
        answer.expect_problem(401, "bad_credentials");
        assert_eq!(answer.all("set-cookie"), Vec::<String>::new());
    }
    let told = |answer: &tests::Answer| {
        let mut problem = answer.json();
        problem["requestId"] = json!(null);
        problem
    };
    assert_eq!(told(&wrong), told(&unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_told_and_ends_with_sign_out() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let session = ada.get("/auth/session").await.expect(200).json();
    assert_eq!((&session["user"]["id"], &session["csrfToken"]), (&json!(ada.id()), &json!(ada.csrf_token())));
    let csrf = ada.get("/auth/csrf-token").await.expect(200).json();
    assert_eq!(csrf, json!({ "csrf": ada.csrf_token() }));
    let _ = ada.get(FEED).await.expect(200);

    let cookie = ada.cookie();
    let out = ada.post("/auth/logout", &json!({})).await.expect(204);
    assert_eq!(out.all("clear-site-data"), ["\"storage\""]);
    assert!(out.all("set-cookie")[0].starts_with("sid=; Max-Age=0"), "{:?}", out.all("set-cookie"));
    assert_eq!(ada.cookie(), None);
    ada.set_cookie(cookie);
    for path in ["/auth/session", "/auth/csrf-token", FEED] {
        ada.get(path).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_clears_what_the_settings_say() {
    for (setting, header) in [
        ("[]", None),
        ("storage,executionContexts", Some("\"storage\", \"executionContexts\"")),
        ("*", Some("\"*\"")),
    ] {
        let bff = TestBff::builder().set("session.clear_site_data", setting).spawn().await;
        for path in ["/auth/logout", "/auth/logout-everywhere"] {
            let ada = bff.signed_in("ada").await;
            let out = ada.post(path, &json!({})).await.expect(204);
            assert_eq!(out.header("clear-site-data"), header, "{setting}");
            assert!(out.all("set-cookie")[0].starts_with("sid=; Max-Age=0"), "{:?}", out.all("set-cookie"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sign_in_gets_a_new_id_and_ends_the_session_that_the_browser_had() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let before = ada.cookie();
    let other_browser = bff.anonymous();
    let _ = other_browser.sign_in("ada").await;
    // A fixed id does not survive: whoever planted it is not signed in with it.
    let _ = ada.sign_in("ada").await;
    assert_ne!(ada.cookie(), before);
    let old = bff.anonymous();
    old.set_cookie(before);
    old.get("/auth/session").await.expect_problem(401, "unauthenticated");
    let _ = ada.get("/auth/session").await.expect(200);
    let _ = other_browser.get("/auth/session").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_does_not_change_the_cookie() {
    let bff = TestBff::builder().set("session.touch_ms", 0).spawn().await;
    let ada = bff.signed_in("ada").await;
    for path in ["/auth/session", "/auth/csrf-token", FEED, FEED] {
        assert_eq!(ada.get(path).await.expect(200).all("set-cookie"), Vec::<String>::new(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_when_it_is_not_used() {
    let bff = TestBff::builder().set("session.idle_ms", 1500).set("session.touch_ms", 0).spawn().await;
    let (used, idle) = (bff.signed_in("ada").await, bff.signed_in("ada").await);
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2200) {
        let _ = used.get(FEED).await.expect(200);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    idle.get(FEED).await.expect_problem(401, "unauthenticated");
    let _ = used.get(FEED).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_the_session_does_not_extend_it() {
    let bff = TestBff::builder().set("session.idle_ms", 1000).set("session.touch_ms", 0).spawn().await;
    let ada = bff.signed_in("ada").await;
    let expires = ada.get("/auth/session").await.expect(200).json()["expiresAt"].clone();
    // Were it extended, it would be by each of these.
    eventually("the end of the session", || async {
        let answer = ada.get("/auth/session").await;
        if answer.status == 200 {
            assert_eq!(answer.json()["expiresAt"], expires);
        }
        (answer.status == 401).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_at_its_absolute_end_however_much_it_is_used() {
    let bff = TestBff::builder()
        .set("session.idle_ms", 3000)
        .set("session.absolute_ms", 4000)
        .set("session.touch_ms", 0)
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    let began = Instant::now();
    eventually("the end of the session", || async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        (ada.get(FEED).await.status == 401).then_some(())
    })
    .await;
    assert!(began.elapsed() > Duration::from_millis(3500), "use extends it: {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_fails_as_the_profile_service_does() {
    let bff = TestBff::builder().set("upstreams.profile.timeout_ms", 500).spawn().await;
    let nobody = bff.sign_up("ada").await;
    let input = json!({ "login": "ada", "password": PASSWORD });
    for (fault, status, code) in [
        (Fault::Status500, 502, "upstream_unavailable"),
        (Fault::Garbage, 502, "upstream_unavailable"),
        (Fault::BlackHole, 504, "upstream_timeout"),
        (Fault::Status(401), 502, "upstream_unavailable"),
    ] {
        bff.profile.fail(fault);
        let answer = nobody.post("/auth/login", &input).await;
        answer.expect_problem(status, code);
        assert!(!answer.text().contains(tests::PLANTED));
        assert_eq!(answer.all("set-cookie"), Vec::<String>::new());
        bff.heal().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_survive_a_restart() {
    let mut bff = TestBff::spawn().await;
    let (ada, out) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let ended = out.cookie();
    let _ = out.post("/auth/logout", &json!({})).await.expect(204);
    bff.terminate().await;
    assert_eq!(bff.ended().await.code(), Some(0));
    bff.restart().await;
    let ada = ada.at(&bff.url());
    let session = ada.get("/auth/session").await.expect(200).json();
    assert_eq!(
        session["csrfToken"],
        json!(ada.csrf_token()),
        "the token belongs to the session, not to the process"
    );
    let out = out.at(&bff.url());
    out.set_cookie(ended);
    out.get("/auth/session").await.expect_problem(401, "unauthenticated");
}

/// How often the gateway is killed.
const KILLS: u32 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn every_session_whose_cookie_was_received_survives_kill_9() {
    // All of them are to live.
    let mut bff = TestBff::builder().set("session.max_per_user", 100_000).spawn().await;
    let _ = bff.sign_up("ada").await;
    let random = RandomState::new();
    let (mut received, mut cut_off) = (Vec::<Actor>::new(), 0_usize);
    for round in 0..KILLS {
        // Sign-ins without end, eight at a time; after some of them, at any moment, the gateway dies.
        let enough = usize::try_from(random.hash_one(round) % 20).expect("a small number");
        let pause = Duration::from_micros(random.hash_one((round, "pause")) % 3000);
        let base = bff.anonymous();
        let mut under_way: FuturesUnordered<_> = (0..8).map(|_| sign_in(base.clone())).collect();
        let mut new = Vec::new();
        while new.len() < enough {
            new.push(under_way.next().await.expect("eight are under way").expect("it still runs"));
            under_way.push(sign_in(base.clone()));
        }
        tokio::time::sleep(pause).await;
        bff.kill9().await;
        // What was answered before it died counts as well.
        while let Some(last) = under_way.next().await {
            match last {
                Some(signed_in) => new.push(signed_in),
                None => cut_off += 1,
            }
        }
        bff.restart().await;
        received.extend(new);
        let recent = received.len().saturating_sub(40);
        for actor in &received[recent..] {
            let _ = actor.at(&bff.url()).get("/auth/session").await.expect(200);
        }
    }
    for actor in &received {
        let _ = actor.at(&bff.url()).get("/auth/session").await.expect(200);
    }
    figures::note(
        "sessions received before 50 kills with SIGKILL, all alive afterwards",
        format!("{} ({cut_off} sign-ins cut off)", received.len()),
    );
    assert!(cut_off > 0, "no kill met a sign-in under way");
}

/// A new session, or nothing when the gateway died under the request.
async fn sign_in(base: Actor) -> Option<Actor> {
    let fresh = base.signed_out();
    let request = fresh.from_page(Method::POST, "/auth/login");
    let answer = request.json(&json!({ "login": "ada", "password": PASSWORD })).try_send().await.ok()?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    fresh.cookie().is_some().then_some(fresh)
}
