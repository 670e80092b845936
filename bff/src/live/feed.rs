//! One connection's messages in their order, whichever transport carries them.

use std::{collections::VecDeque, fmt, pin::Pin, sync::Arc, time::Duration};

use schemas::Id;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    Topic,
    hub::{Hub, Membership, Refused},
    inbox::{End, Next},
    log::Reach,
    message::{EncodedMessage, Message},
    words::{self, Fault},
};
use crate::{
    identity::{Session, Sessions},
    store::LogId,
    telemetry::unix_ms,
};

/// Topics of one connection, its own one besides.
pub(super) const MAX_TOPICS: usize = 100;
/// Messages that are read out of the log at once.
const CHUNK: usize = 256;

/// What a transport does next.
#[derive(Debug)]
pub(super) enum Step {
    Say(EncodedMessage),
    /// Time for a sign of life.
    Beat,
    End(End),
}

/// Who listens to what, from where on.
pub(super) struct Listener<'a> {
    pub(super) user: &'a Id,
    pub(super) session: &'a Session,
    pub(super) sessions: Sessions,
    pub(super) topics: Vec<String>,
    /// The id of the last message that was seen; nothing: from now on.
    pub(super) last: Option<&'a str>,
}

/// The messages of one connection.
///
/// It joins the hub first and looks at the log after that, so that each message is in one of both; what is in both
/// is told apart by its position. While it catches up from the log its inbox stays shut: a connection that
/// missed much does not count as slow for it.
///
/// Nothing is said before [`Sessions`] vouches for the session. What is to be said waits meanwhile, in here and in the
/// inbox, which is bounded.
pub(super) struct Feed {
    membership: Membership,
    user: Id,
    sessions: Sessions,
    /// To be said before anything else.
    first: VecDeque<EncodedMessage>,
    catching_up: Option<CatchUp>,
    /// What is there or before was said, or came before the connection.
    floor: LogId,
    /// When a sign of life is due, and when a look at the session.
    beat: Instant,
    look: Instant,
    /// Until the first of both.
    timer: Pin<Box<Sleep>>,
}

/// How far the log was read, and how far it is to be read.
#[derive(Debug)]
struct CatchUp {
    seen: LogId,
    until: LogId,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("membership", &self.membership).finish_non_exhaustive()
    }
}

impl Feed {
    /// # Errors
    /// [`Refused`].
    pub(super) async fn join(hub: &Hub, listener: Listener<'_>) -> Result<Self, Refused> {
        let membership = hub.join(listener.user, listener.session.key)?;
        let now = Instant::now();
        let beat = now + hub.settings().heartbeat;
        let look = now + hub.settings().look_every();
        let mut feed = Self {
            membership,
            user: listener.user.clone(),
            sessions: listener.sessions,
            first: VecDeque::new(),
            catching_up: None,
            floor: LogId::default(),
            beat,
            look,
            timer: Box::pin(sleep_until(beat.min(look))),
        };
        let (_, errors) = feed.subscribe_each(&listener.topics);
        feed.begin(listener.last).await;
        feed.first.extend(errors);
        Ok(feed)
    }

    /// Decides where the connection begins, after it has joined.
    async fn begin(&mut self, last: Option<&str>) {
        let hub = self.membership.hub.clone();
        let log = hub.log();
        let seen = last.and_then(|last| last.parse::<LogId>().ok());
        let mut reach = seen.map_or(Reach::Gone, |seen| log.reach(seen));
        if let (Reach::Ahead, Some(seen)) = (reach, seen) {
            reach = Reach::Gone;
            if hub.is_said_elsewhere(seen).await {
                // Opened before the log is looked at again: what comes after that look is not missed.
                self.membership.inbox.open();
                reach = log.reach(seen);
            }
        }
        match (reach, seen) {
            (Reach::Held, Some(seen)) => {
                self.first.push_back(words::ready(seen, self.membership.topics(), true));
                self.catching_up = Some(CatchUp { seen, until: log.last() });
            }
            (Reach::Ahead, Some(seen)) => {
                self.first.push_back(words::ready(seen, self.membership.topics(), true));
                self.floor = seen;
            }
            _ => {
                self.membership.inbox.open();
                self.floor = log.last();
                if last.is_some() {
                    self.first.push_back(words::reset(self.floor));
                }
                self.first.push_back(words::ready(self.floor, self.membership.topics(), false));
            }
        }
    }

    /// What comes next. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Step {
        loop {
            if let Some(end) = self.membership.inbox.why_ended().filter(|end| *end != End::GoingAway) {
                return Step::End(end);
            }
            if !self.first.is_empty() {
                // First, so that nothing is lost where this is dropped while it waits.
                if let Err(end) = self.signed_in().await {
                    return Step::End(end);
                }
                if let Some(words) = self.first.pop_front() {
                    return Step::Say(words);
                }
            }
            if self.catching_up.is_some() {
                self.catch_up();
                continue;
            }
            tokio::select! {
                next = self.membership.inbox.next() => match next {
                    Next::Message(message) if message.position <= self.floor => {}
                    Next::Message(message) => self.first.extend(self.heard(&message)),
                    Next::End(end) => return Step::End(end),
                },
                () = &mut self.timer => if let Some(step) = self.on_time().await {
                    return step;
                },
            }
        }
    }

    /// What the time brings: a look at the session, and where it is due a beat.
    async fn on_time(&mut self) -> Option<Step> {
        let next = match self.signed_in_meanwhile().await {
            Ok(next) => next,
            Err(end) => return Some(Step::End(end)),
        };
        let (now, settings) = (Instant::now(), *self.membership.hub.settings());
        self.look = now + next;
        let beats = self.beat <= now;
        self.beat_at(if beats { now + settings.heartbeat } else { self.beat });
        beats.then_some(Step::Beat)
    }

    /// Waits until the session is known to go on, which it mostly is at once. May be dropped.
    async fn signed_in(&self) -> Result<(), End> {
        let Membership { hub, session, inbox, .. } = &self.membership;
        if self.sessions.vouches_for(session, unix_ms()) {
            return Ok(());
        }
        tokio::select! {
            // Every connection has room for what this future may hold.
            looked = Box::pin(hub.looks().look(&self.sessions, session)) => looked,
            end = inbox.ended() => Err(end),
        }
    }

    /// The same where nothing is to be said: while the grace goes on, the store need not answer. When the next look is
    /// due. May be dropped.
    async fn signed_in_meanwhile(&self) -> Result<Duration, End> {
        let Membership { hub, session, .. } = &self.membership;
        let every = hub.settings().look_every();
        if self.sessions.bridged(session).is_none() {
            return self.signed_in().await.map(|()| every);
        }
        Box::pin(hub.looks().glance(&self.sessions, session)).await?;
        // At the grace's end, and not before: a millisecond is what it is counted in.
        let left = self.sessions.bridged(session).unwrap_or_default() + Duration::from_millis(1);
        Ok(every.min(left))
    }

    /// When the next beat is due, where the usual time is too late.
    pub(super) fn beat_at(&mut self, when: Instant) {
        self.beat = when;
        self.timer.as_mut().reset(self.beat.min(self.look));
    }

    /// Waits until the gateway ends the connection. May be dropped; not to be awaited beside [`Feed::next`].
    pub(super) async fn ended(&self) -> End {
        self.membership.inbox.ended().await
    }

    /// Where it belongs to.
    pub(super) fn hub(&self) -> &Hub {
        &self.membership.hub
    }

    /// Adds topics; what is to be said about it.
    pub(super) fn subscribe(&mut self, wanted: &[String]) -> Vec<EncodedMessage> {
        let (taken, mut said) = self.subscribe_each(wanted);
        said.push(words::subscribed(&taken));
        said
    }

    /// Takes topics away; what is to be said about it.
    pub(super) fn unsubscribe(&mut self, unwanted: &[String]) -> Vec<EncodedMessage> {
        let (mut said, mut left) = (Vec::new(), Vec::new());
        for (place, text) in unwanted.iter().enumerate() {
            if place == MAX_TOPICS {
                said.push(words::error(Fault::TooManyTopics, Some(text)));
                break;
            }
            match self.membership.hub.topic_rules().parse(text) {
                None => said.push(words::error(Fault::UnknownTopic, Some(text))),
                Some(topic) if topic == self.membership.topics()[0] => {
                    said.push(words::error(Fault::OwnTopic, Some(text)));
                }
                Some(topic) => {
                    self.membership.stop_listening(&topic);
                    left.push(topic);
                }
            }
        }
        said.push(words::unsubscribed(&left));
        said
    }

    /// Which of them the connection listens to now, and what is to be said about the others.
    fn subscribe_each(&mut self, wanted: &[String]) -> (Vec<Topic>, Vec<EncodedMessage>) {
        let (mut taken, mut errors) = (Vec::new(), Vec::new());
        for (place, text) in wanted.iter().enumerate() {
            // Whether it is refused or not, a topic costs: the list itself is bounded, and the rest of it is one error.
            let admitted = if place < MAX_TOPICS { self.admit(text) } else { Err(Fault::TooManyTopics) };
            match admitted {
                Ok(topic) => {
                    self.membership.listen(topic.clone());
                    taken.push(topic);
                }
                Err(fault) => {
                    errors.push(words::error(fault, Some(text)));
                    if fault == Fault::TooManyTopics {
                        break;
                    }
                }
            }
        }
        (taken, errors)
    }

    fn admit(&self, text: &str) -> Result<Topic, Fault> {
        let rules = self.membership.hub.topic_rules();
        let topic = rules.parse(text).ok_or(Fault::UnknownTopic)?;
        let topics = self.membership.topics();
        if !rules.is_open_to(&topic, &self.user) {
            Err(Fault::ForbiddenTopic)
        } else if topics.len() > MAX_TOPICS && !topics.contains(&topic) {
            Err(Fault::TooManyTopics)
        } else {
            Ok(topic)
        }
    }

    /// Reads on in the log, or goes over to the inbox where the log is read.
    fn catch_up(&mut self) {
        let Some(CatchUp { seen, until }) = self.catching_up.take() else { return };
        let hub = self.membership.hub.clone();
        match hub.log().after(seen, Some(until), CHUNK) {
            Ok(chunk) => {
                let read = chunk.last().map(|message| message.position);
                let heard: Vec<_> = chunk.iter().filter_map(|message| self.heard(message)).collect();
                self.first.extend(heard);
                match read {
                    Some(seen) => self.catching_up = Some(CatchUp { seen, until }),
                    // From here on the inbox misses nothing; what came until now is read once more.
                    None if !self.membership.inbox.is_open() => {
                        self.membership.inbox.open();
                        self.catching_up = Some(CatchUp { seen, until: hub.log().last() });
                    }
                    None => self.floor = seen,
                }
            }
            Err(_) => {
                // It was overtaken while it read.
                self.membership.inbox.open();
                self.floor = hub.log().last();
                self.first.push_back(words::reset(self.floor));
            }
        }
    }

    /// The words of a message that is still wanted.
    fn heard(&self, message: &Arc<Message>) -> Option<EncodedMessage> {
        // It may have waited while its topic was left.
        let wanted = self.membership.topics().contains(&message.topic);
        wanted.then(|| {
            self.membership.hub.metrics().live_delivered.inc();
            message.words.clone()
        })
    }
}
