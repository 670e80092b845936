//! Documents of declared screens in the cache.

use std::time::Duration;

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    Actor, Answer, DeclaredBff, Fault, Reply, eventually,
    redis::{RedisServer, StoreUrl},
    soon,
};

use super::{book, book_product, books_product, degraded, missing, shelf};

const BOOK: &str = "/bff/books/1";

async fn get(actor: &Actor, headers: &[(&str, &str)]) -> Answer {
    let request = actor.request(Method::GET, BOOK);
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().await
}

#[tokio::test]
async fn a_document_has_an_etag_for_each_encoding_and_equal_data_has_an_equal_one() {
    let stub = shelf();
    let long = json!({ "id": "1", "text": "much to say about it ".repeat(200) });
    stub.json("GET /books/1", &long);
    let redis = RedisServer::start().await;
    let builder = DeclaredBff::builder(book_product()).stub("shelf", &stub);
    let bff = builder.set("store.url", redis.store_url()).spawn().await;
    let ada = bff.signed_in("ada").await;
    let plain = get(&ada, &[]).await.expect(200);
    assert_eq!(plain.json()["book"], long);
    let mut etags = vec![plain.etag().to_owned()];
    for encoding in ["br", "gzip", "zstd"] {
        let answer = get(&ada, &[("accept-encoding", encoding)]).await.expect(200);
        assert_eq!(answer.header("content-encoding"), Some(encoding));
        assert_eq!(answer.plain(), plain.body.to_vec());
        let known = get(&ada, &[("accept-encoding", encoding), ("if-none-match", answer.etag())]).await;
        assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
        etags.push(answer.etag().to_owned());
    }
    assert_eq!(etags.iter().collect::<std::collections::HashSet<_>>().len(), 4, "{etags:?}");
    assert_eq!(plain.header("cache-control"), Some("private, no-cache"));
    for name in ["cookie", "authorization", "accept", "accept-encoding"] {
        assert!(plain.lists("vary", name), "{name}");
    }
    let timing = plain.header("server-timing").expect("Server-Timing");
    assert!(timing.contains("book") && timing.contains("news"), "{timing}");
    let bob = bff.signed_in("bob").await;
    assert_eq!(get(&bob, &[]).await.etag(), plain.etag());
    // Also on another replica, which composes it by itself.
    let other = bff.replica(&[]).await;
    bff.forget_calls();
    let there = other.called_by(&ada).get(BOOK).await.expect(200);
    assert_eq!((there.etag(), bff.calls().len()), (plain.etag(), 2));
}

#[tokio::test]
async fn lines_bear_what_the_document_bears() {
    let bff = DeclaredBff::over(book_product(), &shelf()).await;
    let ada = bff.signed_in("ada").await;
    let kept_whole = get(&bff.signed_in("bob").await, &[]).await.expect(200).json();
    for _ in 0..2 {
        let answer = get(&ada, &[("accept", "application/x-ndjson")]).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        let text = answer.text();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let (end, parts) = lines.split_last().expect("lines");
        assert_eq!(*end, json!({ "part": "end", "degraded": [] }));
        let mut document = json!({ "degraded": [] });
        parts.iter().for_each(|line| document[line["part"].as_str().expect("a name")] = line["data"].clone());
        assert_eq!(document, kept_whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_document_is_served_at_once_and_refreshed_behind() {
    let stub = shelf();
    let bff = DeclaredBff::builder(book_product())
        .stub("shelf", &stub)
        .set("screens.book.fresh_ms", 50)
        .set("screens.book.stale_ms", 60_000)
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    let before = get(&ada, &[]).await.expect(200);
    let newer = json!({ "id": "1", "title": "newer" });
    stub.json("GET /books/1", &newer);
    bff.upstream("shelf").fail_on("/books/1", Fault::Hold);
    eventually("it is stale", || async {
        let answer = get(&ada, &[]).await.expect(200);
        assert_eq!(answer.body, before.body, "nobody waits for the refresh");
        answer
            .cache_status()
            .contains("ttl=-")
            .then_some(())
            .or_else(|| (bff.calls().len() > 6).then_some(()))
    })
    .await;
    bff.upstream("shelf").heal().await;
    eventually("the newer one", || async { (get(&ada, &[]).await.json()["book"] == newer).then_some(()) })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_make_the_calls_of_one() {
    let bff = DeclaredBff::over(books_product(), &shelf()).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    let proxy = bff.upstream("shelf");
    proxy.fail_on("/books", Fault::Hold);
    let held = async {
        soon("the first call", proxy.wait_for(1)).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.heal().await;
    };
    let (answers, ()) = join(join_all((0..100).map(|_| ada.get("/bff/books"))), held).await;
    assert_eq!(bff.calls().len(), 2, "{:?}", bff.calls());
    for answer in &answers {
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &answers[0].body));
    }
    assert!(answers.iter().any(|answer| answer.cache_status().contains("collapsed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_part_that_failed_is_fetched_again() {
    let bff = DeclaredBff::over(book_product(), &shelf()).await;
    let ada = bff.signed_in("ada").await;
    bff.upstream("shelf").fail_on("/news", Fault::Status500);
    assert_eq!(degraded(&get(&ada, &[]).await.expect(200).json()), missing("news", "unavailable"));
    bff.upstream("shelf").heal().await;
    bff.forget_calls();
    let whole = eventually("the whole document", || async {
        let document = get(&ada, &[]).await.expect(200).json();
        (document["degraded"] == json!([])).then_some(document)
    })
    .await;
    assert_eq!((&whole["book"], &whole["news"]), (&book("1"), &json!({ "items": ["n1", "n2"] })));
    assert_eq!(bff.calls(), ["shelf GET /news"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_fails_later_is_shown_as_it_was() {
    let stub = shelf();
    let bff = DeclaredBff::builder(book_product())
        .stub("shelf", &stub)
        .set("screens.book.fresh_ms", 1)
        .set("screens.book.stale_ms", 1)
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    assert_eq!(get(&ada, &[]).await.expect(200).json()["degraded"], json!([]));
    let newer = json!({ "id": "1", "title": "newer" });
    stub.json("GET /books/1", &newer);
    stub.on("GET /news", Reply::status(500));
    let document = eventually("the newer book", || async {
        let document = get(&ada, &[]).await.expect(200).json();
        (document["book"] == newer).then_some(document)
    })
    .await;
    assert_eq!(document["news"], json!({ "items": ["n1", "n2"] }));
    assert_eq!(degraded(&document), [("news".to_owned(), "stale".to_owned(), "unavailable".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_composing_fails_the_whole_older_document_is_served() {
    let bff = DeclaredBff::builder(book_product())
        .stub("shelf", &shelf())
        .set("screens.book.fresh_ms", 1)
        .set("screens.book.stale_ms", 1)
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    let before = get(&ada, &[]).await.expect(200);
    bff.upstream("shelf").refuse().await;
    bff.forget_calls();
    let after = eventually("an answer from an older one", || async {
        let answer = get(&ada, &[]).await.expect(200);
        answer.cache_status().contains("fwd").then_some(answer)
    })
    .await;
    assert_eq!(after.json()["book"], before.json()["book"]);
}
