//! One replica.

use super::*;

#[tokio::test]
async fn a_message_reaches_the_subscribers_of_its_topic_and_nobody_else() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.sign_in("ada").await, bench.sign_in("bob").await);
    let mut one = bench.joined(&ada, &["order:r", "order:s"]).await;
    let mut two = bench.joined(&bob, &["order:r"]).await;
    for (topic, kind) in
        [("order:r", "a"), ("order:s", "b"), ("user:bob", "c"), ("order:t", "d"), ("user:ada", "e")]
    {
        bench.publish(topic, kind);
    }
    assert_eq!(kinds(&mut one, 3).await, ["a", "b", "e"]);
    assert_eq!(kinds(&mut two, 2).await, ["a", "c"]);
    bench.settled().await;
    bench.publish("order:r", "last");
    assert_eq!(
        (kinds(&mut one, 1).await, kinds(&mut two, 1).await),
        (vec!["last".into()], vec!["last".into()])
    );
}

#[tokio::test]
async fn topics_are_checked_wherever_they_come_from() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let mut feed = bench.join(&ada, &["user:bob", "orders", "order:r"], None).await.expect("room");
    let ready = said(&mut feed).await;
    assert_eq!(ready.data.expect("data").get(), r#"{"resumed":false,"topics":["user:ada","order:r"]}"#);
    assert_eq!(kinds(&mut feed, 2).await, ["error", "error"]);

    let answers = |feed: &mut Feed, text: &str| {
        let said = obey(feed, text);
        said.iter().map(|words| words.text.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        answers(&mut feed, r#"{"subscribe": ["basket:ada", "basket:bob", "order:r"]}"#),
        [
            r#"{"type":"error","data":{"about":"basket:bob","code":"forbidden_topic","message":"this topic is somebody else's"}}"#,
            r#"{"type":"subscribed","data":{"topics":["basket:ada","order:r"]}}"#,
        ]
    );
    let left = answers(&mut feed, r#"{"unsubscribe": ["order:r", "user:ada"], "subscribe": ["member:bob"]}"#);
    assert!(left[0].contains("own_topic"), "{left:?}");
    assert_eq!(
        &left[1..],
        [
            r#"{"type":"unsubscribed","data":{"topics":["order:r"]}}"#,
            r#"{"type":"subscribed","data":{"topics":["member:bob"]}}"#,
        ]
    );
    for wrong in ["", "[]", "{}", r#"{"subscribe": "order:r"}"#, r#"{"publish": []}"#, r#"{"subscribe": []}"#]
    {
        assert!(answers(&mut feed, wrong)[0].contains("invalid_command"), "{wrong}");
    }
    let many: Vec<_> = (0..150).map(|number| format!("order:{number}")).collect();
    let many = serde_json::json!({ "subscribe": many }).to_string();
    let said = answers(&mut feed, &many);
    assert_eq!(said.iter().filter(|text| text.contains("too_many_topics")).count(), 1);
    assert_eq!(said.len(), 2, "and what was taken");
    bench.publish("member:bob", "heard");
    bench.publish("order:r", "not_heard");
    bench.publish("basket:ada", "heard_too");
    assert_eq!(kinds(&mut feed, 2).await, ["heard", "heard_too"]);
}

#[tokio::test]
async fn what_waits_of_a_topic_that_was_left_is_not_said() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let mut feed = bench.joined(&ada, &["order:r"]).await;
    bench.publish("order:r", "late");
    bench.publish("user:ada", "own");
    bench.settled().await;
    obey(&mut feed, r#"{"unsubscribe": ["order:r"]}"#);
    assert_eq!(kinds(&mut feed, 1).await, ["own"]);
}

#[tokio::test]
async fn who_resumes_gets_what_came_meanwhile_also_if_nothing_had_come_before() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let mut feed = bench.join(&ada, &["order:r"], None).await.expect("room");
    let begin = said(&mut feed).await.id.expect("an id");
    drop(feed);
    for kind in ["a", "b"] {
        bench.publish("order:r", kind);
        bench.publish("order:other", "no");
    }
    let mut feed = bench.join(&ada, &["order:r"], Some(&begin)).await.expect("room");
    let ready = said(&mut feed).await;
    assert_eq!((ready.kind.as_str(), ready.id.as_deref()), ("ready", Some(&*begin)));
    assert!(ready.data.expect("data").get().contains(r#""resumed":true"#));
    assert_eq!(kinds(&mut feed, 2).await, ["a", "b"]);
    bench.publish("order:r", "c");
    assert_eq!(kinds(&mut feed, 1).await, ["c"]);
}

#[tokio::test]
async fn a_place_that_the_log_does_not_know_begins_with_a_reset() {
    let bench = Bench::with(LiveSettings { log_messages: 5, ..SETTINGS }).await;
    let ada = bench.sign_in("ada").await;
    let first = bench.publish("order:r", "x");
    for _ in 0..6 {
        bench.publish("order:r", "x");
        bench.settled().await;
    }
    let future = first.replace("-1", "-99");
    for unknown in [&*first, "1-1", "nonsense", &*future] {
        let mut feed = bench.join(&ada, &["order:r"], Some(unknown)).await.expect("room");
        assert_eq!(kinds(&mut feed, 2).await, ["reset", "ready"], "{unknown}");
        bench.publish("order:r", "new");
        assert_eq!(kinds(&mut feed, 1).await, ["new"]);
    }
}

/// Cuts a connection again and again while messages come from several sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_any_number_of_cuts_nothing_is_lost_and_nothing_repeated() {
    const EACH: usize = 1000;
    let bench = Bench::with(LiveSettings { log_messages: 100_000, log_bytes: 1 << 28, ..SETTINGS }).await;
    let ada = bench.sign_in("ada").await;
    let mut feed = bench.join(&ada, &["order:a", "order:b"], None).await.expect("room");
    let mut last = said(&mut feed).await.id;
    let publishers: Vec<_> = ["order:a", "order:other", "order:b"]
        .map(|topic| {
            let hub = bench.hub.clone();
            tokio::spawn(async move {
                for number in 0..EACH {
                    hub.tell(event(topic, &format!("n{number}")));
                    if number % 7 == 0 {
                        tokio::time::sleep(Duration::from_micros(100)).await;
                    }
                }
            })
        })
        .into();
    let mut heard: Vec<LiveMessage> = Vec::new();
    let (mut dice, mut cuts, mut slow) = (7_u64, 0, 0);
    while heard.len() < 2 * EACH {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        for _ in 0..(dice >> 33) % 60 {
            match next(&mut feed).await {
                Step::End(End::TooSlow) => {
                    slow += 1;
                    break;
                }
                step => {
                    let message = message(step);
                    last = message.id.clone().or(last);
                    assert_ne!(message.kind, "reset");
                    if message.kind != "ready" {
                        heard.push(message);
                    }
                }
            }
            if heard.len() == 2 * EACH {
                break;
            }
        }
        cuts += 1;
        drop(feed);
        feed = bench.join(&ada, &["order:a", "order:b"], last.as_deref()).await.expect("room");
    }
    for publisher in publishers {
        publisher.await.expect("no panic");
    }
    for topic in ["order:a", "order:b"] {
        let of_it: Vec<_> = heard.iter().filter(|message| message.topic.as_deref() == Some(topic)).collect();
        let expected: Vec<_> = (0..EACH).map(|number| format!("n{number}")).collect();
        assert!(of_it.iter().map(|message| &message.kind).eq(&expected), "{topic}");
    }
    assert!(cuts > 20, "{cuts} cuts, {slow} of them for being slow");
}

#[tokio::test]
async fn a_slow_reader_is_cut_off_alone_and_resumes_without_loss() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.sign_in("ada").await, bench.sign_in("bob").await);
    let mut slow = bench.joined(&ada, &["order:r"]).await;
    let mut quick = bench.joined(&bob, &["order:r"]).await;
    bench.publish("order:r", "seen");
    let last = said(&mut slow).await.id;
    for number in 0..20 {
        bench.publish("order:r", &format!("n{number}"));
        if number == 0 {
            assert_eq!(kinds(&mut quick, 1).await, ["seen"]);
        }
        assert_eq!(kinds(&mut quick, 1).await, [format!("n{number}")]);
    }
    assert_eq!(ended(&mut slow).await, End::TooSlow);
    assert_eq!((bench.metrics.live_slow_readers.get(), bench.metrics.live_dropped.get()), (1, 9));
    drop(slow);
    // More than its queue holds: while it catches up, that does not count.
    let mut slow = bench.join(&ada, &["order:r"], last.as_deref()).await.expect("room");
    let expected: Vec<_> = (0..20).map(|number| format!("n{number}")).collect();
    assert_eq!(kinds(&mut slow, 1).await, ["ready"]);
    assert_eq!(kinds(&mut slow, 20).await, expected);
}

#[tokio::test]
async fn the_end_of_a_session_ends_its_connections_and_no_others() {
    let bench = Bench::new().await;
    let closing = bench.hub.clone();
    bench.sessions.on_end(move |ended| {
        closing.close_session(&ended.key);
    });
    let (here, there, bob) =
        (bench.sign_in("ada").await, bench.sign_in("ada").await, bench.sign_in("bob").await);
    let (mut one, mut two) = (bench.joined(&here, &[]).await, bench.joined(&here, &[]).await);
    let (mut other, mut bobs) = (bench.joined(&there, &[]).await, bench.joined(&bob, &[]).await);
    bench.publish("user:ada", "waits");
    bench.settled().await;
    bench.sessions.end(&here.key).await.expect("ended");
    assert_eq!(ended(&mut one).await, End::SignedOut, "what waits is not for them any more");
    assert_eq!(ended(&mut two).await, End::SignedOut);
    assert_eq!(kinds(&mut other, 1).await, ["waits"]);

    bench.sessions.end_all(&there.user, None).await.expect("ended");
    assert_eq!(ended(&mut other).await, End::SignedOut);
    bench.publish("user:bob", "still_here");
    assert_eq!(kinds(&mut bobs, 1).await, ["still_here"]);
    assert_eq!(bench.hub.close_user(&bob.user), 1);
    assert_eq!(ended(&mut bobs).await, End::SignedOut);
}

#[tokio::test]
async fn a_user_has_room_for_so_many_connections_and_gets_it_back() {
    let bench = Bench::new().await;
    let (ada, bob) = (bench.sign_in("ada").await, bench.sign_in("bob").await);
    let first = bench.joined(&ada, &["order:r"]).await;
    let _others = [bench.joined(&ada, &[]).await, bench.joined(&ada, &[]).await];
    assert_eq!(bench.join(&ada, &[], None).await.expect_err("full"), Refused::TooMany);
    let _bobs = bench.joined(&bob, &[]).await;
    assert_eq!(bench.metrics.live_connections.get(), 4);
    drop(first);
    assert_eq!(bench.metrics.live_connections.get(), 3);
    let _again = bench.joined(&ada, &[]).await;
}

#[tokio::test]
async fn who_is_told_to_come_back_gets_first_what_waits() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let mut feed = bench.joined(&ada, &[]).await;
    bench.publish("user:ada", "waits");
    bench.settled().await;
    bench.hub.shutdown();
    assert_eq!(kinds(&mut feed, 1).await, ["waits"]);
    assert_eq!(ended(&mut feed).await, End::GoingAway);
    assert_eq!(bench.join(&ada, &[], None).await.expect_err("stopping"), Refused::GoingAway);
    drop(feed);
    assert_eq!(bench.metrics.live_connections.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_beats_and_notices_that_its_session_is_over() {
    let bench = Bench::new().await;
    let ada = bench.sign_in("ada").await;
    let mut feed = bench.join(&ada, &[], None).await.expect("room");
    assert_eq!(message(feed.next().await).kind, "ready");
    for _ in 0..3 {
        assert!(matches!(feed.next().await, Step::Beat));
    }
    // Nobody tells the hub: the session ends elsewhere.
    bench.sessions.end(&ada.key).await.expect("ended");
    let began = tokio::time::Instant::now();
    assert!(matches!(feed.next().await, Step::End(End::SignedOut)));
    assert!(began.elapsed() <= SETTINGS.heartbeat);
}

#[tokio::test]
async fn an_event_is_announced_only_where_it_is_sound() {
    let bench = Bench::new().await;
    let announce =
        async |topic: &str, kind: &str| bench.hub.announce(&event(topic, kind)).await.expect("it is said");
    assert!(announce("order:r", "note.created").await.is_some());
    for (topic, kind) in [("order", "x"), ("order:r", ""), ("order:r", "a\"b"), ("order:r", "ready")] {
        assert!(announce(topic, kind).await.is_none(), "{topic} {kind}");
    }
    assert_eq!(Topic::own(&Id::new("u").expect("an id")).as_str(), "user:u");
}
