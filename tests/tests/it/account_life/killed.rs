//! The gateway is killed between a change and the end of the other sign-ins.

use std::time::Duration;

use serde_json::json;
use tests::{Actor, Builder, Fault, PASSWORD, Replica, Signer, TestBff, redis::RedisServer};
use tokio::time::{Instant, sleep};

use super::{NEW, RESET, change, is_signed_in, reset, reset_token, system_with};

/// After this a planned ending is due: the longest call, and its margin.
const DUE: Duration = Duration::from_secs(15);

fn builder() -> Builder {
    TestBff::builder()
        .set("jobs.poll_ms", 200)
        .set("jobs.lease_ms", 1000)
        .set("throttle.address_failures", 100_000)
}

/// How many jobs wait or were given up.
async fn jobs(replica: &Replica) -> (u64, u64) {
    let page = replica.internal("/jobs").await.expect(200).json();
    let count = |name: &str| page[name].as_u64().expect("a number");
    (count("waitingCount"), count("deadCount"))
}

/// Waits until no job is left: longer than other waits, because a job may first have to be due.
async fn until_done(replica: &Replica) {
    let end = Instant::now() + DUE * 3;
    while jobs(replica).await != (0, 0) {
        assert!(Instant::now() < end, "the queue does not get empty");
        sleep(Duration::from_millis(50)).await;
    }
}

/// A browser and an app besides the caller's browser, and somebody else.
struct Everybody {
    ada: Actor,
    browser: Actor,
    app: Actor,
    bora: Actor,
}

async fn everybody(bff: &TestBff) -> Everybody {
    let all = Everybody {
        ada: bff.signed_in("ada").await,
        browser: bff.anonymous(),
        app: bff.anonymous(),
        bora: bff.signed_in("bora").await,
    };
    let _ = all.browser.sign_in("ada").await;
    let _ = all.app.sign_in_app("ada").await;
    for actor in [&all.ada, &all.browser, &all.app, &all.bora] {
        assert!(is_signed_in(actor).await);
    }
    all
}

impl Everybody {
    fn at(&self, replica: &Replica) -> Self {
        let [ada, browser, app, bora] =
            [&self.ada, &self.browser, &self.app, &self.bora].map(|actor| replica.called_by(actor));
        Self { ada, browser, app, bora }
    }

    async fn only_the_caller_is_left(&self) {
        assert!(!is_signed_in(&self.browser).await && !is_signed_in(&self.app).await);
        self.app.present(&self.app.refresh_token()).await.expect_problem(401, "invalid_grant");
        assert!(is_signed_in(&self.ada).await, "the caller's own goes on");
        assert!(is_signed_in(&self.bora).await, "somebody else's go on");
    }
}

/// Has the profile service change the password and the gateway wait for its answer.
async fn changed_and_unanswered(bff: &TestBff, caller: &Actor) -> tokio::task::JoinHandle<()> {
    bff.profile.fail_on("/members/me/password", Fault::HoldAnswer);
    let input = json!({ "current": PASSWORD, "new": NEW });
    let request = caller.from_page(reqwest::Method::POST, "/auth/password");
    let asked = tokio::spawn(async move {
        assert!(request.json(&input).try_send().await.is_err(), "nobody is left to answer");
    });
    until_it_is_new(bff).await;
    asked
}

/// Waits until the profile service has the new password, past the gateway.
async fn until_it_is_new(bff: &TestBff) {
    let mut claims = Signer::claims("profile", None);
    claims["scope"] = json!("accounts");
    let token = bff.signer().await.sign(&claims);
    let other = bff.direct_with(upstreams::Service::Profile, token);
    tests::eventually("the password to be changed", || async {
        let credentials = json!({ "login": "ada", "password": NEW });
        (other.post("/members/verify", &credentials).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_after_the_change_leaves_no_other_sign_in() {
    let mut bff = builder().spawn().await;
    let before = everybody(&bff).await;
    let asked = changed_and_unanswered(&bff, &before.ada).await;
    bff.kill9().await;
    asked.await.expect("no panic");
    bff.profile.heal().await;
    bff.restart().await;
    until_done(&bff).await;
    before.at(&bff).only_the_caller_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_after_a_reset_leaves_no_sign_in() {
    let (server, mut bff) = system_with(builder(), |_| {}).await;
    let before = everybody(&bff).await;
    let nobody = bff.anonymous();
    let token = reset_token(&server, &nobody, "ada", 1).await;
    reset(&nobody, &"x".repeat(43), NEW).await.expect_problem(422, "token_invalid");
    assert_eq!(jobs(&bff).await, (0, 0), "nobody's sign-ins are to end");
    bff.profile.fail_on("/members/password/reset", Fault::HoldAnswer);
    bff.profile.fail_on("/members/password/reset/check", Fault::Delay(Duration::ZERO));
    let asked = tokio::spawn(async move {
        let input = json!({ "token": token, "new": NEW });
        let request = nobody.from_page(reqwest::Method::POST, RESET).json(&input);
        assert!(request.try_send().await.is_err(), "nobody is left to answer");
    });
    until_it_is_new(&bff).await;
    bff.kill9().await;
    asked.await.expect("no panic");
    bff.profile.heal().await;
    bff.restart().await;
    until_done(&bff).await;
    let after = before.at(&bff);
    for (place, actor) in [&after.ada, &after.browser, &after.app].into_iter().enumerate() {
        assert!(!is_signed_in(actor).await, "{place}");
    }
    assert!(is_signed_in(&after.bora).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_gateway_ends_what_a_dead_one_was_about_to() {
    let redis = RedisServer::start().await;
    let mut bff = builder().redis(&redis).spawn().await;
    let second = bff.replica().await;
    let before = everybody(&bff).await;
    let there = before.at(&second);
    assert!(is_signed_in(&there.browser).await && is_signed_in(&there.app).await);
    let asked = changed_and_unanswered(&bff, &before.ada).await;
    bff.kill9().await;
    asked.await.expect("no panic");
    bff.profile.heal().await;
    until_done(&second).await;
    there.only_the_caller_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_ends_nobody_and_a_change_leaves_no_job() {
    let bff = builder().spawn().await;
    let all = everybody(&bff).await;
    change(&all.ada, "planted-wrong-password", NEW).await.expect_problem(401, "bad_credentials");
    assert_eq!(jobs(&bff).await, (0, 0), "it was taken back");
    sleep(DUE + Duration::from_secs(1)).await;
    for actor in [&all.ada, &all.browser, &all.app, &all.bora] {
        assert!(is_signed_in(actor).await);
    }
    let _ = change(&all.ada, PASSWORD, NEW).await.expect(204);
    assert_eq!(jobs(&bff).await, (0, 0), "it was done at once");
    all.only_the_caller_is_left().await;
}
