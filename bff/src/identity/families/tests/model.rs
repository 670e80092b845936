//! What families are to do, in as few words as possible: no tokens, no store, no replicas. The state machine test lets
//! two gateways and this run side by side.

use proptest::{
    prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof},
    sample::Index,
};
use proptest_state_machine::ReferenceStateMachine;

use super::{DAY, MINUTE, SECOND};
use crate::telemetry::unix_ms;

const ACCESS_MS: u64 = 15 * MINUTE;
const REFRESH_MS: u64 = 14 * DAY;
const RETRY_MS: u64 = 10 * SECOND;
const ROTATIONS_AT_ONCE: usize = 128;

pub(super) const USERS: [&str; 2] = ["ada", "bo"];

/// All families that there ever were, and the time. Milliseconds throughout.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) now: u64,
    pub(super) families: Vec<FamilyModel>,
    /// What the last step was answered with.
    pub(super) answer: Answer,
}

#[derive(Debug, Clone)]
pub(super) struct FamilyModel {
    pub(super) user: usize,
    pub(super) cookie: bool,
    pub(super) end: u64,
    pub(super) ended: bool,
    /// When each generation of its tokens was made; the last one is current.
    pub(super) made: Vec<u64>,
    /// Whether the current one is known to have arrived: an access token that was given out with it was used. The first
    /// one answers no refresh.
    pub(super) arrived: bool,
}

/// One thing that happens, on the first or on the second replica. Families and generations are numbers in the model.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Issue {
        on: usize,
        user: usize,
        cookie: bool,
    },
    Refresh {
        on: usize,
        family: usize,
        generation: usize,
        wrong_channel: bool,
    },
    /// So many times, each with the newest token.
    Burst {
        on: usize,
        family: usize,
        times: usize,
    },
    /// Fifty at once with one token, on both replicas.
    Stampede {
        family: usize,
        generation: usize,
    },
    /// With the current token, changed in one byte.
    Forge {
        on: usize,
        family: usize,
        byte: usize,
    },
    /// The newest access token.
    Use {
        on: usize,
        family: usize,
    },
    Revoke {
        on: usize,
        family: usize,
        generation: usize,
    },
    EndAll {
        on: usize,
        user: usize,
        except: Option<usize>,
    },
    EndListed {
        on: usize,
        family: usize,
    },
    Wait {
        ms: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    None,
    Issued,
    /// A pair of that generation: a new one, or one that was made before.
    Pair(usize),
    /// The refresh token of that generation, which was given out before, with a new access token.
    Refetcher(usize),
    Invalid,
    Reused,
    TooFast,
    /// How many sign-ins ended.
    Ended(usize),
}

impl FamilyModel {
    pub(super) fn is_live(&self, now: u64) -> bool {
        !self.ended && now < self.end
    }

    pub(super) fn current(&self) -> usize {
        self.made.len() - 1
    }

    /// Whether the access token of that generation is good.
    pub(super) fn admits(&self, generation: usize, now: u64) -> bool {
        let token_end = (self.made[generation] + ACCESS_MS).min(self.end) / SECOND * SECOND;
        self.is_live(now) && now < token_end
    }

    fn refresh(&mut self, generation: usize, now: u64) -> Answer {
        if !self.is_live(now) {
            return Answer::Invalid;
        }
        if generation == self.current() {
            let recent = self.made[1..].iter().filter(|at| now - **at < RETRY_MS).count();
            if recent >= ROTATIONS_AT_ONCE {
                return Answer::TooFast;
            }
            self.made.push(now);
            self.arrived = false;
            return Answer::Pair(generation + 1);
        }
        if now - self.made[generation + 1] < RETRY_MS {
            return Answer::Pair(generation + 1);
        }
        if generation + 1 == self.current() && !self.arrived {
            return Answer::Refetcher(generation + 1);
        }
        self.ended = true;
        Answer::Reused
    }

    fn end(&mut self) -> usize {
        usize::from(!std::mem::replace(&mut self.ended, true))
    }
}

impl Model {
    fn step(&mut self, step: &Step) -> Answer {
        let now = self.now;
        match *step {
            Step::Issue { user, cookie, .. } => {
                let (made, end) = (vec![now], now + REFRESH_MS);
                self.families.push(FamilyModel { user, cookie, end, ended: false, made, arrived: true });
                Answer::Issued
            }
            Step::Refresh { wrong_channel: true, .. } | Step::Forge { .. } => Answer::Invalid,
            Step::Refresh { family, generation, .. } | Step::Stampede { family, generation } => {
                self.families[family].refresh(generation, now)
            }
            Step::Burst { family, times, .. } => {
                let family = &mut self.families[family];
                (0..times).map(|_| family.refresh(family.current(), now)).last().unwrap_or(Answer::None)
            }
            Step::Use { family, .. } => {
                let family = &mut self.families[family];
                family.arrived |= family.admits(family.current(), now);
                Answer::None
            }
            Step::Revoke { family, .. } => {
                let family = &mut self.families[family];
                Answer::Ended(if family.is_live(now) { family.end() } else { 0 })
            }
            Step::EndAll { user, except, .. } => {
                let others = self.families.iter_mut().enumerate();
                let chosen = others.filter(|(at, family)| family.user == user && Some(*at) != except);
                Answer::Ended(chosen.map(|(_, family)| family.end()).sum())
            }
            Step::EndListed { family, .. } => Answer::Ended(self.families[family].end()),
            Step::Wait { ms } => {
                self.now += ms;
                Answer::None
            }
        }
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        // The store judges expiry by its own clock.
        let start = unix_ms();
        (0..SECOND)
            .prop_map(move |ms| Self { now: start + ms, families: Vec::new(), answer: Answer::None })
            .boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        let issue = (0..2_usize, 0..USERS.len(), any::<bool>())
            .prop_map(|(on, user, cookie)| Step::Issue { on, user, cookie })
            .boxed();
        if state.families.is_empty() {
            return issue;
        }
        let sizes: Vec<_> = state.families.iter().map(|family| family.made.len()).collect();
        let families = sizes.len();
        // The newest token is the one that is presented most.
        let token = (any::<Index>(), prop_oneof![2 => Just(0), 1 => 1..4_usize, 1 => 0..100_usize]).prop_map(
            move |(family, back)| {
                let family = family.index(sizes.len());
                (family, (sizes[family] - 1).saturating_sub(back))
            },
        );
        let on = 0..2_usize;
        let pause = prop_oneof![
            4 => 0..12 * SECOND,
            1 => Just(RETRY_MS - 1),
            1 => Just(RETRY_MS),
            2 => 0..2 * ACCESS_MS,
            1 => 0..8 * DAY,
        ];
        prop_oneof![
            2 => issue,
            8 => (on.clone(), token.clone(), 0..8_u8).prop_map(|(on, (family, generation), channel)| {
                Step::Refresh { on, family, generation, wrong_channel: channel == 0 }
            }),
            2 => (on.clone(), 0..families, prop_oneof![15 => 1..24_usize, 1 => 120..140_usize])
                .prop_map(|(on, family, times)| Step::Burst { on, family, times }),
            3 => token.clone().prop_map(|(family, generation)| Step::Stampede { family, generation }),
            2 => (on.clone(), 0..families, 0..68_usize)
                .prop_map(|(on, family, byte)| Step::Forge { on, family, byte }),
            4 => (on.clone(), 0..families).prop_map(|(on, family)| Step::Use { on, family }),
            1 => (on.clone(), token)
                .prop_map(|(on, (family, generation))| Step::Revoke { on, family, generation }),
            1 => (on.clone(), 0..USERS.len(), proptest::option::of(0..families))
                .prop_map(|(on, user, except)| Step::EndAll { on, user, except }),
            1 => (on, 0..families).prop_map(|(on, family)| Step::EndListed { on, family }),
            6 => pause.prop_map(|ms| Step::Wait { ms }),
        ]
        .boxed()
    }

    fn apply(mut state: Self, step: &Step) -> Self {
        state.answer = state.step(step);
        state
    }

    /// Steps that were taken away by shrinking may have made what later ones speak of.
    fn preconditions(state: &Self, step: &Step) -> bool {
        let exists = |family: usize, generation: usize| {
            state.families.get(family).is_some_and(|family| generation < family.made.len())
        };
        match *step {
            Step::Refresh { family, generation, .. }
            | Step::Stampede { family, generation }
            | Step::Revoke { family, generation, .. } => exists(family, generation),
            Step::Burst { family, .. }
            | Step::Forge { family, .. }
            | Step::Use { family, .. }
            | Step::EndListed { family, .. } => exists(family, 0),
            Step::EndAll { except, .. } => except.is_none_or(|family| exists(family, 0)),
            Step::Issue { .. } | Step::Wait { .. } => true,
        }
    }
}
