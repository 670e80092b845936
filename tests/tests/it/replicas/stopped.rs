//! A sign-out holds on every gateway once it is answered, also on one that stood still meanwhile.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tests::{Actor, Replica, TestBff, figures, redis::Durability, soon};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Pair;

const ROUNDS: usize = 5;
const PEOPLE: usize = 20;

/// A request that has been sent, and waits for its answer.
struct Sent(TcpStream);

impl Sent {
    async fn to(replica: &Replica, credentials: &str) -> Self {
        let address = replica.url();
        let address = address.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.expect("the kernel takes connections");
        let request = format!(
            "GET /auth/session HTTP/1.1\r\nhost: {address}\r\n{credentials}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("it is sent");
        Self(stream)
    }

    async fn status(mut self) -> u16 {
        let mut answer = Vec::new();
        soon("an answer", self.0.read_to_end(&mut answer)).await.expect("an answer");
        let head = String::from_utf8_lossy(&answer);
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    }
}

fn credentials(actor: &Actor) -> String {
    match actor.cookie() {
        Some(cookie) => format!("cookie: {cookie}"),
        None => format!("authorization: Bearer {}", actor.access_token()),
    }
}

/// Browsers and apps, who are known at `there` as well.
async fn people(here: &Replica, there: &Replica) -> Vec<Actor> {
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let actor = here.anonymous();
        let _ = if number % 2 == 0 { actor.sign_in("ada").await } else { actor.sign_in_app("ada").await };
        let _ = there.called_by(&actor).get("/auth/session").await.expect(200);
        people.push(actor);
    }
    people
}

async fn unconfirmed(replica: &Replica) -> u64 {
    let text = replica.internal("/metrics").await.expect(200).text();
    let name = "bff_relayed_endings_total{outcome=\"unconfirmed\"} ";
    text.lines().find_map(|line| line.strip_prefix(name)).map_or(0, |count| count.parse().expect("a number"))
}

async fn sign_out(actor: &Actor) {
    let _ = actor.post("/auth/logout", &json!({})).await.expect(204);
}

/// Signs all out at one gateway while the other stands still; those whom the other then answers as if they were not.
async fn round(pair: &Pair<tests::redis::RedisServer>, stands_still: impl AsyncFnOnce(&Replica)) -> usize {
    let people = people(&pair.here, &pair.there).await;
    pair.there.signal("STOP").await;
    // From the 204 of each of them on.
    let sent = join_all(people.iter().map(async |actor| {
        let credentials = credentials(actor);
        sign_out(actor).await;
        Sent::to(&pair.there, &credentials).await
    }));
    let (sent, ()) = tokio::join!(sent, stands_still(&pair.there));
    pair.there.signal("CONT").await;
    let statuses = join_all(sent.into_iter().map(Sent::status)).await;
    assert!(statuses.iter().all(|status| [200, 401].contains(status)), "{statuses:?}");
    statuses.iter().filter(|status| **status == 200).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stood_still_serves_nobody_who_was_signed_out_meanwhile() {
    let pair = Pair::start(Durability::Nothing, TestBff::builder()).await;
    let _ = pair.here.sign_up("ada").await;
    let mut served = 0;
    for _ in 0..ROUNDS {
        // Until all have been answered.
        served += round(&pair, async |_| ()).await;
    }
    figures::note("requests after a sign-out's 204 to a gateway that stood still, answered 200", served);
    assert_eq!(served, 0, "of {}", ROUNDS * PEOPLE);
    assert!(unconfirmed(&pair.here).await > 0, "the metrics tell that it was waited for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stands_still_for_a_moment_is_waited_for() {
    let pair = Pair::start(Durability::Nothing, TestBff::builder()).await;
    let _ = pair.here.sign_up("ada").await;
    let mut served = 0;
    for moment in [1, 50, 200, 600] {
        served += round(&pair, async |replica| {
            tokio::time::sleep(Duration::from_millis(moment)).await;
            replica.signal("CONT").await;
        })
        .await;
    }
    assert_eq!(served, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_gone_holds_up_one_sign_out_and_one_that_takes_its_leave_none() {
    let mut pair = Pair::start(Durability::Nothing, TestBff::builder()).await;
    let third = pair.here.replica().await;
    let _ = pair.here.sign_up("ada").await;
    let people = people(&pair.here, &pair.there).await;
    // Everybody knows everybody.
    sign_out(&people[0]).await;
    let mut third = third;
    third.terminate().await;
    let _ = third.ended().await;
    let before = unconfirmed(&pair.here).await;
    sign_out(&people[1]).await;
    sign_out(&people[2]).await;
    assert_eq!(unconfirmed(&pair.here).await, before, "it has said that it goes");
    pair.there.kill9().await;
    for actor in &people[3..8] {
        let credentials = credentials(actor);
        sign_out(actor).await;
        assert_eq!(Sent::to(&pair.here, &credentials).await.status().await, 401);
    }
    assert_eq!(unconfirmed(&pair.here).await, before + 1, "it is waited for once");
}
