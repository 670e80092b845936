//! Where mail goes: to a mail server (RFC 5321), or to the log.

use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox};

use super::{
    MailError, MailOptions,
    message::{Draft, DraftError},
};

pub(super) struct Transport {
    smtp: Option<AsyncSmtpTransport<Tokio1Executor>>,
    pub(super) sender: Mailbox,
}

/// A mail did not go out.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// It never will: it cannot be written, or the mail server refuses it for good (5xx).
    #[error("a mail is refused for good")]
    Permanent(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The mail server is away, or refuses it for now (4xx).
    #[error("the mail server does not take a mail")]
    Transient(#[source] lettre::transport::smtp::Error),
}

impl From<DraftError> for SendError {
    fn from(error: DraftError) -> Self {
        Self::Permanent(error.into())
    }
}

impl Transport {
    pub(super) fn new(options: &MailOptions) -> Result<Self, MailError> {
        options.check()?;
        let smtp = options.smtp.as_ref().map(super::SmtpUrl::transport).transpose()?;
        Ok(Self { smtp, sender: options.mailbox()? })
    }

    pub(super) async fn send(&self, draft: Draft<'_>) -> Result<(), SendError> {
        let Some(smtp) = &self.smtp else {
            let (subject, text) = draft.filled();
            let recipient = draft.recipient;
            tracing::info!(
                "mail, printed because no mail server is set\nTo: {recipient}\nSubject: {subject}\n\n{text}"
            );
            return Ok(());
        };
        let message: Message = draft.message()?;
        match smtp.send(message).await {
            Ok(_) => Ok(()),
            // That it knows no such user is final; that we may not send at all is for the operator to mend.
            Err(error) if error.is_permanent() && !is_ours(&error) => Err(SendError::Permanent(error.into())),
            Err(error) => Err(SendError::Transient(error)),
        }
    }
}

/// Whether it is this service that the mail server turns away, and not the mail: 530, 534, 535, 538 (RFC 4954 section 6).
fn is_ours(error: &lettre::transport::smtp::Error) -> bool {
    error.status().is_some_and(|code| ["530", "534", "535", "538"].contains(&code.to_string().as_str()))
}
