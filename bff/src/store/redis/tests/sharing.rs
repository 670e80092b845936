//! What replicas tell each other: changes, messages, the log, rate limits.

use super::super::super::LogId;
use super::*;

#[tokio::test]
async fn what_another_process_writes_is_heard_at_once() {
    let server = Server::start(&[]);
    let (here, there) = (open(&server.url(), &patient()).await, open(&server.url(), &patient()).await);
    let mut heard = listen(&*here);
    there.publish(Bytes::from_static(b"hello")).await.unwrap();
    until(&mut heard, &Heard::Message(b"hello".to_vec())).await;
    for space in [Space::Sessions, Space::RefreshFamilies] {
        there.put(space, b"key", entry("x")).await.unwrap();
        until(&mut heard, &Heard::Changed(space, b"key".to_vec())).await;
        assert_eq!(there.delete_owned(space, "ada", None).await.unwrap().len(), 1);
        until(&mut heard, &Heard::Changed(space, b"key".to_vec())).await;
        let brief = Entry { expires_at_ms: unix_ms() + 50, ..entry("x") };
        there.put(space, b"key", brief).await.unwrap();
        until(&mut heard, &Heard::Changed(space, b"key".to_vec())).await;
    }
    let _: Value = server.ask("FLUSHALL").await;
    until(&mut heard, &Heard::Disconnected).await;
    until(&mut heard, &Heard::Hearing).await;
}

#[tokio::test]
async fn the_log_is_one_for_all_and_is_read_from_any_place() {
    let server = Server::start(&[]);
    let (here, there) = (open(&server.url(), &patient()).await, open(&server.url(), &patient()).await);
    let (here, there) = (here.shared().unwrap(), there.shared().unwrap());
    assert_eq!(here.oldest().await.unwrap(), None);
    assert!(here.tail(5).await.unwrap().is_empty());
    assert!(here.after(LogId::default(), 5, Duration::from_millis(10)).await.unwrap().is_empty());

    let mut places = Vec::new();
    for index in 0u8..5 {
        let by = if index % 2 == 0 { &here } else { &there };
        places.push(by.append(Bytes::copy_from_slice(&[index, 0, 0xff]), 1000).await.unwrap());
    }
    assert!(places.is_sorted() && here.oldest().await.unwrap() == Some(places[0]));
    let payload =
        |index: usize| (places[index], Bytes::copy_from_slice(&[u8::try_from(index).unwrap(), 0, 0xff]));
    assert_eq!(here.tail(2).await.unwrap(), [payload(3), payload(4)]);
    assert_eq!(here.range(places[1], 2).await.unwrap(), [payload(2), payload(3)]);
    assert_eq!(here.after(places[2], 10, LONG).await.unwrap(), [payload(3), payload(4)]);

    let (waiting, last) = (here.clone(), places[4]);
    let waiting = tokio::spawn(async move { waiting.after(last, 10, LONG).await.unwrap() });
    eventually("it waits", async || {
        let clients: String = server.ask("CLIENT LIST").await;
        clients.contains("cmd=xread")
    })
    .await;
    // Others are not kept waiting meanwhile.
    assert_eq!(here.tail(1).await.unwrap().len(), 1);
    let place = there.append(Bytes::from_static(b"new"), 1000).await.unwrap();
    assert_eq!(waiting.await.unwrap(), [(place, Bytes::from_static(b"new"))]);

    for _ in 0..500 {
        here.append(Bytes::from_static(b"more"), 100).await.unwrap();
    }
    assert!((100..=200).contains(&here.tail(1000).await.unwrap().len()));
    assert!(here.oldest().await.unwrap() > Some(place));
}

#[tokio::test]
async fn a_wait_for_the_log_that_is_given_up_does_not_hold_up_the_next() {
    let server = Server::start(&[]);
    let store = open(&server.url(), &patient()).await.shared().unwrap();
    let gave_up =
        tokio::time::timeout(Duration::from_millis(50), store.after(LogId::default(), 1, LONG)).await;
    assert!(gave_up.is_err());
    let place = store.append(Bytes::from_static(b"x"), 10).await.unwrap();
    assert_eq!(store.after(LogId::default(), 1, LONG).await.unwrap(), [(place, Bytes::from_static(b"x"))]);
}

#[tokio::test]
async fn a_rate_limit_is_one_for_all() {
    let server = Server::start(&[]);
    let (here, there) = (open(&server.url(), &patient()).await, open(&server.url(), &patient()).await);
    let (here, there) = (here.shared().unwrap(), there.shared().unwrap());
    for (by, remaining) in [(&here, 4), (&there, 3), (&here, 2), (&there, 1), (&here, 0)] {
        let take = by.take(b"ada", 1, 5).await.unwrap();
        assert!(take.allowed && take.retry_ms == 0, "{take:?}");
        // A slow machine may have been given one back.
        assert!(take.remaining >= remaining && take.reset_ms <= 5000, "{take:?}");
    }
    let mut refused = there.take(b"ada", 1, 5).await.unwrap();
    while refused.allowed {
        refused = there.take(b"ada", 1, 5).await.unwrap();
    }
    assert!(refused.remaining == 0 && (1..=1000).contains(&refused.retry_ms), "{refused:?}");
    assert!((3000..=5000).contains(&refused.reset_ms), "{refused:?}");
    assert!(here.take(b"eve", 1, 5).await.unwrap().allowed, "others have their own");
    // The bucket refills in Redis' clock: there is no event to wait for.
    tokio::time::sleep(Duration::from_millis(refused.retry_ms + 1)).await;
    assert!(here.take(b"ada", 1, 5).await.unwrap().allowed);

    for (per_second, burst) in [(1000, 1), (1, 1), (0, 0), (3, 7), (u32::MAX, u32::MAX)] {
        let take = here.take(format!("{per_second} {burst}").as_bytes(), per_second, burst).await.unwrap();
        let remaining = burst.clamp(1, 1_000_000) - 1;
        assert!(take.allowed && take.remaining == remaining, "{per_second} {burst}: {take:?}");
    }
}

#[tokio::test]
async fn the_hundred_and_first_of_many_at_once_is_refused() {
    let server = Server::start(&[]);
    let store = open(&server.url(), &patient()).await.shared().unwrap();
    let started = std::time::Instant::now();
    let takes = (0..150).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.take(b"busy", 1, 100).await.unwrap().allowed })
    });
    let mut allowed = 0;
    for take in takes.collect::<Vec<_>>() {
        allowed += u64::from(take.await.unwrap());
    }
    assert!((100..=100 + started.elapsed().as_secs() + 1).contains(&allowed), "{allowed}");
}
