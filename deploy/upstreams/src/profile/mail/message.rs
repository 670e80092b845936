//! A mail as it goes out: plain text, in UTF-8.

use std::time::Duration;

use lettre::{
    Message,
    address::AddressError,
    message::{Mailbox, header},
};

use super::{Kind, Locale, texts};

/// What goes into a mail.
pub(super) struct Draft<'a> {
    pub(super) kind: Kind,
    pub(super) locale: Locale,
    pub(super) sender: &'a Mailbox,
    pub(super) recipient: &'a str,
    /// Where it leads, and for how long.
    pub(super) link: Option<(String, Duration)>,
    /// Names this try: a mail program must not take the next one, whose link alone is good, for the same mail.
    pub(super) id: String,
}

/// A mail that cannot be written: it is given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum DraftError {
    #[error("the recipient's address")]
    Recipient(#[from] AddressError),
    #[error("the message")]
    Message(#[from] lettre::error::Error),
}

impl Draft<'_> {
    pub(super) fn message(self) -> Result<Message, DraftError> {
        let (subject, text) = self.filled();
        // An address is parsed, never pasted: nothing in it can begin another header.
        let recipient = Mailbox::new(None, self.recipient.parse()?);
        let domain = self.sender.email.domain();
        let message = Message::builder()
            .from(self.sender.clone())
            .to(recipient)
            .subject(subject)
            .message_id(Some(format!("<{}@{domain}>", self.id)))
            // RFC 3834 section 5: nothing that answers by itself is to answer this.
            .header(AutoSubmitted)
            .header(header::ContentType::TEXT_PLAIN)
            .body(text)?;
        Ok(message)
    }

    pub(super) fn filled(&self) -> (String, String) {
        let (subject, text) = texts::of(self.kind, self.locale);
        let site = self.sender.name.as_deref().unwrap_or_else(|| self.sender.email.domain());
        let (link, life) = self.link.as_ref().map_or(("", Duration::ZERO), |(link, life)| (link, *life));
        let minutes = life.as_secs().div_ceil(60).to_string();
        let text = text.replace("{link}", link).replace("{minutes}", &minutes);
        (subject.replace("{site}", site), text)
    }
}

#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Draft, Kind, Locale};

    fn draft<'a>(
        kind: Kind,
        locale: Locale,
        recipient: &'a str,
        sender: &'a lettre::message::Mailbox,
    ) -> Draft<'a> {
        let link = Some(("https://app.example/x#token=abc".to_owned(), Duration::from_secs(1800)));
        Draft { kind, locale, sender, recipient, link, id: "7".to_owned() }
    }

    #[test]
    fn every_mail_is_written_in_every_language() {
        let sender = "Recipe book <no-reply@example.org>".parse().expect("a mailbox");
        for locale in [Locale::English, Locale::Korean] {
            for kind in Kind::ALL {
                let (subject, text) = draft(kind, locale, "a@b.example", &sender).filled();
                assert!(subject.starts_with("Recipe book: ") && text.len() > 80, "{kind:?}");
                assert!(!text.contains('{') && !subject.contains('{'), "{text}");
                let has_link = text.contains("https://app.example/x#token=abc");
                assert_eq!(has_link, kind.page().is_some(), "{kind:?}");
                assert_eq!(text.contains("30"), has_link, "{kind:?}");
                assert_eq!(locale == Locale::Korean, text.contains("안녕하세요"), "{text}");
            }
        }
    }

    #[test]
    fn an_address_adds_no_header() {
        let sender = "Recipe book <no-reply@example.org>".parse().expect("a mailbox");
        for bad in [
            "a@b.example\r\nBcc: c@d.example",
            "a@b.example\nSubject: x",
            "a\0@b.example",
            "a@b.example>",
            "",
        ] {
            assert!(
                draft(Kind::PasswordChanged, Locale::English, bad, &sender).message().is_err(),
                "{bad:?}"
            );
        }
        let good = draft(Kind::PasswordChanged, Locale::Korean, "a@b.example", &sender).message();
        let text = String::from_utf8(good.expect("a mail").formatted()).expect("ASCII");
        assert!(
            text.contains("Auto-Submitted: auto-generated\r\n")
                && text.contains("Message-ID: <7@example.org>")
        );
        assert!(text.contains("To: a@b.example\r\n"), "{text}");
    }
}
