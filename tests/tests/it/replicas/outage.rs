//! Redis is killed, or hangs, under load: signed-in people go on for a while, nobody waits, all heals by itself,
//! and what was answered before is still so afterwards.

mod load;

use std::time::{Duration, Instant};

use tests::{TestBff, eventually, figures, redis::Durability};

use self::load::{Load, Readers};
use super::{FEED, Pair, bearer_of, expect_store_away};

const GRACE: Duration = Duration::from_millis(3000);

/// What happens to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// `kill -9`, then it is started again.
    Killed,
    /// It stops in the middle of whatever it does, and goes on later.
    Hangs,
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_and_started_again_under_load() {
    goes_on_and_heals(Trouble::Killed, Durability::Always).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_hangs_and_goes_on_under_load() {
    goes_on_and_heals(Trouble::Hangs, Durability::Nothing).await;
}

async fn goes_on_and_heals(trouble: Trouble, durability: Durability) {
    let builder = TestBff::builder().set("store.grace_ms", GRACE.as_millis()).alone();
    // All of them are to live.
    let builder = builder.set("session.max_per_user", 100_000);
    // Who got no answer to a refresh asks again with the same token when all is well again.
    let mut pair = Pair::start(durability, builder.set("tokens.retry_ms", 60_000)).await;
    let browser = pair.here.signed_in("ada").await;
    let app = pair.here.anonymous();
    let _ = app.sign_in_app("ada").await;
    let people: Vec<_> = pair
        .both()
        .iter()
        .flat_map(|replica| [replica.called_by(&browser), replica.called_by(&app)])
        .collect();
    for person in &people {
        let _ = person.get(FEED).await.expect(200);
    }
    let readers = Readers::start(people);
    let load = Load::start(pair.both());
    load.has_received(40).await;

    let began = Instant::now();
    match trouble {
        Trouble::Killed => pair.store.kill().await,
        Trouble::Hangs => pair.store.pause().await,
    }
    load.is_refused().await;
    // Nobody is refused before the grace is over, and everybody soon after.
    let lasted = readers.are_refused().await - began;
    assert!(lasted > GRACE - Duration::from_millis(200), "signed in for {lasted:?} only");
    for replica in pair.both() {
        eventually("signed-in reads to be refused", || async {
            let answer = replica.called_by(&browser).get(FEED).await;
            (answer.status == 503).then(|| expect_store_away(&answer))
        })
        .await;
        let ready = replica.internal("/readyz").await;
        assert_eq!(ready.status, 200, "what needs no store goes on: {}", ready.text());
    }
    assert!(began.elapsed() < GRACE + Duration::from_secs(5), "signed in for {:?}", began.elapsed());

    match trouble {
        Trouble::Killed => pair.store.restart().await,
        Trouble::Hangs => pair.store.resume().await,
    }
    let back = Instant::now();
    for replica in pair.both() {
        eventually("signed-in reads to be answered again", || async {
            let answer = replica.called_by(&browser).get(FEED).await;
            (answer.status == 200).then_some(())
        })
        .await;
        eventually("sign-ins to be answered again", || async {
            let answer = replica.anonymous().try_sign_in("ada").await;
            (answer.status == 200).then_some(())
        })
        .await;
    }
    figures::note(
        &format!("Redis {trouble:?} and back: until both gateways served everything again"),
        format!("{} ms", back.elapsed().as_millis()),
    );
    let done = load.stop().await;
    readers.stop().await;
    for (number, cookie) in done.cookies.iter().enumerate() {
        let replica = pair.both()[number % 2];
        let _ = bearer_of(&Some(cookie.clone()), replica).get("/auth/session").await.expect(200);
    }
    for (number, app) in done.apps.iter().enumerate() {
        let _ = pair.both()[number % 2].called_by(app).refresh().await;
    }
    figures::note(
        &format!("Redis {trouble:?}: sessions and refresh families answered 200, all alive afterwards"),
        format!("{} and {}", done.cookies.len(), done.apps.len()),
    );
    figures::note(
        &format!("Redis {trouble:?}: slowest refusal of a sign-in or a refresh"),
        format!("{} ms, {} were refused", done.slowest_refusal.as_millis(), done.refused),
    );
    assert!(done.slowest_refusal < Duration::from_secs(2), "{:?}", done.slowest_refusal);
}
