//! Two gateways on one store against a model, through random lives of families.

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::test_runner::Config;
use proptest_state_machine::{StateMachineTest, prop_state_machine};
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinSet};

use super::{
    Replica,
    homes::{Home, InMemory, OnDisk, OnRedis},
    model::{Answer, FamilyModel, Model, Step, USERS},
    texts,
};
use crate::identity::{RefreshError, Session, SessionKey, TokenPair, sessions::tests::member};

/// The two gateways, and all that they have given out.
pub(super) struct Gateways<H: Home> {
    replicas: [Replica; 2],
    families: Vec<Given>,
    _keys: TempDir,
    _home: H::Guard,
    // Last: what runs on it is dropped before.
    runtime: Runtime,
}

/// One family from outside.
struct Given {
    key: SessionKey,
    public_id: String,
    end: u64,
    /// By generation: access token and refresh token.
    pairs: Vec<(String, String)>,
}

impl<H: Home> Gateways<H> {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let keys = tempfile::tempdir().expect("a folder");
        let (replicas, home) = runtime.block_on(async {
            let (stores, home) = H::open().await;
            (stores.map(|store| Replica::new(store, keys.path(), "secret")), home)
        });
        Self { replicas, families: Vec::new(), _keys: keys, _home: home, runtime }
    }

    fn present(&self, on: usize, token: &str, cookie: bool, now: u64) -> Result<TokenPair, RefreshError> {
        self.runtime.block_on(self.replicas[on].tokens.refresh(token, cookie, now))
    }

    /// Holds what was answered against what should have been, and keeps the pair of a new generation.
    fn check(&mut self, family: usize, got: Result<TokenPair, RefreshError>, expected: Answer) {
        let given = &mut self.families[family];
        match (got, expected) {
            (Ok(pair), Answer::Pair(generation)) => {
                assert_eq!(pair.absolute_end_ms, given.end, "the absolute end never moves");
                assert_eq!(pair.session.key, given.key);
                let got = texts(&pair);
                match given.pairs.get(generation) {
                    Some(known) => assert_eq!(&got, known, "the same pair again"),
                    None => {
                        assert_eq!(generation, given.pairs.len());
                        assert!(!given.pairs.iter().any(|(a, r)| *a == got.0 || *r == got.1), "a new pair");
                        given.pairs.push(got);
                    }
                }
            }
            (Ok(pair), Answer::Refetcher(generation)) => {
                assert_eq!((pair.absolute_end_ms, pair.session.key), (given.end, given.key));
                let (access, refresh) = texts(&pair);
                assert_eq!(refresh, given.pairs[generation].1, "the same refresh token again");
                assert!(!given.pairs.iter().any(|(known, _)| *known == access), "a new access token");
            }
            (Err(RefreshError::Invalid), Answer::Invalid)
            | (Err(RefreshError::Reused), Answer::Reused)
            | (Err(RefreshError::TooFast { .. }), Answer::TooFast) => {}
            (got, expected) => panic!("{expected:?} expected: {got:?}"),
        }
    }

    fn stampede(&mut self, family: usize, generation: usize, cookie: bool, now: u64, expected: Answer) {
        let token = self.families[family].pairs[generation].1.clone();
        let answers = self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for caller in 0..50 {
                let (tokens, token) = (self.replicas[caller % 2].tokens.clone(), token.clone());
                tasks.spawn(async move { tokens.refresh(&token, cookie, now).await });
            }
            tasks.join_all().await
        });
        if expected == Answer::Reused {
            // Whoever comes after the end finds nothing.
            let reused = answers.iter().filter(|answer| matches!(answer, Err(RefreshError::Reused))).count();
            assert!(reused > 0);
            let invalid = |answer: &&Result<_, _>| matches!(answer, Err(RefreshError::Invalid));
            assert_eq!(answers.iter().filter(invalid).count(), answers.len() - reused);
            return;
        }
        answers.into_iter().for_each(|answer| self.check(family, answer, expected));
    }

    fn end_all(&self, on: usize, user: usize, except: Option<usize>) -> usize {
        let except = except.map(|family| &self.families[family].key);
        let user = member(USERS[user]).id().clone();
        let ended = self.replicas[on].sessions.end_all(&user, except);
        self.runtime.block_on(ended).expect("the store answers").len()
    }

    /// What both ways of looking say of an access token.
    fn admitted(&self, on: usize, access: &str, now: u64) -> Option<Arc<Session>> {
        let tokens = &self.replicas[on].tokens;
        let loaded = self.runtime.block_on(tokens.load_access(access, now)).expect("the store answers");
        let peeked = tokens.peek_access(access, now);
        assert!(peeked.is_none() || loaded.is_some(), "what is in memory has ended");
        loaded
    }

    fn check_family(&self, model: &FamilyModel, given: &Given, now: u64) {
        // A look is a use, so none at the newest token of which it is not known yet that it arrived. And not more than
        // the last few: each look may be a question for the store.
        let unused = usize::from(!model.arrived && model.admits(model.current(), now));
        for (generation, (access, _)) in given.pairs.iter().enumerate().rev().skip(unused).take(3) {
            for on in 0..2 {
                if model.admits(generation, now) {
                    let session = self.admitted(on, access, now).expect("signed in");
                    assert_eq!((session.key, session.absolute_end_ms), (given.key, given.end));
                    assert_eq!(session.user.as_str(), USERS[model.user]);
                } else {
                    within(H::TOLD_WITHIN, || {
                        let peeked = self.replicas[on].tokens.peek_access(access, now);
                        (peeked.is_none()).then_some(()).ok_or("still in memory")
                    });
                    assert!(self.admitted(on, access, now).is_none(), "never brought back");
                }
            }
        }
        if !model.is_live(now) {
            let newest = given.pairs.last().map_or("", |(_, refresh)| refresh);
            for on in 0..2 {
                let refused = self.present(on, newest, model.cookie, now);
                assert!(matches!(refused, Err(RefreshError::Invalid)), "{refused:?}");
            }
        }
    }

    fn step(&mut self, model: &Model, step: &Step) {
        let (now, expected) = (model.now, model.answer);
        match *step {
            Step::Issue { on, user, cookie } => {
                let user = member(USERS[user]);
                let issued = self.replicas[on].tokens.issue(&user, "app", "here", cookie, now);
                let pair = self.runtime.block_on(issued).expect("a pair");
                let (key, public_id) = (pair.session.key, pair.session.public_id());
                let end = pair.absolute_end_ms;
                assert_eq!(end, model.families[self.families.len()].end);
                self.families.push(Given { key, public_id, end, pairs: vec![texts(&pair)] });
            }
            Step::Refresh { on, family, generation, wrong_channel } => {
                let cookie = model.families[family].cookie != wrong_channel;
                let token = self.families[family].pairs[generation].1.clone();
                let got = self.present(on, &token, cookie, now);
                self.check(family, got, expected);
            }
            Step::Burst { on, family, times } => {
                let given = self.families[family].pairs.len();
                let made = model.families[family].made.len() - given;
                for time in 0..times {
                    let token = self.families[family].pairs[self.families[family].pairs.len() - 1].1.clone();
                    let got = self.present(on, &token, model.families[family].cookie, now);
                    let expected = if time < made { Answer::Pair(given + time) } else { expected };
                    self.check(family, got, expected);
                }
            }
            Step::Stampede { family, generation } => {
                self.stampede(family, generation, model.families[family].cookie, now, expected);
            }
            Step::Forge { on, family, byte } => {
                let current = &self.families[family].pairs[model.families[family].current()].1;
                let mut bytes = URL_SAFE_NO_PAD.decode(current).expect("base64url");
                bytes[byte] ^= 0x10;
                let forged = URL_SAFE_NO_PAD.encode(bytes);
                let got = self.present(on, &forged, model.families[family].cookie, now);
                self.check(family, got, expected);
            }
            Step::Use { on, family } => {
                let access = self.families[family].pairs.last().expect("a pair").0.clone();
                let expected = &model.families[family];
                let admitted = self.admitted(on, &access, now).is_some();
                assert_eq!(admitted, expected.admits(expected.current(), now));
            }
            Step::Revoke { on, family, generation } => {
                let token = &self.families[family].pairs[generation].1;
                let revoked = self.runtime.block_on(self.replicas[on].tokens.revoke(token, now));
                let revoked = revoked.expect("the store answers");
                assert!(revoked.is_none_or(|key| key == self.families[family].key));
                assert_eq!(Answer::Ended(revoked.iter().count()), expected);
            }
            Step::EndAll { on, user, except } => {
                assert_eq!(Answer::Ended(self.end_all(on, user, except)), expected);
            }
            Step::EndListed { on, family } => {
                let user = member(USERS[model.families[family].user]).id().clone();
                let ended = self.replicas[on].sessions.end_listed(&user, &self.families[family].public_id);
                let ended = self.runtime.block_on(ended).expect("the store answers");
                assert!(ended.is_none_or(|key| key == self.families[family].key));
                assert_eq!(Answer::Ended(ended.iter().count()), expected);
            }
            Step::Wait { .. } => {}
        }
    }
}

/// Tries until it holds, for so long and at least once.
fn within<T, E: Debug>(time: Duration, mut holds: impl FnMut() -> Result<T, E>) -> T {
    let start = Instant::now();
    loop {
        match holds() {
            Ok(value) => return value,
            Err(error) if start.elapsed() >= time => panic!("not within {time:?}: {error:?}"),
            Err(_) => std::thread::yield_now(),
        }
    }
}

impl<H: Home> StateMachineTest for Gateways<H> {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Model) -> Self {
        Self::start()
    }

    fn apply(mut gateways: Self, model: &Model, step: Step) -> Self {
        gateways.step(model, &step);
        gateways
    }

    fn check_invariants(gateways: &Self, model: &Model) {
        assert_eq!(gateways.families.len(), model.families.len());
        for (family, given) in model.families.iter().zip(&gateways.families) {
            assert_eq!(family.made.len(), given.pairs.len(), "one successor each");
            gateways.check_family(family, given, model.now);
        }
        for (user, name) in USERS.iter().enumerate() {
            let mut expected: Vec<_> = model
                .families
                .iter()
                .zip(&gateways.families)
                .filter(|(family, _)| family.user == user && family.is_live(model.now))
                .map(|(family, given)| (family.made[family.current()], given.public_id.clone()))
                .collect();
            expected.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
            let user = member(name).id().clone();
            for replica in &gateways.replicas {
                let listed = replica.sessions.list(&user, model.now);
                let listed = gateways.runtime.block_on(listed).expect("the store answers");
                let listed: Vec<_> = listed.into_iter().map(|line| (line.last_seen_ms, line.id)).collect();
                assert_eq!(listed, expected, "newest use first");
            }
        }
    }
}

/// How many lives of how many steps: small enough for every run of the tests.
fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() }
}

prop_state_machine! {
    #![proptest_config(config(48))]

    #[test]
    fn families_keep_their_promises_in_memory(sequential 1..40 => Gateways<InMemory>);
}

prop_state_machine! {
    #![proptest_config(config(12))]

    #[test]
    fn families_keep_their_promises_on_disk(sequential 1..40 => Gateways<OnDisk>);
}

prop_state_machine! {
    #![proptest_config(config(12))]

    #[test]
    fn families_keep_their_promises_on_redis(sequential 1..40 => Gateways<OnRedis>);
}
