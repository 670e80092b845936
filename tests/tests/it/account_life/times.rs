//! Nobody learns by the clock whether there is an account.

use std::time::Instant;

use reqwest::Method;
use tests::{TestBff, email, figures};

use super::{forgot, system_with};

/// Pairs of requests that are measured.
const ROUNDS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn known_and_unknown_addresses_cost_the_same_calls_and_the_same_time() {
    let builder = TestBff::builder().alone().set("throttle.account_failures", 1000);
    let (server, bff) = system_with(builder.set("throttle.address_failures", 10_000), |options| {
        options.links_per_hour = 1000;
    })
    .await;
    let _ = bff.sign_up("ada").await;
    server.mail(&email("ada"), "confirm", 1).await;
    let nobody = bff.anonymous();
    let mut times = [Vec::new(), Vec::new()];
    let addresses = [email("ada"), email("eve")];
    bff.clear_journals();
    for round in 0..ROUNDS {
        // Whoever is first in a round changes, so that none always follows the mail of the other.
        for place in [round % 2, 1 - round % 2] {
            let began = Instant::now();
            let answer = forgot(&nobody, &addresses[place]).await.expect(202);
            times[place].push(began.elapsed().as_micros());
            assert_eq!(answer.text(), "");
        }
    }
    // What makes them alike: each is one call of the same kind, and the service decides behind its answer.
    let calls = bff.profile.requests();
    assert_eq!(calls.len(), 2 * ROUNDS);
    let line = format!("{} /members/password/forgot", Method::POST);
    assert!(calls.iter().all(|call| call.line() == line), "{:?}", calls[0].line());
    let [known, unknown] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let apart = known.abs_diff(unknown) as f64 * 100.0 / known.max(unknown) as f64;
    figures::note(
        "forgotten password, known and unknown address",
        format!("{known} and {unknown} µs in the median, {apart:.1} % apart"),
    );
}
