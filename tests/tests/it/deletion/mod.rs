//! Members who leave: what goes, what stays, and what they take along.

mod export;
mod kill;
mod outages;
mod refusals;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, Builder, PASSWORD, TestBff, eventually};
use upstreams::Service;

use crate::fixtures::{follow, post, publish};

/// A system whose jobs do not keep tests waiting.
pub(crate) fn builder() -> Builder {
    TestBff::builder()
        .set("jobs.poll_ms", 200)
        .set("jobs.lease_ms", 1000)
        .set("jobs.backoff_ms", 50)
        .set("jobs.max_backoff_ms", 400)
        .set("throttle.address_failures", 100_000)
}

/// Asks to be deleted, as a page does.
async fn leave(actor: &Actor) -> Answer {
    actor.from_page(Method::DELETE, "/api/me").json(&json!({ "password": PASSWORD })).send().await
}

/// A member with something at every service, tied up with what `other` has.
async fn settle(bff: &TestBff, name: &str, other: &Actor, recipe: &str, written: &str) -> Actor {
    let member = bff.signed_in(name).await;
    let own = publish(&member, &format!("{name}'s")).await;
    post(&member, &format!("{name} was here")).await;
    follow(&member, other).await;
    follow(other, &member).await;
    for (who, path) in [(&member, recipe), (other, own.as_str())] {
        let _ = who.put(&format!("/api/recipes/{path}/like")).await.expect(204);
        let comment = json!({ "body": format!("by {name}") });
        let _ = who.post(&format!("/api/recipes/{path}/comments"), &comment).await.expect(201);
    }
    let _ = member.put(&format!("/api/posts/{written}/like")).await.expect(204);
    member
}

/// All that the three services keep of a member, past the gateway.
pub(crate) async fn kept(bff: &TestBff, member: &str) -> Value {
    let mut all = Vec::new();
    for service in Service::ALL {
        let direct = bff.direct(service, Some(member)).await;
        all.push(direct.get(&format!("/members/{member}/export")).await.expect(200).json());
    }
    json!(all)
}

/// Waits until no service keeps anything of a member.
pub(crate) async fn gone(bff: &TestBff, member: &str) {
    eventually("the member to be gone from every service", || async {
        let kept = kept(bff, member).await;
        let parts = kept.as_array().expect("three");
        parts.iter().all(|part| part["items"] == json!([])).then_some(())
    })
    .await;
}

/// The job is done, too.
pub(crate) async fn queue_is_empty(replica: &tests::Replica) {
    eventually("an empty queue", || async {
        let page = replica.internal("/jobs").await.expect(200).json();
        (page["waitingCount"] == 0 && page["deadCount"] == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_leaves_is_gone_everywhere_and_nobody_else_is() {
    let bff = builder().spawn().await;
    let bora = bff.signed_in("bora").await;
    let (recipe, written) = (publish(&bora, "Bora's").await, post(&bora, "Bora's own").await);
    let before = kept(&bff, &bora.id()).await;
    let ada = settle(&bff, "ada", &bora, &recipe, &written).await;
    let app = bff.anonymous();
    let _ = app.sign_in_app("ada").await.expect(200);
    let (page, nobody) = (format!("/bff/members/{}", ada.id()), bff.anonymous());
    let kept_of_ada = kept(&bff, &ada.id()).await;
    let id_of = |kind: &str| {
        let parts = kept_of_ada.as_array().expect("three").iter();
        let mut items = parts.flat_map(|part| part["items"].as_array().expect("items"));
        let item = items.find(|item| item["kind"] == kind).expect("one of that kind");
        item["id"].as_str().expect("an id").to_owned()
    };
    let recipe_page = format!("/bff/recipes/{}", id_of("recipe"));
    for reader in [&bora, &nobody] {
        for path in [&page, &recipe_page] {
            let _ = reader.get(path).await.expect(200);
        }
    }
    assert!(bora.get("/bff/home-feed").await.expect(200).text().contains("ada was here"));

    let answer = leave(&ada).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0));
    assert!(answer.all("set-cookie").iter().any(|line| line.contains("Max-Age=0")), "the cookie is cleared");
    app.get("/bff/me").await.expect_problem(401, "invalid_token");
    let refreshed = app.present(&app.refresh_token()).await;
    assert_eq!(refreshed.status, 401, "{}", refreshed.text());
    bff.anonymous().try_sign_in("ada").await.expect_problem(401, "bad_credentials");

    gone(&bff, &ada.id()).await;
    queue_is_empty(&bff).await;
    for reader in [&bora, &nobody] {
        for path in [&page, &recipe_page] {
            reader.get(path).await.expect_problem(404, "not_found");
        }
    }
    let feed = bora.get("/bff/home-feed").await.expect(200).text();
    assert!(!feed.contains("ada was here") && !feed.contains(&ada.id()), "{feed}");
    assert_eq!(kept(&bff, &bora.id()).await, before, "counts of likes and comments included");
    bff.anonymous().try_sign_in("ada").await.expect_problem(401, "bad_credentials");
    let lines = bff.call_lines().join("\n");
    for service in ["profile", "timeline", "recipe"] {
        assert!(lines.contains(&format!("{service} DELETE /members/{}", ada.id())), "{lines}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_during_a_deletion_is_refused() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.timeline.refuse().await;
    let _ = leave(&ada).await.expect(202);
    ada.get("/auth/session").await.expect_problem(401, "unauthenticated");
    // The profile service still knows her.
    assert_eq!(kept(&bff, &ada.id()).await[0]["items"][0]["data"]["username"], "ada");
    bff.anonymous().try_sign_in("ada").await.expect_problem(401, "bad_credentials");
    let app = bff.anonymous().try_sign_in_app("ada").await;
    app.expect_problem(401, "bad_credentials");
    let queue = bff.internal("/jobs").await.expect(200).json();
    assert_eq!((&queue["waitingCount"], &queue["waiting"][0]["kind"]), (&json!(1), &json!("delete_member")));
    bff.timeline.heal().await;
    gone(&bff, &ada.id()).await;
    queue_is_empty(&bff).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_twice_at_once_leaves_once() {
    let bff = builder().spawn().await;
    let ada = bff.signed_in("ada").await;
    let answers = futures_util::future::join_all((0..4).map(|_| leave(&ada))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert!(
        statuses.contains(&202) && statuses.iter().all(|status| [202, 401].contains(status)),
        "{statuses:?}"
    );
    gone(&bff, &ada.id()).await;
    queue_is_empty(&bff).await;
}
