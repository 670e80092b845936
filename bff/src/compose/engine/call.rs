//! Calls, out of a plan and the values of one composition.

use schemas::Id;

use super::{
    asked::Asked,
    values::{NoAnswers, Values, write_string},
};
use crate::compose::{
    params::encode_segment,
    plan::{BodyPiece, CallPlan, PathPiece, QueryValue, Value},
};

/// A call that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedCall {
    /// Path and query, percent-encoded, below the upstream's URL.
    pub target: String,
    /// Headers beyond the gateway's own.
    pub send: Vec<(Box<str>, String)>,
    /// JSON.
    pub body: Option<Vec<u8>>,
}

/// Why a call cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unprepared {
    /// The caller names what cannot be: 404.
    NotFound,
    /// A part's answer holds no id where one must stand.
    Invalid,
    /// A value that the path cannot do without is absent: there is nothing to ask after.
    Absent,
}

/// The ids of a look-up's call.
#[derive(Debug, Clone, Copy)]
pub enum Ids<'i> {
    /// It is none.
    None,
    One(&'i str),
    Many(&'i [Id]),
}

/// Prepares a call.
///
/// # Errors
/// [`Unprepared`].
pub fn prepare(plan: &CallPlan, values: &Values<'_>, ids: Ids<'_>) -> Result<PreparedCall, Unprepared> {
    let mut target = path_of(plan, values, ids)?;
    add_query(plan, values, ids, &mut target)?;
    let mut send = Vec::new();
    for (name, template) in &plan.send {
        if let Some(value) = values.template(template) {
            send.push((name.clone(), value.into_owned()));
        }
    }
    let body = plan.body.as_deref().map(|pieces| body_of(pieces, values, ids));
    Ok(PreparedCall { target, send, body })
}

fn path_of(plan: &CallPlan, values: &Values<'_>, ids: Ids<'_>) -> Result<String, Unprepared> {
    let mut target = String::with_capacity(128);
    for piece in &plan.path {
        match piece {
            PathPiece::Text(text) => target.push_str(text),
            PathPiece::Id { value, reserved } => {
                let wrong =
                    if matches!(value, Value::Part(..)) { Unprepared::Invalid } else { Unprepared::NotFound };
                let id = values.text(value).ok_or(Unprepared::Absent)?;
                if !Id::is_valid(&id) || reserved.iter().any(|literal| **literal == *id) {
                    return Err(wrong);
                }
                target.push_str(&id);
            }
            PathPiece::LookupId { reserved } => {
                let Ids::One(id) = ids else { return Err(Unprepared::Absent) };
                if !Id::is_valid(id) || reserved.iter().any(|literal| **literal == *id) {
                    return Err(Unprepared::NotFound);
                }
                target.push_str(id);
            }
            PathPiece::Rest(value) => {
                let rest = values.text(value).ok_or(Unprepared::Absent)?;
                for (place, segment) in rest.split('/').enumerate() {
                    if place > 0 {
                        target.push('/');
                    }
                    encode_segment(segment, &mut target);
                }
            }
        }
    }
    Ok(target)
}

fn add_query(
    plan: &CallPlan,
    values: &Values<'_>,
    ids: Ids<'_>,
    target: &mut String,
) -> Result<(), Unprepared> {
    let mut sign = '?';
    let mut pair = |target: &mut String, name: &str| {
        target.push(std::mem::replace(&mut sign, '&'));
        target.push_str(name);
        target.push('=');
    };
    for one in &plan.query {
        match (&one.value, ids) {
            (QueryValue::Template(template), _) => {
                if let Some(value) = values.template(template) {
                    pair(target, &one.name);
                    encode_segment(&value, target);
                }
            }
            (QueryValue::LookupIds { explode: true }, Ids::Many(ids)) => {
                for id in ids {
                    pair(target, &one.name);
                    target.push_str(id.as_str());
                }
            }
            (QueryValue::LookupIds { explode: false }, Ids::Many(ids)) => {
                pair(target, &one.name);
                for (place, id) in ids.iter().enumerate() {
                    if place > 0 {
                        target.push(',');
                    }
                    target.push_str(id.as_str());
                }
            }
            (QueryValue::LookupIds { .. } | QueryValue::LookupId, Ids::One(id)) => {
                pair(target, &one.name);
                encode_segment(id, target);
            }
            (QueryValue::LookupIds { .. } | QueryValue::LookupId, _) => return Err(Unprepared::Absent),
        }
    }
    Ok(())
}

fn body_of(pieces: &[BodyPiece], values: &Values<'_>, ids: Ids<'_>) -> Vec<u8> {
    let mut body = Vec::with_capacity(256);
    let id = |id: &str, as_number: bool, body: &mut Vec<u8>| {
        // Only what is a number may stand there as one.
        if as_number && id.parse::<i64>().is_ok_and(|number| number.to_string() == id) {
            body.extend_from_slice(id.as_bytes());
        } else {
            write_string(id, body);
        }
    };
    for piece in pieces {
        match (piece, ids) {
            (BodyPiece::Json(json), _) => body.extend_from_slice(json.as_bytes()),
            (BodyPiece::Value(value), _) => values.write_json(value, &mut body),
            (BodyPiece::LookupIds { as_numbers }, Ids::Many(ids)) => {
                body.push(b'[');
                for (place, one) in ids.iter().enumerate() {
                    if place > 0 {
                        body.push(b',');
                    }
                    id(one.as_str(), *as_numbers, &mut body);
                }
                body.push(b']');
            }
            (BodyPiece::LookupId { as_number }, Ids::One(one)) => id(one, *as_number, &mut body),
            (BodyPiece::LookupIds { .. } | BodyPiece::LookupId { .. }, _) => body.extend_from_slice(b"null"),
        }
    }
    body
}

/// Prepares the call of a look-up, for whoever gathers ids over concurrent callers.
///
/// # Errors
/// [`Unprepared`].
pub fn prepare_lookup(plan: &CallPlan, asked: &Asked<'_>, ids: Ids<'_>) -> Result<PreparedCall, Unprepared> {
    prepare(plan, &Values { asked, answers: &NoAnswers }, ids)
}
