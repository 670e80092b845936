//! Values of parameters, callers and parts: as text in calls and tags, as JSON in bodies and documents.

use std::borrow::Cow;

use super::asked::Asked;
use crate::compose::{
    params::encode_segment,
    plan::{Condition, ParamValue, PartId, Piece, SessionField, Template, UserField, Value},
    scan::Capture,
};

/// Where values come from that the request does not hold. A screen has parts, a route has the rest.
pub trait Answers: Sync {
    /// The first value at a path of a part's answer.
    fn first(&self, _: PartId, _: Capture) -> Option<Cow<'_, str>> {
        None
    }

    /// The first value at a path of the answer that a route passes through.
    fn response(&self, _: Capture) -> Option<Cow<'_, str>> {
        None
    }

    /// The last segment of its `Location`.
    fn location(&self) -> Option<&str> {
        None
    }

    /// What a route recalls, by its place in the plan.
    fn recalled(&self, _: u16) -> Option<&str> {
        None
    }
}

/// Nothing was answered yet.
#[derive(Debug, Clone, Copy)]
pub struct NoAnswers;

impl Answers for NoAnswers {}

/// The values that a plan may name, of one composition or one request to a route.
#[derive(Clone, Copy)]
pub struct Values<'v> {
    pub asked: &'v Asked<'v>,
    pub answers: &'v dyn Answers,
}

impl<'v> Values<'v> {
    /// A value as text; nothing where it is absent.
    #[must_use]
    pub fn text(&self, value: &Value) -> Option<Cow<'v, str>> {
        let (user, session) = (self.asked.user, self.asked.session);
        match value {
            Value::Param(id) => match self.asked.params.get(id.index())?.as_ref()? {
                ParamValue::Text(text) => Some(Cow::Borrowed(text)),
                ParamValue::Integer(number) => Some(Cow::Owned(number.to_string())),
                ParamValue::Boolean(one) => Some(Cow::Borrowed(if *one { "true" } else { "false" })),
            },
            Value::User(UserField::Id) => user.map(|user| Cow::Borrowed(user.id.as_str())),
            Value::User(UserField::Username) => user?.username.as_deref().map(Cow::Borrowed),
            Value::User(UserField::DisplayName) => user?.display_name.as_deref().map(Cow::Borrowed),
            Value::Session(SessionField::Id) => session.map(|session| Cow::Borrowed(&*session.id)),
            Value::Session(SessionField::Client) => session.map(|session| Cow::Borrowed(&*session.client)),
            Value::Session(SessionField::Address) => session.map(|session| Cow::Borrowed(&*session.address)),
            Value::Part(part, capture) => self.answers.first(*part, *capture),
            Value::Response(capture) => self.answers.response(*capture),
            Value::ResponseLocation => self.answers.location().map(Cow::Borrowed),
            Value::Recalled(place) => self.answers.recalled(*place).map(Cow::Borrowed),
            // Objects are no text.
            Value::User(UserField::Card) | Value::Session(SessionField::All) => None,
        }
    }

    /// A template as text; nothing where one of its values is absent.
    #[must_use]
    pub fn template(&self, template: &Template) -> Option<Cow<'v, str>> {
        if let [Piece::Value(value)] = &*template.0 {
            return self.text(value);
        }
        let mut text = String::new();
        for piece in &template.0 {
            match piece {
                Piece::Text(one) => text.push_str(one),
                Piece::Value(value) => text.push_str(&self.text(value)?),
            }
        }
        Some(Cow::Owned(text))
    }

    /// A template as a path, its values percent-encoded; nothing where one of them is absent or is a dot segment.
    #[must_use]
    pub fn path(&self, template: &Template) -> Option<String> {
        let mut path = String::new();
        for piece in &template.0 {
            match piece {
                Piece::Text(text) => path.push_str(text),
                Piece::Value(value) => {
                    let text = self.text(value).filter(|text| !matches!(&**text, "" | "." | ".."))?;
                    encode_segment(&text, &mut path);
                }
            }
        }
        Some(path)
    }

    /// Whether a part is asked for.
    pub(super) fn holds(&self, condition: &Condition) -> bool {
        let Some(user) = self.asked.user else { return false };
        match condition {
            Condition::SignedIn => true,
            Condition::UserIs { value, equal } => {
                (self.text(value).as_deref() == Some(user.id.as_str())) == *equal
            }
        }
    }

    /// Writes a value as JSON; null where it is absent.
    pub fn write_json(&self, value: &Value, out: &mut Vec<u8>) {
        match value {
            Value::Param(id) => match self.asked.params.get(id.index()).and_then(Option::as_ref) {
                Some(ParamValue::Text(text)) => write_string(text, out),
                Some(ParamValue::Integer(number)) => {
                    out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
                }
                Some(ParamValue::Boolean(one)) => {
                    out.extend_from_slice(if *one { b"true" } else { b"false" });
                }
                None => out.extend_from_slice(b"null"),
            },
            Value::User(UserField::Card) => {
                let card = self.asked.user.and_then(|user| user.card.as_ref());
                out.extend_from_slice(card.map_or(b"null", |card| card.as_bytes()));
            }
            Value::Session(SessionField::All) => match self.asked.session {
                Some(session) => {
                    out.extend_from_slice(b"{\"id\":");
                    write_string(&session.id, out);
                    out.extend_from_slice(b",\"client\":");
                    write_string(&session.client, out);
                    out.extend_from_slice(b",\"address\":");
                    write_string(&session.address, out);
                    out.push(b'}');
                }
                None => out.extend_from_slice(b"null"),
            },
            value => match self.text(value) {
                Some(text) => write_string(&text, out),
                None => out.extend_from_slice(b"null"),
            },
        }
    }
}

/// Writes a JSON string (RFC 8259 section 7).
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing to memory does not fail, and text always serialises.
    let _ = serde_json::to_writer(out, text);
}
