//! What placeholders stand for: parameters, the user, values of parts, of an answer, of what was remembered.

use std::cell::{Cell, RefCell};

use super::super::{
    contract::{Segment as Step, ShapePath},
    mistake::{Spot, but, did_you_mean, quoted},
    text::{Placeholder, TemplateText, TextPiece},
};
use super::context::{Context, Shape};
use crate::compose::{
    plan::{ParamId, ParamPlan, ParamSource, PartId, Piece, Template, UserField, Value},
    scan::Capture,
};

/// An answer whose values placeholders, tags and joins name.
pub(super) struct Answer<'t> {
    pub(super) name: &'t str,
    /// Of the whole answer.
    pub(super) shape: Shape<'t>,
    /// Where the part begins in it (`at`).
    pub(super) prefix: Vec<Step>,
    /// The paths that are captured, by their numbers.
    pub(super) captures: RefCell<Vec<ShapePath>>,
}

impl<'t> Answer<'t> {
    pub(super) fn new(name: &'t str, shape: Shape<'t>, at: Option<&ShapePath>) -> Self {
        let prefix = at.map(|at| at.0.clone()).unwrap_or_default();
        Self { name, shape, prefix, captures: RefCell::default() }
    }

    /// A path into the part as one into the whole answer.
    pub(super) fn whole(&self, path: &[Step]) -> ShapePath {
        ShapePath([self.prefix.as_slice(), path].concat())
    }

    /// What stands at a path into the part.
    pub(super) fn at(&self, path: &[Step]) -> Result<Shape<'t>, super::super::contract::PathMistake> {
        self.shape.at(&self.whole(path))
    }

    /// The number of the ids at a path into the part.
    pub(super) fn capture(&self, cx: &Context<'_>, path: &ShapePath, spot: &Spot) -> Option<Capture> {
        let there = cx.report.take(spot, self.at(&path.0))?;
        if !there.can_be_id() {
            let shown = path.to_string();
            cx.mistake(
                spot,
                format_args!("{}: by the contract, this is no id (a string or an integer)", quoted(&shown)),
            );
            return None;
        }
        let (mut captures, whole) = (self.captures.borrow_mut(), self.whole(&path.0));
        let place = captures.iter().position(|known| *known == whole).unwrap_or_else(|| {
            captures.push(whole);
            captures.len() - 1
        });
        Some(Capture(u16::try_from(place).unwrap_or(u16::MAX)))
    }
}

/// Where a placeholder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// In a path. `guarded`: only signed-in callers get there.
    Path {
        guarded: bool,
    },
    Elsewhere,
}

/// What placeholders may name.
pub(super) struct Scope<'t, 'a> {
    pub(super) cx: &'t Context<'t>,
    pub(super) params: &'a [ParamPlan],
    /// Which parameters something uses.
    pub(super) used: Vec<Cell<bool>>,
    pub(super) open: bool,
    /// The parts of a screen, or the answer of a route.
    pub(super) answers: &'a [Answer<'t>],
    /// Whether `{response.…}` is the answer.
    pub(super) is_route: bool,
    pub(super) recalls: Vec<&'t str>,
}

impl<'t, 'a> Scope<'t, 'a> {
    pub(super) fn new(
        cx: &'t Context<'t>,
        params: &'a [ParamPlan],
        open: bool,
        answers: &'a [Answer<'t>],
    ) -> Self {
        let used = params.iter().map(|_| Cell::new(false)).collect();
        Self { cx, params, used, open, answers, is_route: false, recalls: Vec::new() }
    }

    /// What a placeholder stands for.
    pub(super) fn value(&self, one: &Placeholder, spot: &Spot, used: Use) -> Option<Value> {
        let unknown = |what: String| {
            self.cx.mistake(spot, what);
            None
        };
        match (one.head.as_str(), one.path.0.as_slice()) {
            ("user", path) => self.user(one, path, spot, used),
            ("session", _) => unknown(format!("{one} stands in documents alone")),
            ("response", [Step::Field(name)]) if self.is_route && name == "location" => {
                Some(Value::ResponseLocation)
            }
            ("response", path) if self.is_route && !path.is_empty() => {
                let Some(answer) = self.answers.first() else {
                    return unknown(format!("{one}: there is no answer with content"));
                };
                answer.capture(self.cx, &one.path, spot).map(Value::Response)
            }
            (name, []) => {
                if let Some(place) = self.recalls.iter().position(|recall| *recall == name) {
                    return Some(Value::Recalled(u16::try_from(place).unwrap_or(u16::MAX)));
                }
                let Some(param) = self.param(name) else { return unknown(self.nothing(one)) };
                let is_rest = self.params[param.index()].source == ParamSource::Rest;
                if is_rest != one.rest {
                    return unknown(format!(
                        "{one}: the rest of a path is written {{{name}..}}, and stands by itself"
                    ));
                }
                Some(Value::Param(param))
            }
            (name, _) => {
                let part =
                    self.answers.iter().position(|answer| answer.name == name).filter(|_| !self.is_route);
                let Some(part) = part else { return unknown(self.nothing(one)) };
                let capture = self.answers[part].capture(self.cx, &one.path, spot)?;
                Some(Value::Part(PartId(u16::try_from(part).unwrap_or(u16::MAX)), capture))
            }
        }
    }

    /// The place of a parameter, which is used from now on.
    pub(super) fn param(&self, name: &str) -> Option<ParamId> {
        let place = self.params.iter().position(|param| *param.name == *name)?;
        self.used[place].set(true);
        Some(ParamId(u16::try_from(place).unwrap_or(u16::MAX)))
    }

    fn user(&self, one: &Placeholder, path: &[Step], spot: &Spot, used: Use) -> Option<Value> {
        let name = if let [Step::Field(name)] = path { name.as_str() } else { "" };
        let field = match name {
            "id" => UserField::Id,
            "username" => UserField::Username,
            "displayName" => UserField::DisplayName,
            _ => {
                self.cx.mistake(
                    spot,
                    format_args!("{one}: there are `user.id`, `user.username` and `user.displayName`"),
                );
                return None;
            }
        };
        if self.open && used == (Use::Path { guarded: false }) {
            let why = "who is not signed in has none, and anybody may call: use it in a part with `when`";
            self.cx.mistake(spot, format_args!("{one}: {why}"));
            return None;
        }
        Some(Value::User(field))
    }

    fn nothing(&self, one: &Placeholder) -> String {
        let params = self.params.iter().map(|param| &*param.name);
        let parts = self.answers.iter().map(|answer| answer.name).filter(|_| !self.is_route);
        let names: Vec<&str> = params.chain(parts).chain(self.recalls.iter().copied()).collect();
        let is_part = self.answers.iter().any(|answer| answer.name == one.head);
        if is_part && one.path.0.is_empty() {
            return format!("{one} is a part; name a value in it: {{{}.field}}", one.head);
        }
        let near = did_you_mean(&one.head, names.iter().copied());
        let known = but(names);
        format!("{one}: there is no parameter or part of that name{near}{known}")
    }

    /// Text with placeholders in it.
    pub(super) fn template(&self, text: &TemplateText, spot: &Spot) -> Option<Template> {
        let piece = |piece: &TextPiece| match piece {
            TextPiece::Text(text) => Some(Piece::Text(text.as_str().into())),
            TextPiece::Value(one) => self.value(one, spot, Use::Elsewhere).map(Piece::Value),
        };
        // All mistakes of a text, and not the first.
        let pieces: Vec<_> = text.0.iter().map(piece).collect();
        pieces.into_iter().collect::<Option<Vec<_>>>().map(|pieces| Template(pieces.into()))
    }

    /// The names of parameters that nothing uses.
    pub(super) fn unused(&self) -> impl Iterator<Item = &str> {
        self.params.iter().zip(&self.used).filter(|(_, used)| !used.get()).map(|(param, _)| &*param.name)
    }
}
