//! The languages that mail is written in.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::ACCEPT_LANGUAGE};

use crate::http::Failure;

/// A language of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locale {
    English,
    Korean,
}

/// What the call's `Accept-Language` asks for (RFC 9110 section 12.5.4); English otherwise.
pub(crate) struct Language(pub(crate) Locale);

impl Locale {
    const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// Its tag (RFC 5646).
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// That of a tag such as `ko-KR`; English for every language that mail is not written in.
    pub(crate) fn of_tag(tag: &str) -> Self {
        Self::known(tag).unwrap_or(Self::English)
    }

    fn known(tag: &str) -> Option<Self> {
        let language = tag.split('-').next().unwrap_or_default().trim();
        Self::ALL.into_iter().find(|locale| locale.tag().eq_ignore_ascii_case(language))
    }

    /// The one with the highest weight among those of a header.
    fn of_header(header: &str) -> Self {
        let mut best = (0.0, Self::English);
        for one in header.split(',').take(32) {
            let mut parts = one.split(';');
            let known = parts.next().and_then(Self::known);
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse::<f32>().ok());
            let weight = weight.unwrap_or(1.0);
            if let Some(locale) = known.filter(|_| weight > best.0) {
                best = (weight, locale);
            }
        }
        best.1
    }
}

impl FromRequest for Language {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        ready(Ok(Self(Locale::of_header(header.unwrap_or_default()))))
    }
}

#[cfg(test)]
mod tests {
    use super::Locale;

    #[test]
    fn the_language_is_the_one_that_is_liked_best() {
        for (header, locale) in [
            ("", Locale::English),
            ("ko", Locale::Korean),
            ("ko-KR,ko;q=0.9,en;q=0.8", Locale::Korean),
            ("en-GB, ko;q=0.5", Locale::English),
            ("en;q=0.4, KO;q=0.5", Locale::Korean),
            ("fr, ko;q=0.1", Locale::Korean),
            ("korean, *", Locale::English),
            ("ko;q=0", Locale::English),
            ("ko;q=nan, en", Locale::English),
        ] {
            assert_eq!(Locale::of_header(header), locale, "{header}");
        }
        assert_eq!(Locale::of_tag("ko-KR"), Locale::Korean);
        assert_eq!(Locale::of_tag("\r\nBcc: x"), Locale::English);
    }
}
