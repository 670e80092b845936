//! What the store is asked, and what becomes of it when the store is away.

use std::sync::atomic::Ordering;

use super::{
    flaky::{Asked, Flaky},
    *,
};

#[tokio::test]
async fn nobody_is_let_in_while_attempts_cannot_be_counted() {
    let store = Arc::new(Flaky::default());
    let throttle = throttle_over(Arc::clone(&store) as Arc<dyn Store>, policy());
    let held = begin(&throttle, "ada", HOME).await.expect("an attempt");
    store.away.store(true, Ordering::SeqCst);
    let uncounted = begin(&throttle, "ada", HOME).await;
    assert!(matches!(&uncounted, Err(ThrottleError::Store(error)) if error.is_away()), "{uncounted:?}");
    held.failed().await;
    store.away.store(false, Ordering::SeqCst);
    // What could not be counted is, once the store is back; until then it counts as tried.
    fail(&throttle, "ada", HOME, 4).await;
    let told = async {
        while refused(&throttle, "ada", HOME).await.1 == BUSY_RETRY {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), told).await.expect("it is told again");
}

#[tokio::test]
async fn the_store_learns_no_name_and_unknown_accounts_go_the_same_way() {
    let store = Arc::new(Flaky::default());
    let throttle = throttle_over(Arc::clone(&store) as Arc<dyn Store>, policy());
    let mut shapes = Vec::new();
    for login in ["planted@mail.example", "nobody@mail.example"] {
        fail(&throttle, login, HOME, 1).await;
        let keys: Vec<_> = store.asked().into_iter().map(|asked| asked.key).collect();
        for key in &keys {
            assert!(key.len() < 128 && !contains(key, b"mail") && !contains(key, &[192, 0, 2, 1]), "{key:?}");
        }
        shapes.push(keys.iter().map(|key| (key.len(), key[..10].to_vec())).collect::<Vec<_>>());
    }
    assert_eq!(shapes[0], shapes[1]);
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_behind_one_address_asks_the_store_no_more_than_it_must() {
    let patient = ThrottlePolicy { patience: Duration::from_secs(60), ..policy() };
    let store = Arc::new(Flaky::default());
    let throttle = throttle_over(store.clone(), patient);
    let crowd = (0..300).map(|number| {
        let throttle = throttle.clone();
        tokio::spawn(async move {
            let attempt = begin(&throttle, &format!("user-{number}"), HOME).await.expect("its turn comes");
            tokio::task::yield_now().await;
            attempt.succeeded().await;
        })
    });
    for sign_in in crowd.collect::<Vec<_>>() {
        sign_in.await.expect("no panic");
    }
    // One to know whose name it is; two to take a place of the name, three for one of the account and of the address; one
    // to give each of the three back.
    assert_eq!(store.asked().len(), 300 * 12);
    assert!(throttle.0.turns.is_empty(), "nothing is left of them");
}

#[tokio::test]
async fn the_store_is_asked_as_often_for_members_as_for_names_that_nobody_has() {
    let store = Arc::new(Flaky::default());
    let throttle = throttle_over(Arc::clone(&store) as Arc<dyn Store>, policy());
    let (mut asked, mut work) = (Vec::new(), Vec::new());
    for (name, member) in [("ada", Some(id("1"))), ("nobody", None)] {
        let mut done = Vec::new();
        // The first attempt finds out whose name it is.
        for _ in 0..3 {
            let attempt = try_as(&throttle, name, member.as_ref()).await.expect("room");
            let until_answered = store.asked();
            attempt.failed().await;
            let afterwards = store.asked();
            asked.push((until_answered.len(), afterwards.len()));
            done.push(until_answered.iter().chain(&afterwards).map(Asked::work).collect::<Vec<_>>());
        }
        work.push(done);
    }
    assert_eq!(asked, [(13, 6); 6]);
    assert_eq!(work[0], work[1], "the same is written, under keys of the same length");
}
