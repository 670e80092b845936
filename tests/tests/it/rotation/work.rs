//! People at work while keys and secrets change.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, PASSWORD, Request, TestBff, email};
use tokio::{
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};

use super::FEED;
use crate::fixtures::{follow, post_about, publish};

/// Between two requests: 200 a second.
const PACE: Duration = Duration::from_millis(5);
const USERS: usize = 8;

/// People at work: each request has a part to play, and none may be refused.
pub(super) struct Work {
    base: Actor,
    pub(super) users: Vec<Actor>,
    /// The same people's apps.
    apps: Vec<Actor>,
    /// What each user's page sends along.
    pub(super) csrf: Vec<Mutex<String>>,
    pub(super) recipe: String,
    asked: AtomicUsize,
    pub(super) refused: Mutex<Vec<String>>,
}

impl Work {
    pub(super) async fn begin(bff: &TestBff) -> Arc<Self> {
        let author = bff.signed_in("author").await;
        let recipe = publish(&author, "Rice with eggs").await;
        post_about(&author, "Try this", &recipe).await;
        let (mut users, mut apps) = (Vec::new(), Vec::new());
        for place in 0..USERS {
            let user = bff.signed_in(&format!("user-{place}")).await;
            follow(&user, &author).await;
            users.push(user);
            let app = bff.anonymous();
            let _ = app.sign_in_app(&format!("user-{place}")).await;
            apps.push(app);
        }
        let csrf = users.iter().map(|user| Mutex::new(user.csrf_token().expect("a token"))).collect();
        let (asked, refused) = (AtomicUsize::new(0), Mutex::default());
        Arc::new(Self { base: bff.anonymous(), users, apps, csrf, recipe, asked, refused })
    }

    /// The `turn`th request, or, of somebody new, the `turn`th few.
    async fn ask(&self, turn: usize) {
        let place = turn / 20 % USERS;
        let user = &self.users[place];
        match turn % 20 {
            0..=6 => self.expect(turn, user.request(Method::GET, FEED), 200).await,
            // With a token that may be from before a rotation: it lives for 15 minutes.
            7 | 8 => self.expect(turn, self.apps[place].request(Method::GET, FEED), 200).await,
            // These screens are never fresh: each asks the upstreams.
            9..=12 => {
                let path = format!("/bff/members/{}", self.users[(place + 1) % USERS].id());
                self.expect(turn, user.request(Method::GET, &path), 200).await;
            }
            13 | 14 => {
                let path = format!("/bff/recipes/{}", self.recipe);
                self.expect(turn, user.request(Method::GET, &path), 200).await;
            }
            15..=17 => {
                let method = if turn.is_multiple_of(2) { Method::PUT } else { Method::DELETE };
                let path = format!("/api/recipes/{}/like", self.recipe);
                let csrf = self.csrf[place].lock().clone();
                let request = user.request(method, &path).header("sec-fetch-site", "same-origin");
                self.expect(turn, request.header("x-csrf-token", &csrf), 204).await;
            }
            18 if turn % 40 == 18 => self.expect(turn, user.request(Method::GET, "/auth/session"), 200).await,
            18 => self.refresh(turn, &self.apps[place]).await,
            // Nobody has a token for them yet: the key that signs now signs theirs.
            _ => {
                let newcomer = self.base.signed_out();
                let name = format!("newcomer-{turn}");
                let input = json!({
                    "email": email(&name), "username": name, "password": PASSWORD,
                });
                self.expect(turn, newcomer.from_page(Method::POST, "/auth/signup").json(&input), 201).await;
                let input = json!({ "login": name, "password": PASSWORD });
                self.expect(turn, newcomer.from_page(Method::POST, "/auth/login").json(&input), 200).await;
                self.expect(turn, newcomer.request(Method::GET, FEED), 200).await;
            }
        }
    }

    /// The next pair of tokens, and a call with it.
    async fn refresh(&self, turn: usize, app: &Actor) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = app.present(&app.refresh_token()).await;
        if answer.status == 200 {
            app.keep_tokens(&answer);
            self.expect(turn, app.request(Method::GET, FEED), 200).await;
        } else {
            self.refused.lock().push(format!("{turn}: refresh: {}", answer.text()));
        }
    }

    async fn expect(&self, turn: usize, request: Request, status: u16) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let refusal = match request.try_send().await {
            // A part that an upstream refused is missing, and named.
            Ok(answer) if answer.status == status => {
                let whole = status == 204
                    || answer.json().get("degraded").is_none_or(|parts| parts == &Value::Array(vec![]));
                (!whole).then(|| answer.text())
            }
            Ok(answer) => Some(format!("{} {}", answer.status, answer.text())),
            Err(error) => Some(error.to_string()),
        };
        if let Some(refusal) = refusal {
            self.refused.lock().push(format!("{turn}: {refusal}"));
        }
    }

    /// Asks at a steady pace until the task is told to stop, and then to the end of what was asked.
    pub(super) fn go_on(self: &Arc<Self>, stop: &Arc<Semaphore>) -> JoinHandle<usize> {
        let (work, stop) = (Arc::clone(self), Arc::clone(stop));
        tokio::spawn(async move {
            let mut pace = interval(PACE);
            // A slow moment is made up for.
            pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let room = Arc::new(Semaphore::new(64));
            let mut asking = JoinSet::new();
            for turn in 0.. {
                pace.tick().await;
                if stop.available_permits() > 0 {
                    break;
                }
                let room = Arc::clone(&room).acquire_owned().await.expect("not closed");
                let work = Arc::clone(&work);
                asking.spawn(async move {
                    work.ask(turn).await;
                    drop(room);
                });
                while asking.try_join_next().is_some() {}
            }
            asking.join_all().await;
            work.asked.load(Ordering::Relaxed)
        })
    }
}
