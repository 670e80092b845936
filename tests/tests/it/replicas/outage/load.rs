//! People who sign in, refresh and read without end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tests::{Actor, Answer, Replica, soon};
use tokio::{sync::watch, task::JoinSet, time::sleep};

use super::{FEED, expect_store_away};

/// Between two requests of one of them: load, not a measurement.
const PACE: Duration = Duration::from_millis(5);

/// What came of it.
#[derive(Debug, Default, Clone)]
pub(super) struct Done {
    /// Of sign-ins that were answered 200: `name=value`.
    pub(super) cookies: Vec<String>,
    /// Who signed in with tokens, each with the last pair that was received.
    pub(super) apps: Vec<Actor>,
    pub(super) refused: usize,
    pub(super) slowest_refusal: Duration,
}

/// Sign-ins and refreshes, at both gateways.
pub(super) struct Load {
    done: Arc<Mutex<Done>>,
    changed: watch::Sender<()>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Load {
    pub(super) fn start(replicas: [&Replica; 2]) -> Self {
        let (done, changed, stop) = (Arc::default(), watch::Sender::new(()), watch::Sender::new(false));
        let mut tasks = JoinSet::new();
        for (replica, with_tokens) in
            replicas.into_iter().flat_map(|replica| [(replica, false), (replica, true)])
        {
            let worker =
                Worker { base: replica.anonymous(), done: Arc::clone(&done), changed: changed.clone() };
            let stop = stop.subscribe();
            tasks.spawn(async move {
                while !*stop.borrow() {
                    if with_tokens {
                        worker.app().await
                    } else {
                        worker.browser().await
                    }
                    sleep(PACE).await;
                }
            });
        }
        Self { done, changed, stop, tasks }
    }

    /// Waits until so many sessions and so many families were received.
    pub(super) async fn has_received(&self, count: usize) {
        self.until("sign-ins and refreshes", |done| done.cookies.len() >= count && done.apps.len() >= count)
            .await;
    }

    /// Waits until all of them have been refused several times.
    pub(super) async fn is_refused(&self) {
        self.until("refusals", |done| done.refused >= 20).await;
    }

    async fn until(&self, what: &str, such: impl Fn(&Done) -> bool) {
        let mut changed = self.changed.subscribe();
        soon(what, async {
            while !such(&self.done.lock()) {
                // The sender lives as long as `self`.
                let _ = changed.changed().await;
            }
        })
        .await;
    }

    pub(super) async fn stop(mut self) -> Done {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("nobody got an answer that is neither 200 nor a proper 503");
        }
        self.done.lock().clone()
    }
}

struct Worker {
    base: Actor,
    done: Arc<Mutex<Done>>,
    changed: watch::Sender<()>,
}

impl Worker {
    async fn browser(&self) {
        let fresh = self.base.signed_out();
        if self.took(&fresh.try_sign_in("ada").await) {
            self.note(|done| done.cookies.push(fresh.cookie().expect("a session")));
        }
    }

    /// Signs in with tokens and refreshes once.
    async fn app(&self) {
        let fresh = self.base.signed_out();
        let signed_in = fresh.try_sign_in_app("ada").await;
        if !self.took(&signed_in) {
            return;
        }
        let refreshed = fresh.present(&fresh.refresh_token()).await;
        if self.took(&refreshed) {
            fresh.keep_tokens(&refreshed);
        }
        self.note(|done| done.apps.push(fresh));
    }

    fn took(&self, answer: &Answer) -> bool {
        if answer.status == 200 {
            return true;
        }
        expect_store_away(answer);
        self.note(|done| {
            done.refused += 1;
            done.slowest_refusal = done.slowest_refusal.max(answer.took);
        });
        false
    }

    fn note(&self, what: impl FnOnce(&mut Done)) {
        what(&mut self.done.lock());
        self.changed.send_replace(());
    }
}

/// People who are signed in and read.
pub(super) struct Readers {
    /// When the first of them was refused, until it is forgotten.
    refused: watch::Receiver<Option<Instant>>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Readers {
    pub(super) fn start(people: Vec<Actor>) -> Self {
        let (stop, refused) = (watch::Sender::new(false), watch::Sender::new(None));
        let mut tasks = JoinSet::new();
        let heard = refused.subscribe();
        for person in people {
            let (stop, refused) = (stop.subscribe(), refused.clone());
            tasks.spawn(async move {
                while !*stop.borrow() {
                    let answer = person.get(FEED).await;
                    if answer.status != 200 {
                        expect_store_away(&answer);
                        refused.send_if_modified(|first| {
                            let is_first = first.is_none();
                            first.get_or_insert_with(Instant::now);
                            is_first
                        });
                    }
                    sleep(PACE).await;
                }
            });
        }
        Self { refused: heard, stop, tasks }
    }

    /// Waits until one of them is refused; since when.
    pub(super) async fn are_refused(&self) -> Instant {
        let mut refused = self.refused.clone();
        let first = soon("a refusal", refused.wait_for(Option::is_some)).await;
        first.expect("the tasks run").expect("it is there")
    }

    pub(super) async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("nobody got an answer that is neither 200 nor a proper 503");
        }
    }
}
