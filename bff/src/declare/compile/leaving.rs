//! How a member leaves: the calls of `accounts.delete` and `accounts.export`, checked against their contracts.

use http::Method;

use super::super::{
    contract::{ParameterPlace, ShapePath},
    mistake::{At, did_you_mean, quoted},
    read::Accounts,
    text::{CallText, Placeholder, TextPiece, encoded},
};
use super::{
    call::{Target, operation_name},
    context::Context,
};
use crate::compose::plan::{LeavingPlan, MemberCall, MemberPiece};

/// Compiles what `[accounts]` says of it.
pub(super) fn leaving(cx: &Context<'_>, accounts: &Accounts) -> LeavingPlan {
    let delete = accounts.delete.iter().filter_map(|text| call(cx, text, &Method::DELETE));
    let export = accounts
        .export
        .iter()
        .filter_map(|(name, text)| Some((name.as_str().into(), call(cx, text, &Method::GET)?)));
    let drops = accounts.drops.iter().map(|tag| {
        cx.check_tag(tag, false);
        if tag.id.as_ref().is_some_and(|id| !is_id(id)) {
            cx.mistake(&tag.spot, "a tag of a member is `KIND:{id}`");
        }
        tag.kind.as_str().into()
    });
    LeavingPlan { delete: delete.collect(), export: export.collect(), drops: drops.collect() }
}

fn is_id(one: &Placeholder) -> bool {
    one.head == "id" && one.path.0.is_empty() && !one.rest
}

fn is_cursor(one: &Placeholder) -> bool {
    one.head == "cursor" && one.path.0.is_empty() && !one.rest
}

fn call(cx: &Context<'_>, text: &At<CallText>, method: &Method) -> Option<MemberCall> {
    let target = Target::of(cx, text, method)?;
    let mut pieces = Pieces::default();
    let (mut names_member, mut reserved, mut sound) = (false, Vec::new(), true);
    for (place, segment) in text.segments.iter().enumerate() {
        pieces.text("/");
        for piece in &segment.0.0 {
            match piece {
                TextPiece::Text(literal) => pieces.text(&encoded(literal, true)),
                TextPiece::Value(one) if is_id(one) => {
                    names_member = true;
                    pieces.push(MemberPiece::Id);
                    let matched = target.matched.iter().flat_map(|matched| &matched.reserved);
                    let names = matched.filter(|(segment, _)| *segment == place).flat_map(|(_, names)| names);
                    reserved.extend(names.map(|name| Box::from(*name)));
                }
                TextPiece::Value(one) => {
                    cx.mistake(&text.spot, format_args!("{one}: the path of such a call has {{id}} alone"));
                    sound = false;
                }
            }
        }
    }
    if !names_member {
        cx.mistake(&text.spot, "does not say whose account it is: {id} is missing in its path");
    }
    let is_read = *method == Method::GET;
    sound &= query(cx, text, &target, &mut pieces, is_read);
    if is_read {
        check_pages(cx, text, &target);
    }
    let may_be_absent = target.operation().is_none_or(|operation| operation.names_status(404));
    let operation = schemas::intern(&operation_name(target.operation(), method, text));
    let target_pieces = pieces.finish();
    sound.then(|| MemberCall {
        upstream: target.upstream,
        operation,
        target: target_pieces.into(),
        reserved: reserved.into(),
        may_be_absent,
    })
}

/// The query: literals, and `{cursor}` of an export.
fn query(
    cx: &Context<'_>,
    text: &At<CallText>,
    target: &Target<'_>,
    pieces: &mut Pieces,
    is_read: bool,
) -> bool {
    let mut sound = true;
    for (place, (name, value)) in text.query.iter().enumerate() {
        if let Some(operation) = target.operation()
            && operation.parameter(ParameterPlace::Query, name).is_none()
        {
            let known = operation.parameters.iter().filter(|one| one.place == ParameterPlace::Query);
            let near = did_you_mean(name, known.map(|one| one.name.as_str()));
            cx.mistake(
                &text.spot,
                format_args!("the contract has no query parameter {}{near}", quoted(name)),
            );
            sound = false;
        }
        pieces.text(if place == 0 { "?" } else { "&" });
        pieces.text(&encoded(name, false));
        pieces.text("=");
        for piece in &value.0 {
            match piece {
                TextPiece::Text(literal) => pieces.text(&encoded(literal, false)),
                TextPiece::Value(one) if is_read && is_cursor(one) => pieces.push(MemberPiece::Cursor),
                TextPiece::Value(one) => {
                    let may = if is_read { "{cursor} alone" } else { "no placeholders" };
                    cx.mistake(&text.spot, format_args!("{one}: the query of such a call has {may}"));
                    sound = false;
                }
            }
        }
    }
    sound
}

/// By the contract, an export answers with pages.
fn check_pages(cx: &Context<'_>, text: &At<CallText>, target: &Target<'_>) {
    let answer = target.answer(cx, &text.spot);
    let Ok(items) = "items".parse::<ShapePath>() else { return };
    if answer.contract.is_some() && !answer.at(&items).is_ok_and(|items| items.is_list()) {
        cx.mistake(
            &text.spot,
            "by the contract, the answer has no list `items`: an export is `{items, nextCursor}`",
        );
    }
}

/// The pieces of a target.
#[derive(Default)]
struct Pieces {
    done: Vec<MemberPiece>,
    text: String,
}

impl Pieces {
    fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn push(&mut self, piece: MemberPiece) {
        if !self.text.is_empty() {
            self.done.push(MemberPiece::Text(std::mem::take(&mut self.text).into()));
        }
        self.done.push(piece);
    }

    fn finish(mut self) -> Vec<MemberPiece> {
        if !self.text.is_empty() {
            self.done.push(MemberPiece::Text(self.text.into()));
        }
        self.done
    }
}
