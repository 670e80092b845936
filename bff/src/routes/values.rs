//! Values of one request: parameters, its caller, and what the upstream answered.

use std::borrow::Cow;

use crate::{
    compose::{
        params::Params,
        plan::{ParamValue, Piece, SessionField, Template, UserField, Value},
        scan::Capture,
    },
    identity::Caller,
};

/// What is known of an answer, so far as templates may name it.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// The first value at each path.
    pub(super) found: Vec<(Capture, Box<str>)>,
    /// The last segment of `Location`.
    pub(super) location: Option<Box<str>>,
}

/// All that a template may name.
#[derive(Debug)]
pub(super) struct Values<'v> {
    pub(super) params: &'v Params,
    pub(super) caller: Option<&'v Caller>,
    pub(super) answered: Option<&'v Answered>,
    pub(super) recalled: &'v [Option<Box<str>>],
}

impl<'v> Values<'v> {
    /// Before anything was answered.
    pub(super) const fn of(params: &'v Params, caller: Option<&'v Caller>) -> Self {
        Self { params, caller, answered: None, recalled: &[] }
    }

    /// A value as text; nothing where it is absent.
    pub(super) fn text(&self, value: &Value) -> Option<Cow<'v, str>> {
        let borrowed = |text: &'v str| Cow::Borrowed(text);
        match value {
            Value::Param(id) => self.params.get(id.index())?.as_ref().map(text_of),
            Value::User(UserField::Id) => self.caller.map(|caller| borrowed(caller.user.as_str())),
            Value::User(UserField::Username) => {
                self.caller.and_then(|caller| caller.session.profile.username()).map(borrowed)
            }
            Value::User(UserField::DisplayName) => {
                self.caller.and_then(|caller| caller.session.profile.display_name()).map(borrowed)
            }
            Value::Session(SessionField::Client) => {
                self.caller.map(|caller| borrowed(&caller.session.client))
            }
            Value::Session(SessionField::Address) => {
                self.caller.map(|caller| borrowed(&caller.session.address))
            }
            Value::Session(SessionField::Id) => {
                self.caller.map(|caller| Cow::Owned(caller.session.public_id()))
            }
            Value::Response(capture) => {
                let found = &self.answered?.found;
                found.iter().find(|(known, _)| known == capture).map(|(_, text)| borrowed(text))
            }
            Value::ResponseLocation => self.answered?.location.as_deref().map(borrowed),
            Value::Recalled(place) => self.recalled.get(usize::from(*place))?.as_deref().map(borrowed),
            // Objects are no text, and a route has no parts.
            Value::User(UserField::Card) | Value::Session(SessionField::All) | Value::Part(..) => None,
        }
    }

    /// A template as text; nothing where one of its values is absent.
    pub(super) fn template(&self, template: &Template) -> Option<Cow<'v, str>> {
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

    /// A value as JSON; null where it is absent.
    pub(super) fn write_json(&self, value: &Value, out: &mut Vec<u8>) {
        let param = match value {
            Value::Param(id) => self.params.get(id.index()).and_then(Option::as_ref),
            _ => None,
        };
        // Writing text, numbers and booleans to memory does not fail.
        let _ = match param {
            Some(ParamValue::Integer(number)) => serde_json::to_writer(out, number),
            Some(ParamValue::Boolean(one)) => serde_json::to_writer(out, one),
            Some(ParamValue::Text(text)) => serde_json::to_writer(out, text),
            None => serde_json::to_writer(out, &self.text(value)),
        };
    }
}

fn text_of(value: &ParamValue) -> Cow<'_, str> {
    match value {
        ParamValue::Text(text) => Cow::Borrowed(text),
        ParamValue::Integer(number) => Cow::Owned(number.to_string()),
        ParamValue::Boolean(one) => Cow::Borrowed(if *one { "true" } else { "false" }),
    }
}
