//! A feed over a WebSocket (RFC 6455).

use std::time::Duration;

use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, ProtocolError, Session};
use tokio::time::{Instant, timeout};

use super::{
    command::obey,
    feed::{Feed, Step},
    inbox::End,
    message::EncodedMessage,
    pace::{Pace, Verdict},
    words::{self, Fault, close_code},
};

/// Largest message from a front-end, in bytes.
pub(super) const MAX_MESSAGE: usize = 4096;

/// How long a Close frame may wait for room behind what was sent before.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// Why a conversation is over.
enum Over {
    /// The gateway ends it.
    End(End),
    /// The front-end ends it, with its own Close frame to be answered.
    Closed(Option<CloseReason>),
    /// The front-end broke the rules.
    Broken(CloseCode, &'static str),
    /// Nobody is there any more.
    Lost,
}

/// Carries `feed` until one side ends it.
pub(super) async fn serve(mut feed: Feed, mut out: Session, mut incoming: AggregatedMessageStream) {
    let reason = match converse(&mut feed, &mut out, &mut incoming).await {
        Over::Lost => return,
        Over::Closed(reason) => reason,
        Over::Broken(code, text) => Some(CloseReason { code, description: Some(text.into()) }),
        Over::End(end) => {
            let (code, text) = close_code(end);
            Some(CloseReason { code: code.into(), description: Some(text.into()) })
        }
    };
    // It listens no more, and its place is free, also while the last frame waits.
    drop(feed);
    // Whoever does not take it in this time is cut off without.
    let _ = timeout(CLOSE_PATIENCE, out.close(reason)).await;
}

async fn converse(feed: &mut Feed, out: &mut Session, incoming: &mut AggregatedMessageStream) -> Over {
    let mut heard = Instant::now();
    let mut pace = Pace::new(heard);
    loop {
        let done = tokio::select! {
            step = feed.next() => match step {
                Step::Say(words) => say(feed, out, words).await,
                Step::End(end) => Err(Over::End(end)),
                Step::Beat => beat(feed, out, heard).await,
            },
            message = incoming.recv() => {
                heard = Instant::now();
                match message {
                    Some(Ok(message)) => answer(feed, out, message, pace.take(heard)).await,
                    Some(Err(error)) => Err(broken(&error)),
                    None => Err(Over::Lost),
                }
            }
        };
        if let Err(over) = done {
            return over;
        }
    }
}

async fn answer(
    feed: &mut Feed,
    out: &mut Session,
    message: AggregatedMessage,
    verdict: Verdict,
) -> Result<(), Over> {
    match verdict {
        Verdict::Fine => {}
        Verdict::Warned => return say(feed, out, words::error(Fault::TooManyCommands, None)).await,
        Verdict::Ignored if !matches!(message, AggregatedMessage::Close(_)) => return Ok(()),
        Verdict::Ignored => {}
        Verdict::Ended => return Err(Over::Broken(CloseCode::Policy, "too many messages")),
    }
    match message {
        AggregatedMessage::Text(text) => {
            for words in obey(feed, &text) {
                say(feed, out, words).await?;
            }
            Ok(())
        }
        AggregatedMessage::Binary(_) => Err(Over::Broken(CloseCode::Unsupported, "text messages alone")),
        AggregatedMessage::Ping(payload) => sent(feed, out.pong(&payload)).await,
        AggregatedMessage::Pong(_) => Ok(()),
        AggregatedMessage::Close(reason) => Err(Over::Closed(reason)),
    }
}

async fn say(feed: &Feed, out: &mut Session, words: EncodedMessage) -> Result<(), Over> {
    sent(feed, out.text(words.text)).await
}

/// Waits for room, unless the connection ends meanwhile: who reads slowly must not keep an ended connection open.
async fn sent<E>(feed: &Feed, sending: impl Future<Output = Result<(), E>>) -> Result<(), Over> {
    tokio::select! {
        biased;
        sent = sending => sent.map_err(|_| Over::Lost),
        end = feed.ended() => Err(Over::End(end)),
    }
}

async fn beat(feed: &mut Feed, out: &mut Session, heard: Instant) -> Result<(), Over> {
    let settings = *feed.hub().settings();
    let (now, dead) = (Instant::now(), heard + settings.dead_after);
    if now >= dead {
        // It vanished without a word: a Close frame would reach nobody.
        return Err(Over::Lost);
    }
    feed.beat_at(dead.min(now + settings.heartbeat));
    sent(feed, out.ping(b"")).await
}

fn broken(error: &ProtocolError) -> Over {
    match error {
        ProtocolError::Overflow => Over::Broken(CloseCode::Size, "message too large"),
        // Lost connections, and continued messages that are too large or no UTF-8, come as this.
        ProtocolError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Over::Broken(CloseCode::Invalid, "not UTF-8")
        }
        ProtocolError::Io(_) => Over::Broken(CloseCode::Size, "message too large"),
        _ => Over::Broken(CloseCode::Protocol, "not as RFC 6455 says"),
    }
}
