//! Many attempts at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_guesses_at_once_five_are_tried() {
    let patient = ThrottlePolicy { patience: Duration::from_secs(20), ..policy() };
    // Two replicas, one store.
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let replicas = [throttle_over(Arc::clone(&store), patient), throttle_over(store, patient)];
    let guesses = (0..100).map(|number| {
        let throttle = replicas[number % 2].clone();
        tokio::spawn(async move {
            let attempt = begin(&throttle, "ada", HOME).await;
            let tried = attempt.is_ok();
            if let Ok(attempt) = attempt {
                tokio::task::yield_now().await;
                attempt.failed().await;
            }
            tried
        })
    });
    let mut tried = 0;
    for guess in guesses.collect::<Vec<_>>() {
        tried += usize::from(guess.await.expect("no panic"));
    }
    assert_eq!(tried, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sign_ins_side_by_side_wait_for_each_other_and_all_succeed() {
    let patient = ThrottlePolicy { patience: Duration::from_secs(20), ..policy() };
    let throttle = throttle_over(Arc::new(MemoryStore::new()), patient);
    let sign_ins = (0..60).map(|_| {
        let throttle = throttle.clone();
        tokio::spawn(async move {
            let attempt = begin(&throttle, "ada", HOME).await.expect("its turn comes");
            tokio::task::yield_now().await;
            attempt.succeeded().await;
        })
    });
    for sign_in in sign_ins.collect::<Vec<_>>() {
        sign_in.await.expect("no panic");
    }
    fail(&throttle, "ada", HOME, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_guesses_at_once_by_twenty_names_five_are_told_whether_they_are_right() {
    let patient = ThrottlePolicy { patience: Duration::from_secs(20), address_failures: 1000, ..policy() };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let replicas = [throttle_over(Arc::clone(&store), patient), throttle_over(store, patient)];
    let guesses = (0..100).map(|number| {
        let throttle = replicas[number % 2].clone();
        tokio::spawn(async move {
            let told = try_as(&throttle, &format!("name-{}", number % 20), Some(&id("1"))).await;
            let any = told.is_ok();
            if let Ok(attempt) = told {
                tokio::task::yield_now().await;
                attempt.failed().await;
            }
            any
        })
    });
    let mut told = 0;
    for guess in guesses.collect::<Vec<_>>() {
        told += usize::from(guess.await.expect("no panic"));
    }
    assert_eq!(told, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_guesses_at_once_by_a_name_that_was_never_tried_five_reach_the_service() {
    let patient = ThrottlePolicy { patience: Duration::from_secs(20), address_failures: 1000, ..policy() };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let replicas = [throttle_over(Arc::clone(&store), patient), throttle_over(store, patient)];
    let reached = Arc::new(AtomicUsize::new(0));
    let guesses = (0..100).map(|number| {
        let (throttle, reached) = (replicas[number % 2].clone(), Arc::clone(&reached));
        tokio::spawn(async move {
            let Ok(attempt) = begin(&throttle, "ada", HOME).await else { return false };
            reached.fetch_add(1, Ordering::SeqCst);
            // The service looks at the password, and says whose name it is.
            for _ in 0..=number % 3 {
                tokio::task::yield_now().await;
            }
            let told = attempt.of(Some(&id("1"))).await;
            let any = told.is_ok();
            if let Ok(attempt) = told {
                attempt.failed().await;
            }
            any
        })
    });
    let mut told = 0;
    for guess in guesses.collect::<Vec<_>>() {
        told += usize::from(guess.await.expect("no panic"));
    }
    assert_eq!((reached.load(Ordering::SeqCst), told), (5, 5));
}
