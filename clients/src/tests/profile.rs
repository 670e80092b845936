//! What the profile client sends and takes.

use schemas::MemberPatch;
use serde_json::json;

use super::{Fixture, assert_sent, card, claims, cx, id, ids, me, ok, outcome};

#[tokio::test]
async fn members_are_read_and_changed() {
    let it = Fixture::new(|_| ok(&me("ada"))).await;
    assert_eq!(it.clients.profile.member(&cx(), &id("ada")).await.expect("a member").id, id("ada"));
    assert_sent(&it.only_request(), "GET", "/members/ada", "");

    let it = Fixture::new(|_| ok(&me("ada"))).await;
    assert_eq!(it.clients.profile.me(&cx()).await.expect("me").email, "ada@example.org");
    let request = it.only_request();
    assert_sent(&request, "GET", "/members/me", "");
    assert_eq!(claims(&request).sub.as_deref(), Some("ada"));

    let it = Fixture::new(|_| ok(&me("ada"))).await;
    let patch = MemberPatch { bio: Some(String::new()), ..MemberPatch::default() };
    it.clients.profile.patch_me(&cx(), &patch).await.expect("me");
    assert_sent(&it.only_request(), "PATCH", "/members/me", r#"{"bio":""}"#);

    let it = Fixture::new(|_| ok(&json!({"items": [card("a"), card("b")]}))).await;
    assert_eq!(it.clients.profile.members(&cx(), &ids(&["b", "a"])).await.expect("members").len(), 2);
    assert_sent(&it.only_request(), "GET", "/members?ids=b,a", "");
}

#[tokio::test]
async fn an_answer_about_somebody_else_is_refused() {
    let it = Fixture::new(|_| ok(&me("eve"))).await;
    let profile = &it.clients.profile;
    assert_eq!(outcome(&profile.member(&cx(), &id("ada")).await), "invalid");
    assert_eq!(outcome(&profile.me(&cx()).await), "invalid");
    assert_eq!(outcome(&profile.patch_me(&cx(), &MemberPatch::default()).await), "invalid");
    let reports = it.reports.lock();
    assert_eq!(*reports, [("member", "invalid"), ("me", "invalid"), ("patch_me", "invalid")]);
}
