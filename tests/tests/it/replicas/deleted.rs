//! What is deleted, or refused for good, is gone for everybody whom that concerns, at both gateways and in every view.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, Fault, Replica, TestBff, eventually, redis::Durability};
use upstreams::Service;

use super::{FEED, Pair};
use crate::fixtures::{follow, post_about, publish, texts, titles};

/// How a screen can be asked for: its query, and `Accept`.
const VIEWS: [(&str, &str); 3] =
    [("", "application/json"), ("?view=compact", "application/json"), ("", "application/x-ndjson")];

const RECIPE_TOKEN: &str = "planted-token-of-the-recipe-service-0123";

async fn view(actor: &Actor, path: &str, (query, accept): (&str, &str)) -> Answer {
    actor.request(Method::GET, &format!("{path}{query}")).header("accept", accept).send().await
}

/// Has every view of `path` made for everyone, so that it is there to be served.
async fn fill(everyone: &[Actor], path: &str) {
    for actor in everyone {
        for kind in VIEWS {
            let _ = view(actor, path, kind).await.expect(200);
        }
    }
}

async fn expect_problem_in_every_view(everyone: &[Actor], path: &str, status: u16, code: &str) {
    for (number, actor) in everyone.iter().enumerate() {
        for kind in VIEWS {
            let answer = view(actor, path, kind).await;
            assert_eq!(answer.status, status, "{path} {kind:?} for reader {number}: {}", answer.text());
            answer.expect_problem(status, code);
        }
    }
}

/// Somebody at both gateways.
fn at_both(pair: &Pair<tests::redis::RedisServer>, actor: &Actor) -> [Actor; 2] {
    pair.both().map(|replica| replica.called_by(actor))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_404_at_once_for_everybody_at_both_gateways_in_every_view() {
    let pair = Pair::start(Durability::Nothing, TestBff::builder()).await;
    let (cook, ada) = (pair.here.signed_in("cook").await, pair.here.signed_in("ada").await);
    follow(&ada, &cook).await;
    for round in 0..6 {
        let id = publish(&cook, "Rice with eggs").await;
        let post = post_about(&cook, "Try this", &id).await;
        let comments = format!("/api/recipes/{id}/comments");
        let comment = ada.post(&comments, &json!({ "body": "Lovely" })).await.expect(201).json();
        let mut everyone: Vec<_> = pair.both().map(Replica::anonymous).into();
        everyone.extend(at_both(&pair, &ada));
        everyone.extend(at_both(&pair, &cook));
        let path = format!("/bff/recipes/{id}");
        let author = format!("/bff/members/{}", cook.id());
        fill(&everyone, &path).await;
        fill(&everyone, &author).await;
        fill(&everyone[2..], FEED).await;

        // Back and forth: neither of them is special.
        let writer = &at_both(&pair, &cook)[round % 2];
        let commenter = &at_both(&pair, &ada)[round % 2];
        let comment = format!("/api/comments/{}", comment["id"].as_str().expect("an id"));
        let _ = commenter.delete(&comment).await.expect(204);
        let comments = |page: Value| page["comments"].as_array().expect("a list").len();
        for actor in &everyone[..4] {
            assert_eq!(comments(actor.get(&path).await.expect(200).json()), 0, "round {round}");
        }
        let _ = writer.delete(&format!("/api/recipes/{id}")).await.expect(204);
        expect_problem_in_every_view(&everyone, &path, 404, "not_found").await;
        for actor in &everyone {
            actor.get(&format!("/api/recipes/{id}")).await.expect_problem(404, "not_found");
        }
        let _ = writer.delete(&format!("/api/posts/{post}")).await.expect(204);
        // Where it merely appears: at once where that is public, and for those who deleted it.
        let [_, _, ada_here, ada_there, cook_here, cook_there] = &everyone[..] else { panic!("six readers") };
        for actor in everyone[..2].iter().chain([cook_here, cook_there]) {
            let page = actor.get(&author).await.expect(200).json();
            assert_eq!((titles(&page).len(), texts(&page).len()), (0, 0), "round {round}");
        }
        for actor in [cook_here, cook_there] {
            let feed = actor.get(FEED).await.expect(200).json();
            assert_eq!((titles(&feed).len(), texts(&feed).len()), (0, 0), "round {round}");
        }
        // Nobody's own feed waits for what others delete: it is looked at again behind.
        for (actor, path) in [ada_here, ada_there].into_iter().flat_map(|ada| [(ada, FEED), (ada, &*author)])
        {
            eventually("what shows no trace of it", || async {
                let page = actor.get(path).await.expect(200).json();
                (titles(&page).is_empty() && texts(&page).is_empty()).then_some(())
            })
            .await;
        }
    }
}

/// Documents that are old after a moment and, unless a service says that they are gone, good for ten minutes when it
/// fails.
fn soon_old() -> tests::Builder {
    TestBff::builder().set("screens.recipe.fresh_ms", 300).set("screens.recipe.stale_ms", 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definite_answer_is_passed_on_and_takes_the_old_document_with_it() {
    let pair = Pair::start(Durability::Nothing, soon_old()).await;
    let (cook, ada) = (pair.here.signed_in("cook").await, pair.here.signed_in("ada").await);
    for (round, (status, code)) in
        [(404, "not_found"), (403, "forbidden"), (410, "gone"), (451, "unavailable_for_legal_reasons")]
            .into_iter()
            .enumerate()
    {
        let id = publish(&cook, "Rice with eggs").await;
        let path = format!("/bff/recipes/{id}");
        let nobody = pair.both().map(Replica::anonymous);
        let adas = at_both(&pair, &ada);
        fill(&nobody, &path).await;
        fill(&adas, &path).await;
        tokio::time::sleep(Duration::from_millis(400)).await;

        pair.here.recipe.fail_on(&format!("/recipes/{id}"), Fault::Status(status));
        let kind = VIEWS[round % VIEWS.len()];
        view(&nobody[round % 2], &path, kind).await.expect_problem(status, code);
        // What the service said then holds when it is down: nobody's document is gone everywhere.
        pair.here.recipe.heal().await;
        pair.here.recipe.fail_on(&format!("/recipes/{id}"), Fault::Status(503));
        expect_problem_in_every_view(&nobody, &path, 502, "upstream_unavailable").await;
        // Ada's own is another: she may see what others may not.
        for actor in &adas {
            for kind in VIEWS {
                let kept = view(actor, &path, kind).await.expect(200);
                assert!(kept.cache_status().contains("stale-if-error"), "{}", kept.cache_status());
            }
        }
        pair.here.recipe.heal().await;
        pair.here.recipe.fail_on(&format!("/recipes/{id}"), Fault::Status(status));
        let mine = eventually("a look behind, which ends the outage", || async {
            let answer = view(&adas[1], &path, kind).await;
            (answer.status != 200).then_some(answer)
        })
        .await;
        mine.expect_problem(status, code);
        pair.here.recipe.heal().await;
        pair.here.recipe.fail_on(&format!("/recipes/{id}"), Fault::Status(503));
        expect_problem_in_every_view(&adas, &path, 502, "upstream_unavailable").await;
        pair.here.recipe.heal().await;
        fill(&nobody, &path).await;
        fill(&adas, &path).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_about_what_its_service_has_deleted_ends_it_at_both_gateways() {
    let pair =
        Pair::start(Durability::Nothing, TestBff::builder().set("events.recipe.token", RECIPE_TOKEN)).await;
    let (cook, ada) = (pair.here.signed_in("cook").await, pair.here.signed_in("ada").await);
    let id = publish(&cook, "Rice with eggs").await;
    let path = format!("/bff/recipes/{id}");
    let mut everyone: Vec<_> = pair.both().map(Replica::anonymous).into();
    everyone.extend(at_both(&pair, &ada));
    fill(&everyone, &path).await;
    // Past the gateways, so that they cannot know.
    let recipes = pair.here.direct(Service::Recipe, Some(&cook.id())).await;
    let _ = recipes.call(Method::DELETE, &format!("/recipes/{id}"), None).await.expect(204);
    assert!(everyone[0].get(&path).await.is_fresh_hit());

    let sender = pair.there.anonymous().elsewhere(&pair.there.internal_url());
    let event =
        json!({ "topic": format!("recipe:{id}"), "type": "deleted", "tags": [format!("recipe:{id}")] });
    let event = sender.request(Method::POST, "/events").json(&event);
    let _ = event.header("authorization", &format!("Bearer {RECIPE_TOKEN}")).send().await.expect(202);
    for actor in &everyone {
        // The old document is served while one looks behind, and never again after that.
        let gone = eventually("what was deleted to be gone", || async {
            let answer = actor.get(&path).await;
            (answer.status != 200).then_some(answer)
        })
        .await;
        gone.expect_problem(404, "not_found");
    }
    expect_problem_in_every_view(&everyone, &path, 404, "not_found").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_refused_for_good_is_not_shown_from_an_old_copy() {
    let bff = soon_old().spawn().await;
    let cook = bff.signed_in("cook").await;
    let id = publish(&cook, "Rice with eggs").await;
    let comments = format!("/recipes/{id}/comments");
    let _ = cook.post(&format!("/api{comments}"), &json!({ "body": "Lovely" })).await.expect(201);
    let (reader, path) = (bff.anonymous(), format!("/bff/recipes/{id}"));
    for (status, shown) in [(503, true), (404, true), (403, false), (410, false), (451, false)] {
        let before = eventually("the whole page", || async {
            let page = reader.get(&path).await.expect(200).json();
            (page["degraded"] == json!([])).then_some(page)
        })
        .await;
        assert_eq!(before["comments"][0]["body"], "Lovely");
        tokio::time::sleep(Duration::from_millis(400)).await;
        bff.recipe.fail_on(&comments, Fault::Status(status));
        let page = reader.get(&path).await.expect(200).json();
        assert_eq!(page["comments"][0]["body"] == "Lovely", shown, "{status}: {page}");
        assert_eq!(page["degraded"][0]["status"], if shown { "stale" } else { "missing" }, "{status}");
        bff.recipe.heal().await;
    }
}
