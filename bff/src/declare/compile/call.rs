//! Calls to upstreams, checked against their contracts.

use http::Method;

use super::super::{
    contract::{CallMatch, CallSegment, Operation, ParameterPlace},
    mistake::{At, Spot, but, did_you_mean, quoted},
    read::Request,
    text::{BodyText, BodyTextPiece, CallText, SegmentPiece, TemplateText, TextPiece, encoded},
};
use super::{
    context::{Context, Shape},
    scope::{Scope, Use},
};
use crate::compose::plan::{
    BodyPiece, CallPlan, PathPiece, Piece, QueryPair, QueryValue, Template, UpstreamId, Value,
};

/// Headers of a call that the gateway sends by itself.
const OWN_HEADERS: [&str; 9] = [
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-request-timeout-ms",
    "authorization",
    "accept",
    "if-none-match",
    "idempotency-key",
    "content-type",
];

/// What a declared call means in its contract.
pub(super) struct Target<'t> {
    pub(super) upstream: UpstreamId,
    pub(super) matched: Option<CallMatch<'t>>,
    pub(super) contract: Option<&'t super::super::contract::Contract>,
}

impl<'t> Target<'t> {
    /// Finds what a call means. A call that its contract does not know is a mistake, and taken as untyped.
    pub(super) fn of(cx: &Context<'t>, call: &At<CallText>, method: &Method) -> Option<Self> {
        let (upstream, contract) = cx.upstream(call)?;
        let is_rest = call.segments.iter().any(|segment| segment.kind() == SegmentPiece::Rest);
        let segments: Vec<CallSegment<'_>> = call
            .segments
            .iter()
            .map(|segment| match segment.kind() {
                SegmentPiece::Literal(text) => CallSegment::Literal(text),
                _ => CallSegment::Placeholder,
            })
            .collect();
        // Which operations the rest of a path leads to is not known.
        let found = contract.filter(|_| !is_rest).map(|contract| contract.find(method.as_str(), &segments));
        let matched = found.and_then(|found| cx.report.take(&call.spot, found));
        let contract = contract.filter(|_| matched.is_some());
        Some(Self { upstream, matched, contract })
    }

    pub(super) fn operation(&self) -> Option<&'t Operation> {
        self.matched.as_ref().map(|matched| matched.operation)
    }

    /// The shape of the answer; a call that answers with something that is not JSON is a mistake.
    pub(super) fn answer(&self, cx: &Context<'_>, spot: &Spot) -> Shape<'t> {
        let Some(operation) = self.operation() else { return Shape::UNTYPED };
        let Some(success) = operation.success() else { return Shape::UNTYPED };
        match success.json() {
            Some(media) => Shape { contract: self.contract, root: media.schema },
            None => {
                let what = match success.content.first() {
                    Some(media) => {
                        format!("by the contract, the answer is {}, and not JSON", quoted(&media.media_type))
                    }
                    None => "by the contract, the answer has no content".to_owned(),
                };
                cx.mistake(spot, what);
                Shape::UNTYPED
            }
        }
    }
}

/// Compiles calls. `lookup`: `{id}` and `{ids}` are the ids that are looked up.
pub(super) struct CallCompiler<'s, 't, 'a> {
    pub(super) scope: &'s Scope<'t, 'a>,
    pub(super) lookup: bool,
    /// Only signed-in callers get there.
    pub(super) guarded: bool,
    /// Ids in bodies are numbers.
    pub(super) as_numbers: bool,
}

impl<'t> CallCompiler<'_, 't, '_> {
    fn is_lookup(&self, one: &super::super::text::Placeholder, name: &str) -> bool {
        self.lookup && one.head == name && one.path.0.is_empty() && !one.rest
    }

    /// Compiles a call.
    pub(super) fn compile(
        &self,
        target: &Target<'t>,
        call: &At<CallText>,
        method: Method,
        send: &[(At<String>, At<TemplateText>)],
    ) -> Option<CallPlan> {
        let path = self.path(target, call);
        let query: Vec<_> =
            call.query.iter().map(|(name, value)| self.pair(target, name, value, &call.spot)).collect();
        let headers: Vec<_> = send
            .iter()
            .map(|(name, value)| Some((name.as_str().into(), self.scope.template(value, &value.spot)?)))
            .collect();
        if let Some(operation) = target.operation() {
            self.check_required(operation, call, send);
        }
        Some(CallPlan {
            upstream: target.upstream,
            operation: schemas::intern(&operation_name(target.operation(), &method, call)),
            method,
            path: path?.into(),
            query: query.into_iter().collect::<Option<_>>()?,
            send: headers.into_iter().collect::<Option<_>>()?,
            body: None,
            for_nobody: false,
        })
    }

    /// Compiles the call of a part or look-up with its body.
    pub(super) fn request(
        &self,
        target: &Target<'t>,
        request: &Request,
        send: &[(At<String>, At<TemplateText>)],
    ) -> Option<CallPlan> {
        let method = if request.post { Method::POST } else { Method::GET };
        let body = request.body.as_ref().map(|body| self.body(body));
        if let Some(operation) = target.operation() {
            let spot = request.body.as_ref().map_or(&request.call.spot, |body| &body.spot);
            match (&operation.body, &request.body) {
                (None, Some(_)) => self.scope.cx.mistake(spot, "by the contract, the call has no body"),
                (Some(body), None) if body.required => {
                    self.scope.cx.mistake(spot, "by the contract, the call has a body")
                }
                _ => {}
            }
        }
        let plan = self.compile(target, &request.call, method, send);
        let body = body.map_or(Some(None), |body| body.map(Some))?;
        Some(CallPlan { body, ..plan? })
    }

    fn path(&self, target: &Target<'_>, call: &At<CallText>) -> Option<Vec<PathPiece>> {
        let (mut pieces, mut text, mut sound) = (Vec::new(), String::new(), true);
        for (place, segment) in call.segments.iter().enumerate() {
            text.push('/');
            for piece in &segment.0.0 {
                let one = match piece {
                    TextPiece::Text(literal) => {
                        text.push_str(&encoded(literal, true));
                        continue;
                    }
                    TextPiece::Value(one) => one,
                };
                if !text.is_empty() {
                    pieces.push(PathPiece::Text(std::mem::take(&mut text).into()));
                }
                let reserved = target.matched.as_ref().and_then(|matched| {
                    matched.reserved.iter().find(|(segment, _)| *segment == place).map(|(_, names)| names)
                });
                let reserved = reserved.into_iter().flatten().map(|name| Box::from(*name)).collect();
                let used = Use::Path { guarded: self.guarded };
                if self.is_lookup(one, "ids") {
                    self.scope
                        .cx
                        .mistake(&call.spot, "{ids} stands in the query or the body; in a path write {id}");
                    sound = false;
                } else if self.is_lookup(one, "id") {
                    pieces.push(PathPiece::LookupId { reserved });
                } else if let Some(value) = self.scope.value(one, &call.spot, used) {
                    pieces.push(if one.rest {
                        PathPiece::Rest(value)
                    } else {
                        PathPiece::Id { value, reserved }
                    });
                } else {
                    sound = false;
                }
            }
        }
        if !text.is_empty() {
            pieces.push(PathPiece::Text(text.into()));
        }
        sound.then_some(pieces)
    }

    fn pair(&self, target: &Target<'_>, name: &str, value: &TemplateText, spot: &Spot) -> Option<QueryPair> {
        let mut explode = false;
        let plain = decoded(name);
        if let Some(operation) = target.operation() {
            match operation.parameter(ParameterPlace::Query, &plain) {
                Some(parameter) => explode = parameter.explode,
                None => {
                    let queries =
                        operation.parameters.iter().filter(|one| one.place == ParameterPlace::Query);
                    let names: Vec<&str> = queries.map(|one| one.name.as_str()).collect();
                    let near = did_you_mean(&plain, names.iter().copied());
                    let known = but(names);
                    let what = format!("the contract has no query parameter {}{near}{known}", quoted(&plain));
                    self.scope.cx.mistake(spot, what);
                    return None;
                }
            }
        }
        let value = match value.only() {
            Some(one) if self.is_lookup(one, "ids") => QueryValue::LookupIds { explode },
            Some(one) if self.is_lookup(one, "id") => QueryValue::LookupId,
            _ => QueryValue::Template(self.query_template(value, spot)?),
        };
        Some(QueryPair { name: encoded(name, false).into(), value })
    }

    fn query_template(&self, value: &TemplateText, spot: &Spot) -> Option<Template> {
        let Template(pieces) = self.scope.template(value, spot)?;
        // What is written percent-encoded in a declaration would be encoded twice.
        let plain = |piece: Piece| match piece {
            Piece::Text(text) => Piece::Text(decoded(&text).into()),
            value @ Piece::Value(_) => value,
        };
        Some(Template(pieces.into_iter().map(plain).collect()))
    }

    fn check_required(
        &self,
        operation: &Operation,
        call: &At<CallText>,
        send: &[(At<String>, At<TemplateText>)],
    ) {
        for parameter in operation.parameters.iter().filter(|parameter| parameter.required) {
            let name = parameter.name.as_str();
            match parameter.place {
                ParameterPlace::Query => {
                    let given = call.query.iter().find(|(given, _)| decoded(given) == name);
                    let optional = |value: &TemplateText| {
                        let own = |one: &&super::super::text::Placeholder| {
                            !self.is_lookup(one, "ids") && !self.is_lookup(one, "id")
                        };
                        let mut values = value.placeholders().filter(own);
                        values.any(|one| {
                            self.scope.params.iter().any(|param| {
                                *param.name == *one.head
                                    && param.default.is_none()
                                    && !matches!(param.source, crate::compose::plan::ParamSource::Path)
                            })
                        })
                    };
                    match given {
                        None => self.scope.cx.mistake(
                            &call.spot,
                            format_args!("the contract requires the query parameter {}", quoted(name)),
                        ),
                        Some((_, value)) if optional(value) => self.scope.cx.mistake(
                            &call.spot,
                            format_args!(
                                "the contract requires the query parameter {}, which may be absent here",
                                quoted(name)
                            ),
                        ),
                        Some(_) => {}
                    }
                }
                ParameterPlace::Header => {
                    let lower = name.to_ascii_lowercase();
                    let sent = send.iter().any(|(sent, _)| **sent == lower);
                    if !sent && !OWN_HEADERS.contains(&lower.as_str()) {
                        self.scope.cx.mistake(
                            &call.spot,
                            format_args!("the contract requires the header {}", quoted(name)),
                        );
                    }
                }
                ParameterPlace::Path | ParameterPlace::Cookie => {}
            }
        }
    }

    fn body(&self, body: &At<BodyText>) -> Option<Box<[BodyPiece]>> {
        let piece = |piece: &BodyTextPiece| match piece {
            BodyTextPiece::Json(json) => Some(BodyPiece::Json(json.as_str().into())),
            BodyTextPiece::Value(one) if self.is_lookup(one, "ids") => {
                Some(BodyPiece::LookupIds { as_numbers: self.as_numbers })
            }
            BodyTextPiece::Value(one) if self.is_lookup(one, "id") => {
                Some(BodyPiece::LookupId { as_number: self.as_numbers })
            }
            BodyTextPiece::Value(one) => {
                self.scope.value(one, &body.spot, Use::Elsewhere).map(BodyPiece::Value)
            }
        };
        let pieces: Vec<_> = body.0.iter().map(piece).collect();
        pieces.into_iter().collect()
    }
}

/// As metrics name a call: the operation's id in snake_case, or the path template.
pub(super) fn operation_name(operation: Option<&Operation>, method: &Method, call: &At<CallText>) -> String {
    if let Some(id) = operation.and_then(|operation| operation.operation_id.as_deref()) {
        let mut name = String::with_capacity(id.len() + 4);
        for (place, c) in id.chars().enumerate() {
            if c.is_ascii_uppercase() && place > 0 && !name.ends_with('_') {
                name.push('_');
            }
            name.push(if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        }
        return name;
    }
    let segment = |segment: &super::super::text::Segment| match segment.kind() {
        SegmentPiece::Literal(text) => format!("/{text}"),
        SegmentPiece::Value => "/{}".to_owned(),
        SegmentPiece::Rest => "/{..}".to_owned(),
    };
    let path: String = call.segments.iter().map(segment).collect();
    format!("{method} {path}")
}

/// Text without percent-encoding; what is no UTF-8 then stays as it is.
fn decoded(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match hex.filter(|_| *byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(one) => {
                out.push(one);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// The parts whose values a call needs.
pub(super) fn needs(call: &CallPlan) -> Vec<crate::compose::plan::PartId> {
    let mut values: Vec<&Value> = Vec::new();
    values.extend(call.path.iter().filter_map(|piece| match piece {
        PathPiece::Id { value, .. } | PathPiece::Rest(value) => Some(value),
        _ => None,
    }));
    let templates = call.query.iter().filter_map(|pair| match &pair.value {
        QueryValue::Template(template) => Some(template),
        _ => None,
    });
    let templates = templates.chain(call.send.iter().map(|(_, template)| template));
    values.extend(templates.flat_map(|template| &template.0).filter_map(|piece| match piece {
        Piece::Value(value) => Some(value),
        Piece::Text(_) => None,
    }));
    values.extend(call.body.iter().flatten().filter_map(|piece| match piece {
        BodyPiece::Value(value) => Some(value),
        _ => None,
    }));
    values
        .into_iter()
        .filter_map(|value| if let Value::Part(part, _) = value { Some(*part) } else { None })
        .collect()
}
