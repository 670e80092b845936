//! The Next.js app in real browsers, against the whole system: a day of two people.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use tests::{Fault, Proxy, TestBff};

use super::{
    pictures,
    revalidation::{SECRET, wired},
    run,
    web::{Web, expect_sound},
};
use crate::fixtures::{post_about, publish};

/// Whose names and titles are as long as they may get, in Korean; their id.
async fn a_cook_with_a_long_name(bff: &TestBff) -> String {
    let cook = bff.signed_in("cook").await;
    let name = "서울 변두리에서 삼십 년째 김치볶음밥만 볶아 온 김밥상 선생님";
    let bio = "한 끼를 싸고 맛있게 먹는 방법을 적어 둡니다. 질문은 댓글로 남겨 주세요.";
    let profile = json!({ "displayName": name, "bio": bio });
    let _ = cook.from_page(Method::PATCH, "/api/me").json(&profile).send().await.expect(200);
    let long = publish(&cook, "묵은지와 스팸을 넣고 센 불에 볶아 반숙 달걀을 올린 김치볶음밥 4인분").await;
    let _ = publish(&cook, "된장찌개").await;
    let _ =
        post_about(&cook, "비 오는 날에는 역시 이것! 묵은지가 시면 설탕을 반 숟갈 넣어 보세요.", &long).await;
    cook.id()
}

#[tokio::test]
async fn people_use_the_app_in_their_browsers() {
    let hook = Proxy::listen().await.expect("a port");
    let bff = wired(&hook).spawn().await;
    let web = Web::start_with(&bff.url(), &[("BFF_REVALIDATE_SECRET", SECRET)]).await;
    hook.forward_to(web.url.trim_start_matches("http://").parse().expect("an address"));
    let metrics = format!("{}/metrics", bff.internal_url());
    let cook = format!("/members/{}", a_cook_with_a_long_name(&bff).await);
    let told = json!({ "web": web.url, "pictures": pictures(), "metrics": metrics, "cook": cook });
    let result = run("app.mjs", &told).await;
    let seen = &result["seen"];
    assert_eq!(seen["likes"], "1");
    assert_eq!(seen["likesAfterReload"], "1", "read your writes");
    assert_eq!(seen["commentLikes"], "1", "read your writes");
    assert_eq!(seen["othersComment"], 0, "only one's own comments can be changed");
    assert_eq!(seen["sessions"], 2);
    assert_eq!((&seen["adaIsOut"], &seen["cookiesLeft"]), (&json!("/"), &json!(0)));
    assert!(seen["gatewaysRequests"].as_u64().is_some_and(|count| count >= 2), "sign-in and feed: {seen}");
    let cost = |name: &str| {
        let text = seen[name].as_str().expect("a text");
        text.rsplit_once(" per")
            .map_or(text, |(before, _)| before)
            .rsplit(['·', ' '])
            .next()
            .map(str::to_owned)
    };
    assert_eq!(cost("liveCost"), cost("perServing"), "what the form says is what the recipe costs: {seen}");
    let policy = result["policy"].as_str().expect("a policy");
    let scripts = policy.split("; ").find(|part| part.starts_with("script-src")).expect("script-src");
    assert!(!scripts.contains("unsafe") && scripts.contains("'nonce-"), "{policy}");
    expect_sound(&result);
}

#[tokio::test]
async fn without_the_recipe_service_the_home_page_is_there() {
    let bff = TestBff::spawn().await;
    let web = Web::start(&bff.url()).await;
    let ada = bff.signed_in("ada").await;
    let _ = ada.post("/api/posts", &json!({ "text": "still here" })).await.expect(201);
    bff.recipe.fail(Fault::Reset);
    let page = ada.elsewhere(&web.url).get("/").await.expect(200);
    let html = page.text();
    assert!(html.contains("still here"), "{html}");
    assert!(html.contains("data-testid=\"missing\""), "a calm place holder: {html}");
}

#[tokio::test]
async fn parallel_renders_with_a_session_that_is_about_to_end_do_not_race() {
    let bff = TestBff::builder().set("session.idle_ms", 60_000).set("session.touch_ms", 1).spawn().await;
    let web = Web::start(&bff.url()).await;
    let ada = bff.signed_in("ada").await;
    let mine = format!("/members/{}", ada.id());
    let at_the_app = ada.elsewhere(&web.url);
    let pages = ["/", "/settings", &mine];
    let answers = futures_util::future::join_all(pages.map(|page| at_the_app.get(page))).await;
    let statuses: BTreeSet<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses, BTreeSet::from([200]));
    for (page, answer) in pages.iter().zip(&answers) {
        assert!(!answer.text().contains("/sign-in"), "{page} is that of somebody signed in");
        assert_eq!(answer.all("set-cookie"), Vec::<String>::new(), "{page}");
    }
}
