//! Mail to members. A handler posts a row to the outbox in the transaction that the mail tells of, and answers: what was
//! answered is mailed, also when the mail server is away for a while or this process is killed.
//!
//! ```text
//! post     a row, in the handler's transaction; one for each kind, address and member at a time
//! admit    whose address it is, and whether it had its share of links lately: the row is let through or dropped
//! send     a link's token is made, the mail is handed to the server, the row is deleted; in this order, so that a crash
//!          sends it twice rather than never
//! ```
//!
//! `admit` and `send` run behind the answers, so that nobody can tell by the time of an answer whether there is such an
//! account.

mod kind;
mod language;
mod limits;
mod message;
mod options;
mod outbox;
mod texts;
mod transport;
mod worker;

pub(super) use kind::Kind;
pub(super) use language::{Language, Locale};
pub use options::{MailError, MailOptions, SmtpUrl};
pub(super) use outbox::Mail;
pub(super) use worker::Mailer;
