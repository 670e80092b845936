//! Hands out what is in the log.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::{
    inbox::{End, Posted},
    message::Message,
    state::Inner,
};
use crate::store::LogId;

/// The dispatcher fetches so many messages at once, and visits so many connections before it lets others run.
const BATCH: usize = 64;
const PAGE: usize = 256;
/// How often the log forgets what is too old when nothing is published.
const EVICT_EVERY: Duration = Duration::from_secs(30);

/// Carries messages from the log to the inboxes, in the log's order: a connection that heard of one message has
/// heard of all before it. One task for all, so that whoever publishes to a crowd does not wait for the crowd.
pub(super) async fn run(hub: Weak<Inner>, start: LogId) {
    let mut done = start;
    while let Some(inner) = hub.upgrade() {
        match inner.log.after(done, None, BATCH) {
            Ok(batch) if batch.is_empty() => {
                // What is too old must go even if nobody speaks any more.
                if tokio::time::timeout(EVICT_EVERY, inner.log.grown()).await.is_err() {
                    inner.log.evict();
                }
            }
            Ok(batch) => {
                for message in batch {
                    done = message.position;
                    deliver(&inner, &message).await;
                }
            }
            Err(_) => {
                // More was published meanwhile than the log holds, or the log was cut. Nobody may take the gap for
                // silence.
                tracing::warn!("live messages were not handed out: connections are told to come back");
                done = inner.log.last();
                inner.sessions.each(|inbox| inbox.end(End::TooSlow));
            }
        }
    }
}

async fn deliver(hub: &Inner, message: &Arc<Message>) {
    let mut after = 0;
    loop {
        let page = hub.topics.page(&message.topic, after, PAGE);
        for (number, inbox) in &page {
            after = *number;
            if let Posted::Overflowed(lost) = inbox.post(message) {
                hub.metrics.live_slow_readers.inc();
                hub.metrics.live_dropped.inc_by(lost as u64);
            }
        }
        if page.len() < PAGE {
            return;
        }
        tokio::task::yield_now().await;
    }
}
