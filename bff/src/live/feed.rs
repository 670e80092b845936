//! One connection's messages in their order, whichever transport carries them.

use std::{collections::VecDeque, fmt, pin::Pin, sync::Arc};

use schemas::Id;
use tokio::time::{Instant, Sleep, sleep};

use super::{
    Topic,
    hub::{Hub, Membership, Refused},
    inbox::{End, Next},
    log::Reach,
    message::{Message, Words},
    words::{self, Fault},
};
use crate::{
    identity::{Session, Sessions},
    store::LogId,
    telemetry::unix_ms,
};

/// Topics of one connection, its own one besides.
const MAX_TOPICS: usize = 100;
/// Messages that are read out of the log at once.
const CHUNK: usize = 256;

/// What a transport does next.
#[derive(Debug)]
pub(super) enum Step {
    Say(Words),
    /// Time for a sign of life, and to ask [`Feed::is_signed_in`].
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
pub(super) struct Feed {
    membership: Membership,
    user: Id,
    sessions: Sessions,
    /// To be said before anything else.
    first: VecDeque<Words>,
    catching_up: Option<CatchUp>,
    /// What is there or before was said, or came before the connection.
    floor: LogId,
    beat: Pin<Box<Sleep>>,
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
        let heartbeat = hub.settings().heartbeat;
        let mut feed = Self {
            membership,
            user: listener.user.clone(),
            sessions: listener.sessions,
            first: VecDeque::new(),
            catching_up: None,
            floor: LogId::default(),
            beat: Box::pin(sleep(heartbeat)),
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
            if let Some(words) = self.first.pop_front() {
                return Step::Say(words);
            }
            if self.catching_up.is_some() {
                self.catch_up();
                continue;
            }
            tokio::select! {
                next = self.membership.inbox.next() => match next {
                    Next::Message(message) if message.position <= self.floor => {}
                    Next::Message(message) => if let Some(words) = self.heard(&message) {
                        return Step::Say(words);
                    },
                    Next::End(end) => return Step::End(end),
                },
                () = &mut self.beat => {
                    self.beat_at(Instant::now() + self.membership.hub.settings().heartbeat);
                    return Step::Beat;
                }
            }
        }
    }

    /// When the next beat is due, where the usual time is too late.
    pub(super) fn beat_at(&mut self, when: Instant) {
        self.beat.as_mut().reset(when);
    }

    /// Waits until the gateway ends the connection. May be dropped; not to be awaited beside [`Feed::next`].
    pub(super) async fn ended(&self) -> End {
        self.membership.inbox.ended().await
    }

    /// Whether the session goes on. Where the store does not say, the connection stays: the next beat asks again.
    /// Does not extend the session: an open page is no sign of somebody before it.
    pub(super) async fn is_signed_in(&self) -> bool {
        let found = self.sessions.find(&self.membership.session, unix_ms()).await;
        found.map_or(true, |session| session.is_some())
    }

    /// Where it belongs to.
    pub(super) fn hub(&self) -> &Hub {
        &self.membership.hub
    }

    /// Adds topics; what is to be said about it.
    pub(super) fn subscribe(&mut self, wanted: &[String]) -> Vec<Words> {
        let (taken, mut said) = self.subscribe_each(wanted);
        said.push(words::subscribed(&taken));
        said
    }

    /// Takes topics away; what is to be said about it.
    pub(super) fn unsubscribe(&mut self, unwanted: &[String]) -> Vec<Words> {
        let (mut said, mut left) = (Vec::new(), Vec::new());
        for text in unwanted {
            match Topic::parse(text) {
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
    fn subscribe_each(&mut self, wanted: &[String]) -> (Vec<Topic>, Vec<Words>) {
        let (mut taken, mut errors) = (Vec::new(), Vec::new());
        for text in wanted {
            match self.admit(text) {
                Ok(topic) => {
                    self.membership.listen(topic.clone());
                    taken.push(topic);
                }
                Err(fault) => errors.push(words::error(fault, Some(text))),
            }
        }
        (taken, errors)
    }

    fn admit(&self, text: &str) -> Result<Topic, Fault> {
        let topic = Topic::parse(text).ok_or(Fault::UnknownTopic)?;
        let topics = self.membership.topics();
        if !topic.is_open_to(&self.user) {
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
    fn heard(&self, message: &Arc<Message>) -> Option<Words> {
        // It may have waited while its topic was left.
        let wanted = self.membership.topics().contains(&message.topic);
        wanted.then(|| {
            self.membership.hub.metrics().live_delivered.inc();
            message.words.clone()
        })
    }
}
