//! Keys and secrets change while people work, and nobody is refused.

mod copies;
mod work;

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::Value;
use tests::{Actor, TestBff, eventually, figures, run_bff, soon};
use tokio::sync::Semaphore;

use copies::Copies;
use work::Work;

const FEED: &str = "/bff/home-feed";
/// How long a new key is published before it signs.
const ANNOUNCE_MS: u64 = 2500;
const OLD: &str = "planted-old-session-secret-0123456789abcdef";
const NEW: &str = "planted-new-session-secret-0123456789abcdef";
const KEY_ROTATIONS: usize = 3;

async fn published(anonymous: &Actor) -> HashSet<String> {
    let jwks = anonymous.get("/.well-known/jwks.json").await.expect(200).json();
    let keys = jwks["keys"].as_array().expect("keys");
    keys.iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

fn kid_of(token: &str) -> String {
    let head = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a header")).expect("base64url");
    let head: Value = serde_json::from_slice(&head).expect("JSON");
    head["kid"].as_str().expect("a kid").to_owned()
}

/// Replaces a file at once, as mounts do: nobody reads half of it.
fn replace(file: &Path, text: &str) {
    let draft = file.with_extension("draft");
    fs::write(&draft, text).expect("written");
    fs::rename(&draft, file).expect("renamed");
}

async fn new_key(keys: &Path) -> PathBuf {
    let (code, text) = run_bff(&["keys", "new", "--dir", &keys.display().to_string()], &[], keys).await;
    assert_eq!(code, Some(0), "{text}");
    PathBuf::from(text.trim())
}

/// A figure at `/metrics`.
async fn metric(bff: &TestBff, name: &str) -> Option<String> {
    let text = bff.internal("/metrics").await.expect(200).text();
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
}

async fn until_metric(bff: &TestBff, name: &str, value: &str) {
    eventually(name, || async { metric(bff, name).await.filter(|now| now == value) }).await;
}

/// Waits until an upstream got a call that was signed with that key.
async fn until_used(bff: &TestBff, kid: &str) {
    let used = || async {
        let requests = bff.profile.requests();
        requests
            .iter()
            .rev()
            .take(200)
            .any(|one| one.bearer().is_some_and(|token| kid_of(token) == kid))
            .then_some(())
    };
    eventually("a call with the new key", used).await;
}

/// A new key, known, then used; the files of all but the newest two go.
async fn rotate_key(bff: &TestBff, files: &mut Vec<PathBuf>) {
    let keys = bff.folder().join("keys");
    let before = published(&bff.anonymous()).await;
    files.push(new_key(&keys).await);
    let kid = eventually("the new key", || async {
        published(&bff.anonymous()).await.difference(&before).next().cloned()
    })
    .await;
    until_used(bff, &kid).await;
    while files.len() > 2 {
        fs::remove_file(files.remove(0)).expect("removed");
    }
}

/// One step of a rotation of the session secret, and until it is taken over.
async fn set_secrets(bff: &TestBff, file: &Path, secrets: &[&str]) {
    replace(file, &secrets.join("\n"));
    bff.signal("HUP").await;
    until_metric(bff, "bff_session_secrets", &secrets.len().to_string()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_secrets_rotate_under_load_and_nobody_is_refused() {
    let secrets = tempfile::tempdir().expect("a folder");
    let secret_file = secrets.path().join("session-secret");
    replace(&secret_file, OLD);
    let mut settings = TestBff::builder()
        .alone()
        .set("session.secret_file", secret_file.display())
        .set("keys.announce_ms", ANNOUNCE_MS)
        .set("keys.poll_ms", 200);
    for screen in ["member", "recipe"] {
        settings = settings.set(&format!("screens.{screen}.fresh_ms"), 0);
        settings = settings.set(&format!("screens.{screen}.stale_ms"), 0);
    }
    // What is slow on a busy machine is not refused.
    for screen in ["member", "recipe", "home_feed"] {
        settings = settings.set(&format!("screens.{screen}.deadline_ms"), 20_000);
    }
    for upstream in ["profile", "timeline", "recipe"] {
        settings = settings.set(&format!("upstreams.{upstream}.timeout_ms"), 20_000);
        settings = settings.set(&format!("upstreams.{upstream}.connect_timeout_ms"), 20_000);
    }
    for kind in ["anonymous", "user", "caller"] {
        settings = settings.set(&format!("limits.{kind}.per_second"), 100_000);
        settings = settings.set(&format!("limits.{kind}.burst"), 100_000);
    }
    let bff = settings.spawn().await;
    let work = Work::begin(&bff).await;
    let late = bff.anonymous();
    let _ = late.sign_in_app("author").await;
    let copies = Copies::fetch(bff.anonymous());
    let (began, stop) = (Instant::now(), Arc::new(Semaphore::new(0)));
    let working = work.go_on(&stop);

    let first =
        fs::read_dir(bff.folder().join("keys")).expect("keys").next().expect("one").expect("readable");
    let mut files = vec![first.path()];
    set_secrets(&bff, &secret_file, &[OLD, NEW]).await;
    rotate_key(&bff, &mut files).await;
    set_secrets(&bff, &secret_file, &[NEW, OLD]).await;
    let token = |user: &Actor| {
        let user = user.clone();
        async move {
            user.get("/auth/csrf-token").await.expect(200).json()["csrf"]
                .as_str()
                .expect("a token")
                .to_owned()
        }
    };
    // The number of secrets is the same as before: that the new one signs shows in the tokens.
    let old = work.csrf[0].lock().clone();
    eventually("the new secret", || async { Some(token(&work.users[0]).await).filter(|now| *now != old) })
        .await;
    rotate_key(&bff, &mut files).await;
    for (user, csrf) in work.users.iter().zip(&work.csrf) {
        *csrf.lock() = token(user).await;
    }
    set_secrets(&bff, &secret_file, &[NEW]).await;
    rotate_key(&bff, &mut files).await;
    // Nobody has refreshed this one's since the old secret.
    let _ = late.refresh().await;
    let _ = late.get(FEED).await.expect(200);

    stop.add_permits(1);
    let asked = soon("the end of the work", working).await.expect("no panic");
    let took = began.elapsed();
    let refused = work.refused.lock().clone();
    assert!(
        refused.is_empty(),
        "{} of {asked} were refused: {:?}",
        refused.len(),
        &refused[..refused.len().min(5)]
    );
    let metrics = bff.internal("/metrics").await.expect(200).text();
    let calls: Vec<_> = metrics
        .lines()
        .filter(|line| line.starts_with("bff_upstream_request_duration_seconds_count"))
        .collect();
    assert!(calls.len() > 5);
    for line in calls {
        assert!(line.contains(r#"outcome="ok""#), "an upstream refused: {line}");
    }
    assert_eq!(metric(&bff, "bff_rotation_faults").await.as_deref(), Some("0"));
    let (used, judged) = copies.assert_enough_for(&bff);
    assert_eq!(used, KEY_ROTATIONS + 1, "keys that were used");
    let stale =
        work.users[0].from_page(Method::PUT, &format!("/api/recipes/{}/like", work.recipe)).send().await;
    stale.expect_problem(403, "csrf_failed");
    let rate = f64::from(u32::try_from(asked).expect("a small number")) / took.as_secs_f64();
    figures::note(
        "rotation of keys and CSRF secret under load",
        format!(
            "0 of {asked} requests refused ({rate:.0}/s for {:.1} s, {KEY_ROTATIONS} keys, 1 secret in 3 steps; \
             {judged} calls held against a copy of the keys)",
            took.as_secs_f64()
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_again_changes_nothing_and_is_said_once() {
    let bff = TestBff::builder().set("keys.poll_ms", 100).spawn().await;
    let ada = bff.signed_in("ada").await;
    let before = published(&bff.anonymous()).await;
    let bad = bff.folder().join("keys/9999999999999.pem");
    replace(&bad, "planted-half-a-key");
    until_metric(&bff, "bff_rotation_faults", "1").await;
    let said = || bff.output().matches("9999999999999.pem").count();
    eventually("the fault in the log", || async { (said() > 0).then_some(()) }).await;
    // A sound key beside it, in the end: it is looked at again and again.
    let good = new_key(&bff.folder().join("keys")).await;
    assert_eq!(published(&bff.anonymous()).await, before, "all or nothing");
    assert_eq!(said(), 1, "{}", bff.output());
    fs::remove_file(&bad).expect("removed");
    until_metric(&bff, "bff_rotation_faults", "0").await;
    until_metric(&bff, "bff_keys_published", "2").await;
    fs::remove_file(&good).expect("removed");
    bff.signal("HUP").await;
    eventually("the line of the reload", || async { bff.output().contains("keys.retiring").then_some(()) })
        .await;
    assert_eq!(published(&bff.anonymous()).await.len(), 2, "believed for a while");
    let _ = ada.get(FEED).await.expect(200);
    assert!(!bff.output().contains("planted-half"), "no content");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_believed_no_more_and_nobody_is_refused_for_it() {
    // An upstream that has fetched the keys just now waits a second before it does again.
    let patient = TestBff::builder().set("screens.home_feed.deadline_ms", 10_000);
    let bff = patient.set("keys.poll_ms", 100).spawn().await;
    let (ada, keys) = (bff.signed_in("ada").await, bff.folder().join("keys"));
    let bad = published(&bff.anonymous()).await.into_iter().next().expect("a key");
    let _ = ada.get(FEED).await.expect(200);
    let dir = keys.display().to_string();
    let revoke = async || run_bff(&["keys", "revoke", "--dir", &dir, &bad], &[], &keys).await;
    let (code, text) = revoke().await;
    assert_eq!(code, Some(1), "the only key: {text}");
    new_key(&keys).await;
    let (code, text) = revoke().await;
    assert_eq!(code, Some(0), "{text}");
    eventually("the end of the key", || async {
        (!published(&bff.anonymous()).await.contains(&bad)).then_some(())
    })
    .await;
    bff.clear_journals();
    let _ = ada.get(&format!("{FEED}?limit=3")).await.expect(200);
    let requests = bff.timeline.requests();
    assert!(!requests.is_empty());
    for request in requests {
        assert_ne!(kid_of(request.bearer().expect("a token")), bad, "an old token was sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_and_pruned() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("keys").display().to_string();
    let run = async |command: &str| {
        let (code, text) = run_bff(&["keys", command, "--dir", &dir], &[], folder.path()).await;
        assert_eq!(code, Some(0), "{text}");
        text
    };
    let (first, second) = (run("new").await, run("new").await);
    let listed = run("list").await;
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(lines[0].contains("signing") && lines[0].ends_with(first.trim()), "{listed}");
    assert!(lines[1].contains("announced, signs in 1m") && lines[1].ends_with(second.trim()), "{listed}");
    assert_eq!(run("prune").await, "", "nothing has ended");
    let settings = [("keys.announce_ms", "0"), ("keys.retire_ms", "0")];
    let (code, text) = run_bff(&["keys", "prune", "--dir", &dir], &settings, folder.path()).await;
    assert_eq!((code, text), (Some(0), first.clone()), "what is superseded goes where no token lives");
    assert!(!Path::new(first.trim()).exists() && Path::new(second.trim()).exists());
}
