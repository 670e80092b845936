//! What admits and sends the mail of the outbox, behind the answers.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    MailError, MailOptions,
    message::Draft,
    options::TIMEOUT,
    outbox::{self, Ready},
    transport::{SendError, Transport},
};
use crate::{db::Database, http::Failure};

/// Mails under way at a time.
const AT_ONCE: usize = 4;
/// How long a mail is one process's to send: longer than a connection and an exchange may take.
const LEASE: Duration = TIMEOUT.saturating_mul(3);
/// How long the worker rests after the database has refused.
const REST: Duration = Duration::from_secs(1);
/// How long it waits where nothing is due: another process on the same database may have posted something.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// The least that it waits, so that a row that nobody takes is not looked for without a pause.
const LEAST_WAIT: Duration = Duration::from_millis(50);

/// The worker; it ends with this.
pub(crate) struct Mailer {
    posted: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Mailer {
    /// Starts it. Mail that an earlier process left behind is sent first.
    pub(crate) fn start(db: Database, options: &MailOptions) -> Result<Self, MailError> {
        let (posted, transport) = (Arc::new(Notify::new()), Transport::new(options)?);
        let worker = Worker { db, transport, options: options.clone(), admitted: Notify::new() };
        let task = tokio::spawn(worker.run(Arc::clone(&posted)));
        Ok(Self { posted, task })
    }

    /// Something was posted, and is committed.
    pub(crate) fn wake(&self) {
        self.posted.notify_one();
    }
}

impl Drop for Mailer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Worker {
    db: Database,
    transport: Transport,
    options: MailOptions,
    /// A row was let through.
    admitted: Notify,
}

impl Worker {
    async fn run(self, posted: Arc<Notify>) {
        if let Err(error) = self.db.write(outbox::all_due).await {
            report(&error);
        }
        // Two loops: a mail server that hangs must not pile up the requests of strangers.
        tokio::join!(self.admit_all(&posted), self.send_all());
    }

    async fn admit_all(&self, posted: &Notify) {
        let most = self.options.links_per_hour;
        loop {
            match self.db.write(move |tx| outbox::admit(tx, most)).await {
                Ok(true) => {}
                Ok(false) => {
                    self.admitted.notify_one();
                    // Whatever is posted from here on wakes it; what another process posts is found by looking.
                    let _ = timeout(LOOK_AGAIN, posted.notified()).await;
                }
                Err(error) => {
                    report(&error);
                    sleep(REST).await;
                }
            }
        }
    }

    async fn send_all(&self) {
        loop {
            match self.send_due().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => {
                    report(&error);
                    sleep(REST).await;
                    continue;
                }
            }
            let wait = match self.db.read(outbox::next_due).await {
                Ok(due) => due.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN),
                Err(error) => {
                    report(&error);
                    REST
                }
            };
            let _ = timeout(wait.max(LEAST_WAIT), self.admitted.notified()).await;
        }
    }

    /// Sends what is due; says how many there were.
    async fn send_due(&self) -> Result<usize, Failure> {
        let life = self.options.link_life;
        let ready = self.db.write(move |tx| outbox::take(tx, LEASE, life)).await?;
        let count = ready.len();
        stream::iter(ready).for_each_concurrent(AT_ONCE, |one| self.send(one)).await;
        Ok(count)
    }

    async fn send(&self, Ready { row, token }: Ready) {
        let link = row
            .kind
            .page()
            .zip(token)
            .map(|((page, _), token)| (self.options.link(page, &token), self.options.link_life));
        let draft = Draft {
            kind: row.kind,
            locale: row.locale,
            sender: &self.transport.sender,
            recipient: &row.recipient,
            link,
            id: format!("{}.{}.{}", row.id, row.created_at, row.attempts),
        };
        let (id, kind, attempts) = (row.id, row.kind.as_str(), row.attempts);
        let sent = self.transport.send(draft).await;
        let settled =
            match &sent {
                Ok(()) => {
                    tracing::info!(mail.kind = kind, "mail was sent");
                    self.db.write(move |tx| outbox::remove(tx, id)).await
                }
                Err(error) => {
                    tracing::warn!(
                        error = error as &dyn std::error::Error,
                        mail.kind = kind,
                        "mail was not sent"
                    );
                    let final_ = matches!(error, SendError::Permanent(_));
                    self.db
                        .write(move |tx| {
                            if final_ { outbox::remove(tx, id) } else { outbox::put_off(tx, id, attempts) }
                        })
                        .await
                }
            };
        if let Err(error) = settled {
            report(&error);
        }
    }
}

fn report(error: &Failure) {
    tracing::error!(error = error as &dyn std::error::Error, "the outbox cannot be worked on");
}
