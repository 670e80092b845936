//! What mail is sent with.

use std::{fmt, str::FromStr, time::Duration};

use lettre::{AsyncSmtpTransport, Tokio1Executor, message::Mailbox};
use url::Url;

/// Of one exchange with the mail server.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// How the profile service mails.
#[derive(Debug, Clone)]
pub struct MailOptions {
    /// The mail server; `None` writes mail to the log instead, which is for development.
    pub smtp: Option<SmtpUrl>,
    /// The sender: `Recipe book <no-reply@example.org>`.
    pub sender: String,
    /// Where links lead: the address of the app. `reset-password` and `confirm-email` are below it; the token is in the
    /// fragment, which browsers send to nobody.
    pub link_base: Url,
    /// How long a link is good for.
    pub link_life: Duration,
    /// How many links of a kind an address, and a member, may be mailed within an hour.
    pub links_per_hour: u32,
}

/// Address of a mail server: `smtp://HOST:PORT`, `smtp://USER:PASSWORD@HOST:587?tls=required`, `smtps://…`.
#[derive(Clone)]
pub struct SmtpUrl(String);

/// Mail cannot be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It is no URL of a mail server.
    #[error("the mail server's URL: smtp://HOST:PORT, smtp://…?tls=required or smtps://…")]
    Url(#[source] lettre::transport::smtp::Error),
    /// It is no mailbox.
    #[error("the sender: NAME <ADDRESS>")]
    Sender(#[source] lettre::address::AddressError),
    /// Links cannot begin with it.
    #[error("the base of links: an http or https URL")]
    LinkBase,
}

impl Default for MailOptions {
    /// To the log; links lead to the app on its development port.
    fn default() -> Self {
        Self {
            smtp: None,
            sender: "Recipe book <no-reply@localhost>".to_owned(),
            #[expect(clippy::expect_used, reason = "a constant, parsed by every test that starts a service")]
            link_base: Url::parse("http://localhost:3000/").expect("a sound URL"),
            link_life: Duration::from_secs(30 * 60),
            links_per_hour: 5,
        }
    }
}

impl MailOptions {
    pub(super) fn mailbox(&self) -> Result<Mailbox, MailError> {
        self.sender.parse().map_err(MailError::Sender)
    }

    /// `page` of the app, with `token` in the fragment.
    pub(super) fn link(&self, page: &str, token: &str) -> String {
        let base = self.link_base.as_str().split(['?', '#']).next().unwrap_or_default();
        format!("{}/{page}#token={token}", base.trim_end_matches('/'))
    }

    pub(super) fn check(&self) -> Result<(), MailError> {
        self.mailbox()?;
        let web = matches!(self.link_base.scheme(), "http" | "https");
        if web { Ok(()) } else { Err(MailError::LinkBase) }
    }
}

impl SmtpUrl {
    pub(super) fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&self.0).map_err(MailError::Url)?;
        Ok(builder.timeout(Some(TIMEOUT)).build())
    }
}

impl FromStr for SmtpUrl {
    type Err = MailError;

    fn from_str(text: &str) -> Result<Self, MailError> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(text);
        builder.map(|_| Self(text.to_owned())).map_err(MailError::Url)
    }
}

impl fmt::Debug for SmtpUrl {
    /// It may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpUrl")
    }
}

#[cfg(test)]
mod tests {
    use super::{MailOptions, SmtpUrl};

    #[test]
    fn a_link_has_its_token_where_no_server_sees_it() {
        for (base, link) in [
            ("https://app.example", "https://app.example/reset-password#token=abc"),
            ("https://app.example/", "https://app.example/reset-password#token=abc"),
            ("https://app.example/book/?a=b#c", "https://app.example/book/reset-password#token=abc"),
        ] {
            let options = MailOptions { link_base: base.parse().expect("a URL"), ..MailOptions::default() };
            assert_eq!(options.link("reset-password", "abc"), link);
        }
    }

    #[test]
    fn settings_are_checked_before_anything_is_served() {
        assert!(MailOptions::default().check().is_ok());
        for (sender, base) in [("nobody", "https://a.example"), ("a@b.example", "ftp://a.example")] {
            let link_base = base.parse().expect("a URL");
            let options = MailOptions { sender: sender.to_owned(), link_base, ..MailOptions::default() };
            assert!(options.check().is_err(), "{sender} {base}");
        }
        for (url, sound) in [
            ("smtp://127.0.0.1:2525", true),
            ("smtps://user:secret@mail.example", true),
            ("smtp://mail.example:587?tls=required", true),
            ("http://mail.example", false),
            ("mail.example", false),
        ] {
            assert_eq!(url.parse::<SmtpUrl>().is_ok(), sound, "{url}");
        }
        let secret: SmtpUrl = "smtps://user:secret@mail.example".parse().expect("a URL");
        assert!(!format!("{secret:?}").contains("secret"));
    }
}
