//! Redis killed, paused, restarted, failed over: what callers and listeners are told, and that all heals.

use std::time::Instant;

use super::*;

/// Fails at once, and says that it is for a time only.
async fn is_away(store: &dyn Store) {
    let before = Instant::now();
    let error = store.get(Space::Sessions, b"key").await.unwrap_err();
    assert!(error.is_away(), "{error:?}");
    assert!(before.elapsed() < prompt().timeout, "nobody waits for a dead Redis: {:?}", before.elapsed());
}

#[tokio::test]
async fn a_redis_that_is_killed_fails_calls_at_once_and_keeps_what_it_has_answered() {
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = open(&server.url(), &prompt()).await;
    heals(&*store).await;
    let mut heard = listen(&*store);
    let version = store.put(Space::Sessions, b"key", entry("x")).await.unwrap();
    until(&mut heard, &Heard::Changed(Space::Sessions, b"key".to_vec())).await;

    server.kill();
    until(&mut heard, &Heard::Disconnected).await;
    eventually("calls fail", async || store.ping().await.is_err()).await;
    is_away(&*store).await;
    let mut late = listen(&*store);
    assert_eq!(
        late.try_recv().unwrap(),
        Heard::Disconnected,
        "who listens now is told that there is nothing to hear"
    );

    assert!(server.run());
    until(&mut heard, &Heard::Hearing).await;
    until(&mut late, &Heard::Hearing).await;
    heals(&*store).await;
    assert_eq!(store.get(Space::Sessions, b"key").await.unwrap().unwrap().version, version);
    assert_eq!(store.list_owned(Space::Sessions, "ada").await.unwrap().len(), 1);
    store.put(Space::Sessions, b"key", entry("y")).await.unwrap();
    until(&mut heard, &Heard::Changed(Space::Sessions, b"key".to_vec())).await;
}

#[tokio::test]
async fn a_redis_that_hangs_is_away_after_the_timeout() {
    let server = Server::start(&[]);
    let store = open(&server.url(), &prompt()).await;
    heals(&*store).await;
    let mut heard = listen(&*store);
    store.put(Space::Sessions, b"key", entry("x")).await.unwrap();

    server.pause();
    let before = Instant::now();
    let error = store.increment(Space::Counters, b"once", Duration::from_secs(900)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unanswered { .. }) && error.is_away(), "{error:?}");
    assert!(before.elapsed() >= prompt().timeout && before.elapsed() < 5 * prompt().timeout);
    // It is asked once more before it counts as away: one command may simply take long.
    let counts_as_away = async || {
        let before = Instant::now();
        let error = store.get(Space::Sessions, b"key").await.unwrap_err();
        matches!(error, StoreError::Away { .. }) && before.elapsed() < prompt().timeout
    };
    eventually("calls fail at once", counts_as_away).await;
    is_away(&*store).await;
    until(&mut heard, &Heard::Disconnected).await;

    server.resume();
    until(&mut heard, &Heard::Hearing).await;
    heals(&*store).await;
    assert!(store.get(Space::Sessions, b"key").await.unwrap().is_some());
    let (count, _) = store.add(Space::Counters, b"once", 0, Duration::from_secs(900)).await.unwrap();
    assert!(count <= 1, "what may have been done was not asked twice: {count}");
}

#[tokio::test]
async fn a_redis_that_comes_after_the_gateway_is_found() {
    let mut server = Server::start(&[]);
    server.kill();
    let store = open(&server.url(), &prompt()).await;
    is_away(&*store).await;
    assert!(server.run());
    heals(&*store).await;
    store.put(Space::Sessions, b"key", entry("x")).await.unwrap();
}

#[tokio::test]
async fn a_redis_that_is_loading_or_only_reads_is_away() {
    let master = Server::start(&[]);
    let server = Server::start(&[]);
    let store = open(&server.url(), &patient()).await;
    heals(&*store).await;
    let _: Value = server.ask(&format!("REPLICAOF 127.0.0.1 {}", master.port)).await;
    eventually("a replica is away", async || {
        let put = store.put(Space::Sessions, b"key", entry("x")).await;
        assert!(put.as_ref().map_err(StoreError::is_away).is_err_and(|away| away) || put.is_ok(), "{put:?}");
        put.is_err()
    })
    .await;
    let _: Value = server.ask("REPLICAOF NO ONE").await;
    heals(&*store).await;
    store.put(Space::Sessions, b"key", entry("x")).await.unwrap();
}

#[tokio::test]
async fn either_connection_may_be_lost_alone_and_is_made_again() {
    let server = Server::start(&[]);
    let store = open(&server.url(), &patient()).await;
    let mut heard = listen(&*store);
    // The one that listens: calls go on, and those who mirror are told that they must ask.
    let _: Value = server.ask("CLIENT KILL TYPE pubsub").await;
    until(&mut heard, &Heard::Disconnected).await;
    store.put(Space::Sessions, b"unheard", entry("x")).await.unwrap();
    until(&mut heard, &Heard::Hearing).await;
    // The one that asks: listening goes on.
    let _: Value = server.ask("CLIENT KILL TYPE normal").await;
    heals(&*store).await;
    store.put(Space::Sessions, b"heard", entry("x")).await.unwrap();
    let wanted = Heard::Changed(Space::Sessions, b"heard".to_vec());
    loop {
        match heard.recv().await.unwrap() {
            told if told == wanted => break,
            told => assert_ne!(told, Heard::Disconnected),
        }
    }
}

#[tokio::test]
async fn a_sentinel_failover_heals_and_the_suite_passes_before_and_after() {
    let mut watched = Watched::start().await;
    let store = open(&watched.url(), &prompt()).await;
    heals(&*store).await;
    conformance::run(open(&watched.url(), &patient()).await, Expiry::ByItself).await;

    let mut heard = listen(&*store);
    let version = store.put(Space::Sessions, b"kept", entry("x")).await.unwrap();
    let replicas = &watched.servers[..2];
    eventually("replicas have the write", async || {
        let mut have = 0;
        for replica in replicas {
            let name = Keys::new("bff").record(Space::Sessions, b"kept");
            have += replica.ask::<i64>(&format!("EXISTS {name}")).await;
        }
        have == 2
    })
    .await;
    watched.is_suspicious(true).await;
    drop(watched.servers.pop());
    until(&mut heard, &Heard::Disconnected).await;
    until(&mut heard, &Heard::Hearing).await;
    watched.is_suspicious(false).await;
    heals(&*store).await;
    assert_eq!(store.get(Space::Sessions, b"kept").await.unwrap().unwrap().version, version);

    // Nothing of the first run is there.
    let empty = StoreSettings { prefix: "after".to_owned(), ..patient() };
    conformance::run(open(&watched.url(), &empty).await, Expiry::ByItself).await;
}

/// One key of sessions on each node.
fn key_of_each_node() -> [[u8; 4]; 3] {
    let keys = Keys::new("bff");
    [0, 1, 2].map(|node| {
        let mut candidates = (0u32..).map(u32::to_be_bytes);
        let on_it = |key: &[u8; 4]| {
            let slot = slot(keys.record(Space::Sessions, key).as_bytes());
            u32::from(slot > 5460) + u32::from(slot > 10922) == node
        };
        candidates.find(on_it).unwrap()
    })
}

#[tokio::test]
async fn a_node_of_a_cluster_that_hangs_fails_its_own_slots_only() {
    let cluster = Clustered::start().await;
    let store = open(&cluster.url(), &prompt()).await;
    heals(&*store).await;
    let mut heard = listen(&*store);
    let of_node = key_of_each_node();
    for key in &of_node {
        store.put(Space::Sessions, key, entry("x")).await.unwrap();
    }
    cluster.servers[2].pause();
    until(&mut heard, &Heard::Disconnected).await;
    assert!(store.get(Space::Sessions, &of_node[2]).await.unwrap_err().is_away());
    assert!(store.get(Space::Sessions, &of_node[0]).await.unwrap().is_some());
    cluster.servers[2].resume();
    until(&mut heard, &Heard::Hearing).await;
    heals(&*store).await;
    for key in &of_node {
        assert!(store.get(Space::Sessions, key).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_failover_in_a_cluster_heals_and_is_heard() {
    let mut cluster = Clustered::start().await;
    let replica = cluster.replica_of_the_last().await;
    let store = open(&cluster.url(), &prompt()).await;
    heals(&*store).await;
    let mut heard = listen(&*store);
    let key = key_of_each_node()[2];
    let version = store.put(Space::Sessions, &key, entry("x")).await.unwrap();
    eventually("the replica has the write", async || {
        let keys: i64 = replica.ask("DBSIZE").await;
        keys > 0
    })
    .await;
    cluster.is_suspicious(&replica).await;
    drop(cluster.servers.pop());
    until(&mut heard, &Heard::Disconnected).await;
    assert!(store.get(Space::Sessions, &key).await.unwrap_err().is_away());
    until(&mut heard, &Heard::Hearing).await;
    heals(&*store).await;
    assert_eq!(store.get(Space::Sessions, &key).await.unwrap().unwrap().version, version);
    store.put(Space::Sessions, &key, entry("y")).await.unwrap();
    until(&mut heard, &Heard::Changed(Space::Sessions, key.to_vec())).await;
}

/// The connections of `server` but for the one that asks.
async fn connections(server: &Server) -> std::collections::BTreeSet<String> {
    let list: String = server.ask("CLIENT LIST").await;
    let others = list.lines().filter(|line| !line.contains("cmd=client|list"));
    let ids = others.filter_map(|line| line.split(' ').find_map(|field| field.strip_prefix("id=")));
    ids.map(str::to_owned).collect()
}

#[tokio::test]
async fn one_command_that_takes_too_long_costs_nobody_else_the_connection() {
    let server = Server::start(&[]);
    let settings = StoreSettings { timeout: Duration::from_secs(2), ..StoreSettings::default() };
    let store = open(&server.url(), &settings).await;
    heals(&*store).await;
    let mut heard = listen(&*store);
    store.put(Space::Sessions, b"key", entry("x")).await.unwrap();
    let before = connections(&server).await;
    // Redis does nothing for as long as a command may take.
    server.pause();
    let asked = store.get(Space::Sessions, b"key").await;
    server.resume();
    assert!(matches!(asked, Err(StoreError::Unanswered { .. })), "this one took too long: {asked:?}");
    assert!(store.get(Space::Sessions, b"key").await.unwrap().is_some(), "and the next one is answered");
    let after = connections(&server).await;
    assert!(before.is_subset(&after), "over the same connections: {before:?} {after:?}");
    while let Ok(heard) = heard.try_recv() {
        assert_ne!(heard, Heard::Disconnected, "what changes is heard all the time");
    }
}
