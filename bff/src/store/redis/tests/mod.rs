//! The Redis store against real Redis processes: one server, sentinels, a cluster; killed, paused, moved.

mod outage;
mod servers;
mod sharing;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::Value;
pub(crate) use servers::Server;
use servers::{Clustered, LONG, Watched, eventually};

use super::super::conformance::{self, Expiry, Heard, listen, until};
use super::super::{Entry, Space, Store, StoreError, StoreSettings, open_with};
use super::keys::{Keys, slot};
use crate::telemetry::unix_ms;

/// Never away only because the machine is busy.
fn patient() -> StoreSettings {
    StoreSettings { timeout: LONG, ..StoreSettings::default() }
}

/// For what is about being away; not as short as in production, so that it is never the machine that hangs.
fn prompt() -> StoreSettings {
    StoreSettings { timeout: Duration::from_secs(1), ..StoreSettings::default() }
}

fn entry(value: &'static str) -> Entry {
    let owner = Some("ada".into());
    Entry { value: Bytes::from_static(value.as_bytes()), owner, expires_at_ms: unix_ms() + 3_600_000 }
}

async fn open(url: &str, settings: &StoreSettings) -> Arc<dyn Store> {
    open_with(url, settings).await.unwrap()
}

/// Waits until the store answers.
async fn heals(store: &dyn Store) {
    eventually("the store is back", async || store.ping().await.is_ok()).await;
}

#[tokio::test]
async fn one_server_conforms_and_every_key_has_an_end() {
    let server = Server::start(&[]);
    let store = open(&server.url(), &patient()).await;
    conformance::run(Arc::clone(&store), Expiry::ByItself).await;
    store.shared().unwrap().append(Bytes::from_static(b"x"), 10).await.unwrap();
    store.shared().unwrap().take(b"x", 1, 10).await.unwrap();

    let keys: Vec<String> = server.ask("KEYS *").await;
    let expired = |key: &String| key.starts_with("bff:idempotency:") && !key.contains("c2hhcmVk");
    assert!(keys.len() < 60 && keys.iter().filter(|key| expired(key)).count() <= 2, "{keys:?}");
    for key in keys {
        let ttl: i64 = server.ask(&format!("PTTL {key}")).await;
        assert!(key.starts_with("bff:") && ttl > 0, "{key}: {ttl}");
    }
}

#[tokio::test]
async fn a_script_that_redis_has_forgotten_is_told_again() {
    let server = Server::start(&[]);
    let store = open(&server.url(), &patient()).await;
    store.put(Space::Sessions, b"key", entry("one")).await.unwrap();
    let _: Value = server.ask("SCRIPT FLUSH").await;
    let version = store.put(Space::Sessions, b"key", entry("two")).await.unwrap();
    assert_eq!(store.get(Space::Sessions, b"key").await.unwrap().unwrap().version, version);
}

#[tokio::test]
async fn databases_and_prefixes_are_apart() {
    let server = Server::start(&[]);
    let first = open(&server.url(), &patient()).await;
    let other = StoreSettings { prefix: "other".to_owned(), ..patient() };
    let others = [open(&(server.url() + "/1"), &patient()).await, open(&server.url(), &other).await];
    first.put(Space::Sessions, b"key", entry("x")).await.unwrap();
    for other in others {
        assert_eq!(other.get(Space::Sessions, b"key").await.unwrap(), None);
        let mut heard = listen(&*other);
        other.put(Space::Sessions, b"own", entry("x")).await.unwrap();
        until(&mut heard, &Heard::Changed(Space::Sessions, b"own".to_vec())).await;
    }
}

#[tokio::test]
async fn a_wrong_password_or_formation_is_told_at_once_and_the_password_never() {
    let server = Server::start(&["--requirepass", "hunter2"]);
    let at = |login: &str| format!("redis://{login}127.0.0.1:{}", server.port);
    for login in ["", ":hunter3@", "ada:hunter3@"] {
        let refused = open_with(&at(login), &patient()).await.err().unwrap();
        let told = format!("{refused} {refused:?}");
        assert!(matches!(refused, StoreError::Refused { .. }) && !told.contains("hunter"), "{told}");
    }
    conformance::run(open(&at(":hunter2@"), &patient()).await, Expiry::ByItself).await;

    let single = Server::start(&[]);
    let clustered = Clustered::start().await;
    for url in [format!("redis+cluster://127.0.0.1:{}", single.port), clustered.servers[0].url()] {
        let refused = open_with(&url, &patient()).await.err().unwrap();
        assert!(matches!(refused, StoreError::Url { .. } | StoreError::Refused { .. }), "{refused:?}");
    }
}

/// What `bff/docs/redis-keys.md` tells an operator to allow.
fn documented_rules() -> String {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/redis-keys.md"));
    let rules = page.lines().skip_while(|line| !line.trim_start().starts_with("ACL SETUSER"));
    let rules = rules.take_while(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(" ");
    rules.replace('\\', " ").replace("PASSWORD", "hunter2").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn over_tls_a_user_with_the_documented_rules_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let ca = authority.self_signed(&authority_key).unwrap().pem();
    let key = rcgen::KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let names = vec!["localhost".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    for (name, text) in [("ca", &ca), ("cert", &certificate.pem()), ("key", &key.serialize_pem())] {
        std::fs::write(file(name), text).unwrap();
    }

    let port = servers::free_port();
    let server = Server::start(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &file("cert"),
        "--tls-key-file",
        &file("key"),
        "--tls-ca-cert-file",
        &file("ca"),
        "--tls-auth-clients",
        "no",
    ]);
    let _: Value = server.ask(&documented_rules()).await;
    let url = format!("rediss://bff:hunter2@localhost:{port}");
    let trusting = StoreSettings { ca: Some(ca.into()), ..patient() };
    let store = open(&url, &trusting).await;
    conformance::run(Arc::clone(&store), Expiry::ByItself).await;
    let shared = store.shared().unwrap();
    let place = shared.append(Bytes::from_static(b"x"), 10).await.unwrap();
    assert_eq!(shared.tail(1).await.unwrap(), shared.range(super::super::LogId::default(), 1).await.unwrap());
    assert_eq!(shared.after(super::super::LogId::default(), 1, LONG).await.unwrap()[0].0, place);
    assert!(shared.take(b"ada", 1, 1).await.unwrap().allowed);

    let strange = open(&url, &StoreSettings { ca: None, ..prompt() }).await;
    assert!(strange.ping().await.unwrap_err().is_away(), "its authority is not one of the system's");
}

#[tokio::test]
async fn a_cluster_conforms() {
    let cluster = Clustered::start().await;
    let store = open(&cluster.url(), &patient()).await;
    conformance::run(Arc::clone(&store), Expiry::ByItself).await;
    for server in &cluster.servers {
        let keys: i64 = server.ask("DBSIZE").await;
        assert!(keys > 0, "every node has its part");
    }
}

#[tokio::test]
async fn a_slot_that_moves_to_another_node_is_followed() {
    let cluster = Clustered::start().await;
    let store = open(&cluster.url(), &patient()).await;
    let key = Keys::new("bff").record(Space::Counters, b"moves");
    let moved = slot(key.as_bytes());
    let owner = usize::from(moved > 5460) + usize::from(moved > 10922);
    let (from, to) = (&cluster.servers[owner], &cluster.servers[(owner + 1) % 3]);
    let (from_id, to_id): (String, String) = (from.ask("CLUSTER MYID").await, to.ask("CLUSTER MYID").await);
    let count = || store.increment(Space::Counters, b"moves", Duration::from_secs(900));
    assert_eq!(count().await.unwrap().0, 1);

    let _: Value = to.ask(&format!("CLUSTER SETSLOT {moved} IMPORTING {from_id}")).await;
    let _: Value = from.ask(&format!("CLUSTER SETSLOT {moved} MIGRATING {to_id}")).await;
    assert_eq!(count().await.unwrap().0, 2, "it has not been moved yet");
    let _: Value = from.ask(&format!("MIGRATE 127.0.0.1 {} {key} 0 5000", to.port)).await;
    assert_eq!(count().await.unwrap().0, 3, "the old node says: ask the other one");
    for server in [to, from] {
        let _: Value = server.ask(&format!("CLUSTER SETSLOT {moved} NODE {to_id}")).await;
    }
    assert_eq!(count().await.unwrap().0, 4, "the old node says: it has moved");
    assert!(store.delete(Space::Counters, b"moves").await.unwrap());
}
