//! The writer's next screen shows every kind of write, whatever else goes on; documents of others keep their time.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tests::{Actor, Answer, Fault, TestBff, eventually};
use tokio::{sync::watch, task::JoinHandle};

use crate::fixtures::{follow, post, publish, texts, titles};

const FEED: &str = "/bff/home-feed";
/// How often each kind of write is made.
const ROUNDS: usize = 100;

/// Somebody's screens, read without end.
struct Traffic {
    stop: watch::Sender<bool>,
    readers: Vec<JoinHandle<()>>,
}

impl Traffic {
    fn of(reader: &Actor) -> Self {
        let (stop, stopped) = watch::channel(false);
        let paths = [FEED, FEED, "/bff/home-feed?limit=1"];
        let readers = paths.into_iter().map(|path| {
            let (reader, stopped) = (reader.clone(), stopped.clone());
            tokio::spawn(async move {
                while !*stopped.borrow() {
                    let _ = reader.get(path).await.expect(200);
                }
            })
        });
        let readers = readers.collect();
        Self { stop, readers }
    }

    async fn end(self) {
        self.stop.send_replace(true);
        for reader in self.readers {
            reader.await.expect("no reader panicked");
        }
    }
}

async fn feed(reader: &Actor) -> Answer {
    let answer = reader.get(FEED).await.expect(200);
    assert_eq!(answer.json()["degraded"], json!([]));
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_is_in_its_authors_next_feed_under_other_traffic() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let traffic = Traffic::of(&ada);
    for round in 0..ROUNDS {
        let title = format!("recipe {round}");
        publish(&ada, &title).await;
        let shown = titles(&feed(&ada).await.json());
        assert!(shown.contains(&title), "{title} is not among {shown:?}");
    }
    traffic.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_post_is_not_in_its_authors_next_feed_under_other_traffic() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let traffic = Traffic::of(&ada);
    for round in 0..ROUNDS {
        let text = format!("post {round}");
        let id = post(&ada, &text).await;
        assert_eq!(texts(&feed(&ada).await.json()), [text], "round {round}");
        let _ = ada.delete(&format!("/api/posts/{id}")).await.expect(204);
        assert_eq!(texts(&feed(&ada).await.json()), Vec::<String>::new(), "round {round}");
    }
    traffic.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_one_follows_and_leaves_shows_in_the_next_feed_under_other_traffic() {
    let bff = TestBff::spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    post(&bob, "Hello from Bob").await;
    let traffic = Traffic::of(&ada);
    for round in 0..ROUNDS {
        follow(&ada, &bob).await;
        assert_eq!(texts(&feed(&ada).await.json()), ["Hello from Bob"], "round {round}");
        let _ = ada.delete(&format!("/api/follows/{}", bob.id())).await.expect(204);
        assert_eq!(texts(&feed(&ada).await.json()), Vec::<String>::new(), "round {round}");
    }
    traffic.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writers_other_browser_sees_the_write_at_once() {
    let bff = TestBff::spawn().await;
    let (laptop, phone) = (bff.signed_in("ada").await, bff.signed_in("ada").await);
    for round in 0..ROUNDS {
        let _ = (feed(&laptop).await, feed(&phone).await);
        let text = format!("post {round}");
        post(&laptop, &text).await;
        assert_eq!(texts(&feed(&phone).await.json())[0], text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_who_knew_the_old_document_is_given_the_new_one() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let old = feed(&ada).await;
    post(&ada, "news").await;
    let asked = ada.request(Method::GET, FEED).header("if-none-match", old.etag()).send().await.expect(200);
    assert_eq!(texts(&asked.json()), ["news"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_others_keep_their_fresh_time_whatever_somebody_writes() {
    let bff = TestBff::builder().set("screens.home_feed.fresh_ms", 60_000).spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    follow(&bob, &ada).await;
    let before = feed(&bob).await;
    post(&ada, "Ada's news").await;
    publish(&ada, "Rice with eggs").await;
    follow(&ada, &bob).await;
    let _ = feed(&ada).await;
    bff.clear_journals();
    for _ in 0..5 {
        let after = feed(&bob).await;
        assert!(after.is_fresh_hit(), "{}", after.cache_status());
        assert_eq!((&after.body, after.etag()), (&before.body, before.etag()));
    }
    assert_eq!(bff.call_lines(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_author_deletes_leaves_the_documents_of_others_without_making_them_wait() {
    let bff = TestBff::builder().set("screens.home_feed.fresh_ms", 60_000).spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    follow(&bob, &ada).await;
    let id = post(&ada, "I should not have said that").await;
    let before = feed(&bob).await;
    assert_eq!(texts(&before.json()), ["I should not have said that"]);
    let _ = ada.delete(&format!("/api/posts/{id}")).await.expect(204);
    // Nobody answers: what Bob gets cannot have been composed for him.
    bff.timeline.fail(Fault::Hold);
    let stale = feed(&bob).await;
    assert_eq!(stale.body, before.body);
    assert!(stale.took < Duration::from_secs(5), "before the timeline is given up: {:?}", stale.took);
    bff.heal().await;
    let gone = || async { texts(&bob.get(FEED).await.expect(200).json()).is_empty().then_some(()) };
    eventually("Bob's feed without the post", gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_refused_changes_nothing_and_costs_no_new_document() {
    let bff = TestBff::builder().set("screens.home_feed.fresh_ms", 60_000).spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let id = post(&bob, "Bob's own").await;
    let before = feed(&ada).await;
    ada.delete(&format!("/api/posts/{id}")).await.expect_problem(403, "not_author");
    ada.post("/api/posts", &json!({ "text": "" })).await.expect_problem(422, "validation_failed");
    bff.clear_journals();
    let after = feed(&ada).await;
    assert!(after.is_fresh_hit(), "{}", after.cache_status());
    assert_eq!((&after.body, bff.calls()), (&before.body, 0));
}
