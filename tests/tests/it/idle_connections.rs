//! Connections to a service that it closes while they are idle, at the moment the next request is sent on them.

use std::{path::Path, time::Duration};

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::json;
use tests::{Actor, Builder, Fault, Program, Proxy, TestBff, figures, soon};
use tokio::{process::Command, time::sleep};

const FEED: &str = "/bff/home-feed";
const MEMBER: &str = "GET /members/";

/// Every feed asks the services, and no older one hides a failure.
fn uncached() -> Builder {
    ["fresh_ms", "stale_ms", "stale_if_error_ms"]
        .into_iter()
        .fold(TestBff::builder(), |builder, key| builder.set(&format!("screens.home_feed.{key}"), 0))
}

/// How many reads were sent again, over all services.
async fn retried(bff: &TestBff) -> u64 {
    let text = bff.internal("/metrics").await.expect(200).text();
    let lines = text.lines().filter(|line| line.starts_with("bff_upstream_retried_total{"));
    lines
        .map(|line| line.rsplit(' ').next().and_then(|count| count.parse::<u64>().ok()).expect("a count"))
        .sum()
}

fn sent(proxy: &Proxy, line: &str) -> usize {
    proxy.requests().iter().filter(|request| request.line().starts_with(line)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_meets_the_end_of_idle_connections_is_whole_and_a_write_is_sent_once() {
    let bff = uncached().set("upstreams.timeline.idle_ms", 60_000).spawn().await;
    let ada = bff.signed_in("ada").await;
    // Each service has answered, so that there is a connection to each.
    let _ = ada.get(FEED).await.expect(200);
    for proxy in bff.proxies() {
        proxy.fail(Fault::CloseReused);
    }
    bff.clear_journals();
    let before = retried(&bff).await;
    let feed = ada.get(FEED).await.expect(200).json();
    assert_eq!(feed["degraded"], json!([]));
    assert_eq!(sent(&bff.profile, MEMBER), 2, "{:?}", bff.call_lines());
    assert_eq!(sent(&bff.timeline, "GET /timeline"), 2, "{:?}", bff.call_lines());
    assert!(retried(&bff).await >= before + 3);

    // A connection that goes on being used, and closes under a write.
    bff.heal().await;
    let _ = ada.post("/api/posts", &json!({ "text": "before" })).await.expect(201);
    bff.timeline.fail(Fault::CloseReused);
    bff.clear_journals();
    let before = retried(&bff).await;
    ada.post("/api/posts", &json!({ "text": "once" })).await.expect_problem(502, "upstream_unavailable");
    assert_eq!(sent(&bff.timeline, "POST /posts"), 1, "{:?}", bff.call_lines());
    assert_eq!(retried(&bff).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_closes_every_connection_is_asked_twice_at_most() {
    let bff = uncached().spawn().await;
    let ada = bff.signed_in("ada").await;
    let _ = ada.get(FEED).await.expect(200);
    bff.profile.fail(Fault::Reset);
    bff.clear_journals();
    for feeds in 1..=5 {
        let _ = ada.get(FEED).await.expect(502);
        let tries = sent(&bff.profile, MEMBER);
        // The first may have met a connection of before; those that are new are not tried again.
        assert!((feeds..=feeds + 1).contains(&tries), "{tries} tries for {feeds} feeds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_given_up_after_its_idle_time_so_that_writes_meet_no_end() {
    let bff = uncached().set("upstreams.timeline.idle_ms", 20).spawn().await;
    let ada = bff.signed_in("ada").await;
    let _ = ada.get(FEED).await.expect(200);
    bff.timeline.fail(Fault::CloseReused);
    // Longer than the connection is kept.
    sleep(Duration::from_millis(200)).await;
    let _ = ada.post("/api/posts", &json!({ "text": "on a new one" })).await.expect(201);
}

/// gunicorn with the profile service, and its URL.
async fn gunicorn() -> (Program, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("upstreams");
    let mut command = Command::new(crate::readme::python());
    command.args(["-m", "gunicorn", "--bind", "127.0.0.1:0", "--worker-class", "gthread"]);
    command.args(["--threads", "64", "--keep-alive", "2", "profile:app"]);
    command.current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1");
    let mut program = Program::start(command);
    if let Err(output) = soon("gunicorn to listen", program.says("Listening at: ")).await {
        panic!("gunicorn ended at its start:\n{output}");
    }
    let output = program.output().text();
    let url =
        output.split("Listening at: ").nth(1).and_then(|rest| rest.split(' ').next()).expect("its address");
    let url = url.to_owned();
    (program, url)
}

/// How many feeds failed of those that `people` ask for, `rounds` each, 1.9 to 2.1 s apart: about when gunicorn closes.
async fn feeds_apart(people: &[Actor], rounds: usize) -> Vec<StatusCode> {
    let all = join_all(people.iter().enumerate().map(async |(number, person)| {
        let mut failed = Vec::new();
        for round in 0..rounds {
            // Over the whole range, evenly, and each person otherwise in each round.
            let part = u64::try_from((number * 37 + round * 61) % 201).unwrap_or_default();
            sleep(Duration::from_millis(1900 + part)).await;
            let answer = person.get(FEED).await;
            if answer.status != 200 || answer.json()["degraded"] != json!([]) {
                failed.push(answer.status);
            }
        }
        failed
    }));
    all.await.concat()
}

async fn beside_gunicorn(people: usize, rounds: usize) {
    let (program, url) = gunicorn().await;
    let bff = uncached().set("upstreams.profile.url", &url).spawn().await;
    let mut all = Vec::new();
    for number in 0..people {
        all.push(bff.signed_in(&format!("person{number}")).await);
    }
    let failed = feeds_apart(&all, rounds).await;
    let figure = format!("{} sent again, {} failed", retried(&bff).await, failed.len());
    figures::note(&format!("{} feeds at gunicorn's keep-alive time", people * rounds), figure);
    assert!(failed.is_empty(), "of {} feeds: {failed:?}", people * rounds);
    program.terminate().await;
    assert!(program.ended().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_feed_fails_because_gunicorn_closes_idle_connections() {
    beside_gunicorn(50, 6).await;
}

/// The same for as long as it takes to meet the moment often: two minutes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "by hand: two minutes of mostly waiting"]
async fn two_thousand_feeds_beside_gunicorn() {
    beside_gunicorn(40, 50).await;
}
